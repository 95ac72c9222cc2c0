"""The monitors: which there are, which one is meant by a name or number, which one shows a window.

Nothing here is kept: a monitor can be unplugged at any moment, and GLFW frees its handle. Lengths are units of the
screen, with the origin where the system has it.
"""

from dataclasses import dataclass
from typing import Any, Final

from flow_gl.core.errors import DisplayError, UsageError
from flow_gl.core.system import libraries
from flow_gl.gl.view import Rect

MIN_SEEN: Final = 60
"""A window that is put somewhere has at least this much of its width and height on a monitor."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor as it is now.

    Attributes
    ----------
    name : the output's on X11 ("DP-1"), elsewhere the product's
    refresh_hz : 0 if it is not known
    content_scale : 1.0 = 96 dpi
    area : all of it, units of the screen
    work_area : what panels and docks of the desktop leave
    handle : GLFWmonitor pointer, valid until events are polled again
    """

    name: str
    refresh_hz: int
    content_scale: float
    area: Rect
    work_area: Rect
    handle: Any = None

    def shared(self, other: Rect) -> float:
        """Return how much of a rectangle it shows, in square units of the screen."""
        width = min(self.area.right, other.right) - max(self.area.x, other.x)
        height = min(self.area.bottom, other.bottom) - max(self.area.y, other.y)
        return max(0.0, width) * max(0.0, height)

    def sees(self, window: Rect) -> bool:
        """Whether it shows enough of a window, with its top, for a user to find and move it."""
        width = min(self.area.right, window.right) - max(self.area.x, window.x)
        return width >= MIN_SEEN and self.area.y <= window.y <= self.area.bottom - MIN_SEEN


def monitors() -> list[Monitor]:
    """Return the monitors, the primary one first. Raises DisplayError without a display."""
    glfw = import_glfw()
    found = []
    for handle in glfw.get_monitors():
        try:
            mode = glfw.get_video_mode(handle)
        except ValueError:
            continue  # a null pointer: it was unplugged a moment ago
        left, top = glfw.get_monitor_pos(handle)
        found.append(
            Monitor(
                name=_text(glfw.get_monitor_name(handle)),
                refresh_hz=int(mode.refresh_rate),
                content_scale=float(glfw.get_monitor_content_scale(handle)[0]),
                area=Rect(float(left), float(top), float(mode.size.width), float(mode.size.height)),
                work_area=Rect(*map(float, glfw.get_monitor_workarea(handle))),
                handle=handle,
            )
        )
    return found


def named(name: str) -> Monitor | None:
    """Return the monitor of that name; None if there is none."""
    return next((one for one in monitors() if one.name == name), None)


def find(asked: str) -> Monitor | None:
    """Return the monitor that a user means, by number or name; None where no monitor is connected.

    Raises
    ------
    UsageError
        if there are others but not that one
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
    raise UsageError(f"monitor was {asked!r}: this machine has {names}")


def showing(window: Any) -> Monitor | None:
    """Return the monitor that shows most of a window (a GLFW handle), else the primary one; None without a monitor."""
    place = rect_of(window)
    return max(monitors(), key=lambda one: one.shared(place), default=None)


def rect_of(window: Any) -> Rect:
    """Return where the content of a window is (a GLFW handle)."""
    return Rect(*map(float, place_of(window)))


def place_of(window: Any) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the content of a window (a GLFW handle)."""
    import glfw

    (left, top), (width, height) = glfw.get_window_pos(window), glfw.get_window_size(window)
    return int(left), int(top), int(width), int(height)


def centred(monitor: Monitor, width: int, height: int) -> tuple[int, int, int, int]:
    """Return place and size of a window in the middle of a monitor's work area, with its top in sight."""
    area = monitor.work_area
    x, y = max(0.0, 0.5 * (area.width - width)), max(0.0, 0.5 * (area.height - height))
    return int(area.x + x), int(area.y + y), width, height


def within(monitor: Monitor, x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Return place and size of a window at `x`, `y` from a monitor's corner, moved until the monitor shows it."""
    area = monitor.area
    x = int(min(max(x, MIN_SEEN - width), area.width - MIN_SEEN))
    y = int(min(max(y, monitor.work_area.y - area.y), area.height - MIN_SEEN))
    return int(area.x) + x, int(area.y) + y, width, height


def import_glfw() -> Any:
    """Return GLFW, initialised. Raises DisplayError without a display."""
    import glfw

    glfw.ERROR_REPORTING = False  # type: ignore[assignment]  # the stub declares this switch as a string
    if not glfw.init():
        raise DisplayError(f"no display: {glfw_reason(glfw)}; without one, use --headless")
    return glfw


def glfw_reason(glfw: Any) -> str:
    """Return why GLFW's last call failed, with the packages that are missing."""
    code, description = glfw.get_error()
    reason = _text(description).rstrip(".") if code else "the driver gave no reason"
    lacking = libraries.advice(libraries.missing("chart", "window"))
    return f"{reason} ({lacking})" if lacking else reason


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or "?"
