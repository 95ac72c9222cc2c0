"""Reads the session's trades in order, and calls each detector when a period that it uses has ended.

Trades are read in runs: of one second, at most `RUN` of them. The loop over a run adds up what all detectors share
(the second's extremes and CVD, the minute's footprint, the open order) and branches only for an order that may be
large. When a trade of a later second arrives, or the clock has passed the second's end, the second ends, and with it
perhaps a bar and a minute. A late trade counts in the open second, because closed ones never change.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors import absorption, divergence, large_trade, lines, stacked_imbalance, zero_cross
from flow_gl.engine.detectors.base import NEVER, NONE
from flow_gl.engine.detectors.footprint import COLUMNS
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS

RUN: Final = 512
"""Maximum trades per run, each of which may make a large trade and a zero cross known."""
DONE: Final = 0
ROOM: Final = 1
"""The array of events has too little room for further events."""
ROWS: Final = 2
"""The next trade is outside the footprint's rows."""
PROFILE: Final = 3
"""The open minute, which is about to end, is outside the profile's rows."""
STEP: Final = 1 << 14
"""Maximum trades per call, each of which may end a second and a minute."""
_FEW: Final = 4
"""Most events of a second's end besides stacks: an absorption, two divergences, a large trade."""
_I64: Any = np.int64
_U64: Any = np.uint64


@kernel
def end_minute_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any,
    line: Any,
    rows: NDArray[np.int64],
    profile: NDArray[np.int64],
    minutes: NDArray[np.void],
    rule: Any,
    stop: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """End the open minute. Returns the number of events."""
    if rule["stacked_imbalance_on"]:
        found = stacked_imbalance.minute_nb(read, rows, rule, stop, tick_size, events, found)
    lines.minute_nb(read, line, rows, profile, rule, tick_size, minutes)
    low, high = read["minute_low"] - read["base"], read["minute_high"] - read["base"]
    for at in range(COLUMNS * low, COLUMNS * (high + 1)):
        rows[at] = 0
    read["minute"] = NONE
    return found


@kernel
def end_second_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any,
    absorptions: Any,
    divergences: Any,
    line: Any,
    rows: NDArray[np.int64],
    profile: NDArray[np.int64],
    minutes: NDArray[np.void],
    seconds: NDArray[np.void],
    rule: Any,
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    stop: int,
    until: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """End the open second, and open second `until`. Trades up to index `stop` have been read.

    What takes arrays is called only where it is due: each array is seven words on the stack. Returns the number of
    events.
    """
    if read["traded"]:
        lines.second_nb(read, line, rule, seconds)
    if rule["absorption_on"]:
        is_traded = read["traded"] == 1
        absorption.put_nb(read, absorptions, read["second"], read["delta"], is_traded, rule["absorption_window_s"])
        if absorption.is_test_due_nb(read, absorptions, rule):
            found = absorption.test_nb(read, absorptions, rule, tick, size, sign, stop, tick_size, events, found)
        absorption.advance_nb(read, absorptions, rule, until)
    if rule["divergence_on"]:
        if read["traded"]:
            divergence.second_nb(read, divergences, rule)
        if divergence.is_over_nb(divergences, rule, until):
            found = divergence.end_nb(divergences, rule, stop, tick_size, events, found)
    if read["minute"] != NONE and until >= (read["minute"] + 1) * 60:
        found = end_minute_nb(read, line, rows, profile, minutes, rule, stop, tick_size, events, found)
    read["second"], read["traded"], read["delta"] = until, 0, 0
    return found


@kernel
def next_minute_nb(larges: Any, rule: Any) -> int:
    """Return the time (ns) from which an order is the first of its minute."""
    if not rule["large_trade_on"]:
        return NEVER
    return (larges["minute"] + 1) * 60 * SECOND_NS if larges["minute"] != NONE else NONE


