"""Developing levels and CVD by order size, against their definitions in plain Python."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from flow_gl.core.schema import MINUTE_LEVELS, ORDER_CVD, PRICE_SCALE
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.base import NEVER
from flow_gl.engine.detectors.group import DetectorGroup
from tests.engine.detectors import oracle
from tests.engine.detectors.test_detectors import TICK, Rows, make, market, plain, words
from tests.engine.twin import point_of_control, value_area

SIGNS = {"B": 1, "A": -1, "N": 0}


def lines(rows: Rows, settings: AggregationSettings = DEFAULTS.aggregation, *, cuts: Any = ()) -> tuple[Rows, Rows]:
    group, parts = DetectorGroup(settings), []
    for part in np.split(rows, sorted(cuts)):
        list(group.take(words(part), TICK))
        parts.append(group.take_lines())
    list(group.pass_time(NEVER))
    parts.append(group.take_lines())
    return np.concatenate([minutes for minutes, _ in parts]), np.concatenate([seconds for _, seconds in parts])


def developing(trades: list[Any], *, step: int = 2, share: float = 0.7) -> list[tuple[int, ...]]:
    """Return the levels of all trades until the end of each minute with trades."""
    found, profile, volume = [], {}, 0
    numbered = list(oracle.spans(trades, 60 * SECOND_NS))
    for at, (minute, (_, tick, size, _)) in enumerate(numbered):
        profile[tick] = profile.get(tick, 0) + size
        volume += size
        if at + 1 < len(numbered) and numbered[at + 1][0] == minute:
            continue
        low = min(profile)
        totals = [profile.get(one, 0) for one in range(low, max(profile) + 1)]
        poc = point_of_control(totals)
        bottom, top, _ = value_area(totals, poc, step, share)
        levels = ((low + row) * TICK for row in (poc, top, bottom))
        found.append(((minute + 1) * 60 * SECOND_NS, *levels, volume))
    return found


def by_order_size(trades: list[Any], *, medium: int = 10, large: int = 50) -> list[tuple[int, ...]]:
    """Return the three sums at the end of each second with trades, from all orders until then."""
    found = []
    numbered = list(oracle.spans(trades, SECOND_NS))
    for at, (second, _) in enumerate(numbered):
        if at + 1 < len(numbered) and numbered[at + 1][0] == second:
            continue
        sums = [0, 0, 0]
        for order in oracle.orders(trades[: at + 1]):
            size = (order["contracts"] >= medium) + (order["contracts"] >= large)
            sums[size] += SIGNS[order["side"]] * order["contracts"]
        found.append(((second + 1) * SECOND_NS, *sums))
    return found


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({}, {}), ({"value_area": 0.5, "value_area_step": 1}, {"step": 1, "share": 0.5})],
    ids=["default", "other parameters"],
)
def test_the_levels_of_each_minute_are_those_of_all_trades_until_its_end(changes: Any, rule: Any) -> None:
    rows = market(2, seconds=1200)
    minutes, _ = lines(rows, replace(DEFAULTS.aggregation, **changes))
    assert minutes.dtype == MINUTE_LEVELS
    assert minutes[["ts_event", "poc", "vah", "val", "volume"]].tolist() == developing(plain(rows), **rule)


def check_vwap(rows: Rows, minutes: Rows) -> None:
    """Compare VWAP and its deviation with exact sums over the trades until the end of each minute."""
    ts, price, size = rows["ts_event"].tolist(), rows["price"].tolist(), rows["size"].tolist()
    at = volume = first = second = 0
    for end, vwap, deviation in minutes[["ts_event", "vwap", "vwap_sd"]].tolist():
        while at < len(ts) and ts[at] < end:
            volume += size[at]
            first += size[at] * price[at]
            second += size[at] * price[at] ** 2
            at += 1
        assert vwap == pytest.approx(float(Fraction(first, volume * PRICE_SCALE)), rel=1e-14)
        variance = Fraction(second, volume) - Fraction(first, volume) ** 2
        assert deviation == pytest.approx(math.sqrt(variance) / PRICE_SCALE, rel=1e-12)
    assert at == len(ts)


def test_the_vwap_of_each_minute_is_that_of_all_trades_until_its_end() -> None:
    rows = market(2, seconds=1200)
    minutes, _ = lines(rows)
    check_vwap(rows, minutes)


@pytest.mark.parametrize(
    ("size", "ticks"),
    [(1, 0), (1, 3), (1 << 31, 3), (1, 1_500_000), (1 << 31, 1_500_000)],
    ids=["one price", "few prices", "huge sizes", "far prices", "beyond int64"],
)
def test_vwap_is_exact_for_any_prices_and_sizes(size: int, ticks: int) -> None:
    rng = np.random.default_rng(6)
    trades = [(0.5 * n, 100_000 + int(rng.integers(-ticks, ticks + 1)), size, "BA"[n % 2]) for n in range(1_000)]
    rows = make(trades)
    check_vwap(rows, lines(rows)[0])


def test_vwap_continues_when_the_tick_becomes_finer() -> None:
    rows = market(2, seconds=1200)
    rows["price"][5_000:] += TICK // 5
    group = DetectorGroup(DEFAULTS.aggregation)
    list(group.take(words(rows[:5_000]), TICK))
    list(group.take(words(rows[5_000:]), TICK // 5))
    list(group.pass_time(NEVER))
    check_vwap(rows, group.take_lines()[0])


@pytest.mark.parametrize("sizes", [(10, 50), (3, 8)])
def test_cvd_by_order_size_is_the_sum_over_the_orders_of_each_size(sizes: tuple[int, int]) -> None:
    rows = market(2, seconds=300)
    settings = replace(DEFAULTS.aggregation, order_size_medium=sizes[0], order_size_large=sizes[1])
    _, seconds = lines(rows, settings)
    assert seconds.dtype == ORDER_CVD
    assert seconds.tolist() == by_order_size(plain(rows), medium=sizes[0], large=sizes[1])


def test_cvd_by_order_size_sums_to_cvd_whichever_detectors_are_on() -> None:
    rows = market(5)
    _, seconds = lines(rows)
    second = rows["ts_event"] // SECOND_NS
    signed = np.select([rows["side"] == ord("B"), rows["side"] == ord("A")], [1, -1]) * rows["size"].astype(np.int64)
    cvd = np.cumsum(signed)[np.flatnonzero(np.append(np.diff(second), 1))]
    assert (seconds["small"] + seconds["medium"] + seconds["large"]).tolist() == cvd.tolist()
    kinds = ("zero_cross", "large_trade", "absorption", "divergence", "stacked_imbalance")
    off = lines(rows, replace(DEFAULTS.aggregation, **{f"{kind}_on": False for kind in kinds}))
    assert [part.tobytes() for part in off] == [part.tobytes() for part in lines(rows)]


def test_the_lines_do_not_depend_on_batches_and_include_all_volume() -> None:
    rows = market(3, rate=9.0)
    whole = lines(rows)
    cut = lines(rows, cuts=np.random.default_rng(4).integers(0, len(rows), 300).tolist())
    assert [part.tobytes() for part in cut] == [part.tobytes() for part in whole]
    assert whole[0]["volume"][-1] == rows["size"].sum()


def test_the_lines_continue_after_a_checkpoint() -> None:
    rows = market(3, rate=9.0)
    first, second = DetectorGroup(DEFAULTS.aggregation), DetectorGroup(DEFAULTS.aggregation)
    list(first.take(words(rows[:5_000]), TICK))
    before = first.take_lines()
    second.resume(first.keep())
    list(second.take(words(rows[5_000:]), TICK))
    list(second.pass_time(NEVER))
    both = zip(before, second.take_lines(), strict=True)
    assert [np.concatenate(parts).tobytes() for parts in both] == [part.tobytes() for part in lines(rows)]


def test_one_distant_price_leaves_the_other_minutes_unchanged() -> None:
    near = [(60.0 * n + 0.1 * m, 100_000 + m % 30, 1, "B") for n in range(4) for m in range(100)]
    odd = sorted([*near, (75.0, 500_000_000, 1, "A")])
    minutes, _ = lines(make(odd))
    assert minutes["poc"].tolist() == lines(make(near))[0]["poc"].tolist()
