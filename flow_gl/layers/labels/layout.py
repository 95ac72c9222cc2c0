"""Decides in which frames the lines and labels of a chart are laid out; in the others they keep their places.

While only time passes, they move by whole pixels a few times a second, although there are 60 or 144 frames a second. In
the other frames their layers are not called at all. A new price, gap or event causes a layout at once, but only of the
layers that show it (`CachedLayer.follows`): after a trade the plates and the caption move, the grid of time does not.
Any other change of the scene lays everything out. Labels are therefore hardly more than a pixel off, and values not
part of the scene (the length of an open gap) are late by at most the period plus the delay of the job "labels".

Levels and curves span the chart, so passing time hardly moves them. They are laid out in a separate frame a
few times a second, at the latest when the labels that move with time are two pixels ahead.
"""

from dataclasses import fields
from operator import attrgetter
from typing import Final, NamedTuple

from flow_gl.core.jobs import Jobs
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene

_EARLY_PX: Final = 0.75
"""After moving this far, they are laid out if the frame runs no other job; ..."""
_MAX_PX: Final = 1.0
"""... after moving this far, in any case."""
_MAX_LEVELS_PX: Final = 2.0
"""Levels and curves are laid out at the latest after moving this far."""
_FAR_PX: Final = 1.2
_LATE_S: Final = 0.25
"""After moving so far, or so long, those that follow time are laid out together with the others: usually there was a
frame for them alone by then."""
_PASSING: Final = frozenset({"now_ns", "wall_s", "price_view", "cvd_view"})
_of_scene: Final = attrgetter(*(one.name for one in fields(Scene) if one.compare and one.name not in _PASSING))
_of_scale: Final = attrgetter("y_top", "y_per_px")
_of_pane: Final = attrgetter(
    *(field.name for field in fields(View) if field.name not in {"t_right_ns", "y_top", "y_per_px"})
)

TIME: Final = 1
PRICE: Final = 2
PROFILE: Final = 4
LINES: Final = 8
OTHER: Final = 16
LEVELS: Final = 32
CVD_SCALE: Final = 64
PRICE_SCALE: Final = 128
"""The changes that move lines and labels, as bits: passing time; last price and CVD; the profile with its levels;
new rows of lines; everything else; passing time again, for levels and curves, in a later frame; and the scales of the
CVD pane, which also moves what shows CVD, and of the price pane, which also moves the last price, levels and curves."""
ALL: Final = TIME | PRICE | PROFILE | LINES | OTHER | LEVELS | CVD_SCALE | PRICE_SCALE


class Numbers(NamedTuple):
    """The dependencies of lines and labels besides the scene: prices, and versions of data in the store."""

    price: object = ()
    lines: object = ()
    other: object = ()


_BITS: Final = (PRICE, LINES, ALL)
"""The bits set by a change in each field of `Numbers`, in order."""


class LabelLayout:
    """Keeps the state for which the lines and labels of one chart were laid out."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs: Final = jobs
        self._job: Final = jobs.add("labels")
        self._levels_job: Final = jobs.add("levels")
        self._view: tuple[object, ...] = ()
        self._scales: tuple[object, object] = ((), ())
        """Of the price and of the CVD pane."""
        self._numbers = Numbers()
        self._right_ns = 0
        self._timed_s = 0.0
        self._levels_right_ns = 0
        self.are_levels_due = False
        """Time has moved, and levels and curves are left to a later frame."""

    def begin_frame(self, scene: Scene, numbers: Numbers) -> int:
        """Return the changes that moved lines and labels, as bits; 0 if they are not laid out in this frame."""
        price_view = scene.price_view
        view = _of_scene(scene), _of_pane(price_view), _of_pane(scene.cvd_view)
        scales = _of_scale(price_view), _of_scale(scene.cvd_view)
        if view != self._view:
            self._job.run_now("view")
            self._view, moved = view, ALL
        elif numbers != self._numbers or scales != self._scales:
            moved = 0 if self._jobs.may_defer else ALL
            if scales[0] != self._scales[0]:
                moved |= PRICE_SCALE | PRICE | LEVELS
            if scales[1] != self._scales[1]:
                moved |= CVD_SCALE | PRICE
            for bit, new, old in zip(_BITS, numbers, self._numbers, strict=True):
                if new != old:
                    moved |= bit
            if self._is_time_due(scene):
                moved |= TIME
            self._job.run_now("numbers")
        else:
            moved_px = abs(price_view.t_right_ns - self._right_ns) / price_view.ns_per_px
            if moved_px >= _MAX_PX:
                self._job.run_now("scrolling")
            elif not self._job.may_run("scrolling", is_early=moved_px >= _EARLY_PX):
                return self._levels_moved(price_view, 0)
            moved = TIME
        self._numbers, self._scales = numbers, scales
        if moved & TIME:
            self._right_ns, self._timed_s = price_view.t_right_ns, scene.wall_s
            self.are_levels_due = True
        return self._levels_moved(price_view, moved)

    def _levels_moved(self, view: View, moved: int) -> int:
        """Add LEVELS to the changes of this frame if it is their turn."""
        if not self.are_levels_due and not moved & LEVELS:
            return moved
        if moved & LEVELS:
            self._levels_job.ran_with_another()
        elif abs(view.t_right_ns - self._levels_right_ns) >= _MAX_LEVELS_PX * view.ns_per_px:
            self._levels_job.run_now("scrolling")
        elif not self._levels_job.may_run("scrolling"):
            return moved
        self.are_levels_due, self._levels_right_ns = False, view.t_right_ns
        return moved | LEVELS

    def _is_time_due(self, scene: Scene) -> bool:
        view = scene.price_view
        is_far = abs(view.t_right_ns - self._right_ns) >= _FAR_PX * view.ns_per_px
        return is_far or not 0.0 <= scene.wall_s - self._timed_s < _LATE_S

    def forget(self) -> None:
        """Force a layout of everything in the next frame, for animated labels."""
        self._view = ()
