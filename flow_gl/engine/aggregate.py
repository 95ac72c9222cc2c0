"""The hot loop: trades of one instrument into its open bubble, CVD and profile.

Trades are taken in stretches. Within a stretch every trade lies in the open bucket, fits the profile and changes
nothing but sums, which live in registers; it ends where anything else may be due: a later bucket, a late or rejected
trade, a silence, CVD's zero cross, a session's boundary. The sums are then written down, the one special thing is
seen to, and the next stretch begins. A price finds its row by one multiplication with the reciprocal of the tick and
an integer check, which also catches prices off the grid and UNDEF.
"""

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import LEVELS, UNDEF_PRICE, EventKind
from flow_gl.engine.fold import Records, close_nb
from flow_gl.engine.jit import kernel
from flow_gl.engine.layout import BOUNDARY, COLUMNS, DONE, FOREIGN, FULL, MISFIT, NO_BUCKET

_ACTION_TRADE = ord("T")
_BUY = ord("B")
_SELL = ord("A")
_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1
_ZERO_CROSS = int(EventKind.ZERO_CROSS)
_EVENTS = LEVELS
_SILENCES = LEVELS + 1


@kernel
def trip_nb(state: Records, events: Records, counts: NDArray[np.int64], ts_event: int, price: int) -> None:
    """Arm the zero cross, or fire it, after the trade at `ts_event` and `price` took CVD where it is."""
    s = state[0]
    cvd = s["cvd"]
    armed = s["armed"]
    if armed * cvd < 0:
        event = events[counts[_EVENTS]]
        counts[_EVENTS] += 1
        event["ts_event"] = ts_event
        event["price"] = price
        event["strength"] = s["arm"]
        value = event["value"]
        value[0] = cvd
        value[1] = s["extreme"]
        value[2] = 0.0
        value[3] = 0.0
        event["kind"] = _ZERO_CROSS
        event["direction"] = 1 if cvd > 0 else -1
        armed = 0
    if armed == 0 and abs(cvd) >= s["arm"]:
        armed = 1 if cvd > 0 else -1
        s["extreme"] = cvd
    s["armed"] = armed


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
    words : int64 (n, 6), the trades' 48 bytes
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
    instrument_id = s["instrument_id"]
    bucket_ns = s["bucket_ns"]
    tick_size = s["tick_size"]
    rows = len(profile) // COLUMNS
    row0 = s["row0"]
    base_price = row0 * tick_size
    per_tick = 1.0 / tick_size if tick_size else 0.0
    stop_ts = s["stop_ts"]
    arm = s["arm"]
    cvd = s["cvd"]
    last_ts = s["last_ts"]
    silence_ns = s["silence_ns"]
    most_rows = bubbles.shape[1] - 2
    most_events = len(events) - 2
    most_silences = len(silences) - 2
    from_ts = s["bucket"] * bucket_ns if s["bucket"] != NO_BUCKET else 0
    i = start
    while i < stop:
        if counts[0] >= most_rows or counts[_EVENTS] >= most_events or counts[_SILENCES] >= most_silences:
            return i, FULL
        # Look at the next trade: whatever is due before it is seen to here.
        ts = words[i, 1]
        price = words[i, 2]
        tail = words[i, 3]
        if (words[i, 0] >> 32) & 0xFFFFFFFF != instrument_id:
            return i, FOREIGN
        if ts < 0 or price == UNDEF_PRICE or tail & 0xFFFFFFFF == 0 or (tail >> 32) & 0xFF != _ACTION_TRADE:
            s["rejected"] += 1
            i += 1
            continue
        row = int((price - base_price) * per_tick + 0.5)
        if row < 0 or row >= rows or row * tick_size != price - base_price:
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
        window_from = from_ts
        end = stop
        if ts < from_ts:
            s["late"] += 1
            window_from = ts
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
        buy = 0
        sell = 0
        volume = 0
        weighted = 0
        row_low = rows
        row_high = -1
        cvd_low = _HIGHEST
        cvd_high = _LOWEST
        bad = 0
        while i < end:
            ts = words[i, 1]
            tail = words[i, 3]
            size = tail & 0xFFFFFFFF
            above_base = words[i, 2] - base_price
            row = int(above_base * per_tick + 0.5)
            if (
                ((words[i, 0] >> 32) & 0xFFFFFFFF != instrument_id)
                | (ts < window_from)
                | (ts >= until_ts)
                | (size == 0)
                | ((tail >> 32) & 0xFF != _ACTION_TRADE)
                | (row * tick_size != above_base)
                | (row < 0)
                | (row >= rows)
            ):
                break
            side = (tail >> 40) & 0xFF
            bought = size if side == _BUY else 0
            sold = size if side == _SELL else 0
            column = 0 if side == _BUY else (1 if side == _SELL else 2)
            profile[row * COLUMNS + column] += size
            buy += bought
            sell += sold
            volume += size
            weighted += size * row
            row_low = min(row_low, row)
            row_high = max(row_high, row)
            bad += (tail >> 50) & 1
            last_ts = max(last_ts, ts)
            cvd += bought - sold
            cvd_low = min(cvd_low, cvd)
            cvd_high = max(cvd_high, cvd)
            i += 1
            if (cvd < cvd_floor) | (cvd > cvd_ceiling):
                break
        # Write the sums down.
        count = i - first
        if count:
            price = words[i - 1, 2]
            high = base_price + row_high * tick_size
            low = base_price + row_low * tick_size
            unsided = volume - buy - sell
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
                s["first_ts"] = words[first, 1]
                s["open"] = words[first, 2]
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
            s["last_recv"] = words[i - 1, 4]
            s["last_price"] = price
            if s["armed"] > 0:
                s["extreme"] = max(s["extreme"], cvd_high)
            elif s["armed"] < 0:
                s["extreme"] = min(s["extreme"], cvd_low)
            if cvd < cvd_floor or cvd > cvd_ceiling:
                trip_nb(state, events, counts, words[i - 1, 1], price)
    return i, DONE
