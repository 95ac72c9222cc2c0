"""Closing bubbles, and folding them into the coarser levels.

Each level holds at most one pending bubble, with integer sums, so that the average price of any level is exact. When a
trade of bucket n arrives, level L's pending bubble of bucket b closes where n >> L is beyond it: it is handed out and
added to level L + 1's. A level whose bubble stays open ends the walk, for then all coarser ones stay open too: on
average two levels are touched for a bucket.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.jit import kernel
from flow_gl.engine.reference import observe_nb

Records = NDArray[np.void]


@kernel
def scaled_nb(part: int, scale: int, whole: int) -> tuple[int, int]:
    """Divide part * scale by whole without overflow, 0 <= part < whole < 2**54: quotient and remainder."""
    quotient, remainder = 0, 0
    for shift in range(56, -1, -8):
        partial = remainder * 256 + part * ((scale >> shift) & 255)
        digit = partial // whole
        quotient = quotient * 256 + digit
        remainder = partial - digit * whole
    return quotient, remainder


@kernel
def average_price_nb(weighted: int, volume: int, tick_size: int) -> int:
    """Average price in 1e-9 units, rounded half to even: weighted / volume * tick_size, exact in between."""
    ticks = weighted // volume
    part = weighted - ticks * volume
    price = ticks * tick_size
    if part == 0:
        return price
    if volume < (1 << 32) and tick_size < (1 << 30):
        product = part * tick_size
        more = product // volume
        remainder = product - more * volume
    else:
        more, remainder = scaled_nb(part, tick_size, volume)
    price += more
    if 2 * remainder > volume or (2 * remainder == volume and price & 1):
        price += 1
    return price


@kernel
def write_row_nb(pending: Any, span_ns: int, tick_size: int, bubble: Any, point: Any) -> None:
    """Write a pending bubble as a BUBBLE and a CVD_POINT."""
    ts_event = pending["id"] * span_ns
    bubble["id"] = pending["id"]
    bubble["ts_event"] = ts_event
    volume = pending["buy"] + pending["sell"] + pending["unsided"]
    bubble["price"] = average_price_nb(pending["weighted"], volume, tick_size)
    bubble["open"] = pending["open"]
    bubble["high"] = pending["high"]
    bubble["low"] = pending["low"]
    bubble["close"] = pending["close"]
    bubble["buy"] = pending["buy"]
    bubble["sell"] = pending["sell"]
    bubble["unsided"] = pending["unsided"]
    bubble["trade_count"] = pending["trade_count"]
    bubble["ts_last"] = pending["ts_last"]
    point["id"] = pending["id"]
    point["ts_event"] = ts_event
    point["open"] = pending["cvd_open"]
    point["high"] = pending["cvd_high"]
    point["low"] = pending["cvd_low"]
    point["close"] = pending["cvd_close"]


@kernel
def add_nb(into: Any, later: Any, bubble_id: int) -> None:
    """Add a later bubble to a pending one; an empty one becomes it."""
    if into["trade_count"] == 0:
        into["id"] = bubble_id
        into["open"] = later["open"]
        into["high"] = later["high"]
        into["low"] = later["low"]
        into["buy"] = later["buy"]
        into["sell"] = later["sell"]
        into["unsided"] = later["unsided"]
        into["trade_count"] = later["trade_count"]
        into["weighted"] = later["weighted"]
        into["cvd_open"] = later["cvd_open"]
        into["cvd_high"] = later["cvd_high"]
        into["cvd_low"] = later["cvd_low"]
    else:
        into["high"] = max(into["high"], later["high"])
        into["low"] = min(into["low"], later["low"])
        into["buy"] += later["buy"]
        into["sell"] += later["sell"]
        into["unsided"] += later["unsided"]
        into["trade_count"] += later["trade_count"]
        into["weighted"] += later["weighted"]
        into["cvd_high"] = max(into["cvd_high"], later["cvd_high"])
        into["cvd_low"] = min(into["cvd_low"], later["cvd_low"])
    into["close"] = later["close"]
    into["ts_last"] = later["ts_last"]
    into["cvd_close"] = later["cvd_close"]


@kernel
def close_nb(  # noqa: PLR0917  # kernels take arrays
    state: Records,
    pending: Records,
    bins: NDArray[np.int64],
    bubbles: Records,
    points: Records,
    counts: NDArray[np.int64],
    bucket: int,
) -> None:
    """Close whatever lies before a bucket, at every level, and make it the open one.

    At most one row a level is written; the caller sees to it that there is room. A bucket that is not beyond the
    open one changes nothing.

    Parameters
    ----------
    state, pending : STATE (1,), PENDING (LEVELS,)
    bins : histogram of the session's bubbles' volume
    bubbles, points, counts : of `Scratch`
    bucket : number of the bucket that opens
    """
    s = state[0]
    if bucket <= s["bucket"]:
        return
    s["bucket"] = bucket
    levels = s["levels"]
    for level in range(levels):
        p = pending[level]
        if p["trade_count"] == 0:
            continue
        if p["id"] >= bucket >> level:
            break
        at = counts[level]
        counts[level] = at + 1
        write_row_nb(p, s["bucket_ns"] << level, s["tick_size"], bubbles[level, at], points[level, at])
        if level == 0:
            s["bubble_count"] += 1
            volume = max(p["buy"], p["sell"])
            observe_nb(s, bins, volume if volume else p["unsided"])
        if level + 1 < levels:
            add_nb(pending[level + 1], p, p["id"] >> 1)
        p["trade_count"] = 0


@kernel
def open_rows_nb(state: Records, pending: Records, merged: Records, out: Records) -> None:
    """Write what is open at each level, finer levels' pending bubbles included, into an OPEN record.

    Parameters
    ----------
    state, pending : STATE (1,), PENDING (LEVELS,)
    merged : PENDING (2,), room to work in
    out : OPEN (1,)
    """
    s = state[0]
    record = out[0]
    record["count"] = s["bubble_count"]
    rows = record["bubble"]
    points = record["cvd"]
    finer = merged[0]
    finer["trade_count"] = 0
    for level in range(len(pending)):
        rows[level]["trade_count"] = 0
        if level >= s["levels"]:
            continue
        older = pending[level]
        if older["trade_count"]:
            # The finer levels' bubbles are later than this one's: join them to a copy of it.
            joined = merged[1]
            joined["trade_count"] = 0
            add_nb(joined, older, older["id"])
            if finer["trade_count"]:
                add_nb(joined, finer, older["id"])
            finer["trade_count"] = 0
            add_nb(finer, joined, joined["id"])
        elif finer["trade_count"]:
            finer["id"] = finer["id"] >> 1
        if finer["trade_count"]:
            write_row_nb(finer, s["bucket_ns"] << level, s["tick_size"], rows[level], points[level])
