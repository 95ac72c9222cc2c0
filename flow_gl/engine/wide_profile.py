"""Levels of a profile from its traded rows alone, so that one price far away costs no more than any other.

A profile whose rows lie close together is laid out row by row and read by the kernels. In a wide one, POC and value
area are found from traded rows (`core.market.value_area`), and the smoothed curve of the nodes is computed over a
profile in which each long run of empty rows is cut to the same short length. The curve has the same values in the same
order, with fewer zeros in a row, so it has the same maxima with the same prominences. Only the middle of a run of zeros
must be found from the rows at both ends of it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.value_area import PARTS, point_of_control, value_area
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.kernels.profile import Levels, levels_of, nodes_of, smoothed_nb

WIDE_ROWS: Final = 1 << 14
"""A range of this many rows or more is read from its traded rows: on NQ 4,096 points."""


def levels_of_rows(
    rows: NDArray[np.int64], totals: NDArray[np.int64], settings: AggregationSettings, *, most_nodes: int
) -> Levels:
    """Compute the levels that `kernels.profile.levels_of` finds in the whole range of rows.

    Parameters
    ----------
    rows : int64 (n,), numbers of the traded rows, ascending, at least one
    totals : int64 (n,), contracts of each, not 0
    most_nodes : maximum number of nodes of each kind
    """
    rows = rows - rows[0]
    if rows[-1] < WIDE_ROWS:
        dense = np.zeros(int(rows[-1]) + 1, np.int64)
        dense[rows] = totals
        return levels_of(dense, settings, most_nodes=most_nodes)
    poc = point_of_control(rows, totals)
    numbers, parts = rows.tolist(), round(settings.value_area * PARTS)
    low, high, held = value_area(numbers, totals.tolist(), poc, step=settings.value_area_step, parts=parts)
    lvn, hvn = _nodes(rows, totals, settings, most_nodes)
    return Levels(numbers[poc], numbers[low], numbers[high], held, lvn, hvn)


def _nodes(
    rows: NDArray[np.int64], totals: NDArray[np.int64], settings: AggregationSettings, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the low- and the high-volume nodes, as rows."""
    # Volume reaches half a window into a run from each side; some zeros are left between.
    longest = 2 * (settings.lvn_smooth // 2 + 4)
    steps = np.minimum(np.diff(rows), longest + 1)
    places = np.concatenate([[0], np.cumsum(steps)])
    shortened = np.zeros(int(places[-1]) + 1, np.int64)
    shortened[places] = totals
    curve = smoothed_nb(shortened, settings.lvn_smooth)
    highest = int(curve.max())
    least, limit = settings.lvn_prominence * highest, settings.lvn_volume * highest
    found = nodes_of(-curve, least, most, height=-limit), nodes_of(curve, least, most, height=limit)
    lvn, hvn = (_rows_at(nodes, curve, rows, places) for nodes in found)
    return lvn, hvn


def _rows_at(
    nodes: NDArray[np.int64], curve: NDArray[np.int64], rows: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows of nodes of a shortened curve, given the places of the traded rows in it."""
    before = np.minimum(np.searchsorted(places, nodes, side="right") - 1, len(rows) - 2)
    left, right = rows[before], rows[before + 1]
    from_left, from_right = nodes - places[before], places[before + 1] - nodes
    near = np.where(from_left <= from_right, left + from_left, right - from_right)
    # A node without volume is the middle of a run of zeros, which may have been cut.
    return np.where(curve[nodes] == 0, (left + right) // 2, near)
