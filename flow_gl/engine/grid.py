"""The price grid of one instrument, and the profile's rows on it.

Tick numbers count from price 0. If a tick size is known (from a definition or the table), prices should be multiples of
it; otherwise the tick is the greatest common divisor of the prices seen. A price off the grid makes the grid finer,
exactly: earlier sums are multiplied by an integer, and the source of the tick becomes OBSERVED. The published profile
keeps the known tick (`row_ticks`), so a bad print does not change the height of its rows.

A trade whose price would take the grid beyond `core.market.limits` is rejected and counted. While only a few prices
have traded, however, it is unknown which one is wrong. The earlier prices are then moved to `aside` to make room for
the new one, so that a bad first print does not keep later trades off the chart.
"""

import math

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.limits import FINEST_PART, MAX_PRICE, MAX_ROWS, MAX_TICK
from flow_gl.core.schema import PRICE_SCALE, TickSource
from flow_gl.engine.checkpoint import GridState
from flow_gl.engine.kernels.layout import COLUMNS
from flow_gl.engine.kernels.profile import traded_range_nb, traded_rows_nb

Traded = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows or prices, int64 (n,), ascending, and their contracts, int64 (n, 3): buy, sell, unsided."""

_FIRST_ROWS = 1024
_FEW_PRICES = 16
"""Maximum number of prices that may be set aside."""
_CENT = 10_000_000
_SPAN = 1 << 62
"""Limit for rows times tick size, because the kernel computes row numbers modulo 2**64."""


class Grid:
    """The tick size and the profile's rows.

    Parameters
    ----------
    state, pending : STATE (1,) and PENDING (MAX_LODS,), updated together with the grid

    Attributes
    ----------
    profile : int64, shape (rows * COLUMNS,): the session's contracts by row
    source : origin of the tick size; None if unknown
    tick_size : the grid's tick, 1e-9 units; 0 if unknown
    known_tick : tick size from the definition or the table, 1e-9 units; 0 if there is none
    known_source : which of the two; None if there is none
    aside : contracts (buy, sell, unsided) by price, for prices outside the rows
    is_tick_guessed : the tick is a power of ten that divides the prices, and may be finer than the instrument's own
    """

    def __init__(self, state: NDArray[np.void], pending: NDArray[np.void]) -> None:
        self._state = state
        self._pending = pending
        self.profile: NDArray[np.int64] = np.zeros(0, np.int64)
        self.source: TickSource | None = None
        self.known_tick = 0
        self.known_source: TickSource | None = None
        self.aside: dict[int, tuple[int, int, int]] = {}
        self.is_tick_guessed = False
        self._seen_only_zero = True

    @property
    def row_ticks(self) -> int:
        """Number of grid ticks in one tick of the instrument."""
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
        """Apply a tick size (1e-9 units) from a definition or the table, unless a more reliable one is in use."""
        if tick_size <= 0 or (self.source is not None and self.source < source):
            return
        self.known_tick, self.known_source, self.is_tick_guessed = tick_size, source, False
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
        """Extend the grid to a price (1e-9 units); return False if the price is outside the possible range."""
        if abs(price) >= MAX_PRICE:
            return False
        if self.tick_size == 0 or (self._seen_only_zero and price):
            # Price 0 lies on every grid, so the first other price sets the tick. Until then there is only one row (see
            # `_lay_out`), so that the kernel stops at any other price instead of treating it as a multiple of the tick.
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
        """Empty the profile; its rows are allocated around the next price."""
        self.profile = np.zeros(0, np.int64)
        self.aside = {}
        self._state["row0"][0] = 0

    def keep(self) -> GridState:
        """Return the state that `state` and `pending` do not hold, for a checkpoint."""
        return GridState(
            *(self.source, self._seen_only_zero, self.profile.tobytes(), self.known_tick, self.aside),
            *(self.is_tick_guessed, self.known_source),
        )

    def resume(self, kept: GridState) -> None:
        """Restore what `keep` returned, after `state` and `pending` have been restored."""
        self.source, self._seen_only_zero = kept.source, kept.has_seen_only_zero
        self.profile = np.frombuffer(kept.profile, np.int64).copy()
        self.known_tick, self.known_source, self.aside = kept.known_tick, kept.known_source, dict(kept.aside)
        self.is_tick_guessed = kept.is_tick_guessed

    def rows(self) -> Traded:
        """Return the profile's rows with volume, ascending, and their contracts; prices set aside have none."""
        at = traded_rows_nb(self.profile)
        return at, self.profile.reshape(-1, COLUMNS)[at, :3]

    def contracts(self, rows: Traded | None = None) -> Traded:
        """Return the traded prices (1e-9 units, ascending) and their contracts.

        Parameters
        ----------
        rows : what `rows` returns, if it is known
        """
        at, contracts = self.rows() if rows is None else rows
        price = (self.row0 + at) * self.tick_size
        if self.aside:
            price = np.concatenate([price, np.array(list(self.aside), np.int64)])
            contracts = np.concatenate([contracts, np.array(list(self.aside.values()), np.int64)])
            price, place = np.unique(price, return_inverse=True)
            merged = np.zeros((len(price), 3), np.int64)
            np.add.at(merged, place, contracts)
            contracts = merged
        return price, contracts

    def traded(self) -> tuple[int, int]:
        """Return the range of rows with volume, half-open; (0, 0) if there is none."""
        first, last = traded_range_nb(self.profile)
        return int(first), int(last)

    def _make_room(self, price: int) -> bool:
        """Set earlier prices aside to fit a new one; return False if too many prices have traded."""
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
        """Rebuild the grid around a price; prices of `pool` (contracts by price) outside its rows are set aside."""
        if tick_size != self.tick_size:
            sums = [_wrapped(round(total * self.tick_size / tick_size)) for total in self._weights()]
            self._pending["weighted"] = sums
            self._state["tick_size"][0] = tick_size
            self.is_tick_guessed = tick_size != self.known_tick
            self.source = TickSource.OBSERVED if self.is_tick_guessed else self.source
        tick = price // tick_size
        on_grid = {p // tick_size: contracts for p, contracts in pool.items() if p % tick_size == 0}
        # Of all row ranges that contain the price, choose the one with the most contracts.
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
        """Return the open bubbles' sums of size * tick number as unbounded integers.

        The stored sums are modulo 2**64; they are reconstructed relative to each bubble's low.
        """
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
        """Allocate rows around ticks low to high, both included; multiply the ticks of the old rows by `factor`."""
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
    """Return the largest power of ten that divides a price, at most a cent (1e-9 units)."""
    tick_size = _CENT
    while price % tick_size:
        tick_size //= 10
    return tick_size


def _wrapped(total: int) -> int:
    """Reduce an integer modulo 2**64 to the range of int64."""
    return (total + (1 << 63)) % (1 << 64) - (1 << 63)
