"""Large trade: an aggressive order of at least a threshold of contracts.

Consecutive records with equal `ts_event` and side are one order; a record without a side ends the order and belongs to
none. The threshold is a fixed number of contracts, or determined for each minute: the smallest of `SIZES` that at most
20 orders reached in the 60 minutes before it. Until the first minute is over, it is the smallest size.

Event: at the order's time and last price, direction = side, strength = contracts, inputs: first price, threshold.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.detectors.base import NONE, event_nb
from flow_gl.engine.kernels.jit import kernel

SIZES: Final = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
"""Possible thresholds, in contracts."""
SMALLEST: Final = SIZES[0]
_WINDOW: Final = 60
_SLOTS: Final = 64
_KIND: Final = int(EventKind.LARGE_TRADE)
_SIZES: Final[NDArray[np.int64]] = np.array(SIZES, np.int64)

STATE: Final = np.dtype(
    [
        ("minute", "<i8"),  # newest minute with an order
        ("first_minute", "<i8"),  # of the session's first trade
        ("limit", "<i8"),  # current threshold, contracts
        ("minutes", "<i8", (_SLOTS,)),  # the minute of each row of `counts`
        ("counts", "<i8", (_SLOTS, len(SIZES))),  # orders of exactly this class in that minute
    ]
)


def begin(state: NDArray[np.void]) -> None:
    """Reset STATE, shape (1,), at a session's open."""
    state[:] = 0
    state["minute"] = state["first_minute"] = state["minutes"] = NONE
    state["limit"] = SMALLEST


@kernel
def least_nb(rule: Any) -> int:
    """Return the contracts below which an order is neither counted nor an event."""
    threshold = rule["large_trade_threshold"]
    return threshold if 0 < threshold < SMALLEST else SMALLEST


@kernel
def find_threshold_nb(s: Any, most: int, minute: int) -> None:
    """Determine the threshold of a new minute."""
    minutes, counts = s["minutes"], s["counts"]
    for at in range(len(_SIZES)):
        reached = 0
        for row in range(_SLOTS):
            if minute - _WINDOW <= minutes[row] < minute:
                reached += counts[row, at]
        if reached <= most:
            s["limit"] = _SIZES[at]
            return
    s["limit"] = _SIZES[len(_SIZES) - 1]


@kernel
def order_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any, s: Any, rule: Any, known: int, tick_size: int, events: NDArray[np.void], found: int
) -> int:
    """Take an ended order: count it, and write an event if it is large. Returns the number of events."""
    contracts = read["contracts"]
    minute = read["order_ts"] // MINUTE_NS
    if minute > s["minute"]:
        s["minute"] = minute
        if minute > s["first_minute"]:
            find_threshold_nb(s, rule["large_trade_most"], minute)
    if contracts >= SMALLEST and minute > s["minute"] - _SLOTS:
        row = minute & (_SLOTS - 1)
        minutes, counts = s["minutes"], s["counts"]
        if minutes[row] < minute:
            minutes[row] = minute
            for at in range(len(_SIZES)):
                counts[row, at] = 0
        if minutes[row] == minute:
            for at in range(len(_SIZES)):
                if contracts < _SIZES[at]:
                    break
                counts[row, at] += 1
    threshold = rule["large_trade_threshold"]
    limit = threshold if threshold else s["limit"]
    if contracts < limit:
        return found
    event_nb(
        *(events[found], known, _KIND, read["order_ts"], read["order_last"] * tick_size, read["order_sign"]),
        *(float(contracts), float(read["order_first"] * tick_size), float(limit), 0.0, 0.0),
    )
    return found + 1
