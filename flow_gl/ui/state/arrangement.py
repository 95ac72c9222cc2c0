"""The layout of the charts in the window: a grid, rows, columns, or one large chart and small ones.

An arrangement is a tree of splits. Each split divides its rectangle among its parts, side by side or one below the
other, by shares that are equal until the user drags a border. `cells` returns the charts' rectangles, `borders` the
draggable borders. Both are pure functions of the same arguments, on whole pixels.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from flow_gl.gl.view import Rect

Kind = Literal["auto", "grid", "rows", "columns", "large_left", "large_top"]
KINDS: Final[dict[Kind, str]] = {
    "auto": "by their number",
    "grid": "in a grid",
    "rows": "in rows",
    "columns": "in columns",
    "large_left": "one large, the others at its right",
    "large_top": "one large, the others below it",
}
"""The title of each kind, in the order in which the key cycles through them."""
MAX_CHARTS: Final = 9
_LARGE: Final = (0.64, 0.36)
"""Shares of the large chart and of the others."""
_MAX_SMALL: Final = 4
"""Maximum number of small charts in one line beside a large one; more of them are in two lines."""
_GUTTER_PX: Final = 2.0
_REACH_PX: Final = 3.0
"""Distance from a border within which it can be dragged."""
MIN_PX: Final = (160.0, 110.0)
"""Minimum width and height of a chart when a border is dragged, px at content scale 1, if there is enough space."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The user's choice.

    Attributes
    ----------
    shares : name of each split whose borders were dragged, with the shares of its parts
    """

    kind: Kind = "auto"
    shares: tuple[tuple[str, tuple[float, ...]], ...] = ()

    def of(self, name: str, defaults: tuple[float, ...]) -> tuple[float, ...]:
        """Return the shares of a split; the defaults unless they were chosen for this number of parts."""
        for chosen, shares in self.shares:
            if chosen == name and len(shares) == len(defaults):
                return shares
        return defaults

    def with_shares(self, name: str, shares: tuple[float, ...] | None) -> "Arrangement":
        """Return this arrangement with other shares of a split; None for the defaults."""
        others = tuple((other, its) for other, its in self.shares if other != name)
        return replace(self, shares=others if shares is None else (*others, (name, shares)))


AUTO: Final = Arrangement()


class Border(NamedTuple):
    """A border between two parts of a split.

    Attributes
    ----------
    rect : the area in which it can be dragged
    is_upright : whether it is dragged sideways
    split : name of the split
    number : number of the part before it
    shares : current shares of the split's parts
    start, length : the split's start and length along the direction of the drag, px
    charts : number of charts in a row along that direction, in the part before the border and in the part after it
    """

    rect: Rect
    is_upright: bool
    split: str
    number: int
    shares: tuple[float, ...]
    start: float
    length: float
    charts: tuple[int, int]


class _Split(NamedTuple):
    """A part of the tree.

    Attributes
    ----------
    name : splits of the same name keep the same shares
    is_across : whether the parts are side by side
    parts : a split, or None for a chart
    defaults : shares of the parts until a border is dragged; () for equal ones
    """

    name: str
    is_across: bool
    parts: "tuple[_Split | None, ...]"
    defaults: tuple[float, ...] = ()

    def shares(self, arrangement: Arrangement) -> tuple[float, ...]:
        count = len(self.parts)
        return arrangement.of(self.name, self.defaults or (1.0 / count,) * count)


def grid_shape(count: int) -> tuple[int, int]:
    """Return columns and rows for `count` charts: up to three side by side, then as square as possible."""
    if count <= 3:
        return max(1, count), 1
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)


def cells(area: Rect, count: int, arrangement: Arrangement, scale: float) -> tuple[Rect, ...]:
    """Return the rectangles of `count` charts, in reading order; a large chart is the first."""
    return tuple(
        cell for cell, _ in _walk(area, _tree(count, arrangement.kind), arrangement, scale) if cell is not None
    )


@lru_cache(maxsize=4)
def borders(area: Rect, count: int, arrangement: Arrangement, scale: float) -> tuple[Border, ...]:
    """Return the borders between the charts."""
    found = _walk(area, _tree(count, arrangement.kind), arrangement, scale)
    return tuple(border for _, border in found if border is not None)


def dragged(arrangement: Arrangement, border: Border, to_px: float, scale: float) -> Arrangement:
    """Return the arrangement after a border was dragged.

    Parameters
    ----------
    to_px : target position of the border's middle along the direction of the drag
    """
    shares, at = border.shares, border.number
    before, pair = sum(shares[:at]), shares[at] + shares[at + 1]
    of_chart = MIN_PX[0 if border.is_upright else 1] * scale / max(1.0, border.length)
    least, least_after = (min(count * of_chart, 0.45 * pair) for count in border.charts)
    to_px += 0.5 * round(_GUTTER_PX * scale)
    first = min(max((to_px - border.start) / max(1.0, border.length) - before, least), pair - least_after)
    changed = (*shares[:at], round(first, 5), round(pair - first, 5), *shares[at + 2 :])
    return arrangement.with_shares(border.split, changed)


def _along(part: _Split | None, is_across: bool) -> int:
    """Return the number of charts of a part in a row along a direction."""
    if part is None:
        return 1
    counts = [_along(one, is_across) for one in part.parts]
    return sum(counts) if part.is_across == is_across else max(counts)


@lru_cache(maxsize=32)
def _tree(count: int, kind: Kind) -> _Split:
    count = max(1, count)
    if kind == "rows":
        return _Split("rows", False, (None,) * count)
    if kind == "columns":
        return _Split("columns", True, (None,) * count)
    if kind in ("large_left", "large_top") and count > 1:
        is_left = kind == "large_left"
        lines = 1 if count - 1 <= _MAX_SMALL else 2
        # The lines of small charts run along the large chart's side: down at its right, across below it.
        others = _lines(count - 1, lines, is_down=not is_left, names=("small", "lines"))
        return _Split("large", is_left, (None, others), _LARGE)
    columns, rows = (1, 1) if count == 1 else grid_shape(count)
    if kind == "grid" and count in (2, 3):
        columns, rows = 2, count - 1
    return _lines(count, rows, is_down=True, names=("columns", "rows"), per_line=columns)


def _lines(count: int, lines: int, *, is_down: bool, names: tuple[str, str], per_line: int = 0) -> _Split:
    """Return lines of charts in reading order; a short last line shares its whole length.

    Parameters
    ----------
    is_down : whether the lines are rows, one below the other
    names : name of the split of a line, and of the split into lines
    """
    per_line = per_line or math.ceil(count / lines)
    counts = [min(per_line, count - line * per_line) for line in range(lines)]
    parts = tuple(
        _Split(names[0] if number == per_line else f"last_{names[0]}", is_down, (None,) * number) for number in counts
    )
    return parts[0] if lines == 1 else _Split(names[1], not is_down, parts)


def _walk(
    rect: Rect, split: _Split, arrangement: Arrangement, scale: float
) -> Iterator[tuple[Rect | None, Border | None]]:
    """Yield the charts' rectangles and the borders of a split, in reading order."""
    shares = split.shares(arrangement)
    gutter = round(_GUTTER_PX * scale)
    reach = _REACH_PX * scale
    start, length = (rect.x, rect.width) if split.is_across else (rect.y, rect.height)
    low, passed, total = start, 0.0, sum(shares)
    for number, (part, share) in enumerate(zip(split.parts, shares, strict=True)):
        passed += share
        is_last = number + 1 == len(shares)
        end = start + length if is_last else float(round(start + length * passed / total))
        size = max(1.0, end - low - (0 if is_last else gutter))
        inside = Rect(low, rect.y, size, rect.height) if split.is_across else Rect(rect.x, low, rect.width, size)
        if part is None:
            yield inside, None
        else:
            yield from _walk(inside, part, arrangement, scale)
        if not is_last:
            middle, half = end - 0.5 * gutter, 0.5 * gutter + reach
            place = (middle - half, rect.y, 2 * half, rect.height)
            if not split.is_across:
                place = (rect.x, middle - half, rect.width, 2 * half)
            charts = _along(part, split.is_across), _along(split.parts[number + 1], split.is_across)
            yield None, Border(Rect(*place), split.is_across, split.name, number, shares, start, length, charts)
        low = end
