"""The shader and Python place bubbles at the same pixel with any folds, at every bucket width and zoom."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.folds import Folds
from flow_gl.core.palette import DARK
from flow_gl.core.schema import BUBBLE
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene
from flow_gl.layers.rows import hit
from tests.render.test_any_price import PICTURES, Fixed, _chart, ink, scene_of

__all__ = ["_chart"]

TICK = 250_000_000
FIRST_NS = 1_764_342_000 * SECOND_NS
BAND_PX = 22.0


@st.composite
def folded_markets(draws: st.DrawFn) -> tuple[Scene, np.ndarray]:
    """Draw a few buckets with trades, separated by folded hours without trades."""
    lod = draws(st.sampled_from([0, 4, 5, 8]))
    width_ns = (1, 5, 15, 30, 60, 300, 900, 1800, 3600)[lod] * SECOND_NS
    at, ids, starts, ends = FIRST_NS, [], [], []
    for _ in range(draws(st.integers(1, 5))):
        for _ in range(draws(st.integers(1, 3))):
            ids.append(at // width_ns)
            at = (ids[-1] + draws(st.integers(1, 3))) * width_ns
        # A fold need not start or end with a bucket, so the middle of a bucket with trades may lie in it.
        starts.append((ids[-1] + 1) * width_ns - draws(st.sampled_from([0, width_ns // 4, 3 * width_ns // 4])))
        ends.append(starts[-1] + draws(st.integers(2 * width_ns, 10**15)))
        at = ends[-1]
    ids.append(at // width_ns)
    rows = np.zeros(len(ids), BUBBLE)
    rows["id"], rows["ts_event"] = ids, np.array(ids) * width_ns
    for field in ("price", "open", "high", "low", "close"):
        rows[field] = (100_000 + np.arange(len(ids)) % 7) * TICK
    rows["buy"], rows["trade_count"] = 10, 1
    scene = scene_of(Fixed(rows, lod, TICK), lod, rows, TICK, "bubbles")
    ns_per_px = width_ns / draws(st.sampled_from([7.0, 13.0, 40.0]))
    folded = Folds(starts, ends, BAND_PX).at(ns_per_px)
    view = replace(scene.price_view, ns_per_px=ns_per_px, folded=folded)
    right_ns = folded.shifted(view.t_right_ns, -int(draws(st.integers(0, 400)) * ns_per_px))
    view = replace(view, t_right_ns=right_ns)
    return replace(scene, price_view=view), rows


@settings(max_examples=40)
@given(folded_markets())
def test_the_shader_places_bubbles_where_python_does(drawn: tuple[Scene, np.ndarray]) -> None:
    scene, rows = drawn
    view, width_ns = scene.price_view, scene.reader.widths_ns[scene.lod]
    xs = view.bubble_xs(rows["id"], width_ns)
    ys = view.rect.y + (view.y_top - rows["price"] // TICK) / view.y_per_px
    is_seen = (xs > view.rect.x + 1) & (xs < view.rect.right - 1)
    found = ink(PICTURES.draw(scene), DARK.buy)
    places = np.stack([np.round(ys - 0.5), np.round(xs - 0.5)], axis=1).astype(int)
    assert found[tuple(places[is_seen].T)].all()
    inked = np.argwhere(found)
    if len(inked):
        distance = np.hypot(*(inked[:, None, :] - places).transpose(2, 0, 1)).min(axis=1)
        assert distance.max() <= 7.0, "something is drawn where there is no bubble"
    for x, y, row in zip(xs[is_seen], ys[is_seen], rows[is_seen], strict=True):
        hit_id = hit.bubble_at(scene, float(x), float(y))
        others = (np.abs(xs - x) < 10) & (np.abs(ys - y) < 10)
        assert hit_id == int(row["id"]) or others.sum() > 1
