"""Keeps the window in sight while monitors are unplugged, plugged in again or change their size.

GLFW takes a window off a monitor that is unplugged, and leaves it wherever that puts it. Here it moves to a monitor
that remains, with the same state, and back when its own monitor returns, unless the user has moved it in the meantime.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from flow_gl.core.clock import Clock
from flow_gl.gl.surface import monitors, placement
from flow_gl.gl.surface.context import Window
from flow_gl.gl.surface.placement import Placement

_LOOK_EVERY_NS: Final = 500_000_000
"""How often the window's place is noted. A window manager also has this long to move a window by itself."""


class MonitorWatch:
    """Watches the monitors for one window.

    Parameters
    ----------
    note : shows a line to the user
    """

    def __init__(self, window: Window, clock: Clock, note: Callable[[str], None]) -> None:
        import glfw

        self._window: Final = window
        self._clock: Final = clock
        self._note: Final = note
        self._gone: Final[list[str]] = []
        """Names of monitors that went since the last look."""
        self._is_changed = False
        self._was = placement.where(window)
        """Where the window was at the last look."""
        self._home: Placement | None = None
        """Where it was on a monitor that is gone."""
        self._refuge: Placement | None = None
        """Where it is instead, once it has arrived; as long as it is there, it goes home when the monitor returns."""
        self._is_rescued = False
        self._due_ns = 0
        # On Wayland only what a window covers is known; the compositor keeps other windows in sight.
        self._knows_place: Final = glfw.get_platform() != glfw.PLATFORM_WAYLAND
        self._before: Final[Any] = glfw.set_monitor_callback(self._noted)

    def close(self) -> None:
        """Stop watching."""
        import glfw

        glfw.set_monitor_callback(self._before)

    def _noted(self, monitor: Any, event: int) -> None:
        """Note a change; called while events are polled, when the window cannot be moved yet."""
        import glfw

        self._is_changed = True
        if event == glfw.DISCONNECTED:
            name = glfw.get_monitor_name(monitor)
            self._gone.append(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name))

    def look(self) -> bool:
        """Move the window if it must be; call it once per frame.

        Returns
        -------
        is_elsewhere : whether the window is on another monitor than at the last look
        """
        if self._is_changed:
            self._is_changed = False
            self._follow()
            self._due_ns = self._clock.monotonic_ns() + _LOOK_EVERY_NS
            return True
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + _LOOK_EVERY_NS
        was, self._was = self._was, placement.where(self._window)
        if self._window.is_fullscreen:
            self._fit()
        elif self._home is not None and self._refuge is None:
            self._rescue(self._home)
        return was.monitor != self._was.monitor

    def _follow(self) -> None:
        """Leave a monitor that is gone, or go back to one that has returned."""
        present = [one.name for one in monitors.monitors()]
        covered = self._window.covered
        mine = (covered,) if covered or not self._knows_place else (self._was.monitor,)
        lost = next((name for name in self._gone if name in mine and name not in present), "")
        self._gone.clear()
        if lost and self._home is None:
            self._home = replace(self._was, monitor=lost, is_fullscreen=bool(covered))
            self._refuge, self._is_rescued = None, False
        home = self._home
        if home is None or not present:
            return
        if home.monitor in present:
            self._go_home(home)
        elif home.is_fullscreen and covered not in present:
            self._window.set_fullscreen(True, monitors.monitors()[0])
            self._refuge = Placement(present[0], is_fullscreen=True)
            self._note(f"monitor {home.monitor} is gone: full screen on {present[0]}")

    def _rescue(self, home: Placement) -> None:
        """Bring a window whose monitor is gone into sight, if the window manager has not; note where it then is."""
        present = monitors.monitors()
        if not present:
            return
        is_seen = any(one.sees(monitors.rect_of(self._window.handle)) for one in present)
        if not is_seen and not self._is_rescued:
            self._is_rescued = True  # it arrives before the next look
            placement.put(self._window, replace(home, monitor=present[0].name))
        else:
            self._refuge = self._was
        if self._refuge is None or not self._is_rescued:
            name = present[0].name if self._is_rescued else self._was.monitor
            self._note(f"monitor {home.monitor} is gone: the window is on {name}")

    def _go_home(self, home: Placement) -> None:
        """Go back to a monitor that has returned, unless the user has moved the window."""
        now, refuge = placement.where(self._window), self._refuge
        self._home = self._refuge = None
        if refuge is not None:
            is_left_alone = now.monitor == refuge.monitor and now.is_fullscreen == refuge.is_fullscreen
            is_in_place = refuge.is_fullscreen or (now.x, now.y) == (refuge.x, refuge.y)
            if not (is_left_alone and is_in_place):
                return
        placement.put(self._window, home)
        self._note(f"monitor {home.monitor} is back")

    def _fit(self) -> None:
        """Cover all of the monitor again after its size has changed."""
        import glfw

        covered = monitors.named(self._window.covered)
        if covered is None:
            return
        size = int(covered.area.width), int(covered.area.height)
        if tuple(map(int, glfw.get_window_size(self._window.handle))) != size:
            self._window.set_fullscreen(False)
            self._window.set_fullscreen(True, covered)


def to_next_monitor(window: Window) -> str:
    """Move a window to the next monitor, in full screen or maximised as it is; return a line for the user."""
    now, present = placement.where(window), monitors.monitors()
    if len(present) < 2:
        return "there is only one monitor"
    names = [one.name for one in present]
    target = present[(names.index(now.monitor) + 1) % len(names)] if now.monitor in names else present[0]
    placement.put(window, replace(now, monitor=target.name))
    return f"on monitor {target.name}"
