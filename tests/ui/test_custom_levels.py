"""Custom levels as a user places, drags, edits and deletes them: by mouse alone, by keys alone, on several charts."""

import numpy as np
import pytest

from flow_gl.core.alerts import Condition
from flow_gl.core.commands import SetAlerts
from flow_gl.core.drawings import CustomLevel
from flow_gl.gl.label_boxes import overlaps
from flow_gl.layers.drawings.levels import level_at
from flow_gl.ui.drawings import drawing_file
from flow_gl.ui.drawings.book import alert_of, rule_for
from flow_gl.ui.overlays.hover import custom_level
from flow_gl.ui.overlays.hover.tip import spot_at
from tests.kit.levels import plant_levels
from tests.kit.markets import TICK
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot():
    found = HeadlessPilot("NQZ5", size=(800, 480))
    found.until_idle()
    yield found
    found.close()


def book(pilot):
    return pilot.state.drawings.book


def levels(pilot, key="NQ"):
    return book(pilot).levels(key)


def free_place(pilot, chart=0, share=0.12):
    """A point of the price pane at some height, with no bubble near."""
    scene = pilot.charts[chart].scene
    rect = scene.price_view.rect
    return rect.x + 0.06 * rect.width, rect.y + share * rect.height


def y_of(pilot, level, chart=0):
    view = pilot.charts[chart].scene.price_view
    return view.screen_y(level.price / TICK)


def place(pilot, chart=0, share=0.12):
    """Place a level at a height of a chart; return it and a free point on its line."""
    pilot.move(free_place(pilot, chart, share))
    pilot.press("i")
    pilot.click(free_place(pilot, chart, share))
    pilot.frames(6)
    level = book(pilot).levels(key_of(pilot, chart))[-1]
    return level, (free_place(pilot, chart)[0], y_of(pilot, level, chart))


def key_of(pilot, chart):
    return {"NQZ5": "NQ", "NQH6": "NQ", "ESZ5": "ES"}[pilot.charts[chart].market.symbol]


def sent_rules(pilot):
    sent = [command for command in pilot.link.commands if isinstance(command, SetAlerts)]
    return [rule for rule in sent[-1].rules if rule.condition is Condition.LEVEL] if sent else []


def test_a_click_places_a_level_at_the_tick_under_the_mouse(pilot):
    x, y = free_place(pilot)
    pilot.move((x, y + 40))
    pilot.press("i")
    shown = pilot.charts[0].scene.custom_levels
    assert [one.is_held for one in shown] == [True]
    assert levels(pilot) == (), "it is not placed yet"
    pilot.click((x, y))
    (level,) = levels(pilot)
    view = pilot.charts[0].scene.price_view
    assert level.price == round(view.y_at(y)) * TICK
    assert abs(level.since_ns - pilot.frame.event_ns) < 10 * 10**9
    assert level_at(pilot.charts[0].scene, x, y).level == level
    assert pilot.charts[0].scene.price_view.y_top == view.y_top, "the click panned nothing"


def test_escape_and_a_right_click_give_up_placing(pilot):
    for give_up in (lambda: pilot.press("escape"), lambda: pilot.click(free_place(pilot), button=1)):
        pilot.move(free_place(pilot))
        pilot.press("i")
        give_up()
        pilot.frames(6)
        assert pilot.state.drawings.held is None
        assert levels(pilot) == ()


def test_a_drag_moves_a_level_by_whole_ticks_and_is_one_step(pilot):
    level, (x, y) = place(pilot)
    pilot.drag((x, y), (x + 5, y + 30), (x + 40, y + 71))
    (moved,) = levels(pilot)
    view = pilot.charts[0].scene.price_view
    assert moved.price < level.price
    assert moved.price % TICK == 0
    assert abs(view.screen_y(moved.price / TICK) - (y + 71)) <= 0.5 / view.y_per_px + 1
    assert pilot.state.time.is_live, "the chart was not panned"
    assert pilot.state.charts[0].price.is_auto
    pilot.press("ctrl+z")
    assert levels(pilot) == (level,)
    pilot.press("ctrl+y")
    assert levels(pilot) == (moved,)
    keys(pilot, "ctrl+z", "ctrl+z")
    assert levels(pilot) == ()


def test_escape_during_a_drag_puts_the_level_back(pilot):
    level, (x, y) = place(pilot)
    pilot.move((x, y))
    pilot.mouse_down()
    pilot.frames(4)
    pilot.move((x, y + 60))
    assert pilot.charts[0].scene.custom_levels[0].level.price < level.price
    pilot.press("escape")
    pilot.move((x, y + 80))
    assert pilot.charts[0].scene.custom_levels[0].level == level
    pilot.mouse_up()
    pilot.frames(4)
    assert levels(pilot) == (level,)
    assert pilot.state.drawings.edited is None


