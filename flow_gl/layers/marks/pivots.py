"""The two pivots of a divergence: the buckets in which price reached them, and CVD in their bars."""

from typing import Final

import numpy as np

from flow_gl.layers.marks.mark import Pivot
from flow_gl.store.market import MarketReader

_MAX_ROWS: Final = 2048
"""Rows in which the newer pivot is looked for: bars without trades do not exist, so it may be far back."""


def pivots_of(reader: MarketReader, event: np.void, *, bar_ns: int, bars_after: int) -> tuple[Pivot, Pivot]:
    """Return the earlier and the later pivot of a divergence.

    Parameters
    ----------
    bar_ns : length of the bars on which it was found
    bars_after : a pivot is known at the end of this many bars after it
    """
    is_high, earlier_ns, earlier = int(event["direction"]) < 0, int(event["value"][0]), int(event["value"][1])
    until_ns = int(event["ts_event"]) - bars_after * bar_ns
    later_ns = _later_bar(reader, int(event["price"]), until_ns, bar_ns, is_high=is_high)
    return (
        _pivot(reader, earlier_ns, bar_ns, earlier, is_high=is_high),
        _pivot(reader, later_ns, bar_ns, int(event["price"]), is_high=is_high),
    )


def _later_bar(reader: MarketReader, price: int, until_ns: int, bar_ns: int, *, is_high: bool) -> int:
    """Return the start (ns) of the bar of the later pivot: the newest one before `until_ns` that reached its price."""
    ring, head, width = reader.store.bubbles[0], reader.heads[0], reader.widths_ns[0]
    stop = ring.position_of(-(-until_ns // width), head)
    for rows in reversed(ring.segments(max(stop - _MAX_ROWS, 0), stop)):
        reached = np.flatnonzero(rows["high" if is_high else "low"] == price)
        if len(reached):
            return int(rows["ts_event"][reached[-1]]) // bar_ns * bar_ns
    return until_ns - bar_ns


def _pivot(reader: MarketReader, start_ns: int, bar_ns: int, price: int, *, is_high: bool) -> Pivot:
    """Return a pivot: the bucket within its bar that reached its price, and the bar's highest or lowest CVD."""
    ring, head, width = reader.store.bubbles[0], reader.heads[0], reader.widths_ns[0]
    start = ring.position_of(start_ns // width, head)
    stop = max(ring.position_of(-(-(start_ns + bar_ns) // width), head), start)
    name = "high" if is_high else "low"
    _, rows = ring.read(start, stop)
    _, points = reader.store.cvd[0].read(start, stop)
    reached = np.flatnonzero(rows[name] == price)
    t_ns = int(rows["ts_event"][reached[0]]) + width // 2 if len(reached) else start_ns + bar_ns // 2
    cvd = 0 if len(points) == 0 else int(points[name].max() if is_high else points[name].min())
    return Pivot(t_ns, price, cvd)
