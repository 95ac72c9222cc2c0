"""The program with several windows from start to end: opened by key, kept, restored, closed; nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flow_gl.ui.workspaces.tree import WindowState, Workspace
from flow_gl.ui.workspaces.workspace_file import read
from tests.kit.screens import two_monitors, virtual_display, window_manager
from tests.kit.waiting import PATIENCE_S, until

pytestmark = pytest.mark.window
DEMO = (sys.executable, "-m", "flow_gl", "demo", "--size", "500x360", "--no-sessions", "--fps", "15")
"""Few frames a second, since every window draws in software."""


class Desktop:
    """A screen with a window manager, and a user's folders."""

    def __init__(self, display: str, folder: Path) -> None:
        names = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "STATE", "DATA")}
        self.environment = {**os.environ, **names, "DISPLAY": display}
        self.last = folder / "config" / "flow_gl" / "workspaces" / "last.toml"

    @contextmanager
    def program(self) -> "Iterator[subprocess.Popen[bytes]]":
        running = subprocess.Popen(DEMO, env=self.environment, stderr=subprocess.DEVNULL)
        try:
            yield running
        finally:
            running.kill()
            running.wait()

    def xdotool(self, *words: str) -> list[str]:
        said = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        return said.stdout.split()

    def windows(self) -> int:
        """Return how many windows the program has."""
        return len(self.xdotool("search", "--onlyvisible", "--name", "^flow_gl demo"))

    def press_in(self, title: str, key: str) -> None:
        """Press a key in a window, once it has the keyboard: on a busy machine another window may take it at first."""

        def has_keyboard() -> bool:
            windows = self.xdotool("search", "--onlyvisible", "--name", f"^{re.escape(title)}$")
            if windows and self.xdotool("getwindowfocus") != windows[:1]:
                self.xdotool("windowactivate", windows[0])
            return bool(windows) and self.xdotool("getwindowfocus") == windows[:1]

        until(has_keyboard, f"{title} has not got the keyboard", pause_s=0.1)
        self.xdotool("key", key)

    def area(self, title: str) -> tuple[int, int, int, int]:
        """Return left, top, width and height of a window's content."""
        said = self.xdotool("search", "--name", f"^{re.escape(title)}$", "getwindowgeometry", "--shell")
        found = dict(line.split("=") for line in said if "=" in line)
        return tuple(int(found.get(name, -1)) for name in ("X", "Y", "WIDTH", "HEIGHT"))  # type: ignore[return-value]

    def has_windows(self, count: int, what: str) -> None:
        until(lambda: self.windows() == count, what, pause_s=0.1)

    def kept(self) -> list[WindowState]:
        workspace, problem = read(self.last)
        assert isinstance(workspace, Workspace), problem
        return workspace.secondary_window


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    with virtual_display(1280, 800) as (display, _), window_manager(display, tmp_path):
        yield Desktop(display, tmp_path)


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(one) for one in found.stdout.split()]


def are_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}/cmdline").is_file() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an X display is Linux's")
def test_windows_are_opened_kept_restored_and_end_with_the_program(desktop: Desktop) -> None:
    with desktop.program() as program:
        desktop.has_windows(1, "the program has no window")
        desktop.press_in("flow_gl demo", "ctrl+shift+n")
        desktop.has_windows(2, "no second window")
        desktop.press_in("flow_gl demo (2)", "n")
        desktop.press_in("flow_gl demo (2)", "ctrl+shift+n")
        desktop.has_windows(3, "no third window")
        children = children_of(program.pid)
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE_S) == 143
    until(lambda: are_gone(children), "a process has outlived the program")
    assert [one.panels.open for one in desktop.kept()] == [["session"], []], "a new window has no panels"
    with desktop.program() as program:
        desktop.has_windows(3, "the windows did not come back")
        desktop.press_in("flow_gl demo (3)", "ctrl+F4")
        desktop.has_windows(2, "Ctrl+F4 did not close its window")
        desktop.press_in("flow_gl demo (2)", "ctrl+q")
        assert program.wait(PATIENCE_S) == 0
    assert [one.panels.open for one in desktop.kept()] == [["session"]], "what was closed does not come back"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an X display is Linux's")
def test_no_window_outlives_a_program_that_is_killed(desktop: Desktop) -> None:
    with desktop.program() as program:
        desktop.has_windows(1, "the program has no window")
        desktop.press_in("flow_gl demo", "ctrl+shift+n")
        desktop.has_windows(2, "no second window")
        children = children_of(program.pid)
        program.kill()
        until(lambda: are_gone(children), "a process has outlived the program")
    assert desktop.windows() == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an X display is Linux's")
def test_a_new_window_opens_on_the_free_monitor_and_comes_back_there_in_full_screen(tmp_path: Path) -> None:
    full = (1280, 0, 1024, 600)
    second = "flow_gl demo (2)"
    with two_monitors(tmp_path) as monitors, window_manager(monitors.display, tmp_path):
        desktop = Desktop(monitors.display, tmp_path)
        with desktop.program() as program:
            desktop.has_windows(1, "the program has no window")
            desktop.press_in("flow_gl demo", "ctrl+shift+n")
            desktop.has_windows(2, "no second window")
            until(lambda: desktop.area(second)[0] >= 1280, "it is not on the second monitor")
            desktop.press_in(second, "F11")
            until(lambda: desktop.area(second) == full, "it does not cover the second monitor")
            program.send_signal(signal.SIGTERM)
            assert program.wait(PATIENCE_S) == 143
        (kept,) = desktop.kept()
        assert (kept.window.monitor, kept.window.fullscreen) == ("DUMMY1", True)
        with desktop.program():
            desktop.has_windows(2, "the second window did not come back")
            until(lambda: desktop.area(second) == full, "it does not cover the second monitor again")