def test_an_alt_drag_that_begins_on_a_level_measures_a_range(pilot):
    level, (x, y) = place(pilot)
    pilot.move((x, y))
    pilot.key_down("alt")
    pilot.frames(4)
    pilot.mouse_down()
    pilot.frames(4)
    pilot.move((x + 120, y + 60))
    assert pilot.state.drawings.held is None
    pilot.mouse_up()
    pilot.frames(4)
    pilot.key_up("alt")
    pilot.frames(4)
    assert levels(pilot) == (level,)
    assert pilot.state.drawings.edited is None


def test_a_bubble_over_the_line_keeps_its_click(pilot):
    scene = pilot.charts[0].scene
    row = pilot.link.filled[0].rows[-20]
    x = float(scene.price_view.bubble_xs(np.array([int(row["id"])]), scene.reader.widths_ns[0])[0])
    y = scene.price_view.screen_y(int(row["price"]) / TICK)
    book(pilot).put("NQ", [CustomLevel("a", round(scene.price_view.y_at(y)) * TICK)])
    pilot.frames(3)
    pilot.click((x, y))
    assert pilot.state.charts[0].pinned_id is not None
    assert pilot.state.drawings.edited is None


def test_levels_of_a_root_are_on_all_its_charts_and_a_drag_is_seen_on_each():
    pilot = HeadlessPilot("NQZ5", "ESZ5", "NQH6", size=(1200, 400))
    pilot.frames(6)
    level, (x, y) = place(pilot)
    assert [[one.level for one in chart.scene.custom_levels] for chart in pilot.charts] == [[level], [], [level]]
    pilot.move((x, y))
    pilot.mouse_down()
    pilot.frames(4)
    pilot.move((x, y + 50))
    held = pilot.charts[2].scene.custom_levels[0]
    assert held.is_held
    assert held.level.price < level.price
    pilot.mouse_up()
    pilot.frames(4)
    assert levels(pilot)[0] == pilot.charts[2].scene.custom_levels[0].level
    other, _ = place(pilot, chart=1)
    assert levels(pilot, "ES") == (other,)
    assert len(levels(pilot)) == 1
    pilot.close()


def test_the_keyboard_alone_places_moves_names_and_deletes(pilot):
    keys(pilot, "i", "up_arrow", "up_arrow", "down_arrow")
    last = int(pilot.charts[0].market.session["last_price"])
    assert pilot.state.drawings.held.level.price == last + TICK
    span = pilot.state.time.ns_per_px
    pilot.press("enter")
    (level,) = levels(pilot)
    assert level.price == last + TICK
    assert pilot.state.time.ns_per_px == span, "the arrows did not zoom"
    pilot.press("e")
    pilot.frames(6)
    type_text(pilot, "high")
    pilot.press("enter")
    pilot.frames(6)
    assert levels(pilot)[0].name == "high"
    assert pilot.state.drawings.edited is None, "Enter closes the editor"
    pilot.press("e")
    pilot.frames(6)
    keys(pilot, "tab")
    type_text(pilot, "25,370.10")
    pilot.press("enter")
    pilot.frames(6)
    assert levels(pilot)[0].price == 25_370 * 10**9, "a typed price snaps to its tick"
    pilot.press("e")
    pilot.frames(6)
    keys(pilot, "tab", "tab", "right_arrow", "space")
    assert levels(pilot)[0].color == "orange"
    keys(pilot, "down_arrow", "space")
    assert alert_of(pilot.loop.alerts.book, levels(pilot)[0].id)[1].on
    keys(pilot, "down_arrow", "space")
    assert levels(pilot) == ()
    keys(pilot, "ctrl+z")
    assert levels(pilot)[0].name == "high"


def keys(pilot, *names):
    """Press keys one after another, each in frames of its own."""
    for name in names:
        pilot.press(name)
        pilot.frames(3)


def test_the_mouse_alone_places_colours_arms_and_deletes():
    pilot = HeadlessPilot("NQZ5", size=(800, 720))  # high enough for the menu below the mouse
    pilot.frames(6)
    x, y = free_place(pilot)
    pilot.click((x, y), button=1)
    pilot.frames(6)
    pilot.choose("Place a custom level")
    pilot.click((x, y))
    pilot.frames(6)
    (level,) = levels(pilot)
    for button in (0, 1):
        pilot.click((x, y_of(pilot, level)), button=button)
        if button == 1:
            pilot.choose("Edit a level or drawing; again: the next one")
        pilot.frames(6)
        assert pilot.state.drawings.edited == (0, "NQ", level.id)
        pilot.click((x + 300, y + 250))  # elsewhere: closes it
        pilot.frames(6)
        assert pilot.state.drawings.edited is None
    pilot.click((x, y_of(pilot, level)))
    pilot.frames(6)
    top = y_of(pilot, level) + 14
    pilot.click((x + 53, top + 97))
    assert levels(pilot)[0].color == "orange"
    pilot.click((x + 22, top + 125))
    pilot.frames(6)
    assert [one.price for one in sent_rules(pilot)] == [level.price]
    pilot.click((x + 36, top + 153))
    pilot.frames(6)
    assert levels(pilot) == ()
    assert sent_rules(pilot) == []
    pilot.close()


