"""Numbers as boxes, and the leaders that lead to them."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.layers.labels.count_boxes import Discs, Floats, Rows

Sides = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _unit(directions: tuple[tuple[int, int], ...]) -> Floats:
    return np.array([(x / math.hypot(x, y), y / math.hypot(x, y)) for x, y in directions])


LEFT_WAYS: Final = _unit(((-1, 0), (-1, -1), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 1), (1, 0)))
"""Directions to the visible part of a disc: newer discs mostly cover the right side."""
UP_WAYS: Final = _unit(((0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1), (-1, 0), (1, 0)))
"""Directions from a disc to its number beside it."""
_NEARLY_ZERO: Final = 1e-6


def sides_of(discs: Discs, at: int, dx: float, dy: float, gap: float) -> Sides:
    """Return the box of a disc's number at an offset from its middle, grown by a gap, px."""
    x, y = float(discs.x[at]) + dx, float(discs.y[at]) + dy
    wide, high = float(discs.half_width[at]) + gap, float(discs.half_height[at]) + gap
    return x - wide, y - high, x + wide, y + high


def boxes_of(discs: Discs, places: Sequence[tuple[int, float, float]]) -> Floats:
    """Return left, top, right and bottom of numbers, given as disc and offset: float64 (4, numbers)."""
    at, dx, dy = np.array(places, np.float64).reshape(-1, 3).T
    rows = at.astype(np.intp)
    x, y, wide, high = discs.x[rows] + dx, discs.y[rows] + dy, discs.half_width[rows], discs.half_height[rows]
    return np.stack([x - wide, y - high, x + wide, y + high])


def leader_of(discs: Discs, at: int, dx: float, dy: float) -> Sides:
    """Return x and y of both ends of the line from a disc to its number, px."""
    x, y = float(discs.x[at]), float(discs.y[at])
    return x, y, x + dx, y + dy


def meet(a: Sides, b: Sides) -> bool:
    """Return whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def is_crossed(leader: Sides, boxes: Floats) -> bool:
    """Return whether a line crosses a box.

    Parameters
    ----------
    leader : x and y of its ends, px
    boxes : left, top, right and bottom, px; float64 (4, boxes)
    """
    return bool(_crossings(np.array(leader)[:, np.newaxis], boxes).any())


def is_under(leaders: Floats, box: Sides) -> bool:
    """Return whether a box lies on a line: float64 (4, lines), x and y of their ends."""
    return bool(_crossings(leaders, np.array(box)[:, np.newaxis]).any())


def _crossings(lines: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Return which lines cross which boxes, of broadcast shapes: each enters both ranges before it leaves one."""
    enter, leave = np.zeros(1), np.ones(1)
    for axis in (0, 1):
        begin, length = lines[axis], lines[axis + 2] - lines[axis]
        length = np.where(np.abs(length) < _NEARLY_ZERO, _NEARLY_ZERO, length)
        one, other = (boxes[axis] - begin) / length, (boxes[axis + 2] - begin) / length
        enter, leave = np.maximum(enter, np.minimum(one, other)), np.minimum(leave, np.maximum(one, other))
    found: NDArray[np.bool_] = enter < leave
    return found


def rows_of(ids: NDArray[np.int64], wanted: list[int]) -> tuple[NDArray[np.bool_], Rows]:
    """Return which of `wanted` are among `ids` (bool, same length), and their indices there. `ids` rise."""
    asked = np.array(wanted, np.int64)
    at = np.minimum(np.searchsorted(ids, asked), len(ids) - 1)
    is_there = ids[at] == asked
    return is_there, at[is_there]
