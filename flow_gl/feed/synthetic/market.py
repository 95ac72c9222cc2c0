"""The synthetic market: trades generated block by block with NumPy; the same seed always gives the same trades.

In each block, orders come in runs (the first orders by a Poisson process, their followers milliseconds later), have a
side that depends on the imbalance, and meet quotes around a hidden fair price. The fair price moves with time, with the
imbalance and with each finished run, so that aggression and price are correlated; a buy prints at the ask, a sell at
the bid, which gives the bid-ask bounce. An order that meets several resting orders becomes several records with one
`ts_event`, side and sequence, at increasingly worse prices.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE, Side
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.synthetic.contracts import Contract
from flow_gl.feed.synthetic.regime import Regime

_PUBLISHER: Final = 1
_MATCHES_MAX: Final = 24
"""Maximum number of records per order."""
_FOLLOW_MEDIAN_NS: Final = 4e6
_FOLLOW_SIGMA: Final = 2.0
"""Standard deviation of the logarithm of the time from a run's first order to its followers."""
_FOLLOW_MAX: Final = 5.0
"""Followers come within exp(_FOLLOW_SIGMA * this) medians: no argument of exp can overflow."""
_LEAN_DRIFT: Final = 0.9
_COMMON_DRIFT: Final = 0.6
_NOISE: Final = 0.25
"""Size of the fair price's moves besides the orders (imbalance, common move, noise), relative to a contract's sigma."""
_PUSH_SIZE_MAX: Final = 36
"""An order moves the price with the square root of its size, up to this size in contracts."""
_REBOUND_ORDERS: Final = 16
"""Number of orders after which a part of each push is reversed, because the quotes refill."""
_NERVE_RANGE: Final = (0.15, 3.0)
"""Bounds of the volatility factor, which is the square root of activity."""
_STILL_NS: Final = 60e9
"""Silence (ns) beyond which the price does not move any further."""
_LATENCY_NS: Final = 180_000
_LATENCY_SPREAD_NS: Final = 80_000.0
_IN_DELTA_NS: Final = 13_000
_SEQUENCE_STEP: Final = 3
_SEQUENCE_WRAP: Final = 0x7000_0000
# A TRADE row is six little-endian words: columns are written and merged as integers, which in NumPy is several times
# as fast as copying structured rows.
_WORDS: Final = TRADE.itemsize // 8
_BUY_WORD, _SELL_WORD, _NONE_WORD = (ord("T") << 32 | side << 40 for side in (Side.BUY, Side.SELL, Side.NONE))
_SEQUENCE_SHIFT: Final = 32

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Orders:
    """One block's orders of a contract, in order of time. All arrays have one row per order."""

    ts_event: Ints
    cell: Ints
    side: Ints  # +1 buy, -1 sell
    size: Ints
    is_last: NDArray[np.bool_]
    """True if the order ends its run."""


