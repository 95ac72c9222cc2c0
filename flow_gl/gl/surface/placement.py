"""Where a window is on which monitor, and putting it back there.

A monitor is known by its name; a window's place is relative to the monitor's corner, so it is right after monitors were
rearranged. Lengths are units of the screen. On Wayland a program neither learns nor chooses its place.
"""

from dataclasses import dataclass
from typing import Any, Final

from flow_gl.gl.surface.context import Window

_MIN_SEEN: Final = 60
"""A window that is put somewhere has at least this much of its width and height on the monitor."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a window is.

    Attributes
    ----------
    x, y : of its content, from the monitor's corner
    width, height : of its content
    """

    monitor: str = ""
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0
    is_maximized: bool = False
    is_fullscreen: bool = False


def where(window: Window) -> Placement:
    """Return where a window is: on the monitor that shows most of it."""
    import glfw

    handle = window.handle
    x, y = map(int, glfw.get_window_pos(handle))
    width, height = map(int, glfw.get_window_size(handle))
    best, seen, corner = "", -1, (0, 0)
    for monitor in glfw.get_monitors():
        left, top, across, down = _rect(monitor)
        shared = max(0, min(x + width, left + across) - max(x, left)) * max(
            0, min(y + height, top + down) - max(y, top)
        )
        if shared > seen:
            best, seen, corner = _name(monitor), shared, (left, top)
    is_maximized = bool(glfw.get_window_attrib(handle, glfw.MAXIMIZED))
    return Placement(best, x - corner[0], y - corner[1], width, height, is_maximized, window.is_fullscreen)


def put(window: Window, place: Placement) -> None:
    """Put a window on its monitor; without that monitor only its size is restored.

    Parameters
    ----------
    place : with a width and height of 0 the window keeps its size
    """
    import glfw

    handle = window.handle
    if window.is_fullscreen != place.is_fullscreen and not place.is_fullscreen:
        window.set_fullscreen(False)
    if glfw.get_window_attrib(handle, glfw.MAXIMIZED) and not place.is_maximized:
        glfw.restore_window(handle)
    if not window.is_fullscreen:
        if place.width and place.height:
            glfw.set_window_size(handle, place.width, place.height)
        width = int(glfw.get_window_size(handle)[0])
        for monitor in glfw.get_monitors():
            if _name(monitor) == place.monitor:
                left, top, across, down = _rect(monitor)
                x = min(max(place.x, _MIN_SEEN - width), across - _MIN_SEEN)
                y = min(max(place.y, 0), down - _MIN_SEEN)
                glfw.set_window_pos(handle, left + x, top + y)
                break
        if place.is_maximized:
            glfw.maximize_window(handle)
    if place.is_fullscreen and not window.is_fullscreen:
        window.set_fullscreen(True)


def _rect(monitor: Any) -> tuple[int, int, int, int]:
    import glfw

    size = glfw.get_video_mode(monitor).size
    left, top = glfw.get_monitor_pos(monitor)
    return int(left), int(top), int(size.width), int(size.height)


def _name(monitor: Any) -> str:
    import glfw

    name = glfw.get_monitor_name(monitor)
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")
