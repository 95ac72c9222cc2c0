"""A real window on a virtual screen, driven by real keys and a real mouse."""

import os
import shutil
import subprocess
import time

import pytest
from imgui_bundle import imgui

from flow_gl.app import _address
from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import ResetCvd
from flow_gl.gl.context import Window, WindowOptions
from flow_gl.ui.actions import Request
from flow_gl.ui.gui import Gui
from flow_gl.ui.overlays import is_list_open
from flow_gl.ui.state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from tests.ui.local import LocalLink

SIZE = (1280, 720)


class Desk:
    """A window over a local engine, and hands on keyboard and mouse."""

    def __init__(self, display):
        self._environment = {**os.environ, "DISPLAY": display}
        self.link = LocalLink("NQZ5", "ESZ5", bubbles=300, wall_ns=SYSTEM.wall_ns())
        self.window = Window(WindowOptions(width=SIZE[0], height=SIZE[1], is_vsync=False))
        self.state = ViewState()
        self.gui = Gui(self.state.palette, scale=1.0, window=_address(self.window))
        self.loop = FrameLoop(self.window, self.link, self.state, self.gui, SYSTEM)
        self.frames(3)
        self._tool("search", "--sync", "--onlyvisible", "--name", "flow_gl", "windowmove", "0", "0")
        self.move(SIZE[0] // 4, SIZE[1] // 2)

    def frames(self, count=4):
        for _ in range(count):
            self.window.poll()
            self.link.beat(SYSTEM.wall_ns())
            self.loop.run_frame(1 / 60)
            self.window.swap()

    def until(self, is_so, what):
        """Draw frames until something holds: input takes its way through the X server."""
        deadline = time.monotonic() + 10.0
        while not is_so():
            assert time.monotonic() < deadline, what
            self.frames(1)

    def key(self, *keys):
        self._tool("key", *keys)
        self.frames()

    def move(self, x, y):
        self._tool("mousemove", str(int(x)), str(int(y)))
        self.until(lambda: abs(self._mouse()[0] - x) < 2 and abs(self._mouse()[1] - y) < 2, "the mouse never arrived")

    def _mouse(self):
        place = imgui.get_io().mouse_pos
        return place.x, place.y

    def button(self, what, number=1):
        self._tool(what, str(number))
        self.frames()

    def _tool(self, *words):
        subprocess.run(["xdotool", *words], env=self._environment, check=True, stdout=subprocess.DEVNULL, timeout=20)

    def close(self):
        self.loop.release()
        self.gui.close()
        self.window.close()


@pytest.fixture(scope="module")
def desk(x_display):
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed (make test installs it on Debian and Ubuntu)")
    desk = Desk(x_display)
    yield desk
    desk.close()


@pytest.fixture(autouse=True)
def _calm(desk):
    """Each test finds the picture as at the start."""
    fresh = ViewState()
    for name in ("open_panels", "pause", "selected", "locked_level", "is_muted", "cvd_share"):
        setattr(desk.state, name, getattr(fresh, name))
    desk.state.time.reset(desk.loop.frame.charts[0].layout.price.width)
    for own in desk.state.charts:
        own.price.reset()
        own.pinned_id = None
        own.cleared_before_ns = 0
    desk.move(SIZE[0] // 4, SIZE[1] // 2)


def test_space_pauses_and_goes_on(desk):
    desk.key("space")
    desk.until(lambda: desk.state.pause is not None, "Space did not pause")
    assert desk.loop.frame.charts[0].said.text.startswith("PAUSED (0 new)")
    market = desk.link.filled[0]
    market.store.bubbles[0].append(market.rows[-1:])
    desk.frames()
    assert desk.loop.frame.charts[0].said.text == "PAUSED (1 new)", "the intake goes on"
    desk.key("space")
    desk.until(lambda: desk.state.pause is None, "Space did not go on")


@pytest.mark.parametrize(
    ("key", "panel"), [("d", "controls"), ("n", "session"), ("g", "feed"), ("p", "performance"), ("question", "help")]
)
def test_keys_open_and_close_the_overlays(desk, key, panel):
    desk.key(key)
    desk.until(lambda: desk.state.is_panel_open(panel), f"{key} did not open {panel}")
    desk.key(key)
    desk.until(lambda: not desk.state.is_panel_open(panel), f"{key} did not close {panel}")


def test_tab_brings_all_overlays_and_puts_them_away(desk):
    desk.key("Tab")
    desk.until(lambda: len(desk.state.open_panels) == 4, "Tab did not open the overlays")
    desk.key("Tab")
    desk.until(lambda: desk.state.are_panels_hidden, "Tab did not put them away")
    desk.state.are_panels_hidden = False


def test_keys_choose_charts_lock_mute_and_reset(desk):
    desk.key("2")
    desk.until(lambda: desk.state.visible_charts(2) == [1], "2 did not show the second chart alone")
    desk.key("r")
    desk.until(lambda: ResetCvd(chart=1) in desk.link.commands, "R sent nothing to the engine")
    desk.key("0", "m", "l")
    desk.until(lambda: desk.state.is_muted and desk.state.locked_level is not None, "M or L did nothing")
    assert desk.state.visible_charts(2) == [0, 1]


def test_s_asks_for_a_picture_and_escape_goes_back(desk):
    desk.loop.input.take_requests()
    desk.key("s", "c")
    desk.until(lambda: desk.state.charts[0].cleared_before_ns > 0, "C did not clear")
    assert desk.loop.input.take_requests() == [Request.SCREENSHOT]
    desk.key("Escape")
    desk.until(lambda: desk.state.charts[0].cleared_before_ns == 0, "Esc did not bring back")


def test_the_wheel_zooms_time_at_the_cursor_and_shift_the_price(desk):
    pane = desk.loop.frame.charts[0].layout.price
    desk.move(pane.x + pane.width / 3, pane.y + pane.height / 3)
    time_axis = desk.state.time
    scale = time_axis.ns_per_px
    before = time_axis.time_at(pane.width / 3, desk.loop.frame.event_ns, pane.width)
    desk.button("click", 4)
    desk.until(lambda: time_axis.ns_per_px < scale, "the wheel did not zoom")
    after = time_axis.time_at(pane.width / 3, desk.loop.frame.event_ns, pane.width)
    assert abs(after - before) < 3 * time_axis.ns_per_px
    assert not time_axis.is_live
    scale = time_axis.ns_per_px
    desk._tool("keydown", "shift")
    desk.frames()
    desk.button("click", 5)
    desk._tool("keyup", "shift")
    desk.until(lambda: not desk.state.charts[0].price.is_auto, "Shift and wheel did not zoom the price")
    assert time_axis.ns_per_px == scale


def test_a_drag_pans_back_in_time_and_f_follows(desk):
    pane = desk.loop.frame.charts[0].layout.price
    y = pane.y + pane.height / 2
    desk.move(pane.x + 150, y)
    desk.button("mousedown")
    desk.move(pane.x + 250, y)
    desk.move(pane.x + 350, y)
    desk.button("mouseup")
    frame, time_axis = desk.loop.frame, desk.state.time
    back_px = (frame.event_ns - time_axis.edge_ns(frame.event_ns)) / time_axis.ns_per_px
    assert back_px >= 195
    desk.key("f")
    desk.until(lambda: time_axis.is_live, "F did not follow")


def test_pointing_at_a_bubble_shows_it_and_a_click_pins_it(desk):
    desk.key("space")
    desk.until(lambda: desk.state.pause is not None, "Space did not pause")
    chart = desk.loop.frame.charts[0]
    view = chart.scene.price_view
    rows = desk.link.filled[0].rows
    row = rows[int((rows["buy"] + rows["sell"])[-60:].argmax()) - 60]
    x = view.screen_x(int(row["ts_event"]) + desk.link.markets[0].bucket_ns // 2)
    y = view.screen_y(int(row["price"]) / 250_000_000)
    desk.move(x, y)
    desk.until(lambda: desk.loop.frame.charts[0].scene.hover_id is not None, "nothing under the mouse")
    hovered = desk.loop.frame.charts[0].scene.hover_id
    desk.button("click")
    desk.until(lambda: desk.state.charts[0].pinned_id == hovered, "the click did not pin")
    desk.key("Escape")
    desk.until(lambda: desk.state.charts[0].pinned_id is None, "Esc did not let go")


def test_the_border_between_the_panes_can_be_dragged(desk):
    splitter = desk.loop.frame.charts[0].layout.splitter
    x, y = splitter.x + 200, splitter.y + splitter.height / 2
    desk.move(x, y)
    desk.button("mousedown")
    desk.move(x, y - 60)
    desk.move(x, y - 80)
    desk.button("mouseup")
    assert abs(desk.loop.frame.charts[0].layout.cvd.y - (y - 80)) <= 2


def test_esc_closes_a_list_before_it_does_anything_else(desk, monkeypatch):
    places = []
    begin = imgui.begin_combo

    def noted(label, *arguments):
        is_open = begin(label, *arguments)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        places.append((0.5 * (low.x + high.x), 0.5 * (low.y + high.y)))
        return is_open

    monkeypatch.setattr(imgui, "begin_combo", noted)
    desk.key("space")
    desk.key("d")
    desk.until(lambda: len(places) > 3, "the controls did not open")
    monkeypatch.undo()
    desk.move(*places[-1])
    desk.button("click")
    desk.until(is_list_open, "the list did not open")
    desk.key("Escape")
    desk.until(lambda: not is_list_open(), "Esc did not close the list")
    assert desk.state.pause is not None
    desk.key("Escape")
    desk.until(lambda: desk.state.pause is None, "Esc did not go on")


def test_the_menu_opens_at_its_button_and_with_f10(desk):
    def is_menu_seen():
        desk.frames(1)
        return is_list_open()

    desk.move(12, 20)
    desk.button("click")
    desk.until(is_menu_seen, "the button did not open the menu")
    desk.key("Escape")
    desk.until(lambda: not is_menu_seen(), "Esc did not close the menu")
    desk.key("F10")
    desk.until(is_menu_seen, "F10 did not open the menu")
    desk.key("Escape")
    desk.until(lambda: not is_menu_seen(), "Esc did not close the menu")
