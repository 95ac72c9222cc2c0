"""Every detector against the rules in plain Python, and what all of them must hold to."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.schema import EVENT, TRADE, EventKind
from flow_gl.engine.detectors.absorption import Absorption
from flow_gl.engine.detectors.base import NEVER, Detector
from flow_gl.engine.detectors.divergence import Divergence
from flow_gl.engine.detectors.group import DetectorGroup
from flow_gl.engine.detectors.large_trade import LargeTrade
from flow_gl.engine.detectors.stacked_imbalance import StackedImbalance
from tests.engine.detectors import oracle

S = 1_000_000_000
TICK = 250_000_000
START = 1_764_284_400 * S
Rows = NDArray[np.void]

KINDS: dict[str, tuple[Callable[[], Detector], Callable[[list[Any]], list[dict[str, Any]]]]] = {
    "large_trade": (LargeTrade, oracle.large_trades),
    "absorption": (Absorption, oracle.absorptions),
    "divergence": (Divergence, oracle.divergences),
    "stacked_imbalance": (StackedImbalance, oracle.stacked_imbalances),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def make(trades: Iterable[tuple[float, int, int, str]]) -> Rows:
    """TRADE rows from (seconds after START, ticks, contracts, side)."""
    listed = list(trades)
    rows = np.zeros(len(listed), TRADE)
    rows["instrument_id"], rows["action"] = 1, ord("T")
    for row, (second, tick, size, side) in zip(rows, listed, strict=True):
        row["ts_event"] = START + round(second * S)
        row["price"], row["size"], row["side"] = tick * TICK, size, ord(side)
    return rows


@cache
def market(seed: int, *, seconds: int = 2400, rate: float = 4.0) -> Rows:
    """A market with calm and busy stretches, sweeps, pauses, a halt and trades without a side."""
    rng = np.random.default_rng(seed)
    trades: list[tuple[float, int, int, str]] = []
    tick, lean = 100_000, 0.0
    second = 0
    while second < seconds:
        if rng.random() < 0.002:
            second += int(rng.integers(10, 900))
        lean = 0.97 * lean + rng.normal(0, 0.1)
        for at in np.sort(rng.random(rng.poisson(rate * (4 if rng.random() < 0.05 else 1)))):
            buys = rng.random() < 0.5 + np.tanh(lean) / 2
            side = "N" if rng.random() < 0.02 else "B" if buys else "A"
            size = int(rng.geometric(0.3)) * (8 if rng.random() < 0.02 else 1)
            # A sweep takes several records of one time.
            for _ in range(1 + int(rng.random() < 0.1) * int(rng.integers(1, 5))):
                trades.append((second + at, tick, size, side))
                tick += int(rng.random() < 0.35) * (1 if buys != (rng.random() < 0.35) else -1)
        second += 1
    return make(trades)


def plain(rows: Rows) -> list[tuple[int, int, int, str]]:
    return [(int(row["ts_event"]), int(row["price"]) // TICK, int(row["size"]), chr(row["side"])) for row in rows]


def run(detector: Detector, rows: Rows, cuts: Iterable[int] = ()) -> Rows:
    group = DetectorGroup([detector])
    parts = [event.copy() for part in np.split(rows, sorted(cuts)) if len(part) for event in group.take(part, TICK)]
    parts += [event.copy() for event in group.pass_time(NEVER)]
    return np.concatenate([np.zeros(0, EVENT), *parts])


def told(events: Rows) -> list[tuple[int, int, int, float]]:
    return [
        (int(event["ts_event"]), int(event["price"]) // TICK, int(event["direction"]), float(event["strength"]))
        for event in events
    ]


def expected(events: list[dict[str, Any]]) -> list[tuple[int, int, int, Any]]:
    return [
        (event["ts_event"], event["price"], event["direction"], pytest.approx(event["strength"], rel=1e-12))
        for event in events
    ]


@cache
def by_rule(kind: str, seed: int) -> list[dict[str, Any]]:
    """What the rule in plain Python finds in a market; it takes its time."""
    return KINDS[kind][1](plain(market(seed, rate=2.0 + 3.0 * seed)))


@kinds
@pytest.mark.parametrize("seed", range(6))
def test_a_detector_finds_what_the_rule_in_plain_python_finds(kind: str, seed: int) -> None:
    make_detector, _ = KINDS[kind]
    events = run(make_detector(), market(seed, rate=2.0 + 3.0 * seed))
    assert told(events) == expected(by_rule(kind, seed))
    assert {EventKind(value).name.lower() for value in events["kind"]} <= {kind}


@kinds
def test_late_trades_count_in_what_is_open(kind: str) -> None:
    rows, rng = market(7, rate=10.0), np.random.default_rng(7)
    delay = rng.integers(0, 60, len(rows)) * (rng.random(len(rows)) < 0.02)
    late = rows[np.argsort(np.arange(len(rows)) + delay, kind="stable")]
    make_detector, rule = KINDS[kind]
    assert told(run(make_detector(), late)) == expected(rule(plain(late)))


@kinds
def test_the_markets_of_these_tests_have_events_of_each_kind(kind: str) -> None:
    assert sum(len(by_rule(kind, seed)) for seed in range(6)) >= 5


@kinds
def test_how_trades_are_cut_into_batches_changes_no_event(kind: str) -> None:
    rows = market(11, rate=12.0)
    whole = run(KINDS[kind][0](), rows)
    rng = np.random.default_rng(5)
    for count in (1, 40, 3000):
        cut = run(KINDS[kind][0](), rows, rng.integers(0, len(rows), count).tolist())
        assert cut.tobytes() == whole.tobytes()


@kinds
@pytest.mark.parametrize("at", [0, 1, 4_321, 9_000])
def test_a_detector_goes_on_from_what_was_kept(kind: str, at: int) -> None:
    rows = market(11, rate=12.0)
    stopped, resumed = KINDS[kind][0](), KINDS[kind][0]()
    first, second = DetectorGroup([stopped]), DetectorGroup([resumed])
    before = [event.copy() for event in first.take(rows[:at], TICK)]
    resumed.resume(stopped.keep())
    after = [event.copy() for event in second.take(rows[at:], TICK)]
    after += [event.copy() for event in second.pass_time(NEVER)]
    assert np.concatenate([np.zeros(0, EVENT), *before, *after]).tobytes() == run(KINDS[kind][0](), rows).tobytes()


@kinds
def test_a_session_starts_without_anything_of_the_one_before(kind: str) -> None:
    detector, rows = KINDS[kind][0](), market(3, rate=8.0)
    alone = run(KINDS[kind][0](), rows)
    run(detector, market(4, rate=8.0))
    detector.begin()
    assert run(detector, rows).tobytes() == alone.tobytes()


@kinds
def test_a_finer_tick_in_mid_session_changes_no_price_and_no_time(kind: str) -> None:
    rows = market(3, rate=8.0)
    group, parts = DetectorGroup([KINDS[kind][0]()]), []
    parts += [event.copy() for event in group.take(rows[:5_000], 4 * TICK // 4)]
    parts += [event.copy() for event in group.take(rows[5_000:5_000], TICK // 5)]
    parts += [event.copy() for event in group.take(rows[5_000:5_001], TICK // 5)]
    assert (
        np.concatenate([np.zeros(0, EVENT), *parts]).tobytes()
        == run(KINDS[kind][0](), rows[:5_001])[: sum(map(len, parts))].tobytes()
    )


@kinds
@pytest.mark.parametrize(
    "trades",
    [[], [(0.0, 100, 5, "B")], [(0.1 * n, 100, 500, "N") for n in range(3000)]],
    ids=["nothing", "one trade", "unsided only"],
)
def test_nothing_is_found_in_next_to_nothing(kind: str, trades: list[tuple[float, int, int, str]]) -> None:
    assert len(run(KINDS[kind][0](), make(trades))) == 0


@kinds
def test_the_clock_ends_what_has_had_its_time_and_says_it_once(kind: str) -> None:
    rows = market(11, rate=12.0)
    whole = run(KINDS[kind][0](), rows)
    group, parts = DetectorGroup([KINDS[kind][0]()]), []
    for part in np.split(rows, range(500, len(rows), 500)):
        parts += [event.copy() for event in group.take(part, TICK)]
        # The clock of a live session is never far behind its newest trade.
        parts += [event.copy() for event in group.pass_time(int(part["ts_event"][-1]))]
    parts += [event.copy() for event in group.pass_time(NEVER)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_records_of_one_time_and_side_are_one_order() -> None:
    trades = [(1.0, 100, 6, "B"), (1.0, 101, 5, "B"), (1.0, 101, 9, "A"), (2.0, 100, 9, "B"), (2.0, 100, 1, "N")]
    events = run(LargeTrade(), make([*trades, (2.0, 100, 1, "B")]))
    assert told(events) == [(START + S, 101, 1, 11.0)]
    assert events["value"][0, :2].tolist() == [100 * TICK, 10]


def test_a_fixed_threshold_is_the_threshold_from_the_first_order_on() -> None:
    rows = make([(float(n), 100, size, "A") for n, size in enumerate((9, 10, 49, 50, 51))])
    assert [event[3] for event in told(run(LargeTrade(threshold=50), rows))] == [50.0, 51.0]


def test_the_threshold_rises_when_an_hour_has_more_than_twenty_large_orders() -> None:
    burst = [(float(n), 100, 12, "B") for n in range(21)]
    rows = make([*burst, (61.0, 100, 12, "B"), (62.0, 100, 20, "B"), (3_661.0, 100, 12, "B")])
    assert len(run(LargeTrade(), rows)) == 21 + 1 + 1, "20 in the second minute, 10 again an hour later"


def calm(seconds: int) -> list[tuple[float, int, int, str]]:
    return [(second + 0.5, 100, 2, "BA"[second % 2]) for second in range(seconds)]


def test_selling_that_price_withstands_is_bullish_absorption() -> None:
    hit = [(300.1 + 0.1 * n, 100 - n % 2, 10, "A") for n in range(8)]
    events = run(Absorption(), make([*calm(300), *hit]))
    assert told(events)[0][:3] == (START + 301 * S, 100, 1)


@pytest.mark.parametrize("move", [12, -12])
def test_a_large_move_is_not_absorption_whichever_way_it_goes(move: int) -> None:
    hit = [(300.1 + 0.1 * n, 100 + move * n // 7, 10, "A") for n in range(8)]
    assert len(run(Absorption(), make([*calm(300), *hit]))) == 0


def test_the_first_two_minutes_have_no_absorption_for_want_of_history() -> None:
    hit = [(118.1 + 0.1 * n, 100, 10, "A") for n in range(8)]
    assert len(run(Absorption(), make([*calm(118), *hit]))) == 0


def test_a_stack_needs_three_adjacent_ticks() -> None:
    two = [(1.0 + 0.01 * n, 100 + n, 10, "B") for n in range(2)]
    three = [*two, (1.5, 102, 10, "B")]
    assert len(run(StackedImbalance(), make(two))) == 0
    assert told(run(StackedImbalance(), make(three))) == [(START + 60 * S, 100, 1, 3.0)]
    weak = [*three, (1.6, 100, 4, "A")]
    assert len(run(StackedImbalance(), make(weak))) == 0, "tick 101 has less than three times the sells below it"


def test_one_minute_may_span_any_number_of_ticks() -> None:
    far = [(1.0, 100, 10, "B"), (1.1, 2_000_000, 10, "A"), (1.2, 1_999_999, 10, "A"), (1.3, 1_999_998, 10, "A")]
    assert told(run(StackedImbalance(), make(far))) == [(START + 60 * S, 1_999_998, -1, 3.0)]
