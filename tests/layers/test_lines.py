"""Developing levels and CVD by order size: each row is read once, and lines are drawn at their values."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.palette import PALETTES, Palette
from flow_gl.core.schema import ORDER_CVD, GapKind
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.view import View
from flow_gl.layers.base import LAYERS, Scene, Style
from flow_gl.layers.lines.book import LineBook, LineRows
from flow_gl.layers.lines.order_sizes import ranges_of
from flow_gl.layers.stack import ChartStack
from flow_gl.store.market import MarketStore
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover import developing, order_sizes, table
from flow_gl.ui.overlays.hover.tip import Spot
from tests.kit.gl_context import draw
from tests.kit.levels import plant_lines, with_lines
from tests.kit.markets import START_NS, TICK, make_market, make_scene

ALL = frozenset(LAYERS)


def scene_of(*shown: str, palette: Palette = PALETTES["dark"]) -> Scene:
    market = make_market(600, seed=3)
    plant_lines(market)
    style = Style(palette=palette, is_visible=frozenset(shown))
    return with_lines(make_scene(market, span_s=400, style=style))


def sizes_of(seconds: int, *, start: int = 0) -> np.ndarray:
    rows = np.zeros(seconds, ORDER_CVD)
    rows["ts_event"] = START_NS + (start + np.arange(seconds)) * SECOND_NS
    rows["small"] = start + np.arange(seconds)
    return rows


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("name", ["developing", "order_cvd"])
def test_lines_are_visible_in_every_palette_and_off_by_default(stack: ChartStack, palette: Palette, name: str) -> None:
    with_it, without = (draw(stack, scene_of("cvd", *more, palette=palette)).astype(int) for more in ([name], []))
    assert (np.abs(with_it - without).max(axis=2) > 24).sum() > 150
    assert name not in Style().is_visible


def test_the_developing_poc_is_drawn_at_its_minutes_value(stack: ChartStack) -> None:
    scene, without = scene_of("developing"), scene_of()
    difference = np.abs(draw(stack, scene).astype(int) - draw(stack, without).astype(int)).max(axis=2)
    view, minutes = scene.price_view, scene.lines.minutes
    checked = 0
    for at in range(len(minutes.times) - 1):
        middle = (int(minutes.times[at]) + int(minutes.times[at + 1])) // 2
        x = round(view.screen_x(middle))
        for price in minutes.values[at]:
            y = round(view.screen_y(int(price) / TICK))
            if view.rect.contains(x, y):
                assert difference[y, x] > 10, (at, price)
                checked += 1
    assert checked >= 12


def test_a_line_never_crosses_a_gap(stack: ChartStack) -> None:
    market = make_market(240, seed=5, gap=(120, 195, GapKind.FEED))
    plant_lines(market)
    pictures = []
    for shown in ({"order_cvd", "cvd"}, {"cvd"}):
        scene = make_scene(market, span_s=150, style=Style(is_visible=frozenset(shown)))
        pictures.append(draw(stack, with_lines(scene)).astype(int))
    difference = np.abs(pictures[0] - pictures[1]).max(axis=2)
    left, right = (round(scene.cvd_view.screen_x(START_NS + at * SECOND_NS)) for at in (125, 193))
    top, bottom = round(scene.cvd_view.rect.y) + 30, round(scene.cvd_view.rect.bottom)
    assert not difference[top:bottom, left:right].any()
    assert difference[top:bottom, right + 20 :].any()


def test_rows_are_read_once_and_again_only_after_a_replacement() -> None:
    log, lines = MarketStore.local().order_cvd, LineRows(("small", "medium", "large"))
    log.append(sizes_of(1500))
    lines.refresh(log)
    version = lines.version
    lines.refresh(log)
    assert lines.version == version
    log.append(sizes_of(700, start=1500))
    lines.refresh(log)
    assert lines.values[:, 0].tolist() == list(range(2200))
    other = sizes_of(700, start=1500)
    other["small"] += 9
    log.replace(700, other, START_NS)
    lines.refresh(log)
    assert lines.values[:, 0].tolist() == [*range(1500), *range(1509, 2209)]
    assert (np.diff(lines.times) == SECOND_NS).all()


def test_far_zoomed_out_the_number_of_points_is_bounded_and_the_newest_is_among_them() -> None:
    log, lines = MarketStore.local().order_cvd, LineRows(("small", "medium", "large"))
    log.append(sizes_of(50_000))
    lines.refresh(log)
    end_ns = START_NS + 50_000 * SECOND_NS
    times, values = lines.seen(START_NS, end_ns, 1000)
    moved, _ = lines.seen(START_NS + 77 * SECOND_NS, end_ns, 1000)
    assert len(times) <= 1001
    assert values[-1, 0] == 49_999
    assert set(moved.tolist()) <= set(times.tolist()), "the same points are drawn wherever the view begins"


def test_lines_that_are_switched_off_are_not_read() -> None:
    market = make_market(120, seed=3)
    plant_lines(market)
    book = LineBook()
    book.refresh(market.reader, frozenset())
    assert len(book.minutes.times) == len(book.sizes.times) == 0


def test_a_frame_without_news_uploads_no_line(stack: ChartStack) -> None:
    scene = scene_of("developing", "order_cvd", "cvd")
    draw(stack, scene)
    stack.chart.counters.reset()
    draw(stack, replace(scene, wall_s=scene.wall_s + 0.01))
    assert stack.chart.counters.uploaded_bytes == stack.chart.counters.overlay_bytes == 0


def test_the_legend_shows_the_sizes_and_the_newest_values(stack: ChartStack) -> None:
    scene = scene_of("cvd", "order_cvd")
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    stack.update(replace(scene, order_sizes=(5, 1200)))
    stack.collect_labels(None)
    newest = scene.lines.sizes.values[-1]
    assert newest.sum() == int(scene.reader.session["cvd"])
    for name, value in zip(("1\u20134", "5\u20131,199", "1,200+"), newest.tolist(), strict=True):
        assert any(box.text.startswith(f"{name}  ") and str(abs(value)) in box.text for box in boxes)


def test_an_empty_size_range_is_left_out_of_the_legend() -> None:
    assert ranges_of((2, 2)) == ("1", "none", "2+")


def spot_at(scene: Scene, view: View, at_ns: int, value: float) -> Spot:
    return Spot(scene, view.screen_x(at_ns), view.screen_y(value), AggregationSettings(), 0.15)


def test_a_developing_line_shows_its_minutes_value_and_since_when() -> None:
    scene = scene_of("developing")
    minutes, checked = scene.lines.minutes, 0
    for at in range(1, len(minutes.times) - 1):
        end_ns = int(minutes.times[at])
        for column, name in enumerate(("POC", "VAH", "VAL")):
            price = int(minutes.values[at, column])
            spot = spot_at(scene, scene.price_view, end_ns + 30 * SECOND_NS, price / TICK)
            if not scene.price_view.rect.contains(spot.x, spot.y) or (minutes.values[at] == price).sum() > 1:
                continue
            key = developing.find(spot)
            tip = developing.describe(spot, key) if key is not None else None
            assert tip is not None
            since = at
            while since and minutes.values[since - 1, column] == price:
                since -= 1
            assert tip.title == f"Developing {name}"
            assert {label: text for label, text, _ in tip.lines} == {
                "Value": words.price(price, TICK),
                "At": f"{words.since(end_ns, scene.now_ns)} ET",
                "Since": f"{words.since(int(minutes.times[since]), scene.now_ns)} ET",
            }
            checked += 1
    assert checked > 6
    above = spot_at(scene, scene.price_view, int(minutes.times[-2]), int(minutes.values[-2].max()) / TICK + 9)
    assert developing.find(above) is None


def test_cvd_by_size_shows_value_orders_and_since_when() -> None:
    scene = scene_of("order_cvd", "cvd")
    sizes, at = scene.lines.sizes, 400
    low, high = float(sizes.values.min()) - 9, float(sizes.values.max()) + 9
    view = replace(scene.cvd_view, y_top=high, y_per_px=(high - low) / scene.cvd_view.rect.height)
    scene = replace(scene, cvd_view=view)
    end_ns = int(sizes.times[at])
    for column, (name, orders) in enumerate((("small", "1\u20139"), ("medium", "10\u201349"), ("large", "50+"))):
        spot = spot_at(scene, scene.cvd_view, end_ns, float(sizes.values[at, column]))
        key = order_sizes.find(spot)
        assert key is not None
        tip = order_sizes.describe(spot, column)
        assert tip is not None
        assert tip.title == f"CVD of {name} orders, {orders}"
        told = {label: text for label, text, _ in tip.lines}
        assert told["Value"] in {words.signed(int(one)) for one in sizes.values[at - 1 : at + 2, column]}
        assert len(tip.notes) == 2
    pointed = table.find(spot)
    assert pointed is not None
    assert pointed.kind == "CVD by order size"
