"""Each mark is drawn where its event was and looks like its kind, in every palette; a tooltip says why it is there."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.palette import PALETTES, Palette
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.marks import absorption, divergence, large_trade, stacked_imbalance
from flow_gl.layers.marks.legend import entries
from flow_gl.layers.marks.mark import MARK_TITLES, NEVER, Mark
from flow_gl.layers.rows import hit
from flow_gl.layers.stack import ChartStack
from flow_gl.ui.overlays.hover import mark as hover
from flow_gl.ui.overlays.hover import table
from flow_gl.ui.overlays.hover.tip import Spot, Tip
from tests.kit.events import event, plant_one_of_each, with_marks
from tests.kit.gl_context import draw
from tests.kit.markets import START_NS, TICK, make_market, make_scene
from tests.layers.number_oracle import crosses_ring

KINDS = [kind for kind in EventKind if kind is not EventKind.ZERO_CROSS]


def scene_of(palette: Palette, *, hidden: str = "") -> Scene:
    market = make_market(300, seed=3)
    plant_one_of_each(market)
    style = Style(palette=palette)
    style = replace(style, is_visible=style.is_visible - {hidden})
    return with_marks(make_scene(market, span_s=200, style=style))


def only(scene: Scene, kind: EventKind) -> Mark:
    return max(scene.marks.of(kind), key=lambda mark: mark.strength)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("name", MARK_TITLES)
def test_every_kind_is_visible_in_every_palette(stack: ChartStack, palette: Palette, name: str) -> None:
    with_it, without = (draw(stack, scene_of(palette, hidden=hidden)).astype(int) for hidden in ("", name))
    assert (np.abs(with_it - without).max(axis=2) > 24).sum() > 60


def test_a_ring_is_at_its_orders_time_and_price_and_shows_contracts_and_slippage() -> None:
    scene = scene_of(PALETTES["dark"])
    mark = only(scene, EventKind.LARGE_TRADE)
    x, y, radius = large_trade.ring_of(scene, mark, 100)
    assert abs(x - scene.price_view.screen_x(mark.t_ns)) <= 1
    assert abs(y - scene.price_view.screen_y(mark.price / TICK)) <= 1
    assert radius >= large_trade.MIN_RADIUS_PX
    assert large_trade.label_of(mark, TICK) == "62 \u00b7 3t"
    assert large_trade.label_of(replace(mark, inputs=(float(mark.price), 50.0, 0.0, 0.0)), TICK) == "62"


def test_in_a_storm_no_ring_crosses_a_number(stack: ChartStack) -> None:
    ring_count = number_count = 0
    for seed in range(8):
        market = make_market(120, seed=seed, intensity=6.0)
        volume = np.maximum(market.rows["buy"], market.rows["sell"])
        for at in sorted(np.argsort(-volume)[:40].tolist()):
            row, contracts = market.rows[at], max(1, int(volume[at]) // 8)
            second = int(row["ts_event"] - START_NS) / SECOND_NS + 0.75
            large = event(EventKind.LARGE_TRADE, second, int(row["price"]), 1, contracts, row["price"])
            market.store.events.append(large)
        scene = with_marks(make_scene(market, 1280, 720, span_s=40))
        boxes: list[LabelBox] = []
        stack.collect_labels(boxes)
        stack.update(scene)
        stack.collect_labels(None)
        reference = stack.chart.shown.reference_goal
        rings = [large_trade.ring_of(scene, mark, reference) for mark in scene.marks.of(EventKind.LARGE_TRADE)]
        numbers = [one for one in boxes if one.color == scene.style.palette.text and one.text.isdigit()]
        for one in numbers:
            corners = one.rect.x, one.rect.y, one.rect.right, one.rect.bottom
            assert not any(crosses_ring(corners, ring, 1.0) for ring in rings), one.text
        ring_count, number_count = ring_count + len(rings), number_count + len(numbers)
    assert ring_count > 40
    assert number_count > 40


def test_a_zone_of_absorption_fades_and_ends_where_price_traded_through() -> None:
    scene = scene_of(PALETTES["dark"])
    mark = replace(only(scene, EventKind.ABSORPTION), end_ns=NEVER)
    whole = absorption.box_of(scene, mark)
    ended = absorption.box_of(scene, replace(mark, end_ns=mark.t_ns + 20 * SECOND_NS))
    assert whole is not None
    assert ended is not None
    assert whole.x == ended.x == scene.price_view.pixel_x(mark.start_ns)
    assert ended.right == scene.price_view.pixel_x(mark.t_ns + 20 * SECOND_NS) < whole.right
    assert mark.shown_until_ns == mark.t_ns + 20 * 60 * SECOND_NS


def test_a_stack_covers_its_prices_from_its_minute_on() -> None:
    scene = scene_of(PALETTES["dark"])
    mark = only(scene, EventKind.STACKED_IMBALANCE)
    box = stacked_imbalance.box_of(scene, mark)
    assert box is not None
    view = scene.price_view
    assert abs(box.y - view.screen_y(mark.inputs[0] / TICK + 0.5)) <= 1
    assert abs(box.bottom - view.screen_y(mark.price / TICK - 0.5)) <= 1
    assert box.x == max(view.rect.x, view.pixel_x(mark.t_ns - 60 * SECOND_NS))


def test_a_divergence_joins_its_pivots_on_price_and_on_cvd() -> None:
    scene = scene_of(PALETTES["dark"])
    mark = only(scene, EventKind.DIVERGENCE)
    lines = divergence.lines_of(scene, mark)
    assert lines is not None
    assert mark.pivots is not None
    for line, view, values in (
        (lines[0], scene.price_view, [pivot.price / TICK for pivot in mark.pivots]),
        (lines[1], scene.cvd_view, [float(pivot.cvd) for pivot in mark.pivots]),
    ):
        for (x, y), pivot, value in zip(line, mark.pivots, values, strict=True):
            assert abs(x - view.screen_x(pivot.t_ns)) <= 1
            assert abs(y - view.screen_y(value)) <= 1


def test_the_legend_has_an_entry_for_each_kind_and_counts_what_is_hidden() -> None:
    scene = scene_of(PALETTES["dark"])
    assert [text for _, text in entries(scene)] == ["large trade", "absorption", "divergence", "stacked imbalance"]
    crowded = replace(scene, marks=replace(scene.marks, hidden=((int(EventKind.LARGE_TRADE), 1200),)))
    assert entries(crowded)[0][1] == "large trade, 1,200 weaker hidden"
    assert entries(replace(scene, marks=replace(scene.marks, shown=()))) == []
    for ticks in (5_000, -5_000):
        away = replace(scene, price_view=replace(scene.price_view, y_top=scene.price_view.y_top + ticks))
        assert entries(away) == [], "no mark is in the range of prices in view"


def test_the_legend_yields_to_bubbles_and_stays_where_both_places_are_alike(stack: ChartStack) -> None:
    def y_of(scene: Scene) -> float:
        boxes: list[LabelBox] = []
        stack.collect_labels(boxes)
        stack.update(scene)
        stack.collect_labels(None)
        return next(box.rect.y for box in boxes if box.text == "absorption")

    def with_bubbles_at(share: float) -> Scene:
        """Return the scene with its prices about some share of the pane's height below its upper border."""
        view, rows = scene.price_view, hit.visible_rows(scene)
        middle = float(np.median(rows["price"])) / TICK
        y_per_px = 40 * view.y_per_px
        top = middle + share * view.rect.height * y_per_px
        return replace(scene, price_view=replace(view, y_per_px=y_per_px, y_top=top))

    market = make_market(300, seed=3)
    plant_one_of_each(market)
    scene = with_marks(make_scene(market, 1280, 720, span_s=200))
    middle = scene.price_view.rect.y + 0.5 * scene.price_view.rect.height
    below = 1 - 115 / scene.price_view.rect.height
    for share, is_high in ((0.5, False), (below, True), (0.5, True), (35 / scene.price_view.rect.height, False)):
        assert (y_of(with_bubbles_at(share)) < middle) == is_high, share


