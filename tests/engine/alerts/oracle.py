"""Alert rules in plain Python, one trade at a time: the oracle for the kernel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from flow_gl.core.alerts import Condition, EngineRule, Level
from flow_gl.core.units import SECOND_NS


@dataclass(frozen=True)
class Trade:
    ts: int
    price: int
    size: int
    side: str


@dataclass(frozen=True)
class Move:
    """A market level moves to a price (None: it is gone) before the next trade."""

    level: Level
    price: int | None


@dataclass(frozen=True)
class Open:
    """A session opens: CVD restarts at 0."""


Alert = tuple[int, int, int, int, int]
"""rule, ts_event, price, value, direction"""


@dataclass
class _Rule:
    rule: EngineRule
    fired: int | None = None
    side: int = 0
    is_within: bool = True
    number: int | None = None

    def fire(self, ts: int, price: int, value: int, direction: int) -> list[Alert]:
        if self.rule.direction and self.rule.direction != direction:
            return []
        if self.fired is not None and ts - self.fired < self.rule.cool_down_ns:
            return []
        self.fired = ts
        return [(self.rule.id, ts, price, value, direction)]


@dataclass
class Oracle:
    rules: Sequence[EngineRule]
    bucket_ns: int
    levels: dict[Level, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = [_Rule(rule) for rule in self.rules]
        self.last_price: int | None = None
        self._begin()

    def _begin(self) -> None:
        self.cvd = 0
        self.volume = self.value = 0
        self.bucket: list[Trade] = []
        self.second: list[Trade] = []
        self.open_bucket = self.open_second = -1

    def run(self, steps: Iterable[Trade | Move | Open]) -> list[Alert]:
        found: list[Alert] = []
        for step in steps:
            if isinstance(step, Trade):
                found += self.trade(step)
            elif isinstance(step, Move):
                self.move(step)
            else:
                found += self.end_second()
                self._begin()
                self.last_price = None
                self.levels.clear()
                for one in self.state:
                    one.is_within, one.number = True, None
                    if one.rule.condition is Condition.LEVEL and one.rule.level is not Level.CUSTOM:
                        one.side = 0
        return found

    def move(self, move: Move) -> None:
        if self.levels.get(move.level) == move.price:
            return
        if move.price is None:
            self.levels.pop(move.level)
        else:
            self.levels[move.level] = move.price
        for one in self.state:
            if one.rule.condition is Condition.LEVEL and one.rule.level is move.level:
                known = self.last_price is not None and move.price is not None
                one.side = _sign(self.last_price - move.price) if known else 0  # type: ignore[operator]

    def end_second(self) -> list[Alert]:
        found: list[Alert] = []
        if not self.second:
            return found
        delta = sum(_signed(trade) for trade in self.second)
        end = (self.open_second + 1) * SECOND_NS
        for one in self.state:
            is_there = one.rule.condition is Condition.SECOND_DELTA and delta and abs(delta) >= one.rule.least
            if is_there and one.number != self.open_second:
                one.number = self.open_second
                found += one.fire(end, self.second[-1].price, delta, _sign(delta))
        return found

    def trade(self, trade: Trade) -> list[Alert]:
        ended: list[Alert] = []
        if trade.ts // SECOND_NS > self.open_second:
            ended = self.end_second()
            self.open_second, self.second = trade.ts // SECOND_NS, []
        if trade.ts // self.bucket_ns > self.open_bucket:
            self.open_bucket, self.bucket = trade.ts // self.bucket_ns, []
        self.second.append(trade)
        self.bucket.append(trade)
        self.cvd += _signed(trade)
        found: list[Alert] = []
        for one in self.state:
            found += self._test(one, trade)
        self.volume, self.value = self.volume + trade.size, self.value + trade.price * trade.size
        self.last_price = trade.price
        return [*sorted(ended), *sorted(found)]

    def _test(self, one: _Rule, trade: Trade) -> list[Alert]:
        rule = one.rule
        if rule.condition is Condition.LEVEL:
            level = self._level(rule)
            if level is None:
                return []
            before, one.side = one.side, _sign(trade.price - level)
            if before and one.side != before:
                return one.fire(trade.ts, trade.price, round(level), -before)
        elif rule.condition is Condition.CVD:
            before_within, one.is_within = one.is_within, abs(self.cvd) <= rule.least
            if before_within and not one.is_within:
                return one.fire(trade.ts, trade.price, self.cvd, _sign(self.cvd))
        elif rule.condition in (Condition.BUBBLE, Condition.SECOND_VOLUME):
            is_bubble = rule.condition is Condition.BUBBLE
            trades, number = (self.bucket, self.open_bucket) if is_bubble else (self.second, self.open_second)
            buy, sell, both = (sum(t.size for t in trades if t.side in sides) for sides in ("B", "A", "BAN"))
            total = (max(buy, sell) or both) if is_bubble else both
            if total >= rule.least and one.number != number:
                one.number = number
                return one.fire(trade.ts, trade.price, total, _sign(buy - sell))
        return []

    def _level(self, rule: EngineRule) -> Fraction | int | None:
        if rule.level is Level.CUSTOM:
            return rule.price
        if rule.level is Level.VWAP:
            return Fraction(self.value, self.volume) if self.volume else None
        return self.levels.get(rule.level)


def _signed(trade: Trade) -> int:
    return trade.size * {"B": 1, "A": -1, "N": 0}[trade.side]


def _sign(number: Fraction | int) -> int:
    return (number > 0) - (number < 0)
