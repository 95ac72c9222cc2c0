"""The price grid of one instrument, and the profile's rows on it.

Tick numbers count from price 0. Where a tick size is known (definition, table), prices are expected on it; without
one, the grid is the greatest common divisor of the prices seen. A price off the grid makes it finer, exactly: what was
summed before is rescaled by a whole factor, and the source of the tick then reads OBSERVED. A price that would take
the grid beyond `MAX_ROWS` rows or `MAX_TICK` is no price of this market: the trade is rejected and counted.
"""

import math

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import PRICE_SCALE, TickSource
from flow_gl.engine.checkpoint import GridState
from flow_gl.engine.layout import COLUMNS, MAX_PRICE, MAX_ROWS, MAX_TICK
from flow_gl.engine.profile import traded_range_nb

_FIRST_ROWS = 1024
_SPAN = 1 << 62
"""Rows times tick size stay below it: the kernel tells rows apart modulo 2**64."""


class Grid:
    """Tick size and profile rows; `state` (STATE) and `pending` (PENDING) are kept in step.

    Attributes
    ----------
    profile : int64 (rows * COLUMNS,), the session's volume by row
    source : where the tick size comes from; None before anything is known
    tick_size : to be shown, 1e-9 units; 0 while unknown
    """

    def __init__(self, state: NDArray[np.void], pending: NDArray[np.void]) -> None:
        self._state = state
        self._pending = pending
        self.profile: NDArray[np.int64] = np.zeros(0, np.int64)
        self.source: TickSource | None = None
        self._seen_only_zero = True

    @property
    def tick_size(self) -> int:
        return int(self._state["tick_size"][0])

    @property
    def row0(self) -> int:
        """Tick number of the profile's first row."""
        return int(self._state["row0"][0])

    def learn(self, tick_size: int, source: TickSource) -> None:
        """Take a tick size from a definition or the table. A better-founded one that is in force stays."""
        if tick_size <= 0 or (self.source is not None and self.source < source):
            return
        current = self.tick_size
        if self._seen_only_zero or current == tick_size:
            self._state["tick_size"][0] = tick_size
            self.source = source
        elif current % tick_size == 0:
            if self._refine(tick_size):
                self.source = source
        elif tick_size % current == 0 and self._coarsen(tick_size // current):
            self.source = source
        elif self._refine(math.gcd(tick_size, current)):
            self.source = TickSource.OBSERVED
        self._seen_only_zero = False

    def fit(self, price: int) -> bool:
        """Make room for a price (1e-9). False where it cannot be a price of this market."""
        if abs(price) >= MAX_PRICE:
            return False
        if self.tick_size == 0 or (self._seen_only_zero and price):
            # Price 0 lies on every grid: the first price other than 0 decides. Until then there is one row (see
            # `_lay_out`), so that the kernel stops at any other price instead of taking it as a multiple of this tick.
            self._state["tick_size"][0] = abs(price) or PRICE_SCALE
            self.source = TickSource.OBSERVED
            self._seen_only_zero = price == 0
        if price % self.tick_size:
            if not self._refine(math.gcd(self.tick_size, abs(price)), price):
                return False
            self.source = TickSource.OBSERVED
        return self._reach(price // self.tick_size)

    def clear(self) -> None:
        """Begin an empty profile; its rows are laid out anew around the next price."""
        self.profile = np.zeros(0, np.int64)
        self._state["row0"][0] = 0

    def keep(self) -> GridState:
        """What `state` and `pending` do not hold."""
        return GridState(self.source, self._seen_only_zero, self.profile.tobytes())

    def resume(self, kept: GridState) -> None:
        """Go on from what was kept; `state` and `pending` have been put back."""
        self.source, self._seen_only_zero = kept.source, kept.has_seen_only_zero
        self.profile = np.frombuffer(kept.profile, np.int64).copy()

    def traded(self) -> tuple[int, int]:
        """First and last row with volume, half-open."""
        first, last = traded_range_nb(self.profile)
        return int(first), int(last)

    def _reach(self, tick: int) -> bool:
        if abs(tick) >= MAX_TICK:
            return False
        row, rows = tick - self.row0, len(self.profile) // COLUMNS
        if 0 <= row < rows:
            return True
        first, last = self.traded()
        low, high = (tick, tick) if first == last else (min(tick, self.row0 + first), max(tick, self.row0 + last - 1))
        if high - low >= MAX_ROWS:
            return False
        self._lay_out(low, high, 1)
        return True

    def _refine(self, tick_size: int, price: int | None = None) -> bool:
        factor = self.tick_size // tick_size
        first, last = self.traded()
        low, high = (self.row0 + first) * factor, (self.row0 + last - 1) * factor
        if first == last:
            low = high = 0 if price is None else price // tick_size
        elif price is not None:
            low, high = min(low, price // tick_size), max(high, price // tick_size)
        if high - low >= MAX_ROWS or max(abs(low), abs(high)) >= MAX_TICK:
            return False
        self._state["tick_size"][0] = tick_size
        self._pending["weighted"] *= factor
        self._lay_out(low, high, factor)
        return True

    def _coarsen(self, factor: int) -> bool:
        first, last = self.traded()
        rows = self.profile.reshape(-1, COLUMNS)[first:last]
        ticks = self.row0 + first + np.flatnonzero(rows.any(axis=1))
        if (ticks % factor).any() or (self._pending["weighted"] % factor).any():
            return False
        size = self.tick_size * factor
        held = rows[ticks - self.row0 - first]
        self._state["tick_size"][0] = size
        self._pending["weighted"] //= factor
        self.clear()
        if len(ticks):
            ticks //= factor
            self._lay_out(int(ticks[0]), int(ticks[-1]), 1)
            self.profile.reshape(-1, COLUMNS)[ticks - self.row0] = held
        return True

    def _lay_out(self, low: int, high: int, factor: int) -> None:
        """Lay the rows out around ticks [low, high]; the old rows' ticks are multiplied by a factor."""
        first, last = self.traded()
        ticks = (self.row0 + np.arange(first, last)) * factor
        held = self.profile.reshape(-1, COLUMNS)[first:last]
        rows = 1
        if not self._seen_only_zero:
            rows = min(_FIRST_ROWS, max(4, _SPAN // self.tick_size))
            while rows < 2 * (high - low + 1) and rows < MAX_ROWS:
                rows *= 2
        row0 = low - (rows - (high - low + 1)) // 2
        profile = np.zeros((rows, COLUMNS), np.int64)
        profile[ticks - row0] = held
        self.profile = profile.reshape(-1)
        self._state["row0"][0] = row0
