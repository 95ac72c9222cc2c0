"""The footprint of the open minute: contracts by tick, int64, `COLUMNS` per tick (buys, unsided, sells, padding).

A price too far from the others cannot be in it (see `core.market.limits`). While few prices have traded, it is unknown
which one is odd, and the footprint begins again around the new one; later the odd trade is left out.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.limits import MAX_ROWS
from flow_gl.engine.detectors.base import NONE
from flow_gl.engine.kernels.jit import kernel

COLUMNS: Final = 4
_ROWS: Final = 256
_FEW_PRICES: Final = 16
_RESERVE: Final = 1 << 16
"""Most rows that are added in reserve."""


def empty_rows() -> NDArray[np.int64]:
    """Return the rows of a footprint without trades."""
    return np.zeros(_ROWS * COLUMNS, np.int64)


@kernel
def held_nb(read: Any, rows: NDArray[np.int64], number: int, column: int) -> int:
    """Return the contracts of a row of the open minute: the sum over its `row_ticks` ticks; 0 if it is outside."""
    size, total = read["row_ticks"], 0
    for tick in range(max(number * size, read["minute_low"]), min((number + 1) * size, read["minute_high"] + 1)):
        total += rows[COLUMNS * (tick - read["base"]) + column]
    return total


def make_room(read: NDArray[np.void], rows: NDArray[np.int64], tick: int) -> NDArray[np.int64] | None:
    """Return rows that also include `tick`, with the content of the open minute; updates READ, shape (1,).

    Return None if the price is odd.
    """
    low, high = int(read["minute_low"][0]), int(read["minute_high"][0])
    if max(high, tick) - min(low, tick) >= MAX_ROWS:
        if np.count_nonzero(kept_rows(read, rows).reshape(-1, COLUMNS).any(axis=1)) > _FEW_PRICES:
            return None
        read["minute_low"] = read["minute_high"] = tick
        return resumed(read, np.zeros(COLUMNS, np.int64))
    return _laid_out(read, kept_rows(read, rows), low, min(low, tick), max(high, tick))


def kept_rows(read: NDArray[np.void], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the open minute from its lowest to its highest tick; none if it has no trade."""
    if read["minute"][0] == NONE:
        return rows[:0]
    first = int(read["minute_low"][0] - read["base"][0])
    return rows[COLUMNS * first : COLUMNS * (first + int(read["minute_high"][0] - read["minute_low"][0]) + 1)].copy()


def resumed(read: NDArray[np.void], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that `kept_rows` was given, for READ as it was then."""
    if read["minute"][0] == NONE:
        return empty_rows()
    low = int(read["minute_low"][0])
    return _laid_out(read, kept, low, low, int(read["minute_high"][0]))


def rescaled(read: NDArray[np.void], rows: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Return the rows with `factor` ticks per old tick, and update READ's ticks of the minute."""
    kept = kept_rows(read, rows).reshape(-1, COLUMNS)
    if (len(kept) - 1) * factor >= MAX_ROWS:
        read["minute"] = NONE
    if read["minute"][0] == NONE:
        return empty_rows()
    spread = np.zeros(((len(kept) - 1) * factor + 1, COLUMNS), np.int64)
    spread[::factor] = kept
    read["minute_low"] *= factor
    read["minute_high"] *= factor
    return resumed(read, spread.reshape(-1))


def _laid_out(read: NDArray[np.void], kept: NDArray[np.int64], low: int, first: int, last: int) -> NDArray[np.int64]:
    """Allocate rows around ticks `first` to `last`, both included, and put `kept` there from tick `low` on."""
    count = last - first + 1
    rows = np.zeros(max(_ROWS, count + min(count, _RESERVE)) * COLUMNS, np.int64)
    read["base"] = first - (len(rows) // COLUMNS - count) // 2
    at = COLUMNS * (low - int(read["base"][0]))
    rows[at : at + len(kept)] = kept
    return rows
