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

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.base import EVENTS, Columns, event_nb, event_room
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS

WINDOW: Final = 5
HISTORY: Final = 600
LEAST_HISTORY: Final = 120
_SLOTS: Final = 1024
_REPEATS: Final = 16
_TRADES: Final = 4096
_KIND: Final = int(EventKind.ABSORPTION)
_NONE: Final = -(2**62)
_FULL: Final = -1
_EXACT: Final = float(1 << 53)

_NUMBERS: Final = ("sd", "contracts", "ticks", "move_sd", "range_ticks", "range_sd")
RULE: Final = np.dtype([*((name, "<f8") for name in _NUMBERS), ("again_ns", "<i8")])
STATE: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "second",  # the open second; _NONE before the first trade
            "first_second",
            "first_price",  # ticks, like all prices here
            "last_price",
            "traded",  # 1: the open second has a trade
            "delta",  # of the open second
            "high",
            "low",
            "history",  # number of windows in the sums below
            "is_large",  # 1: a sum has exceeded the range in which floats are exact
            "head",  # trades written to the buffer so far
            "tail",  # index of the oldest trade still needed
            "told",  # number of events so far
        )
    ]
    + [(name, "<f8") for name in ("sum_delta", "sum_delta2", "sum_move", "sum_move2")]
)
SECOND: Final = np.dtype(
    [(name, "<i8") for name in ("delta", "price", "high", "low", "traded", "window_delta", "window_move")]
)
"""A closed second: its delta, last price, extremes if it `traded`, and D and m of the window that ends with it."""
TOLD: Final = np.dtype([("tick", "<i8"), ("ts", "<i8")])
BUFFERED: Final = np.dtype([("second", "<i8"), ("tick", "<i8"), ("size", "<i8")])
"""A trade of the last seconds; `size` is negative for a sell aggressor."""


@kernel
def add_window_nb(s: Any, seconds: NDArray[np.void], at: int, sign: float) -> None:
    """Add a second's window to the sums (sign 1), or remove it (sign -1)."""
    row = seconds[at & (_SLOTS - 1)]
    delta, move = float(row["window_delta"]), float(row["window_move"])
    s["sum_delta"] += sign * delta
    s["sum_delta2"] += sign * delta * delta
    s["sum_move"] += sign * move
    s["sum_move2"] += sign * move * move
    if s["sum_delta2"] >= _EXACT or s["sum_move2"] >= _EXACT:
        s["is_large"] = 1


@kernel
def add_up_nb(s: Any, seconds: NDArray[np.void]) -> None:
    """Recompute the sums from the history before the open second."""
    s["sum_delta"] = s["sum_delta2"] = s["sum_move"] = s["sum_move2"] = 0.0
    for at in range(s["second"] - s["history"], s["second"]):
        add_window_nb(s, seconds, at, 1.0)


@kernel
def put_second_nb(s: Any, seconds: NDArray[np.void], second: int, delta: int, is_traded: bool) -> None:
    """Write a second that has ended, and the values of its window."""
    row = seconds[second & (_SLOTS - 1)]
    row["delta"], row["price"], row["traded"] = delta, s["last_price"], np.int64(is_traded)
    row["high"], row["low"] = s["high"], s["low"]
    total = 0
    for back in range(WINDOW):
        if second - back >= s["first_second"]:
            total += seconds[(second - back) & (_SLOTS - 1)]["delta"]
    row["window_delta"] = total
    before = s["first_price"]
    if second - WINDOW >= s["first_second"]:
        before = seconds[(second - WINDOW) & (_SLOTS - 1)]["price"]
    row["window_move"] = s["last_price"] - before


@kernel
def busiest_price_nb(s: Any, buffered: NDArray[np.void], side: int, low: int, high: int) -> int:
    """Return the price at which a side traded most in the window; ties: nearest the last price, then the lower."""
    mask = len(buffered) - 1
    best, most = low, -1
    for price in range(low, high + 1):
        volume = 0
        for at in range(s["tail"], s["head"]):
            trade = buffered[at & mask]
            if trade["tick"] == price and trade["size"] * side > 0:
                volume += abs(trade["size"])
        nearer = abs(price - s["last_price"]) < abs(best - s["last_price"])
        if volume > most or (volume == most and nearer):
            best, most = price, volume
    return best


