"""A window on the Wayland desktop of `screens.wayland_desktop`, in a process of its own: GLFW is loaded once a process.

`python -m tests.kit.wayland_window` goes through what a user does with it, and prints what it saw, one line of JSON.
The variable DESKTOP_PID is the desktop's process, which it ends last.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from flow_gl.gl.surface import window_system

PATIENCE_S = 20.0


def sway(*words: str) -> None:
    """Let the desktop do something."""
    subprocess.run(["swaymsg", "-q", *words], check=True, timeout=PATIENCE_S)


class User:
    """Opens the window and uses it. `seen` is what there was to see."""

    def __init__(self) -> None:
        window_system.prepare(None)
        from imgui_bundle import imgui  # noqa: F401  # it uses the GLFW that is there

        from flow_gl.gl.surface.context import Window, WindowOptions

        self.window = Window(WindowOptions(width=400, height=300))
        self.seen: dict[str, Any] = {}

    def draw(self, color: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> None:
        """Draw a frame."""
        from flow_gl.gl.api import clear

        self.window.begin()
        clear(color)
        self.window.swap()
        self.window.poll()

    def draw_until(self, is_done: Callable[[], bool], what: str) -> None:
        """Draw until something is so, then a few frames more."""
        end_s = time.monotonic() + PATIENCE_S
        while not is_done():
            self.draw()
            assert time.monotonic() < end_s, what
        for _ in range(5):
            self.draw()

    def look(self) -> None:
        """Look at a new window."""
        from flow_gl.gl.api import GL, clear
        from flow_gl.gl.surface.monitors import monitors

        self.draw_until(lambda: self.window.size == (400, 300), "the window has no size")
        self.window.begin()
        clear((0.0, 1.0, 0.0))
        pixel = list(GL.glReadPixels(10, 10, 1, 1, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE))
        tree = subprocess.run(["swaymsg", "-r", "-t", "get_tree"], capture_output=True, text=True, check=True).stdout
        self.seen["has_app_id"] = f'"app_id": "{window_system.APP_ID}"' in tree
        self.seen |= {"is_wayland": window_system.is_wayland(), "monitors": [one.name for one in monitors()]}
        self.seen["pixel"] = pixel

    def scale(self) -> None:
        """Change the scale of the monitors, and change it back."""
        sway("output", "*", "scale", "2")
        self.draw_until(lambda: self.window.content_scale == 2.0, "the scale did not change")
        self.seen["size_at_scale_2"] = self.window.size
        sway("output", "*", "scale", "1")
        self.draw_until(lambda: self.window.content_scale == 1.0, "the scale did not change back")

    def cover(self, number: int) -> None:
        """Cover a monitor."""
        from flow_gl.gl.surface import monitors, placement

        target = monitors.named(f"HEADLESS-{number}")
        assert target is not None
        size = int(target.area.width), int(target.area.height)
        self.window.set_fullscreen(True, target)
        self.draw_until(lambda: self.window.size == size, "it covers no monitor")
        self.seen["covering"] = [self.window.size, placement.where(self.window).monitor]

    def move(self) -> None:
        """Move the window from monitor to monitor, as far as Wayland allows it."""
        from flow_gl.gl.surface import placement
        from flow_gl.view.monitor_watch import to_next_monitor

        place = placement.where(self.window)
        self.seen["place"] = [place.monitor, place.x, place.y]
        self.seen["refused_move"] = to_next_monitor(self.window)
        for number in (2, 1, 2):
            self.cover(number)

    def hide(self) -> None:
        """Look at another workspace while the window draws, then come back and leave full screen."""
        sway("workspace", "elsewhere")
        start_s = time.monotonic()
        for _ in range(5):
            self.draw()
        self.seen["hidden_frame_s"] = (time.monotonic() - start_s) / 5
        sway(f"[app_id={window_system.APP_ID}]", "focus")
        self.window.set_fullscreen(False)
        self.draw_until(lambda: self.window.size[0] < 1024, "it did not leave full screen")

    def lose(self) -> None:
        """End the desktop."""
        from flow_gl.gl.surface import wayland

        self.seen["is_lost"] = wayland.is_lost()
        os.kill(int(os.environ["DESKTOP_PID"]), 9)
        self.draw_until(lambda: self.window.is_closing, "it did not notice that the desktop has ended")
        self.seen["is_lost_after"] = wayland.is_lost()


if __name__ == "__main__":
    user = User()
    for step in (user.look, user.scale, user.move, user.hide, user.lose):
        step()
    sys.stdout.write(f"{json.dumps(user.seen)}\n")
    sys.stdout.flush()
    os._exit(0)  # GLFW cannot close what the desktop no longer has
