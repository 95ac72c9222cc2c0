"""Large trade: an aggressive order of at least a threshold of contracts.

Consecutive records with equal `ts_event` and side are one order; a record without a side ends the order and belongs to
none. The threshold is a fixed number of contracts, or determined for each minute: the smallest of `SIZES` that at most
20 orders reached in the 60 minutes before it. Until the first minute is over, it is the smallest size.

Event: at the order's time and last price, direction = side, strength = contracts, inputs: first price, threshold.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EventKind
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.detectors.base import EVENTS, Columns, Kept, event_nb, event_room
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS

SIZES: Final = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
"""Possible thresholds, in contracts."""
MOST: Final = 20
"""Maximum number of orders in the last hour that may reach the threshold."""
SMALLEST: Final = SIZES[0]
_WINDOW: Final = 60
_SLOTS: Final = 64
_NONE: Final = -(2**62)
_KIND: Final = int(EventKind.LARGE_TRADE)
_SIZES: Final[NDArray[np.int64]] = np.array(SIZES, np.int64)

STATE: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "ts",  # of the open order, ns
            "sign",  # 0: no order is open
            "contracts",
            "first",  # ticks
            "last",
            "minute",  # newest minute with an order
            "first_minute",  # of the session's first trade
            "limit",  # current threshold, contracts
        )
    ]
)


@kernel
def slot_nb(minutes: NDArray[np.int64], counts: NDArray[np.int64], minute: int) -> int:
    """Return the row of a minute, cleared if it held an older one."""
    at = minute & (_SLOTS - 1)
    if minutes[at] < minute:
        minutes[at] = minute
        counts[at, :] = 0
    return at


@kernel
def find_threshold_nb(s: Any, minutes: NDArray[np.int64], counts: NDArray[np.int64], minute: int) -> None:
    """Determine the threshold of a new minute."""
    for at in range(len(_SIZES)):
        reached = 0
        for row in range(_SLOTS):
            if minute - _WINDOW <= minutes[row] < minute:
                reached += counts[row, at]
        if reached <= MOST:
            s["limit"] = _SIZES[at]
            return
    s["limit"] = _SIZES[len(_SIZES) - 1]


@kernel
def end_order_nb(  # noqa: PLR0917  # kernels take arrays
    s: Any,
    minutes: NDArray[np.int64],
    counts: NDArray[np.int64],
    threshold: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """End the open order: count it, and write an event if it is large. Returns the number of events."""
    contracts = s["contracts"]
    minute = s["ts"] // MINUTE_NS
    if minute > s["minute"]:
        s["minute"] = minute
        if minute > s["first_minute"]:
            find_threshold_nb(s, minutes, counts, minute)
    if contracts >= SMALLEST and minute > s["minute"] - _SLOTS:
        row = slot_nb(minutes, counts, minute)
        if minutes[row] == minute:
            for at in range(len(_SIZES)):
                if contracts < _SIZES[at]:
                    break
                counts[row, at] += 1
    limit = threshold if threshold else s["limit"]
    if contracts >= limit:
        event_nb(
            *(events[found], _KIND, s["ts"], s["last"] * tick_size, s["sign"], float(contracts)),
            *(float(s["first"] * tick_size), float(limit), 0.0, 0.0),
        )
        found += 1
    s["sign"] = 0
    return found


@kernel
def large_trade_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    minutes: NDArray[np.int64],
    counts: NDArray[np.int64],
    threshold: int,
    ts: NDArray[np.int64],
    tick: NDArray[np.int64],
    size: NDArray[np.int64],
    sign: NDArray[np.int64],
    start: int,
    tick_size: int,
    events: NDArray[np.void],
) -> tuple[int, int]:
    """Process trades from `start` on, while there is space. Returns the next trade's index and the number of events."""
    s = state[0]
    found, i = 0, start
    if s["first_minute"] == _NONE and len(ts):
        s["first_minute"] = ts[0] // MINUTE_NS
    least = threshold if 0 < threshold < SMALLEST else SMALLEST
    minute_end = (s["minute"] + 1) * MINUTE_NS if s["minute"] != _NONE else _NONE
    run_ts, run_sign, contracts, first, last = s["ts"], s["sign"], s["contracts"], s["first"], s["last"]
    while i < len(ts) and found < EVENTS:
        if ts[i] == run_ts and sign[i] == run_sign:
            contracts += size[i]
        else:
            # An order too small to be counted or reported changes nothing, unless it is the first of its minute.
            if run_sign and (contracts >= least or run_ts >= minute_end):
                s["ts"], s["sign"], s["contracts"], s["first"], s["last"] = run_ts, run_sign, contracts, first, last
                found = end_order_nb(s, minutes, counts, threshold, tick_size, events, found)
                minute_end = (s["minute"] + 1) * MINUTE_NS
            run_ts, run_sign, contracts, first = ts[i], sign[i], size[i], tick[i]
        last = tick[i]
        i += 1
    s["ts"], s["sign"], s["contracts"], s["first"], s["last"] = run_ts, run_sign, contracts, first, last
    return i, found


@kernel
def pass_time_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    minutes: NDArray[np.int64],
    counts: NDArray[np.int64],
    threshold: int,
    now_ns: int,
    tick_size: int,
    events: NDArray[np.void],
) -> int:
    """End the open order if the clock has passed it. Returns the number of events."""
    s = state[0]
    if s["sign"] == 0 or s["ts"] + CLOSE_DELAY_NS > now_ns:
        return 0
    return end_order_nb(s, minutes, counts, threshold, tick_size, events, 0)


class LargeTrade:
    """Detects large trades.

    Parameters
    ----------
    threshold : contracts; 0 determines it for each minute
    """

    def __init__(self, *, threshold: int = 0) -> None:
        self._threshold: Final = threshold
        self._state: NDArray[np.void] = np.zeros(1, STATE)
        self._minutes: NDArray[np.int64] = np.zeros(_SLOTS, np.int64)
        self._counts: NDArray[np.int64] = np.zeros((_SLOTS, len(SIZES)), np.int64)
        self._events = event_room()
        self._kept: Final = Kept(self._state, self._minutes, self._counts)
        self.keep: Final = self._kept.keep
        self.resume: Final = self._kept.resume
        self.begin()

    def begin(self) -> None:
        self._state[:] = 0
        self._state["minute"] = self._state["first_minute"] = self._minutes[:] = _NONE
        self._state["limit"] = SIZES[0]
        self._counts[:] = 0

    def take(self, trades: Columns, tick_size: int) -> Iterator[NDArray[np.void]]:
        start = 0
        while start < len(trades):
            start, found = large_trade_nb(*(*self._arrays(), *trades.arrays(), start, tick_size, self._events))
            if found:
                yield self._events[:found]

    def pass_time(self, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        found = pass_time_nb(*(*self._arrays(), now_ns, tick_size, self._events))
        if found:
            yield self._events[:found]

    def _arrays(self) -> tuple[Any, ...]:
        return self._state, self._minutes, self._counts, self._threshold

    def rescale(self, factor: int) -> None:
        self._state["first"] *= factor
        self._state["last"] *= factor
