"""At a roll the new contract's levels, profile and last price begin: none of them is drawn left of the roll's line."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.schema import NOT_YET, ROLL_LIST
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.price import PriceLayer
from flow_gl.layers.roll_places import contract_left
from flow_gl.layers.sessions import current_profile
from flow_gl.layers.stack import ChartStack
from tests.kit.gl_context import draw
from tests.kit.markets import START_NS, Market, make_market, make_scene

LEVELS_ALONE = Style(is_visible=frozenset({"levels", "profile"}))
NOTHING = Style(is_visible=frozenset())


def rolled(at_s: int, *, last_s: int | None = None, first_ts: int | None = None) -> Market:
    """Make a market in which another contract takes over in second `at_s`; the old one's last trade is in `last_s`."""
    market = make_market(180, seed=3)
    rolls = np.zeros(1, ROLL_LIST)
    rolls["count"] = rolls["total"] = 1
    roll = rolls["roll"][0, 0]
    roll["first_ts"] = START_NS + at_s * SECOND_NS + 5 if first_ts is None else first_ts
    roll["last_ts"] = START_NS + (at_s - 1 if last_s is None else last_s) * SECOND_NS
    roll["from_symbol"], roll["to_symbol"] = b"NQZ5", b"NQH6"
    market.store.rolls.write(rolls)
    market.reader.refresh()
    return market


def line_x(scene: Scene, at_s: float) -> int:
    view = scene.price_view
    return int(view.rect.right - round((view.t_right_ns - START_NS - at_s * SECOND_NS) / view.ns_per_px))


def columns_of_levels(stack: ChartStack, scene: Scene) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return in which columns levels are drawn, or lie behind a label."""
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    with_levels = draw(stack, scene).astype(int)
    stack.collect_labels(None)
    is_drawn = (with_levels != draw(stack, replace(scene, style=NOTHING))).any(axis=(0, 2))
    for box in boxes:
        if box.rect.x >= contract_left(scene) and scene.price_view.rect.contains(box.rect.x, box.rect.y):
            is_drawn[int(box.rect.x) : int(box.rect.right) + 1] = True
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = is_drawn
    return found


@pytest.mark.parametrize("at_s", [120, 172])
def test_levels_and_profile_begin_at_the_roll(stack: ChartStack, at_s: int) -> None:
    scene = make_scene(rolled(at_s), style=LEVELS_ALONE)
    x, pane = line_x(scene, at_s), scene.price_view.rect
    assert 0 < x < pane.right
    is_drawn = columns_of_levels(stack, scene)
    assert not is_drawn[:x].any()
    assert is_drawn[x + 2 : int(pane.right)].all(), "a solid line, the VWAP, reaches from the roll to the border"


def test_if_the_roll_is_right_of_the_view_no_level_is_drawn(stack: ChartStack) -> None:
    market = rolled(170)
    scene = make_scene(market, style=LEVELS_ALONE, edge_ns=START_NS + 90 * SECOND_NS)
    assert contract_left(scene) == scene.price_view.rect.right
    assert current_profile(scene).width == 0
    assert (draw(stack, scene) == draw(stack, replace(scene, style=NOTHING))).all()


def test_the_last_price_s_line_begins_at_the_roll(stack: ChartStack, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(rolled(120))
    chart = stack.chart
    chart.begin(scene)
    lines: list[tuple[float, float]] = []
    monkeypatch.setattr(chart.batches.under, "dashed", lambda x, _y, width, *_, **__: lines.append((x, x + width)))
    PriceLayer(chart).build(scene)
    assert lines == [(line_x(scene, 120), scene.price_view.rect.right)]


def test_levels_span_the_pane_without_a_roll_or_before_the_new_contract_trades(stack: ChartStack) -> None:
    for market in (make_market(180, seed=3), rolled(120, first_ts=NOT_YET)):
        scene = make_scene(market, style=LEVELS_ALONE)
        assert contract_left(scene) == scene.price_view.rect.x
        assert current_profile(scene) == scene.profile_rect
        is_drawn = columns_of_levels(stack, scene)
        assert is_drawn[: int(scene.price_view.rect.right)].all()


def test_a_bucket_with_trades_of_both_contracts_has_the_roll_line_in_its_middle() -> None:
    apart, together = rolled(120, last_s=90), rolled(120, last_s=119)
    scenes = [make_scene(market, lod=4) for market in (apart, together)]  # minutes
    assert contract_left(scenes[0]) == line_x(scenes[0], 120)
    within = make_scene(rolled(130, last_s=125), lod=4)
    assert contract_left(within) == line_x(within, 150)
    assert contract_left(scenes[1]) == line_x(scenes[1], 120)
