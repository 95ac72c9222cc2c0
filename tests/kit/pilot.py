"""Drives the program's frame as a user does: presses keys, moves the mouse, waits for conditions.

`HeadlessPilot` feeds Dear ImGui's input queue and advances its own clock frame by frame, so nothing depends on the
machine's speed. `WindowPilot` opens a real window on an X display; xdotool presses the keys and moves the mouse. Both
have the same methods, so a test can run on either. Positions are framebuffer pixels; keys are named as in the table
`flow_gl.ui.input.actions`: "n", "2", "space", "escape", "f10", "?".
"""

import os
import re
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pytest
from imgui_bundle import imgui
from numpy.typing import NDArray

from flow_gl.core.clock import SYSTEM, Clock, ManualClock
from flow_gl.core.palette import DARK
from flow_gl.gl.api import GL
from flow_gl.gl.capture import read_picture
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.surface.context import Surface, Window, WindowOptions
from flow_gl.gl.surface.offscreen import Offscreen
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from tests.kit.gl_context import PilotResources, share_context
from tests.kit.local_link import LocalLink
from tests.kit.waiting import PATIENCE_S

Place = tuple[float, float]
ANSWER_FRAMES = 4
"""Dear ImGui takes at most one change of a key or button per frame."""
PATIENCE_FRAMES = 5_000
WATCHED_FRAMES = 40
"""Frames of a wait that follow each other as on a monitor."""
IDLE_FRAME_S = 1 / 30
FEW_PX = 16, 16


class CountingGui(Gui):
    """The program's overlays with a count of their builds.

    Attributes
    ----------
    built : number of builds
    is_building : whether `begin` was called without a `build` yet
    """

    built = 0
    is_building = False

    def begin(self, width: int, height: int, dt_s: float) -> None:
        self.is_building = True
        super().begin(width, height, dt_s)

    def build(self) -> None:
        self.is_building = False
        self.built += 1
        super().build()


