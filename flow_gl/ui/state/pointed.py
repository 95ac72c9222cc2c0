"""The item under the mouse. It changes when the mouse moves, not when the chart moves under a resting mouse."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

BUBBLE: Final = "bubble"
"""The kind that the chart itself shows: it brightens the bubble and dims the others."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """Something on a chart that has a tooltip.

    Attributes
    ----------
    kind : a name of `ui.overlays.hover.table.TARGETS`
    key : which one of its kind. Of a bubble: lod and id
    """

    kind: str
    key: Hashable
