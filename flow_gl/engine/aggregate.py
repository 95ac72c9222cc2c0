"""The hot loop: trades of one instrument into its open bubble, CVD and profile.

Trades are taken in stretches. Within a stretch every trade lies in the open bucket, fits the profile and changes
nothing but sums, which live in registers; it ends where anything else may be due: a later bucket, a late or rejected
trade, a silence, a session's boundary. The sums are then written down, the one special thing is seen to, and the next
stretch begins. CVD's zero cross is looked for only in stretches whose extremes say that there is something to find.

A price finds its row without a division: the tick is 2**k * odd, and x * (odd's inverse modulo 2**64), rotated right
by k, is x / tick where x is a multiple of it, and beyond every row where it is not (Granlund and Montgomery 1994,
section 9). So one comparison catches prices off the grid, outside the profile, and UNDEF.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import F_MAYBE_BAD_BOOK, LEVELS, UNDEF_PRICE, EventKind
from flow_gl.engine.fold import Records, close_nb
from flow_gl.engine.jit import kernel
from flow_gl.engine.layout import BOUNDARY, CAPACITY, COLUMNS, DONE, FOREIGN, FULL, MISFIT, NO_BUCKET, STRETCH, WORDS

_ACTION_TRADE = ord("T")
_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1
_ZERO_CROSS = int(EventKind.ZERO_CROSS)
_EVENTS = LEVELS
_SILENCES = LEVELS + 1
_BAD_AT = 44
"""Trades with F_MAYBE_BAD_BOOK are counted in the volume's register, from this bit up: a stretch holds less volume."""

# Unsigned throughout: a signed index would be checked for counting from the end, and mixing the two gives floats.
_U64: Any = np.uint64
_I64: Any = np.int64
_WORDS = _U64(WORDS)
_1 = _U64(1)
_2 = _U64(2)
_3 = _U64(3)
_4 = _U64(COLUMNS)
_BUY = _U64(ord("B"))
_SELL = _U64(ord("A"))
_BYTE = _U64(0xFF)
_SIDE_AT = _U64(40)
_SIZE_AND_ACTION = _U64(0xFF_FFFF_FFFF)
_TRADE_OF_0 = _U64(_ACTION_TRADE << 32)
_SIZES = _U64(0xFFFF_FFFF)
_BAD_BOOK = _U64(F_MAYBE_BAD_BOOK << 48)
_BAD_SHIFT = _U64(48 + 2 - _BAD_AT)


@kernel
def inverse_nb(odd: int) -> Any:
    """Inverse of an odd number modulo 2**64 (Newton's method: each round doubles the bits that are right)."""
    value = _U64(odd)
    inverse = value
    for _ in range(5):
        inverse = inverse * (_2 - value * inverse)
    return inverse


@kernel
def cross_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64],
    first: int,
    stop: int,
    cvd: int,
    state: Records,
    events: Records,
    counts: NDArray[np.int64],
) -> None:
    """Walk CVD through trades [first, stop), arm the zero cross and fire it. `cvd`: before the first of them."""
    s = state[0]
    armed, extreme, arm = s["armed"], s["extreme"], s["arm"]
    for i in range(first, stop):
        tail = words[6 * i + 3]
        side = (tail >> 40) & 0xFF
        if side == ord("B"):
            cvd += tail & 0xFFFFFFFF
        elif side == ord("A"):
            cvd -= tail & 0xFFFFFFFF
        if armed * cvd < 0:
            event = events[counts[_EVENTS]]
            counts[_EVENTS] += 1
            event["ts_event"] = words[6 * i + 1]
            event["price"] = words[6 * i + 2]
            event["strength"] = arm
            value = event["value"]
            value[0] = cvd
            value[1] = extreme
            value[2] = 0.0
            value[3] = 0.0
            event["kind"] = _ZERO_CROSS
            event["direction"] = 1 if cvd > 0 else -1
            armed = 0
        if armed == 0 and abs(cvd) >= arm:
            armed = 1 if cvd > 0 else -1
            extreme = cvd
        elif armed * cvd > armed * extreme:
            extreme = cvd
    s["armed"] = armed
    s["extreme"] = extreme


