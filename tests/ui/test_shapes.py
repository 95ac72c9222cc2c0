"""Drawings as a user places, moves, edits and deletes them, by mouse alone and by keys alone, and their numbers."""

from fractions import Fraction

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.drawings import SHAPE_KINDS, WITH_TWO_POINTS, Point, Shape
from flow_gl.core.schema import NOT_YET, PRICE_SCALE, ROLL_LIST
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import overlaps
from flow_gl.layers.drawings.anchored_vwap import VwapSums
from flow_gl.layers.drawings.geometry import shape_at
from flow_gl.layers.drawings.shapes import measured
from flow_gl.store.footprints import footprint_of
from flow_gl.ui.drawings import drawing_file
from tests.kit.markets import TICK
from tests.kit.pilot import HeadlessPilot

TITLES = {
    "rectangle": "Draw a rectangle",
    "trend_line": "Draw a trend line",
    "ruler": "Draw a ruler",
    "note": "Draw a note",
    "anchored_vwap": "Anchored VWAP from here",
    "anchored_profile": "Anchored profile from here",
}
KEYS = dict(zip(TITLES, ("shift+r", "shift+t", "shift+m", "shift+n", "shift+w", "shift+p"), strict=True))


@pytest.fixture
def pilot():
    found = HeadlessPilot("NQZ5", size=(1000, 600), bubbles=150)
    found.until_idle()
    yield found
    found.close()


def place(pilot, across, down):
    pane = pilot.charts[0].layout.price
    return round(pane.x + across * pane.width), round(pane.y + down * pane.height)


def shapes(pilot):
    return pilot.state.drawings.book.shapes("NQ")


def draw(pilot, kind, start=(0.3, 0.1), end=(0.5, 0.2)):
    """Place a shape by key and mouse; return it."""
    pilot.move(place(pilot, *start))
    pilot.press(KEYS[kind])
    assert pilot.state.drawings.tool == kind
    if kind in WITH_TWO_POINTS:
        pilot.drag(place(pilot, *start), place(pilot, 0.4, 0.15), place(pilot, *end))
    else:
        pilot.click(place(pilot, *start))
    pilot.frames(4)
    if pilot.state.drawings.edited_shape is not None:
        pilot.press("escape")
    pilot.frames(4)
    return shapes(pilot)[-1]


def plant(pilot, *found):
    pilot.state.drawings.book.put_shapes("NQ", found)
    pilot.until_idle()


def shown(pilot):
    return pilot.charts[0].scene.shapes


@pytest.mark.parametrize("kind", SHAPE_KINDS)
def test_a_shape_is_placed_where_the_mouse_was_and_undone_and_redone(pilot, kind):
    before = pilot.charts[0].scene.price_view
    shape = draw(pilot, kind)
    view, width_ns = before, pilot.charts[0].scene.reader.widths_ns[pilot.charts[0].scene.lod]
    x, y = place(pilot, 0.3, 0.1)
    assert shape.kind == kind
    assert abs(view.time_at(x) - shape.start.t_ns) < width_ns + 2 * SECOND_NS
    assert shape.start.t_ns % width_ns == shape.start.price % TICK == 0
    assert abs(view.screen_y(shape.start.price / TICK) - y) <= 0.5 / view.y_per_px + 1
    assert (shape.start != shape.end) == (kind in WITH_TWO_POINTS)
    assert pilot.state.time.is_live, "the chart was not panned"
    pilot.press("ctrl+z")
    assert shapes(pilot) == ()
    pilot.press("ctrl+shift+z")
    assert shapes(pilot) == (shape,)


@pytest.mark.parametrize("kind", SHAPE_KINDS)
def test_keys_alone_place_move_and_delete_a_shape(pilot, kind):
    pilot.press("u", "right_arrow", KEYS[kind], "enter")
    if kind in WITH_TWO_POINTS:
        pilot.press("ctrl+right_arrow", "ctrl+up_arrow", "enter")
    if kind == "note":
        pilot.until(lambda: pilot.state.drawings.edited_shape, "a new note has no editor")
        pilot.type_text("hello")
        pilot.press("enter")
        pilot.until(lambda: pilot.state.drawings.edited_shape is None, "Enter did not close the editor")
    (shape,) = shapes(pilot)
    assert shape.text == ("hello" if kind == "note" else "")
    pilot.press("shift+g", "ctrl+left_arrow", "enter")
    (moved,) = shapes(pilot)
    assert moved.start.t_ns < shape.start.t_ns
    assert moved.end.t_ns - moved.start.t_ns == shape.end.t_ns - shape.start.t_ns
    pilot.press("delete")
    assert shapes(pilot) == ()
    pilot.press("ctrl+z", "ctrl+z")
    assert shapes(pilot) == (shape,)


