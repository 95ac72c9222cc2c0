"""Initial balance, opening range and naked POCs: their lines, names and tooltips."""

from dataclasses import replace

import numpy as np
import pytest

from flow_gl.core.drawings import CustomLevel, ShownLevel
from flow_gl.core.palette import PALETTES, Palette
from flow_gl.core.schema import FINISHED_LIST, UNDEF_PRICE
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.gl.label_boxes import LabelBox, overlaps
from flow_gl.layers.base import LAYERS, Scene, Style
from flow_gl.layers.labels.fixed_levels import KINDS, finished_ranges, fixed_levels, line_left
from flow_gl.layers.labels.right_edge import NewestDiscs, newest_px
from flow_gl.layers.rows.hit import visible_rows
from flow_gl.layers.sessions import sessions_in_view
from flow_gl.layers.stack import ChartStack
from flow_gl.ui.overlays.hover import fixed_level
from flow_gl.ui.overlays.hover.tip import Spot, Tip
from tests.kit.discs import discs_of, touches
from tests.kit.gl_context import draw
from tests.kit.levels import plant_levels
from tests.kit.markets import START_NS, TICK, WEEK, make_market, make_scene, make_week

ALL = frozenset(LAYERS)


def scene_of(palette: Palette = PALETTES["dark"], *, naked: tuple[int, ...] = (-9, 4), frozen: bool = False) -> Scene:
    market = make_market(300, seed=3)
    plant_levels(market, naked=naked, is_frozen=frozen)
    return make_scene(market, 1280, 720, span_s=200, style=Style(palette=palette, is_visible=ALL))


def labels_of(stack: ChartStack, scene: Scene) -> list[LabelBox]:
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    stack.update(scene)
    stack.collect_labels(None)
    return boxes


def tip_of(scene: Scene, name: str) -> Tip:
    one = next(one for one in fixed_levels(scene) if one.level.name == name)
    y = min(max(scene.price_view.screen_y(one.level.price / TICK), 1.0), scene.price_view.rect.bottom - 1)
    spot = Spot(scene, 900.0, y, AggregationSettings(), 0.15)
    key = fixed_level.find(spot)
    assert key is not None
    tip = fixed_level.describe(spot, key)
    assert tip is not None
    return tip


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_visible_in_every_palette_and_can_be_switched_off(
    stack: ChartStack, palette: Palette, name: str
) -> None:
    scene = scene_of(palette)
    if name == "initial_extensions":  # three ranges away from the price
        view = scene.price_view
        scene = replace(scene, price_view=replace(view, y_per_px=4 * view.y_per_px, y_top=view.y_top + 150))
    without = replace(scene, style=replace(scene.style, is_visible=ALL - {name}))
    pictures = (draw(stack, one).astype(int) for one in (scene, without))
    assert (np.abs(next(pictures) - next(pictures)).max(axis=2) > 24).sum() > 200


def test_extensions_are_one_to_three_ranges_beyond_the_initial_balance_and_off_by_default() -> None:
    scene = scene_of()
    prices = {one.level.name: one.level.price for one in fixed_levels(scene)}
    size = prices["IB high"] - prices["IB low"]
    assert size == 28 * TICK
    for factor in (1, 2, 3):
        assert prices[f"IB +{factor}x"] == prices["IB high"] + factor * size
        assert prices[f"IB \u2212{factor}x"] == prices["IB low"] - factor * size
    first = replace(scene, style=Style())
    assert {one.kind for one in fixed_levels(first)} == set(KINDS) - {"initial_extensions"}


def test_the_ranges_begin_at_the_open_of_regular_hours() -> None:
    market = make_market(300, seed=3)
    plant_levels(market)
    scene = make_scene(market, span_s=600)
    session = np.array([market.reader.session])
    session["open_ts"] -= 3600 * SECOND_NS
    market.store.session.write(session)
    market.reader.refresh()
    opened = scene.price_view.pixel_x(START_NS)
    assert opened > 0
    assert [line_left(scene, one) for one in fixed_levels(scene)] == [opened] * 4


