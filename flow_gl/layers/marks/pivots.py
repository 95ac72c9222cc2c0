"""Where the two pivots of a divergence lie: in which bucket price reached them, and CVD in their bars."""

from typing import Final

import numpy as np

from flow_gl.core.units import SECOND_NS
from flow_gl.layers.marks.mark import Pivot
from flow_gl.store.market import MarketReader

BAR_NS: Final = 15 * SECOND_NS
_BARS_AFTER: Final = 3
"""A pivot is known at the end of the third bar after it."""
_MOST_ROWS: Final = 2048
"""Rows in which the newer pivot is looked for: bars without trades do not exist, so it may be far back."""


def pivots_of(reader: MarketReader, event: np.void) -> tuple[Pivot, Pivot]:
    """Return the earlier and the later pivot of a divergence."""
    is_high, earlier_ns, earlier = int(event["direction"]) < 0, int(event["value"][0]), int(event["value"][1])
    later_ns = _later_bar(reader, event, is_high=is_high)
    return (
        _pivot(reader, earlier_ns, earlier, is_high=is_high),
        _pivot(reader, later_ns, int(event["price"]), is_high=is_high),
    )


def _later_bar(reader: MarketReader, event: np.void, *, is_high: bool) -> int:
    """Return the start (ns) of the bar of the later pivot: the newest one that reached its price early enough."""
    ring, head, width = reader.store.bubbles[0], reader.heads[0], reader.widths_ns[0]
    until_ns = int(event["ts_event"]) - _BARS_AFTER * BAR_NS
    stop = ring.position_of(-(-until_ns // width), head)
    for rows in reversed(ring.segments(max(stop - _MOST_ROWS, 0), stop)):
        reached = np.flatnonzero(rows["high" if is_high else "low"] == int(event["price"]))
        if len(reached):
            return int(rows["ts_event"][reached[-1]]) // BAR_NS * BAR_NS
    return until_ns - BAR_NS


def _pivot(reader: MarketReader, bar_ns: int, price: int, *, is_high: bool) -> Pivot:
    """Return a pivot: the bucket within its bar that reached its price, and the bar's highest or lowest CVD."""
    ring, head, width = reader.store.bubbles[0], reader.heads[0], reader.widths_ns[0]
    start = ring.position_of(bar_ns // width, head)
    stop = max(ring.position_of(-(-(bar_ns + BAR_NS) // width), head), start)
    name = "high" if is_high else "low"
    _, rows = ring.read(start, stop)
    _, points = reader.store.cvd[0].read(start, stop)
    reached = np.flatnonzero(rows[name] == price)
    t_ns = int(rows["ts_event"][reached[0]]) + width // 2 if len(reached) else bar_ns + BAR_NS // 2
    cvd = 0 if len(points) == 0 else int(points[name].max() if is_high else points[name].min())
    return Pivot(t_ns, price, cvd)
