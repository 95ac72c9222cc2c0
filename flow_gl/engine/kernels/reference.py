"""The size reference: the volume that is drawn as the largest disc.

The reference is a step of 5, 7, 10, 15, 20, 30, 50, 70, 100 ... contracts: the smallest step that at most 0.5 % of the
session's closed bubbles exceed (their 99.5th percentile, rounded up to a step). It rises as soon as more than that
exceed it, and falls by one step only when at most 0.5 % exceed 85 % of the step below; this hysteresis prevents
flicker. It is updated with every bubble that closes, so it does not depend on when it is read. A session's first
`SETTLED` bubbles use the reference of the previous session, and those of the very first session use `START`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.lod import REFERENCE_STEPS
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import BINS

SETTLED: Final = 32
"""Number of closed bubbles of a session before it determines its own reference."""
START: Final = 50
"""Initial reference, in contracts."""
STEPS: Final[NDArray[np.int64]] = np.array(REFERENCE_STEPS, np.int64)
"""All possible references, in contracts."""
START_STEP: Final = int(np.searchsorted(STEPS, START))


@kernel
def volume_bin_nb(volume: int) -> int:
    """Return the bin of a volume: the volume itself up to 255, then 128 bins per doubling."""
    shift = 0
    while volume >> shift > 255:
        shift += 1
    return min((shift << 7) + (volume >> shift), BINS - 1)


@kernel
def lower_nb(step: int) -> int:
    """Return the bin of 85 % of the step below, which decides whether the reference steps down; -1 for step 0."""
    return volume_bin_nb(STEPS[step - 1] * 17 // 20) if step else -1


@kernel
def recount_nb(bins: NDArray[np.int64], step: int) -> tuple[int, int, int, int]:
    """Return the bins of a reference and of the volume that decides on stepping down, and the bubbles above each."""
    upper, lower = volume_bin_nb(STEPS[step]), lower_nb(step)
    above = 0
    for index in range(upper + 1, len(bins)):
        above += bins[index]
    above_lower = above
    for index in range(lower + 1, upper + 1):
        above_lower += bins[index]
    return upper, lower, above, above_lower


@kernel
def observe_nb(s: Any, bins: NDArray[np.int64], bubbles: NDArray[np.void], first: int, stop: int) -> None:
    """Update the reference with closed bubbles [first, stop); `s` is the STATE record."""
    count, step, above, above_lower = s["bubble_count"], s["reference_step"], s["above"], s["above_lower"]
    upper, lower = volume_bin_nb(STEPS[step]), lower_nb(step)
    for at in range(first, stop):
        row = bubbles[at]
        volume = max(row["buy"], row["sell"])
        index = volume_bin_nb(volume if volume else row["unsided"])
        bins[index] += 1
        count += 1
        if count < SETTLED:
            continue
        if count == SETTLED:
            step = 0
            upper, lower, above, above_lower = recount_nb(bins, step)
        else:
            above += index > upper
            above_lower += index > lower
        while above * 200 > count and step + 1 < len(STEPS):
            step += 1
            upper, lower, above, above_lower = recount_nb(bins, step)
        if step > 0 and above_lower * 200 <= count:
            step -= 1
            upper, lower, above, above_lower = recount_nb(bins, step)
    s["bubble_count"], s["reference_step"], s["above"], s["above_lower"] = count, step, above, above_lower
