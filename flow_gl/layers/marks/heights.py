"""Vertical positions of marks in a pane, recomputed only if the axis or the marks change: time moves them sideways."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from flow_gl.core.cached import Cached
from flow_gl.core.event_kinds import EventKind
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.marks.mark import Mark

T = TypeVar("T")


class HeightsInView(Generic[T]):
    """The marks of one kind that are neither above nor below the price pane, with their places in its height.

    Parameters
    ----------
    find : returns the place of a mark, px; None if it is not in view
    """

    def __init__(self, find: Callable[[Scene, Mark], T | None]) -> None:
        self._find: Final = find
        self._found: Final[Cached[list[tuple[Mark, T]]]] = Cached()

    def of(self, scene: Scene, kind: EventKind) -> list[tuple[Mark, T]]:
        """Return the marks of a kind in view, oldest first."""
        view = scene.price_view
        key = scene.marks, view.rect, view.y_top, view.y_per_px, view.scale, tick_size_of(scene)
        return self._found.get(key, lambda: self._search(scene, kind))

    def _search(self, scene: Scene, kind: EventKind) -> list[tuple[Mark, T]]:
        found = ((mark, self._find(scene, mark)) for mark in scene.marks.of(kind))
        return [(mark, place) for mark, place in found if place is not None]
