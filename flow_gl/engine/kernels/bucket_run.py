"""Complete buckets, one after another: the fast path for a long run of ordinary trades.

A bucket that begins and ends among ordinary trades needs no earlier state except CVD: the sums of its trade run are its
row, written once. The session's sums are computed from the rows afterwards. This repeats part of `aggregate.run_nb`
without its special cases, which keeps the loop's variables in registers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import COLUMNS, MAX_RUN, WORDS
from flow_gl.engine.kernels.rollup import Records, keep_nb, total_nb
from flow_gl.engine.kernels.trade_run import BAD_BOOK, KIND, MAX_SIZE, SIZES, factors_nb, row_nb, trade_run_nb

_U64: Any = np.uint64
_I64: Any = np.int64
_WORDS = _U64(WORDS)
_1 = _U64(1)
_2 = _U64(2)
_3 = _U64(3)
_4 = _U64(4)
_MAX_RUN_WORDS = _U64(MAX_RUN * WORDS)


@kernel
def bucket_run_nb(  # noqa: PLR0915, PLR0917  # kernels take arrays; one row's fields
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
    counts: NDArray[np.int64],
    most: int,
) -> Any:
    """Aggregate trades [start, stop) of one instrument bucket by bucket, up to the first special case.

    Precondition: the first trade opens a bucket and fits the profile, no bubble is pending, and the session and CVD
    have already begun. The last bucket stays pending, because the next trade may belong to it.

    Parameters
    ----------
    sides : `trade_run.SIDES`
    bubbles, points, weights : rows of the base lod; closed bubbles are complete except for the average price
    most : number of rows at which to return
    others : as in `aggregate_nb`

    Returns
    -------
    next : index of the first trade that was not processed, int64
    """
    s = state[0]
    signed_id = s["instrument_id"] << 32 >> 32  # sign-extended, like the upper half of a signed word
    bucket_ns, stop_ts, silence_ns = s["bucket_ns"], s["stop_ts"], s["silence_ns"]
    tick_size, row0 = s["tick_size"], s["row0"]
    base_price = row0 * tick_size
    inverse, twos = factors_nb(tick_size)
    rows = _U64(len(profile) // COLUMNS)
    bucket = s["bucket"]
    from_ts = bucket * bucket_ns
    first_row = _U64(counts[0])
    closed = first_row
    most_closed = _U64(most)
    at, stop_at = _U64(start) * _WORDS, _U64(stop) * _WORDS
    start_at = at
    kind = _U64(words[at + _3]) & KIND
    ts = words[at + _1]
    while True:
        first_at = at
        price = words[at + _2]
        until_ts = min(from_ts + bucket_ns, stop_ts, ts + silence_ns)
        at, newest, volume, net, unsided, weighted, low, high, net_low, net_high = trade_run_nb(
            *(words, at, min(stop_at, at + _MAX_RUN_WORDS), ts, until_ts, signed_id, kind),
            *(base_price, inverse, twos, rows, profile, sides),
        )
        # CVD stays in memory: in a register, it would displace a variable of the inner loop.
        cvd = s["cvd"]
        s["cvd"] = cvd + net
        buy = (volume - unsided + net) >> 1
        bubble, point = bubbles[closed], points[closed]
        bubble["id"] = point["id"] = bucket
        bubble["ts_event"] = point["ts_event"] = from_ts
        bubble["open"] = price
        bubble["high"] = base_price + high * tick_size
        bubble["low"] = base_price + low * tick_size
        bubble["close"] = words[at - _4]
        bubble["buy"] = buy
        bubble["sell"] = buy - net
        bubble["unsided"] = unsided
        bubble["trade_count"] = _I64((at - first_at) // _WORDS)
        bubble["ts_last"] = newest
        weights[closed] = weighted + row0 * volume
        point["open"] = cvd
        point["high"] = cvd + max(net_high, 0)
        point["low"] = cvd + min(net_low, 0)
        point["close"] = cvd + net
        # Check whether an ordinary trade opens the next bucket.
        if at >= stop_at:
            break
        ts = words[at + _1]
        tail = _U64(words[at + _3])
        ahead = ts - from_ts
        if (
            ahead < bucket_ns
            or ts >= stop_ts
            or ts - newest > silence_ns
            or words[at] >> 32 != signed_id
            or tail & KIND != kind
            or (tail & SIZES) - _1 >= MAX_SIZE
            or row_nb(words[at + _2] - base_price, inverse, twos) >= rows
            or closed + _1 >= most_closed
        ):
            break
        closed += _1
        if ahead < 2 * bucket_ns:
            bucket += 1
        else:
            bucket = ts // bucket_ns
        from_ts = bucket * bucket_ns
    counts[0] = _I64(closed)
    s["bucket"] = bucket
    s["last_ts"] = newest
    s["last_price"] = words[at - _4]
    s["last_recv"] = words[at - _2]
    if kind & BAD_BOOK:
        s["maybe_bad_book"] += _I64((at - start_at) // _WORDS)
    total_nb(s, bubbles, points, first_row, closed + _1)
    keep_nb(bubbles[closed], points[closed], weights[closed], pending[0])
    return _I64(at // _WORDS)
