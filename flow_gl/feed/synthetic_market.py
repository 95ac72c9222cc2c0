"""The synthetic market: trades made block by block with NumPy, the same for the same seed whoever reads them.

In each block orders come in runs (parents by a Poisson process, their followers milliseconds later), take a side
that leans with the imbalance, and meet quotes around a hidden fair price. The fair price moves with time, with the
imbalance and with each finished run, so that aggression and price go together; a buy prints at the ask, a sell at
the bid, which gives the bounce. An order that meets several resting orders becomes several records with one
`ts_event`, side and sequence, at ever worse prices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE, Side
from flow_gl.feed.synthetic_contracts import Contract
from flow_gl.feed.synthetic_mood import SECOND_NS, Mood

_PUBLISHER: Final = 1
_MATCHES_MAX: Final = 24
"""Most records of one order."""
_FOLLOW_MEDIAN_NS: Final = 4e6
_FOLLOW_SIGMA: Final = 2.0
"""Spread of the logarithm of the time from a run's first order to its others."""
_FOLLOW_MOST: Final = 5.0
"""Followers come within exp(_FOLLOW_SIGMA * this) medians: no argument of exp can overflow."""
_LEAN_DRIFT: Final = 0.7
_COMMON_DRIFT: Final = 0.35
_NOISE: Final = 0.3
"""What moves the fair price beside the orders: imbalance, the common move, and noise; parts of a contract's sigma."""
_LATENCY_NS: Final = 180_000
_LATENCY_SPREAD_NS: Final = 80_000.0

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Orders:
    """One block's orders of a contract, in order of time. All arrays have one row an order."""

    ts_event: Ints
    cell: Ints
    side: Ints  # +1 buy, -1 sell
    size: Ints
    is_last: NDArray[np.bool_]
    """Whether it ends its run."""


