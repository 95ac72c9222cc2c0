"""The volume that draws the largest disc, in visible steps.

The reference is a step of 5, 7, 10, 15, 20, 30, 50, 70, 100 ... contracts. It is the smallest step that at most 0.5 %
of the session's closed bubbles exceed (their 99.5th percentile, rounded up to a step). It goes up as soon as more
than that exceed it, and down one step only when at most 0.5 % exceed 85 % of the step below: it does not flicker. It
is decided bubble by bubble as they close, so that it never depends on when somebody looked. A session's first
`SETTLED` bubbles are drawn by the reference of the session before, the very first session's by `START`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.engine.jit import kernel
from flow_gl.engine.layout import BINS

SETTLED: Final = 32
"""Bubbles of a session that must have closed before its reference is decided."""
START: Final = 50
"""Contracts, before anything is known."""
STEPS: Final[NDArray[np.int64]] = np.array(
    [5, 7, *(mantissa * 10**decade for decade in range(9) for mantissa in (10, 15, 20, 30, 50, 70))], np.int64
)
"""The references that there are, contracts."""
START_STEP: Final = int(np.searchsorted(STEPS, START))


@kernel
def volume_bin_nb(volume: int) -> int:
    """Bin of a volume: itself up to 255, then 128 bins to each doubling."""
    shift = 0
    while volume >> shift > 255:
        shift += 1
    return min((shift << 7) + (volume >> shift), BINS - 1)


@kernel
def lower_nb(step: int) -> int:
    """Bin that few enough bubbles must exceed for the reference to go down from a step."""
    return volume_bin_nb(STEPS[step - 1] * 17 // 20) if step else -1


@kernel
def recount_nb(s: Any, bins: NDArray[np.int64]) -> None:
    """Count the bubbles above the reference in force, and above where it steps down."""
    upper = volume_bin_nb(STEPS[s["reference_step"]])
    lower = lower_nb(s["reference_step"])
    above = 0
    for index in range(upper + 1, len(bins)):
        above += bins[index]
    above_lower = above
    for index in range(lower + 1, upper + 1):
        above_lower += bins[index]
    s["above"] = above
    s["above_lower"] = above_lower


@kernel
def observe_nb(s: Any, bins: NDArray[np.int64], volume: int) -> None:
    """Take in a closed bubble's volume. `s` is the STATE record, its `bubble_count` already counts this bubble."""
    index = volume_bin_nb(volume)
    bins[index] += 1
    count = s["bubble_count"]
    if count < SETTLED:
        return
    if count == SETTLED:
        s["reference_step"] = 0
        recount_nb(s, bins)
    else:
        step = s["reference_step"]
        if index > lower_nb(step):
            s["above_lower"] += 1
            if index > volume_bin_nb(STEPS[step]):
                s["above"] += 1
    while s["above"] * 200 > count and s["reference_step"] + 1 < len(STEPS):
        s["reference_step"] += 1
        recount_nb(s, bins)
    if s["reference_step"] > 0 and s["above_lower"] * 200 <= count:
        s["reference_step"] -= 1
        recount_nb(s, bins)