class Pilot(ABC):
    """A user of the program's frame over a local engine.

    Attributes
    ----------
    link, state, gui, loop, clock : the program's objects
    """

    def __init__(
        self,
        surface: Surface,
        link: LocalLink,
        clock: Clock,
        *,
        window: Any = None,
        resources: SharedResources | None = None,
    ) -> None:
        self.surface: Final = surface
        self.link: Final = link
        self.clock: Final = clock
        self.state: Final = ViewState()
        self.gui: Final = CountingGui(DARK, scale=1.0, window=window)
        self.loop: Final = FrameLoop(surface, link, self.state, self.gui, clock, resources=resources)

    @abstractmethod
    def frame_once(self) -> None:
        """Draw one frame."""

    @abstractmethod
    def has_patience(self, since: tuple[int, float]) -> bool:
        """Return whether a wait that began at `since` (frames drawn, time in s) may continue."""

    @abstractmethod
    def key_down(self, key: str) -> None: ...

    @abstractmethod
    def key_up(self, key: str) -> None: ...

    @abstractmethod
    def move(self, place: Place) -> None:
        """Move the mouse and draw frames until it has arrived."""

    @abstractmethod
    def mouse_down(self, button: int = 0) -> None:
        """Press and hold a button: 0 left, 1 right, 2 middle."""

    @abstractmethod
    def mouse_up(self, button: int = 0) -> None: ...

    @abstractmethod
    def turn_wheel(self, steps: int) -> None: ...

    @abstractmethod
    def type_text(self, text: str) -> None:
        """Type a text, which the widget with the keyboard takes."""

    frame_count = 0
    """Number of frames drawn so far."""
    pause_s = 0.0
    """Pause between two frames of a long wait: it leaves the processor to the processes that are waited for."""

    def frames(self, count: int = 1) -> int:
        """Draw `count` frames; return how many of them built the overlays."""
        before = self.gui.built
        for _ in range(count):
            self.frame_once()
            self.frame_count += 1
        return self.gui.built - before

    def press(self, *keys: str) -> None:
        """Press keys one after another ("ctrl+z": with Ctrl held) and draw frames until they are processed."""
        for key in keys:
            *modifiers, last = key.split("+") if len(key) > 1 else [key]
            for modifier in modifiers:
                self.key_down(modifier)
            self.key_down(last)
            self.key_up(last)
            for modifier in modifiers:
                self.frames(ANSWER_FRAMES)
                self.key_up(modifier)
        self.frames(ANSWER_FRAMES)

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Hold a key: "shift", "ctrl"."""
        self.key_down(key)
        self.frames(ANSWER_FRAMES)
        yield
        self.key_up(key)
        self.frames(ANSWER_FRAMES)

    def click(self, place: Place | None = None, *, button: int = 0) -> None:
        if place is not None:
            self.move(place)
        self.mouse_down(button)
        self.frames(ANSWER_FRAMES)
        self.mouse_up(button)
        self.frames(ANSWER_FRAMES)

    @contextmanager
    def watching_menus(self) -> Iterator[dict[str, Place]]:
        """Yield the places of the entries of open menus by their text, as of the last frame."""
        places: dict[str, Place] = {}
        inside = imgui.menu_item_simple, imgui.begin_menu

        def noted(call: Callable[..., bool]) -> Callable[..., bool]:
            def run(label: str, *arguments: Any, **more: Any) -> bool:
                low, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
                places[label] = (low.x + 0.5 * width, low.y + 0.5 * imgui.get_text_line_height())
                return call(label, *arguments, **more)

            return run

        imgui.menu_item_simple, imgui.begin_menu = map(noted, inside)
        try:
            yield places
        finally:
            imgui.menu_item_simple, imgui.begin_menu = inside

    def choose(self, *titles: str) -> None:
        """Click entries of the menu that is open: those of the menus on the way, and the last one."""
        with self.watching_menus() as places:
            for title in titles:
                places.clear()
                self.until(lambda title=title: title in places, f"no menu has the entry {title!r}")
                self.click(places[title])

    def drag(self, start: Place, *stops: Place) -> None:
        """Press at `start`, move to each stop, and release at the last."""
        self.move(start)
        self.mouse_down()
        self.frames(ANSWER_FRAMES)
        for stop in stops:
            self.move(stop)
        self.mouse_up()
        self.frames(ANSWER_FRAMES)

    def scroll(self, steps: int, place: Place | None = None) -> None:
        """Turn the wheel: positive away from the user."""
        if place is not None:
            self.move(place)
        self.turn_wheel(steps)
        self.frames(ANSWER_FRAMES)

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Draw frames until `holds()` is true; fail with `what` if it never is."""
        since = self.frame_count, time.monotonic()
        while not holds():
            assert self.has_patience(since), what
            self.frames(1)
            if self.frame_count - since[0] > ANSWER_FRAMES:
                time.sleep(self.pause_s)

    def until_idle(self) -> None:
        """Draw frames until all input is processed and nothing moves."""
        self.frames(ANSWER_FRAMES)

        def is_idle() -> bool:
            now_s = self.clock.monotonic_ns() / 1e9
            return not self.gui.has_input and not self.loop.scheduler.is_awake_for("input", now_s)

        self.until(is_idle, "input keeps the picture moving")

    @property
    def frame(self) -> Frame:
        """Return the last frame."""
        assert self.loop.frame is not None
        return self.loop.frame

    @property
    def charts(self) -> list[ChartFrame]:
        """Return the charts of the last frame."""
        return self.frame.charts

    def picture(self) -> NDArray[np.uint8]:
        """Return the last frame's pixels: uint8, shape (height, width, 3)."""
        return read_picture(*self.surface.size)

    def close(self) -> None:
        self.loop.release()
        self.gui.close()
        self.surface.close()


_MOUSE_KEYS: Final = {"shift": imgui.Key.mod_shift, "ctrl": imgui.Key.mod_ctrl, "alt": imgui.Key.mod_alt}


class TinyTarget:
    """A surface that claims to be large but has few pixels: everything is laid out and sent, and little is filled.

    A frame costs a fifth of one with pixels, because a software rasteriser spends most of its time on filling.

    Attributes
    ----------
    size : width and height that it claims to have, pixels
    content_scale : scale of the monitor that it claims to be on
    """

    def __init__(self, width: int, height: int, *, content_scale: float = 1.0) -> None:
        share_context()
        self._target: Final = Offscreen(*FEW_PX)
        self.size = width, height
        self.content_scale = content_scale
        self.is_closing = False

    def has_pixels(self, are_all: bool) -> None:
        """Have all pixels of the claimed size, or few."""
        self._target.resize(*(self.size if are_all else FEW_PX))

    def claim(self, width: int, height: int) -> None:
        """Change the size, as a user does with a window's."""
        self.size = width, height

    def move_to_monitor(self, content_scale: float) -> None:
        """Be on a monitor of another scale."""
        self.content_scale = content_scale

    def begin(self) -> None:
        self._target.bind()

    def swap(self) -> None:
        GL.glFinish()

    def close(self) -> None:
        assert GL.glGetError() == GL.GL_NO_ERROR
        self._target.release()


