"""The transform from a pane's world coordinates to the screen, frozen for one frame.

World x is time in int64 nanoseconds, world y a float (price ticks or contracts). Screen pixels have their origin at the
top left of the framebuffer, y pointing down. Panning and zooming change only uniforms derived from this transform.
Folds (`core.folds`) make the transform of time piecewise linear.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.folds import UNFOLDED, FoldedTime
from flow_gl.core.frozen import frozen


class Rect(NamedTuple):
    """A rectangle in framebuffer pixels, origin top left."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def contains(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom

    def encloses(self, other: "Rect") -> bool:
        """Whether a rectangle lies within this one."""
        is_within_x = self.x <= other.x and other.right <= self.right
        return is_within_x and self.y <= other.y and other.bottom <= self.bottom

    def overlaps(self, other: "Rect") -> bool:
        """Whether two rectangles share any area."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


@frozen
class View:
    """A pane's transform for one frame.

    Attributes
    ----------
    rect : the pane on the screen, px
    t_right_ns : time at the right border of the pane
    ns_per_px : time scale outside of folds
    y_top : world y at the upper border of the pane
    y_per_px : world y per pixel, positive (world y grows upwards)
    scale : content scale of the monitor (1.0 = 96 dpi)
    folded : positions of times on the axis
    """

    rect: Rect
    t_right_ns: int
    ns_per_px: float
    y_top: float
    y_per_px: float
    scale: float = 1.0
    folded: FoldedTime = UNFOLDED

    @property
    def t_left_ns(self) -> int:
        """Time at the left border, ns."""
        return self.folded.shifted(self.t_right_ns, -int(self.rect.width * self.ns_per_px))

    @property
    def y_bottom(self) -> float:
        """World y at the lower border."""
        return self.y_top - self.rect.height * self.y_per_px

    def screen_x(self, t_ns: int) -> float:
        """Return the screen x of a time, px."""
        return self.rect.right - self.folded.between(t_ns, self.t_right_ns) / self.ns_per_px

    def pixel_x(self, t_ns: int) -> float:
        """Return the screen x of a time, snapped so that it moves by whole pixels from the right border, px."""
        return self.rect.right - round(self.folded.between(t_ns, self.t_right_ns) / self.ns_per_px)

    def bubble_xs(self, ids: NDArray[np.int64], width_ns: int) -> NDArray[np.float64]:
        """Return the screen x of the bubbles of buckets: float64, same shape, px."""
        folded = self.folded
        places = folded.positions(folded.bubble_times(ids, width_ns))
        xs: NDArray[np.float64] = self.rect.right - (folded.position(self.t_right_ns) - places) / self.ns_per_px
        return xs

    def screen_y(self, y: float) -> float:
        """Return the screen y of a world y, px."""
        return self.rect.y + (self.y_top - y) / self.y_per_px

    def time_at(self, x_px: float) -> int:
        """Return the time at a screen x, ns."""
        return self.folded.shifted(self.t_right_ns, -int((self.rect.right - x_px) * self.ns_per_px))

    def y_at(self, y_px: float) -> float:
        """Return the world y at a screen y."""
        return self.y_top - (y_px - self.rect.y) * self.y_per_px
