"""The events that a chart has room for: the strongest of each interval of time.

Time is divided into cells of equal length, aligned to the epoch, wide enough on the screen for a mark. Each cell shows
its strongest events. Cells do not move with the view, so panning changes nothing, and zooming out only joins cells:
an event is only ever hidden by a stronger one, never by chance.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import SECOND_NS

CELL_PX: Final = 72.0
"""Least width of a cell at content scale 1."""


@lru_cache(maxsize=64)
def cell_ns(ns_per_px: float, scale: float) -> int:
    """Return the length of a cell: one second doubled as often as needed, so that cells nest."""
    cell = SECOND_NS
    while cell < CELL_PX * scale * ns_per_px:
        cell *= 2
    return cell


def strongest(times: NDArray[np.int64], strengths: NDArray[np.float64], cell: int, most: int) -> NDArray[np.intp]:
    """Return the indices of the events that are shown, ascending.

    Parameters
    ----------
    times : int64 (n,), ns, ascending
    strengths : float64 (n,)
    cell : length of a cell, ns
    most : events per cell; of equally strong ones the earlier is shown
    """
    cells = times // cell
    order = np.lexsort((np.arange(len(times)), -strengths, cells))
    ordered = cells[order]
    rank = np.arange(len(times)) - np.searchsorted(ordered, ordered, side="left")
    return np.sort(order[rank < most])
