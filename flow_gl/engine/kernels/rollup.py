"""Close bubbles, and merge them into the coarser levels of detail (rollup).

Each lod has at most one pending bubble, with integer sums, so the average price is exact at every lod. It closes when a
trade arrives whose bucket at that lod is a later one: the bubble is output and added to the pending bubble of the next
coarser lod. Rows are merged in batches, lod by lod, up to the open bucket; the result is the same as merging each
row immediately. If no bubble closes at a lod, all coarser ones stay unchanged.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import NO_BUCKET
from flow_gl.engine.kernels.reference import observe_nb

Records = NDArray[np.void]
_EXACT = float(1 << 48)
"""A floating-point quotient below this is off by at most one."""


@kernel
def scaled_nb(part: int, scale: int, whole: int) -> tuple[int, int]:
    """Return quotient and remainder of part * scale / whole without overflow, for 0 <= part < whole < 2**54."""
    quotient, remainder = 0, 0
    for shift in range(56, -1, -8):
        partial = remainder * 256 + part * ((scale >> shift) & 255)
        digit = partial // whole
        quotient = quotient * 256 + digit
        remainder = partial - digit * whole
    return quotient, remainder


@kernel
def quotient_nb(dividend: int, divisor: int, inverse: float) -> tuple[int, int]:
    """Return quotient and remainder of a floor division whose quotient is below 2**48; `inverse` is 1 / divisor.

    The floating-point quotient is off by at most one; the remainder, exact modulo 2**64, shows the correction.
    """
    quotient = int(float(dividend) * inverse)
    remainder = dividend - quotient * divisor
    # Without a branch: if all trades have one price, a branch predictor cannot foresee whether a correction is due.
    off = int(remainder >= divisor) - int(remainder < 0)
    return quotient + off, remainder - off * divisor


@kernel
def average_price_nb(weighted: int, volume: int, tick_size: int, low: int) -> int:
    """Return the average price in 1e-9 units: weighted / volume * tick_size, computed exactly, rounded half to even.

    Parameters
    ----------
    weighted : sum of size * tick number, modulo 2**64
    volume : contracts, positive
    tick_size : 1e-9 units
    low : lowest price, 1e-9 units; the sum is read relative to it, because it may have overflowed int64
    """
    inverse = 1.0 / float(volume)
    if (
        volume < (1 << 31)
        and abs(weighted) < (1 << 33)
        and tick_size < (1 << 29)
        and abs(float(weighted * tick_size) * inverse) < _EXACT
    ):
        # The usual case: the sum in price units fits into a word too, so one division suffices.
        price, remainder = quotient_nb(weighted * tick_size, volume, inverse)
        return price + (2 * remainder + (price & 1) > volume)
    low_tick = low // tick_size
    above, part = quotient_nb(weighted - low_tick * volume, volume, inverse)
    ticks = low_tick + above
    if volume < (1 << 32) and tick_size < (1 << 30):
        more, remainder = quotient_nb(part * tick_size, volume, inverse)
    else:
        more, remainder = scaled_nb(part, tick_size, volume)
    price = ticks * tick_size + more
    # Without a branch: a branch predictor cannot foresee the rounding.
    return price + (2 * remainder + (price & 1) > volume)


@kernel
def row_of_nb(pending: Any, span_ns: int, bubble: Any, point: Any) -> None:
    """Write a pending bubble as a BUBBLE and a CVD_POINT, without the average price."""
    bubble["id"] = point["id"] = pending["id"]
    bubble["ts_event"] = point["ts_event"] = pending["id"] * span_ns
    bubble["open"] = pending["open"]
    bubble["high"] = pending["high"]
    bubble["low"] = pending["low"]
    bubble["close"] = pending["close"]
    bubble["buy"] = pending["buy"]
    bubble["sell"] = pending["sell"]
    bubble["unsided"] = pending["unsided"]
    bubble["trade_count"] = pending["trade_count"]
    bubble["ts_last"] = pending["ts_last"]
    point["open"] = pending["cvd_open"]
    point["high"] = pending["cvd_high"]
    point["low"] = pending["cvd_low"]
    point["close"] = pending["cvd_close"]


@kernel
def keep_nb(bubble: Any, point: Any, weighted: int, pending: Any) -> None:
    """Make a bubble pending again: the inverse of `row_of_nb`."""
    pending["id"] = bubble["id"]
    pending["open"] = bubble["open"]
    pending["high"] = bubble["high"]
    pending["low"] = bubble["low"]
    pending["close"] = bubble["close"]
    pending["buy"] = bubble["buy"]
    pending["sell"] = bubble["sell"]
    pending["unsided"] = bubble["unsided"]
    pending["trade_count"] = bubble["trade_count"]
    pending["ts_last"] = bubble["ts_last"]
    pending["weighted"] = weighted
    pending["cvd_open"] = point["open"]
    pending["cvd_high"] = point["high"]
    pending["cvd_low"] = point["low"]
    pending["cvd_close"] = point["close"]


@kernel
def total_nb(s: Any, bubbles: NDArray[np.void], points: NDArray[np.void], first: int, stop: int) -> None:
    """Add rows [first, stop) to the session's totals; `s` is the STATE record."""
    buy, sell, unsided, trade_count = 0, 0, 0, 0
    high, low, cvd_high, cvd_low = s["high"], s["low"], s["cvd_high"], s["cvd_low"]
    for at in range(first, stop):
        row, point = bubbles[at], points[at]
        buy += row["buy"]
        sell += row["sell"]
        unsided += row["unsided"]
        trade_count += row["trade_count"]
        high, low = max(high, row["high"]), min(low, row["low"])
        cvd_high, cvd_low = max(cvd_high, point["high"]), min(cvd_low, point["low"])
    s["high"], s["low"], s["cvd_high"], s["cvd_low"] = high, low, cvd_high, cvd_low
    s["buy"] += buy
    s["sell"] += sell
    s["unsided"] += unsided
    s["trade_count"] += trade_count
    s["total_trades"] += trade_count
    s["total_volume"] += buy + sell + unsided


