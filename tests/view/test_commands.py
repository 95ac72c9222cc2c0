"""Command palette, menus of what is clicked, keys panel, crosshair by keys, hints: each driven as a user does."""

from collections.abc import Iterator

import pytest
from imgui_bundle import imgui

from flow_gl.ui.input.actions import ACTIONS, BY_NAME
from flow_gl.ui.input.keymap import keys_of, owner
from flow_gl.ui.overlays.command_palette import MAX_RECENT, note_choice, rows
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.stack import is_list_open
from flow_gl.ui.state.hints import HINTS
from tests.kit.pilot import HeadlessPilot, Place

SIZE = (1000, 700)


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", size=SIZE)
    found.frames(6)
    yield found
    found.close()


def largest_bubble(pilot: HeadlessPilot) -> Place:
    bubbles, scene = pilot.link.filled[0].rows, pilot.charts[0].scene
    assert scene is not None
    row = bubbles[int((bubbles["buy"] + bubbles["sell"])[-60:].argmax()) - 60]
    x = scene.price_view.screen_x(int(row["ts_event"]) + scene.reader.bucket_ns // 2)
    return x, scene.price_view.screen_y(int(row["price"]) / scene.reader.tick_size)


def middle(pilot: HeadlessPilot, part: str) -> Place:
    rect = getattr(pilot.charts[0].layout, part)
    return rect.x + 0.5 * rect.width, rect.y + 0.5 * rect.height


def test_every_command_is_found_first_by_its_own_title(pilot: HeadlessPilot) -> None:
    listed = {row.action.name for row in rows("", pilot.frame, [])}
    assert {"commands", "escape", "chart_2"}.isdisjoint(listed), "not in the palette, or not there with one chart"
    for name in listed:
        assert rows(BY_NAME[name].title, pilot.frame, [])[0].action.name == name
    assert rows("zzz", pilot.frame, []) == []


def test_recent_commands_come_first_and_each_is_listed_once(pilot: HeadlessPilot) -> None:
    recent = ["mute", "a former action", "quit"]
    found = rows("", pilot.frame, recent)
    assert [row.action.name for row in found[:2]] == ["quit", "mute"]
    assert len({row.action.name for row in found}) == len(found)
    kept: list[str] = []
    for action in ACTIONS[: MAX_RECENT + 3]:
        note_choice(kept, action.name)
    note_choice(kept, kept[0])
    assert len(kept) == len(set(kept)) == MAX_RECENT


def test_the_palette_runs_what_is_typed_and_esc_only_closes_it(pilot: HeadlessPilot) -> None:
    pilot.press("space")
    pilot.press("ctrl+p")
    pilot.type_text("mute")
    pilot.press("escape")
    pilot.frames(4)
    assert not is_list_open()
    assert pilot.state.pause is not None
    assert not pilot.state.is_muted
    pilot.press("ctrl+p")
    pilot.type_text("mute")
    pilot.press("enter")
    pilot.frames(4)
    assert pilot.state.is_muted
    assert pilot.state.recent_actions == ["mute"]
    pilot.press("ctrl+p")
    pilot.press("enter")
    pilot.frames(4)
    assert not pilot.state.is_muted, "the newest command comes first"


def test_letters_typed_into_the_palette_run_no_keys(pilot: HeadlessPilot) -> None:
    pilot.press("ctrl+p")
    pilot.press("d", "c")
    assert not pilot.state.open_panels
    assert pilot.state.charts[0].cleared_before_ns == 0


@pytest.mark.parametrize(
    ("part", "entry", "action"),
    [
        ("price_axis", "Zoom prices in", "price_closer"),
        ("cvd_axis", "Larger CVD pane", "cvd_larger"),
        ("time_axis", "Wider buckets, and lock them", "bucket_wider"),
        ("header", "Mute alerts", "mute"),
        ("cvd", "CVD as candles", "cvd_candles"),
    ],
)
def test_a_right_click_opens_the_menu_of_what_is_there(
    pilot: HeadlessPilot, part: str, entry: str, action: str
) -> None:
    def seen() -> object:
        state = pilot.state
        return (state.charts[0].price.fixed, state.cvd_share, state.locked_lod, state.is_muted, state.filters)

    assert BY_NAME[action].title == entry
    pilot.state.filters.has_cvd_candles = False
    before = repr(seen())
    pilot.click(middle(pilot, part), button=1)
    pilot.choose(entry)
    pilot.frames(4)
    assert repr(seen()) != before


def test_a_level_from_the_menu_is_at_the_place_of_the_click(pilot: HeadlessPilot) -> None:
    x, y = middle(pilot, "price_axis")
    pilot.click((x, y), button=1)
    pilot.choose("Place a custom level")
    held, scene = pilot.state.drawings.held, pilot.charts[0].scene
    assert held is not None
    assert scene is not None
    assert (
        abs(scene.price_view.screen_y(held.level.price / scene.reader.tick_size) - y) <= 1 / scene.price_view.y_per_px
    )


def test_the_menu_of_a_bubble_pins_it(pilot: HeadlessPilot) -> None:
    pilot.press("space")
    pilot.click(largest_bubble(pilot), button=1)
    pilot.choose("Pin the bubble's numbers")
    pilot.frames(4)
    assert pilot.state.charts[0].pinned_id is not None


def test_layers_and_palettes_are_in_the_menus_too(pilot: HeadlessPilot) -> None:
    pilot.press("f10")
    pilot.choose("Layers", "Show Grid")
    assert "grid" not in pilot.state.filters.layers
    pilot.press("f10")
    pilot.choose("Palette", "Palette light")
    assert pilot.state.palette.name == "light"


def test_the_arrows_and_enter_choose_in_a_menu(pilot: HeadlessPilot) -> None:
    pilot.press("f10")
    pilot.press("down_arrow", "enter")
    pilot.frames(4)
    assert pilot.state.open_panels == {"controls"}
    assert pilot.state.time.shown_ns == pytest.approx(180e9), "Down zoomed the chart"


def test_zoom_is_undone_and_redone_by_keys(pilot: HeadlessPilot) -> None:
    span = pilot.state.time.shown_ns
    pilot.scroll(2, middle(pilot, "price"))
    zoomed = pilot.state.time.shown_ns
    assert zoomed < span
    pilot.press("ctrl+z")
    assert pilot.state.time.shown_ns == pytest.approx(span)
    assert pilot.state.time.is_live
    pilot.press("ctrl+y")
    assert pilot.state.time.shown_ns == pytest.approx(zoomed)


def test_keys_alone_point_at_a_bubble_pin_it_and_open_its_menu(pilot: HeadlessPilot) -> None:
    pilot.press("space")
    x, y = largest_bubble(pilot)
    pilot.press("u")
    for _ in range(400):
        at = pilot.state.pointer
        assert at is not None
        dx, dy = x - at[0], y - at[1]
        if max(abs(dx), abs(dy)) <= 6.0:
            break
        way = (
            ("left_arrow" if dx < 0 else "right_arrow") if abs(dx) > abs(dy) else "up_arrow" if dy < 0 else "down_arrow"
        )
        pilot.press(f"ctrl+{way}" if max(abs(dx), abs(dy)) > 60.0 else way)
    pilot.press("enter")
    assert pilot.state.charts[0].pinned_id is not None
    pilot.press("menu")
    pilot.frames(4)
    assert is_list_open()
    pilot.press("escape")
    pilot.press("escape", "escape")
    assert pilot.state.pointer is None
    assert pilot.state.time.is_live, "the arrows moved the chart"


def test_a_mouse_that_moves_takes_the_crosshair_back(pilot: HeadlessPilot) -> None:
    pilot.move(middle(pilot, "price"))
    pilot.press("u")
    pilot.frames(2)
    assert pilot.state.pointer is not None
    pilot.move(middle(pilot, "cvd"))
    assert pilot.state.pointer is None


def test_keys_work_in_a_panel_until_esc(pilot: HeadlessPilot) -> None:
    pilot.press("d", "f6")
    pilot.frames(4)
    before = pilot.state.time.shown_ns
    layers = set(pilot.state.filters.layers)
    for _ in range(40):
        pilot.press("down_arrow")
        pilot.press("space")
        if pilot.state.filters.layers != layers:
            break
    assert pilot.state.filters.layers != layers, "Space switched no layer"
    assert pilot.state.time.shown_ns == before
    assert pilot.state.pause is None
    pilot.press("escape")
    pilot.press("space")
    assert pilot.state.pause is not None


@pytest.fixture
def buttons(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Place]]:
    """Note the places of buttons by the text of their tooltips, from the top."""
    found: dict[str, list[Place]] = {}

    def hint(text: str) -> None:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        place = (0.5 * (low.x + high.x), 0.5 * (low.y + high.y))
        if place not in found.setdefault(text, []):
            found[text].append(place)

    monkeypatch.setattr(base, "hint", hint)
    return found


