"""POC and value area of any profile, from its traded prices alone.

The same rules as `engine.kernels.profile`, for readers that do not load Numba: a test compares both. Here rows without
volume take neither room nor time, so a price far away costs nothing.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

PARTS: Final = 1_000_000
"""The value area's share is given in millionths, so that "at least 70 %" is decided in integers."""


def point_of_control(rows: NDArray[np.int64], totals: NDArray[np.int64]) -> int:
    """Return the index of the row with the most volume; ties: nearest to the middle of the range, then the lower.

    Parameters
    ----------
    rows : int64, row numbers, ascending; each has volume
    totals : int64, contracts of each
    """
    most = np.flatnonzero(totals == totals.max())
    off = np.abs(2 * rows[most] - (rows[0] + rows[-1]))
    return int(most[off.argmin()])


def value_area(rows: Sequence[int], totals: Sequence[int], poc: int, *, step: int, parts: int) -> tuple[int, int, int]:
    """Compute the value area by Dalton's rule.

    Parameters
    ----------
    rows, totals : as in `point_of_control`
    poc : index of the row with the most volume
    step : number of rows compared and added at a time, 1 or 2
    parts : share of the total volume to include, in millionths

    Returns
    -------
    low, high : indexes of the area's lowest and highest row
    held : contracts in the area
    """
    count, wanted, held = len(rows), sum(totals) * parts, totals[poc]
    low = high = rows[poc]
    below, above = poc - 1, poc + 1  # the nearest traded rows outside the area
    while held * PARTS < wanted and (below >= 0 or above < count):
        up = down = 0
        next_above, next_below = above, below
        while next_above < count and rows[next_above] <= high + step:
            up += totals[next_above]
            next_above += 1
        while next_below >= 0 and rows[next_below] >= low - step:
            down += totals[next_below]
            next_below -= 1
        if up == 0 and down == 0:
            if above < count and (below < 0 or rows[above] - high <= low - rows[below]):
                high, held, above = rows[above], held + totals[above], above + 1
            else:
                low, held, below = rows[below], held + totals[below], below - 1
        elif up >= down:
            high, held, above = min(high + step, rows[-1]), held + up, next_above
        else:
            low, held, below = max(low - step, rows[0]), held + down, next_below
    return below + 1, above - 1, held
