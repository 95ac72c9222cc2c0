"""The hot loop: trades of one instrument into its open bubble, CVD and profile.

Trades are taken in stretches. Within a stretch every trade lies in the open bucket, fits the profile and changes
nothing but sums, which live in registers; it ends where anything else may be due: a later bucket, a late or rejected
trade, a silence, a session's boundary. The sums are then written down, the one special thing is seen to, and the next
stretch begins. CVD's zero cross is looked for only in stretches whose extremes say that there is something to find.
What is kept between stretches is in local variables too and goes back into the arrays once a call: a store to an array
might, for all that the compiler knows, touch another.

`run_nb` closes base bubbles. Every `SETTLE` of them `settle_nb` works out their average prices and folds them into the
coarser levels, in loops of their own, where a division or a rare branch holds nothing up.

A price finds its row without a division: the tick is 2**k * odd, and x * (odd's inverse modulo 2**64), rotated right
by k, is x / tick where x is a multiple of it, and beyond every row where it is not (Granlund and Montgomery 1994,
section 9). So one comparison catches prices off the grid, outside the profile, and UNDEF.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import F_MAYBE_BAD_BOOK, LEVELS, UNDEF_PRICE
from flow_gl.engine.cross import cross_nb, quiet_range_nb
from flow_gl.engine.fold import Records, settle_nb
from flow_gl.engine.jit import kernel
from flow_gl.engine.layout import (
    BOUNDARY,
    CAPACITY,
    COLUMNS,
    DONE,
    FOREIGN,
    FULL,
    MISFIT,
    NO_BUCKET,
    SETTLE,
    STRETCH,
    WORDS,
)

_ACTION_TRADE = ord("T")
_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1
_EVENTS = LEVELS
_SILENCES = LEVELS + 1

# Unsigned throughout: a signed index would be checked for counting from the end, and mixing the two gives floats.
_U64: Any = np.uint64
_I64: Any = np.int64
_WORDS = _U64(WORDS)
_0 = _U64(0)
_1 = _U64(1)
_2 = _U64(2)
_3 = _U64(3)
_4 = _U64(COLUMNS)
_32 = _U64(32)
_SIDE_AT = _U64(40)
_BYTE = _U64(0xFF)
_SIZES = _U64(0xFFFF_FFFF)
_BAD_BOOK = _U64(F_MAYBE_BAD_BOOK << 48)
_KIND = _U64(0xFF << 32) | _BAD_BOOK
"""The bits of a trade's fourth word in which all trades of a stretch are alike: action and F_MAYBE_BAD_BOOK."""
_CHECKED = _KIND | _SIZES
_MOST_SIZE = _U64((1 << 32) // STRETCH - 1)
"""A stretch of such sizes adds up to less than 2**32; a larger trade is taken in by itself."""
_SIDES = np.tile(np.array([0, 2, (1 << 32) + 1, 0]), (256, 1))
"""By side byte: sign, column of the profile, what a contract adds to the two sums in one word (all, unsided << 32)."""
_SIDES[ord("B")] = 1, 0, 1, 0
_SIDES[ord("A")] = -1, 1, 1, 0
_SIDE_TABLE = _SIDES.reshape(-1)


@kernel
def inverse_nb(odd: int) -> Any:
    """Inverse of an odd number modulo 2**64 (Newton's method: each round doubles the bits that are right)."""
    value = _U64(odd)
    inverse = value
    for _ in range(5):
        inverse = inverse * (_2 - value * inverse)
    return inverse


@kernel
def run_nb(  # noqa: PLR0912, PLR0915, PLR0917  # one hot loop: calls and tuples would cost registers
    words: NDArray[np.int64],
    start: int,
    stop: int,
    state: Records,
    pending: Records,
    profile: NDArray[np.int64],
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    events: Records,
    silences: Records,
    counts: NDArray[np.int64],
    most: int,
) -> tuple[int, int]:
    """Take in trades [start, stop) of one instrument as `aggregate_nb` does, but close base bubbles alone.

    Their rows are written up to `average_price`, which `settle_nb` sees to; it returns FULL where there are `most`.
    """
    s = state[0]
    p = pending[0]
    signed_id = s["instrument_id"] << 32 >> 32  # as the upper half of a signed word reads
    bucket_ns = s["bucket_ns"]
    tick_size = s["tick_size"]
    rows = len(profile) // COLUMNS
    rows_unsigned = _U64(rows)
    row0 = s["row0"]
    base_price = row0 * tick_size
    twos, odd = 0, tick_size
    while odd and not odd & 1:
        twos, odd = twos + 1, odd >> 1
    inverse = inverse_nb(odd)
    shift = _U64(twos)
    back = _U64((64 - twos) & 63)
    stop_ts = s["stop_ts"]
    arm = s["arm"]
    silence_ns = s["silence_ns"]
    most_events = len(events) - STRETCH
    most_silences = len(silences) - 2
    # What is kept between batches lives in registers and on the stack: no store to an array can touch it there.
    cvd = s["cvd"]
    last_ts = s["last_ts"]
    bucket = s["bucket"]
    from_ts = bucket * bucket_ns if bucket != NO_BUCKET else NO_BUCKET
    armed = s["armed"]
    cvd_floor, cvd_ceiling = quiet_range_nb(armed, arm)
    closed = counts[0]
    opened = p["trade_count"]
    bubble_id, price_open, price_high, price_low, price_close = p["id"], p["open"], p["high"], p["low"], p["close"]
    bought, sold, unsided, weighted = p["buy"], p["sell"], p["unsided"], p["weighted"]
    cvd_open, bubble_cvd_high, bubble_cvd_low = p["cvd_open"], p["cvd_high"], p["cvd_low"]
    cvd_close, ts_last = p["cvd_close"], p["ts_last"]
    session_buy, session_sell, session_unsided = 0, 0, 0
    session_high, session_low = _LOWEST, _HIGHEST
    session_cvd_high, session_cvd_low = s["cvd_high"], s["cvd_low"]
    taken, rejected, late, bad = 0, 0, 0, 0
    first_taken = -1
    last_taken = -1
    code = DONE
    i = start
    while i < stop:
        if closed >= most or counts[_EVENTS] > most_events or counts[_SILENCES] >= most_silences:
            code = FULL
            break
        # Look at the next trade: whatever is due before it is seen to here.
        ts = words[6 * i + 1]
        price = words[6 * i + 2]
        tail = words[6 * i + 3]
        if words[6 * i] >> 32 != signed_id:
            code = FOREIGN
            break
        if ts < 0 or price == UNDEF_PRICE or tail & 0xFFFFFFFF == 0 or (tail >> 32) & 0xFF != _ACTION_TRADE:
            rejected += 1
            i += 1
            continue
        scaled = _U64(price - base_price) * inverse
        if (scaled >> shift) | (scaled << back) >= rows_unsigned:
            code = MISFIT
            break
        if ts >= stop_ts:
            code = BOUNDARY
            break
        if last_ts and ts - last_ts > silence_ns:
            silence = silences[counts[_SILENCES]]
            silence["start"] = last_ts
            silence["end"] = ts
            counts[_SILENCES] += 1
        ahead = ts - from_ts
        if ahead >= bucket_ns:
            if opened:
                bubble, point = bubbles[0, closed], points[0, closed]
                bubble["id"] = point["id"] = bubble_id
                bubble["ts_event"] = point["ts_event"] = bubble_id * bucket_ns
                bubble["open"] = price_open
                bubble["high"] = price_high
                bubble["low"] = price_low
                bubble["close"] = price_close
                bubble["buy"] = bought
                bubble["sell"] = sold
                bubble["unsided"] = unsided
                bubble["trade_count"] = opened
                bubble["ts_last"] = ts_last
                point["open"] = cvd_open
                point["high"] = bubble_cvd_high
                point["low"] = bubble_cvd_low
                point["close"] = cvd_close
                weights[0, closed] = weighted
                closed += 1
                opened = 0
            if ahead < 2 * bucket_ns:
                bucket += 1
            else:
                bucket = ts // bucket_ns
            from_ts = bucket * bucket_ns
        end = min(stop, i + STRETCH)
        most_size = _MOST_SIZE
        kind = _U64(tail) & _KIND
        newest = ts
        if ts < last_ts or ts < from_ts:
            # Out of order: taken in by itself. It is late where its bucket has closed.
            late += ts < from_ts
            end = i + 1
        if _U64(tail) & _SIZES > most_size:
            most_size = _SIZES
            end = i + 1
        until_ts = min(from_ts + bucket_ns, stop_ts, max(ts, last_ts) + silence_ns)
        if opened == 0:
            bubble_id = bucket
            price_open = price_high = price_low = price
            bought = sold = unsided = weighted = 0
            cvd_open = bubble_cvd_high = bubble_cvd_low = cvd
        # A stretch of trades that only add up.
        first = i
        cvd_before = cvd
        packed = _0
        sum_weighted = 0
        row_low = rows_unsigned
        row_high = _0
        cvd_low = _HIGHEST
        cvd_high = _LOWEST
        at = _U64(i) * _WORDS
        end_at = _U64(end) * _WORDS
        while at < end_at:
            ts = words[at + _1]
            tail = _U64(words[at + _3])
            size = (tail & _CHECKED) - kind
            scaled = _U64(words[at + _2] - base_price) * inverse
            row = (scaled >> shift) | (scaled << back)
            if (
                ts < newest
                or ts >= until_ts
                or words[at] >> 32 != signed_id
                or size - _1 >= most_size
                or row >= rows_unsigned
            ):
                break
            newest = ts
            side = (tail >> _SIDE_AT) & _BYTE
            contracts = _I64(size)
            profile[row * _4 + _U64(_SIDE_TABLE[side * _4 + _1])] += contracts
            packed += size * _U64(_SIDE_TABLE[side * _4 + _2])
            sum_weighted += _I64(size * row)
            row_low = min(row_low, row)
            row_high = max(row_high, row)
            cvd += contracts * _SIDE_TABLE[side * _4]
            cvd_low = min(cvd_low, cvd)
            cvd_high = max(cvd_high, cvd)
            at += _WORDS
        i = _I64(at // _WORDS)
        # Write the sums down.
        count = i - first
        if count:
            moved = cvd - cvd_before
            nobody = _I64(packed >> _32)
            volume = _I64(packed & _SIZES)
            if kind & _BAD_BOOK:
                bad += count
            buy = (volume - nobody + moved) >> 1
            sell = buy - moved
            bought += buy
            sold += sell
            unsided += nobody
            session_buy += buy
            session_sell += sell
            session_unsided += nobody
            high = base_price + _I64(row_high) * tick_size
            low = base_price + _I64(row_low) * tick_size
            price_high = max(price_high, high)
            price_low = min(price_low, low)
            price_close = words[6 * i - 4]
            session_high = max(session_high, high)
            session_low = min(session_low, low)
            last_ts = max(last_ts, newest)
            ts_last = last_ts
            cvd_close = cvd
            opened += count
            taken += count
            weighted += sum_weighted + row0 * volume
            bubble_cvd_high = max(bubble_cvd_high, cvd_high)
            bubble_cvd_low = min(bubble_cvd_low, cvd_low)
            session_cvd_high = max(session_cvd_high, cvd_high)
            session_cvd_low = min(session_cvd_low, cvd_low)
            if first_taken < 0:
                first_taken = first
            last_taken = i - 1
            if cvd_low < cvd_floor or cvd_high > cvd_ceiling:
                cross_nb(words, first, i, cvd_before, state, events, counts)
                armed = s["armed"]
                cvd_floor, cvd_ceiling = quiet_range_nb(armed, arm)
            elif armed > 0:
                s["extreme"] = max(s["extreme"], cvd_high)
            elif armed < 0:
                s["extreme"] = min(s["extreme"], cvd_low)
    counts[0] = closed
    s["bucket"] = bucket
    s["rejected"] += rejected
    s["late"] += late
    p["trade_count"] = opened
    if taken:
        p["id"], p["open"], p["high"], p["low"], p["close"] = bubble_id, price_open, price_high, price_low, price_close
        p["buy"], p["sell"], p["unsided"], p["weighted"] = bought, sold, unsided, weighted
        p["cvd_open"], p["cvd_high"], p["cvd_low"] = cvd_open, bubble_cvd_high, bubble_cvd_low
        p["cvd_close"], p["ts_last"] = cvd_close, ts_last
        if s["trade_count"] == 0:
            s["first_ts"] = words[6 * first_taken + 1]
            s["open"] = words[6 * first_taken + 2]
            s["high"], s["low"] = session_high, session_low
        else:
            s["high"], s["low"] = max(s["high"], session_high), min(s["low"], session_low)
        s["cvd"], s["cvd_high"], s["cvd_low"] = cvd, session_cvd_high, session_cvd_low
        s["buy"] += session_buy
        s["sell"] += session_sell
        s["unsided"] += session_unsided
        s["trade_count"] += taken
        s["total_trades"] += taken
        s["total_volume"] += session_buy + session_sell + session_unsided
        s["maybe_bad_book"] += bad
        s["last_ts"] = last_ts
        s["last_price"] = words[6 * last_taken + 2]
        s["last_recv"] = words[6 * last_taken + 4]
    return i, code


@kernel
def aggregate_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    start: int,
    stop: int,
    state: Records,
    pending: Records,
    profile: NDArray[np.int64],
    bins: NDArray[np.int64],
    bubbles: Records,
    points: Records,
    weights: NDArray[np.int64],
    events: Records,
    silences: Records,
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Take in trades [start, stop) of one instrument, as far as it can.

    Parameters
    ----------
    words : int64 (n * 6,), the trades' 48 bytes
    state, pending : STATE (1,), PENDING (LEVELS,)
    profile : int64 (rows * COLUMNS,), the session's
    bins : int64 (BINS,), histogram of the session's bubbles' volume
    bubbles, points, weights, events, silences, counts : of `Scratch`

    Returns
    -------
    next : first trade that is not taken in
    code : why: DONE, FOREIGN, FULL, BOUNDARY or MISFIT
    """
    s = state[0]
    while True:
        first = counts[0]
        bucket = s["bucket"]
        most = min(first + SETTLE, CAPACITY)
        start, code = run_nb(
            words, start, stop, state, pending, profile, bubbles, points, weights, events, silences, counts, most
        )
        if s["bucket"] != bucket:
            settle_nb(state, pending, bins, bubbles, points, weights, counts, first)
        if code != FULL or counts[0] < most or most == CAPACITY:
            return start, code
