"""A real window on two outputs of an X server, with a window manager: where it starts, monitors that come and go.

GLFW gives one content scale for all monitors of an X display (Xft.dpi), so a move between monitors of different scale
is in tests/view/test_text_size.py, with a surface whose scale changes.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from imgui_bundle import imgui  # noqa: F401  # before glfw: both must load one GLFW
from PIL import Image

from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import Settings
from flow_gl.core.system.interrupts import Interrupted
from flow_gl.gl.surface import monitors as surface_monitors
from flow_gl.ui.overlays.notices import Notes
from flow_gl.ui.workspaces.saved import SavedWorkspaces
from flow_gl.ui.workspaces.tree import Memory, WindowPlace, Workspace
from flow_gl.view.monitor_watch import MonitorWatch
from flow_gl.view.program import ViewOptions, run_view
from tests.kit.local_link import LocalLink
from tests.kit.screens import Monitors, two_monitors, window_manager

pytestmark = pytest.mark.window

Script = Iterator[object]
_PATIENCE_NS = 60e9


class Spot(NamedTuple):
    """Where a window's content is on the screen, and whether it is in full screen."""

    x: int
    y: int
    width: int
    height: int
    is_fullscreen: bool


FIRST = Spot(0, 0, 1280, 720, is_fullscreen=True)
SECOND = Spot(1280, 0, 1024, 600, is_fullscreen=True)
"""The two monitors, covered."""


class ScriptedLink(LocalLink):
    """A link that runs a script, one step per frame, and then ends the program."""

    def __init__(self, script: Script) -> None:
        super().__init__("NQZ5", wall_ns=SYSTEM.wall_ns())
        self._script: Script | None = script

    def poll(self) -> Any:
        self.beat(SYSTEM.wall_ns())
        if self._script is not None and next(self._script, self) is self:
            self._script = None
            os.kill(os.getpid(), signal.SIGTERM)
        return super().poll()


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Monitors, "subprocess.Popen[bytes]"]]:
    """Yield two monitors and the process of the window manager."""
    folder = tmp_path_factory.mktemp("monitors")
    with two_monitors(folder) as found:
        before = os.environ.get("DISPLAY")
        os.environ["DISPLAY"] = found.display
        with window_manager(found.display, folder) as manager:
            yield found, manager
        if before is None:
            del os.environ["DISPLAY"]
        else:
            os.environ["DISPLAY"] = before


@pytest.fixture(scope="module")
def monitors(desktop: tuple[Monitors, "subprocess.Popen[bytes]"]) -> Monitors:
    return desktop[0]


@pytest.fixture(autouse=True)
def both(monitors: Monitors) -> None:
    monitors.reset()


def spot() -> Spot:
    """Return where the window is, as the X server has it."""
    import glfw

    handle = glfw.get_current_context()
    window = str(glfw.get_x11_window(handle))
    said = subprocess.run(["xprop", "-id", window, "_NET_WM_STATE"], capture_output=True, text=True, check=True)
    is_fullscreen = "_NET_WM_STATE_FULLSCREEN" in said.stdout
    return Spot(*map(int, (*glfw.get_window_pos(handle), *glfw.get_window_size(handle))), is_fullscreen)


def names() -> list[str]:
    return [one.name for one in surface_monitors.monitors()]


def reaches(wanted: Callable[[Spot], bool]) -> Script:
    """Wait for the window to be somewhere, frame by frame, and to stay there."""
    until = SYSTEM.monotonic_ns() + _PATIENCE_NS
    steady, before = 0, spot()
    while steady < 3:
        now = spot()
        steady, before = steady + 1 if wanted(now) and now == before else 0, now
        assert SYSTEM.monotonic_ns() < until, f"the window is at {now}, on {names()}"
        yield


def at(wanted: Spot) -> Script:
    return reaches(lambda now: now == wanted)


def is_within(monitor: Spot) -> Callable[[Spot], bool]:
    """Whether a window lies on a monitor and does not cover it."""
    return lambda now: (
        not now.is_fullscreen
        and monitor.x <= now.x <= monitor.x + monitor.width - now.width
        and monitor.y <= now.y <= monitor.y + monitor.height - now.height
    )


