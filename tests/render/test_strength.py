"""The more one-sided a bubble is, the stronger its colour: from the threshold on, up to a multiple of it."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.market.lod import FULL_TIMES, THRESHOLD, full_at
from flow_gl.core.palette import PALETTES, Palette
from flow_gl.core.schema import BUBBLE
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.shaders import shader_folder
from flow_gl.layers.base import Style
from flow_gl.layers.stack import ChartStack
from tests.kit.gl_context import draw
from tests.kit.markets import START_NS, TICK, Market, cvd_of, make_market, make_scene

APART_S = 20
SHARES = (0.0, 0.1, 0.14, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)


def strengths(stack: ChartStack, palette: Palette, sign: int) -> NDArray[np.float64]:
    """How far the middle of a disc of each of SHARES is from the ground's colour."""
    rows = np.zeros(len(SHARES) + 1, BUBBLE)
    rows["ts_event"] = START_NS + np.arange(len(rows)) * APART_S * SECOND_NS
    rows["id"], rows["ts_last"] = rows["ts_event"] // SECOND_NS, rows["ts_event"]
    rows["buy"], rows["sell"], rows["trade_count"] = 500, 500, 1
    delta = sign * np.rint(np.array(SHARES) * 500).astype(np.int64)
    rows["buy"][:-1] += delta
    rows["sell"][:-1] -= delta
    for field in ("price", "open", "high", "low", "close"):
        rows[field] = 100_000 * TICK
    market = Market(make_market(1, is_published=False).store, rows, cvd_of(rows))
    market.advance()
    scene = make_scene(
        market, span_s=APART_S * (len(rows) + 2), style=Style(palette, is_visible=frozenset({"bubbles"}))
    )
    picture, view = draw(stack, scene).astype(np.float64) / 255, scene.price_view
    y = round(view.screen_y(100_000))
    middles = [picture[y, round(view.screen_x(int(t) + SECOND_NS // 2))] for t in rows["ts_event"][:-1]]
    return np.linalg.norm(np.array(middles)[:, :3] - np.array(palette.ground), axis=1)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_colour_grows_from_the_threshold_to_its_multiple_and_grey_stays_grey(
    stack: ChartStack, palette: Palette, sign: int
) -> None:
    found = strengths(stack, palette, sign)
    grey, coloured, full = found[:3], found[3:6], found[6:]
    assert np.ptp(grey) < 0.01
    assert (np.diff([*coloured, full[0]]) > 0.02).all()
    assert np.ptp(full) < 0.01
    assert SHARES[6] == full_at(THRESHOLD)


def test_the_shader_has_the_same_multiple() -> None:
    text = (shader_folder() / "include" / "bubble.glsl").read_text(encoding="utf-8")
    (found,) = re.findall(r"const float FULL = ([\d.]+);", text)
    assert float(found) == FULL_TIMES
