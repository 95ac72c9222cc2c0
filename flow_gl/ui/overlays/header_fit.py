"""The items of a header's row that fit: the least important ones are dropped or shortened first."""

from collections.abc import Callable
from dataclasses import replace

from flow_gl.core.frozen import frozen
from flow_gl.core.palette import Rgb
from flow_gl.layers.room import Part


@frozen
class Item:
    """One text in the header, with its colour, glyph and priority."""

    text: str
    color: Rgb
    size: float = 15.0
    is_bold: bool = False
    keep: int = Part.ALWAYS
    """Priority: items with lower values are dropped first."""
    shorter: tuple[tuple[int, str], ...] = ()
    """Texts used instead if space is short, each with its priority, ascending; "" leaves the glyph."""
    glyph: str = ""
    """"up", "down", "flat": an arrow after the text; "dot": a dot before it; "pill": a plate behind it; "pill up",
    "pill down": a plate, or without a text an arrow."""
    is_right: bool = False
    joins: bool = False
    """Placed close to the previous item."""
    alpha: float = 1.0
    number: str = ""
    """Name of a number that changes with every trade: the chart draws it, in every frame."""
    row: int = 0
    """Row where the header has two."""
    form: int = 0
    """Index of the text: 0 is `text`, n the n-th of `shorter`."""

    @property
    def shown(self) -> str:
        """The text in its form."""
        return self.text_in(self.form)

    def text_in(self, form: int) -> str:
        """Return the text in another form."""
        return self.shorter[form - 1][1] if form else self.text


@frozen
class PlacedItem:
    """An item with its place: left end and middle, framebuffer pixels, and its text's size at content scale 1."""

    item: Item
    x: float
    middle: float
    size: float


Measure = Callable[[Item], float]
"""Width of an item in pixels, including its glyph."""


def fit(items: list[Item], room: float, measure: Measure, gap: float) -> list[tuple[Item, float]]:
    """Drop or shorten the least important items until the rest fits into `room` pixels.

    Items with priority `Part.ALWAYS` stay even if they do not fit.

    Returns
    -------
    kept : items with their widths in pixels, in the original order
    """
    measured = [(item, measure(item)) for item in items]
    total = sum(width + before(item, gap) for item, width in measured)
    if total <= room:
        return measured
    kept: list[tuple[Item, float] | None] = [*measured]
    # A form of 0 drops the item.
    steps = [(item.keep, at, 0) for at, item in enumerate(items) if item.keep < Part.ALWAYS]
    steps += [(rank, at, form) for at, item in enumerate(items) for form, (rank, _) in enumerate(item.shorter, 1)]
    for _, at, form in sorted(steps):
        found = kept[at]
        if total <= room:
            break
        if found is None:
            continue
        item, width = found
        total -= width + before(item, gap)
        if not form:
            kept[at] = None
            continue
        item = replace(item, form=form)
        width = measure(item)
        total += width + before(item, gap)
        kept[at] = (item, width)
    return [found for found in kept if found is not None]


def before(item: Item, gap: float) -> float:
    """Return the gap before an item, pixels."""
    return 0.4 * gap if item.joins else gap