def tip_at(scene: Scene, x: float, y: float) -> Tip:
    spot = Spot(scene, x, y, settings=AggregationSettings(), threshold=0.15)
    pointed = table.find(spot)
    assert pointed is not None
    tip = table.describe(spot, pointed)
    assert tip is not None
    return tip


def test_a_rings_tooltip_explains_it() -> None:
    scene = scene_of(PALETTES["dark"])
    mark = only(scene, EventKind.LARGE_TRADE)
    x, y, radius = large_trade.ring_of(scene, mark, hover.reference_of(scene))
    tip = tip_at(scene, x + radius, y)
    assert tip.title == "Large trade, bullish"
    assert tip.notes == ["One aggressive order bought 62 contracts and moved the price 3 ticks."]
    assert ("Threshold", "50", 0) in tip.lines


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            EventKind.ABSORPTION,
            "Within 5 s, 54 more contracts were bought than sold, yet price moved by only 1 tick: "
            "sellers absorbed them.",
        ),
        (
            EventKind.STACKED_IMBALANCE,
            "Within one minute, each of 4 adjacent prices had at least 10 contracts bought, and at least 3 times as "
            "many as were sold one tick lower.",
        ),
        (
            EventKind.DIVERGENCE,
            "Price made a higher high than at the previous pivot, CVD a lower high, by 120.",
        ),
    ],
)
def test_each_kinds_tooltip_explains_it_in_one_sentence(kind: EventKind, sentence: str) -> None:
    scene = scene_of(PALETTES["dark"])
    _, _, reason = hover.REASONS[kind](only(scene, kind), TICK, AggregationSettings())
    assert reason == sentence


