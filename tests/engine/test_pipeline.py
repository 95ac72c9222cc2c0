"""The engine's numbers equal those of a slow twin, for any trades and in any batches."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from flow_gl.core.errors import UsageError
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Definition, Mapping
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import EVENT, UNDEF_PRICE, TickSource
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.store.market import MarketReader, MarketStore
from tests.engine.twin import TICK, Twin, point_of_control, value_area
from tests.kit.trades import trades_of

START = 1_764_280_800 * SECOND_NS
DEPTH = len(widths_ns(SECOND_NS))
"""Levels of detail for a base of one second."""
IDS = (7, 4_000_000_000, 9)

_steps = st.one_of(
    st.integers(0, SECOND_NS // 5),
    st.sampled_from(
        [0, 0, 0, SECOND_NS, 3 * SECOND_NS, 61 * SECOND_NS, 700 * SECOND_NS, -SECOND_NS // 2, -3 * SECOND_NS]
    ),
)
any_trade = st.tuples(
    st.sampled_from(IDS),
    _steps,
    st.integers(-6, 6),
    st.integers(1, 60),
    st.sampled_from("BBAAN"),
    st.sampled_from(["T"] * 30 + ["T", "A", "0", "u", "t"]),
    st.sampled_from([0, 128, 4, 132]),
)


def lay_out(draws):
    rows, now, tick = [], START, 100_000
    for instrument_id, step, move, contracts, side, special, flags in draws:
        now = max(now + step, START)
        tick += move
        price = tick * TICK
        action, ts, size = "T", now, contracts
        if special == "A":
            action = "A"
        elif special == "0":
            size = 0
        elif special == "u":
            price = UNDEF_PRICE
        elif special == "t":
            ts = -1
        rows.append((instrument_id, ts, price, size, side, action, flags))
    return trades_of(rows)


def split(trades, cuts):
    edges = [0, *sorted(cut % (len(trades) + 1) for cut in cuts), len(trades)]
    return [trades[a:b] for a, b in pairwise(edges)]


def _run(trades, *, cuts=(), publish=False, **options):
    pipeline = Pipeline(AggregationSettings(**options))
    sinks = {instrument_id: Collector(lods=DEPTH) for instrument_id in IDS}
    for instrument_id, sink in sinks.items():
        pipeline.attach(instrument_id, sink)
    for batch in split(trades, cuts):
        pipeline.process(batch)
        if publish:
            pipeline.publish()
    pipeline.finish()
    return pipeline, sinks


def _dicts(rows):
    return [{name: int(row[name]) for name in rows.dtype.names} for row in rows]


@settings(max_examples=60)
@given(
    st.lists(any_trade, min_size=1, max_size=120),
    st.lists(st.integers(0, 200), max_size=5),
    st.sampled_from([1, 40, 300]),
    st.sampled_from([SECOND_NS, SECOND_NS // 10, 7 * SECOND_NS, 3600 * SECOND_NS]),
)
def test_every_number_of_every_instrument_equals_the_twins(draws, cuts, arm, bucket_ns):
    trades = lay_out(draws)
    pipeline, sinks = _run(trades, cuts=cuts, publish=True, arm=arm, bucket_ns=bucket_ns)
    for instrument_id, sink in sinks.items():
        twin = Twin(arm=arm, bucket_ns=bucket_ns)
        for row in trades[trades["instrument_id"] == instrument_id]:
            twin.take(row)
        for lod in range(DEPTH):
            assert _dicts(sink.bubble_rows(lod)) == twin.bubbles(lod)
            assert _dicts(sink.cvd_rows(lod)) == twin.points(lod)
        events = [
            (int(e["ts_event"]), int(e["price"]), int(e["direction"]), int(e["value"][0]), int(e["value"][1]))
            for e in sink.event_rows()
            if e["kind"] == EventKind.ZERO_CROSS
        ]
        assert events == twin.events
        summary = pipeline.instruments[instrument_id]
        assert (summary.trades, summary.rejected, summary.late) == (len(twin.trades), twin.rejected, twin.late)
        assert summary.rejections == twin.rejections
        _check_session(sink, twin)


def _check_session(sink, twin):
    row = sink.tables["session"][0]
    assert row["total_trades"] == len(twin.trades)
    assert row["maybe_bad_book"] == twin.bad
    if not twin.trades:
        assert not sink.sessions
        return
    assert (row["cvd"], row["cvd_high"], row["cvd_low"]) == (twin.cvd, max(twin.cvd_path), min(twin.cvd_path))
    prices = [trade["price"] for trade in twin.trades]
    assert (row["open"], row["high"], row["low"]) == (prices[0], max(prices), min(prices))
    assert (row["last_price"], row["last_ts"], row["first_ts"]) == (
        prices[-1],
        twin.newest,
        twin.trades[0]["ts_event"],
    )
    vwap, deviation = twin.vwap()
    assert float(row["vwap"]) == pytest.approx(vwap, rel=1e-15)
    assert float(row["vwap_sd"]) == pytest.approx(deviation, rel=1e-12, abs=1e-9)
    assert row["bubble_count"] == len(twin.lods[0])
    gaps = sink.tables["gaps"][0]
    assert [(int(g["start"]), int(g["end"])) for g in gaps["gap"][: gaps["count"]]] == twin.silences
    _check_profile(sink, twin)


def _check_profile(sink, twin):
    finished = sink.sessions[0]
    held = {
        int(price): [int(b), int(s), int(u)]
        for price, b, s, u in zip(finished.price, finished.buy, finished.sell, finished.unsided, strict=True)
    }
    assert held == twin.profile
    tick = int(finished.instrument["tick_size"][0])
    low, totals = twin.totals(tick)
    poc = point_of_control(totals)
    assert finished.poc == low + poc * tick
    bottom, top, held_volume = value_area(totals, poc, 2, 0.70)
    assert (finished.val, finished.vah, finished.value_area) == (low + bottom * tick, low + top * tick, held_volume)
    smooth = np.convolve([0, 0, *totals, 0, 0], np.ones(5, int), "valid")
    least = 0.25 * smooth.max()
    # A low node holds at most 40 % of the smoothed maximum, a high node at least that.
    limit = 0.4 * smooth.max()
    for nodes, curve, height in ((finished.hvn, smooth, limit), (finished.lvn, -smooth, -limit)):
        expected, _ = find_peaks(curve, prominence=least, height=height)
        assert [(int(price) - low) // tick for price in nodes] == expected.tolist()
    profile = sink.tables["profile"][0]
    rows = int(profile["rows"])
    assert rows == len(totals)
    count = int(profile["count"])
    assert profile["row"][:count].tolist() == [row for row, total in enumerate(totals) if total]
    held = profile["buy"][:count] + profile["sell"][:count] + profile["unsided"][:count]
    assert held.tolist() == [total for total in totals if total]
    assert (profile["poc"], profile["total"], profile["base"]) == (finished.poc, sum(totals), low)


@settings(max_examples=20)
@given(st.lists(any_trade, min_size=1, max_size=80), st.lists(st.integers(0, 200), max_size=6))
def test_an_open_bubble_at_any_level_holds_what_has_not_closed_there(draws, cuts):
    trades = lay_out(draws)
    pipeline, sink = Pipeline(), Collector(lods=DEPTH)
    pipeline.attach(IDS[0], sink)
    twin = Twin()
    for batch in split(trades, cuts):
        pipeline.process(batch)
        pipeline.publish()
        for row in batch[batch["instrument_id"] == IDS[0]]:
            twin.take(row)
        record = sink.tables["open"][0]
        for lod in range(DEPTH):
            bubbles, points = twin.bubbles(lod), twin.points(lod)
            assert _dicts(sink.bubble_rows(lod)) == bubbles[:-1]
            row, point = record["bubble"][lod], record["cvd"][lod]
            assert row["trade_count"] == 0 or {name: int(row[name]) for name in row.dtype.names} == bubbles[-1]
            assert (row["trade_count"] > 0) == bool(bubbles)
            assert not bubbles or {name: int(point[name]) for name in point.dtype.names} == points[-1]


@settings(max_examples=20)
@given(st.lists(any_trade, min_size=1, max_size=80), st.lists(st.integers(0, 80), max_size=8))
def test_a_clock_that_never_overtakes_a_trade_changes_no_closed_bubble(draws, cuts):
    trades = lay_out([(IDS[0], abs(step), *rest) for _, step, *rest in draws])
    _, expected = _run(trades)
    pipeline, sink = Pipeline(), Collector(lods=DEPTH)
    pipeline.attach(IDS[0], sink)
    for batch in split(trades, cuts):
        times = batch["ts_event"][batch["ts_event"] >= 0]
        if len(times):
            pipeline.advance(int(times[0]))
        pipeline.process(batch)
        pipeline.publish()
    pipeline.finish()
    for lod in range(DEPTH):
        assert (sink.bubble_rows(lod) == expected[IDS[0]].bubble_rows(lod)).all()
        assert (sink.cvd_rows(lod) == expected[IDS[0]].cvd_rows(lod)).all()
    assert sink.event_rows().tobytes() == expected[IDS[0]].event_rows().tobytes()


def test_the_clock_closes_a_bucket_250_ms_after_its_end_and_a_later_trade_of_it_is_late():
    pipeline, sink = Pipeline(), Collector(lods=DEPTH)
    pipeline.attach(1, sink)
    pipeline.process(trades_of([(1, START + 10, 100 * TICK, 3, "B")]))
    pipeline.advance(START + SECOND_NS + 249_999_999)
    assert len(sink.bubble_rows()) == 0
    pipeline.advance(START + SECOND_NS + 250_000_000)
    assert sink.bubble_rows()["buy"].tolist() == [3]
    pipeline.process(trades_of([(1, START + 20, 101 * TICK, 2, "A")]))
    pipeline.publish()
    assert pipeline.instruments[1].late == 1
    late = sink.tables["open"]["bubble"][0, 0]
    assert (late["id"], late["sell"]) == (START // SECOND_NS + 1, 2)
    pipeline.process(trades_of([(1, START + 5 * SECOND_NS, 101 * TICK, 1, "B")]))
    pipeline.finish()
    assert sink.bubble_rows()["id"].tolist() == [START // SECOND_NS + n for n in (0, 1, 5)]
    for lod in range(DEPTH):
        assert sink.bubble_rows(lod)["trade_count"].sum() == 3
        assert len(np.unique(sink.bubble_rows(lod)["id"])) == len(sink.bubble_rows(lod))


def test_each_side_code_means_the_aggressor():
    sink = Collector()
    pipeline = Pipeline()
    pipeline.attach(1, sink)
    pipeline.process(trades_of([(1, START, TICK, 5, "B"), (1, START, TICK, 3, "A"), (1, START, TICK, 2, "N")]))
    pipeline.finish()
    (bubble,) = sink.bubble_rows()
    assert (bubble["buy"], bubble["sell"], bubble["unsided"]) == (5, 3, 2)
    assert sink.cvd_rows()["close"].tolist() == [2]


def test_more_bubbles_than_fit_one_kernel_call_all_arrive():
    count = 30_000
    trades = np.repeat(trades_of([(1, START, 100 * TICK, 1, "B")]), count)
    trades["ts_event"] += np.arange(count) * 3 * SECOND_NS
    trades["side"][1::2] = ord("A")
    sink = Collector(lods=DEPTH)
    pipeline = Pipeline(AggregationSettings(arm=1))
    pipeline.attach(1, sink)
    pipeline.process(trades)
    pipeline.finish()
    assert len(sink.bubble_rows()) == count
    for lod in range(DEPTH):
        bubbles = sink.bubble_rows(lod)
        assert bubbles["trade_count"].sum() == count
        assert bubbles["buy"].sum() - bubbles["sell"].sum() == sink.cvd_rows(lod)["close"][-1] == 0


def test_many_zero_crosses_within_one_bucket_are_all_kept():
    count = 50_000
    trades = np.repeat(trades_of([(1, START, 100 * TICK, 2, "B")]), count)
    trades["size"][0] = 1
    trades["side"][1::2] = ord("A")
    sink = Collector()
    pipeline = Pipeline(AggregationSettings(arm=1))
    pipeline.attach(1, sink)
    pipeline.process(trades)
    assert len(sink.event_rows()) == count - 1
    assert sink.event_rows().dtype == EVENT


def test_a_price_off_the_defined_grid_refines_it_and_reports_it():
    sink = Collector(lods=DEPTH)
    pipeline = Pipeline()
    pipeline.define(Definition(1, "NQZ5", TICK, 20.0, True))
    pipeline.attach(1, sink)
    prices = [100_000 * TICK, 100_003 * TICK, 100_001 * TICK + 50_000_000, 100_002 * TICK]
    rows = [(1, START + n * SECOND_NS // 3, price, n + 1, "BAN"[n % 3]) for n, price in enumerate(prices)]
    pipeline.process(trades_of(rows[:2]))
    assert pipeline.instruments[1].tick_source is TickSource.DEFINITION
    pipeline.process(trades_of(rows[2:]))
    pipeline.finish()
    summary = pipeline.instruments[1]
    assert (summary.tick_size, summary.tick_source) == (50_000_000, TickSource.OBSERVED)
    assert summary.rejected == 0
    twin = Twin()
    for row in trades_of(rows):
        twin.take(row)
    for lod in range(DEPTH):
        assert _dicts(sink.bubble_rows(lod)) == twin.bubbles(lod)
    assert sink.sessions[0].price.tolist() == sorted(prices)


@settings(max_examples=30)
@given(st.lists(st.integers(-400, 400), min_size=1, max_size=30), st.sampled_from([50_000_000, 7, 1_000_000_000]))
@example([0, 2], 1_000_000_000)
@example([0, 0, -3, 0, 6], 1_000_000_000)
@example([0], 7)
def test_without_a_definition_the_grid_is_the_common_divisor_of_the_prices(ticks, tick):
    rows = [(1, START + n * SECOND_NS, t * tick, n + 1, "B") for n, t in enumerate(ticks)]
    sink = Collector()
    pipeline = Pipeline()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows))
    pipeline.finish()
    divisor = int(np.gcd.reduce(np.array([row[2] for row in rows])))
    assert pipeline.instruments[1].tick_size == (divisor or 1_000_000_000)
    assert pipeline.instruments[1].tick_source is TickSource.OBSERVED
    twin = Twin()
    for row in trades_of(rows):
        twin.take(row)
    assert _dicts(sink.bubble_rows()) == twin.bubbles()


@pytest.mark.parametrize("tick", [2_000_000_000, 300_000_000, 1_000_000_000])
def test_a_definition_after_only_price_0_gives_the_tick(tick):
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of([(1, START, 0, 1, "B"), (1, START, 0, 2, "A")]))
    pipeline.define(Definition(1, "CLZ5", tick, 1000.0, True))
    pipeline.process(trades_of([(1, START, -tick, 4, "B"), (1, START + SECOND_NS, 3 * tick, 1, "A")]))
    pipeline.finish()
    summary = pipeline.instruments[1]
    assert (summary.tick_size, summary.tick_source) == (tick, TickSource.DEFINITION)
    assert sink.sessions[0].price.tolist() == [-tick, 0, 3 * tick]
    assert sink.bubble_rows()["price"].tolist() == [round(-4 * tick / 7), 3 * tick]


def test_a_session_that_traded_only_at_0_takes_its_tick_from_the_next():
    sink = Collector()
    pipeline = Pipeline(sessions=SessionCalendar())
    pipeline.attach(1, sink)
    day = 86_400 * SECOND_NS
    rows = [(1, START, 0, 1, "B"), (1, START + 4 * day, 0, 2, "A"), (1, START + 4 * day + 1, 2_000_000_000, 3, "B")]
    pipeline.process(trades_of(rows))
    pipeline.finish()
    assert pipeline.instruments[1].tick_size == 2_000_000_000
    assert [finished.price.tolist() for finished in sink.sessions] == [[0], [0, 2_000_000_000]]


def test_a_late_definition_replaces_the_built_in_table():
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.map(Mapping(1, "NQZ5", "NQ.v.0"))
    assert pipeline.instruments[1].tick_source is TickSource.TABLE
    pipeline.process(trades_of([(1, START, 100_000 * TICK, 1, "B"), (1, START, 100_004 * TICK, 2, "A")]))
    pipeline.define(Definition(1, "NQZ5", 4 * TICK, 20.0, True))
    pipeline.process(trades_of([(1, START, 100_008 * TICK, 4, "B")]))
    pipeline.finish()
    assert (pipeline.instruments[1].tick_size, pipeline.instruments[1].tick_source) == (
        4 * TICK,
        TickSource.DEFINITION,
    )
    assert sink.sessions[0].price.tolist() == [100_000 * TICK, 100_004 * TICK, 100_008 * TICK]
    assert sink.bubble_rows()["price"].tolist() == [round((100_000 + 2 * 100_004 + 4 * 100_008) * TICK / 7)]


@pytest.mark.parametrize("price", [2**60, -(2**60), 2**62 + TICK, 2**56])
def test_an_impossible_price_is_rejected_and_counted(price):
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.map(Mapping(1, "NQZ5"))
    pipeline.process(
        trades_of([(1, START, 100_000 * TICK, 1, "B"), (1, START, price, 9, "A"), (1, START, TICK, 2, "B")])
    )
    pipeline.finish()
    assert pipeline.instruments[1].rejections == {"rejected_price": 1}
    assert sink.bubble_rows()["buy"].tolist() == [3]


def test_sums_stay_exact_under_the_largest_sizes():
    rows = [(1, START + n, (100_000 + n % 3) * TICK, 2**32 - 1 - n, "BA"[n % 2]) for n in range(3000)]
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows))
    pipeline.finish()
    twin = Twin()
    for row in trades_of(rows):
        twin.take(row)
    assert _dicts(sink.bubble_rows()) == twin.bubbles()
    vwap, deviation = twin.vwap()
    assert float(sink.sessions[0].session["vwap"][0]) == vwap
    assert float(sink.sessions[0].session["vwap_sd"][0]) == pytest.approx(deviation, rel=1e-12)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([1, 2, 2**14 - 1, 2**14, 2**27, 2**32 - 1]), st.sampled_from("BAN"))))
def test_trades_of_any_size_add_up(draws):
    rows = [(1, START + n, (100_000 + n % 3) * TICK, size, side) for n, (size, side) in enumerate(draws)]
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows))
    pipeline.finish()
    twin = Twin()
    for row in trades_of(rows):
        twin.take(row)
    assert _dicts(sink.bubble_rows()) == twin.bubbles()
    assert _dicts(sink.cvd_rows()) == twin.points()


@pytest.mark.parametrize("side", "BAN")
def test_a_full_trade_run_of_the_largest_sizes_is_exact(side):
    # Two prices make the profile as wide as allowed, so its rows are at their largest, too.
    rows = [(1, START, 1 * TICK, 1, "B"), (1, START + SECOND_NS, 2**21 * TICK, 1, "B")]
    rows += [(1, START + 2 * SECOND_NS + n, (2**21 - n % 2) * TICK, 2**14 - 1, side) for n in range(9000)]
    rows += [(1, START + 5 * SECOND_NS, 2**21 * TICK, 2**14 - 1, side), (1, START + 6 * SECOND_NS, TICK, 1, "N")]
    sink = Collector()
    pipeline = Pipeline()
    pipeline.attach(1, sink)
    pipeline.process(trades_of(rows))
    pipeline.finish()
    twin = Twin()
    for row in trades_of(rows):
        twin.take(row)
    assert _dicts(sink.bubble_rows()) == twin.bubbles()
    assert _dicts(sink.cvd_rows()) == twin.points()


def test_a_store_holds_the_same_rows_as_the_arrays():
    trades = lay_out([(IDS[0], SECOND_NS // 3, n % 5 - 2, n % 7 + 1, "BAN"[n % 3], "T", 0) for n in range(400)])
    store = MarketStore.local(base_capacity=1 << 10)
    pipeline, collector = Pipeline(), Collector(lods=DEPTH)
    pipeline.chart(IDS[0], store, "NQ.v.0")
    pipeline.map(Mapping(IDS[0], "NQZ5"))
    pipeline.process(trades)
    pipeline.publish()
    _, sinks = _run(trades)
    collector = sinks[IDS[0]]
    reader = MarketReader(store)
    reader.refresh()
    for lod in range(DEPTH):
        expected = collector.bubble_rows(lod)
        _, closed = store.bubbles[lod].read(0, store.bubbles[lod].head)
        rows = [*closed, reader.open_bubble(lod)]
        assert [row.tobytes() for row in rows] == [row.tobytes() for row in expected]
    assert (reader.symbol, reader.requested, reader.tick_size) == ("NQZ5", "NQ.v.0", TICK)


@settings(max_examples=40)
@given(st.lists(any_trade, min_size=60, max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_a_stores_rings_of_any_size_hold_the_newest_of_the_arrays_rows(draws, cuts):
    trades = lay_out(draws)
    _, sinks = _run(trades)
    expected = sinks[IDS[0]]
    store, pipeline = MarketStore.local(base_capacity=16), Pipeline()
    pipeline.chart(IDS[0], store)
    for batch in split(trades, cuts):
        pipeline.process(batch)
    pipeline.finish()
    for lod in range(DEPTH):
        both = (store.bubbles[lod], expected.bubble_rows(lod)), (store.cvd[lod], expected.cvd_rows(lod))
        for ring, rows in both:
            assert ring.head == len(rows)
            first, kept = ring.read(0, ring.head)
            assert len(kept) >= min(15, len(rows))
            assert kept.tobytes() == rows[first:].tobytes()


def test_cvd_that_restarts_at_a_time_of_day_starts_at_0_and_disarms():
    noon = START // (86_400 * SECOND_NS) * 86_400 * SECOND_NS + 17 * 3600 * SECOND_NS  # 12:00 in New York, in winter
    pipeline, sink = Pipeline(AggregationSettings(arm=10, cvd_reset_times=(dt.time(12, 0),))), Collector()
    pipeline.attach(1, sink)
    pipeline.process(trades_of([(1, noon - SECOND_NS, TICK, 50, "B"), (1, noon, TICK, 3, "A")]))
    pipeline.finish()
    assert sink.cvd_rows()["close"].tolist() == [50, -3]
    assert sink.cvd_rows()["open"].tolist() == [0, 0]
    assert EventKind.ZERO_CROSS not in sink.event_rows()["kind"]
    assert sink.tables["session"]["cvd_high"].tolist() == [-3]


def test_settings_out_of_range_are_refused_in_one_line():
    for options, words in (
        ({"bucket_ns": -5}, "bucket_ns must be 100 ms to 1 h, was -5"),
        ({"arm": 0}, "arm must be at least 1 contract and at most 10,000,000, was 0"),
        ({"value_area": 1.0}, "value_area must be between 0 and 1, was 1.0"),
        ({"value_area_step": 3}, "value_area_step must be 1 or 2, was 3"),
        ({"lvn_smooth": 4}, "lvn_smooth must be an odd number of ticks, 1 to 99, was 4"),
    ):
        with pytest.raises(UsageError, match=words):
            AggregationSettings(**options)
    with pytest.raises(UsageError, match="lods must be 1 to 12, was 14"):
        Pipeline(lods=14)
    pipeline = Pipeline()
    with pytest.raises(UsageError, match="arm must be"):
        pipeline.configure({"arm": 0})
    pipeline.configure({"value_area_step": 1, "value_area": 0.5, "arm": 7})


def test_bubbles_so_far_apart_that_each_closes_every_level_all_arrive():
    count = 9_000
    trades = np.repeat(trades_of([(1, START, 100 * TICK, 1, "B")]), count)
    trades["ts_event"] += np.arange(count) * 15_000 * SECOND_NS
    sink = Collector(lods=DEPTH)
    pipeline = Pipeline()
    pipeline.attach(1, sink)
    pipeline.process(trades)
    pipeline.finish()
    for lod, width_ns in enumerate(widths_ns(SECOND_NS)):
        assert len(sink.bubble_rows(lod)) == count
        assert sink.bubble_rows(lod)["id"].tolist() == (trades["ts_event"] // width_ns).tolist()


def test_a_brief_publish_shows_the_newest_trade_and_a_full_one_everything_derived():
    pipeline, collector = Pipeline(), Collector()
    pipeline.attach(7, collector)
    trades = trades_of([(7, START + i, (100_000 + i) * TICK, 3, "B", "T", 128) for i in range(6)])
    pipeline.process(trades[:3])
    pipeline.publish()
    pipeline.process(trades[3:])
    pipeline.publish(is_brief=True)
    assert collector.tables["open"]["bubble"][0, 0]["trade_count"] == 6
    assert collector.tables["session"]["total_trades"] == 6
    assert collector.tables["session"]["last_price"] == trades["price"][5]
    assert collector.tables["profile"]["total"] == 9
    pipeline.publish()
    assert collector.tables["profile"]["total"] == 18

    whole, once = Pipeline(), Collector()
    whole.attach(7, once)
    whole.process(trades)
    whole.publish()
    for name, record in once.tables.items():
        assert collector.tables[name].tobytes() == record.tobytes(), name


def test_charts_are_published_in_full_one_after_the_other():
    pipeline, collectors = Pipeline(), {7: Collector(), 9: Collector()}
    for instrument_id, collector in collectors.items():
        pipeline.attach(instrument_id, collector)
    pipeline.process(trades_of([(7 + 2 * (i % 2), START + i, 100_000 * TICK, 3, "B", "T", 128) for i in range(6)]))
    assert pipeline.charted == 2
    pipeline.publish_next()
    assert ["profile" in collector.tables for collector in collectors.values()] == [True, False]
    pipeline.publish_next()
    assert ["profile" in collector.tables for collector in collectors.values()] == [True, True]


def test_instrument_and_gaps_are_published_before_the_numbers_even_briefly() -> None:
    pipeline, collector = Pipeline(), Collector()
    pipeline.attach(7, collector)
    pipeline.process(trades_of([(7, START, 100_000 * TICK, 3, "B", "T", 128)]))
    pipeline.publish(is_brief=True)
    assert list(collector.tables) == ["instrument", "gaps", "sessions", "open", "session"]
    assert collector.tables["instrument"]["tick_size"][0] > 0


def test_a_chart_requested_by_id_has_the_tick_of_the_feeds_name():
    pipeline, sink = Pipeline(), Collector()
    pipeline.attach(100, sink, "100")
    pipeline.map(Mapping(100, "", "NQ.v.0"))
    pipeline.process(trades_of([(100, START + n * SECOND_NS, 100_000 * TICK, 1, "B") for n in range(5)]))
    pipeline.finish()
    summary = pipeline.instruments[100]
    assert (summary.tick_size, summary.tick_source, summary.point_value) == (TICK, TickSource.TABLE, 20.0)