@kernel
def look_nb(  # noqa: PLR0917  # kernels take arrays
    s: Any,
    seconds: NDArray[np.void],
    buffered: NDArray[np.void],
    told: NDArray[np.void],
    rule: Any,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """Test the window that ends with the open second, already written. Returns the number of events."""
    if s["is_large"]:
        add_up_nb(s, seconds)
    count = float(s["history"])
    row = seconds[s["second"] & (_SLOTS - 1)]
    delta, move = row["window_delta"], row["window_move"]
    mean_delta, mean_move = s["sum_delta"] / count, s["sum_move"] / count
    sd_delta = sqrt(max(0.0, s["sum_delta2"] / count - mean_delta * mean_delta))
    sd_move = sqrt(max(0.0, s["sum_move2"] / count - mean_move * mean_move))
    least = max(rule["contracts"], rule["sd"] * sd_delta)
    if abs(delta) < least or abs(move) > max(rule["ticks"], rule["move_sd"] * sd_move):
        return found
    high, low = row["high"], row["low"]
    for back in range(1, WINDOW):
        if s["second"] - back >= s["first_second"]:
            other = seconds[(s["second"] - back) & (_SLOTS - 1)]
            if other["traded"]:
                high, low = max(high, other["high"]), min(low, other["low"])
    if high - low > max(rule["range_ticks"], rule["range_sd"] * sd_move):
        return found
    side = 1 if delta > 0 else -1
    price = busiest_price_nb(s, buffered, side, low, high)
    end = (s["second"] + 1) * SECOND_NS
    for at in range(min(s["told"], _REPEATS)):
        if told[at]["tick"] == price and end - told[at]["ts"] < rule["again_ns"]:
            return found
    repeat = told[s["told"] & (_REPEATS - 1)]
    repeat["tick"], repeat["ts"] = price, end
    s["told"] += 1
    event_nb(
        *(events[found], _KIND, end, price * tick_size, -side, abs(delta) / least),
        *(float(delta), float(move), float(high - low), least),
    )
    return found + 1


@kernel
def end_second_nb(  # noqa: PLR0917  # kernels take arrays
    s: Any,
    seconds: NDArray[np.void],
    buffered: NDArray[np.void],
    told: NDArray[np.void],
    rule: Any,
    until: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """End the open second, test it if it has trades, add empty seconds up to `until`, and open that one.

    Returns the number of events.
    """
    second = s["second"]
    mask = len(buffered) - 1
    while s["tail"] < s["head"] and buffered[s["tail"] & mask]["second"] <= second - WINDOW:
        s["tail"] += 1
    put_second_nb(s, seconds, second, s["delta"], s["traded"] == 1)
    if s["traded"] and s["history"] >= LEAST_HISTORY:
        found = look_nb(s, seconds, buffered, told, rule, tick_size, events, found)
    s["delta"], s["traded"] = 0, 0
    if until - second > HISTORY + WINDOW + 1:
        # After such a long silence, all windows are empty.
        s["history"] = HISTORY
        s["sum_delta"] = s["sum_delta2"] = s["sum_move"] = s["sum_move2"] = 0.0
        for at in range(until - HISTORY - WINDOW, until):
            row = seconds[at & (_SLOTS - 1)]
            row["delta"] = row["traded"] = row["window_delta"] = row["window_move"] = 0
            row["price"] = s["last_price"]
    else:
        for at in range(second, until):
            if at > second:
                put_second_nb(s, seconds, at, 0, False)
            if s["history"] == HISTORY:
                add_window_nb(s, seconds, at - HISTORY, -1.0)
            else:
                s["history"] += 1
            add_window_nb(s, seconds, at, 1.0)
    s["second"] = until
    return found


@kernel
def absorption_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    seconds: NDArray[np.void],
    buffered: NDArray[np.void],
    told: NDArray[np.void],
    rules: NDArray[np.void],
    ts: NDArray[np.int64],
    tick: NDArray[np.int64],
    size: NDArray[np.int64],
    sign: NDArray[np.int64],
    start: int,
    tick_size: int,
    events: NDArray[np.void],
) -> tuple[int, int]:
    """Process trades from `start` on, while there is space for events.

    Returns the index of the next trade and the number of events, or _FULL if the buffer has no space for that trade.
    """
    s, rule = state[0], rules[0]
    mask = len(buffered) - 1
    found, i = 0, start
    while i < len(ts):
        second = ts[i] // SECOND_NS
        if second > s["second"]:
            if found == EVENTS:
                return i, found
            if s["second"] == _NONE:
                s["second"] = s["first_second"] = second
                s["first_price"] = tick[i]
            else:
                found = end_second_nb(s, seconds, buffered, told, rule, second, tick_size, events, found)
        if s["traded"] == 0:
            s["traded"], s["high"], s["low"] = 1, tick[i], tick[i]
        # A late trade counts in the open second, because closed seconds never change.
        until = (s["second"] + 1) * SECOND_NS
        high, low, delta, head = s["high"], s["low"], s["delta"], s["head"]
        room = s["tail"] + len(buffered)
        while i < len(ts) and ts[i] < until and head < room:
            high, low = max(high, tick[i]), min(low, tick[i])
            signed = sign[i] * size[i]
            delta += signed
            if signed:
                trade = buffered[head & mask]
                trade["second"], trade["tick"], trade["size"] = s["second"], tick[i], signed
                head += 1
            i += 1
        s["high"], s["low"], s["delta"], s["head"] = high, low, delta, head
        if i > start:
            s["last_price"] = tick[i - 1]
        if head == room and i < len(ts) and ts[i] < until:
            return i, found if found else _FULL
    return i, found


@kernel
def pass_time_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    seconds: NDArray[np.void],
    buffered: NDArray[np.void],
    told: NDArray[np.void],
    rules: NDArray[np.void],
    now_ns: int,
    tick_size: int,
    events: NDArray[np.void],
) -> int:
    """End the open second if the clock has passed its end and it has trades. Returns the number of events."""
    s = state[0]
    if s["traded"] == 0 or (s["second"] + 1) * SECOND_NS + CLOSE_DELAY_NS > now_ns:
        return 0
    return end_second_nb(s, seconds, buffered, told, rules[0], s["second"] + 1, tick_size, events, 0)


