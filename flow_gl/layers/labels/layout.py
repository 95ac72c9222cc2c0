"""Decides in which frames a chart's lines and labels are laid out; in the others they stay where they are.

While only time passes they move by whole pixels, a few times a second, where frames come 60 or 144 times. A frame in
which they stay costs no layer a look. Everything else that a scene says moves them at once, and so do new prices, gaps
and events. They are never more than a pixel off, and what no scene shows (the length of an open gap) is late by the
period and delay of the job "labels" at most.
"""

from dataclasses import fields
from operator import attrgetter
from typing import Final

from flow_gl.core.jobs import Jobs
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene

_EARLY_PX: Final = 0.75
"""Moved by this much, they are laid out if the frame has no other job; ..."""
_MOST_PX: Final = 1.0
"""... moved by this much, in any frame."""
_PASSING: Final = frozenset({"now_ns", "wall_s", "price_view", "cvd_view"})
_of_scene: Final = attrgetter(*(field.name for field in fields(Scene) if field.name not in _PASSING))
_of_view: Final = attrgetter(*(field.name for field in fields(View) if field.name != "t_right_ns"))


class LabelLayout:
    """Remembers what one chart's lines and labels were laid out for."""

    def __init__(self, jobs: Jobs) -> None:
        self._job: Final = jobs.add("labels")
        self._view: tuple[object, ...] = ()
        self._numbers: tuple[object, ...] = ()
        self._right_ns = 0

    def begin_frame(self, scene: Scene, numbers: tuple[object, ...]) -> bool:
        """Decide about one frame: True if lines and labels are laid out in it.

        Parameters
        ----------
        numbers : what they depend on besides the scene: prices, versions of what the store holds
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
        """Lay them out in the next frame: some of them move by themselves."""
        self._view = ()
