"""Every detector against the rules in plain Python, and what all detectors have in common."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT, TRADE
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.base import NEVER
from flow_gl.engine.detectors.group import DetectorGroup
from tests.engine.detectors import oracle

TICK = 250_000_000
START = 1_764_284_400 * SECOND_NS
Rows = NDArray[np.void]

KINDS: dict[str, Callable[[list[Any]], list[dict[str, Any]]]] = {
    "large_trade": oracle.large_trades,
    "absorption": oracle.absorptions,
    "divergence": oracle.divergences,
    "stacked_imbalance": oracle.stacked_imbalances,
    "zero_cross": oracle.zero_crosses,
}
kinds = pytest.mark.parametrize("kind", KINDS)
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "large_trade": ({"most": 5}, {"most": 5}),
    "absorption": (
        {"sd": 1.5, "contracts": 12.0, "ticks": 3.0, "move_sd": 0.5, "range_ticks": 6.0, "range_sd": 2.0}
        | {"again_s": 4.0, "window_s": 7, "history_s": 200},
        {"sd": 1.5, "contracts": 12, "ticks": 3, "move_sd": 0.5, "span": 6, "span_sd": 2, "again_s": 4}
        | {"window_s": 7, "history_s": 200},
    ),
    "divergence": (
        {"bar_s": 4, "before": 3, "after": 2, "most_bars": 200},
        {"bar_s": 4, "before": 3, "after": 2, "most_bars": 200},
    ),
    "stacked_imbalance": (
        {"contracts": 4, "ratio": 2.0, "ticks": 2},
        {"contracts": 4, "ratio": 2, "least": 2},
    ),
    "zero_cross": ({"arm": 25}, {"arm": 25}),
}
"""Parameters other than the defaults, for the detector and for the rule in plain Python."""


def only(kind: str, **parameters: Any) -> AggregationSettings:
    """Return settings with which only one kind is detected."""
    switches = {f"{other}_on": other == kind for other in KINDS}
    named = {name if name == "arm" else f"{kind}_{name}": value for name, value in parameters.items()}
    if kind == "zero_cross":
        named.setdefault("arm", 60)
    return replace(DEFAULTS.aggregation, **switches, **named)


def make(trades: Iterable[tuple[float, int, int, str]]) -> Rows:
    """TRADE rows from (seconds after START, ticks, contracts, side)."""
    listed = list(trades)
    rows = np.zeros(len(listed), TRADE)
    rows["instrument_id"], rows["action"] = 1, ord("T")
    for row, (second, tick, size, side) in zip(rows, listed, strict=True):
        row["ts_event"] = START + round(second * SECOND_NS)
        row["price"], row["size"], row["side"] = tick * TICK, size, ord(side)
    return rows


@cache
def market(seed: int, *, seconds: int = 2400, rate: float = 4.0) -> Rows:
    """Make a market with calm and busy periods, sweeps, pauses, a halt and trades without a side."""
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
            # A sweep has several records with the same time.
            for _ in range(1 + int(rng.random() < 0.1) * int(rng.integers(1, 5))):
                trades.append((second + at, tick, size, side))
                tick += int(rng.random() < 0.35) * (1 if buys != (rng.random() < 0.35) else -1)
        second += 1
    return make(trades)


def plain(rows: Rows) -> list[tuple[int, int, int, str]]:
    return [(int(row["ts_event"]), int(row["price"]) // TICK, int(row["size"]), chr(row["side"])) for row in rows]


def words(rows: Rows) -> NDArray[np.int64]:
    return rows.view(np.int64)


def collected(parts: Iterable[Rows]) -> Rows:
    return np.concatenate([np.zeros(0, EVENT), *parts])


def run(settings: AggregationSettings, rows: Rows, cuts: Iterable[int] = ()) -> Rows:
    group = DetectorGroup(settings)
    parts = [event for part in np.split(rows, sorted(cuts)) if len(part) for event in group.take(words(part), TICK)]
    return collected([*parts, *group.pass_time(NEVER)])


def summaries(events: Rows) -> list[tuple[int, int, int, float]]:
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
    """Return what the rule in plain Python finds in a market; cached because it is slow."""
    return KINDS[kind](plain(market(seed, rate=2.0 + 3.0 * seed)))


@kinds
@pytest.mark.parametrize("seed", range(6))
def test_a_detector_finds_what_the_rule_in_plain_python_finds(kind: str, seed: int) -> None:
    events = run(only(kind), market(seed, rate=2.0 + 3.0 * seed))
    assert summaries(events) == expected(by_rule(kind, seed))
    assert {EventKind(value).name.lower() for value in events["kind"]} <= {kind}


@kinds
def test_with_other_parameters_a_detector_still_finds_what_the_rule_finds(kind: str) -> None:
    ours, theirs = OTHERS[kind]
    rows = market(2, rate=8.0)
    events = run(only(kind, **ours), rows)
    assert summaries(events) == expected(KINDS[kind](plain(rows), **theirs))
    assert len(events) >= 3
    assert events.tobytes() != run(only(kind), rows).tobytes()


@kinds
def test_late_trades_count_in_the_open_second_bar_and_minute(kind: str) -> None:
    rows, rng = market(7, rate=10.0), np.random.default_rng(7)
    delay = rng.integers(0, 60, len(rows)) * (rng.random(len(rows)) < 0.02)
    late = rows[np.argsort(np.arange(len(rows)) + delay, kind="stable")]
    assert summaries(run(only(kind), late)) == expected(KINDS[kind](plain(late)))


@kinds
def test_the_markets_of_these_tests_have_events_of_each_kind(kind: str) -> None:
    assert sum(len(by_rule(kind, seed)) for seed in range(6)) >= 5


@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_batches_do_not_change_events(kind: str) -> None:
    rows = market(11, rate=12.0)
    settings = replace(DEFAULTS.aggregation, arm=60) if kind == "all" else only(kind)
    whole = run(settings, rows)
    rng = np.random.default_rng(5)
    for count in (1, 40, 3000):
        assert run(settings, rows, rng.integers(0, len(rows), count).tolist()).tobytes() == whole.tobytes()


def test_a_threshold_of_one_contract_makes_every_order_an_event_in_any_batches() -> None:
    rows = market(11, rate=12.0)
    settings = replace(DEFAULTS.aggregation, large_trade_threshold=1, arm=1, stacked_imbalance_contracts=1)
    whole = run(settings, rows)
    assert np.sum(whole["kind"] == EventKind.LARGE_TRADE) == len(oracle.orders(plain(rows)))
    assert run(settings, rows, range(0, len(rows), 7)).tobytes() == whole.tobytes()


@pytest.mark.parametrize("at", [0, 1, 4_321, 9_000])
@pytest.mark.parametrize("keeps_trades", [False, True])
def test_detectors_continue_after_a_checkpoint(at: int, keeps_trades: bool) -> None:
    rows, settings = market(11, rate=12.0), replace(DEFAULTS.aggregation, arm=60)
    first, second = (DetectorGroup(settings, keeps_trades=keeps_trades) for _ in range(2))
    before = list(first.take(words(rows[:at]), TICK))
    second.resume(first.keep())
    after = [*second.take(words(rows[at:]), TICK), *second.pass_time(NEVER)]
    assert collected([*before, *after]).tobytes() == run(settings, rows).tobytes()


def test_a_session_starts_without_state_from_the_previous_one() -> None:
    rows, settings = market(3, rate=8.0), replace(DEFAULTS.aggregation, arm=60)
    group = DetectorGroup(settings)
    list(group.take(words(market(4, rate=8.0)), TICK))
    list(group.begin())
    group.set_cvd()
    found = collected([*group.take(words(rows), TICK), *group.pass_time(NEVER)])
    assert found.tobytes() == run(settings, rows).tobytes()


def test_the_last_minute_of_a_session_ends_with_it() -> None:
    rows, settings = market(4, rate=8.0), replace(DEFAULTS.aggregation, arm=60)
    group = DetectorGroup(settings)
    found = collected([*group.take(words(rows), TICK), *group.begin()])
    assert found.tobytes() == run(settings, rows).tobytes()


@kinds
def test_a_finer_tick_during_a_session_changes_no_price_or_time(kind: str) -> None:
    rows, finer = market(3, rate=8.0), TICK // 5
    group = DetectorGroup(only(kind, **{"absorption": {"window_s": 5}}.get(kind, {})))
    parts = [*group.take(words(rows[:5_000]), TICK), *group.take(words(rows[5_000:5_001]), finer)]
    expected_events = run(only(kind), rows[:5_001])
    assert collected(parts).tobytes() == expected_events[: sum(map(len, parts))].tobytes()


@kinds
@pytest.mark.parametrize(
    "trades",
    [[], [(0.0, 100, 5, "B")], [(0.1 * n, 100, 500, "N") for n in range(3000)]],
    ids=["nothing", "one trade", "unsided only"],
)
def test_almost_no_trades_give_no_events(kind: str, trades: list[tuple[float, int, int, str]]) -> None:
    assert len(run(only(kind), make(trades))) == 0


@pytest.mark.parametrize("kind", [*KINDS, "all"])
@pytest.mark.parametrize("lateness_ns", [0, 240_000_000, 999_999_999])
def test_the_clock_ends_seconds_bars_and_minutes_exactly_once(kind: str, lateness_ns: int) -> None:
    rows = market(11, rate=12.0)
    settings = replace(DEFAULTS.aggregation, arm=60) if kind == "all" else only(kind)
    group, parts = DetectorGroup(settings), []
    ahead = 240_000_000 - lateness_ns  # a live session's clock, less than 250 ms ahead of the newest trade
    for part in np.split(rows, range(3, len(rows), 3)):
        parts += group.take(words(part), TICK)
        parts += group.pass_time(int(part["ts_event"][-1]) + ahead)
    parts += group.pass_time(NEVER)
    assert collected(parts).tobytes() == run(settings, rows).tobytes()


def test_a_trade_within_the_clocks_delay_counts_in_its_own_second() -> None:
    rows = market(11, rate=12.0)
    late = rows.copy()
    step = np.flatnonzero(np.diff(late["ts_event"] // SECOND_NS))[::20]
    late[step], late[step + 1] = rows[step + 1], rows[step]  # a second's last trade comes after the next's first
    settings = replace(DEFAULTS.aggregation, arm=60)
    group, parts, newest = DetectorGroup(settings), [], 0
    to_come = np.minimum.accumulate(late["ts_event"][::-1])[::-1].tolist()
    for at in range(len(late)):
        parts += group.take(words(late[at : at + 1]), TICK)
        newest = max(newest, int(late["ts_event"][at]))
        # The feed never vouches for a time after a trade that is still to come.
        coming = to_come[min(at + 1, len(late) - 1)]
        parts += group.pass_time(min(newest + 240_000_000, coming + 249_999_999))
    parts += group.pass_time(NEVER)
    assert collected(parts).tobytes() == run(settings, late).tobytes()


def test_records_with_equal_time_and_side_are_one_order() -> None:
    trades = [(1.0, 100, 6, "B"), (1.0, 101, 5, "B"), (1.0, 101, 9, "A"), (2.0, 100, 9, "B"), (2.0, 100, 1, "N")]
    events = run(only("large_trade"), make([*trades, (2.0, 100, 1, "B")]))
    assert summaries(events) == [(START + SECOND_NS, 101, 1, 11.0)]
    assert events["value"][0, :2].tolist() == [100 * TICK, 10]


def test_a_fixed_threshold_applies_from_the_first_order_on() -> None:
    rows = make([(float(n), 100, size, "A") for n, size in enumerate((9, 10, 49, 50, 51))])
    assert [event[3] for event in summaries(run(only("large_trade", threshold=50), rows))] == [50.0, 51.0]


def test_the_threshold_rises_when_an_hour_has_more_than_twenty_large_orders() -> None:
    burst = [(float(n), 100, 12, "B") for n in range(21)]
    rows = make([*burst, (61.0, 100, 12, "B"), (62.0, 100, 20, "B"), (3_661.0, 100, 12, "B")])
    assert len(run(only("large_trade"), rows)) == 21 + 1 + 1, "20 in the second minute, 10 again an hour later"


def calm(seconds: int) -> list[tuple[float, int, int, str]]:
    return [(second + 0.5, 100, 2, "BA"[second % 2]) for second in range(seconds)]


def test_absorbed_selling_is_bullish() -> None:
    hit = [(300.1 + 0.1 * n, 100 - n % 2, 10, "A") for n in range(8)]
    events = run(only("absorption"), make([*calm(300), *hit]))
    assert summaries(events)[0][:3] == (START + 301 * SECOND_NS, 100, 1)


@pytest.mark.parametrize("move", [12, -12])
def test_a_large_move_in_either_direction_is_not_absorption(move: int) -> None:
    hit = [(300.1 + 0.1 * n, 100 + move * n // 7, 10, "A") for n in range(8)]
    assert len(run(only("absorption"), make([*calm(300), *hit]))) == 0


def test_the_first_two_minutes_have_no_absorption_because_history_is_missing() -> None:
    hit = [(118.1 + 0.1 * n, 100, 10, "A") for n in range(8)]
    assert len(run(only("absorption"), make([*calm(118), *hit]))) == 0


def test_a_stack_needs_three_adjacent_ticks() -> None:
    two = [(1.0 + 0.01 * n, 100 + n, 10, "B") for n in range(2)]
    three = [*two, (1.5, 102, 10, "B")]
    assert len(run(only("stacked_imbalance"), make(two))) == 0
    assert summaries(run(only("stacked_imbalance"), make(three))) == [(START + 60 * SECOND_NS, 100, 1, 3.0)]
    weak = [*three, (1.6, 100, 4, "A")]
    assert len(run(only("stacked_imbalance"), make(weak))) == 0, "tick 101 has less than three times the sells below it"


def test_one_minute_may_span_any_number_of_ticks() -> None:
    far = [(1.0, 100, 10, "B"), (1.1, 2_000_000, 10, "A"), (1.2, 1_999_999, 10, "A"), (1.3, 1_999_998, 10, "A")]
    assert summaries(run(only("stacked_imbalance"), make(far))) == [(START + 60 * SECOND_NS, 1_999_998, -1, 3.0)]
