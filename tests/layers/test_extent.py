"""What an automatic price scale shows, and what it lists instead."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import INSTRUMENT
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import OffScale
from flow_gl.layers.labels.off_scale import off_scale_text
from flow_gl.layers.rows.extent import PriceScale, price_scale
from flow_gl.store.market import MarketReader, MarketStore
from tests.kit.markets import START_NS, TICK, Market, cvd_of, make_seconds

LODS = len(widths_ns(SECOND_NS))
FAR = (10_000_000, -37_630_000_000, 2_540_000_000, 1_000_000_000_000_000)


class RowsAlone(Market):
    """Make a market without a profile, because the factory would fill every tick of it."""

    def _publish_session(self) -> None:
        pass


def market_of(rows: np.ndarray) -> Market:
    store = MarketStore.local(base_capacity=1 << 12)
    instrument = np.zeros(1, INSTRUMENT)
    instrument["tick_size"], instrument["bucket_ns"] = 10_000_000, SECOND_NS
    store.instrument.write(instrument)
    market = RowsAlone(store, rows, cvd_of(rows))
    market.advance()
    return market


def scale_of(reader: MarketReader, lod: int, seconds: int) -> PriceScale:
    found = price_scale(reader, lod, START_NS, START_NS + seconds * SECOND_NS)
    assert found is not None
    return found


@pytest.mark.parametrize("lod", range(0, LODS, 3))
@pytest.mark.parametrize("at", [0, 30, -1])
@pytest.mark.parametrize("price", FAR)
def test_one_bad_price_does_not_affect_the_scale_and_is_listed(price: int, at: int, lod: int) -> None:
    rows, _ = make_seconds(120, seed=3)
    usual = rows["low"].min(), rows["high"].max()
    field = "low" if price < usual[0] else "high"
    rows["trade_count"] = 20
    rows[field][at] = price
    if at == 0:
        rows["open"][at] = price
    if at == -1:
        rows["close"][at] = price
    found = scale_of(market_of(rows).reader, lod, 121)
    assert (found.low * 10_000_000, found.high * 10_000_000) == pytest.approx(usual, abs=4 * TICK)
    named, other = (found.below, found.above) if field == "low" else (found.above, found.below)
    assert other is None
    assert named == OffScale(1, price, is_one_trade=False, times_ns=(int(rows["id"][at]) * SECOND_NS + SECOND_NS // 2,))


def test_a_bad_price_alone_in_its_second_counts_as_one_trade() -> None:
    rows, _ = make_seconds(120, seed=3)
    rows["trade_count"] = 20
    for field in ("open", "high", "low", "close", "price"):
        rows[field][40] = 10_000_000
    rows["trade_count"][40] = 1
    below = scale_of(market_of(rows).reader, 0, 121).below
    assert below is not None
    assert below.is_one_trade
    assert off_scale_text(below, 250_000_000, "America/New_York", is_below=True) == (
        f"1 trade off the scale: 0.01 at 09:30:{int(rows['id'][40]) % 60:02d}"
    )


def test_several_bubbles_off_the_scale_are_counted() -> None:
    off = OffScale(1_234, -37_630_000_000, is_one_trade=False, times_ns=(START_NS,))
    assert off_scale_text(off, 10_000_000, "America/New_York", is_below=True) == (
        "1,234 bubbles off the scale, down to \u221237.63 at 09:30:00"
    )


def test_a_crash_is_shown_completely_once_more_than_a_few_trades_are_there() -> None:
    rows, _ = make_seconds(120, seed=3)
    rows["trade_count"] = 20
    for field in ("open", "high", "low", "close", "price"):
        rows[field][-3:] -= 2_000 * TICK
    found = scale_of(market_of(rows).reader, 0, 121)
    assert (found.below, found.above) == (None, None)
    assert found.low * 10_000_000 == rows["low"].min()


def test_two_markets_at_once_are_both_shown() -> None:
    rows, _ = make_seconds(120, seed=3)
    for field in ("open", "high", "low", "close", "price"):
        rows[field][::2] = 10_000_000
    found = scale_of(market_of(rows).reader, 0, 121)
    assert (found.low, found.below, found.above) == (1.0, None, None)


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(0, LODS - 1))
def test_prices_that_are_not_listed_are_within_the_scale(seed: int, count: int, lod: int) -> None:
    rows, _ = make_seconds(60, seed=seed)
    random = np.random.default_rng(seed)
    for at in random.integers(0, len(rows), count):
        rows["low"][at] -= int(random.integers(0, 100_000)) * TICK
        rows["high"][at] += int(random.integers(0, 3_000)) * TICK
    found = scale_of(market_of(rows).reader, lod, 61)
    low, high = found.low * 10_000_000, found.high * 10_000_000
    is_below, is_above = rows["low"] < low, rows["high"] > high
    assert (found.below is None) == (not is_below.any())
    assert (found.above is None) == (not is_above.any())
    if found.below is not None and lod == 0:
        assert (found.below.count, found.below.price) == (is_below.sum(), rows["low"].min())


def test_a_scale_is_found_before_the_tick_is_known() -> None:
    market = market_of(make_seconds(5, seed=1)[0])
    market.reader.tick_size = 0
    assert price_scale(market.reader, 0, START_NS - 2 * SECOND_NS, START_NS - SECOND_NS) is None
    assert replace(scale_of(market.reader, 0, 6), low=0.0, high=0.0) == PriceScale(0.0, 0.0)
