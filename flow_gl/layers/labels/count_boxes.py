"""Boxes of numbers, and the discs and rings that touch them."""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_AHEAD: Final = 48
"""Discs tested at a time."""


class Kind(IntEnum):
    """The position of a number."""

    MIDDLE = 0
    INSIDE = 1
    """On a visible part of its disc."""
    BESIDE = 2
    OVER = 3
    """Beside its disc, over others."""


class Place(NamedTuple):
    """A number's place: the middle of its box relative to the disc's, px."""

    kind: Kind
    dx: float
    dy: float


class Discs(NamedTuple):
    """Discs that may get a number, oldest first; newer ones are drawn on top. All arrays have shape (discs,).

    Attributes
    ----------
    ids : bucket ids, int64
    volume : contracts, int64
    x, y : middle, px, float64; x does not fall
    radius : px, float64
    half_width, half_height : half the size of the number's box, px, float64
    """

    ids: NDArray[np.int64]
    volume: NDArray[np.int64]
    x: Floats
    y: Floats
    radius: Floats
    half_width: Floats
    half_height: Floats


class Rings(NamedTuple):
    """Circles around large trades, which no number may cross: middle and radius, px, float64 (rings,)."""

    x: Floats
    y: Floats
    radius: Floats


NO_RINGS: Final = Rings(np.zeros(0), np.zeros(0), np.zeros(0))


class Boxes(NamedTuple):
    """Boxes to test, px: the disc that each belongs to, its middle, half its size. All arrays have one shape."""

    owner: Rows
    x: Floats
    y: Floats
    half_width: Floats
    half_height: Floats

    def select(self, is_in: NDArray[np.bool_]) -> "Boxes":
        """Return some of the boxes; `is_in` is bool, of their shape."""
        owner, x, y, half_width, half_height = self
        return Boxes(owner[is_in], x[is_in], y[is_in], half_width[is_in], half_height[is_in])


def touched_by(boxes: Boxes, x: float, y: float, radius: float) -> NDArray[np.bool_]:
    """Return which boxes a disc touches: bool (boxes,)."""
    dx = np.maximum(np.abs(boxes.x - x) - boxes.half_width, 0.0)
    dy = np.maximum(np.abs(boxes.y - y) - boxes.half_height, 0.0)
    return np.asarray(dx * dx + dy * dy < radius * radius)


def met_by(boxes: Boxes, box: Boxes) -> NDArray[np.bool_]:
    """Return which boxes overlap a single one: bool (boxes,)."""
    is_met = np.abs(boxes.x - box.x) < boxes.half_width + box.half_width
    is_met &= np.abs(boxes.y - box.y) < boxes.half_height + box.half_height
    return is_met


def free_of_newer(discs: Discs, boxes: Boxes) -> NDArray[np.bool_]:
    """Return which boxes are not touched by a disc that is newer than their own: bool (boxes,)."""
    is_free = np.ones(len(boxes.x), np.bool_)
    if len(is_free) == 0:
        return is_free
    reach = boxes.half_width + discs.radius.max()
    stop = discs.x.searchsorted(boxes.x + reach)
    _mark_touched(discs, boxes, is_free, first=boxes.owner + 1, count=stop - boxes.owner - 1, step=1)
    return is_free


def free_of_all(discs: Discs, boxes: Boxes) -> NDArray[np.bool_]:
    """Return which boxes are touched by no disc: bool (boxes,)."""
    is_free = free_of_newer(discs, boxes)
    _mark_older(discs, boxes, is_free, first=boxes.owner)
    return is_free


def free_of_others(discs: Discs, boxes: Boxes) -> NDArray[np.bool_]:
    """Return which boxes are touched by no disc but their own: bool (boxes,)."""
    is_free = free_of_newer(discs, boxes)
    _mark_older(discs, boxes, is_free, first=boxes.owner - 1)
    return is_free


def free_of_rings(rings: Rings, boxes: Boxes, reach: float) -> NDArray[np.bool_]:
    """Return which boxes lie inside or outside each ring, at least `reach` px from its line: bool (boxes,)."""
    if len(rings.x) == 0:
        return np.ones(len(boxes.x), np.bool_)
    dx, dy = (np.abs(at[:, np.newaxis] - ring) for at, ring in ((boxes.x, rings.x), (boxes.y, rings.y)))
    wide, high = boxes.half_width[:, np.newaxis], boxes.half_height[:, np.newaxis]
    is_outside = np.hypot(np.maximum(dx - wide, 0.0), np.maximum(dy - high, 0.0)) >= rings.radius + reach
    is_inside = np.hypot(dx + wide, dy + high) <= rings.radius - reach
    return np.asarray((is_outside | is_inside).all(axis=1))


def _mark_older(discs: Discs, boxes: Boxes, is_free: NDArray[np.bool_], *, first: Rows) -> None:
    """Clear `is_free` for boxes that disc number `first` or an older one touches."""
    if is_free.any():
        begin = discs.x.searchsorted(boxes.x - (boxes.half_width + discs.radius.max()))
        _mark_touched(discs, boxes, is_free, first=first, count=first - begin + 1, step=-1)


def _mark_touched(
    discs: Discs, boxes: Boxes, is_free: NDArray[np.bool_], *, first: Rows, count: Rows, step: int
) -> None:
    """Clear `is_free` for boxes that one of `count` discs touches, counted from number `first` in steps of +1 or -1.

    The nearest discs are tested first, and a box that is touched is not tested again: in a crowd few tests are needed.
    """
    done, longest = 0, int(count.max(initial=0))
    if longest <= 0:
        return
    while done < longest:
        left = (is_free & (count > done)).nonzero()[0]
        if len(left) == 0:
            return
        ahead = np.arange(done, min(done + _AHEAD, longest))
        near = first[left, np.newaxis] + step * ahead
        is_there = ahead < count[left, np.newaxis]
        # Numbers out of range, which are not there, are read as the first or the last disc.
        dx = np.abs(discs.x.take(near, mode="clip") - boxes.x[left, np.newaxis])
        dy = np.abs(discs.y.take(near, mode="clip") - boxes.y[left, np.newaxis])
        radius = discs.radius.take(near, mode="clip")
        dx -= boxes.half_width[left, np.newaxis]
        dy -= boxes.half_height[left, np.newaxis]
        np.maximum(dx, 0.0, out=dx)
        np.maximum(dy, 0.0, out=dy)
        is_touched = dx * dx + dy * dy < radius * radius
        is_touched &= is_there
        is_free[left] = ~is_touched.any(axis=1)
        done += _AHEAD