def type_text(pilot, text):
    from imgui_bundle import imgui

    for character in text:
        imgui.get_io().add_input_character(ord(character))
        pilot.frames(2)


def test_a_price_that_is_none_is_reported_and_changes_nothing(pilot):
    level, at = place(pilot)
    pilot.click(at)
    pilot.frames(6)
    assert pilot.state.drawings.edited is not None
    keys(pilot, "tab")
    type_text(pilot, "soon")
    pilot.press("enter")
    pilot.frames(6)
    assert levels(pilot) == (level,)
    assert pilot.state.drawings.edited is not None, "the editor stays open"
    keys(pilot, "escape", "escape")
    pilot.frames(6)
    assert pilot.state.drawings.edited is None


def test_delete_removes_the_level_at_the_mouse_and_undo_brings_it_back(pilot):
    level, at = place(pilot)
    pilot.move(at)
    pilot.press("delete")
    assert levels(pilot) == ()
    pilot.press("ctrl+z")
    assert levels(pilot) == (level,)
    pilot.move(free_place(pilot, share=0.5))
    pilot.press("delete")
    assert levels(pilot) == (level,), "nothing is under the mouse"


def test_undo_takes_back_a_reference_of_cvd_and_a_level_in_their_order(pilot):
    pilot.press("r")
    place(pilot)
    pilot.press("ctrl+z")
    assert levels(pilot) == ()
    assert pilot.state.charts[0].cvd_references
    pilot.press("ctrl+z")
    assert not pilot.state.charts[0].cvd_references
    keys(pilot, "ctrl+y", "ctrl+y")
    assert len(levels(pilot)) == 1
    assert pilot.state.charts[0].cvd_references


def test_the_alert_of_a_level_reaches_the_engine_and_follows_a_drag(pilot):
    level, (x, y) = place(pilot)
    pilot.loop.alerts.book.add(rule_for("NQ", level))
    pilot.frames(3)
    assert [one.price for one in sent_rules(pilot)] == [level.price]
    assert pilot.charts[0].scene.custom_levels[0].has_alert
    before = len(pilot.link.commands)
    pilot.drag((x, y), (x, y + 30), (x, y + 60))
    (moved,) = levels(pilot)
    assert [one.price for one in sent_rules(pilot)] == [moved.price]
    assert len(pilot.link.commands) == before + 1, "sent once, when the level is let go"
    pilot.move((x, y_of(pilot, moved)))
    pilot.press("delete")
    pilot.frames(3)
    assert sent_rules(pilot) == []
    assert alert_of(pilot.loop.alerts.book, level.id) is None
    pilot.press("ctrl+z")
    pilot.frames(3)
    assert [one.price for one in sent_rules(pilot)] == [moved.price]


def test_hover_shows_value_name_distance_and_since(pilot):
    level, (x, y) = place(pilot)
    pilot.move((x, y))
    scene = pilot.charts[0].scene
    spot = spot_at(scene, (x, y), pilot.state)
    tip = custom_level.describe(spot, custom_level.find(spot))
    lines = {label: value for label, value, _ in tip.lines}
    last = int(scene.reader.session["last_price"])
    assert lines["Value"].replace(",", "") == f"{level.price / 10**9:.2f}"
    assert lines["Distance"] == f"+{(level.price - last) // TICK} ticks"
    assert lines["Since"].endswith("ET")
    assert lines["Alert"] == "off"
    assert pilot.state.charts[0].pointed.kind == "custom level"


def test_levels_can_be_changed_while_the_picture_is_paused(pilot):
    pilot.press("space")
    level, (x, y) = place(pilot)
    pilot.drag((x, y), (x, y + 40))
    assert levels(pilot)[0].price < level.price
    assert pilot.state.pause is not None


def test_what_is_placed_is_in_the_file_at_once(pilot, tmp_path):
    pilot.state.drawings.kept = drawing_file.load(tmp_path / "drawings.toml")
    level, _ = place(pilot)
    assert drawing_file.load(tmp_path / "drawings.toml").book.levels("NQ") == (level,)


def test_labels_of_custom_levels_meet_no_other_and_survive_where_others_yield(pilot):
    market = pilot.link.filled[0]
    plant_levels(market, naked=(3, -3))
    middle = (int(market.rows["high"].max()) + int(market.rows["low"].min())) // 2 // TICK * TICK
    prices = [middle + ticks * TICK for ticks in (-6, -3, 0, 3, 16)]
    book(pilot).put("NQ", [CustomLevel(str(at), price, f"mine {at}") for at, price in enumerate(prices)])
    pilot.frames(5)
    boxes = pilot.loop.label_boxes()
    assert sum(box.text.startswith("mine") for box in boxes) == len(prices)
    assert not list(overlaps(boxes))
