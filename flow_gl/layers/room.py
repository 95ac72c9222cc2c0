"""The priority of a chart's parts where space is short: one order for header, axes and labels alike.

`Part` lists the parts; the lower value goes first. `MIN_PX` says below which size of a chart a part is left out
altogether. Within its row of the header, an item is dropped or shortened by the same order.
"""

from enum import IntEnum
from typing import Final


class Part(IntEnum):
    """The parts of a chart, from the first to go to those that always stay."""

    FPS = 1
    VALUE_AREA = 2
    VWAP = 3
    BUCKET_WORD = 4
    POC = 5
    CVD_SINCE = 6
    LEGEND = 7
    CHART_NUMBER = 8
    REQUESTED = 9
    LEVEL_LABELS = 10
    BUCKET = 11
    TIME_AXIS = 12
    STATE_DETAIL = 13
    BADGE_DETAIL = 14
    SIGN_DETAIL = 15
    CVD_SESSION = 16
    BADGE_WORD = 17
    COMPARISON_PANE = 18
    CVD_PANE = 19
    PRICE_AXIS = 20
    CVD_WORD = 21
    STATE_WORD = 22
    SIGN = 23
    CVD = 24
    PRICE = 25
    ALWAYS = 100
    """Symbol, and at least a sign of the state and of the newest alert."""


MIN_PX: Final[dict[Part, tuple[float, float]]] = {
    Part.LEGEND: (240.0, 420.0),
    Part.LEVEL_LABELS: (200.0, 160.0),
    Part.TIME_AXIS: (180.0, 150.0),
    Part.COMPARISON_PANE: (100.0, 230.0),
    Part.CVD_PANE: (100.0, 170.0),
    Part.PRICE_AXIS: (230.0, 110.0),
}
"""Least width and height of a chart, px at content scale 1, at which a part is shown."""


def has_room(part: Part, width_px: float, height_px: float, scale: float) -> bool:
    """Return whether a chart of this size (framebuffer pixels) shows a part."""
    least_width, least_height = MIN_PX[part]
    return width_px >= least_width * scale and height_px >= least_height * scale
