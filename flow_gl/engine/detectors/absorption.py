"""Absorption: one side trades hard and price does not move.

Tested at the end t of each second that has trades, over the 5 seconds that end there. D is their delta; m is the last
price at t less the last price 5 s earlier (before the first trade: its price), in ticks. sd(D) and sd(m) are population
standard deviations of the windows of the 600 seconds before this one (at least 120, seconds without trades included,
from the session's first trade on). There is absorption where |D| >= max(20, 2.5 sd(D)), |m| <= max(1, 0.25 sd(m)), and
the window's price range is at most max(4, 1.5 sd(m)) ticks; at the same price not again within 15 s.

Event: at t, at the price where the aggressing side traded most in the window (ties: nearest the last price, then the
lower), against the aggressor, strength = |D| / max(20, 2.5 sd(D)), inputs: D, m, range in ticks, least |D|.

The sums over the history are whole numbers stored as floats, exact below 2**53; if they exceed that range, they are
computed again at each test.
"""

from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.base import event_nb
from flow_gl.engine.kernels.jit import kernel

MIN_HISTORY: Final = 120
_SLOTS: Final = 1024
"""Seconds that are kept: more than the longest history and window."""
_REPEATS: Final = 1024
"""Events that are kept: one a second for the longest time without a repeat."""
_KIND: Final = int(EventKind.ABSORPTION)
_EXACT: Final = float(1 << 53)

SECOND: Final = np.dtype(
    [
        ("delta", "<i8"),
        ("price", "<i8"),  # its last price, ticks
        ("high", "<i8"),  # if it has trades
        ("low", "<i8"),
        ("traded", "<i8"),
        ("first", "<i8"),  # position of its first trade
        ("window_delta", "<i8"),  # D and m of the window that ends with it
        ("window_move", "<i8"),
    ]
)
REPORTED: Final = np.dtype([("tick", "<i8"), ("ts", "<i8")])
STATE: Final = np.dtype(
    [
        ("history", "<i8"),  # number of windows in the sums
        ("is_large", "<i8"),  # 1: a sum has exceeded the range in which floats are exact
        ("reported_count", "<i8"),  # number of events so far
        *((name, "<f8") for name in ("sum_delta", "sum_delta2", "sum_move", "sum_move2")),
        ("seconds", SECOND, (_SLOTS,)),
        ("reported", REPORTED, (_REPEATS,)),
    ]
)


def rescale(state: NDArray[np.void], factor: int) -> None:
    """Multiply the prices in ticks of STATE, shape (1,), by `factor`, the number of new ticks in an old one."""
    state["sum_move"] *= factor
    state["sum_move2"] *= factor * factor
    for name in ("price", "high", "low", "window_move"):
        state["seconds"][name] *= factor
    state["reported"]["tick"] *= factor


_I64: Any = np.int64


@kernel
def add_window_nb(s: Any, at: int, sign: float) -> None:
    """Add a second's window to the sums (sign 1), or remove it (sign -1)."""
    row = s["seconds"][at & (_SLOTS - 1)]
    delta, move = float(row["window_delta"]), float(row["window_move"])
    s["sum_delta"] += sign * delta
    s["sum_delta2"] += sign * delta * delta
    s["sum_move"] += sign * move
    s["sum_move2"] += sign * move * move
    if s["sum_delta2"] >= _EXACT or s["sum_move2"] >= _EXACT:
        s["is_large"] = 1


@kernel
def add_up_nb(s: Any, second: int) -> None:
    """Recompute the sums from the history before `second`."""
    s["sum_delta"] = s["sum_delta2"] = s["sum_move"] = s["sum_move2"] = 0.0
    for at in range(second - s["history"], second):
        add_window_nb(s, at, 1.0)


@kernel
def put_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any, s: Any, second: int, delta: int, is_traded: bool, window: int
) -> None:
    """Write a second that has ended, and the values of its window."""
    seconds, first_second = s["seconds"], read["first_second"]
    row = seconds[second & (_SLOTS - 1)]
    row["delta"], row["price"], row["traded"] = delta, read["last_price"], _I64(is_traded)
    row["high"], row["low"], row["first"] = read["high"], read["low"], read["first"]
    total = delta
    if second > first_second:
        total += seconds[(second - 1) & (_SLOTS - 1)]["window_delta"]
    before = read["first_price"]
    if second - window >= first_second:
        left = seconds[(second - window) & (_SLOTS - 1)]
        total -= left["delta"]
        before = left["price"]
    row["window_delta"] = total
    row["window_move"] = read["last_price"] - before


