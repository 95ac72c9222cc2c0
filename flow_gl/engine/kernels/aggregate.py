"""Aggregate the trades of one instrument into its open bubble, CVD and profile.

Trades are processed in runs (`trade_run.py`). Within a run every trade lies in the open bucket, fits the profile and
changes only sums; the run ends where anything else may be due: a later bucket, a late or rejected trade, a silence, a
session boundary. The sums are then written back, the special case is handled, and the next run begins. When an ordinary
trade opens a bucket, `bucket_run_nb` (`bucket_run.py`) continues in a loop without special cases and returns at the
first one. It repeats the logic of `run_nb` for ordinary trades, because the special cases' branches and spilled
registers would cost that loop much of its speed.

`run_nb` closes base bubbles. After every `SETTLE` of them `settle_nb` computes their average prices and merges them
into the coarser levels of detail, in separate loops, so that divisions and rare branches do not slow the main loop.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import MAX_LODS, UNDEF_PRICE
from flow_gl.engine.kernels.bucket_run import bucket_run_nb
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import (
    BOUNDARY,
    COLUMNS,
    DONE,
    FOREIGN,
    FULL,
    MAX_RUN,
    MISFIT,
    NO_BUCKET,
    SETTLE,
    WORDS,
)
from flow_gl.engine.kernels.rollup import Records, row_of_nb, settle_nb
from flow_gl.engine.kernels.trade_run import BAD_BOOK, KIND, MAX_SIZE, factors_nb, large_nb, row_nb, trade_run_nb

_ACTION_TRADE = ord("T")
_SILENCES = MAX_LODS
_U64: Any = np.uint64
_I64: Any = np.int64
_WORDS = _U64(WORDS)


@kernel
def run_nb(  # noqa: PLR0912, PLR0915, PLR0917  # kernels take arrays; one case after the other
    words: NDArray[np.int64],
    start: int,
    stop: int,
    sides: Records,
    state: Records,
    pending: Records,
    profile: NDArray[np.int64],
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    silences: Records,
    counts: NDArray[np.int64],
    most: int,
) -> tuple[int, int]:
    """Aggregate trades [start, stop) of one instrument as `aggregate_nb` does, but close only base bubbles.

    Their rows are complete except for the average price, which `settle_nb` fills in. Returns FULL when there are `most`
    of them. `bubbles`, `points` and `weights` are those of the base lod.
    """
    s = state[0]
    p = pending[0]
    signed_id = s["instrument_id"] << 32 >> 32  # sign-extended, like the upper half of a signed word
    bucket_ns, stop_ts, silence_ns = s["bucket_ns"], s["stop_ts"], s["silence_ns"]
    tick_size = s["tick_size"]
    base_price = s["row0"] * tick_size
    inverse, twos = factors_nb(tick_size)
    rows = _U64(len(profile) // COLUMNS)
    from_ts = s["bucket"] * bucket_ns if s["bucket"] != NO_BUCKET else NO_BUCKET
    i = start
    while i < stop:
        if counts[0] >= most or counts[_SILENCES] >= len(silences) - 2:
            return i, FULL
        # Handle special cases of the next trade, and everything due before it.
        ts = words[6 * i + 1]
        price = words[6 * i + 2]
        tail = words[6 * i + 3]
        size = tail & 0xFFFFFFFF
        if words[6 * i] >> 32 != signed_id:
            return i, FOREIGN
        if ts < 0 or price == UNDEF_PRICE or size == 0 or (tail >> 32) & 0xFF != _ACTION_TRADE:
            s["rejected"] += 1
            if (tail >> 32) & 0xFF != _ACTION_TRADE:
                s["rejected_action"] += 1
            elif price == UNDEF_PRICE:
                s["rejected_no_price"] += 1
            elif size == 0:
                s["rejected_no_size"] += 1
            else:
                s["rejected_time"] += 1
            i += 1
            continue
        if row_nb(price - base_price, inverse, twos) >= rows:
            return i, MISFIT
        if ts >= stop_ts:
            return i, BOUNDARY
        last_ts = s["last_ts"]
        if last_ts and ts - last_ts > silence_ns:
            silence = silences[counts[_SILENCES]]
            silence["start"] = last_ts
            silence["end"] = ts
            counts[_SILENCES] += 1
        is_large = _U64(size) > MAX_SIZE
        if ts - from_ts >= bucket_ns:
            if p["trade_count"]:
                row = counts[0]
                row_of_nb(p, bucket_ns, bubbles[row], points[row])
                weights[row] = p["weighted"]
                counts[0] = row + 1
                p["trade_count"] = 0
            s["bucket"] = ts // bucket_ns
            from_ts = s["bucket"] * bucket_ns
            has_begun = s["trade_count"] and s["cvd_low"] <= s["cvd_high"]
            # The first whole bucket's row needs space too: the bucket that just closed may have used the last row.
            if has_begun and not is_large and counts[0] < most:
                i = bucket_run_nb(
                    *(words, i, stop, sides, state, pending, profile, bubbles, points, weights),
                    *(counts, most),
                )
                from_ts = s["bucket"] * bucket_ns
                continue
        # A run of trades that change only sums. A trade out of order or a large trade is processed by itself. A late
        # trade, whose bucket has closed, counts in all sums and in the open bubble: a closed bubble never changes.
        end = min(stop, i + MAX_RUN)
        if ts < last_ts or ts < from_ts:
            s["late"] += ts < from_ts
            end = i + 1
        kind = _U64(tail) & KIND
        at = _U64(i) * _WORDS
        if is_large:
            at, newest, volume, net, unsided, weighted, low, high, net_low, net_high = large_nb(
                words, at, base_price, inverse, twos, profile
            )
        else:
            until_ts = min(from_ts + bucket_ns, stop_ts, max(ts, last_ts) + silence_ns)
            at, newest, volume, net, unsided, weighted, low, high, net_low, net_high = trade_run_nb(
                *(words, at, _U64(end) * _WORDS, ts, until_ts, signed_id, kind),
                *(base_price, inverse, twos, rows, profile, sides),
            )
        first = i
        i = _I64(at // _WORDS)
        count = i - first
        last_ts = max(last_ts, newest)
        buy = (volume - unsided + net) >> 1
        high_price, low_price = base_price + high * tick_size, base_price + low * tick_size
        cvd = s["cvd"]
        if p["trade_count"] == 0:
            p["id"] = s["bucket"]
            p["open"] = p["high"] = p["low"] = price
            p["buy"] = p["sell"] = p["unsided"] = p["weighted"] = 0
            p["cvd_open"] = p["cvd_high"] = p["cvd_low"] = cvd
        if s["trade_count"] == 0:
            s["first_ts"] = ts
            s["open"] = s["high"] = s["low"] = price
        s["last_recv"] = words[6 * i - 2]
        p["close"] = s["last_price"] = words[6 * i - 4]
        p["ts_last"] = s["last_ts"] = last_ts
        p["high"], s["high"] = max(p["high"], high_price), max(s["high"], high_price)
        p["low"], s["low"] = min(p["low"], low_price), min(s["low"], low_price)
        p["buy"] += buy
        s["buy"] += buy
        p["sell"] += buy - net
        s["sell"] += buy - net
        p["unsided"] += unsided
        s["unsided"] += unsided
        p["trade_count"] += count
        s["trade_count"] += count
        s["total_trades"] += count
        s["total_volume"] += volume
        p["weighted"] += weighted + s["row0"] * volume
        if kind & BAD_BOOK:
            s["maybe_bad_book"] += count
        cvd_high, cvd_low = cvd + net_high, cvd + net_low
        p["cvd_high"], s["cvd_high"] = max(p["cvd_high"], cvd_high), max(s["cvd_high"], cvd_high)
        p["cvd_low"], s["cvd_low"] = min(p["cvd_low"], cvd_low), min(s["cvd_low"], cvd_low)
        p["cvd_close"] = s["cvd"] = cvd + net
    return i, DONE


@kernel
def aggregate_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    start: int,
    stop: int,
    sides: Records,
    state: Records,
    pending: Records,
    profile: NDArray[np.int64],
    bins: NDArray[np.int64],
    base_bubbles: Records,
    base_points: Records,
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    silences: Records,
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Aggregate trades [start, stop) of one instrument until something needs the caller's attention.

    Parameters
    ----------
    words : int64 (n * 6,), TRADE records viewed as words
    sides : `trade_run.SIDES`
    state, pending : STATE (1,), PENDING (MAX_LODS,)
    profile : int64 (rows * COLUMNS,), the session's
    bins : int64 (BINS,), histogram of the session's bubbles' volume
    base_bubbles, base_points : receive closed rows of the base lod, at most CAPACITY of each; the row after the last
        closed one may be overwritten too
    bubbles, points, weights, silences, counts : the arrays of `Scratch`

    Returns
    -------
    next : index of the first trade that was not processed
    code : the reason for returning: DONE, FOREIGN, FULL, BOUNDARY or MISFIT
    """
    s = state[0]
    room = len(base_bubbles)
    while True:
        first = counts[0]
        bucket = s["bucket"]
        most = min(first + SETTLE, room)
        start, code = run_nb(
            *(words, start, stop, sides, state, pending, profile, base_bubbles, base_points, weights[0]),
            *(silences, counts, most),
        )
        if s["bucket"] != bucket:
            settle_nb(state, pending, bins, base_bubbles, base_points, bubbles, points, weights, counts, first)
        if code != FULL or counts[0] < most or most == room:
            return start, code
