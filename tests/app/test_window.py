"""A real window on a virtual screen, driven by real keys and a real mouse."""

from collections.abc import Iterator
from copy import copy

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.ui.input.action import Request
from flow_gl.ui.overlays.stack import is_list_open
from flow_gl.ui.state.view_state import ViewState
from tests.kit.pilot import Place, WindowPilot

MIDDLE = (320, 360)


@pytest.fixture(scope="module")
def window(x_display: str) -> Iterator[WindowPilot]:
    pilot = WindowPilot(x_display, "NQZ5", "ESZ5")
    yield pilot
    pilot.close()


@pytest.fixture
def pilot(window: WindowPilot) -> WindowPilot:
    """Restore the initial view before each test."""
    state, fresh = window.state, ViewState()
    for name in ("open_panels", "pause", "selected", "locked_lod", "is_muted", "cvd_share"):
        setattr(state, name, getattr(fresh, name))
    state.time.reset(window.charts[0].layout.price.width)
    for own in state.charts:
        own.price.reset()
        own.pinned_id = None
        own.cleared_before_ns = 0
    window.move(MIDDLE)
    return window


def price_pane(pilot: WindowPilot) -> np.ndarray:
    """Return the pixels of the first chart's price pane, below the header's texts."""
    rect = pilot.charts[0].layout.price
    top = int(rect.y) + 60
    return pilot.picture()[top : int(rect.bottom), int(rect.x) : int(rect.right)].astype(int)


def test_space_pauses_and_resumes_in_a_window(pilot: WindowPilot) -> None:
    pilot.press("space")
    pilot.until(lambda: pilot.state.pause is not None, "Space did not pause")
    pilot.until_idle()
    assert pilot.charts[0].condition.text.startswith("PAUSED (0 new)")
    paused = price_pane(pilot)
    market = pilot.link.filled[0]
    market.store.bubbles[0].append(market.rows[-1:])
    pilot.frames(4)
    assert pilot.charts[0].condition.text == "PAUSED (1 new)", "the intake goes on"
    np.testing.assert_array_equal(price_pane(pilot), paused, err_msg="a paused picture has changed")
    pilot.press("space")
    pilot.until(lambda: pilot.state.pause is None, "Space did not go on")
    pilot.until_idle()
    assert np.abs(price_pane(pilot) - paused).max() > 30, "the picture did not go on"


@pytest.mark.parametrize(
    ("key", "panel"), [("d", "controls"), ("n", "session"), ("g", "feed"), ("p", "performance"), ("?", "help")]
)
def test_keys_open_and_close_the_overlays(pilot: WindowPilot, key: str, panel: str) -> None:
    pilot.press(key)
    pilot.until(lambda: pilot.state.is_panel_open(panel), f"{key} did not open {panel}")
    pilot.press(key)
    pilot.until(lambda: not pilot.state.is_panel_open(panel), f"{key} did not close {panel}")


def test_tab_shows_and_hides_the_panels(pilot: WindowPilot) -> None:
    pilot.press("tab")
    pilot.until(lambda: len(pilot.state.open_panels) == 4, "Tab did not open the overlays")
    pilot.press("tab")
    pilot.until(lambda: pilot.state.are_panels_hidden, "Tab did not put them away")
    pilot.state.are_panels_hidden = False


def test_keys_choose_charts_lock_mute_and_set_a_reference(pilot: WindowPilot) -> None:
    pilot.press("2")
    pilot.until(lambda: pilot.state.visible_charts(2) == [1], "2 did not show the second chart alone")
    pilot.press("r")
    pilot.until(lambda: pilot.state.charts[1].cvd_references, "R set no reference of CVD")
    assert not pilot.link.commands
    pilot.press("ctrl+z")
    pilot.until(lambda: not pilot.state.charts[1].cvd_references, "Ctrl+Z did not undo it")
    pilot.press("0", "m", "l")
    pilot.until(lambda: pilot.state.is_muted and pilot.state.locked_lod is not None, "M or L did nothing")
    assert pilot.state.visible_charts(2) == [0, 1]


def test_s_saves_a_picture_and_escape_goes_back(pilot: WindowPilot) -> None:
    pilot.loop.input.take_requests()
    pilot.press("s", "c")
    pilot.until(lambda: pilot.state.charts[0].cleared_before_ns > 0, "C did not clear")
    assert pilot.loop.input.take_requests() == [Request.SCREENSHOT]
    pilot.press("escape")
    pilot.until(lambda: pilot.state.charts[0].cleared_before_ns == 0, "Esc did not bring back")


def test_the_wheel_zooms_time_at_the_cursor_and_shift_the_price(pilot: WindowPilot) -> None:
    pane = pilot.charts[0].layout.price
    time_axis = pilot.state.time
    pilot.move((pane.x + pane.width / 3, pane.y + pane.height / 3))
    unzoomed, frames_ns = copy(time_axis), [pilot.frame.event_ns]

    def has_zoomed() -> bool:
        frames_ns[:] = frames_ns[-1], pilot.frame.event_ns
        return time_axis.ns_per_px < unzoomed.ns_per_px

    pilot.turn_wheel(1)
    pilot.until(has_zoomed, "the wheel did not zoom")
    # The live chart moved on until the frame that took the wheel, or the one before it.
    first, last = (unzoomed.time_at(pane.width / 3, event_ns, pane.width) for event_ns in frames_ns)
    after = time_axis.time_at(pane.width / 3, frames_ns[-1], pane.width)
    assert first - 3 * time_axis.ns_per_px < after < last + 3 * time_axis.ns_per_px
    assert not time_axis.is_live
    scale = time_axis.ns_per_px
    with pilot.holding("shift"):
        pilot.scroll(-1)
    pilot.until(lambda: not pilot.state.charts[0].price.is_auto, "Shift and wheel did not zoom the price")
    assert time_axis.ns_per_px == scale


