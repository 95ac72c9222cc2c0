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


def free_of_newer(discs: Discs, boxes: Boxes) -> NDArray[np.bool_]:
    """Return which boxes are not touched by a disc that is newer than their own: bool (boxes,)."""
    reach = boxes.half_width + float(discs.radius.max())
    is_free = np.ones(len(boxes.x), np.bool_)
    stop = np.searchsorted(discs.x, boxes.x + reach)
    _mark_touched(discs, boxes, is_free, first=boxes.owner + 1, count=stop - boxes.owner - 1, step=1)
    return is_free


def free_of_all(discs: Discs, boxes: Boxes) -> NDArray[np.bool_]:
    """Return which boxes are touched by no disc: bool (boxes,)."""
    is_free = free_of_newer(discs, boxes)
    reach = boxes.half_width + float(discs.radius.max())
    begin = np.searchsorted(discs.x, boxes.x - reach)
    _mark_touched(discs, boxes, is_free, first=boxes.owner, count=boxes.owner - begin + 1, step=-1)
    return is_free


def free_of_others(discs: Discs, boxes: Boxes) -> NDArray[np.bool_]:
    """Return which boxes are touched by no disc but their own: bool (boxes,)."""
    is_free = free_of_newer(discs, boxes)
    reach = boxes.half_width + float(discs.radius.max())
    begin = np.searchsorted(discs.x, boxes.x - reach)
    _mark_touched(discs, boxes, is_free, first=boxes.owner - 1, count=boxes.owner - begin, step=-1)
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


def _mark_touched(
    discs: Discs, boxes: Boxes, is_free: NDArray[np.bool_], *, first: Rows, count: Rows, step: int
) -> None:
    """Clear `is_free` for boxes that one of `count` discs touches, counted from number `first` in steps of +1 or -1.

    The nearest discs are tested first, and a box that is touched is not tested again: in a crowd few tests are needed.
    """
    done, longest = 0, int(count.max(initial=0))
    if longest <= 0:
        return
    squared = discs.radius * discs.radius
    while done < longest:
        left = np.flatnonzero(is_free & (count > done))
        if len(left) == 0:
            return
        ahead = np.arange(done, min(done + _AHEAD, longest))
        near = first[left, np.newaxis] + step * ahead
        is_there = ahead < count[left, np.newaxis]
        np.clip(near, 0, len(discs.x) - 1, out=near)
        dx = np.abs(discs.x[near] - boxes.x[left, np.newaxis]) - boxes.half_width[left, np.newaxis]
        dy = np.abs(discs.y[near] - boxes.y[left, np.newaxis]) - boxes.half_height[left, np.newaxis]
        np.maximum(dx, 0.0, out=dx)
        np.maximum(dy, 0.0, out=dy)
        is_free[left] = ~((dx * dx + dy * dy < squared[near]) & is_there).any(axis=1)
        done += _AHEAD