def test_the_menu_alone_places_edits_and_deletes(pilot):
    for kind, title in TITLES.items():
        pilot.click(place(pilot, 0.1, 0.1), button=1)
        pilot.choose(title)
        pilot.until(lambda kind=kind: pilot.state.drawings.tool == kind, f"the menu did not take up {kind}")
        pilot.click(place(pilot, 0.1, 0.1), button=1)
        assert pilot.state.drawings.tool is None, "a right click gives up"
    draw(pilot, "rectangle")
    pilot.click(place(pilot, 0.3, 0.15), button=1)
    pilot.choose("Edit a level or drawing; again: the next one")
    pilot.until(lambda: pilot.state.drawings.edited_shape, "the menu opened no editor")
    pilot.type_text("supply")
    pilot.press("enter")
    pilot.until(lambda: shapes(pilot)[0].text == "supply", "the text was not taken")
    pilot.click(place(pilot, 0.3, 0.15), button=1)
    pilot.choose("Delete the level or drawing at the mouse")
    pilot.until(lambda: not shapes(pilot), "the menu deleted nothing")


def test_escape_gives_up_a_tool_a_shape_in_hand_and_a_selection(pilot):
    pilot.press(KEYS["rectangle"], "escape")
    assert pilot.state.drawings.tool is None
    pilot.press(KEYS["rectangle"])
    pilot.click(place(pilot, 0.3, 0.1))
    pilot.move(place(pilot, 0.5, 0.3))
    assert shown(pilot)[0].is_held
    pilot.press("escape")
    pilot.frames(4)
    assert (shown(pilot), shapes(pilot)) == ((), ())
    draw(pilot, "trend_line")
    assert pilot.state.drawings.selected is not None
    pilot.press("escape")
    assert pilot.state.drawings.selected is None


def test_two_clicks_place_a_shape_too(pilot):
    pilot.press(KEYS["ruler"])
    pilot.click(place(pilot, 0.3, 0.1))
    assert shapes(pilot) == ()
    pilot.move(place(pilot, 0.4, 0.2))
    pilot.click(place(pilot, 0.5, 0.3))
    (shape,) = shapes(pilot)
    assert shape.end.t_ns > shape.start.t_ns
    assert shape.end.price < shape.start.price


def test_a_drag_moves_the_whole_shape_or_one_of_its_ends_and_a_click_elsewhere_ends_the_selection(pilot):
    shape = draw(pilot, "rectangle")
    view = pilot.charts[0].scene.price_view
    left, top = view.screen_x(shape.start.t_ns), view.screen_y(shape.start.price / TICK)
    right, bottom = view.screen_x(shape.end.t_ns), view.screen_y(shape.end.price / TICK)
    pilot.drag((0.5 * (left + right), top), (0.5 * (left + right), top + 40))
    (moved,) = shapes(pilot)
    fall = shape.start.price - moved.start.price
    assert fall > 0
    assert fall == shape.end.price - moved.end.price
    pilot.press("ctrl+z")
    assert shapes(pilot) == (shape,)
    pilot.drag((right, bottom), (right + 60, bottom + 30))
    (larger,) = shapes(pilot)
    assert larger.start == shape.start
    assert larger.end.t_ns > shape.end.t_ns
    assert larger.end.price < shape.end.price
    assert pilot.state.time.is_live
    pilot.click(place(pilot, 0.05, 0.05))
    assert pilot.state.drawings.selected is None


def test_the_inside_of_a_rectangle_pans_the_chart(pilot):
    draw(pilot, "rectangle", (0.2, 0.05), (0.6, 0.3))
    pilot.drag(place(pilot, 0.4, 0.15), place(pilot, 0.55, 0.15))
    assert not pilot.state.time.is_live


def test_a_drawing_is_kept_over_a_restart_and_is_on_the_charts_of_its_root(pilot, tmp_path):
    pilot.state.drawings.kept.path = tmp_path / "drawings.toml"
    placed = tuple(draw(pilot, kind) for kind in SHAPE_KINDS)
    pilot.frames(10)
    again = drawing_file.load(tmp_path / "drawings.toml")
    assert again.warning == ""
    assert set(again.book.shapes("NQ")) == set(placed)


def test_a_ruler_shows_ticks_time_contracts_and_delta_as_the_range_tool_does(pilot):
    market = pilot.charts[0].market
    rows = pilot.link.filled[0].rows
    start, end = int(rows["ts_event"][20]), int(rows["ts_event"][90])
    plant(pilot, Shape("r", "ruler", Point(end, 103 * TICK), Point(start, 100 * TICK)))
    found = shown(pilot)[0].figures
    inside = rows[(rows["ts_event"] >= start) & (rows["ts_event"] < end)]
    volume = sum(int(inside[side].sum()) for side in ("buy", "sell", "unsided"))
    delta = int(inside["buy"].sum()) - int(inside["sell"].sum())
    assert (found.volume, found.buy - found.sell) == (volume, delta)
    first, second = measured(shown(pilot)[0].shape, found, market.tick_size)
    assert first.startswith("\u22123 ticks (\u22120.75)")
    assert f"{volume:,} contracts" in second
    assert f"{abs(delta):,}" in second


