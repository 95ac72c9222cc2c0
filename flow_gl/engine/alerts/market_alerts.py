"""The alert rules of one market: their state, and the alerts that they fire.

An alert is known with the trade that fires it. Alerts are passed on in that order, those of what a trade ended (events,
seconds) before those of the trade itself, so the rows do not depend on how trades are split into batches.

**A session's open.** Market levels (POC, prior high and the like), CVD, bubbles and seconds start again: a level is
armed by the session's first trade. A custom level keeps the side of the last trade, so that a session which opens
beyond it fires. Cool-downs continue, in event time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT, LEVELS, Condition, EngineRule, Level
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.kernels.alerts import (
    BLOCK,
    FIRED,
    NONE,
    ROWS,
    RULE,
    RULE_STATE,
    STATE,
    alerts_nb,
    end_second_nb,
    level_moved_nb,
)
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS, WORDS

_EVENT: Final = int(Condition.EVENT)
_ENDED: Final = (_EVENT, int(Condition.SECOND_DELTA))
_ZERO_CROSS: Final = int(EventKind.ZERO_CROSS)
_BLOCKS: Final = 16
"""Blocks for whose alerts there is space in a kernel call."""


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """The session up to now, for rules that begin during it."""

    last_price: int
    """1e-9; NONE before the first trade."""
    prices: NDArray[np.int64]
    """Traded prices, 1e-9."""
    volumes: NDArray[np.int64]
    """Contracts at each of them."""
    cvd: int = 0


NO_TRADES: Final = SessionTotals(NONE, np.zeros(0, np.int64), np.zeros(0, np.int64))


class _Kept(msgspec.Struct, frozen=True):
    """The state for a checkpoint: the rules, and the bytes of the arrays."""

    rules: tuple[EngineRule, ...]
    seen: bytes
    state: bytes
    levels: bytes
    tick_size: int


class MarketAlerts:
    """Evaluates the rules that hold for one market."""

    def __init__(self) -> None:
        self.rules: tuple[EngineRule, ...] = ()
        self._table: NDArray[np.void] = np.zeros(0, RULE)
        self._seen: NDArray[np.void] = np.zeros(0, RULE_STATE)
        self._state: Final[NDArray[np.void]] = np.zeros(1, STATE)
        self._levels: Final[NDArray[np.int64]] = np.full(LEVELS, UNDEF_PRICE, np.int64)
        self._changes: list[tuple[int, Level, int]] = []
        """Levels that move at an event time (ns) within the next trades."""
        self._found: list[NDArray[np.void]] = []
        self._tick_size = 0
        self._reads_trades = False
        self._space: tuple[Any, ...] = ()
        self._reset()

    @property
    def is_on(self) -> bool:
        """Whether there is a rule."""
        return bool(self.rules)

    def configure(self, rules: Sequence[EngineRule], totals: SessionTotals = NO_TRADES, tick_size: int = 0) -> None:
        """Replace the rules from the next trade on. A rule of which only the name changes keeps its state."""
        before = {_unnamed(rule): self._seen[at].copy() for at, rule in enumerate(self.rules)}
        was_reading = self._reads_trades
        self.rules = tuple(rules)
        self._table, self._seen = np.zeros(len(rules), RULE), np.zeros(len(rules), RULE_STATE)
        self._seen["last"] = self._seen["fired_ts"] = NONE
        for at, rule in enumerate(self.rules):
            row = self._table[at]
            for name in ("id", "condition", "level", "price", "direction", "cool_down_ns", "least"):
                row[name] = getattr(rule, name)
            if _unnamed(rule) in before:
                self._seen[at] = before[_unnamed(rule)]
        self._reads_trades = any(rule.condition is not Condition.EVENT for rule in self.rules)
        if not self._reads_trades:
            self._space = ()
            return
        room = BLOCK * len(self.rules) * _BLOCKS
        self._space = np.zeros((ROWS, BLOCK), np.int64), np.zeros((2, BLOCK), np.int64), np.zeros(room, FIRED)
        if not was_reading:
            self._state["last_price"], self._state["cvd"] = totals.last_price, totals.cvd
        self._begin_vwap(totals, tick_size)
        for at, rule in enumerate(self.rules):
            if _unnamed(rule) not in before and rule.condition is Condition.LEVEL:
                one = np.s_[at : at + 1]
                level = rule.price if rule.level is Level.CUSTOM else int(self._levels[rule.level])
                level_moved_nb(
                    self._table[one], self._seen[one], int(rule.level), level, int(self._state["last_price"][0])
                )

    def begin(self) -> None:
        """Begin a session with the next trade."""
        custom = (self._table["condition"] == Condition.LEVEL) & (self._table["level"] == Level.CUSTOM)
        self._seen["side"][~custom] = 0
        self._seen["last"] = NONE
        self._levels[:] = UNDEF_PRICE
        self._changes.clear()
        self._reset()

    def level(self, level: Level) -> int:
        """Return a level's price, 1e-9; UNDEF_PRICE where there is none."""
        return int(self._levels[level])

    def set_level(self, level: Level, price: int) -> None:
        """Move a level to a price (1e-9; UNDEF_PRICE: there is none) from the next trade on."""
        if self._levels[level] != price:
            self._levels[level] = price
            if self.rules:
                level_moved_nb(self._table, self._seen, int(level), price, int(self._state["last_price"][0]))

    def move_level(self, level: Level, price: int, ts: int) -> None:
        """Move a level to a price (1e-9) with the first of the next trades at or after an event time (ns)."""
        if self._reads_trades:
            self._changes.append((ts, level, price))
        else:
            self.set_level(level, price)

    def hear(self, events: NDArray[np.void], known: Sequence[int]) -> None:
        """Process detector events (EVENT).

        Parameters
        ----------
        known : number, in the batch that is taken next, of the trade that made each event known
        """
        for event, at in zip(events, known, strict=True):
            kind, direction, strength = int(event["kind"]), int(event["direction"]), float(event["strength"])
            ts = int(event["ts_event"])
            for place, rule in enumerate(self.rules):
                if rule.condition is not Condition.EVENT or (rule.event is not None and rule.event != kind):
                    continue
                if strength < rule.least or rule.direction not in (0, direction):
                    continue
                seen = self._seen[place]
                if seen["fired_ts"] != NONE and ts - int(seen["fired_ts"]) < rule.cool_down_ns:
                    continue
                seen["fired_ts"] = ts
                row = np.zeros(1, FIRED)
                row["ts_event"], row["price"], row["strength"], row["rule"] = ts, event["price"], strength, rule.id
                row["condition"], row["detail"], row["direction"], row["at"] = _EVENT, kind, direction, at
                self._found.append(row)

    def set_cvd(self, cvd: int) -> None:
        """Set CVD before the next trade."""
        self._state["cvd"] = cvd

    def take(self, words: NDArray[np.int64], *, bucket_ns: int, tick_size: int) -> None:
        """Process trades (int64 words of TRADE rows)."""
        count = len(words) // WORDS
        if not self._reads_trades or not count or not tick_size:
            self._changes.clear()
            return
        self._learn(tick_size)
        at = taken = 0
        changes: list[tuple[int, Level | None, int]] = [*self._placed(words), (count, None, 0)]
        for index, level, price in changes:
            while at < index:
                found, at, taken = alerts_nb(
                    *(words, at, index, self._table, self._seen, self._state, self._levels),
                    *(bucket_ns, tick_size, taken, *self._space),
                )
                if found:
                    self._found.append(self._space[2][:found].copy())
            if level is not None:
                self.set_level(level, price)

    def pass_time(self, now_ns: int) -> None:
        """Advance the clock to `now_ns` (event time): a second that ended 250 ms ago is over."""
        for _, level, price in self._changes:
            self.set_level(level, price)
        self._changes.clear()
        second = int(self._state["second"][0])
        if self._reads_trades and second != NONE and now_ns - CLOSE_DELAY_NS >= (second + 1) * SECOND_NS:
            self.end_second()

    def end_second(self) -> None:
        """End the open second."""
        if self._reads_trades and (found := end_second_nb(self._table, self._seen, self._state, self._space[2])):
            self._found.append(self._space[2][:found].copy())

    def collect(self) -> NDArray[np.void]:
        """Return the alerts (ALERT) since the last call, in the order in which they became known."""
        if not self._found:
            return np.zeros(0, ALERT)
        found = np.concatenate(self._found)
        self._found.clear()
        is_event = found["condition"] == _EVENT
        is_of_trade = ~np.isin(found["condition"], _ENDED) | (is_event & (found["detail"] == _ZERO_CROSS))
        order = np.lexsort((found["rule"], found["ts_event"], is_of_trade, found["at"]))
        alerts = np.zeros(len(found), ALERT)
        for name in ALERT.names or ():
            if name != "pad":
                alerts[name] = found[name][order]
        return alerts

    def keep(self) -> bytes:
        """Return rules and state, for a checkpoint."""
        arrays = self._seen.tobytes(), self._state.tobytes(), self._levels.tobytes()
        return msgspec.msgpack.encode(_Kept(self.rules, *arrays, self._tick_size))

    def resume(self, kept: bytes) -> None:
        """Restore what `keep` returned. Raises ValueError."""
        found = msgspec.msgpack.decode(kept, type=_Kept)
        self.configure(found.rules)
        self._seen[:] = np.frombuffer(found.seen, RULE_STATE)
        self._state[:] = np.frombuffer(found.state, STATE)
        self._levels[:] = np.frombuffer(found.levels, np.int64)
        self._tick_size = found.tick_size

    def _placed(self, words: NDArray[np.int64]) -> list[tuple[int, Level, int]]:
        """Return the level changes with the index of the trade before which each happens."""
        if not self._changes:
            return []
        # The running maximum, because a trade may be late: the first time at or after `ts` is the maximum's, too.
        newest = np.maximum.accumulate(words[1::WORDS])
        places = np.searchsorted(newest, [ts for ts, _, _ in self._changes]).tolist()
        found = [(place, level, price) for place, (_, level, price) in zip(places, self._changes, strict=True)]
        self._changes.clear()
        return sorted(found, key=lambda change: change[0])

    def _begin_vwap(self, totals: SessionTotals, tick_size: int) -> None:
        """Set the sums of VWAP to those of the session so far."""
        if totals.last_price == NONE or not tick_size or not len(totals.prices):
            return
        base = int(totals.prices[0])
        ticks = (totals.prices - base) // tick_size
        self._state["base"], self._tick_size = base, tick_size
        self._state["volume"], self._state["ticks"] = totals.volumes.sum(), (ticks * totals.volumes).sum()

    def _learn(self, tick_size: int) -> None:
        """Apply a changed tick size (1e-9 units)."""
        before, self._tick_size = self._tick_size, tick_size
        if before not in (0, tick_size):
            self._state["ticks"] = int(self._state["ticks"][0]) * before // tick_size

    def _reset(self) -> None:
        for name in ("last_price", "bucket", "second", "base"):
            self._state[name] = NONE
        for name in ("buy", "sell", "unsided", "second_volume", "second_delta", "second_price", "volume", "ticks"):
            self._state[name] = 0


def _unnamed(rule: EngineRule) -> EngineRule:
    return replace(rule, name="")
