"""Zero cross: CVD changes its sign after it was far from zero.

Armed when CVD is at least `arm` contracts beyond zero on a side; the first trade that makes CVD strictly opposite in
sign fires; CVD must arm again before the next cross. CVD here is the chart's: it restarts when the chart's does.

Event: at the trade's time and price, +1 from below to above, strength = `arm`, inputs: CVD after the trade, and its
extreme since it was armed.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.engine.detectors.base import event_nb
from flow_gl.engine.kernels.jit import kernel

_KIND: Final = int(EventKind.ZERO_CROSS)
_LOWEST: Final = -(2**63)
_HIGHEST: Final = 2**63 - 1

STATE: Final = np.dtype(
    [
        ("cvd", "<i8"),
        ("armed", "<i8"),  # +1 or -1, the side on which it is armed; 0
        ("extreme", "<i8"),  # CVD's extreme since then
    ]
)
_I64: Any = np.int64


@kernel
def quiet_range_nb(armed: int, arm: int) -> tuple[int, int]:
    """Return the lowest and highest CVD at which the zero cross neither arms nor fires, in contracts."""
    if armed > 0:
        return 0, _HIGHEST
    if armed < 0:
        return _LOWEST, 0
    return 1 - arm, arm - 1


@kernel
def run_nb(  # noqa: PLR0917  # kernels take arrays
    s: Any,
    arm: int,
    ts: NDArray[np.int64],
    tick: NDArray[np.int32],
    size: NDArray[np.uint32],
    sign: NDArray[np.int8],
    start: int,
    stop: int,
    net: int,
    high: int,
    low: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """Follow CVD through trades [start, stop), which move it by `net`, at most to `high` and at least to `low`.

    Only a run that leaves the quiet range is searched trade by trade. Returns the number of events.
    """
    cvd, armed = s["cvd"], s["armed"]
    floor, ceiling = quiet_range_nb(armed, arm)
    s["cvd"] = cvd + net
    if floor <= cvd + low and cvd + high <= ceiling:
        if armed > 0:
            s["extreme"] = max(s["extreme"], cvd + high)
        elif armed < 0:
            s["extreme"] = min(s["extreme"], cvd + low)
        return found
    extreme = s["extreme"]
    for i in range(start, stop):
        cvd += _I64(sign[i]) * _I64(size[i])
        if armed * cvd < 0:
            direction = 1 if cvd > 0 else -1
            event_nb(
                *(events[found], i, _KIND, ts[i], _I64(tick[i]) * tick_size, direction),
                *(float(arm), float(cvd), float(extreme), 0.0, 0.0),
            )
            found += 1
            armed = 0
        if armed == 0 and abs(cvd) >= arm:
            armed = 1 if cvd > 0 else -1
            extreme = cvd
        elif armed * cvd > armed * extreme:
            extreme = cvd
    s["armed"], s["extreme"] = armed, extreme
    return found