def test_the_left_edge_of_a_zone_has_a_tooltip_even_over_bubbles() -> None:
    scene = scene_of(PALETTES["dark"])
    box = absorption.box_of(scene, only(scene, EventKind.ABSORPTION))
    assert box is not None
    tip = tip_at(scene, box.x + 1, box.y + 0.5 * box.height)
    assert tip.title == "Absorption, bearish"


def test_a_zone_is_found_under_the_mouse_and_not_far_from_it() -> None:
    scene = scene_of(PALETTES["dark"])
    mark = only(scene, EventKind.STACKED_IMBALANCE)
    box = stacked_imbalance.box_of(scene, mark)
    assert box is not None
    spot = Spot(scene, box.x + 1, box.y + 1, settings=AggregationSettings(), threshold=0.15)
    key = hover.find_area(spot)
    assert key is not None
    assert hover.describe(spot, key) is not None
    assert hover.describe(replace(spot, y=box.y - 60), key) is None


def test_labels_of_marks_overlap_no_other_label(stack: ChartStack) -> None:
    boxes: list[LabelBox] = []
    stack.chart.batches.text.boxes = boxes
    draw(stack, scene_of(PALETTES["dark"]))
    texts = [box.text for box in boxes]
    assert {"62 \u00b7 3t", "54 absorbed"} <= set(texts)
    marks = {"62 \u00b7 3t", "31", "54 absorbed"}
    assert [pair for pair in overlaps(boxes) if {pair[0].text, pair[1].text} & marks] == []


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_no_bubble_shines_through_the_label_of_a_mark(stack: ChartStack, palette: Palette) -> None:
    boxes: list[LabelBox] = []
    stack.chart.batches.text.boxes = boxes
    picture = draw(stack, scene_of(palette)).astype(int)
    ground = np.round(np.array(palette.ground) * 255)
    for box in boxes:
        if box.text in {"62 \u00b7 3t", "54 absorbed"}:
            rect = box.rect
            row = picture[int(rect.y) + 2, int(rect.x) + 4 : int(rect.right) - 4]
            assert np.abs(row - ground).max() <= 1, box.text


def test_the_line_of_a_divergence_strikes_through_no_number(stack: ChartStack) -> None:
    scene = scene_of(PALETTES["dark"])
    mark = only(scene, EventKind.DIVERGENCE)
    lines = []
    for ticks in range(-20, 20):
        pivots = tuple(replace(pivot, price=mark.price + ticks * TICK) for pivot in mark.pivots or ())
        lines.append(replace(mark, pivots=(replace(pivots[0], t_ns=START_NS), pivots[1])))
    scene.marks.by_kind[EventKind.DIVERGENCE] = lines
    with_it = draw(stack, scene).astype(int)
    without = draw(stack, replace(scene, marks=replace(scene.marks, shown=()))).astype(int)
    rect = scene.price_view.rect
    area = slice(int(rect.y), int(rect.bottom)), slice(int(rect.x), int(scene.live_x_px))
    letters = without[area].min(axis=2) > 190
    assert letters.sum() > 100
    assert (with_it[area][letters].min(axis=1) > 180).all()