@kernel
def write_row_nb(pending: Any, span_ns: int, tick_size: int, bubble: Any, point: Any) -> None:
    """Write a pending bubble as a BUBBLE and a CVD_POINT."""
    row_of_nb(pending, span_ns, bubble, point)
    volume = pending["buy"] + pending["sell"] + pending["unsided"]
    bubble["price"] = average_price_nb(pending["weighted"], volume, tick_size, pending["low"])


@kernel
def add_nb(into: Any, later: Any, bubble_id: int) -> None:
    """Merge a later bubble into a pending one; if that is empty, copy the later bubble.

    For single rows; `merge_nb` does the same for many rows with its sums in registers.
    """
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
def price_rows_nb(bubbles: Records, weights: NDArray[np.int64], first: int, stop: int, tick_size: int) -> None:
    """Write the average price of rows [first, stop)."""
    for at in range(first, stop):
        row = bubbles[at]
        volume = row["buy"] + row["sell"] + row["unsided"]
        row["price"] = average_price_nb(weights[at], volume, tick_size, row["low"])


@kernel
def merge_nb(  # noqa: PLR0915, PLR0917  # one row's fields; kernels take arrays, and sums live in registers
    state: Records,
    pending: Records,
    finer_bubbles: Records,
    finer_points: Records,
    finer_weights: NDArray[np.int64],
    first: int,
    stop: int,
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    counts: NDArray[np.int64],
    lod: int,
) -> None:
    """Merge rows [first, stop) of the next finer lod into a lod, and close its bubble if the open bucket is later.

    `bubbles`, `points` and `weights` are those of the lod; rows are written without the average price. This repeats
    `add_nb` and `row_of_nb` with the pending bubble in local variables: through the records, each of the sums would be
    stored and loaded again for every row (benchmarks/engine.md).
    """
    s = state[0]
    p = pending[lod]
    span_ns, step = s["width_ns"][lod], s["step"][lod]
    at = counts[lod]
    trade_count = p["trade_count"]
    bubble_id, price_open, price_high, price_low, price_close = p["id"], p["open"], p["high"], p["low"], p["close"]
    buy, sell, unsided, weighted, ts_last = p["buy"], p["sell"], p["unsided"], p["weighted"], p["ts_last"]
    cvd_open, cvd_high, cvd_low, cvd_close = p["cvd_open"], p["cvd_high"], p["cvd_low"], p["cvd_close"]
    open_id = s["bucket"] // (span_ns // s["bucket_ns"])
    later_id, next_start = bubble_id, (bubble_id + 1) * step if trade_count else NO_BUCKET
    for later in range(first, stop + 1):
        is_row = later < stop
        if not is_row:
            later_id = open_id
        elif finer_bubbles[later]["id"] >= next_start:
            # Ids ascend, so a division is needed only if the coarser bucket changes.
            later_id = finer_bubbles[later]["id"] // step
            next_start = (later_id + 1) * step
        if trade_count and bubble_id < later_id:
            bubble, point = bubbles[at], points[at]
            bubble["id"] = point["id"] = bubble_id
            bubble["ts_event"] = point["ts_event"] = bubble_id * span_ns
            bubble["open"], bubble["high"] = price_open, price_high
            bubble["low"], bubble["close"] = price_low, price_close
            bubble["buy"], bubble["sell"], bubble["unsided"] = buy, sell, unsided
            bubble["trade_count"], bubble["ts_last"] = trade_count, ts_last
            point["open"], point["high"], point["low"], point["close"] = cvd_open, cvd_high, cvd_low, cvd_close
            weights[at] = weighted
            at += 1
            trade_count = 0
        if not is_row:
            break
        row, cvd = finer_bubbles[later], finer_points[later]
        if trade_count == 0:
            bubble_id = later_id
            price_open, price_high, price_low = row["open"], row["high"], row["low"]
            buy, sell, unsided, trade_count = row["buy"], row["sell"], row["unsided"], row["trade_count"]
            weighted = finer_weights[later]
            cvd_open, cvd_high, cvd_low = cvd["open"], cvd["high"], cvd["low"]
        else:
            price_high, price_low = max(price_high, row["high"]), min(price_low, row["low"])
            buy += row["buy"]
            sell += row["sell"]
            unsided += row["unsided"]
            trade_count += row["trade_count"]
            weighted += finer_weights[later]
            cvd_high, cvd_low = max(cvd_high, cvd["high"]), min(cvd_low, cvd["low"])
        price_close, ts_last, cvd_close = row["close"], row["ts_last"], cvd["close"]
    counts[lod] = at
    p["trade_count"] = trade_count
    if trade_count:
        p["id"], p["open"], p["high"], p["low"], p["close"] = bubble_id, price_open, price_high, price_low, price_close
        p["buy"], p["sell"], p["unsided"], p["weighted"], p["ts_last"] = buy, sell, unsided, weighted, ts_last
        p["cvd_open"], p["cvd_high"], p["cvd_low"], p["cvd_close"] = cvd_open, cvd_high, cvd_low, cvd_close


