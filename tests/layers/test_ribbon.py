"""The delta ribbon on a chart: which periods have a cell, its position, its colour and its tooltip."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.palette import PALETTES, Palette
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import MINUTE_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.labels.words import signed_text
from flow_gl.layers.ribbon import ROW_PX, ribbon_rect, shown_cells
from flow_gl.layers.stack import ChartStack
from flow_gl.ui.overlays.hover import ribbon as hover
from flow_gl.ui.overlays.hover.tip import Spot
from flow_gl.ui.state.layout import arrange
from tests.kit.gl_context import draw
from tests.kit.markets import make_market, make_scene


def scene_of(palette: Palette = PALETTES["dark"]) -> Scene:
    scene = make_scene(make_market(1900, seed=3), span_s=1800, style=Style(palette=palette))
    rect, cvd = scene.price_view.rect, scene.cvd_view.rect
    price = Rect(rect.x, rect.y, rect.width, cvd.y - 3 * ROW_PX)
    return replace(scene, price_view=replace(scene.price_view, rect=price))


def middle_of(scene: Scene, row: int, start_ns: int, minutes: int) -> tuple[int, int]:
    x = round(scene.price_view.screen_x(start_ns + minutes * MINUTE_NS // 2))
    return x, round(ribbon_rect(scene).y + (row + 0.5) * ROW_PX)


def spot(scene: Scene, x: float, y: float) -> Spot:
    return Spot(scene, x, y, AggregationSettings(), 0.15)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_each_closed_period_has_a_cell_in_its_sides_colour(stack: ChartStack, palette: Palette) -> None:
    scene = scene_of(palette)
    picture = draw(stack, scene).astype(int)
    checked = 0
    for row, minutes in enumerate((1, 5, 15)):
        cells = shown_cells(scene, minutes * MINUTE_NS)
        deltas = cells["buy"] - cells["sell"]
        for start_ns, delta in zip(cells["ts_event"].tolist(), deltas.tolist(), strict=True):
            left = scene.price_view.screen_x(start_ns)
            if abs(delta) < 0.5 * np.abs(deltas).max() or left < 0:
                continue
            y = int(ribbon_rect(scene).y + row * ROW_PX) + 3
            pixel = picture[y, round(left) + 3] / 255 - np.array(palette.ground)
            like_buy, like_sell = (
                float(pixel @ tint / np.linalg.norm(tint))
                for tint in (np.array(side) - np.array(palette.ground) for side in (palette.buy, palette.sell))
            )
            assert (like_buy > like_sell) == (delta > 0), (minutes, start_ns, delta)
            checked += 1
    assert checked >= 3


def test_numbers_are_the_deltas_of_the_bubbles_of_that_width(stack: ChartStack) -> None:
    boxes: list[LabelBox] = []
    scene = scene_of()
    stack.collect_labels(boxes)
    draw(stack, scene)
    stack.collect_labels(None)
    cells = shown_cells(scene, 15 * MINUTE_NS)
    texts = {box.text for box in boxes}
    assert len(cells) >= 2
    assert {signed_text(int(row["buy"] - row["sell"])) for row in cells} <= texts
    assert {"\u0394 1 min", "\u0394 5 min", "\u0394 15 min"} <= texts


def test_the_open_period_and_periods_hidden_by_a_pause_have_no_cell() -> None:
    scene = scene_of()
    newest = shown_cells(scene, 5 * MINUTE_NS)["ts_event"][-1]
    assert newest + 5 * MINUTE_NS <= scene.now_ns
    paused = replace(scene, until_ns=int(newest) + 5 * MINUTE_NS - 1)
    assert shown_cells(paused, 5 * MINUTE_NS)["ts_event"][-1] == newest - 5 * MINUTE_NS
    cleared = replace(scene, hidden_before_ns=int(newest))
    assert shown_cells(cleared, 5 * MINUTE_NS)["ts_event"].tolist() == [newest]


def test_a_cells_tooltip_shows_its_contracts() -> None:
    scene = scene_of()
    row = shown_cells(scene, 5 * MINUTE_NS)[-2]
    at = spot(scene, *middle_of(scene, 1, int(row["ts_event"]), 5))
    key = hover.find(at)
    assert key == (5 * MINUTE_NS, int(row["ts_event"]))
    tip = hover.describe(at, key)
    assert tip is not None
    delta = int(row["buy"]) - int(row["sell"])
    values = {label: value for label, value, _ in tip.lines}
    assert (values["Buy"], values["Sell"]) == (f"{row['buy']:,}", f"{row['sell']:,}")
    assert values["Delta"] == signed_text(delta)
    assert hover.find(spot(scene, at.x, scene.price_view.rect.bottom - 1)) is None
    assert hover.find(spot(scene, at.x, scene.cvd_view.rect.y + 1)) is None


def test_the_ribbon_is_between_the_panes_on_request_if_there_is_room() -> None:
    area = Rect(0, 0, 1920, 1080)
    (without,), (with_it,) = arrange(area, 1), arrange(area, 1, has_ribbon=True)
    assert without.cvd.y == without.price.bottom
    assert with_it.cvd == without.cvd
    assert with_it.cvd.y - with_it.price.bottom == 3 * ROW_PX
    (low,) = arrange(Rect(0, 0, 400, 220), 1, has_ribbon=True)
    assert low.cvd.y == low.price.bottom
    assert "ribbon" not in Style().is_visible
