"""The tape shows at most the 25 largest orders per 250 ms and says how many it left out."""

import numpy as np
import pytest

from flow_gl.core.schema import ORDER, Side
from flow_gl.store.market import ORDER_CAPACITY
from flow_gl.ui.overlays.panels.tape import MAX_ROWS, PERIOD_S, Tape
from tests.kit.markets import START_NS, TICK, Market, make_market


@pytest.fixture
def market() -> Market:
    return make_market(30)


def orders_of(sizes: list[int], *, start: int = 0) -> np.ndarray:
    rows = np.zeros(len(sizes), ORDER)
    rows["ts_event"] = START_NS + start + np.arange(len(sizes))
    rows["size"], rows["first"], rows["last"], rows["side"] = sizes, 101_480 * TICK, 101_481 * TICK, int(Side.BUY)
    return rows


def sizes_in(tape: Tape) -> list[int]:
    found: list[int] = tape.rows["size"].tolist()
    return found


def test_of_5000_orders_a_second_25_per_period_are_shown_and_the_rest_is_counted(market: Market) -> None:
    tape, random = Tape(), np.random.default_rng(3)
    tape.refresh(market.reader, 0.0, 1)
    shown = came = 0
    for period in range(1, 21):
        sizes = random.integers(1, 400, 1250).tolist()
        market.store.orders.append(orders_of(sizes, start=period * 1250))
        came += len(sizes)
        tape.refresh(market.reader, period * PERIOD_S, 1)
        assert sorted(sizes_in(tape)[:MAX_ROWS], reverse=True) == sorted(sizes, reverse=True)[:MAX_ROWS]
        assert (np.diff(tape.rows["ts_event"]) < 0).all(), "the newest is on top"
        assert tape.passed_over == 1250 - MAX_ROWS
        shown += MAX_ROWS
    assert shown + tape.passed_over_in_all == came


def test_nothing_is_added_before_the_period_is_over(market: Market) -> None:
    tape = Tape()
    tape.refresh(market.reader, 0.0, 1)
    market.store.orders.append(orders_of([3, 4]))
    tape.refresh(market.reader, 0.9 * PERIOD_S, 1)
    assert sizes_in(tape) == []
    tape.refresh(market.reader, PERIOD_S, 1)
    assert (sizes_in(tape), tape.passed_over) == ([4, 3], 0)


def test_orders_below_the_filter_are_neither_shown_nor_passed_over(market: Market) -> None:
    tape = Tape()
    tape.refresh(market.reader, 0.0, 10)
    market.store.orders.append(orders_of([9, 10, 1, 55] * 10))
    tape.refresh(market.reader, 1.0, 10)
    assert (sizes_in(tape), tape.passed_over) == ([55, 10] * 10, 0)


def test_a_new_filter_applies_to_earlier_orders_too(market: Market) -> None:
    tape = Tape()
    market.store.orders.append(orders_of([9, 10, 1, 55]))
    tape.refresh(market.reader, 0.0, 1)
    assert sizes_in(tape) == [55, 1, 10, 9]
    tape.refresh(market.reader, 0.01, 10)
    assert sizes_in(tape) == [55, 10]


def test_orders_that_the_ring_has_overwritten_count_as_passed_over(market: Market) -> None:
    tape = Tape()
    tape.refresh(market.reader, 0.0, 1)
    market.store.orders.append(orders_of([1] * (ORDER_CAPACITY + 100)))
    tape.refresh(market.reader, 1.0, 1)
    assert tape.passed_over == ORDER_CAPACITY + 100 - MAX_ROWS
