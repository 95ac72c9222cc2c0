"""CVD's zero cross: armed when CVD is a number of contracts beyond zero, fired by the first trade across zero.

Trades are searched one by one, but only in runs whose extremes leave the quiet range, because no other run can contain
a cross.
"""

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import MAX_LODS, EventKind, Side
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.rollup import Records

_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1
_ZERO_CROSS = int(EventKind.ZERO_CROSS)
_EVENTS = MAX_LODS
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


@kernel
def quiet_range_nb(armed: int, arm: int) -> tuple[int, int]:
    """Return the lowest and highest CVD at which the zero cross neither arms nor fires, in contracts."""
    if armed > 0:
        return 0, _HIGHEST
    if armed < 0:
        return _LOWEST, 0
    return 1 - arm, arm - 1


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
    """Follow CVD through trades [first, stop), and arm and fire the zero cross; `cvd` is its value before them."""
    s = state[0]
    armed, extreme, arm = s["armed"], s["extreme"], s["arm"]
    for i in range(first, stop):
        tail = words[6 * i + 3]
        side = (tail >> 40) & 0xFF
        if side == _BUY:
            cvd += tail & 0xFFFFFFFF
        elif side == _SELL:
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