class SyntheticMarket:
    """One contract's trades, block after block.

    Parameters
    ----------
    contract : its temperament
    seed : the generator's own stream
    """

    def __init__(self, contract: Contract, seed: np.random.SeedSequence) -> None:
        self.contract: Final = contract
        self._random: Final = np.random.Generator(np.random.SFC64(seed))
        self._fair = contract.open_price * SECOND_NS / contract.tick_size + 0.5
        self._last_ts = 0
        self._last_recv = 0
        self._sequence = 0
        self._is_open = False
        self._records_per_order: Final = self._measure_records_per_order()
        self._template: Final = np.zeros(1, TRADE)
        self._template["length"] = TRADE.itemsize // 4
        self._template["publisher_id"] = _PUBLISHER
        self._template["instrument_id"] = contract.instrument_id
        self._template["action"] = ord("T")

    def close_session(self) -> None:
        """The exchange closes: the next block begins with an opening match."""
        self._is_open = False

    def block(
        self, mood: Mood, *, trades_per_second: float, silent: Sequence[tuple[int, int]] = ()
    ) -> NDArray[np.void]:
        """Trade one block.

        Parameters
        ----------
        mood : the block's cells
        trades_per_second : records a second at activity 1
        silent : spells [first, last) ns in which nobody trades

        Returns
        -------
        Rows of dtype TRADE in order of `ts_event`.
        """
        orders = self._orders(mood, trades_per_second, silent)
        if len(orders.ts_event) == 0:
            return np.empty(0, TRADE)
        ratio = max(1.0, trades_per_second / self.contract.trades_per_second)
        bids, asks = self._quotes(mood, orders, ratio)
        return self._records(orders, np.where(orders.side > 0, asks, bids))

    def _orders(self, mood: Mood, trades_per_second: float, silent: Sequence[tuple[int, int]]) -> Orders:
        random, contract = self._random, self.contract
        cell_s = mood.cell_ns / SECOND_NS
        runs_per_second = trades_per_second / (self._records_per_order * contract.run_length)
        runs = random.poisson(mood.activity * (runs_per_second * cell_s))
        cell = np.repeat(np.arange(len(runs)), runs)
        count = len(cell)
        begin = (cell + random.random(count)) * mood.cell_ns
        lean = mood.imbalance[cell]
        run_side = np.where(random.random(count) * 2 < 1 + lean, 1, -1)
        length = random.geometric(1 / contract.run_length, count)

        run = np.repeat(np.arange(count), length)
        total = len(run)
        is_first = np.zeros(total, bool)
        starts = np.cumsum(length) - length
        is_first[starts] = True
        wait = np.exp(np.clip(random.standard_normal(total, np.float32), -_FOLLOW_MOST, _FOLLOW_MOST) * _FOLLOW_SIGMA)
        offset = (begin[run] + np.where(is_first, 0.0, wait * _FOLLOW_MEDIAN_NS)).astype(np.int64)
        # What would fall into the next block comes at this one's start instead: rate and order stay.
        offset %= mood.duration_ns
        # One sort of packed integers is much cheaper than an argsort of times and three gathers.
        bits = max(1, int(total).bit_length())
        packed = np.sort((offset << bits) | np.arange(total))
        index = packed & ((1 << bits) - 1)
        offset = packed >> bits
        run = run[index]

        is_last = np.zeros(total, bool)
        final = np.zeros(count, np.int64)
        final[run] = np.arange(total)  # the last assignment of a run wins
        is_last[final] = True
        is_loyal = random.random(total, np.float32) < contract.run_loyalty
        side = np.where(is_loyal, run_side[run], -run_side[run])
        size = self._sizes(total)
        ts_event = mood.start_ns + offset
        if not silent:
            return Orders(ts_event, offset // mood.cell_ns, side, size, is_last)
        keep = np.ones(total, bool)
        for first, last in silent:
            keep[np.searchsorted(ts_event, first) : np.searchsorted(ts_event, last)] = False
        return Orders(ts_event[keep], offset[keep] // mood.cell_ns, side[keep], size[keep], is_last[keep])

    def _sizes(self, count: int) -> Ints:
        """Heavy-tailed whole sizes: P(size >= n) = n ** -tail, up to the cap."""
        least = self.contract.size_cap**-self.contract.size_tail
        uniform = least + (1 - least) * self._random.random(count)
        return (uniform ** (-1 / self.contract.size_tail)).astype(np.int64)

    def _quotes(self, mood: Mood, orders: Orders, ratio: float) -> tuple[Ints, Ints]:
        """Bid and ask at each order, in ticks. `ratio`: how much faster than natural; it leaves volatility alone."""
        contract, random = self.contract, self._random
        cell_s = mood.cell_ns / SECOND_NS
        nerve = np.sqrt(np.minimum(mood.activity / ratio if ratio > 1 else mood.activity, 9.0))
        nerve = np.maximum(nerve, 0.15) if ratio <= 1 else np.ones_like(nerve)
        sigma = contract.sigma_ticks * nerve
        count = len(orders.ts_event)

        dt_s = np.diff(orders.ts_event, prepend=max(self._last_ts, mood.start_ns)) * 1e-9
        dt_s = np.clip(dt_s, 0.0, 60.0)
        drift = sigma * (_LEAN_DRIFT * mood.imbalance + _COMMON_DRIFT * mood.common_move / np.sqrt(cell_s))
        surprise = orders.side - mood.imbalance[orders.cell]
        push = np.where(orders.is_last, contract.run_impact_ticks, contract.order_impact_ticks)
        push = push * surprise * nerve[orders.cell] / np.sqrt(ratio)
        noise = random.standard_normal(count, np.float32) * np.sqrt(dt_s)
        step = drift[orders.cell] * dt_s + sigma[orders.cell] * _NOISE * noise
        step[1:] += push[:-1]
        fair = self._fair + np.cumsum(step)
        # What moved the price most, and is not yet in it, is in the next block's first quote.
        self._fair = float(fair[-1] + push[-1])
        self._last_ts = int(orders.ts_event[-1])
        half = contract.half_spread_ticks * nerve[orders.cell]
        if contract.half_spread_ticks:
            half = half * (0.25 + random.exponential(0.75, count))
        asks = np.floor(fair + half).astype(np.int64) + 1
        bids = np.ceil(fair - half).astype(np.int64) - 1
        return bids, asks

    def _records(self, orders: Orders, ticks: Ints) -> NDArray[np.void]:
        """Split orders into the records of their matches and give them their other fields."""
        contract, random = self.contract, self._random
        count = len(ticks)
        matches = self._matches(orders.size)
        order = np.repeat(np.arange(count), matches)
        total = len(order)
        nth = np.arange(total) - np.repeat(np.cumsum(matches) - matches, matches)
        of = matches[order]
        size = orders.size[order]
        part = size * (nth + 1) // of - size * nth // of
        worse = self._steps(nth, order)
        price = (ticks[order] + orders.side[order] * worse) * contract.tick_size

        is_unsided = random.random(count, np.float32) < contract.unsided_share
        side = np.where(orders.side > 0, int(Side.BUY), int(Side.SELL))
        side[is_unsided] = int(Side.NONE)
        sequence = self._sequence + np.cumsum(random.integers(1, 6, count))
        self._sequence = int(sequence[-1]) % 0xF000_0000
        latency = _LATENCY_NS + (random.standard_exponential(count, np.float32) * _LATENCY_SPREAD_NS).astype(np.int64)
        recv = np.maximum(np.maximum.accumulate(orders.ts_event + latency), self._last_recv)
        self._last_recv = int(recv[-1])

        rows = _repeat(self._template, total)
        rows["ts_event"] = orders.ts_event[order]
        rows["price"] = price
        rows["size"] = part
        rows["side"] = side[order]
        rows["ts_recv"] = recv[order]
        rows["ts_in_delta"] = 13_000
        rows["sequence"] = sequence[order]
        if not self._is_open:
            self._is_open = True
            rows = merge_in_time([self._opening_match(rows[0]), rows])
        return rows

    def _matches(self, size: Ints) -> Ints:
        """How many records each order makes: 1, or more where it meets several resting orders."""
        random = self._random
        matches = np.ones(len(size), np.int64)
        several = np.flatnonzero((size > 1) & (random.random(len(size), np.float32) < self.contract.match_share))
        some = 1 + random.geometric(0.42, len(several))
        matches[several] = np.minimum(np.minimum(some, size[several]), _MATCHES_MAX)
        return matches

    def _steps(self, nth: Ints, order: Ints) -> Ints:
        """How many ticks worse than the first each record of an order is."""
        further = np.flatnonzero(nth)
        step = np.zeros(len(nth), np.int64)
        is_worse = self._random.random(len(further)) < self.contract.step_share
        step[further] = np.where(is_worse, self._random.geometric(0.7, len(further)), 0)
        total = np.cumsum(step)
        first = np.flatnonzero(nth == 0)
        worse: Ints = total - total[first][order]
        return worse

    def _opening_match(self, first: np.void) -> NDArray[np.void]:
        """The match that opens a session: one unsided print at the first trade's time and price."""
        row = _repeat(self._template, 1)
        for field in ("ts_event", "ts_recv", "price", "sequence"):
            row[field] = first[field]
        row["ts_event"] = first["ts_event"] // SECOND_NS * SECOND_NS
        row["size"] = int(self._random.integers(20, 120))
        row["side"] = int(Side.NONE)
        return row

    def _measure_records_per_order(self) -> float:
        return float(self._matches(self._sizes(1 << 15)).mean())


_WORDS: Final = TRADE.itemsize // 8


def merge_in_time(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Merge arrays of TRADE, each in order of `ts_event`; at equal times the earlier array's rows come first."""
    # Whole rows are moved as words: NumPy copies structured rows field by field, eight times as slow.
    words = np.concatenate([rows.view(np.int64).reshape(-1, _WORDS) for rows in parts])
    order = np.argsort(np.concatenate([rows["ts_event"] for rows in parts]), kind="stable")
    merged: NDArray[np.void] = words.take(order, axis=0).reshape(-1).view(TRADE)
    return merged


def _repeat(row: NDArray[np.void], count: int) -> NDArray[np.void]:
    words = np.empty((count, _WORDS), np.int64)
    words[:] = row.view(np.int64)
    rows: NDArray[np.void] = words.reshape(-1).view(TRADE)
    return rows
