"""The connected monitors: listing them, finding one by name or number, finding the one that shows a window.

Nothing is cached: a monitor can be unplugged at any moment, and GLFW then frees its handle. Lengths are screen
coordinates, with the origin defined by the system. On Wayland areas are pixels, and a window's position is unknown.
"""

import ctypes
from dataclasses import dataclass
from typing import Any, Final

from flow_gl.core.errors import DisplayError, UsageError
from flow_gl.core.system import libraries
from flow_gl.gl.surface import window_system
from flow_gl.gl.view import Rect

MIN_VISIBLE: Final = 60
"""Minimum width and height of the visible part of a window after it was moved."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor in its current state.

    Attributes
    ----------
    name : name of the output on Linux ("DP-1"), of the product elsewhere and on older Wayland desktops; the second of
        two with the same name ends in " 2"
    refresh_hz : 0 if unknown
    content_scale : 1.0 = 96 dpi
    area : the whole monitor, screen coordinates
    work_area : the area without the desktop's panels and docks
    handle : GLFWmonitor pointer, valid until the next poll of events
    """

    name: str
    refresh_hz: int
    content_scale: float
    area: Rect
    work_area: Rect
    handle: Any = None

    def shared(self, other: Rect) -> float:
        """Return the area of a rectangle that lies on this monitor, in squared screen coordinates."""
        width = min(self.area.right, other.right) - max(self.area.x, other.x)
        height = min(self.area.bottom, other.bottom) - max(self.area.y, other.y)
        return max(0.0, width) * max(0.0, height)

    def sees(self, window: Rect) -> bool:
        """Return whether enough of a window is visible, including its top, for a user to find and move it."""
        width = min(self.area.right, window.right) - max(self.area.x, window.x)
        return width >= MIN_VISIBLE and self.area.y <= window.y <= self.area.bottom - MIN_VISIBLE


def monitors() -> list[Monitor]:
    """Return the monitors, the primary one first. Raises DisplayError without a display."""
    glfw = import_glfw()
    found: list[Monitor] = []
    names: list[str] = []
    for handle in glfw.get_monitors():
        try:
            mode = glfw.get_video_mode(handle)
        except ValueError:
            continue  # a null pointer: unplugged a moment ago
        left, top = glfw.get_monitor_pos(handle)
        name = _text(glfw.get_monitor_name(handle))
        names.append(name)
        found.append(
            Monitor(
                name=name if names.count(name) == 1 else f"{name} {names.count(name)}",
                refresh_hz=int(mode.refresh_rate),
                content_scale=float(glfw.get_monitor_content_scale(handle)[0]),
                area=Rect(float(left), float(top), float(mode.size.width), float(mode.size.height)),
                work_area=Rect(*map(float, glfw.get_monitor_workarea(handle))),
                handle=handle,
            )
        )
    return found


def named(name: str) -> Monitor | None:
    """Return the monitor with this name; None if there is none."""
    return next((one for one in monitors() if one.name == name), None)


def find(asked: str) -> Monitor | None:
    """Return the monitor with this number or name; None if no monitor is connected.

    Raises
    ------
    UsageError
        if monitors are connected, but not that one
    """
    present = monitors()
    if asked.isdecimal() and int(asked) < len(present):
        return present[int(asked)]
    for one in present:
        if one.name.casefold() == asked.casefold():
            return one
    if not present:
        return None
    names = ", ".join(f"{number} ({one.name})" for number, one in enumerate(present))
    raise UsageError(f"monitor was {asked!r}: expected one of {names}")


def showing(window: Any) -> Monitor | None:
    """Return the monitor that shows most of a window (a GLFW handle); None if no monitor is connected.

    On Wayland also None with several monitors, unless the window covers one.
    """
    present = monitors()
    if window_system.is_wayland():
        return _covered_by(window) or (present[0] if len(present) == 1 else None)
    place = rect_of(window)
    return max(present, key=lambda one: one.shared(place), default=None)


def _covered_by(window: Any) -> Monitor | None:
    """Return the monitor that a window (a GLFW handle) covers in full screen."""
    import glfw

    covered = glfw.get_window_monitor(window)
    return next((one for one in monitors() if covered and _address(one.handle) == _address(covered)), None)


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value


def rect_of(window: Any) -> Rect:
    """Return the rectangle of a window's content (a GLFW handle), screen coordinates."""
    return Rect(*map(float, place_of(window)))


def place_of(window: Any) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a window's content (a GLFW handle), screen coordinates."""
    import glfw

    (left, top), (width, height) = glfw.get_window_pos(window), glfw.get_window_size(window)
    return int(left), int(top), int(width), int(height)


def centred(monitor: Monitor, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a window centred in a monitor's work area, with its top visible."""
    area = monitor.work_area
    x, y = max(0.0, 0.5 * (area.width - width)), max(0.0, 0.5 * (area.height - height))
    return int(area.x + x), int(area.y + y), width, height


def within(monitor: Monitor, x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a window at `x`, `y` from a monitor's corner, moved until it is visible."""
    area = monitor.area
    x = int(min(max(x, MIN_VISIBLE - width), area.width - MIN_VISIBLE))
    y = int(min(max(y, monitor.work_area.y - area.y), area.height - MIN_VISIBLE))
    return int(area.x) + x, int(area.y) + y, width, height


def import_glfw() -> Any:
    """Initialise GLFW and return its module. Raises DisplayError without a display."""
    import glfw

    glfw.ERROR_REPORTING = False  # type: ignore[assignment]  # the stub declares this switch as a string
    if not glfw.init():
        raise DisplayError(f"no display: {glfw_reason(glfw)}; without one, use --headless")
    return glfw


def glfw_reason(glfw: Any) -> str:
    """Return why GLFW's last call failed, and which packages are missing."""
    code, description = glfw.get_error()
    reason = _text(description).rstrip(".") if code else "the driver gave no reason"
    lacking = libraries.advice(libraries.missing(*window_system.needs()))
    return f"{reason} ({lacking})" if lacking else reason


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or "?"