def test_a_naked_poc_begins_at_its_sessions_close() -> None:
    market = make_week()
    plant_levels(market, naked=(-5, 5))
    scene = make_scene(market, 1280, 720, span_s=4 * 24 * 3600, lod=6)
    newest, older = (one for one in fixed_levels(scene) if one.kind == "naked_pocs")
    assert (newest.trade_date, older.trade_date) == (20251127, 20251126)
    assert (newest.since_ns, older.since_ns) == (WEEK[3].close_ns, WEEK[2].close_ns)
    assert line_left(scene, newest) == scene.price_view.pixel_x(WEEK[3].close_ns)


def test_the_ranges_of_a_finished_session_are_on_its_own_stretch(stack: ChartStack) -> None:
    market = make_week()
    table = np.zeros(1, FINISHED_LIST)
    table["count"] = len(market.reader.sessions)
    table["session"][0, : len(market.reader.sessions)] = market.reader.sessions
    row, opened = table["session"][0, 3], WEEK[3].open_ns + 15 * HOUR_NS
    low, high = int(row["numbers"]["low"]), int(row["numbers"]["high"])
    row["rth_open"], row["initial_low"], row["initial_high"] = opened, low + 3 * TICK, high - 3 * TICK
    row["opening_low"], row["opening_high"] = low + 5 * TICK, high - 5 * TICK
    market.store.sessions.write(table)
    market.reader.refresh()
    scene = make_scene(market, span_s=40 * 3600, lod=6, style=Style(is_visible=ALL), scale=0.6)
    session = next(one for one, _, _ in sessions_in_view(scene) if one.levels["rth_open"] == opened)
    names = {one.level.name: one.level.price for one in finished_ranges(scene, session)}
    assert names == {
        **{"IB low": low + 3 * TICK, "IB high": high - 3 * TICK},
        **{"OR low": low + 5 * TICK, "OR high": high - 5 * TICK},
    }
    view = scene.price_view
    without = replace(scene, style=Style(is_visible=ALL - {"initial_balance", "opening_range"}))
    difference = np.abs(draw(stack, scene).astype(int) - draw(stack, without))
    y = round(view.screen_y(names["IB high"] / TICK))
    columns = np.flatnonzero(difference.max(axis=2)[y] > 8)
    assert columns.min() >= view.pixel_x(opened) - 1
    assert columns.max() <= view.pixel_x(session.end_ns) + 1
    assert len(columns) > 0.3 * (view.pixel_x(session.end_ns) - view.pixel_x(opened))
    spot = Spot(scene, view.pixel_x(session.end_ns) - 5.0, float(y), AggregationSettings(), 0.15)
    key = fixed_level.find(spot)
    tip = fixed_level.describe(spot, key) if key is not None else None
    assert tip is not None
    assert tip.title == "IB high"
    assert "09:00" in {label: value for label, value, _ in tip.lines}["Since"]


def test_levels_at_one_price_share_a_label_and_no_two_labels_overlap(stack: ChartStack) -> None:
    scene = scene_of(naked=tuple(range(-12, 18, 1)))
    labels = labels_of(stack, scene)
    assert any(box.text.startswith("IB high, OR high") for box in labels)
    assert sum("nPOC" in box.text for box in labels) > 4
    assert not overlaps(labels)


def test_nothing_is_drawn_before_the_first_trade_of_regular_hours(stack: ChartStack) -> None:
    scene = scene_of(naked=())
    levels = np.array([scene.reader.levels])
    for name in ("initial_high", "initial_low", "opening_high", "opening_low"):
        levels[name] = UNDEF_PRICE
    scene.reader.store.levels.write(levels)
    scene.reader.refresh()
    assert fixed_levels(scene) == []
    assert not any("IB" in box.text for box in labels_of(stack, scene))


