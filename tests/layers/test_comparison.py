"""A comparison's points are those of an oracle in plain Python, at every level of detail and at every moment."""

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flow_gl.core.comparison import Comparison
from flow_gl.core.items import Definition, FeedGap
from flow_gl.core.schema import GAP_LIST, ROLL_LIST, GapKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.layers.comparison.breaks import breaks_of
from flow_gl.layers.comparison.points import Points, points_between
from flow_gl.store.market import MarketReader, MarketStore
from tests.kit.markets import make_market
from tests.kit.trades import trades_of
from tests.layers.comparison_oracle import Hours, Trade, buckets_of, expected_breaks, is_cut, values_of

TICK = 250_000_000
PRICES = 101_468, 27_249
DIFFERENCE = Comparison("ES.v.0")
ALL_TIME = (0, 2**40)


class Point(NamedTuple):
    """A point of the line: its bucket, the value's time and prices, whether the line comes from the point before."""

    bucket: int
    at_ns: int
    own: int
    other: int
    is_joined: bool


def at(text: str) -> int:
    moment = dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"))
    return int(moment.timestamp()) * SECOND_NS


CLOSED = [(at(f"2025-11-{day}T17:00"), at(f"2025-11-{day}T18:00")) for day in (24, 25)]
MISSING = [(at("2025-11-24T18:40:10"), at("2025-11-24T18:42"))]
STRETCHES = {
    0: [("24T16:40", "24T17:00"), ("24T18:00", "24T18:25"), ("24T18:31", "24T18:40:10"), ("24T18:42", "24T18:50"),
        ("25T16:50", "25T16:59:30"), ("25T18:00:07", "25T18:12")],
    1: [("24T16:45:30", "24T17:00"), ("24T18:05:20", "24T18:28"), ("24T18:30", "24T18:40:10"),
        ("24T18:42:09", "24T18:47"), ("25T16:52", "25T17:00"), ("25T18:00", "25T18:12")],
}  # fmt: skip
"""When each symbol trades: the other one begins later, halts at other times, and misses the ends of sessions."""


def make_trades(seed: int, per_minute: float = 9.0) -> list[Trade]:
    """Make trades of both symbols in time order."""
    rng, found = np.random.default_rng(seed), []
    for symbol, stretches in STRETCHES.items():
        price = PRICES[symbol]
        for begin, end in stretches:
            start_ns, end_ns = at(f"2025-11-{begin}"), at(f"2025-11-{end}")
            count = int(per_minute * (end_ns - start_ns) / MINUTE_NS * (1.0 if symbol == 0 else 0.4))
            times = np.sort(rng.integers(start_ns, end_ns, count)) // 1_000_000 * 1_000_000
            for at_ns in (start_ns, *times.tolist()):
                price += int(rng.integers(-3, 4))
                found.append(Trade(symbol, at_ns, price * TICK))
    return sorted(found, key=lambda one: one.at_ns)


class Engine:
    """Both symbols' stores behind the program's own aggregation."""

    def __init__(self, calendar: SessionCalendar) -> None:
        self.pipeline = Pipeline(sessions=calendar)
        self.stores = [MarketStore.local(base_capacity=1 << 13) for _ in range(2)]
        for number, (store, name) in enumerate(zip(self.stores, ("NQZ5", "ESZ5"), strict=True), 1):
            self.pipeline.define(Definition(number, name, TICK, 20.0, is_outright=True))
            self.pipeline.chart(number, store)
        self.pipeline.gap(FeedGap(*MISSING[0]))
        self.own, self.other = (MarketReader(store) for store in self.stores)

    def take(self, trades: list[Trade]) -> None:
        rows = [(1 + one.symbol, one.at_ns, one.price, 1, "B") for one in trades]
        if rows:
            self.pipeline.process(trades_of(rows))
        self.refresh()

    def refresh(self) -> None:
        self.pipeline.publish()
        for reader in (self.own, self.other):
            reader.refresh()

    def points(self, lod: int, rule: Comparison = DIFFERENCE, ids: tuple[int, int] = ALL_TIME) -> Points:
        return points_between(self.own, self.other, rule, self.own.widths_ns[lod], ids)


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> SessionCalendar:
    cache: Path = tmp_path_factory.mktemp("sessions")
    return SessionCalendar(cache=cache)


class Oracle:
    """What is to be found for trades."""

    def __init__(self, trades: list[Trade]) -> None:
        sessions = {one.at_ns: sum(one.at_ns >= opened for _, opened in CLOSED) for one in trades}
        hours = Hours(CLOSED, MISSING)
        self._trades = trades
        self._values = values_of(trades, hours, sessions)
        self._ends = [
            expected_breaks([one.at_ns for one in trades if one.symbol == n], hours, sessions) for n in (0, 1)
        ]

    def points(self, width_ns: int) -> list[Point]:
        found = buckets_of(self._trades, self._values, width_ns)
        joined = [
            not any(is_cut(one.at_ns, other.at_ns, ends) for ends in self._ends)
            for (_, one), (_, other) in pairwise(found)
        ]
        return [
            Point(bucket, *value, is_joined) for (bucket, value), is_joined in zip(found, [False, *joined], strict=True)
        ]