@kernel
def busiest_price_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any,
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    first: int,
    stop: int,
    side: int,
    low: int,
    high: int,
) -> int:
    """Return the price (ticks) at which a side traded most in trades [first, stop), between `low` and `high`.

    Ties: the price nearest to the last one, then the lower. `tick`, `size` and `sign` are columns of `SessionTrades`.
    """
    best, most = low, -1
    for price in range(low, high + 1):
        volume = 0
        for at in range(first, stop):
            if tick[at] == price and sign[at] == side:
                volume += _I64(size[at])
        nearer = abs(price - read["last_price"]) < abs(best - read["last_price"])
        if volume > most or (volume == most and nearer):
            best, most = price, volume
    return best


@kernel
def sd_nb(count: float, total: float, squares: float) -> float:
    """Return the population standard deviation of whole numbers from their number, sum and sum of squares."""
    return sqrt(max(0.0, count * squares - total * total)) / count


@kernel
def test_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any,
    s: Any,
    rule: Any,
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    stop: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """Test the window that ends with the open second, for which a test is due. Returns the number of events."""
    seconds, second = s["seconds"], read["second"]
    row = seconds[second & (_SLOTS - 1)]
    delta, move = row["window_delta"], row["window_move"]
    if s["is_large"]:
        add_up_nb(s, second)
    count = float(s["history"])
    least = max(rule["absorption_contracts"], rule["absorption_sd"] * sd_nb(count, s["sum_delta"], s["sum_delta2"]))
    if abs(delta) < least:
        return found
    sd_move = sd_nb(count, s["sum_move"], s["sum_move2"])
    row_ticks = read["row_ticks"]
    if abs(move) > max(rule["absorption_ticks"] * row_ticks, rule["absorption_move_sd"] * sd_move):
        return found
    high, low, first = row["high"], row["low"], row["first"]
    for back in range(1, rule["absorption_window_s"]):
        if second - back >= read["first_second"]:
            other = seconds[(second - back) & (_SLOTS - 1)]
            if other["traded"]:
                high, low, first = max(high, other["high"]), min(low, other["low"]), other["first"]
    if high - low > max(rule["absorption_range_ticks"] * row_ticks, rule["absorption_range_sd"] * sd_move):
        return found
    side = 1 if delta > 0 else -1
    price = busiest_price_nb(read, tick, size, sign, first, stop, side, low, high)
    end = (second + 1) * SECOND_NS
    again_ns = _I64(rule["absorption_again_s"] * SECOND_NS + 0.5)
    reported = s["reported"]
    for back in range(1, min(s["reported_count"], _REPEATS) + 1):
        repeat = reported[(s["reported_count"] - back) & (_REPEATS - 1)]
        if end - repeat["ts"] >= again_ns:
            break
        if repeat["tick"] == price:
            return found
    newest = reported[s["reported_count"] & (_REPEATS - 1)]
    newest["tick"], newest["ts"] = price, end
    s["reported_count"] += 1
    event_nb(
        *(events[found], stop, _KIND, end, price * tick_size, -side, abs(delta) / least),
        *(float(delta), move / row_ticks, (high - low) / row_ticks, least),
    )
    return found + 1


@kernel
def is_test_due_nb(read: Any, s: Any, rule: Any) -> bool:
    """Return whether the window that ends with the open second, already written, has enough history and delta."""
    delta = s["seconds"][read["second"] & (_SLOTS - 1)]["window_delta"]
    is_enough = read["traded"] == 1 and s["history"] >= MIN_HISTORY
    return bool(is_enough and abs(delta) >= rule["absorption_contracts"])


@kernel
def advance_nb(read: Any, s: Any, rule: Any, until: int) -> None:
    """Take the open second, already written and tested, into the history, and add empty seconds up to `until`."""
    second, window, history = read["second"], rule["absorption_window_s"], rule["absorption_history_s"]
    if until - second > history + window + 1:
        # After such a long silence, all windows are empty.
        s["history"] = history
        s["sum_delta"] = s["sum_delta2"] = s["sum_move"] = s["sum_move2"] = 0.0
        for at in range(until - history - window, until):
            row = s["seconds"][at & (_SLOTS - 1)]
            row["delta"] = row["traded"] = row["window_delta"] = row["window_move"] = 0
            row["price"] = read["last_price"]
        return
    for at in range(second, until):
        if at > second:
            put_nb(read, s, at, 0, False, window)
        if s["history"] == history:
            add_window_nb(s, at - history, -1.0)
        else:
            s["history"] += 1
        add_window_nb(s, at, 1.0)