class SyntheticMarket:
    """Generates one contract's trades, block by block.

    Parameters
    ----------
    contract : the parameters of the contract
    seed : seed of its own random stream
    """

    def __init__(self, contract: Contract, seed: np.random.SeedSequence) -> None:
        self.contract: Final = contract
        self._random: Final = np.random.Generator(np.random.SFC64(seed))
        self._fair = contract.open_price * SECOND_NS / contract.tick_size + 0.5
        self._recent_push = np.zeros(_REBOUND_ORDERS)
        self._last_ts = 0
        self._last_recv = 0
        self._sequence = 0
        self._is_open = False
        self._records_per_order: Final = self._measure_records_per_order()
        head = np.zeros(1, TRADE)
        head["length"] = TRADE.itemsize // 4
        head["publisher_id"] = _PUBLISHER
        head["instrument_id"] = contract.instrument_id
        self._head_word: Final = int(head.view(np.int64)[0])

    def close_session(self) -> None:
        """Close the exchange; the next block begins with an opening match."""
        self._is_open = False

    def block(self, regime: Regime, *, trades_per_second: float, silent: Sequence[tuple[int, int]] = ()) -> Ints:
        """Generate one block.

        Parameters
        ----------
        regime : the block's cells
        trades_per_second : records per second at activity 1
        silent : intervals [first, last) in ns without trades

        Returns
        -------
        int64, shape (6, n): the words of TRADE rows in order of `ts_event`, column by column; see `merge_in_time`.
        """
        orders = self._orders(regime, trades_per_second, silent)
        if len(orders.ts_event) == 0:
            return np.empty((_WORDS, 0), np.int64)
        ratio = max(1.0, trades_per_second / self.contract.trades_per_second)
        bids, asks = self._quotes(regime, orders, ratio)
        first_ns = int(orders.ts_event[0])
        open_ns = max([regime.start_ns, *(last for _, last in silent if last <= first_ns)])
        return self._records(orders, np.where(orders.side > 0, asks, bids), open_ns)

    def _orders(self, regime: Regime, trades_per_second: float, silent: Sequence[tuple[int, int]]) -> Orders:
        random, contract = self._random, self.contract
        cell_s = regime.cell_ns / SECOND_NS
        runs_per_second = trades_per_second / (self._records_per_order * contract.run_length)
        runs = random.poisson(regime.activity * (runs_per_second * cell_s))
        cell = np.repeat(np.arange(len(runs)), runs)
        count = len(cell)
        begin = (cell + random.random(count)) * regime.cell_ns
        lean = regime.imbalance[cell]
        run_side = np.where(random.random(count) * 2 < 1 + lean, 1, -1)
        length = _geometric(random, 1 / contract.run_length, count)

        run = np.repeat(np.arange(count), length)
        total = len(run)
        is_first = np.zeros(total, bool)
        is_first[np.cumsum(length) - length] = True
        offset = begin.astype(np.int64)[run]
        followers = np.flatnonzero(~is_first)
        wait = np.minimum(random.standard_normal(len(followers), np.float32), _FOLLOW_MAX) * _FOLLOW_SIGMA
        offset[followers] += (np.exp(wait) * _FOLLOW_MEDIAN_NS).astype(np.int64)
        # Orders that would fall into the next block are moved to this one's start; rate and order are preserved.
        offset %= regime.duration_ns
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
        ts_event = regime.start_ns + offset
        for ts, contracts in regime.orders:
            at = int(np.searchsorted(ts_event, ts))
            size[at : at + 1], side[at : at + 1] = abs(contracts), np.sign(contracts)
        if not silent:
            return Orders(ts_event, offset // regime.cell_ns, side, size, is_last)
        keep = np.ones(total, bool)
        for first, last in silent:
            keep[np.searchsorted(ts_event, first) : np.searchsorted(ts_event, last)] = False
        return Orders(ts_event[keep], offset[keep] // regime.cell_ns, side[keep], size[keep], is_last[keep])

    def _sizes(self, count: int) -> Ints:
        """Draw heavy-tailed integer sizes: P(size >= n) = n ** -tail, up to the cap."""
        # An exponential variable is memoryless, so taking it modulo a bound truncates its distribution at the bound.
        tail = self.contract.size_tail
        logs = self._random.standard_exponential(count, np.float32) % np.float32(tail * np.log(self.contract.size_cap))
        sizes: Ints = np.exp(logs * np.float32(1 / tail)).astype(np.int64)
        return sizes

    def _quotes(self, regime: Regime, orders: Orders, ratio: float) -> tuple[Ints, Ints]:
        """Bid and ask at each order, in ticks. `ratio`: how much faster than natural; it leaves volatility alone."""
        contract, random = self.contract, self._random
        cell_s = regime.cell_ns / SECOND_NS
        nerve = regime.volatility * np.clip(np.sqrt(regime.activity), *_NERVE_RANGE)
        sigma = contract.sigma_ticks * nerve
        count = len(orders.ts_event)

        dt_s = np.empty(count)
        dt_s[0] = orders.ts_event[0] - max(self._last_ts, regime.start_ns)
        np.subtract(orders.ts_event[1:], orders.ts_event[:-1], out=dt_s[1:])
        dt_s = np.minimum(dt_s, _STILL_NS) / SECOND_NS
        drift = sigma * (_LEAN_DRIFT * regime.imbalance + _COMMON_DRIFT * regime.common_move / np.sqrt(cell_s))
        # Only the part of the side that the imbalance does not predict moves the price; the rest is in the drift.
        surprise = orders.side - regime.imbalance[orders.cell] * (2 * contract.run_loyalty - 1)
        push = np.where(orders.is_last, contract.run_impact_ticks, contract.order_impact_ticks)
        push = push * surprise * nerve[orders.cell] * np.sqrt(np.minimum(orders.size, _PUSH_SIZE_MAX) / ratio)
        noise = random.standard_normal(count, np.float32) * np.sqrt(dt_s)
        step = drift[orders.cell] * dt_s + sigma[orders.cell] * _NOISE * noise
        step[1:] += push[:-1]
        earlier = np.concatenate([self._recent_push, push])
        step -= contract.rebound * earlier[:count]
        self._recent_push = earlier[count:]
        fair = self._fair + np.cumsum(step)
        # The last push, which no quote includes yet, is included in the next block's first quote.
        self._fair = float(fair[-1] + push[-1])
        self._last_ts = int(orders.ts_event[-1])
        half = contract.half_spread_ticks * nerve[orders.cell]
        if contract.half_spread_ticks:
            half = half * (0.25 + random.exponential(0.75, count))
        asks = np.floor(fair + half).astype(np.int64) + 1
        bids = np.ceil(fair - half).astype(np.int64) - 1
        return bids, asks

    def _records(self, orders: Orders, ticks: Ints, open_ns: int) -> Ints:
        """Split orders into the records of their matches and fill in the other fields."""
        contract, random = self.contract, self._random
        count = len(ticks)
        matches = self._matches(orders.size)
        order = np.repeat(np.arange(count), matches)
        size, price = orders.size[order], ticks[order]
        self._split(orders, matches, size, price)

        fourth = np.where(orders.side > 0, _BUY_WORD, _SELL_WORD)
        fourth[random.random(count, np.float32) < contract.unsided_share] = _NONE_WORD
        sequence = self._sequence + _SEQUENCE_STEP * np.arange(1, count + 1)
        self._sequence = int(sequence[-1]) % _SEQUENCE_WRAP
        latency = _LATENCY_NS + (random.standard_exponential(count, np.float32) * _LATENCY_SPREAD_NS).astype(np.int64)
        recv = np.maximum(np.maximum.accumulate(orders.ts_event + latency), self._last_recv)
        self._last_recv = int(recv[-1])

        skip = 0 if self._is_open else 1
        words = np.empty((_WORDS, skip + len(order)), np.int64)
        columns = words[:, skip:]
        columns[0] = self._head_word
        columns[1] = orders.ts_event[order]
        columns[2] = price * contract.tick_size
        columns[3] = size + fourth[order]
        columns[4] = recv[order]
        columns[5] = (_IN_DELTA_NS + (sequence << _SEQUENCE_SHIFT))[order]
        if not self._is_open:
            self._is_open = True
            # The match that opens a session: one unsided print at its first instant and the first trade's price.
            match = int(random.integers(20, 120))
            words[:, 0] = words[:, 1]
            words[1, 0] = open_ns
            words[4, 0] = open_ns + _LATENCY_NS
            words[3, 0] = match + _NONE_WORD
        return words

    def _matches(self, size: Ints) -> Ints:
        """Return the number of records per order: 1, or more if it meets several resting orders."""
        random = self._random
        matches = np.ones(len(size), np.int64)
        several = np.flatnonzero(size > 1)
        several = several[random.random(len(several), np.float32) < self.contract.match_share]
        some = 1 + _geometric(random, 0.42, len(several))
        matches[several] = np.minimum(np.minimum(some, size[several]), _MATCHES_MAX)
        return matches

    def _split(self, orders: Orders, matches: Ints, size: Ints, price: Ints) -> None:
        """Split the size of each order of several matches among its records, at increasingly worse prices (ticks)."""
        several = np.flatnonzero(matches > 1)
        parts = matches[several]
        order = np.repeat(np.arange(len(several)), parts)
        starts = np.cumsum(parts) - parts
        nth = np.arange(len(order)) - starts[order]
        row = (np.cumsum(matches) - matches)[several][order] + nth
        whole, of = orders.size[several][order], parts[order]
        size[row] = whole * (nth + 1) // of - whole * nth // of

        is_worse = (self._random.random(len(order)) < self.contract.step_share) & (nth > 0)
        step = np.where(is_worse, _geometric(self._random, 0.7, len(order)), 0)
        total = np.cumsum(step)
        price[row] += orders.side[several][order] * (total - total[starts][order])

    def _measure_records_per_order(self) -> float:
        return float(self._matches(self._sizes(1 << 15)).mean())


def common_move_for(drift: float, imbalance: float, cell_s: float) -> float:
    """Return the common move with which a regime's fair price drifts as given, in standard deviations per second."""
    return (drift - _LEAN_DRIFT * imbalance) / _COMMON_DRIFT * math.sqrt(cell_s)


def _geometric(random: np.random.Generator, chance: float, count: int) -> Ints:
    """Draw geometric numbers from 1 on through an exponential, in half the time of NumPy's own function."""
    tries = random.standard_exponential(count, np.float32) * np.float32(-1 / np.log1p(-chance))
    whole: Ints = tries.astype(np.int64) + 1
    return whole


def merge_in_time(parts: Sequence[Ints]) -> NDArray[np.void]:
    """Merge blocks of words, each in order of `ts_event`, into TRADE rows; at equal times, earlier blocks come first.

    Parameters
    ----------
    parts : int64, shape (6, n): a TRADE row's words, column by column
    """
    times = parts[0][1] if len(parts) == 1 else np.concatenate([words[1] for words in parts])
    rows = np.empty((len(times), _WORDS), np.int64)
    place = np.empty(len(times), np.int64)
    place[np.argsort(times, kind="stable")] = np.arange(len(times))
    begin = 0
    for words in parts:
        end = begin + words.shape[1]
        for column, word in enumerate(words):
            rows[place[begin:end], column] = word
        begin = end
    merged: NDArray[np.void] = rows.reshape(-1).view(TRADE)
    return merged
