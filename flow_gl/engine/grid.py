"""The price grid of one instrument, and the profile's rows on it.

Tick numbers count from price 0. Where a tick size is known (definition, table), prices are expected on it; without
one, the grid is the greatest common divisor of the prices seen. A price off the grid makes it finer, exactly: what was
summed before is rescaled by a whole factor, and the source of the tick then reads OBSERVED. The profile is still read
by the known tick (`row_ticks`): a bad print does not change what a row of it is.

A price that would take the grid beyond `core.market.limits` does not fit this market: the trade is rejected and
counted. While only a few prices have traded, it is unknown which one is wrong: then they are set aside
(`aside`) for the new one, so that a bad first print keeps none of the session's trades from the chart.
"""

import math

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.limits import FINEST_PART, MAX_PRICE, MAX_ROWS, MAX_TICK
from flow_gl.core.schema import PRICE_SCALE, TickSource
from flow_gl.engine.checkpoint import GridState
from flow_gl.engine.kernels.layout import COLUMNS
from flow_gl.engine.kernels.profile import traded_range_nb

_FIRST_ROWS = 1024
_FEW_PRICES = 16
"""At most so many prices are set aside for another one."""
_CENT = 10_000_000
_SPAN = 1 << 62
"""Rows times tick size stay below it: the kernel tells rows apart modulo 2**64."""


class Grid:
    """Tick size and profile rows; `state` (STATE) and `pending` (PENDING) are kept in step.

    Attributes
    ----------
    profile : int64 (rows * COLUMNS,), the session's volume by row
    source : where the tick size comes from; None before anything is known
    tick_size : to be shown, 1e-9 units; 0 while unknown
    known_tick : tick size of the definition or the table; 0 where there is none
    aside : contracts (buy, sell, unsided) by price, where the rows do not reach
    is_tick_guessed : the tick is a round number that prices fit, finer than the instrument's own may be
    """

    def __init__(self, state: NDArray[np.void], pending: NDArray[np.void]) -> None:
        self._state = state
        self._pending = pending
        self.profile: NDArray[np.int64] = np.zeros(0, np.int64)
        self.source: TickSource | None = None
        self.known_tick = 0
        self.aside: dict[int, tuple[int, int, int]] = {}
        self.is_tick_guessed = False
        self._seen_only_zero = True

    @property
    def row_ticks(self) -> int:
        """Ticks of the grid that make one tick of the instrument."""
        tick_size = self.tick_size
        return self.known_tick // tick_size if self.known_tick and self.known_tick % tick_size == 0 else 1

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
        self.known_tick, self.is_tick_guessed = tick_size, False
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
        if price % self.tick_size == 0:
            return self._reach(price // self.tick_size) or self._make_room(price)
        finer = math.gcd(self.tick_size, abs(price))
        if finer * FINEST_PART < self.known_tick:
            return False
        if self._refine(finer, price):
            self.source = TickSource.OBSERVED
            return True
        return self._make_room(price)

    def clear(self) -> None:
        """Begin an empty profile; its rows are laid out around the next price."""
        self.profile = np.zeros(0, np.int64)
        self.aside = {}
        self._state["row0"][0] = 0

    def keep(self) -> GridState:
        """What `state` and `pending` do not hold."""
        return GridState(
            self.source, self._seen_only_zero, self.profile.tobytes(), self.known_tick, self.aside, self.is_tick_guessed
        )

    def resume(self, kept: GridState) -> None:
        """Go on from what was kept; `state` and `pending` have been put back."""
        self.source, self._seen_only_zero = kept.source, kept.has_seen_only_zero
        self.profile = np.frombuffer(kept.profile, np.int64).copy()
        self.known_tick, self.aside = kept.known_tick, dict(kept.aside)
        self.is_tick_guessed = kept.is_tick_guessed

    def traded(self) -> tuple[int, int]:
        """First and last row with volume, half-open."""
        first, last = traded_range_nb(self.profile)
        return int(first), int(last)

    def _make_room(self, price: int) -> bool:
        """Set the few prices aside that keep another one from the grid. False where they are not few."""
        pool = dict(self.aside)
        first, last = self.traded()
        held = self.profile.reshape(-1, COLUMNS)[first:last, :3]
        at = np.flatnonzero(held.any(axis=1))
        if len(at) + len(pool) > _FEW_PRICES:
            return False
        for row in at.tolist():
            pool[(self.row0 + first + row) * self.tick_size] = tuple(held[row].tolist())
        for tick_size in (self.tick_size, self.known_tick or _decimal_tick(price)):
            if price % tick_size == 0 and abs(price) // tick_size < MAX_TICK:
                self._rebuild(price, tick_size, pool)
                return True
        return False

    def _rebuild(self, price: int, tick_size: int, pool: dict[int, tuple[int, int, int]]) -> None:
        """Lay the grid out around a price; what it does not reach of `pool` (contracts by price) is set aside."""
        if tick_size != self.tick_size:
            sums = [_wrapped(round(total * self.tick_size / tick_size)) for total in self._weights()]
            self._pending["weighted"] = sums
            self._state["tick_size"][0] = tick_size
            self.is_tick_guessed = tick_size != self.known_tick
            self.source = TickSource.OBSERVED if self.is_tick_guessed else self.source
        tick = price // tick_size
        on_grid = {p // tick_size: contracts for p, contracts in pool.items() if p % tick_size == 0}
        # Of all stretches of rows that hold the price, the one with the most contracts.
        starts = [low for low in (*on_grid, tick) if low <= tick < low + MAX_ROWS]
        near = max(
            ({at: held for at, held in on_grid.items() if low <= at < low + MAX_ROWS} for low in starts),
            key=lambda found: sum(map(sum, found.values())),
        )
        self.clear()
        self.aside = {p: v for p, v in pool.items() if p % tick_size or p // tick_size not in near}
        self._lay_out(min(tick, *near, tick), max(tick, *near, tick), 1)
        rows = self.profile.reshape(-1, COLUMNS)
        for number, contracts in near.items():
            rows[number - self.row0, :3] = contracts

    def _weights(self) -> list[int]:
        """Sums of size * tick number of what is open, beyond 64 bits: read relative to each bubble's low."""
        weights = []
        for row in self._pending:
            volume, low = int(row["buy"] + row["sell"] + row["unsided"]), int(row["low"]) // self.tick_size
            rest = (int(row["weighted"]) - low * volume) % (1 << 64)
            weights.append(low * volume + rest if row["trade_count"] else 0)
        return weights

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
        sums = self._weights()
        if (ticks % factor).any() or any(total % factor for total in sums) or self.aside:
            return False
        size = self.tick_size * factor
        held = rows[ticks - self.row0 - first]
        self._state["tick_size"][0] = size
        self._pending["weighted"] = [_wrapped(total // factor) for total in sums]
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


def _decimal_tick(price: int) -> int:
    """Largest power of ten that divides a price, a cent at most (1e-9 units)."""
    tick_size = _CENT
    while price % tick_size:
        tick_size //= 10
    return tick_size


def _wrapped(total: int) -> int:
    """A sum modulo 2**64, as int64 has it."""
    return (total + (1 << 63)) % (1 << 64) - (1 << 63)