@kernel
def aggregate_nb(  # noqa: PLR0912, PLR0915, PLR0917  # one hot loop: calls and tuples would cost registers
    words: NDArray[np.int64],
    start: int,
    stop: int,
    state: Records,
    pending: Records,
    profile: NDArray[np.int64],
    bins: NDArray[np.int64],
    bubbles: Records,
    points: Records,
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
    bubbles, points, events, silences, counts : of `Scratch`

    Returns
    -------
    next : first trade that is not taken in
    code : why: DONE, FOREIGN, FULL, BOUNDARY or MISFIT
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
    cvd = s["cvd"]
    last_ts = s["last_ts"]
    silence_ns = s["silence_ns"]
    most_events = len(events) - STRETCH
    most_silences = len(silences) - 2
    from_ts = s["bucket"] * bucket_ns if s["bucket"] != NO_BUCKET else 0
    i = start
    while i < stop:
        if counts[0] >= CAPACITY or counts[_EVENTS] > most_events or counts[_SILENCES] >= most_silences:
            return i, FULL
        # Look at the next trade: whatever is due before it is seen to here.
        ts = words[6 * i + 1]
        price = words[6 * i + 2]
        tail = words[6 * i + 3]
        if words[6 * i] >> 32 != signed_id:
            return i, FOREIGN
        if ts < 0 or price == UNDEF_PRICE or tail & 0xFFFFFFFF == 0 or (tail >> 32) & 0xFF != _ACTION_TRADE:
            s["rejected"] += 1
            i += 1
            continue
        scaled = _U64(price - base_price) * inverse
        if (scaled >> shift) | (scaled << back) >= rows_unsigned:
            return i, MISFIT
        if ts >= stop_ts:
            return i, BOUNDARY
        if last_ts and ts - last_ts > silence_ns:
            silence = silences[counts[_SILENCES]]
            silence["start"] = last_ts
            silence["end"] = ts
            counts[_SILENCES] += 1
        if ts >= from_ts + bucket_ns or s["bucket"] == NO_BUCKET:
            bucket = ts // bucket_ns
            close_nb(state, pending, bins, bubbles, points, counts, bucket)
            from_ts = bucket * bucket_ns
        end = min(stop, i + STRETCH)
        newest = ts
        if ts < last_ts or ts < from_ts:
            # Out of order: taken in by itself. It is late where its bucket has closed.
            s["late"] += ts < from_ts
            end = i + 1
        until_ts = min(from_ts + bucket_ns, stop_ts, max(ts, last_ts) + silence_ns)
        if p["trade_count"] == 0:
            p["id"] = s["bucket"]
            p["open"] = price
            p["high"] = price
            p["low"] = price
            p["buy"] = 0
            p["sell"] = 0
            p["unsided"] = 0
            p["weighted"] = 0
            p["cvd_open"] = cvd
            p["cvd_high"] = cvd
            p["cvd_low"] = cvd
        if s["armed"] == 0:
            cvd_floor, cvd_ceiling = 1 - arm, arm - 1
        elif s["armed"] > 0:
            cvd_floor, cvd_ceiling = 0, _HIGHEST
        else:
            cvd_floor, cvd_ceiling = _LOWEST, 0
        # A stretch of trades that only add up.
        first = i
        cvd_before = cvd
        buy = 0
        volume = 0
        weighted = 0
        row_low = rows
        row_high = 0
        cvd_low = _HIGHEST
        cvd_high = _LOWEST
        at = _U64(i) * _WORDS
        end_at = _U64(end) * _WORDS
        while at < end_at:
            ts = words[at + _1]
            tail = _U64(words[at + _3])
            size = (tail & _SIZE_AND_ACTION) - _TRADE_OF_0
            scaled = _U64(words[at + _2] - base_price) * inverse
            row = (scaled >> shift) | (scaled << back)
            if (
                ts < newest
                or ts >= until_ts
                or words[at] >> 32 != signed_id
                or size - _1 >= _SIZES
                or row >= rows_unsigned
            ):
                break
            newest = ts
            side = (tail >> _SIDE_AT) & _BYTE
            is_buy = _U64(side == _BUY)
            is_sell = _U64(side == _SELL)
            contracts = _I64(size)
            bought = _I64(is_buy) * contracts
            profile[row * _4 + _2 - is_buy - is_buy - is_sell] += contracts
            buy += bought
            volume += _I64(size + ((tail & _BAD_BOOK) >> _BAD_SHIFT))
            weighted += _I64(size * row)
            row_low = min(row_low, _I64(row))
            row_high = max(row_high, _I64(row))
            cvd += bought - _I64(is_sell) * contracts
            cvd_low = min(cvd_low, cvd)
            cvd_high = max(cvd_high, cvd)
            at += _WORDS
        i = _I64(at // _WORDS)
        # Write the sums down.
        count = i - first
        if count:
            price = words[6 * i - 4]
            high = base_price + row_high * tick_size
            low = base_price + row_low * tick_size
            bad = volume >> _BAD_AT
            volume &= (1 << _BAD_AT) - 1
            sell = buy - (cvd - cvd_before)
            unsided = volume - buy - sell
            last_ts = max(last_ts, newest)
            p["high"] = max(p["high"], high)
            p["low"] = min(p["low"], low)
            p["close"] = price
            p["buy"] += buy
            p["sell"] += sell
            p["unsided"] += unsided
            p["trade_count"] += count
            p["ts_last"] = last_ts
            p["weighted"] += weighted + row0 * volume
            p["cvd_high"] = max(p["cvd_high"], cvd_high)
            p["cvd_low"] = min(p["cvd_low"], cvd_low)
            p["cvd_close"] = cvd
            if s["trade_count"] == 0:
                s["first_ts"] = words[6 * first + 1]
                s["open"] = words[6 * first + 2]
                s["high"] = high
                s["low"] = low
            else:
                s["high"] = max(s["high"], high)
                s["low"] = min(s["low"], low)
            s["cvd_high"] = max(s["cvd_high"], cvd_high)
            s["cvd_low"] = min(s["cvd_low"], cvd_low)
            s["buy"] += buy
            s["sell"] += sell
            s["unsided"] += unsided
            s["trade_count"] += count
            s["total_trades"] += count
            s["total_volume"] += volume
            s["maybe_bad_book"] += bad
            s["cvd"] = cvd
            s["last_ts"] = last_ts
            s["last_recv"] = words[6 * i - 2]
            s["last_price"] = price
            if cvd_low < cvd_floor or cvd_high > cvd_ceiling:
                cross_nb(words, first, i, cvd_before, state, events, counts)
            elif s["armed"] > 0:
                s["extreme"] = max(s["extreme"], cvd_high)
            elif s["armed"] < 0:
                s["extreme"] = min(s["extreme"], cvd_low)
    return i, DONE
