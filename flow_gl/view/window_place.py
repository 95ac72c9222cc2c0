"""Opens the window in its last placement, and reports its placement to workspaces, even while it covers a monitor."""

from dataclasses import replace
from typing import Final

import msgspec

from flow_gl.core.settings import Settings
from flow_gl.gl.surface import monitors, placement
from flow_gl.gl.surface.context import HeadlessContext, Window, WindowOptions
from flow_gl.gl.surface.placement import Placement
from flow_gl.gl.surface.window_system import is_wayland
from flow_gl.ui.state.options import DEFAULT_HEIGHT, DEFAULT_WIDTH, ViewOptions
from flow_gl.ui.workspaces.tree import WindowPlace


def open_surface(options: ViewOptions, last: WindowPlace) -> tuple[HeadlessContext | Window, Window | None]:
    """Open the window as the settings of this run request, otherwise in its last placement.

    Returns
    -------
    surface : the surface to draw on
    window : the same if it is a window; None for a headless run

    Raises
    ------
    DisplayError
        without a display or OpenGL 3.3
    UsageError
        for a monitor that does not exist
    """
    settings = options.settings
    if options.headless:
        return HeadlessContext(*(settings.size_px or (DEFAULT_WIDTH, DEFAULT_HEIGHT))), None
    wanted = wanted_place(settings, last)
    remembered = last.monitor if wanted.fullscreen and monitors.named(last.monitor) is not None else ""
    asked = settings.size_px
    left = (last.width, last.height) if last.width and last.height else None
    width, height = asked or left or (DEFAULT_WIDTH, DEFAULT_HEIGHT)
    window = Window(
        WindowOptions(
            title=options.title,
            width=width,
            height=height,
            is_in_pixels=asked is not None,
            is_fullscreen=wanted.fullscreen,
            monitor=settings.monitor or remembered,
        )
    )
    return window, window


def wanted_place(settings: Settings, last: WindowPlace) -> WindowPlace:
    """Return the placement of the window once it is open: the last one, overridden by the settings of this run.

    A width and height of 0 keep the size, and the monitor "" keeps the position.

    Raises
    ------
    UsageError
        for a requested monitor that does not exist
    """
    wanted = last
    if settings.size_px is not None:
        wanted = msgspec.structs.replace(wanted, width=0, height=0, maximized=False, fullscreen=False)
    asked = monitors.find(settings.monitor) if settings.monitor else None
    if asked is not None and asked.name != last.monitor:
        wanted = msgspec.structs.replace(wanted, monitor="")
    if settings.fullscreen is not None:
        wanted = msgspec.structs.replace(wanted, fullscreen=settings.fullscreen)
    return wanted


def unplaced(settings: Settings) -> str:
    """Return why an open window is not on the requested monitor; "" if it is."""
    if settings.monitor and not settings.fullscreen and is_wayland():
        return f"--monitor {settings.monitor}: on Wayland the desktop places windows; with --fullscreen it is covered"
    return ""


class PlacementTracker:
    """Tracks a window's placement for workspaces (a `ui.workspaces.saved.WindowPlacement`).

    Parameters
    ----------
    last : the last placement; its size is reported while the window covers the monitor
    """

    def __init__(self, window: Window, last: WindowPlace) -> None:
        self._window: Final = window
        self._own = Placement(last.monitor if is_wayland() else "", last.x, last.y, *self._units(last))

    def note(self) -> Placement:
        """Record the window's placement, unless it covers its monitor; return the current placement."""
        now = placement.where(self._window)
        if not now.is_fullscreen and not now.is_maximized:
            # The place that Wayland does not tell is kept for a later run through X11.
            kept = (self._own.monitor, self._own.x, self._own.y) if is_wayland() else (now.monitor, now.x, now.y)
            self._own = replace(now, monitor=kept[0], x=kept[1], y=kept[2])
        return now

    def place(self) -> WindowPlace:
        """Return the window's placement."""
        now, own = self.note(), self._own
        if now.is_maximized or now.is_fullscreen:
            own = replace(own, monitor=now.monitor, is_maximized=now.is_maximized, is_fullscreen=now.is_fullscreen)
        factor = self._factor
        return WindowPlace(
            monitor=own.monitor,
            x=own.x,
            y=own.y,
            width=round(own.width / factor),
            height=round(own.height / factor),
            maximized=own.is_maximized,
            fullscreen=own.is_fullscreen,
        )

    def put(self, place: WindowPlace) -> None:
        """Set the window's placement; a width and height of 0 keep its size."""
        covers = place.maximized, place.fullscreen
        placement.put(self._window, Placement(place.monitor, place.x, place.y, *self._units(place), *covers))

    def _units(self, place: WindowPlace) -> tuple[int, int]:
        """Return a size in screen coordinates."""
        return round(place.width * self._factor), round(place.height * self._factor)

    @property
    def _factor(self) -> float:
        """Screen coordinates per unit at content scale 1."""
        import glfw

        units, pixels = glfw.get_window_size(self._window.handle)[0], self._window.size[0]
        return self._window.content_scale * (units / pixels if pixels else 1.0)
