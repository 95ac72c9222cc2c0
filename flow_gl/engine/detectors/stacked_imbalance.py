"""Stacked imbalance: adjacent prices at which one side dominated within a minute.

Footprint of one minute: buy and sell contracts at each tick. A tick is a buy imbalance if its buys are at least 10
contracts and at least 3 times the sells one tick lower; a sell imbalance if its sells are at least 10 and at least 3
times the buys one tick higher. At least 3 adjacent ticks of one kind are a stack.

Event: at the minute's end, at the stack's lowest tick, direction = side, strength = number of ticks, inputs: its
highest tick.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.detectors.base import NONE, event_nb
from flow_gl.engine.detectors.footprint import held_nb
from flow_gl.engine.kernels.jit import kernel

_KIND: Final = int(EventKind.STACKED_IMBALANCE)
_I64: Any = np.int64


@kernel
def room_nb(read: Any, rows: NDArray[np.int64], rule: Any) -> int:
    """Return a bound on the number of stacks in the open minute; `rows` is its footprint (`detectors.footprint`)."""
    if read["minute"] == NONE or not rule["stacked_imbalance_on"]:
        return 0
    reached, contracts = 0, rule["stacked_imbalance_contracts"]
    for number in range(read["minute_low"] // read["row_ticks"], read["minute_high"] // read["row_ticks"] + 1):
        for side in range(2):
            reached += _I64(held_nb(read, rows, number, 2 * side) >= contracts)
    least: int = rule["stacked_imbalance_ticks"]
    return reached // least


@kernel
def minute_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any,
    rows: NDArray[np.int64],
    rule: Any,
    known: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """Write the stacks of the ended minute as events. Returns the number of events."""
    low, high = read["minute_low"] // read["row_ticks"], read["minute_high"] // read["row_ticks"]
    row_size = tick_size * read["row_ticks"]
    contracts, ratio = rule["stacked_imbalance_contracts"], rule["stacked_imbalance_ratio"]
    end = (read["minute"] + 1) * MINUTE_NS
    for side in range(2):
        # Buys are in column 0, sells in column 2.
        own, other, direction = 2 * side, 2 - 2 * side, 1 - 2 * side
        run = 0
        for number in range(low, high + 2):
            held = held_nb(read, rows, number, own)
            is_imbalance = False
            if held >= contracts and number <= high:
                is_imbalance = held >= ratio * held_nb(read, rows, number - direction, other)
            if is_imbalance:
                run += 1
                continue
            if run >= rule["stacked_imbalance_ticks"]:
                event_nb(
                    *(events[found], known, _KIND, end, (number - run) * row_size, direction, float(run)),
                    *(float((number - 1) * row_size), 0.0, 0.0, 0.0),
                )
                found += 1
            run = 0
    return found
