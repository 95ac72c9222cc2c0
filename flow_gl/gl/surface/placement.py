"""Reading and restoring a window's placement on its monitor.

A monitor is identified by its name, and positions are relative to its corner, so they remain valid after monitors were
rearranged. Lengths are screen coordinates. On Wayland a program can neither read nor set its position: there only size
and state are restored, and a monitor only in full screen.
"""

from dataclasses import dataclass

from flow_gl.gl.surface import monitors
from flow_gl.gl.surface.context import Window
from flow_gl.gl.surface.window_system import is_wayland


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement of a window.

    Attributes
    ----------
    monitor : name of the monitor; "" if unknown
    x, y : upper left corner of the content, relative to the monitor's corner, screen coordinates; 0 on Wayland
    width, height : size of the content, screen coordinates
    """

    monitor: str = ""
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0
    is_maximized: bool = False
    is_fullscreen: bool = False


def where(window: Window) -> Placement:
    """Return a window's placement, on the monitor that shows most of it."""
    import glfw

    place, shown_by = monitors.rect_of(window.handle), monitors.showing(window.handle)
    name, corner = (shown_by.name, shown_by.area) if shown_by is not None else ("", place)
    return Placement(
        name,
        0 if is_wayland() else int(place.x - corner.x),
        0 if is_wayland() else int(place.y - corner.y),
        int(place.width),
        int(place.height),
        is_maximized=bool(glfw.get_window_attrib(window.handle, glfw.MAXIMIZED)),
        is_fullscreen=window.is_fullscreen,
    )


def put(window: Window, place: Placement) -> None:
    """Restore a window's placement; if its monitor is not connected, only its size.

    Parameters
    ----------
    place : the placement; a width and height of 0 keep the current size
    """
    import glfw

    handle, target = window.handle, monitors.named(place.monitor)
    if window.is_fullscreen and not place.is_fullscreen:
        window.set_fullscreen(False)
    if glfw.get_window_attrib(handle, glfw.MAXIMIZED) and not place.is_maximized:
        glfw.restore_window(handle)
    if not window.is_fullscreen:
        size = (place.width, place.height) if place.width and place.height else glfw.get_window_size(handle)
        if target is not None and not is_wayland():
            x, y, *_ = monitors.within(target, place.x, place.y, *size)
            glfw.set_window_pos(handle, x, y)
        glfw.set_window_size(handle, *size)
        if place.is_maximized:
            glfw.maximize_window(handle)
    if place.is_fullscreen:
        window.set_fullscreen(True, target)
