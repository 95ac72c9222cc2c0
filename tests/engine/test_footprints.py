"""Footprints: every trade once, in its bubble, at its price, at every level of detail, whatever the batches."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.market.footprint import FOOTPRINT, FOOTPRINT_ROWS, NO_OPEN_BUCKET
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector, FootprintReader
from flow_gl.store.footprints import footprint_of
from flow_gl.store.market import MarketReader, MarketStore
from tests.engine.test_pipeline import IDS, START, any_trade, lay_out, split
from tests.engine.twin import TICK, Twin
from tests.kit.trades import trades_of

SUMS = ("buy", "sell", "unsided", "trade_count")
any_trades = st.lists(any_trade, min_size=1, max_size=80).map(lay_out)
any_cuts = st.lists(st.integers(0, 200), max_size=6)


class Kept(Collector, FootprintReader):
    """Keeps the footprints of every level of detail."""

    def __init__(self):
        super().__init__()
        self.rows = {}

    def footprints(self, lod, rows):
        self.rows.setdefault(lod, []).append(rows.copy())

    def footprint(self, lod):
        return np.concatenate([np.zeros(0, FOOTPRINT), *self.rows.get(lod, [])])


def sums_of(trades):
    """The oracle: contracts and trades by price."""
    found = {}
    for trade in trades:
        row = found.setdefault(trade["price"], [0, 0, 0, 0])
        row["BAN".index(chr(trade["side"]))] += trade["size"]
        row[3] += 1
    return {price: tuple(row) for price, row in found.items()}


def as_sums(rows):
    found = Counter()
    for row in rows:
        for name in SUMS:
            found[int(row["price"]), name] += int(row[name])
    return {price: tuple(found[price, name] for name in SUMS) for price in {price for price, _ in found}}


def twin_of(trades, **options):
    twin = Twin(**options)
    for row in trades[trades["instrument_id"] == IDS[0]]:
        twin.take(row)
    return twin


def in_range(twin, start_ns, end_ns):
    groups = twin.lods[0].items()
    return sums_of(
        [trade for key, group in groups if start_ns <= key * twin.bucket_ns < end_ns for trade in group.trades]
    )


def run(trades, cuts=(), *, sink=None, bucket_ns=SECOND_NS, is_finished=True):
    pipeline, sink = Pipeline(AggregationSettings(bucket_ns=bucket_ns), has_detectors=False), sink or Kept()
    pipeline.attach(IDS[0], sink)
    for batch in split(trades, cuts):
        pipeline.process(batch)
        pipeline.publish()
    if is_finished:
        pipeline.finish()
    return sink


def reader_of(trades, cuts=(), *, is_finished=False, base_capacity=1 << 10, bucket_ns=SECOND_NS):
    store = MarketStore.local(base_capacity=base_capacity)
    pipeline = Pipeline(AggregationSettings(bucket_ns=bucket_ns), has_detectors=False)
    pipeline.chart(IDS[0], store)
    for batch in split(trades, cuts):
        pipeline.process(batch)
        pipeline.publish()
    if is_finished:
        pipeline.finish()
    reader = MarketReader(store)
    reader.refresh()
    return reader


@settings(max_examples=60)
@given(any_trades, any_cuts, st.sampled_from([SECOND_NS // 10, SECOND_NS, HOUR_NS]))
def test_each_bubble_of_each_level_has_exactly_its_trades_by_price(trades, cuts, bucket_ns):
    sink, twin = run(trades, cuts, bucket_ns=bucket_ns), twin_of(trades, bucket_ns=bucket_ns)
    for lod in range(len(widths_ns(bucket_ns))):
        rows = sink.footprint(lod)
        keys = list(zip(rows["id"].tolist(), rows["price"].tolist(), strict=True))
        assert keys == sorted(set(keys))
        assert set(rows["id"].tolist()) == set(twin.lods[lod])
        for key, group in twin.lods[lod].items():
            assert as_sums(rows[rows["id"] == key]) == sums_of(group.trades)


@settings(max_examples=30)
@given(any_trades, any_cuts)
def test_rows_do_not_depend_on_batches(trades, cuts):
    whole, parts = run(trades), run(trades, cuts)
    for lod in range(len(widths_ns(SECOND_NS))):
        assert parts.footprint(lod).tobytes() == whole.footprint(lod).tobytes()


@settings(max_examples=80)
@given(
    any_trades,
    any_cuts,
    st.integers(-20 * SECOND_NS, 3000 * SECOND_NS),
    st.integers(0, 3000 * SECOND_NS),
    st.booleans(),
)
def test_a_range_holds_exactly_the_trades_of_its_bubbles(trades, cuts, offset, length, is_finished):
    reader, twin = reader_of(trades, cuts, is_finished=is_finished), twin_of(trades)
    start = START + offset
    found = footprint_of(reader, start, start + length)
    first, end = (-(-at // SECOND_NS) * SECOND_NS for at in (start, start + length))
    assert as_sums(found.rows) == in_range(twin, start, start + length)
    assert (found.start_ns, found.end_ns) == (first, max(first, end))
    assert found.rows["price"].tolist() == sorted(set(found.rows["price"].tolist()))
    bubbles = [row for row in twin.bubbles() if first <= row["ts_event"] < end]
    for name in SUMS:
        assert getattr(found, name) == sum(row[name] for row in bubbles)


@settings(max_examples=40)
@given(st.lists(any_trade, min_size=40, max_size=120).map(lay_out), any_cuts, st.data())
def test_where_rows_were_overwritten_the_answer_names_the_part_it_holds(trades, cuts, data):
    reader, twin = reader_of(trades, cuts, base_capacity=8), twin_of(trades)
    times = trades["ts_event"][trades["ts_event"] > 0].tolist() or [START]
    start, end = sorted((data.draw(st.sampled_from(times)), data.draw(st.sampled_from(times)) + SECOND_NS))
    found = footprint_of(reader, start, end)
    assert found.start_ns >= start
    assert found.end_ns <= -(-end // SECOND_NS) * SECOND_NS
    assert as_sums(found.rows) == in_range(twin, found.start_ns, found.end_ns)


def steady_trades(count, *, step_ns=SECOND_NS, prices=1, size=1):
    return trades_of(
        [(IDS[0], START + i * step_ns, (100_000 + i * 7919 % prices) * TICK, size, "BAN"[i % 3]) for i in range(count)]
    )


def test_a_long_range_reads_few_rows():
    reader = reader_of(steady_trades(20_000), base_capacity=1 << 15)
    found = footprint_of(reader, START, START + 20_000 * SECOND_NS)
    assert found.trade_count == 20_000
    # The fine levels hold the ends alone: with only the newest rows of them the answer is the same.
    small = reader_of(steady_trades(20_000), base_capacity=1 << 10)
    assert small.store.footprints[0].oldest > 0
    whole = footprint_of(small, START, START + 20_000 * SECOND_NS)
    assert whole.rows.tobytes() == found.rows.tobytes()


def test_a_bubble_with_more_prices_than_a_table_holds_has_several_parts():
    count = 2 * FOOTPRINT_ROWS + 100
    trades = steady_trades(count, step_ns=1000, prices=count)
    sink = run(trades)
    assert len(sink.footprint(0)) == count
    found = footprint_of(reader_of(trades, base_capacity=1 << 14), START, START + SECOND_NS)
    assert as_sums(found.rows) == in_range(twin_of(trades), START, START + SECOND_NS)


def test_contracts_beyond_a_field_of_a_row_are_all_counted():
    trades = steady_trades(12, step_ns=SECOND_NS, size=2**32 - 1)
    for is_finished in (False, True):
        found = footprint_of(reader_of(trades, is_finished=is_finished), START, START + 100 * SECOND_NS)
        assert (found.buy, found.sell, found.unsided) == (4 * (2**32 - 1),) * 3


def test_a_trade_for_a_bubble_that_the_clock_has_closed_counts_in_the_next_one():
    reader = reader_of(steady_trades(0))
    pipeline = Pipeline(has_detectors=False)
    pipeline.chart(IDS[0], reader.store)
    first, late = steady_trades(2, step_ns=SECOND_NS // 4)[:1], steady_trades(2, step_ns=SECOND_NS // 4)[1:]
    pipeline.process(first)
    pipeline.advance(START + 2 * SECOND_NS)
    pipeline.process(late)
    pipeline.publish()
    reader.refresh()
    closed = reader.store.bubbles[0].row(0)
    still_open = reader.open_bubble(0)
    assert closed is not None
    assert still_open is not None
    for row in (closed, still_open):
        found = footprint_of(reader, int(row["ts_event"]), int(row["ts_event"]) + SECOND_NS)
        assert [getattr(found, name) for name in SUMS] == [int(row[name]) for name in SUMS]


@settings(max_examples=30)
@given(any_trades, any_cuts)
def test_it_continues_from_a_checkpoint(trades, cuts):
    expected, sink = run(trades), Kept()
    pipeline = Pipeline(has_detectors=False)
    pipeline.attach(IDS[0], sink)
    for batch in split(trades, cuts):
        pipeline.process(batch)
        state = checkpoint.decode(pipeline.keep())
        pipeline = Pipeline(has_detectors=False)
        pipeline.attach(IDS[0], sink)
        pipeline.resume(state)
    pipeline.finish()
    for lod in range(len(widths_ns(SECOND_NS))):
        assert sink.footprint(lod).tobytes() == expected.footprint(lod).tobytes()


def test_a_chart_without_trades_has_an_empty_footprint():
    reader = reader_of(steady_trades(0))
    assert len(footprint_of(reader, START, START + HOUR_NS).rows) == 0
    finished = reader_of(steady_trades(3), is_finished=True)
    assert finished.footprint["bucket"] == NO_OPEN_BUCKET
