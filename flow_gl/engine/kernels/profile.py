"""Levels of a volume profile: POC, value area, low- and high-volume nodes, VWAP.

All functions work on the traded part of the profile, whose first and last rows hold volume. They run when results are
published, not per trade, and never loop over trades. Where traded rows lie far apart, `engine.wide_profile` leaves out
most of the empty ones.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.value_area import PARTS
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.kernels.jit import kernel, making_kernel
from flow_gl.engine.kernels.layout import COLUMNS

_MAX_CONTRACTS = 1 << 40
"""Maximum contracts of a session for which the sums of squares in `moments_nb` cannot overflow."""


@kernel
def traded_range_nb(profile: NDArray[np.int64]) -> tuple[int, int]:
    """Return the half-open range of rows with volume in a profile, int64 (rows * COLUMNS,); (0, 0) if there is none."""
    first, last = 0, len(profile) // COLUMNS - 1
    while first <= last and profile[4 * first] + profile[4 * first + 1] + profile[4 * first + 2] == 0:
        first += 1
    while last >= first and profile[4 * last] + profile[4 * last + 1] + profile[4 * last + 2] == 0:
        last -= 1
    if last < first:
        return 0, 0
    return first, last + 1


@making_kernel
def traded_rows_nb(profile: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows with volume in a profile, int64 (rows * COLUMNS,): int64 (n,), ascending."""
    rows = np.empty(len(profile) // COLUMNS, np.int64)  # memory that is not written takes no time
    count = 0
    for row in range(len(rows)):
        if profile[4 * row] | profile[4 * row + 1] | profile[4 * row + 2]:
            rows[count] = row
            count += 1
    return rows[:count].copy()


@kernel
def point_of_control_nb(totals: NDArray[np.int64]) -> int:
    """Return the row with the most volume; ties: nearest to the middle of the range, then the lower."""
    best = 0
    middle = len(totals) - 1  # twice the middle row
    for row in range(1, len(totals)):
        if totals[row] > totals[best] or (
            totals[row] == totals[best] and abs(2 * row - middle) < abs(2 * best - middle)
        ):
            best = row
    return best


@kernel
def value_area_nb(totals: NDArray[np.int64], poc: int, step: int, parts: int) -> tuple[int, int, int]:
    """Compute the value area by Dalton's rule. Parameters as of `value_area_of_nb`, without the total volume."""
    total = 0
    for row in range(len(totals)):
        total += totals[row]
    return value_area_of_nb(totals, total, poc, step, parts)


@kernel
def value_area_of_nb(  # the cases of Dalton's rule
    totals: NDArray[np.int64], total: int, poc: int, step: int, parts: int
) -> tuple[int, int, int]:
    """Compute the value area by Dalton's rule.

    Parameters
    ----------
    totals : int64 (rows,), contracts, low to high; the first and last row hold volume
    total : their sum
    poc : row with the most volume
    step : number of rows compared and added at a time, 1 or 2
    parts : share of the total volume to include, in millionths

    Returns
    -------
    low, high : the area's lowest and highest row, both included and both traded
    held : contracts in the area
    """
    rows = len(totals)
    low = high = poc
    held = totals[poc]
    above = high + 1  # next row outside on each side
    below = low - 1
    next_up, next_down = above, below  # no row before these, seen from the area, is traded
    while held * PARTS < total * parts and (above < rows or below >= 0):
        up = down = 0
        for row in range(above, min(above + step, rows)):
            up += totals[row]
        for row in range(max(below - step + 1, 0), below + 1):
            down += totals[row]
        if up == 0 and down == 0:
            next_up, next_down = max(next_up, above), min(next_down, below)
            while next_up < rows and totals[next_up] == 0:
                next_up += 1
            while next_down >= 0 and totals[next_down] == 0:
                next_down -= 1
            if next_up < rows and (next_down < 0 or next_up - high <= low - next_down):
                high = next_up
                held += totals[next_up]
            else:
                low = next_down
                held += totals[next_down]
        elif up >= down:
            high = min(above + step - 1, rows - 1)
            held += up
        else:
            low = max(below - step + 1, 0)
            held += down
        above, below = high + 1, low - 1
    while totals[high] == 0:
        high -= 1
    while totals[low] == 0:
        low += 1
    return low, high, held


@making_kernel
def smoothed_nb(totals: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return centred sums over `width` rows (odd): `width` times the mean. Beyond the traded range, volume is 0."""
    rows = len(totals)
    half = width // 2
    sums = np.zeros(rows, np.int64)
    running = 0
    for row in range(-half, rows):
        if row + half < rows:
            running += totals[row + half]
        if row - half - 1 >= 0:
            running -= totals[row - half - 1]
        if row >= 0:
            sums[row] = running
    return sums


@making_kernel
def base_heights_nb(curve: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, per point of a curve (int64, (n,)), the lowest value between it and the next higher point to its left.

    If no point to the left is higher, the lowest value from the curve's beginning on.
    """
    points = len(curve)
    bases = np.empty(points, np.int64)
    stack = np.empty(points, np.int64)
    depth = 0
    for i in range(points):
        lowest = curve[i]
        while depth > 0 and curve[stack[depth - 1]] <= curve[i]:
            depth -= 1
            lowest = min(lowest, bases[stack[depth]])
        bases[i] = lowest
        stack[depth] = i
        depth += 1
    return bases


@making_kernel
def peaks_nb(curve: NDArray[np.int64], least: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of all maxima of at least a prominence (see `nodes_of`), and the prominence of each."""
    points = len(curve)
    left = base_heights_nb(curve)
    right = base_heights_nb(curve[::-1].copy())[::-1]
    rows = np.empty(points, np.int64)
    prominences = np.empty(points, np.int64)
    count = 0
    i = 1
    while i < points - 1:
        if curve[i - 1] < curve[i]:
            end = i
            while end + 1 < points and curve[end + 1] == curve[i]:
                end += 1
            if end + 1 < points and curve[end + 1] < curve[i]:
                middle = (i + end) // 2
                # On a plateau, the left base is complete at its last point, and the right base at its first.
                prominence = curve[i] - max(left[end], right[i])
                if prominence >= least:
                    rows[count] = middle
                    prominences[count] = prominence
                    count += 1
            i = end
        i += 1
    return rows[:count].copy(), prominences[:count].copy()


def nodes_of(curve: NDArray[np.int64], least: float, most: int, *, height: float = -math.inf) -> NDArray[np.int64]:
    """Find interior maxima of at least a topographic prominence and height, like SciPy's `find_peaks`.

    Parameters
    ----------
    curve : int64 (rows,)
    least : minimum prominence
    most : maximum number of results; if there are more, the most prominent are returned, and lower rows first on ties
    height : minimum value

    Returns
    -------
    rows : int64, ascending; a plateau is represented by its middle row, the lower one if there are two
    """
    rows, prominences = peaks_nb(curve, least)
    is_high = curve[rows] >= height
    rows, prominences = rows[is_high], prominences[is_high]
    if len(rows) <= most:
        return rows
    # Not in the kernel: compiling a sort takes longer than compiling all other kernels together.
    return np.sort(rows[np.argsort(-prominences, kind="stable")[:most]])


@kernel
def moments_nb(rows: NDArray[np.int64], totals: NDArray[np.int64], middle: int) -> tuple[int, int, int, int]:
    """Return the sums of volume, volume * d, and volume * d * d in two words, where d = row - middle.

    The square is split in two (d * d = upper * 2**22 + lower), so that with |d| < 2**22 and a session of up to 2**40
    contracts (1.1e12: 12 days at a million a second) no sum overflows int64.

    Parameters
    ----------
    rows, totals : int64 (n,): rows and their volume, contracts
    """
    volume = first = upper = lower = 0
    for at in range(len(rows)):
        held = totals[at]
        d = rows[at] - middle
        volume += held
        first += held * d
        upper += held * ((d * d) >> 22)
        lower += held * ((d * d) & 0x3FFFFF)
    return volume, first, upper, lower


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a profile, as rows counted from its lowest traded row."""

    poc: int
    low: int
    high: int
    held: int
    lvn: NDArray[np.int64]
    hvn: NDArray[np.int64]


def levels_of(totals: NDArray[np.int64], settings: AggregationSettings, *, most_nodes: int) -> Levels:
    """Compute POC, value area and nodes from the total volume by row; the first and last row must hold volume."""
    poc = point_of_control_nb(totals)
    parts = round(settings.value_area * PARTS)
    low, high, held = value_area_nb(totals, poc, settings.value_area_step, parts)
    curve = smoothed_nb(totals, settings.lvn_smooth)
    highest = int(curve.max())
    least = settings.lvn_prominence * highest
    limit = settings.lvn_volume * highest
    hvn = nodes_of(curve, least, most_nodes, height=limit)
    lvn = nodes_of(-curve, least, most_nodes, height=-limit)
    return Levels(poc, low, high, held, lvn, hvn)


def vwap_of(rows: NDArray[np.int64], totals: NDArray[np.int64], *, row0: int, tick_size: int) -> tuple[float, float]:
    """Return VWAP and volume-weighted standard deviation in points, in integers up to the last division and root.

    Parameters
    ----------
    rows : int64 (n,), the rows with volume, ascending
    totals : int64 (n,), their contracts
    row0 : tick number of row 0
    tick_size : 1e-9 units
    """
    if totals.sum() >= _MAX_CONTRACTS:
        return vwap_of_prices((row0 + rows) * tick_size, totals)
    middle = int(rows[0] + rows[-1]) // 2
    volume, first, upper, lower = (int(word) for word in moments_nb(rows, totals, middle))
    second = (upper << 22) + lower
    mean = ((row0 + middle) * volume + first) * tick_size / (volume * PRICE_SCALE)
    variance = (volume * second - first * first) * tick_size**2 / (volume * PRICE_SCALE) ** 2
    return mean, math.sqrt(variance)


def vwap_of_prices(price: NDArray[np.int64], contracts: NDArray[np.int64]) -> tuple[float, float]:
    """Return VWAP and its standard deviation in points from prices (1e-9 units) and contracts of any magnitude.

    Uses Python's unbounded integers, which takes a millisecond for a few thousand prices.
    """
    volume = first = second = 0
    for at, held in zip(price.tolist(), contracts.tolist(), strict=True):
        volume += held
        first += held * at
        second += held * at * at
    variance = (volume * second - first * first) / (volume * PRICE_SCALE) ** 2
    return first / (volume * PRICE_SCALE), math.sqrt(variance)