def exact_vwap(reader, start_ns, end_ns):
    rows = footprint_of(reader, start_ns, end_ns).rows
    size = [int(row["buy"]) + int(row["sell"]) + int(row["unsided"]) for row in rows]
    return Fraction(sum(at * int(row["price"]) for at, row in zip(size, rows, strict=True)), sum(size)), sum(size)


def test_an_anchored_vwap_is_exact_at_each_minute_and_grows_with_the_market(pilot):
    reader = pilot.charts[0].market
    anchor = int(pilot.link.filled[0].rows["ts_event"][10])
    sums = VwapSums(reader, anchor)
    for _ in range(3):
        found = sums.read()
        again = VwapSums(reader, anchor).read()
        assert found.ends.tolist() == again.ends.tolist()
        for end, vwap, other in zip(found.ends.tolist(), found.vwap, again.vwap, strict=True):
            mean, _ = exact_vwap(reader, anchor, end)
            assert vwap == other
            assert abs(vwap - float(mean) / PRICE_SCALE) < 1e-7
        mean, contracts = exact_vwap(reader, anchor, 2**62)
        assert (found.contracts, found.price) == (contracts, round(mean))
        pilot.link.filled[0].advance(40)
        reader.refresh()


def test_an_anchored_vwap_begins_at_its_anchor_and_not_at_the_end_of_the_minute(pilot):
    reader, rows = pilot.charts[0].market, pilot.link.filled[0].rows
    # Half a minute before a full one, which a single bucket of 30 s would cover.
    anchor = next(int(at) for at in rows["ts_event"][5:] // SECOND_NS * SECOND_NS if at // SECOND_NS % 60 == 30)
    found = VwapSums(reader, anchor).read()
    first = int(rows["ts_event"][rows["ts_event"] >= anchor][0]) // SECOND_NS * SECOND_NS
    assert (int(found.starts[0]), int(found.ends[0])) == (first, first + SECOND_NS)
    mean, _ = exact_vwap(reader, anchor, first + SECOND_NS)
    assert abs(found.vwap[0] - float(mean) / PRICE_SCALE) < 1e-7


def test_a_note_about_an_anchored_vwap_spells_it_as_its_menu_does(pilot):
    pilot.press("shift+w")
    notes = [text for text, _ in pilot.loop.overlays.notes.lines(pilot.frame.steady_s)]
    assert any(text.startswith("anchored VWAP: ") for text in notes)
    pilot.press("escape")


def test_an_anchored_profile_holds_all_contracts_since_its_anchor(pilot):
    reader, rows = pilot.charts[0].market, pilot.link.filled[0].rows
    anchor = int(rows["ts_event"][60])
    plant(pilot, Shape("p", "anchored_profile", Point(anchor, 0), Point(anchor, 0)))
    found = shown(pilot)[0].figures
    whole = footprint_of(reader, anchor, 2**62)
    assert found.rows.tolist() == whole.rows.tolist()
    assert found.val <= found.poc <= found.vah


def test_an_anchor_before_a_roll_ends_with_its_contract(pilot):
    reader, rows = pilot.charts[0].market, pilot.link.filled[0].rows
    anchor, roll_ns = int(rows["ts_event"][20]), int(rows["ts_event"][80])
    table = np.zeros(1, ROLL_LIST)
    table["count"], table["total"] = 1, 1
    table["roll"]["first_ts"] = NOT_YET
    table["roll"]["first_ts"][0, 0] = roll_ns
    reader.store.rolls.write(table)
    reader.refresh()
    for kind in ("anchored_vwap", "anchored_profile"):
        plant(pilot, Shape(kind, kind, Point(anchor, 0), Point(anchor, 0)))
        found = shown(pilot)[0].figures
        contracts = exact_vwap(reader, anchor, roll_ns)[1]
        assert (found.contracts if kind == "anchored_vwap" else found.volume) == contracts


def test_no_label_of_a_drawing_covers_another(pilot):
    rows = pilot.link.filled[0].rows
    times, price = [int(rows["ts_event"][at]) for at in (30, 60, 90)], int(rows["close"][60]) // TICK * TICK
    ends = {kind: Point(times[2], price + 6 * TICK) for kind in WITH_TWO_POINTS}
    found = [
        Shape(kind, kind, Point(times[1], price), ends.get(kind, Point(times[1], price)), f"text of {kind}")
        for kind in SHAPE_KINDS
    ]
    plant(pilot, *found)
    boxes = pilot.loop.label_boxes()
    assert sum(any(word in box.text for word in ("text of", "contracts")) for box in boxes) >= 4
    assert not list(overlaps(boxes))


def test_the_copied_price_and_a_switched_off_layer(pilot):
    draw(pilot, "trend_line")
    scene = pilot.charts[0].scene
    x, y = scene.price_view.screen_x(shapes(pilot)[0].start.t_ns), place(pilot, 0.3, 0.1)[1]
    pilot.move((x, y))
    pilot.press("ctrl+c")
    assert float(imgui.get_clipboard_text()) > 0
    assert shape_at(scene, x, y) is not None
    pilot.state.filters.layers.discard("drawings")
    pilot.frames(3)
    assert shape_at(pilot.charts[0].scene, x, y) is None