class Ran(NamedTuple):
    """A run of the program: its last frame, what it said, and where it left the window."""

    picture: np.ndarray
    notes: list[str]
    left: WindowPlace


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Return a function that runs the program through a script, beginning where it was left."""
    notes: list[str] = []
    add = Notes.add

    def noted(self: Notes, text: str, now_s: float, **more: Any) -> None:
        notes.append(text)
        logging.getLogger(__name__).warning("note: %s", text)  # shown with a failure
        add(self, text, now_s, **more)

    monkeypatch.setattr(Notes, "add", noted)
    folder = tmp_path / "workspaces"

    def run(script: Script, *, last: WindowPlace | None = None, **settings: Any) -> Ran:
        if last is not None:
            assert SavedWorkspaces(folder).save_last(Workspace(window=last), Memory()) == ""
        notes.clear()
        path = tmp_path / "last.png"
        options = ViewOptions(
            Settings(caption=False, **settings), workspaces=folder, screenshot=path, keys=tmp_path / "keys.toml"
        )
        with pytest.raises(Interrupted):
            run_view(options, ScriptedLink(script))
        left, _ = SavedWorkspaces(folder).load_last()
        return Ran(np.asarray(Image.open(path).convert("RGB")), list(notes), left.window)

    return run


def assert_complete(picture: np.ndarray, width: int, height: int) -> None:
    """Check that a picture of the whole window has a chart up to its edges."""
    assert picture.shape == (height, width, 3)
    right, bottom = picture[:, -80:], picture[-24:]
    for part in (right, bottom, picture):
        assert len(np.unique(part.reshape(-1, 3), axis=0)) > 8


@pytest.mark.parametrize("asked", ["dummy1", "1"])
def test_the_window_opens_on_the_monitor_that_is_asked_for(program: Callable[..., Ran], asked: str) -> None:
    ran = program(reaches(is_within(SECOND)), monitor=asked, size="800x500")
    assert ran.left.monitor == "DUMMY1"


def test_it_covers_the_monitor_that_is_asked_for_and_leaves_it_for_a_place_on_it(program: Callable[..., Ran]) -> None:
    def script() -> Script:
        yield from at(SECOND)
        subprocess.run(["xdotool", "key", "F11"], check=True)
        yield from reaches(is_within(SECOND))
        subprocess.run(["xdotool", "key", "F11"], check=True)
        yield from at(SECOND)

    ran = program(script(), monitor="DUMMY1", fullscreen=True)
    assert_complete(ran.picture, 1024, 600)
    assert (ran.left.monitor, ran.left.fullscreen) == ("DUMMY1", True)


def test_a_monitor_that_does_not_exist_is_an_error_that_lists_the_others(program: Callable[..., Ran]) -> None:
    with pytest.raises(UsageError, match=r"^monitor was 'DP-9': expected one of 0 \(DUMMY0\), 1 \(DUMMY1\)$"):
        program(iter(()), monitor="DP-9")


def test_it_starts_where_it_was_left(program: Callable[..., Ran]) -> None:
    program(
        at(Spot(1380, 80, 700, 400, is_fullscreen=False)),
        last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400),
    )
    program(at(SECOND), last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400, fullscreen=True))


def test_a_remembered_monitor_that_is_gone_is_replaced_by_the_primary_one(
    program: Callable[..., Ran], monitors: Monitors
) -> None:
    monitors.unplug("DUMMY1")
    program(at(FIRST), last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400, fullscreen=True))
    program(reaches(is_within(FIRST)), last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"fullscreen": False}, Spot(1380, 80, 700, 400, is_fullscreen=False)),
        ({"monitor": "0"}, FIRST),
        ({"monitor": "DUMMY1"}, SECOND),
    ],
)
def test_a_run_overrides_a_remembered_full_screen(
    program: Callable[..., Ran], settings: dict[str, Any], expected: Spot
) -> None:
    program(
        at(expected),
        last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400, fullscreen=True),
        **settings,
    )


def test_full_screen_continues_where_a_monitor_remains_and_returns_with_its_own(
    program: Callable[..., Ran], monitors: Monitors
) -> None:
    def script() -> Script:
        yield from at(SECOND)
        monitors.unplug("DUMMY1")
        yield from at(FIRST)
        monitors.plug("DUMMY1", "1024x600", "1280x0")
        yield from at(SECOND)
        monitors.unplug("DUMMY1")
        yield from at(FIRST)

    ran = program(script(), monitor="DUMMY1", fullscreen=True)
    assert_complete(ran.picture, 1280, 720)
    assert ran.notes == [
        "monitor DUMMY1 was disconnected: full screen on DUMMY0",
        "monitor DUMMY1 is back",
        "monitor DUMMY1 was disconnected: full screen on DUMMY0",
    ]


def test_a_window_that_its_user_has_moved_meanwhile_stays_there(
    program: Callable[..., Ran], monitors: Monitors
) -> None:
    def script() -> Script:
        yield from at(SECOND)
        monitors.unplug("DUMMY1")
        yield from at(FIRST)
        subprocess.run(["xdotool", "key", "F11"], check=True)
        yield from reaches(is_within(FIRST))
        monitors.plug("DUMMY1", "1024x600", "1280x0")
        yield from reaches(is_within(FIRST))

    assert "monitor DUMMY1 is back" not in program(script(), monitor="DUMMY1", fullscreen=True).notes


def test_a_check_before_the_event_of_a_disconnection_does_not_lose_the_window(
    program: Callable[..., Ran], monitors: Monitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = Spot(1380, 80, 700, 400, is_fullscreen=False)
    watches: list[MonitorWatch] = []
    begin = MonitorWatch.__init__

    def noted(self: MonitorWatch, *arguments: Any) -> None:
        watches.append(self)
        begin(self, *arguments)

    monkeypatch.setattr(MonitorWatch, "__init__", noted)

    def script() -> Script:
        yield from at(placed)
        monitors.unplug("DUMMY1")
        time.sleep(0.6)  # the next check is due, and no event has been polled
        watches[-1].poll()
        yield from reaches(is_within(FIRST))
        monitors.plug("DUMMY1", "1024x600", "1280x0")
        yield from at(placed)

    ran = program(script(), last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400))
    assert "monitor DUMMY1 is back" in ran.notes


@pytest.mark.parametrize("late_s", [0.0, 2.0], ids=["at once", "slow window manager"])
def test_a_window_on_a_disconnected_monitor_moves_to_another_and_returns(
    program: Callable[..., Ran], desktop: tuple[Monitors, "subprocess.Popen[bytes]"], late_s: float
) -> None:
    monitors, manager = desktop
    placed = Spot(1380, 80, 700, 400, is_fullscreen=False)

    def script() -> Script:
        yield from at(placed)
        for _ in range(60):
            yield
        manager.send_signal(signal.SIGSTOP)
        threading.Timer(late_s, manager.send_signal, [signal.SIGCONT]).start()
        monitors.unplug("DUMMY1")
        yield from reaches(is_within(FIRST))
        for _ in range(60):
            yield
        monitors.plug("DUMMY1", "1024x600", "1280x0")
        yield from at(placed)

    ran = program(script(), last=WindowPlace(monitor="DUMMY1", x=100, y=80, width=700, height=400))
    assert_complete(ran.picture, 700, 400)
    assert ran.notes == ["monitor DUMMY1 was disconnected: the window is on DUMMY0", "monitor DUMMY1 is back"]


def test_full_screen_follows_a_monitor_whose_size_changes(program: Callable[..., Ran], monitors: Monitors) -> None:
    def script() -> Script:
        yield from at(SECOND)
        monitors.plug("DUMMY1", "1280x720", "1280x0")
        yield from at(Spot(1280, 0, 1280, 720, is_fullscreen=True))

    assert_complete(program(script(), monitor="DUMMY1", fullscreen=True).picture, 1280, 720)


def test_a_key_moves_the_window_to_the_next_monitor(program: Callable[..., Ran]) -> None:
    def script() -> Script:
        yield from reaches(is_within(FIRST))
        subprocess.run(["xdotool", "key", "shift+F11"], check=True)
        yield from reaches(is_within(SECOND))
        subprocess.run(["xdotool", "key", "F11"], check=True)
        yield from at(SECOND)
        subprocess.run(["xdotool", "key", "shift+F11"], check=True)
        yield from at(FIRST)

    ran = program(script(), monitor="0", size="700x400")
    assert ran.notes == ["on monitor DUMMY1", "on monitor DUMMY0"]
