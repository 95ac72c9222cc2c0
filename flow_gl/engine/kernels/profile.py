"""What is read from a volume profile: POC, value area, low- and high-volume nodes, VWAP.

All work on the traded part of the profile: row 0 and the last row hold volume. They run when somebody looks (at
publishing), not per trade, and never loop over trades.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.settings import AggregationSettings
from flow_gl.engine.kernels.jit import kernel, making_kernel
from flow_gl.engine.kernels.layout import COLUMNS

_MOST_CONTRACTS = 1 << 40
"""Of a session whose sums of squares the kernel can hold."""
PARTS = 1_000_000
"""The value area's share is taken in millionths, so that "at least 70 %" is decided in integers."""


@kernel
def traded_range_nb(profile: NDArray[np.int64]) -> tuple[int, int]:
    """First and last row with volume, as a half-open range; (0, 0) where there is none."""
    first, last = 0, len(profile) // COLUMNS - 1
    while first <= last and profile[4 * first] + profile[4 * first + 1] + profile[4 * first + 2] == 0:
        first += 1
    while last >= first and profile[4 * last] + profile[4 * last + 1] + profile[4 * last + 2] == 0:
        last -= 1
    if last < first:
        return 0, 0
    return first, last + 1


@making_kernel
def totals_nb(profile: NDArray[np.int64], first: int, last: int) -> NDArray[np.int64]:
    """Total volume of the rows [first, last)."""
    totals = np.empty(last - first, np.int64)
    for row in range(first, last):
        totals[row - first] = profile[4 * row] + profile[4 * row + 1] + profile[4 * row + 2]
    return totals


@kernel
def point_of_control_nb(totals: NDArray[np.int64]) -> int:
    """Row with the most volume; ties: nearest to the middle of the range, then the lower."""
    best = 0
    middle = len(totals) - 1  # twice the middle row
    for row in range(1, len(totals)):
        if totals[row] > totals[best] or (
            totals[row] == totals[best] and abs(2 * row - middle) < abs(2 * best - middle)
        ):
            best = row
    return best


@kernel
def value_area_nb(  # noqa: PLR0912  # Dalton's rule has that many cases
    totals: NDArray[np.int64], poc: int, step: int, parts: int
) -> tuple[int, int, int]:
    """Value area by Dalton's rule.

    Parameters
    ----------
    totals : int64 (rows,), contracts, low to high; the first and last row hold volume
    poc : row of the most volume
    step : rows that are compared and added at a time, 1 or 2
    parts : share of the total to hold, in millionths

    Returns
    -------
    low, high : rows, both in the area and both traded
    held : contracts
    """
    rows = len(totals)
    total = 0
    for row in range(rows):
        total += totals[row]
    low = high = poc
    held = totals[poc]
    above = high + 1  # next row outside on each side
    below = low - 1
    while held * PARTS < total * parts and (above < rows or below >= 0):
        up = down = 0
        for row in range(above, min(above + step, rows)):
            up += totals[row]
        for row in range(max(below - step + 1, 0), below + 1):
            down += totals[row]
        if up == 0 and down == 0:
            next_up, next_down = above, below
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
    """Centred sums over `width` rows (odd): `width` times the mean. Beyond the traded range the volume is 0."""
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
    """Per point, the lowest value between it and the next higher point to the left (or the curve's end)."""
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
    """Rows of `nodes_of`, as many as there are, and the prominence of each."""
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
                # The left base is complete at the plateau's last point, the right one at its first.
                prominence = curve[i] - max(left[end], right[i])
                if prominence >= least:
                    rows[count] = middle
                    prominences[count] = prominence
                    count += 1
            i = end
        i += 1
    return rows[:count].copy(), prominences[:count].copy()


def nodes_of(curve: NDArray[np.int64], least: float, most: int, *, height: float = -math.inf) -> NDArray[np.int64]:
    """Find interior maxima of at least a topographic prominence and height, as SciPy's `find_peaks` does.

    Parameters
    ----------
    curve : int64 (rows,)
    least : prominence that a maximum must have
    most : how many are returned: where there are more, the most prominent, then the lower rows
    height : value that a maximum must have

    Returns
    -------
    rows : int64, rising; of a plateau its middle, the lower where there are two
    """
    rows, prominences = peaks_nb(curve, least)
    is_high = curve[rows] >= height
    rows, prominences = rows[is_high], prominences[is_high]
    if len(rows) <= most:
        return rows
    # Not in the kernel: to compile a sort takes longer than all other kernels together.
    return np.sort(rows[np.argsort(-prominences, kind="stable")[:most]])


@kernel
def moments_nb(totals: NDArray[np.int64], middle: int) -> tuple[int, int, int, int]:
    """Sums of volume, volume * d, and volume * d * d in two words, d = row - middle.

    The square is cut in two (d * d = upper * 2**22 + lower), so that with |d| < 2**22 and a session of up to 2**40
    contracts (1.1e12: 12 days at a million a second) no sum leaves int64.
    """
    volume = first = upper = lower = 0
    for row in range(len(totals)):
        held = totals[row]
        d = row - middle
        volume += held
        first += held * d
        upper += held * ((d * d) >> 22)
        lower += held * ((d * d) & 0x3FFFFF)
    return volume, first, upper, lower


@dataclass(frozen=True, slots=True)
class Levels:
    """What a profile says, in rows from its lowest traded one."""

    poc: int
    low: int
    high: int
    held: int
    lvn: NDArray[np.int64]
    hvn: NDArray[np.int64]


def levels_of(totals: NDArray[np.int64], settings: AggregationSettings, *, most_nodes: int) -> Levels:
    """Read POC, value area and nodes from total volume by row (the first and last row hold volume)."""
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


def vwap_of(totals: NDArray[np.int64], *, row0: int, tick_size: int) -> tuple[float, float]:
    """VWAP and volume-weighted standard deviation in points; integers up to the last division and root.

    Parameters
    ----------
    totals : int64 (rows,), contracts by row
    row0 : tick number of the first row
    tick_size : 1e-9 units
    """
    if totals.sum() >= _MOST_CONTRACTS:
        rows = np.flatnonzero(totals)
        return vwap_of_prices((row0 + rows) * tick_size, totals[rows])
    middle = len(totals) // 2
    volume, first, upper, lower = (int(word) for word in moments_nb(totals, middle))
    second = (upper << 22) + lower
    mean = ((row0 + middle) * volume + first) * tick_size / (volume * PRICE_SCALE)
    variance = (volume * second - first * first) * tick_size**2 / (volume * PRICE_SCALE) ** 2
    return mean, math.sqrt(variance)


def vwap_of_prices(price: NDArray[np.int64], contracts: NDArray[np.int64]) -> tuple[float, float]:
    """VWAP and its deviation in points, as `vwap_of`, from any prices (1e-9) and numbers of contracts: without limits.

    Python's integers grow; with a few thousand prices that takes a millisecond.
    """
    volume = first = second = 0
    for at, held in zip(price.tolist(), contracts.tolist(), strict=True):
        volume += held
        first += held * at
        second += held * at * at
    variance = (volume * second - first * first) / (volume * PRICE_SCALE) ** 2
    return first / (volume * PRICE_SCALE), math.sqrt(variance)
