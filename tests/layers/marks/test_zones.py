"""A zone ends in the bucket in which price trades through it; finding it takes as long in a month as in a minute."""

from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.schema import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.marks.mark import NEVER
from flow_gl.layers.marks.passage import first_passage
from flow_gl.layers.marks.zones import ZoneEnds
from tests.kit.events import event
from tests.kit.markets import START_NS, TICK, Market, make_market

MARKET = make_market(3000, seed=4)
LOW, HIGH = int(MARKET.rows["low"].min()), int(MARKET.rows["high"].max())


def slow_passage(market: Market, start_ns: int, price: int, *, is_up: bool) -> int | None:
    """The rule, row by row."""
    for row in market.rows[: market.published]:
        is_reached = int(row["high"]) >= price if is_up else int(row["low"]) <= price
        if int(row["ts_event"]) >= start_ns and is_reached:
            return int(row["ts_event"])
    return None


@settings(max_examples=200)
@given(st.floats(-10.0, 3010.0), st.integers(-3, (HIGH - LOW) // TICK + 3), st.booleans())
def test_the_first_passage_equals_a_row_by_row_search(second: float, ticks: int, is_up: bool) -> None:
    start_ns, price = START_NS + int(second * SECOND_NS), LOW + ticks * TICK
    found = first_passage(MARKET.reader, start_ns, price, is_up=is_up)
    assert found == slow_passage(MARKET, start_ns, price, is_up=is_up)


def end_of(market: Market, planted: np.ndarray) -> int:
    ends = ZoneEnds()
    ends.refresh(market.reader)
    return ends.end_of(market.reader, cast("np.void", planted[0]))


@pytest.mark.parametrize("second", [100, 900, 2000])
@pytest.mark.parametrize("direction", [1, -1])
def test_absorption_ends_with_the_first_trade_beyond_its_price(second: int, direction: int) -> None:
    price = int(MARKET.rows["close"][second])
    start_ns = START_NS + second * SECOND_NS
    expected = slow_passage(MARKET, start_ns, price - direction * TICK, is_up=direction < 0)
    found = end_of(MARKET, event(EventKind.ABSORPTION, second, price, direction, 1.2, 50, 0, 1, 40))
    assert found == (NEVER if expected is None else expected)


@pytest.mark.parametrize("second", [100, 900, 2000])
def test_a_stack_ends_once_price_has_traded_through_all_of_it(second: int) -> None:
    low = int(MARKET.rows["close"][second]) - 2 * TICK
    high, start_ns = low + 3 * TICK, START_NS + second * SECOND_NS
    ways = [slow_passage(MARKET, start_ns, low, is_up=False), slow_passage(MARKET, start_ns, high, is_up=True)]
    found = end_of(MARKET, event(EventKind.STACKED_IMBALANCE, second, low, 1, 4, high))
    assert found == (NEVER if None in ways else max(cast("list[int]", ways)))


def test_an_open_zone_is_ended_by_later_trades() -> None:
    market = make_market(600, seed=4, is_published=False)
    market.advance(200)
    ends = ZoneEnds()
    price = int(market.rows["close"][190])
    planted = event(EventKind.ABSORPTION, 195, price, 1, 1.2, -50, 0, 1, 40)
    expected = None
    for _ in range(400):
        ends.refresh(market.reader)
        found = ends.end_of(market.reader, cast("np.void", planted[0]))
        expected = slow_passage(market, START_NS + 195 * SECOND_NS, price - TICK, is_up=False)
        assert found == (NEVER if expected is None else expected)
        market.advance(1)
    assert expected is not None, "the market trades through it"


def test_a_zone_ends_where_the_chart_changes_to_another_contract() -> None:
    market = make_market(300, seed=4)
    market.reader.rolls = np.array([(START_NS + 250 * SECOND_NS,)], [("first_ts", "<i8")])
    planted = event(EventKind.STACKED_IMBALANCE, 100, LOW - 900 * TICK, 1, 4, LOW - 897 * TICK)
    assert end_of(market, planted) == START_NS + 250 * SECOND_NS