@dataclass(frozen=True, slots=True)
class AbsorptionRule:
    """The thresholds of absorption; the module's docstring defines each number."""

    sd: float = 2.5
    contracts: float = 20.0
    ticks: float = 1.0
    move_sd: float = 0.25
    range_ticks: float = 4.0
    range_sd: float = 1.5
    again_s: float = 15.0


class Absorption:
    """Detects absorption.

    Parameters
    ----------
    rule : the thresholds; None uses the defaults
    """

    def __init__(self, rule: AbsorptionRule | None = None) -> None:
        rule = rule or AbsorptionRule()
        self._rules: NDArray[np.void] = np.zeros(1, RULE)
        for name in _NUMBERS:
            self._rules[name] = getattr(rule, name)
        self._rules["again_ns"] = round(rule.again_s * SECOND_NS)
        self._state: NDArray[np.void] = np.zeros(1, STATE)
        self._seconds: NDArray[np.void] = np.zeros(_SLOTS, SECOND)
        self._told: NDArray[np.void] = np.zeros(_REPEATS, TOLD)
        self._buffered: NDArray[np.void] = np.zeros(_TRADES, BUFFERED)
        self._events = event_room()
        self.begin()

    def begin(self) -> None:
        self._state[:] = self._seconds[:] = self._told[:] = 0
        self._state["second"] = _NONE

    def take(self, trades: Columns, tick_size: int) -> Iterator[NDArray[np.void]]:
        start = 0
        while start < len(trades):
            start, found = absorption_nb(*(*self._arrays(), *trades.arrays(), start, tick_size, self._events))
            if found == _FULL:
                self._make_room()
            elif found:
                yield self._events[:found]

    def pass_time(self, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        found = pass_time_nb(*(*self._arrays(), now_ns, tick_size, self._events))
        if found:
            yield self._events[:found]

    def rescale(self, factor: int) -> None:
        for name in ("first_price", "last_price", "high", "low"):
            self._state[name] *= factor
        self._state["sum_move"] *= factor
        self._state["sum_move2"] *= factor * factor
        for name in ("price", "high", "low", "window_move"):
            self._seconds[name] *= factor
        self._told["tick"] *= factor
        self._buffered["tick"] *= factor

    def keep(self) -> bytes:
        state = self._state.copy()
        state["tail"], state["head"] = 0, state["head"] - state["tail"]
        return b"".join(array.tobytes() for array in (state, self._seconds, self._told, self._waiting()))

    def resume(self, kept: bytes) -> None:
        start = 0
        for array in (self._state, self._seconds, self._told):
            array[:] = np.frombuffer(kept, array.dtype, len(array), start)
            start += array.nbytes
        waiting = np.frombuffer(kept, BUFFERED, offset=start)
        self._buffered = np.zeros(max(_TRADES, 1 << len(waiting).bit_length()), BUFFERED)
        self._buffered[: len(waiting)] = waiting

    def _arrays(self) -> tuple[Any, ...]:
        return self._state, self._seconds, self._buffered, self._told, self._rules

    def _waiting(self) -> NDArray[np.void]:
        """Return the buffered trades that are still needed, oldest first."""
        head, tail = int(self._state["head"][0]), int(self._state["tail"][0])
        waiting: NDArray[np.void] = self._buffered[np.arange(tail, head) & (len(self._buffered) - 1)]
        return waiting

    def _make_room(self) -> None:
        waiting = self._waiting()
        self._buffered = np.zeros(2 * len(self._buffered), BUFFERED)
        self._buffered[: len(waiting)] = waiting
        self._state["tail"], self._state["head"] = 0, len(waiting)
