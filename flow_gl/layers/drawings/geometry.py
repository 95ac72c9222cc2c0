"""Screen positions of shapes, and hit tests."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.drawings import ANCHORED, Point, Shape
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.rows.hit import bubble_at

SHAPES: Final = "drawings"
"""Name of the layer in the layer switches."""
REACH_PX: Final = 4.0
"""Maximum distance at which a line counts as pointed at, px at content scale 1."""
HANDLE_PX: Final = 7.0
"""Width of the handle at a point, at content scale 1."""
NOTE_PX: Final = 12.0
"""Size of a note's text, at content scale 1."""
_LETTER_EMS: Final = 0.62


class Grip(NamedTuple):
    """The parts of a shape that a drag moves: time and price of its points."""

    start_t: bool = True
    start_price: bool = True
    end_t: bool = True
    end_price: bool = True


WHOLE: Final = Grip()


def moved(shape: Shape, grip: Grip, t_ns: int, price: int) -> Shape:
    """Return a shape whose gripped parts are moved by a time (ns) and a price (1e-9)."""
    start = Point(shape.start.t_ns + t_ns * grip.start_t, shape.start.price + price * grip.start_price)
    end = Point(shape.end.t_ns + t_ns * grip.end_t, shape.end.price + price * grip.end_price)
    return Shape(shape.id, shape.kind, start, end, shape.text, shape.color)


def place(view: View, point: Point, tick_size: int) -> tuple[float, float]:
    """Return a point on the screen, px; its x moves by whole pixels."""
    return view.pixel_x(point.t_ns), view.screen_y(point.price / tick_size)


def handles(view: View, shape: Shape, tick_size: int) -> list[tuple[tuple[float, float], Grip]]:
    """Return the places that can be dragged, px, with what each moves."""
    (x0, y0), (x1, y1) = place(view, shape.start, tick_size), place(view, shape.end, tick_size)
    if shape.kind in ANCHORED or shape.kind == "note":
        return [((x0, y0), WHOLE)]
    ends = [
        ((x0, y0), Grip(end_t=False, end_price=False)),
        ((x1, y1), Grip(start_t=False, start_price=False)),
    ]
    if shape.kind == "trend_line":
        return ends
    return [
        *ends,
        ((x0, y1), Grip(start_price=False, end_t=False)),
        ((x1, y0), Grip(start_t=False, end_price=False)),
    ]


def note_box(x: float, y: float, text: str, scale: float) -> Rect:
    """Return roughly where a note's text is, px."""
    size = NOTE_PX * scale
    return Rect(x, y - 0.75 * size, size * (1.5 + _LETTER_EMS * len(text)), 1.5 * size)


def shape_at(scene: Scene, x: float, y: float) -> tuple[Shape, Grip] | None:
    """Return the topmost shape at a point and what a drag there moves; None if none is near."""
    view = scene.price_view
    if not scene.shapes or SHAPES not in scene.style.is_visible or not view.rect.contains(x, y):
        return None
    tick_size, reach = tick_size_of(scene), REACH_PX * view.scale
    for shown in reversed(scene.shapes):
        shape = shown.shape
        near = 0.5 * HANDLE_PX * view.scale + reach if shown.is_selected else 1.5 * reach
        for (at_x, at_y), grip in handles(view, shape, tick_size):
            if max(abs(at_x - x), abs(at_y - y)) <= near:
                return shape, grip
        if _is_near(view, shape, (x, y), tick_size, reach):
            return shape, WHOLE
    return None


def shape_under(scene: Scene, x: float, y: float) -> tuple[Shape, Grip] | None:
    """Return the shape that a press at a point grabs; None if a bubble covers it."""
    found = shape_at(scene, x, y)
    return None if found is None or bubble_at(scene, x, y, near_px=0.0) is not None else found


def _is_near(view: View, shape: Shape, at: tuple[float, float], tick_size: int, reach: float) -> bool:
    (x0, y0), (x1, y1), (x, y) = place(view, shape.start, tick_size), place(view, shape.end, tick_size), at
    if shape.kind == "note":
        return note_box(x0, y0, shape.text, view.scale).contains(x, y)
    if shape.kind in ANCHORED:
        return abs(x - x0) <= reach
    if shape.kind == "trend_line":
        return _distance(at, (x0, y0), (x1, y1)) <= reach
    left, right, top, bottom = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    is_around = left - reach <= x <= right + reach and top - reach <= y <= bottom + reach
    is_inside = left + reach < x < right - reach and top + reach < y < bottom - reach
    return is_around and not is_inside


def _distance(at: tuple[float, float], start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the distance of a point from a segment."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    share = 0.0 if not length else ((at[0] - start[0]) * dx + (at[1] - start[1]) * dy) / length
    share = min(max(share, 0.0), 1.0)
    return math.hypot(at[0] - start[0] - share * dx, at[1] - start[1] - share * dy)


def clipped(
    xs: NDArray[np.float64], ys: NDArray[np.float64], joined: NDArray[np.bool_], rect: Rect
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Clip straight lines between points to a rectangle.

    Parameters
    ----------
    xs, ys : float64 (n,), px
    joined : bool (n - 1,): whether a line goes from point i to i + 1

    Returns
    -------
    xs, ys, joined : points in pairs, of which each is joined within itself
    """
    x0, x1, y0, y1 = (part[joined] for part in (xs[:-1], xs[1:], ys[:-1], ys[1:]))
    first, last = np.zeros(len(x0)), np.ones(len(x0))
    with np.errstate(divide="ignore", invalid="ignore"):
        for start, step, low, high in ((x0, x1 - x0, rect.x, rect.right), (y0, y1 - y0, rect.y, rect.bottom)):
            a, b = (low - start) / step, (high - start) / step
            is_flat, is_in = step == 0.0, (start >= low) & (start <= high)
            enter = np.where(is_flat, np.where(is_in, 0.0, 2.0), np.minimum(a, b))
            leave = np.where(is_flat, np.where(is_in, 1.0, -1.0), np.maximum(a, b))
            first, last = np.maximum(first, enter), np.minimum(last, leave)
    seen = first < last
    shares = np.stack([first[seen], last[seen]], axis=1)
    pairs = [(start[seen, None] + shares * (end - start)[seen, None]).ravel() for start, end in ((x0, x1), (y0, y1))]
    parts = np.ones(max(0, 2 * int(seen.sum()) - 1), np.bool_)
    parts[1::2] = False
    return pairs[0], pairs[1], parts
