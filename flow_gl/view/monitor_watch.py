"""Keeps the window visible while monitors are unplugged, plugged in or change their size.

GLFW takes a window off an unplugged monitor, but leaves it wherever the system puts it. This module moves it to a
remaining monitor, in the same state, and back when its own monitor returns, unless the user has moved it in the
meantime.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from flow_gl.core.clock import Clock
from flow_gl.gl.surface import monitors, placement
from flow_gl.gl.surface.context import Window
from flow_gl.gl.surface.placement import Placement
from flow_gl.gl.surface.window_system import is_wayland

_CHECK_INTERVAL_NS: Final = 500_000_000
"""Interval between two checks of the window's placement; also the time that a window manager gets to move a window."""
_SETTLING_NS: Final = 5_000_000_000
"""For this long after a disconnection the window manager may still move the window out of sight."""
_MIN_SHARE: Final = 0.5
"""Share of what fits of the window that must be visible after a disconnection: some window managers leave a strip."""


class MonitorWatch:
    """Follows changes of the monitors for one window.

    Parameters
    ----------
    note : shows one line to the user
    """

    def __init__(self, window: Window, clock: Clock, note: Callable[[str], None]) -> None:
        import glfw

        self._window: Final = window
        self._clock: Final = clock
        self._note: Final = note
        self._is_changed = False
        self._names = [one.name for one in monitors.monitors()]
        """Names of the connected monitors at the last check."""
        self._known = self._names
        """The same when the last change was followed."""
        self._last = placement.where(window)
        """The window's placement at the last check."""
        self._original: Placement | None = None
        """The placement on a disconnected monitor, to be restored; None if there is none."""
        self._fallback: Placement | None = None
        """The placement after the move; the original one is restored only if the window is still there."""
        self._is_moved = False
        self._settled_ns = 0
        """Until when the window is kept in sight."""
        self._due_ns = 0
        # On Wayland only a full-screen window's monitor is known; the compositor keeps other windows visible.
        self._knows_place: Final = not is_wayland()
        self._before: Final[Any] = glfw.set_monitor_callback(self._on_event)

    def close(self) -> None:
        """Remove the callback."""
        import glfw

        glfw.set_monitor_callback(self._before)

    def _on_event(self, _monitor: Any, _event: int) -> None:
        """Record a change. Called while events are polled, when the window cannot be moved yet."""
        self._is_changed = True

    def poll(self) -> bool:
        """Move the window if necessary. Called once per frame.

        Returns
        -------
        is_elsewhere : whether the window is on another monitor than at the last check
        """
        if self._is_changed:
            self._is_changed = False
            self._follow()
            self._due_ns = self._clock.monotonic_ns() + _CHECK_INTERVAL_NS
            return True
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + _CHECK_INTERVAL_NS
        names = [one.name for one in monitors.monitors()]
        if names != self._names:
            self._names = names  # the event is on its way: until then the last placement is the one that counts
            return False
        before, self._last = self._last, placement.where(self._window)
        if self._window.is_fullscreen:
            if self._knows_place:  # on Wayland the compositor does it
                self._fit()
        elif self._original is not None and (self._fallback is None or now_ns < self._settled_ns):
            self._bring_into_view(self._original)
        return before.monitor != self._last.monitor

    def _follow(self) -> None:
        """Leave a disconnected monitor, or return to one that was reconnected."""
        self._names = present = [one.name for one in monitors.monitors()]
        gone, self._known = [name for name in self._known if name not in present], present
        covered = self._window.covered
        mine = (covered,) if covered or not self._knows_place else (self._last.monitor,)
        lost = next((name for name in gone if name in mine), "")
        if gone and not (lost or covered) and self._knows_place and not self._is_in_sight():
            lost = gone[0]  # the window arrived there after the last check
            self._last = replace(self._last, x=0, y=0)
        if lost and self._original is None:
            self._original = replace(self._last, monitor=lost, is_fullscreen=bool(covered))
            self._fallback, self._is_moved = None, False
            self._settled_ns = self._clock.monotonic_ns() + _SETTLING_NS
        original = self._original
        if original is None or not present:
            return
        if original.monitor in present:
            self._restore(original)
        elif original.is_fullscreen and covered not in present:
            self._window.set_fullscreen(True, monitors.monitors()[0])
            self._fallback = Placement(present[0], is_fullscreen=True)
            self._note(f"monitor {original.monitor} was disconnected: full screen on {present[0]}")

    def _bring_into_view(self, original: Placement) -> None:
        """Make a window visible after its monitor was disconnected, unless the window manager has done so."""
        present = monitors.monitors()
        if not present:
            return
        if self._is_in_sight():
            if self._fallback is not None:
                return
            self._fallback = self._last
            if not self._is_moved:
                self._note(f"monitor {original.monitor} was disconnected: the window is on {self._last.monitor}")
            return
        if not self._is_moved:
            self._note(f"monitor {original.monitor} was disconnected: the window is on {present[0].name}")
        # At each check until it is there: the window manager may be slow, or not have followed the change itself yet.
        self._is_moved = True
        target, area = present[0].name, present[0].area
        x = max(0, min(original.x, int(area.width) - original.width))
        y = max(0, min(original.y, int(area.height) - original.height))
        placement.put(self._window, replace(original, monitor=target, x=x, y=y))

    def _is_in_sight(self) -> bool:
        """Whether enough of the window is visible on one monitor."""
        rect = monitors.rect_of(self._window.handle)
        for one in monitors.monitors():
            most = min(rect.width, one.area.width) * min(rect.height, one.area.height)
            if one.sees(rect) and one.shared(rect) >= _MIN_SHARE * most:
                return True
        return False

    def _restore(self, original: Placement) -> None:
        """Return to a reconnected monitor, unless the user has moved the window."""
        now, fallback = placement.where(self._window), self._fallback
        self._original = self._fallback = None
        if fallback is not None:
            is_left_alone = now.monitor == fallback.monitor and now.is_fullscreen == fallback.is_fullscreen
            is_in_place = fallback.is_fullscreen or (now.x, now.y) == (fallback.x, fallback.y)
            if not (is_left_alone and is_in_place):
                return
        placement.put(self._window, original)
        self._note(f"monitor {original.monitor} is back")

    def _fit(self) -> None:
        """Cover the whole monitor again after its size has changed."""
        import glfw

        covered = monitors.named(self._window.covered)
        if covered is None:
            return
        size = int(covered.area.width), int(covered.area.height)
        if tuple(map(int, glfw.get_window_size(self._window.handle))) != size:
            self._window.set_fullscreen(False)
            self._window.set_fullscreen(True, covered)


def to_next_monitor(window: Window) -> str:
    """Move a window to the next monitor, keeping it full-screen or maximised; return one line for the user."""
    now, present = placement.where(window), monitors.monitors()
    if len(present) < 2:
        return "there is only one monitor"
    if is_wayland() and not now.is_fullscreen:
        return "on Wayland only a window in full screen can be sent to another monitor"
    names = [one.name for one in present]
    target = present[(names.index(now.monitor) + 1) % len(names)] if now.monitor in names else present[0]
    placement.put(window, replace(now, monitor=target.name))
    return f"on monitor {target.name}"