class HeadlessPilot(Pilot):
    """A pilot without a screen, with a clock that advances by one frame at a time.

    Parameters
    ----------
    size : width and height, pixels
    content_scale : the monitor's
    has_picture : draw all pixels, for tests that look at them; otherwise everything but the pixels is as in a window
    frame_s : time between two frames, seconds
    """

    def __init__(
        self,
        *symbols: str,
        size: tuple[int, int] = (640, 360),
        content_scale: float = 1.0,
        has_picture: bool = False,
        frame_s: float = 1 / 144,
        bubbles: int = 150,
    ) -> None:
        link = LocalLink(*(symbols or ("NQZ5",)), bubbles=bubbles)
        self.time: Final = ManualClock(link.now_ns)
        self.frame_s = frame_s
        self._has_picture: Final = has_picture
        target = TinyTarget(*size, content_scale=content_scale)
        target.has_pixels(has_picture)
        super().__init__(target, link, self.time, resources=PilotResources())

    def picture(self) -> NDArray[np.uint8]:
        assert self._has_picture, "this pilot has few pixels: make it with has_picture=True"
        return super().picture()

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Draw frames with few pixels, as without `has_picture`; at the end one with all pixels."""
        assert isinstance(self.surface, TinyTarget)
        self.surface.has_pixels(False)
        yield
        self.surface.has_pixels(self._has_picture)
        self.loop.run_for_picture()

    def pass_time(self, seconds: float) -> None:
        """Advance the clock; the engine keeps sending its heartbeat."""
        self.time.advance(int(seconds * 1e9))
        self.link.beat(self.time.wall_ns())

    def frame_once(self) -> None:
        self.frame_after(self.frame_s)

    def frame_after(self, seconds: float) -> None:
        """Draw a frame `seconds` after the last one."""
        self.pass_time(seconds)
        self.loop.run_frame(seconds)

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Draw frames until `holds()` is true, in a long wait 30 a second, because no one is watching."""
        frame_s, begun = self.frame_s, self.frame_count

        def is_so() -> object:
            if self.frame_count - begun >= WATCHED_FRAMES:
                self.frame_s = max(frame_s, IDLE_FRAME_S)
            return holds()

        super().until(is_so, what)
        self.frame_s = frame_s

    def until_idle(self) -> None:
        """Draw frames until all input is processed and nothing moves, 30 a second."""
        frame_s, self.frame_s = self.frame_s, max(self.frame_s, IDLE_FRAME_S)
        super().until_idle()
        self.frame_s = frame_s

    def has_patience(self, since: tuple[int, float]) -> bool:
        return self.frame_count - since[0] < PATIENCE_FRAMES

    def key_down(self, key: str) -> None:
        if len(key) == 1 and not key.isalnum():
            imgui.get_io().add_input_character(ord(key))
        else:
            imgui.get_io().add_key_event(_imgui_key(key), True)

    def key_up(self, key: str) -> None:
        if len(key) > 1 or key.isalnum():
            imgui.get_io().add_key_event(_imgui_key(key), False)

    def type_text(self, text: str) -> None:
        imgui.get_io().add_input_characters_utf8(text)
        self.frames(ANSWER_FRAMES + len(text))

    def move(self, place: Place) -> None:
        self.point(place)
        self.frames(ANSWER_FRAMES)

    def point(self, place: Place) -> None:
        """Move the mouse in the next frame."""
        imgui.get_io().add_mouse_pos_event(*place)

    def mouse_down(self, button: int = 0) -> None:
        imgui.get_io().add_mouse_button_event(button, True)

    def mouse_up(self, button: int = 0) -> None:
        imgui.get_io().add_mouse_button_event(button, False)

    def turn_wheel(self, steps: int) -> None:
        imgui.get_io().add_mouse_wheel_event(0.0, float(steps))


def _imgui_key(name: str) -> imgui.Key:
    if name in _MOUSE_KEYS:
        return _MOUSE_KEYS[name]
    found: imgui.Key = getattr(imgui.Key, f"_{name}" if name.isdigit() else name)
    return found


_X_NAMES: Final = {
    "escape": "Escape",
    "tab": "Tab",
    "enter": "Return",
    "delete": "Delete",
    "menu": "Menu",
    "up_arrow": "Up",
    "down_arrow": "Down",
    "left_arrow": "Left",
    "right_arrow": "Right",
    "page_up": "Page_Up",
    "page_down": "Page_Down",
    "?": "question",
    ".": "period",
    ",": "comma",
    ">": "greater",
    "<": "less",
    "[": "bracketleft",
    "]": "bracketright",
    "+": "plus",
    "-": "minus",
    "=": "equal",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}