@kernel
def end_order_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any, larges: Any, line: Any, rule: Any, known: int, tick_size: int, events: NDArray[np.void], found: int
) -> int:
    """End the open order. Returns the number of events."""
    lines.order_nb(read, line, rule)
    if rule["large_trade_on"]:
        found = large_trade.order_nb(read, larges, rule, known, tick_size, events, found)
    read["order_sign"] = 0
    return found


@kernel
def detect_nb(  # noqa: PLR0912, PLR0915, PLR0917  # kernels take arrays; one case after the other
    ts: NDArray[np.int64],
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    start: int,
    stop: int,
    reads: NDArray[np.void],
    large_state: NDArray[np.void],
    absorption_state: NDArray[np.void],
    divergence_state: NDArray[np.void],
    cross_state: NDArray[np.void],
    line_state: NDArray[np.void],
    rows: NDArray[np.int64],
    profile: NDArray[np.int64],
    minutes: NDArray[np.void],
    seconds: NDArray[np.void],
    rules: NDArray[np.void],
    tick_size: int,
    events: NDArray[np.void],
) -> tuple[int, int, int]:
    """Read trades [start, stop) of `detectors.trades.SessionTrades`.

    Parameters
    ----------
    reads, large_state, absorption_state, divergence_state, cross_state, line_state : READ and each STATE, shape (1,)
    rows, profile : the open minute's footprint, and the profile of the session's ended minutes
    minutes, seconds : MINUTE_LEVELS and ORDER_CVD, receive rows; STATE of `lines` has their number
    rules : RULES, shape (1,)
    tick_size : 1e-9 units
    events : FOUND, receives the events found

    Returns
    -------
    next : index of the next trade
    found : number of events
    code : the reason for returning: DONE, ROOM, ROWS or PROFILE
    """
    s, larges, crosses, rule = reads[0], large_state[0], cross_state[0], rules[0]
    absorptions, divergences, line = absorption_state[0], divergence_state[0], line_state[0]
    least = min(rule["order_size_medium"], rule["order_size_large"])
    if rule["large_trade_on"]:
        least = min(least, large_trade.least_nb(rule))
    found, i = 0, start
    row_count = len(rows) // COLUMNS
    while i < stop:
        second = ts[i] // SECOND_NS
        if second > s["second"]:
            room = _FEW + 2 * RUN
            if s["minute"] != NONE and second >= (s["minute"] + 1) * 60:
                room += stacked_imbalance.room_nb(s, rows, rule)
                if not lines.fits_nb(s, line, rule, profile):
                    return i, found, PROFILE
            if found + room > len(events):
                return i, found, ROOM
            if s["second"] == NONE:
                s["second"] = s["first_second"] = second
                s["first_price"] = tick[i]
                larges["first_minute"] = second // 60
            else:
                found = end_second_nb(
                    s,
                    absorptions,
                    divergences,
                    line,
                    rows,
                    profile,
                    minutes,
                    seconds,
                    rule,
                    tick,
                    size,
                    sign,
                    i,
                    second,
                    tick_size,
                    events,
                    found,
                )
        elif found + _FEW + 2 * RUN > len(events):
            return i, found, ROOM
        price = _I64(tick[i])
        if s["traded"] == 0:
            s["traded"], s["first"], s["high"], s["low"] = 1, i, price, price
            s["cvd_high"] = s["cvd_low"] = s["cvd"]
        if s["minute"] == NONE:
            s["minute"] = s["second"] // 60
            s["minute_low"] = s["minute_high"] = price
            s["base"] = price - row_count // 2
        until = (s["second"] + 1) * SECOND_NS
        end = min(stop, i + RUN)
        base = s["base"]
        is_odd = i == s["odd"]
        if is_odd:
            end = i + 1
        minute_end = next_minute_nb(larges, rule)
        order_ts, order_sign, contracts = s["order_ts"], s["order_sign"], s["contracts"]
        order_first, order_last = s["order_first"], s["order_last"]
        first = i
        net = net_high = net_low = 0
        high = low = price
        is_outside = False
        while i < end:
            j = _U64(i)
            t = ts[j]
            price = _I64(tick[j])
            at = price - base
            if t >= until:
                break
            if is_odd:
                at = 0
            elif at < 0 or at >= row_count:
                is_outside = True
                break
            side, volume = _I64(sign[j]), _I64(size[j])
            if not is_odd:
                rows[_U64(COLUMNS * at + 1 - side)] += volume
            net += side * volume
            net_high, net_low = max(net_high, net), min(net_low, net)
            high, low = max(high, price), min(low, price)
            # As a number, and masks made of it in place of branches: the processor cannot predict where an order ends.
            is_same = _I64(t == order_ts) & _I64(side == order_sign)
            # An order too small to be counted or reported changes nothing, unless it is the first of its minute.
            if (contracts >= least or order_ts >= minute_end) and order_sign and is_same == 0:
                s["order_ts"], s["order_sign"], s["contracts"] = order_ts, order_sign, contracts
                s["order_first"], s["order_last"] = order_first, order_last
                found = end_order_nb(s, larges, line, rule, i, tick_size, events, found)
                minute_end = next_minute_nb(larges, rule)
            contracts = volume + (contracts & -is_same)
            order_first = price ^ ((order_first ^ price) & -is_same)
            order_ts, order_sign, order_last = t, side, price
            i += 1
        s["order_ts"], s["order_sign"], s["contracts"] = order_ts, order_sign, contracts
        s["order_first"], s["order_last"] = order_first, order_last
        if i > first:
            s["high"], s["low"] = max(s["high"], high), min(s["low"], low)
            if not is_odd:
                s["minute_high"], s["minute_low"] = max(s["minute_high"], high), min(s["minute_low"], low)
            cvd = s["cvd"]
            s["cvd_high"], s["cvd_low"] = max(s["cvd_high"], cvd + net_high), min(s["cvd_low"], cvd + net_low)
            s["cvd"] = cvd + net
            s["delta"] += net
            s["last_price"] = tick[i - 1]
            line["cvd"] += net
            if rule["zero_cross_on"]:
                found = zero_cross.run_nb(
                    *(crosses, rule["arm"], ts, tick, size, sign, first, i, net, net_high, net_low),
                    *(tick_size, events, found),
                )
        if is_outside:
            return i, found, ROWS
    return i, found, DONE


