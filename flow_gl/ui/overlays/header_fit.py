"""Which items of a header there is room for: the least important ones are dropped or shortened first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from flow_gl.core.frozen import frozen
from flow_gl.core.palette import Rgb

_ALWAYS: Final = 1000


@frozen
class Item:
    """One text in the header, with its colour, glyph and priority."""

    text: str
    color: Rgb
    size: float = 15.0
    is_bold: bool = False
    keep: int = _ALWAYS
    """Priority: items with lower values are dropped first."""
    short: str = ""
    """Text used instead if space is short; "" if there is none."""
    shorten: int = _ALWAYS
    """Priority at which `short` replaces `text`, on the same scale as `keep`."""
    glyph: str = ""
    """"up", "down", "flat": an arrow after the text; "dot": a dot before it; "pill": a plate behind it."""
    is_right: bool = False
    joins: bool = False
    """Placed close to the previous item."""
    alpha: float = 1.0
    number: str = ""
    """Name of a number that changes with every trade: the chart draws it, in every frame."""
    is_short: bool = False
    """`text` is the short one."""


Measure = Callable[[Item], float]
"""Width of an item in pixels, including its glyph."""


def fit(items: list[Item], room: float, measure: Measure, gap: float) -> list[tuple[Item, float]]:
    """Drop or shorten the least important items until the rest fits into `room` pixels.

    Items with priority `_ALWAYS` stay even if they do not fit; the caller clips them.

    Returns
    -------
    kept : items with their widths in pixels, in the original order
    """
    measured = [(item, measure(item)) for item in items]
    total = sum(width + before(item, gap) for item, width in measured)
    if total <= room:
        return measured
    kept: list[tuple[Item, float] | None] = [*measured]
    steps = [(item.keep, at, False) for at, item in enumerate(items)]
    steps += [(item.shorten, at, True) for at, item in enumerate(items) if item.short]
    for rank, at, is_shortened in sorted(steps):
        found = kept[at]
        if total <= room or rank >= _ALWAYS:
            break
        if found is None:
            continue
        item, width = found
        total -= width + before(item, gap)
        if is_shortened:
            item = replace(item, text=item.short, is_short=True)
            width = measure(item)
            total += width + before(item, gap)
            kept[at] = (item, width)
        else:
            kept[at] = None
    return [found for found in kept if found is not None]


def before(item: Item, gap: float) -> float:
    """Return the gap before an item, pixels."""
    return 0.4 * gap if item.joins else gap