def test_a_drag_pans_back_in_time_and_f_follows(pilot: WindowPilot) -> None:
    pane = pilot.charts[0].layout.price
    y = pane.y + pane.height / 2
    pilot.drag((pane.x + 150, y), (pane.x + 250, y), (pane.x + 350, y))
    frame, time_axis = pilot.frame, pilot.state.time
    back_px = (frame.event_ns - time_axis.edge_ns(frame.event_ns)) / time_axis.ns_per_px
    assert back_px >= 195
    pilot.press("f")
    pilot.until(lambda: time_axis.is_live, "F did not follow")


def test_pointing_at_a_bubble_shows_it_and_a_click_pins_it(pilot: WindowPilot) -> None:
    pilot.press("space")
    pilot.until(lambda: pilot.state.pause is not None, "Space did not pause")
    chart = pilot.charts[0]
    view = chart.scene.price_view
    rows = pilot.link.filled[0].rows
    row = rows[int((rows["buy"] + rows["sell"])[-60:].argmax()) - 60]
    x = view.screen_x(int(row["ts_event"]) + pilot.link.markets[0].bucket_ns // 2)
    y = view.screen_y(int(row["price"]) / 250_000_000)
    pilot.move((x, y))
    pilot.until(lambda: pilot.charts[0].scene.hover_id is not None, "nothing under the mouse")
    hovered = pilot.charts[0].scene.hover_id
    pilot.click()
    pilot.until(lambda: pilot.state.charts[0].pinned_id == hovered, "the click did not pin")
    pilot.press("escape")
    pilot.until(lambda: pilot.state.charts[0].pinned_id is None, "Esc did not let go")


def test_the_border_between_the_panes_can_be_dragged(pilot: WindowPilot) -> None:
    splitter = pilot.charts[0].layout.splitter
    x, y = splitter.x + 200, splitter.y + splitter.height / 2
    pilot.drag((x, y), (x, y - 60), (x, y - 80))
    assert abs(pilot.charts[0].layout.cvd.y - (y - 80)) <= 2


def test_esc_closes_a_list_before_it_does_anything_else(pilot: WindowPilot, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Place] = []
    begin = imgui.begin_combo

    def noted(label: str, *arguments: object) -> bool:
        is_open: bool = begin(label, *arguments)  # type: ignore[call-overload]
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        places.append((0.5 * (low.x + high.x), 0.5 * (low.y + high.y)))
        return is_open

    monkeypatch.setattr(imgui, "begin_combo", noted)
    pilot.press("space")
    pilot.press("d")
    pilot.until(lambda: len(places) > 3, "the controls did not open")
    monkeypatch.undo()
    pilot.click(next(place for place in reversed(places) if place[1] < 600))  # the others are scrolled out of view
    pilot.until(is_list_open, "the list did not open")
    pilot.press("escape")
    pilot.until(lambda: not is_list_open(), "Esc did not close the list")
    assert pilot.state.pause is not None
    pilot.press("escape")
    pilot.until(lambda: pilot.state.pause is None, "Esc did not go on")


def test_the_menu_opens_at_its_button_and_with_f10(pilot: WindowPilot) -> None:
    def is_menu_seen() -> bool:
        pilot.frames(1)
        return is_list_open()

    pilot.click((12, 20))
    pilot.until(is_menu_seen, "the button did not open the menu")
    pilot.press("escape")
    pilot.until(lambda: not is_menu_seen(), "Esc did not close the menu")
    pilot.press("f10")
    pilot.until(is_menu_seen, "F10 did not open the menu")
    pilot.press("escape")
    pilot.until(lambda: not is_menu_seen(), "Esc did not close the menu")


def test_a_custom_level_is_placed_dragged_named_and_undone_by_real_mouse_and_keys(pilot: WindowPilot) -> None:
    book = pilot.state.drawings.book
    rect = pilot.charts[0].layout.price
    x, y = rect.x + 0.05 * rect.width, rect.y + 0.1 * rect.height
    pilot.move((x, y))
    pilot.press("i")
    pilot.until(lambda: pilot.state.drawings.held, "I did not begin to place a level")
    pilot.click((x, y))
    pilot.until(lambda: book.levels("NQ"), "the click placed no level")
    placed = book.levels("NQ")[0]
    pilot.drag((x, y), (x + 4, y + 30), (x + 8, y + 60))
    pilot.until(lambda: book.levels("NQ")[0].price < placed.price, "the drag did not move the level")
    assert pilot.state.time.is_live
    pilot.click((x, y + 60))
    pilot.until(lambda: pilot.state.drawings.edited, "the click opened no editor")
    pilot.frames(6)
    pilot.press("r", "e", "d", "Return")
    pilot.until(lambda: pilot.state.drawings.edited is None, "Enter did not close the editor")
    assert book.levels("NQ")[0].name == "red"
    assert not pilot.state.charts[0].cvd_references, "R was typed into the name"
    pilot.press("ctrl+z", "ctrl+z", "ctrl+z")
    pilot.until(lambda: not book.levels("NQ"), "Ctrl+Z did not undo name, drag and level")
