"""What the mouse points at. It changes when the mouse moves, not when the chart moves under a mouse that rests."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

BUBBLE: Final = "bubble"
"""The kind of mark that the chart itself shows: it brightens the bubble and dims the others."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A mark of a chart.

    Attributes
    ----------
    mark : its kind, a name of `ui.overlays.hover.table.MARKS`
    key : which one of its kind. Of a bubble: lod and id
    """

    mark: str
    key: Hashable
