"""A zone ends in the bucket in which price trades through it; finding it takes as long in a month as in a minute."""

from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.marks.mark import NEVER
from flow_gl.layers.marks.passage import first_passages
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
    (found,) = passages(MARKET, [(start_ns, price)], is_up=is_up)
    assert found == slow_passage(MARKET, start_ns, price, is_up=is_up)


def passages(market: Market, searches: list[tuple[int, int]], *, is_up: bool) -> list[int | None]:
    start_ns, price = np.array(searches, np.int64).reshape(-1, 2).T
    found = first_passages(market.reader, start_ns.copy(), price.copy(), np.full(len(price), is_up)).tolist()
    return [None if reached_ns == NEVER else reached_ns for reached_ns in found]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-10, 3010).map(lambda second: START_NS + second * SECOND_NS),
            st.integers(-3, (HIGH - LOW) // TICK + 3).map(lambda ticks: LOW + ticks * TICK),
        ),
        max_size=40,
    ),
    st.booleans(),
)
def test_many_searches_at_once_find_what_each_of_them_finds(searches: list[tuple[int, int]], is_up: bool) -> None:
    expected = [slow_passage(MARKET, *search, is_up=is_up) for search in searches]
    assert passages(MARKET, searches, is_up=is_up) == expected


def test_searches_up_and_down_do_not_disturb_each_other() -> None:
    searches = [
        (START_NS + s * SECOND_NS, LOW + n * TICK, s % 2 == 0) for s in range(0, 3000, 61) for n in (0, 9, 40, 90)
    ]
    start_ns, price, is_up = (np.array(part) for part in zip(*searches, strict=True))
    found = first_passages(MARKET.reader, start_ns, price, is_up).tolist()
    expected = [slow_passage(MARKET, *search, is_up=up) for *search, up in searches]
    assert [None if reached_ns == NEVER else reached_ns for reached_ns in found] == expected


@pytest.mark.parametrize("published", [1, 2, 61, 301, 900, 1801, 2999])
def test_passages_are_found_while_buckets_of_every_level_are_open(published: int) -> None:
    market = make_market(3000, seed=4, is_published=False)
    market.advance(published)
    searches = [
        (START_NS + s * SECOND_NS, LOW + n * TICK) for s in range(0, published + 20, 37) for n in range(0, 90, 7)
    ]
    for is_up in (True, False):
        expected = [slow_passage(market, *search, is_up=is_up) for search in searches]
        assert passages(market, searches, is_up=is_up) == expected


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
