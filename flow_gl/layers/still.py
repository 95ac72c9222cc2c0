"""Whether a chart's lines and labels can stay as they are in a frame, so that nobody looks at them.

While only time passes, they move by whole pixels: a few times a second, where frames come 60 or 144 times. All else
that a scene says counts by default, and so do prices, gaps and events; what none of that shows is late by `LATE_S`.
Nothing is further off than a pixel or older than `LATEST_S`; a little before, a frame without other long work is used.
Charts beside each other take in new prices in turns, so that a trade in each of them is not laid out in one frame.
"""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Final

from flow_gl.gl.view import View
from flow_gl.layers.base import Scene

LATE_S: Final = 0.2
LATEST_S: Final = 0.25
_STEP_PX: Final = 0.75
_FARTHEST_PX: Final = 1.0
_PASSING: Final = frozenset({"now_ns", "wall_s", "price_view", "cvd_view"})
_of_scene: Final = attrgetter(*(field.name for field in fields(Scene) if field.name not in _PASSING))
_of_view: Final = attrgetter(*(field.name for field in fields(View) if field.name != "t_right_ns"))


class Still:
    """Remembers for what the lines and labels were laid out.

    Parameters
    ----------
    take_turn : told the wall clock (s); whether a frame has time for what may wait
    """

    def __init__(self, take_turn: Callable[[float], bool]) -> None:
        self._take_turn: Final = take_turn
        self._laid: tuple[object, ...] = ()
        self._laid_s = 0.0
        self._laid_ns = 0

    def holds(self, scene: Scene, seen: tuple[object, ...], *, may_wait: bool = False) -> bool:
        """Tell whether they stay; where not, they are laid out for this scene from now on.

        Parameters
        ----------
        seen : what they depend on beside the scene
        may_wait : `seen` alone moves them in the next frame only
        """
        view = scene.price_view
        now = _of_scene(scene), _of_view(view), _of_view(scene.cvd_view), seen
        moved_px = abs(view.t_right_ns - self._laid_ns) / view.ns_per_px
        is_same = now == self._laid or (may_wait and now[:-1] == self._laid[:-1])
        if is_same and self._may_stay(moved_px, scene.wall_s):
            return True
        self._laid, self._laid_s, self._laid_ns = now, scene.wall_s, view.t_right_ns
        return False

    def _may_stay(self, moved_px: float, wall_s: float) -> bool:
        age_s = wall_s - self._laid_s
        # A clock that stands (in a test) lets nothing stay.
        if moved_px >= _FARTHEST_PX or not 0.0 < age_s < LATEST_S:
            return False
        is_due = moved_px >= _STEP_PX or age_s >= LATE_S
        return not (is_due and self._take_turn(wall_s))

    def forget(self) -> None:
        """Lay them out anew in the next frame: something of them moves by itself."""
        self._laid = ()