CHANGE = "press another key; Backspace removes this one, Esc cancels"


def test_a_click_and_a_key_change_a_key_and_a_conflict_is_reported_first(
    pilot: HeadlessPilot, buttons: dict[str, list[Place]]
) -> None:
    state = pilot.state
    pilot.press("ctrl+k")

    def click_first_key() -> None:
        """Click the key of the first action in the panel: pause."""
        buttons.clear()
        pilot.until(lambda: CHANGE in buttons, "the panel is not open")
        pilot.click(min(buttons[CHANGE], key=lambda place: place[1]))

    click_first_key()
    pilot.press("f7")
    pilot.frames(4)
    assert keys_of(state.keys, "pause") == ("f7",)
    pilot.press("f7")
    assert state.pause is not None
    pilot.press("space")
    assert state.pause is not None, "Space is no longer its key"
    click_first_key()
    pilot.press("d")
    pilot.frames(4)
    assert owner(state.keys, "d") is BY_NAME["controls"], "a conflict is said before it happens"
    assert state.key_capture is not None
    pilot.press("escape")
    pilot.frames(4)
    assert state.key_capture is None
    click_first_key()
    pilot.press("d")
    pilot.frames(4)
    pilot.press("d")
    pilot.frames(4)
    assert (keys_of(state.keys, "pause"), keys_of(state.keys, "controls")) == (("d",), ())
    assert state.open_panels == {"keys"}, "keys that are chosen run nothing"


def test_a_hint_goes_away_once_its_action_was_used_and_on_a_click(pilot: HeadlessPilot) -> None:
    hints = pilot.state.hints
    hints.is_on = True
    assert hints.current is HINTS[0]
    pilot.press("ctrl+p")
    pilot.press("escape")
    assert hints.current is HINTS[1]
    pilot.frames(4)
    pane = pilot.charts[0].layout.price
    pilot.click((pane.x + 0.5 * pane.width, pane.y + 24.0))
    assert hints.current is HINTS[2]
    pilot.press("tab")
    pilot.press("?")
    assert hints.current is None
    assert hints.used == [hint.name for hint in HINTS]
