"""A synthetic NQ/ES-like market as a feed: seeded, in step with the clock, from a trade a second to a million.

The market opens at 18:00 New York, and by default has been trading since then when the program starts (15 h 50 min
later, twenty minutes into the regular session), so that profile, CVD and levels are those of a whole session at
once; that history is delivered quickly. From then on, trades are delivered when their event time is reached. Blocks of
time are generated one after the other, independently of polling, so a seed always gives the same trades.
"""

from collections.abc import Sequence
from datetime import datetime
from math import inf, isinf, isnan
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import UsageError
from flow_gl.core.items import Definition, Item, Mapping, Trades
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.spec import DemoSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.base import FeedClock, FeedStatus
from flow_gl.feed.synthetic.contracts import contracts_of
from flow_gl.feed.synthetic.episodes import FIRST_MINUTES, Episode, with_episodes
from flow_gl.feed.synthetic.limits import check
from flow_gl.feed.synthetic.market import SyntheticMarket, merge_in_time
from flow_gl.feed.synthetic.regime import NEW_YORK, RegimeProcess, closed_spells, is_within
from flow_gl.feed.synthetic.steering import ROOT, CvdSteering

OPEN_NS: Final = int(datetime(2026, 11, 16, 18, tzinfo=NEW_YORK).timestamp()) * SECOND_NS
"""Default start of the synthetic market, ns: the open on an ordinary Monday evening."""
HISTORY_S: Final = (15 * 60 + 50) * 60.0
"""Default history when the program starts, in seconds: the night and twenty minutes of the regular session."""
SPEED_MIN, SPEED_MAX = 0.1, 10_000.0

_HISTORY_CELLS: Final = 600
_LIVE_CELLS: Final = 10
_BLOCK_TRADES: Final = 16_384
"""Number of trades per block at high rates."""
_TRADES_A_POLL: Final = 1 << 14
_BLOCKS_A_POLL: Final = 16
"""A poll generates no more blocks after that many trades or that many blocks: some milliseconds of work."""
_FAR_NS: Final = 2**62
_BEHIND_SHOWN_NS: Final = SECOND_NS // 2


class Burst(NamedTuple):
    """A burst: trading `factor` times as fast for `seconds`, from `at_s` after the start (the end of history)."""

    at_s: float
    seconds: float
    factor: float = 8.0


class Halt(NamedTuple):
    """A halt: no trades for `seconds`, from `at_s` after the start (negative: in the history)."""

    at_s: float
    seconds: float