"""Names of X keys; any other key has its own name."""


def _x_name(key: str) -> str:
    if key in _X_NAMES:
        return _X_NAMES[key]
    return "+".join(_X_NAMES.get(part, part) for part in key.split("+"))


_X_BUTTONS: Final = (1, 3, 2)


class WindowPilot(Pilot):
    """A real window on an X display, with a real keyboard and mouse.

    Parameters
    ----------
    display : DISPLAY of an otherwise empty virtual screen; must equal this process's DISPLAY
    link : the engine; None for a local one with these symbols
    """

    pause_s = 0.02

    def __init__(
        self,
        display: str,
        *symbols: str,
        size: tuple[int, int] = (1280, 720),
        bubbles: int = 300,
        link: Any = None,
    ) -> None:
        if shutil.which("xdotool") is None:
            pytest.skip("xdotool is not installed (make test installs it on Debian and Ubuntu)")
        self._environment: Final = {**os.environ, "DISPLAY": display}
        self.window: Final = Window(WindowOptions(width=size[0], height=size[1], is_vsync=False))
        self._is_local: Final = link is None
        link = link or LocalLink(*(symbols or ("NQZ5",)), bubbles=bubbles, wall_ns=SYSTEM.wall_ns())
        super().__init__(self.window, link, SYSTEM, window=self.window.handle)
        self.frames(3)
        self._xdotool("search", "--sync", "--onlyvisible", "--name", "flow_gl", "windowmove", "0", "0")

    def frame_once(self) -> None:
        self.window.poll()
        if self._is_local:
            self.link.beat(SYSTEM.wall_ns())
        self.loop.run_frame(1 / 60)
        self.window.swap()

    def has_patience(self, since: tuple[int, float]) -> bool:
        return time.monotonic() - since[1] < PATIENCE_S

    def key_down(self, key: str) -> None:
        self._xdotool("keydown", _x_name(key))
        if key in _MOUSE_KEYS:  # it changes what the mouse does next, so it must have arrived
            self.until(lambda: imgui.is_key_down(_MOUSE_KEYS[key]), f"{key} never arrived")

    def key_up(self, key: str) -> None:
        self._xdotool("keyup", _x_name(key))

    def press(self, *keys: str) -> None:
        self._xdotool("key", *(_x_name(key) for key in keys))
        self.frames(ANSWER_FRAMES)

    def move(self, place: Place) -> None:
        x, y = place
        left, top = self._origin()
        self._xdotool("mousemove", str(int(x) + left), str(int(y) + top))

        def has_arrived() -> bool:
            mouse = imgui.get_io().mouse_pos
            return abs(mouse.x - x) < 2 and abs(mouse.y - y) < 2

        self.until(has_arrived, "the mouse never arrived")

    def _origin(self) -> tuple[int, int]:
        """Return the place of the window's content on the screen: a window manager may add a frame."""
        import glfw

        left, top = glfw.get_window_pos(self.window.handle)
        return int(left), int(top)

    def type_text(self, text: str) -> None:
        self._xdotool("type", "--delay", "0", text)
        self.frames(ANSWER_FRAMES)

    def mouse_down(self, button: int = 0) -> None:
        self._xdotool("mousedown", str(_X_BUTTONS[button]))

    def mouse_up(self, button: int = 0) -> None:
        self._xdotool("mouseup", str(_X_BUTTONS[button]))

    def turn_wheel(self, steps: int) -> None:
        self._xdotool("click", "--repeat", str(abs(steps)), "4" if steps > 0 else "5")

    def move_in(self, title: str, place: Place) -> None:
        """Move the mouse to a place in another window, found by the end of its title."""
        search = "search", "--sync", "--onlyvisible", "--name", f"{re.escape(title)}$"
        self._xdotool(*search, "mousemove", "--sync", "--window", "%1", *(str(int(one)) for one in place))

    def press_in(self, title: str, *keys: str) -> None:
        """Press keys in another window, found by the end of its title."""
        self._xdotool("search", "--sync", "--onlyvisible", "--name", f"{re.escape(title)}$", "windowactivate", "--sync")
        self.press(*keys)

    def _xdotool(self, *words: str) -> None:
        subprocess.run(
            ["xdotool", *words], env=self._environment, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S
        )
