"""The regime of the synthetic market: activity, volatility and imbalance in each cell of time.

Four hidden processes, the same for every contract, each an autoregression over cells of time (1 s, or less when
trades come fast): activity (its logarithm), bursts (rare jumps that fade), imbalance (of buyers and sellers) and a
common price move. A block's values are one matrix product with a triangular matrix of powers, so there is no Python
loop over cells. Activity is multiplied by the pace of the day.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import SECOND_NS

Floats = NDArray[np.float64]

DAY_S: Final = 86_400
NEW_YORK: Final = ZoneInfo("America/New_York")

_PACE: Final = (
    (0.0, 0.14), (2.0, 0.16), (3.0, 0.34), (4.5, 0.26), (7.0, 0.28), (8.4, 0.4), (8.5, 0.8), (8.75, 0.5),
    (9.49, 0.7), (9.5, 2.2), (9.75, 1.7), (10.5, 1.1), (12.0, 0.62), (13.5, 0.6), (15.0, 0.9), (15.8, 1.3),
    (15.99, 1.7), (16.02, 0.35), (17.0, 0.15), (18.0, 0.6), (18.25, 0.32), (20.0, 0.22), (24.0, 0.14),
)  # fmt: skip
"""Hour of the day in New York, and the pace at that hour; 1 is an ordinary morning."""
_CLOSE_HOUR: Final = 17
_OPEN_HOUR: Final = 18
_SATURDAY: Final = 5

_ACTIVITY_TAU_S: Final = 60.0
_IMBALANCE_TAU_S: Final = 25.0
_BURST_TAU_S: Final = 4.0
_FLURRY_TAU_S: Final = 2.0
_BURSTS_PER_S: Final = 1 / 240
_BURST_HEIGHT: Final = 5.0
_BURST_MEAN: Final = _BURSTS_PER_S * _BURST_HEIGHT * _BURST_TAU_S


@dataclass(frozen=True, slots=True)
class Regime:
    """One block of time, divided into cells. All arrays have one float64 per cell.

    Attributes
    ----------
    start_ns, cell_ns : start of the block and length of a cell, ns
    activity : rate of trading relative to the ordinary pace; 0 when the exchange is closed
    imbalance : -1 (only sellers) to 1 (only buyers)
    common_move : a price move that all contracts share, in standard deviations of one cell
    volatility : factor of the price's moves; one for all cells unless an episode sets it
    orders : large orders of an episode: time, ns, and contracts, negative for a sell
    """

    start_ns: int
    cell_ns: int
    activity: Floats
    imbalance: Floats
    common_move: Floats
    volatility: Floats | float = 1.0
    orders: tuple[tuple[int, int], ...] = ()

    @property
    def duration_ns(self) -> int:
        return self.cell_ns * len(self.activity)


class RegimeProcess:
    """Generates one Regime after the other.

    Parameters
    ----------
    seed : seed of its own random stream
    """

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._random: Final = np.random.Generator(np.random.SFC64(seed))
        self._activity = 0.0
        self._imbalance = 0.0
        self._flurry = 0.0
        self._burst = 0.0
        self._push = 0.0

    def next(self, start_ns: int, cell_ns: int, cells: int, *, is_natural: bool) -> Regime:
        """The regime of the block that follows the last one.

        With `is_natural`, it has the pace of the day, swings and bursts of a market; otherwise a nearly steady rate.
        """
        random = self._random
        noise = random.standard_normal((5, cells))
        spread = 0.55 if is_natural else 0.15
        step_s = cell_ns / SECOND_NS
        activity = _autoregress(self._activity, noise[0], step_s, _ACTIVITY_TAU_S)
        imbalance = _autoregress(self._imbalance, noise[1], step_s, _IMBALANCE_TAU_S)
        is_burst = random.random(cells) < _BURSTS_PER_S * step_s
        jumps = np.where(is_burst, random.exponential(_BURST_HEIGHT, cells), 0.0)
        sides = np.where(noise[3] > 0, 1.0, -1.0)
        burst = _fade(self._burst, jumps, step_s)
        push = _fade(self._push, jumps * sides, step_s)
        flurry = _autoregress(self._flurry, noise[4], step_s, _FLURRY_TAU_S)
        self._activity, self._imbalance, self._flurry = float(activity[-1]), float(imbalance[-1]), float(flurry[-1])
        self._burst, self._push = float(burst[-1]), float(push[-1])

        level = np.exp(spread * activity - spread * spread / 2)
        if is_natural:
            level *= (1.0 + burst) / (1.0 + _BURST_MEAN) * pace(start_ns, cell_ns, cells)
        lean = 0.24 * imbalance + 0.5 * np.tanh(push / _BURST_HEIGHT)
        if not is_natural:
            # A second of few trades is one-sided by chance, a second of thousands only if one side is aggressive.
            lean += 0.3 * flurry
        return Regime(start_ns, cell_ns, level, np.clip(lean, -0.85, 0.85), noise[2])


def pace(start_ns: int, cell_ns: int, cells: int) -> Floats:
    """Return the pace of the day at each cell's start: dtype float64, shape (cells,)."""
    local_s = _local_seconds(start_ns)
    hours = (local_s + np.arange(cells) * (cell_ns / SECOND_NS)) % DAY_S / 3600
    at, value = _pace_knots()
    return np.interp(hours, at, value)


