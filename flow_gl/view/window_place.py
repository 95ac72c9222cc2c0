"""Keeps a window's place for workspaces: where it is, and where it was before it covered its monitor."""

from dataclasses import replace
from typing import Final

from flow_gl.gl.surface import placement
from flow_gl.gl.surface.context import Window
from flow_gl.gl.surface.placement import Placement
from flow_gl.ui.workspaces.tree import WindowPlace


class KeptWindow:
    """A window as workspaces know it (`ui.workspaces.saved.WindowKeeper`).

    Parameters
    ----------
    last : where it was when it was left; its size counts as the window's own while it covers the monitor
    """

    def __init__(self, window: Window, last: WindowPlace) -> None:
        self._window: Final = window
        self._own = Placement("", last.x, last.y, *self._units(last))

    def note(self) -> Placement:
        """Note where the window is, unless it covers its monitor; return where it is now."""
        now = placement.where(self._window)
        if not now.is_fullscreen and not now.is_maximized:
            self._own = now
        return now

    def place(self) -> WindowPlace:
        """Return where the window is."""
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

    def put(self, place: WindowPlace, *, has_size: bool = True) -> None:
        """Put the window somewhere; with its present size, which covers no monitor, if `has_size` is False."""
        size = self._units(place) if has_size else (0, 0)
        covers = place.maximized and has_size, place.fullscreen and has_size
        wanted = Placement(place.monitor, place.x, place.y, *size, *covers)
        placement.put(self._window, wanted)

    def _units(self, place: WindowPlace) -> tuple[int, int]:
        """Return a size in units of the screen."""
        return round(place.width * self._factor), round(place.height * self._factor)

    @property
    def _factor(self) -> float:
        """Units of the screen per unit at content scale 1."""
        import glfw

        units, pixels = glfw.get_window_size(self._window.handle)[0], self._window.size[0]
        return self._window.content_scale * (units / pixels if pixels else 1.0)