@kernel
def settle_nb(  # noqa: PLR0917  # kernels take arrays
    state: Records,
    pending: Records,
    bins: NDArray[np.int64],
    base_bubbles: Records,
    base_points: Records,
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    counts: NDArray[np.int64],
    first: int,
) -> None:
    """Complete the base rows from `first` on: compute average prices, update the size reference, merge coarser lods.

    Call this whenever the open bucket has changed, even if no base bubble has closed.
    """
    s = state[0]
    lods = s["lods"]
    stop = counts[0]
    finer_bubbles, finer_points, finer_weights = base_bubbles, base_points, weights[0]
    observe_nb(s, bins, finer_bubbles, first, stop)
    price_rows_nb(finer_bubbles, finer_weights, first, stop, s["tick_size"])
    for lod in range(1, lods):
        before = counts[lod]
        own_bubbles, own_points, own_weights = bubbles[lod], points[lod], weights[lod]
        merge_nb(
            *(state, pending, finer_bubbles, finer_points, finer_weights, first, stop),
            *(own_bubbles, own_points, own_weights, counts, lod),
        )
        first, stop = before, counts[lod]
        if first == stop and pending[lod]["trade_count"]:
            break
        price_rows_nb(own_bubbles, own_weights, first, stop, s["tick_size"])
        finer_bubbles, finer_points, finer_weights = own_bubbles, own_points, own_weights


@kernel
def close_nb(  # noqa: PLR0917  # kernels take arrays
    state: Records,
    pending: Records,
    bins: NDArray[np.int64],
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    counts: NDArray[np.int64],
    bucket: int,
) -> None:
    """Open a bucket, and close earlier bubbles at every lod.

    At most one row per lod is written; the caller must provide space for it. If the bucket is not later than the open
    one, nothing changes.

    Parameters
    ----------
    state, pending : STATE (1,), PENDING (MAX_LODS,)
    bins : int64 (BINS,), histogram of the volumes of the session's bubbles
    bubbles, points, weights, counts : the arrays of `Scratch`
    bucket : number of the bucket to open
    """
    s, p = state[0], pending[0]
    if bucket <= s["bucket"]:
        return
    s["bucket"] = bucket
    at = counts[0]
    if p["trade_count"]:
        write_row_nb(p, s["bucket_ns"], s["tick_size"], bubbles[0, at], points[0, at])
        weights[0, at] = p["weighted"]
        counts[0] = at + 1
        p["trade_count"] = 0
    settle_nb(state, pending, bins, bubbles[0], points[0], bubbles, points, weights, counts, at)


@kernel
def open_rows_nb(state: Records, pending: Records, merged: Records, out: Records) -> None:
    """Write the open bubble of each lod into an OPEN record, including the pending bubbles of finer lods.

    Parameters
    ----------
    state, pending : STATE (1,), PENDING (MAX_LODS,)
    merged : PENDING (2,), working space
    out : OPEN (1,), receives the result
    """
    s = state[0]
    record = out[0]
    record["count"] = s["bubble_count"]
    rows = record["bubble"]
    points = record["cvd"]
    finer = merged[0]
    finer["trade_count"] = 0
    for lod in range(len(pending)):
        rows[lod]["trade_count"] = 0
        if lod >= s["lods"]:
            continue
        older = pending[lod]
        if older["trade_count"]:
            # The finer lods' bubbles are later than this one: merge them into a copy of it.
            joined = merged[1]
            joined["trade_count"] = 0
            add_nb(joined, older, older["id"])
            if finer["trade_count"]:
                add_nb(joined, finer, older["id"])
            finer["trade_count"] = 0
            add_nb(finer, joined, joined["id"])
        elif finer["trade_count"]:
            finer["id"] = finer["id"] // s["step"][lod]
        if finer["trade_count"]:
            write_row_nb(finer, s["width_ns"][lod], s["tick_size"], rows[lod], points[lod])
