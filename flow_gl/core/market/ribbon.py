"""The delta ribbon: buy less sell of each closed 1, 5 and 15 minutes."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import SECOND_NS

WIDTHS_NS: Final = (60 * SECOND_NS, 300 * SECOND_NS, 900 * SECOND_NS)
RIBBON: Final = np.dtype(
    [("ts_event", "<i8"), ("seconds", "<i8"), ("buy", "<i8"), ("sell", "<i8"), ("unsided", "<i8"), ("delta", "<i8")]
)
"""One period that had trades: its start (ns), its length, and its contracts."""


def ribbon_of(bubbles: NDArray[np.void], bucket_ns: int) -> NDArray[np.void]:
    """Sum closed bubbles to periods of 1, 5 and 15 minutes.

    Parameters
    ----------
    bubbles : BUBBLE rows of one instrument in the order of time
    bucket_ns : their width. Periods that are not whole buckets cannot be summed and are left out

    Returns
    -------
    rows : RIBBON, in the order of length and time
    """
    found = []
    for width_ns in WIDTHS_NS:
        if width_ns % bucket_ns or not len(bubbles):
            continue
        periods = bubbles["ts_event"] // width_ns
        starts = np.flatnonzero(np.concatenate([[True], periods[1:] != periods[:-1]]))
        rows = np.zeros(len(starts), RIBBON)
        rows["ts_event"], rows["seconds"] = periods[starts] * width_ns, width_ns // SECOND_NS
        for side in ("buy", "sell", "unsided"):
            rows[side] = np.add.reduceat(bubbles[side], starts)
        rows["delta"] = rows["buy"] - rows["sell"]
        found.append(rows)
    return np.concatenate(found) if found else np.zeros(0, RIBBON)