@kernel
def pass_time_nb(  # noqa: PLR0917  # kernels take arrays
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    stop: int,
    now_ns: int,
    reads: NDArray[np.void],
    large_state: NDArray[np.void],
    absorption_state: NDArray[np.void],
    divergence_state: NDArray[np.void],
    cross_state: NDArray[np.void],  # noqa: ARG001  # called like `detect_nb`
    line_state: NDArray[np.void],
    rows: NDArray[np.int64],
    profile: NDArray[np.int64],
    minutes: NDArray[np.void],
    seconds: NDArray[np.void],
    rules: NDArray[np.void],
    tick_size: int,
    events: NDArray[np.void],
) -> tuple[int, int]:
    """End the periods that the clock has passed. Returns the number of events and a code: DONE, ROOM or PROFILE."""
    s, line, rule = reads[0], line_state[0], rules[0]
    if _FEW + stacked_imbalance.room_nb(s, rows, rule) > len(events):
        return 0, ROOM
    if s["minute"] != NONE and not lines.fits_nb(s, line, rule, profile):
        return 0, PROFILE
    found = 0
    if s["order_sign"] and s["order_ts"] + CLOSE_DELAY_NS <= now_ns:
        found = end_order_nb(s, large_state[0], line, rule, stop, tick_size, events, found)
    second = (now_ns - CLOSE_DELAY_NS) // SECOND_NS
    if s["second"] != NONE and second > s["second"]:
        found = end_second_nb(
            *(s, absorption_state[0], divergence_state[0], line, rows, profile, minutes, seconds, rule, tick, size),
            *(sign, stop, second, tick_size, events, found),
        )
    return found, DONE
