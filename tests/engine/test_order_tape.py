"""The tape's orders: consecutive records with equal time and side are one, in any batches."""

import numpy as np
import pytest

from flow_gl.core.schema import ORDER, TRADE, UNDEF_PRICE, Side
from flow_gl.engine.order_tape import OrderTape
from flow_gl.store.market import MarketStore

TICK = 250_000_000


def trades_of(*rows: tuple[int, Side, int, int]) -> np.ndarray:
    """Make TRADE rows from (time, side, price in ticks, contracts)."""
    found = np.zeros(len(rows), TRADE)
    for row, (ts, side, ticks, size) in zip(found, rows, strict=True):
        row["length"], row["action"], row["ts_event"], row["side"] = 12, ord("T"), ts, side
        row["price"], row["size"] = ticks * TICK, size
    return found


def random_trades(count: int, *, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    sides = random.choice([Side.BUY, Side.SELL, Side.NONE], count, p=[0.48, 0.48, 0.04])
    times = np.cumsum(random.integers(0, 2, count))
    ticks = random.integers(90, 99, count).tolist()
    found = trades_of(*zip(times.tolist(), sides.tolist(), ticks, [1] * count, strict=True))
    found["size"] = random.integers(0, 9, count)
    found["price"][random.random(count) < 0.02] = UNDEF_PRICE
    found["action"][random.random(count) < 0.02] = ord("A")
    return found


def expected(trades: np.ndarray) -> list[tuple[int, int, int, int, int, int]]:
    """Return ts_event, first, last, size, trade_count and side of each order, in plain Python."""
    found: list[tuple[int, int, int, int, int, int]] = []
    for row in trades:
        ts, side, price, size = int(row["ts_event"]), int(row["side"]), int(row["price"]), int(row["size"])
        if row["action"] != ord("T") or not size or price == UNDEF_PRICE:
            continue
        if found and (found[-1][0], found[-1][5]) == (ts, side):
            _, first, _, before, count, _ = found.pop()
            found.append((ts, first, price, before + size, count + 1, side))
        else:
            found.append((ts, price, price, size, 1, side))
    return found


def orders_in(store: MarketStore) -> list[tuple[int, int, int, int, int, int]]:
    _, rows = store.orders.read(store.orders.oldest, store.orders.head)
    return [tuple(row.tolist()[:6]) for row in rows]


@pytest.mark.parametrize("batch", [1, 7, 3000])
@pytest.mark.parametrize("seed", range(3))
def test_orders_equal_those_of_plain_python_in_any_batches(batch: int, seed: int) -> None:
    store, trades = MarketStore.local(), random_trades(3000, seed=seed)
    tape, words = OrderTape(store.orders), trades.view(np.int64)
    for start in range(0, len(trades), batch):
        tape.take(words[6 * start : 6 * (start + batch)])
    tape.end()
    assert orders_in(store) == expected(trades)


def test_the_newest_order_is_written_once_the_clock_has_passed_it() -> None:
    store = MarketStore.local()
    tape = OrderTape(store.orders)
    tape.take(trades_of((1000, Side.BUY, 90, 3), (1000, Side.BUY, 91, 4)).view(np.int64))
    tape.pass_time(1000 + 250_000_000)
    assert orders_in(store) == []
    tape.pass_time(1001 + 250_000_000)
    tape.pass_time(2_000_000_000)
    assert orders_in(store) == [(1000, 90 * TICK, 91 * TICK, 7, 2, int(Side.BUY))]


def test_an_order_row_takes_40_bytes() -> None:
    assert ORDER.itemsize == 40