class TradeMaker:
    """Generates the trades of a synthetic market in order of time, without a clock, for the feed and for files.

    Parameters
    ----------
    seed, rate, symbols, start_ns, history_s : as in `core.spec.DemoSpec`
    halts, bursts : intervals without trades and with faster trading: see Halt and Burst
    episodes : times in which a contract trades with an imbalance and a price move of its own

    Raises
    ------
    UsageError : a parameter is out of range, or a symbol is unknown
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        rate: float | None = None,
        symbols: Sequence[str] = ("NQ", "ES"),
        start_ns: int | None = None,
        history_s: float | None = None,
        halts: Sequence[tuple[float, float]] = (),
        bursts: Sequence[tuple[float, float, float]] = (),
        episodes: Sequence[Episode] = (),
    ) -> None:
        check(seed=seed, rate=rate, symbols=symbols, halts=halts, bursts=bursts)
        self.contracts: Final = contracts_of(tuple(symbols))
        self.start_ns: Final = OPEN_NS if start_ns is None else start_ns
        # With a given start there is no history; the default start has a night of history.
        self.history_s: Final = (HISTORY_S if start_ns is None else 0.0) if history_s is None else history_s
        if isnan(self.history_s) or not 0 <= self.history_s <= 7 * 86_400:
            raise UsageError(f"history must be from 0 to 604800 seconds, was {self.history_s}")
        self.live_ns: Final = self.start_ns + int(self.history_s * SECOND_NS)
        self.next_ns = self.start_ns
        """Event time (ns) up to which trades have been generated."""
        self._rate: Final = rate
        self._halts: Final = [self._spell(at_s, seconds) for at_s, seconds in halts]
        self._bursts: Final = [(*self._spell(at_s, seconds), factor) for at_s, seconds, factor in bursts]
        self._episodes: Final = tuple(episodes)
        self._steering: Final = CvdSteering(self.live_ns) if episodes else None
        streams = np.random.SeedSequence(seed).spawn(1 + len(self.contracts))
        self._swings: Final = RegimeProcess(streams[0])
        self._markets: Final = [SyntheticMarket(c, s) for c, s in zip(self.contracts, streams[1:], strict=True)]
        self._natural_rate: Final = sum(contract.trades_per_second for contract in self.contracts)

    def next_block(self) -> NDArray[np.void]:
        """Generate the next block: TRADE rows of all contracts in order of `ts_event`, possibly none."""
        cell_ns, cells = self._block_shape()
        start_ns, end_ns = self.next_ns, self.next_ns + cell_ns * cells
        is_natural = self._rate is None or start_ns < self.live_ns
        factor = 1.0 if self._rate is None or start_ns < self.live_ns else self._rate / self._natural_rate
        regime = self._swings.next(start_ns, cell_ns, cells, is_natural=is_natural)
        for first, last, strength in self._bursts:
            at = np.arange(start_ns, end_ns, cell_ns)
            regime.activity[(at >= first) & (at < last)] *= strength
        closed = closed_spells(start_ns, end_ns)
        silent = [*closed, *self._halts]
        parts: list[NDArray[np.int64]] = []
        for index, market in enumerate(self._markets):
            if is_within(closed, start_ns):
                market.close_session()
            rate = market.contract.trades_per_second * factor
            own = with_episodes(regime, market.contract.root, self._episodes, self.live_ns)
            if self._steering and market.contract.root == ROOT:
                self._markets[index], words = self._steering.block(market, own, trades_per_second=rate, silent=silent)
            else:
                words = market.block(own, trades_per_second=rate, silent=silent)
            parts.append(words)
        self.next_ns = end_ns
        return merge_in_time(parts)

    def take(self, seconds: float) -> NDArray[np.void]:
        """Return all remaining trades up to `seconds` after the end of history (dtype TRADE).

        The rest of the last block is dropped, so call this only once.
        """
        end_ns = self.live_ns + int(seconds * SECOND_NS)
        parts = [np.empty(0, TRADE)]
        while self.next_ns < end_ns:
            parts.append(self.next_block())
        rows = np.concatenate([part.view(np.int64).reshape(-1, TRADE.itemsize // 8) for part in parts])
        taken: NDArray[np.void] = rows.reshape(-1).view(TRADE)
        return taken[: int(np.searchsorted(taken["ts_event"], end_ns))]

    def symbols(self) -> dict[int, str]:
        """Return the raw symbols of the contracts that trade, by instrument_id."""
        return {contract.instrument_id: contract.symbol_at(self.live_ns) for contract in self.contracts}

    def halted_until(self, ts: int) -> int:
        """Return the end (ns) of the requested halt that contains `ts`, or 0 if there is none."""
        return max((last for first, last in self._halts if first <= ts < last), default=0)

    def is_closed(self, ts_ns: int) -> bool:
        """Return whether the synthetic exchange is closed at a time (ns)."""
        return is_within(closed_spells(ts_ns, ts_ns + 1), ts_ns)

    def _block_shape(self) -> tuple[int, int]:
        """Return the length (ns) and number of the next block's cells."""
        if self.next_ns < self.live_ns:
            left_ns = self.live_ns - self.next_ns
            if left_ns < SECOND_NS:
                return left_ns, 1
            return SECOND_NS, min(_HISTORY_CELLS, left_ns // SECOND_NS)
        rate = self._natural_rate if self._rate is None else self._rate
        seconds = _BLOCK_TRADES / rate
        if seconds >= 1:
            return SECOND_NS, min(_LIVE_CELLS, int(seconds))
        return max(5_000_000, int(seconds * 1000) * 1_000_000), 1

    def _spell(self, at_s: float, seconds: float) -> tuple[int, int]:
        first = self.live_ns + int(at_s * SECOND_NS)
        return first, first + int(seconds * SECOND_NS)


class SyntheticFeed:
    """The synthetic market as a feed (`flow_gl.feed.base.Feed`).

    Parameters
    ----------
    spec : the market, its speed and its end
    resume_ns : event time that an earlier feed of the same seed had reached; the feed catches up to it at once

    Raises
    ------
    UsageError : a parameter is out of range, or a symbol is unknown
    """

    def __init__(self, spec: DemoSpec, *, resume_ns: int = 0) -> None:
        self._maker: Final = TradeMaker(
            seed=spec.seed,
            rate=spec.rate,
            symbols=spec.symbols,
            start_ns=spec.start_ns,
            history_s=spec.history_s,
            halts=spec.halts,
            bursts=spec.bursts,
            episodes=FIRST_MINUTES if spec.rate is None and spec.start_ns is None else (),
        )
        self._speed = _checked_speed(inf if spec.speed is None else spec.speed)
        if spec.length_s is not None and not 0 <= spec.length_s < inf:
            raise UsageError(f"length must be 0 or more seconds, was {spec.length_s}")
        self._end_ns: Final = None if spec.length_s is None else self._maker.live_ns + int(spec.length_s * SECOND_NS)
        self._caught_up_ns: Final = max(self._maker.live_ns, resume_ns)
        self._source: Final = f"demo seed {spec.seed}" + (f", {spec.rate:,.0f} trades/s" if spec.rate else "")
        self._pending: NDArray[np.void] = np.empty(0, TRADE)
        self._is_named = False
        self._is_ended = False
        self._handed_ns = self._maker.start_ns
        """Event time (ns) up to which all trades have been delivered."""
        self._anchor_wall, self._anchor_event = 0, 0
        """Reference point of the event clock, set when the history has been delivered."""
        self._behind_ns = 0
        self._clock = FeedClock(anchor_wall=0, anchor_event=self._maker.start_ns, rate=0.0)

    def start(self) -> None:
        """Do nothing; there is nothing to open."""

    def poll(self, wall_ns: int) -> list[Item]:
        """Return the trades that are due, limited to some milliseconds of work."""
        items: list[Item] = []
        if not self._is_named:
            self._is_named = True
            items += self._names()
        if self._is_ended:
            return items
        target_ns = self._target(wall_ns)
        rows = self._due(target_ns)
        if len(rows):
            items.append(Trades(rows))
        self._set_clock(wall_ns, target_ns)
        return items

    def clock(self) -> FeedClock:
        """Return the event clock, which pauses during history and never runs ahead of the delivered trades."""
        return self._clock

    def status(self) -> FeedStatus:
        target_ns, start_ns = self._caught_up_ns, self._maker.start_ns
        message, progress = "", float("nan")
        if self._is_ended:
            state = FeedState.ENDED
        elif self._handed_ns < target_ns:
            state = FeedState.CATCHING_UP
            progress = (self._handed_ns - start_ns) / (target_ns - start_ns)
        else:
            state = FeedState.DEMO
            if self._maker.is_closed(self._handed_ns):
                message = "the synthetic exchange is closed until 18:00 New York"
            elif halt_end_ns := self._maker.halted_until(self._handed_ns):
                until = datetime.fromtimestamp(halt_end_ns // SECOND_NS, NEW_YORK)
                message = f"halted until {until:%H:%M:%S}"
            elif self._behind_ns > _BEHIND_SHOWN_NS:
                message = f"the synthetic market is {self._behind_ns / SECOND_NS:.1f} s behind its clock"
        return FeedStatus(
            state=state,
            message=message,
            progress=progress,
            speed=self._speed,
            dataset="synthetic",
            source=self._source,
            known_until=self._handed_ns,
        )

    def is_ended(self) -> bool:
        return self._is_ended

    def set_speed(self, speed: float) -> None:
        """Change the speed: 0.1 to 10,000, or inf. Raises UsageError."""
        self._speed = _checked_speed(speed)
        if self._anchor_wall:  # the new speed applies from the last poll on
            self._anchor(self._clock.anchor_wall, self._clock.anchor_event)
        if self._clock.rate:
            self._clock = FeedClock(self._clock.anchor_wall, self._clock.anchor_event, self._rate_now())

    def close(self) -> None:
        self._is_ended = True

    def _names(self) -> list[Item]:
        items: list[Item] = []
        symbols = self._maker.symbols()
        for contract in self._maker.contracts:
            symbol = symbols[contract.instrument_id]
            items.append(
                Definition(
                    instrument_id=contract.instrument_id,
                    symbol=symbol,
                    tick_size=contract.tick_size,
                    point_value=contract.point_value,
                    is_outright=True,
                )
            )
            items.append(Mapping(contract.instrument_id, symbol, contract.requested, self._maker.start_ns))
        return items

    def _target(self, wall_ns: int) -> int:
        """Return the current event time, ns."""
        if self._handed_ns < self._caught_up_ns:
            target = self._caught_up_ns
        elif isinf(self._speed):
            target = _FAR_NS
        else:
            target = self._anchor_event + int(max(0, wall_ns - self._anchor_wall) * self._speed)
        return target if self._end_ns is None else min(target, self._end_ns)

    def _due(self, target_ns: int) -> NDArray[np.void]:
        """Return the trades before the target, limited to one poll's work."""
        parts: list[NDArray[np.void]] = []
        count = 0
        for _ in range(_BLOCKS_A_POLL):
            due = int(np.searchsorted(self._pending["ts_event"], target_ns))
            parts.append(self._pending[:due])
            self._pending = self._pending[due:]
            count += due
            if count >= _TRADES_A_POLL or len(self._pending) or self._maker.next_ns >= target_ns:
                break
            self._pending = self._maker.next_block()
        # Generated trades are delivered completely, so later trades are either pending or not yet generated.
        first_left = int(self._pending["ts_event"][0]) if len(self._pending) else self._maker.next_ns
        self._handed_ns = max(self._handed_ns, min(target_ns, first_left))
        self._is_ended = self._end_ns is not None and self._handed_ns >= self._end_ns
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _set_clock(self, wall_ns: int, target_ns: int) -> None:
        if self._handed_ns < self._caught_up_ns:
            self._behind_ns = 0
        elif self._anchor_wall == 0 or isinf(self._speed):
            self._anchor(wall_ns, self._handed_ns)
        else:
            self._behind_ns = target_ns - self._handed_ns
        is_running = self._handed_ns >= self._caught_up_ns and self._behind_ns == 0 and not self._is_ended
        self._clock = FeedClock(wall_ns, self._handed_ns, self._rate_now() if is_running else 0.0)

    def _anchor(self, wall_ns: int, event_ns: int) -> None:
        self._anchor_wall, self._anchor_event, self._behind_ns = wall_ns, event_ns, 0

    def _rate_now(self) -> float:
        return 0.0 if isinf(self._speed) else self._speed


def _checked_speed(speed: float) -> float:
    if isinf(speed) and speed > 0:
        return speed
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise UsageError(f"speed must be from {SPEED_MIN} to {SPEED_MAX:,.0f}, or max, was {speed}")
    return speed
