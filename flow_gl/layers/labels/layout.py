"""Decides in which frames the lines and labels of a chart are laid out; in the others they keep their places.

While only time passes, they move by whole pixels a few times a second, although there are 60 or 144 frames a second. In
the other frames their layers are not called at all. Any other change of the scene, a new price, gap or event causes a
layout at once. Labels are therefore at most a pixel off, and values that are not part of the scene (the length of an
open gap) are late by at most the period plus the delay of the job "labels".
"""

from dataclasses import fields
from operator import attrgetter
from typing import Final

from flow_gl.core.jobs import Jobs
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene

_EARLY_PX: Final = 0.75
"""After moving this far, they are laid out if the frame runs no other job; ..."""
_MOST_PX: Final = 1.0
"""... after moving this far, in any case."""
_PASSING: Final = frozenset({"now_ns", "wall_s", "price_view", "cvd_view"})
_of_scene: Final = attrgetter(*(field.name for field in fields(Scene) if field.name not in _PASSING))
_of_view: Final = attrgetter(*(field.name for field in fields(View) if field.name != "t_right_ns"))


class LabelLayout:
    """Keeps the state for which the lines and labels of one chart were laid out."""

    def __init__(self, jobs: Jobs) -> None:
        self._job: Final = jobs.add("labels")
        self._view: tuple[object, ...] = ()
        self._numbers: tuple[object, ...] = ()
        self._right_ns = 0

    def begin_frame(self, scene: Scene, numbers: tuple[object, ...]) -> bool:
        """Return whether lines and labels are laid out in this frame.

        Parameters
        ----------
        numbers : what they depend on besides the scene: prices, and versions of data in the store
        """
        price_view = scene.price_view
        view = _of_scene(scene), _of_view(price_view), _of_view(scene.cvd_view)
        if view != self._view:
            self._job.run_now("view")
        elif numbers != self._numbers:
            self._job.run_now("numbers")
        else:
            moved_px = abs(price_view.t_right_ns - self._right_ns) / price_view.ns_per_px
            if moved_px >= _MOST_PX:
                self._job.run_now("scrolling")
            elif not self._job.may_run("scrolling", is_early=moved_px >= _EARLY_PX):
                return False
        self._view, self._numbers, self._right_ns = view, numbers, price_view.t_right_ns
        return True

    def forget(self) -> None:
        """Force a layout in the next frame, for animated labels."""
        self._view = ()