def found(points: Points) -> list[Point]:
    columns = (points.ids, points.times, points.own, points.other)
    joined = [False, *points.joined.tolist()][: len(points.ids)]
    return [Point(*row) for row in zip(*(one.tolist() for one in columns), joined, strict=True)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_points_equal_the_oracles_at_each_level_of_detail(calendar: SessionCalendar, seed: int) -> None:
    engine, trades = Engine(calendar), make_trades(seed)
    engine.take(trades)
    oracle = Oracle(trades)
    for lod, width_ns in enumerate(engine.own.widths_ns):
        assert found(engine.points(lod)) == oracle.points(width_ns), width_ns
    joined = [point.is_joined for point in oracle.points(SECOND_NS)]
    assert len(joined) > 300
    assert 5 <= joined.count(False) < 30, "gaps, closed hours and sessions must have broken the line"


def test_the_points_are_right_while_the_market_runs(calendar: SessionCalendar) -> None:
    engine, trades, rng = Engine(calendar), make_trades(4), np.random.default_rng(4)
    stop = 0
    while stop < len(trades):
        start, stop = stop, stop + int(rng.integers(1, 120))
        engine.take(trades[start:stop])
        oracle = Oracle(trades[:stop])
        # What comes after the newest trade is not known yet: a silence shows with its end.
        for lod in (0, 2, 4, 7):
            assert found(engine.points(lod)) == oracle.points(engine.own.widths_ns[lod])


def test_wider_buckets_end_with_the_values_of_narrower_ones(calendar: SessionCalendar) -> None:
    engine = Engine(calendar)
    engine.take(make_trades(5))
    for lod in range(1, len(engine.own.widths_ns)):
        fine, wide = found(engine.points(lod - 1)), found(engine.points(lod))
        ratio = engine.own.widths_ns[lod] // engine.own.widths_ns[lod - 1]
        last = {point.bucket // ratio: point for point in fine}
        assert wide
        for point in wide:
            assert last[point.bucket][1:4] == point[1:4]


def test_a_part_of_the_range_has_the_points_of_the_whole(calendar: SessionCalendar) -> None:
    engine = Engine(calendar)
    engine.take(make_trades(6))
    for lod in (0, 3):
        whole = found(engine.points(lod))
        for at_first in range(0, len(whole) - 5, 1 + len(whole) // 20):
            first, last = whole[at_first].bucket, whole[min(at_first + 40, len(whole) - 1)].bucket
            part = found(engine.points(lod, ids=(first, last)))
            inside = [point for point in whole if first <= point.bucket <= last]
            assert part == [inside[0]._replace(is_joined=False), *inside[1:]]


def test_a_silence_that_continues_ends_the_line_once_it_is_known(calendar: SessionCalendar) -> None:
    engine = Engine(calendar)
    start = at("2025-11-25T10:00")
    both = [
        Trade(symbol, start + second * SECOND_NS, PRICES[symbol] * TICK) for second in range(5) for symbol in (0, 1)
    ]
    engine.take(both)
    alone = [Trade(0, start + second * SECOND_NS, PRICES[0] * TICK) for second in range(5, 120, 5)]
    engine.take(alone[:5])
    assert engine.points(0).ids[-1] == (start + 25 * SECOND_NS) // SECOND_NS, "the last price is carried forward"
    engine.take(alone[5:])
    engine.pipeline.advance(start + 120 * SECOND_NS)
    engine.refresh()
    assert engine.points(0).ids[-1] == (start + 4 * SECOND_NS) // SECOND_NS, "ESZ5 is silent from its last trade on"


def test_a_ratio_with_a_price_of_zero_has_no_point(calendar: SessionCalendar) -> None:
    engine, start = Engine(calendar), at("2025-11-25T10:00")
    prices = [(0, 100), (1, 4), (1, 0), (1, -2)]
    engine.take([Trade(symbol, start + n * SECOND_NS, price * TICK) for n, (symbol, price) in enumerate(prices)])
    ratio = engine.points(0, Comparison("ES.v.0", "ratio"))
    assert ratio.other.tolist() == [4 * TICK, -2 * TICK]
    assert len(engine.points(0).ids) == 3


def test_a_symbol_with_other_widths_gives_no_point(calendar: SessionCalendar) -> None:
    engine = Engine(calendar)
    engine.take(make_trades(7))
    assert len(points_between(engine.own, engine.other, DIFFERENCE, 7 * SECOND_NS, ALL_TIME).ids) == 0


def test_rolls_and_unscheduled_sessions_end_a_price() -> None:
    """A price of before holds until the roll's or the mark's own trade, not at it."""
    market = make_market(60, seed=3)
    second = [int(row["ts_last"]) for row in market.rows]
    gaps, rolls = np.zeros(1, GAP_LIST), np.zeros(1, ROLL_LIST)
    gaps["count"] = gaps["total"] = rolls["count"] = rolls["total"] = 1
    gaps["gap"]["start"][0, 0] = gaps["gap"]["end"][0, 0] = second[20]
    gaps["gap"]["kind"][0, 0] = GapKind.UNSCHEDULED
    rolls["roll"]["last_ts"][0, 0], rolls["roll"]["first_ts"][0, 0] = second[40], second[41]
    market.store.gaps.write(gaps)
    market.store.rolls.write(rolls)
    market.reader.refresh()
    breaks = breaks_of(market.reader)
    assert breaks.between(second[19], second[20] - 1) is None
    assert breaks.between(second[19], second[20]) == 0
    assert breaks.between(second[20], second[39]) is None
    assert breaks.between(second[40], second[40]) is None
    assert breaks.between(second[40], second[40] + 1) == 0
    assert breaks.between(second[41], second[-1]) is None