def closed_spells(start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """Return when the exchange is closed in [start, end): 17:00-18:00 New York, and Friday 17:00 to Sunday 18:00."""
    spells: list[tuple[int, int]] = []
    day = datetime.fromtimestamp(start_ns / SECOND_NS, NEW_YORK).date().toordinal() - 2
    while True:
        date = datetime.fromordinal(day)
        day += 1
        if date.weekday() >= _SATURDAY:
            continue
        days_closed = 2 if date.weekday() == _SATURDAY - 1 else 0
        close = date.replace(hour=_CLOSE_HOUR, tzinfo=NEW_YORK)
        reopen = datetime.fromordinal(date.toordinal() + days_closed).replace(hour=_OPEN_HOUR, tzinfo=NEW_YORK)
        first, last = (int(at.astimezone(UTC).timestamp()) * SECOND_NS for at in (close, reopen))
        if first >= end_ns:
            return spells
        if last > start_ns:
            spells.append((first, last))


def is_within(spells: Sequence[tuple[int, int]], ts_ns: int) -> bool:
    """Return whether a time lies in one of the intervals [first, last), which are in order."""
    at = bisect_right(spells, ts_ns, key=lambda spell: spell[0])
    return at > 0 and ts_ns < spells[at - 1][1]


def _local_seconds(ts_ns: int) -> float:
    local = datetime.fromtimestamp(ts_ns // SECOND_NS, NEW_YORK)
    return local.hour * 3600 + local.minute * 60 + local.second + ts_ns % SECOND_NS / SECOND_NS


@lru_cache(maxsize=1)
def _pace_knots() -> tuple[Floats, Floats]:
    at, value = np.array(_PACE).T
    return at, value


def _autoregress(last: float, noise: Floats, step_s: float, tau_s: float) -> Floats:
    """Continue from `last` by len(noise) steps of a stationary autoregression of unit variance."""
    keep = float(np.exp(-step_s / tau_s))
    memory, carry = _powers(keep, len(noise))
    values: Floats = memory @ (noise * np.sqrt(1 - keep * keep)) + carry * last
    return values


def _fade(last: float, jumps: Floats, step_s: float) -> Floats:
    memory, carry = _powers(float(np.exp(-step_s / _BURST_TAU_S)), len(jumps))
    values: Floats = memory @ jumps + carry * last
    return values


@lru_cache(maxsize=64)
def _powers(keep: float, count: int) -> tuple[Floats, Floats]:
    """Return the lower triangle of keep ** (row - column), and keep ** (row + 1)."""
    rows = np.arange(count)
    lag = rows[:, None] - rows[None, :]
    memory: Floats = np.where(lag >= 0, keep ** np.maximum(lag, 0), 0.0)
    carry: Floats = np.power(keep, rows + 1.0, dtype=np.float64)
    return memory, carry