def test_a_tooltip_shows_value_rule_and_since_when() -> None:
    tip = tip_of(scene_of(), "IB low")
    assert {label for label, _, _ in tip.lines} == {"Value", "Since"}
    assert ("Since", "09:30 ET", 0.0) in tip.lines
    assert tip.notes == [
        "Lowest price of the first 60 minutes of regular hours, from 09:30 ET.",
        "It is still forming.",
    ]
    assert tip_of(scene_of(frozen=True), "OR low").notes == [
        "Lowest price of the first 5 minutes of regular hours, from 09:30 ET."
    ]
    naked = tip_of(scene_of(), "nPOC 27 Nov")
    assert ("Trade date", "27 Nov", 0.0) in naked.lines
    assert naked.notes[0].startswith("The price with the most volume in an earlier session")


@pytest.mark.parametrize("is_top", [True, False], ids=["top", "bottom"])
def test_a_label_at_the_border_of_the_pane_is_not_cut(stack: ChartStack, *, is_top: bool) -> None:
    scene = scene_of(naked=())
    price = next(one.level.price for one in fixed_levels(scene) if one.level.name == "IB high")
    view = scene.price_view
    at_px = 2.0 if is_top else view.rect.height - 2.0
    view = replace(view, y_top=price / TICK + at_px * view.y_per_px)
    box = next(box for box in labels_of(stack, replace(scene, price_view=view)) if box.text.startswith("IB high"))
    assert view.rect.y <= box.rect.y
    assert box.rect.bottom <= view.rect.bottom


def test_a_label_covers_no_bubble_at_the_live_edge_where_its_name_has_room_beside_it(stack: ChartStack) -> None:
    scene = replace(scene_of(), live_x_px=0.0)
    before = {box.text: box.rect for box in labels_of(stack, scene)}
    full = next(text for text in before if text.startswith("IB high"))
    width = before[full].width
    for room, expected in ((width + 80, full), (width - 10, full.rsplit(" ", 1)[0])):
        # The bars of the profile end at another place for each price; the label's right end says where.
        moved = replace(scene, live_x_px=before[full].right - room)
        found = {box.text: box.rect for box in labels_of(stack, moved) if box.text.startswith("IB high")}
        assert list(found) == [expected]
        assert found[expected].x > moved.live_x_px


@pytest.mark.parametrize("room_px", [10.0, 70.0, 200.0], ids=["no room", "little room", "room"])
@pytest.mark.parametrize("is_own", [False, True], ids=["held", "own"])
def test_no_name_touches_the_newest_bubbles(stack: ChartStack, room_px: float, *, is_own: bool) -> None:
    scene = scene_of(naked=())
    scene = replace(scene, style=replace(scene.style, size_scale=3.0))
    view, last = scene.price_view, visible_rows(scene)[-1]
    for ticks in range(-14, 15, 2):
        price = int(last["price"]) // TICK * TICK + ticks * TICK
        row = np.array([scene.reader.levels])
        row["naked_count"], row["naked"]["price"][0, 0], row["naked"]["trade_date"][0, 0] = 1, price, 20251126
        scene.reader.store.levels.write(row)
        scene.reader.refresh()
        levels = (ShownLevel(CustomLevel("a", price, "Weekly"), is_held=False, has_alert=True),) if is_own else ()
        moved = replace(scene, live_x_px=view.rect.right - room_px, custom_levels=levels)
        moved = replace(moved, price_view=replace(view, t_right_ns=scene.now_ns + round(room_px * view.ns_per_px)))
        wanted = "Weekly" if is_own else "nPOC"
        box = next((box for box in labels_of(stack, moved) if box.text.startswith(wanted)), None)
        if box is not None:
            newest = [disc for disc in discs_of(moved) if disc[0] > moved.live_x_px - 30]
            assert newest
            assert not any(touches(box.rect, disc) for disc in newest), ticks


def test_a_name_that_stepped_aside_comes_back_only_after_the_bubble_is_well_away() -> None:
    scene, newest = scene_of(naked=()), NewestDiscs()
    scene = replace(scene, style=replace(scene.style, size_scale=4.0))
    newest.read(scene)
    bottom = max(y + radius for x, y, radius in discs_of(scene) if x + radius > newest_px(scene))
    seen = [newest.meet(scene, 1, bottom + away, 12.0) for away in (20.0, 5.0, 20.0, 40.0, 20.0)]
    assert seen == [False, True, True, False, False]
