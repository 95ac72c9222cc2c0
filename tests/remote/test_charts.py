"""A remote chart's store against the store that the rows come from, whatever their order and cuts."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.market.footprint import FOOTPRINT, OPEN_FOOTPRINT
from flow_gl.core.schema import GAP, GAP_LIST, PROFILE, SESSION, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import CHART_ROW, FOOTPRINT_HEAD, PROFILE_HEAD, PROFILE_ROW, Cause, Kind, Part, join
from flow_gl.protocol.messages import Instrument
from flow_gl.runtime.remote.charts import RemoteChart
from flow_gl.store.footprints import footprint_of
from flow_gl.store.market import MarketReader, MarketStore
from tests.kit.events import event
from tests.kit.markets import START_NS, TICK, WIDTHS_S, Market, make_seconds

LOGS = Kind.MINUTE_LEVELS, Kind.ORDER_CVD
EPOCH = 7
INSTRUMENT = Instrument(
    symbol="NQ.v.0",
    contract="NQZ5",
    instrument_id=42,
    epoch=EPOCH,
    tick_size=TICK,
    tick_source=1,
    point_value=20.0,
    bucket_ns=10**9,
    widths_ns=tuple(width * 10**9 for width in WIDTHS_S),
    thresholds=(),
)


def make_market(seconds: int = 600) -> Market:
    market = Market(MarketStore.local(), *make_seconds(seconds))
    market.advance(seconds // 2)
    return market


def block(kind: Kind, rows: NDArray[np.void], sequence: int = 0, part: Part = Part.INCREMENT, **more: int) -> Rows:
    level, cause = more.pop("level", 0), Cause(more.pop("cause", 0))
    return Rows(
        kind=kind, symbol=0, level=level, epoch=EPOCH, sequence=sequence, rows=rows, part=part, cause=cause, **more
    )


def bubbles(market: Market, level: int, start: int, stop: int, part: Part, **more: int) -> Rows:
    store = market.store
    rows = join(store.bubbles[level].read(start, stop)[1], store.cvd[level].read(start, stop)[1])
    return block(Kind.BUBBLE, rows, start, part, level=level, **more)


def footprints(market: Market, level: int, start: int, stop: int, part: Part, **more: int) -> Rows:
    return block(Kind.FOOTPRINT, market.store.footprints[level].read(start, stop)[1], start, part, level=level, **more)


def plant_footprints(market: Market) -> None:
    """Put the contracts of every closed bubble at its low and its high, at each level, and of the open one."""
    for level in range(len(WIDTHS_S)):
        ring = market.store.bubbles[level]
        rows = ring.read(0, ring.head)[1]
        planted = np.zeros(2 * len(rows), FOOTPRINT)
        for at, price in enumerate(("low", "high")):
            planted["id"][at::2], planted["price"][at::2] = rows["id"], rows[price]
        planted["buy"][::2], planted["sell"][1::2] = rows["buy"], rows["sell"]
        market.store.footprints[level].append(planted)
    record = np.zeros(1, OPEN_FOOTPRINT)
    bubble = market.reader.open_bubble(0)
    assert bubble is not None
    record["bucket"], record["count"] = bubble["id"], 1
    record["row"]["id"][0, 0], record["row"]["price"][0, 0] = bubble["id"], bubble["low"]
    record["row"]["buy"][0, 0] = bubble["buy"]
    for level in range(len(WIDTHS_S)):
        record["head"][0, level] = market.store.footprints[level].head
    market.store.footprint.write(record)
    market.reader.refresh()


def open_footprint(market: Market) -> Iterator[Rows]:
    record, head = market.reader.footprint, np.zeros(1, FOOTPRINT_HEAD)
    for name in FOOTPRINT_HEAD.names or ():
        head[name] = record[name]
    yield block(Kind.OPEN_FOOTPRINT, head)
    yield block(Kind.OPEN_FOOTPRINT_ROWS, record["row"][: int(record["count"])].copy(), part=Part.NEWEST)


def newest(market: Market, screenful: int, **more: int) -> Iterator[Rows]:
    """The newest rows of every level, and all of every log."""
    for level in range(len(WIDTHS_S)):
        head = market.store.bubbles[level].head
        yield bubbles(market, level, max(0, head - screenful), head, Part.NEWEST, oldest=0, **more)
    yield block(Kind.EVENT, market.store.events.read(0, market.store.events.head)[1], part=Part.NEWEST, **more)
    for level in range(len(WIDTHS_S)):
        head = market.store.footprints[level].head
        start = max(0, head - 3 * screenful)
        yield footprints(market, level, start, head, Part.NEWEST, oldest=0, **more)
    yield block(Kind.ORDER, market.store.orders.read(0, 0)[1], part=Part.NEWEST, **more)
    for kind, log in zip(LOGS, (market.store.minutes, market.store.order_cvd), strict=True):
        yield block(kind, log.read(0, log.head)[1], part=Part.NEWEST, **more)


def history(market: Market, level: int, below: int, step: int) -> Iterator[Rows]:
    for stop in range(below, 0, -step):
        yield bubbles(market, level, max(0, stop - step), stop, Part.HISTORY)


def tables(market: Market) -> Iterator[Rows]:
    reader = market.reader
    for level in range(len(WIDTHS_S)):
        bubble, point = reader.open_bubble(level), reader.open_cvd(level)
        rows = np.zeros(0, CHART_ROW)
        if bubble is not None and point is not None:
            rows = join(np.array([bubble], bubble.dtype), np.array([point], point.dtype))
        yield block(Kind.OPEN, rows, reader.heads[level], level=level)
    yield block(Kind.SESSION, np.array([reader.session], SESSION))
    head = np.zeros(1, PROFILE_HEAD)
    for name in PROFILE_HEAD.names or ():
        head[name] = reader.profile[name]
    rows = np.zeros(int(reader.profile["count"]), PROFILE_ROW)
    for name in PROFILE_ROW.names or ():
        rows[name] = reader.profile[name][: len(rows)]
    yield block(Kind.PROFILE, head, part=Part.NEWEST)
    yield block(Kind.PROFILE_ROWS, rows, part=Part.NEWEST)


def shown(chart: RemoteChart) -> MarketReader:
    assert chart.store is not None
    reader = MarketReader(chart.store)
    reader.refresh()
    return reader


def assert_same(chart: RemoteChart, market: Market) -> None:
    """Every ring, log and record holds what the market's does."""
    assert chart.store is not None
    for level in range(len(WIDTHS_S)):
        for ours, theirs in (
            (chart.store.bubbles[level], market.store.bubbles[level]),
            (chart.store.cvd[level], market.store.cvd[level]),
        ):
            assert ours.head == theirs.head
            assert np.array_equal(ours.read(0, ours.head)[1], theirs.read(0, theirs.head)[1])
    for ours, theirs in zip(chart.store.logs, market.store.logs, strict=True):
        assert np.array_equal(ours.read(ours.oldest, ours.head)[1], theirs.read(theirs.oldest, theirs.head)[1])
    reader = shown(chart)
    assert reader.session.tobytes() == market.reader.session.tobytes()
    assert reader.profile.tobytes() == market.reader.profile.tobytes()
    for level in range(len(WIDTHS_S)):
        one, other = reader.open_bubble(level), market.reader.open_bubble(level)
        assert (one is None) == (other is None)
        assert one is None or other is None or one.tobytes() == other.tobytes()


def new_chart() -> RemoteChart:
    return RemoteChart(INSTRUMENT, MarketStore.local)


def take(chart: RemoteChart, blocks: Iterator[Rows]) -> None:
    for one in blocks:
        chart.take(one)


@pytest.mark.parametrize("step", [1, 7, 100, 1000])
def test_newest_rows_are_shown_at_once_and_all_of_them_when_history_is_there(step: int) -> None:
    market, chart = make_market(), new_chart()
    blocks = list(newest(market, 40))
    take(chart, iter(blocks[:-1]))
    assert not chart.flush()
    assert chart.store is None
    chart.take(blocks[-1])
    take(chart, tables(market))
    assert chart.flush()
    reader = shown(chart)
    assert reader.heads[0] == 40
    assert (reader.symbol, reader.requested, reader.tick_size) == ("NQZ5", "NQ.v.0", TICK)
    first = chart.store
    for level in range(len(WIDTHS_S)):
        take(chart, history(market, level, max(0, market.store.bubbles[level].head - 40), step))
    assert chart.flush()
    assert chart.store is not first
    assert chart.progress == 1.0
    assert_same(chart, market)
    assert not chart.flush()


@pytest.mark.parametrize("when", [0, 1, 2])
def test_rows_that_close_while_history_arrives_are_in_both_stores(when: int) -> None:
    market, chart = make_market(), new_chart()
    take(chart, newest(market, 40))
    heads = [ring.head for ring in market.store.bubbles]
    parts = [list(history(market, level, max(0, heads[level] - 40), 50)) for level in range(len(WIDTHS_S))]
    chart.flush()
    for number, part in enumerate(parts):
        if number == 5 * when:
            before = [ring.head for ring in market.store.bubbles]
            market.advance(60)
            for level, (start, ring) in enumerate(zip(before, market.store.bubbles, strict=True)):
                if ring.head > start:
                    chart.take(bubbles(market, level, start, ring.head, Part.INCREMENT))
            chart.flush()
            assert shown(chart).heads[0] >= 100
        take(chart, iter(part))
    take(chart, tables(market))
    chart.flush()
    assert_same(chart, market)


def complete(market: Market) -> RemoteChart:
    chart = new_chart()
    take(chart, newest(market, 10**6))
    take(chart, tables(market))
    chart.flush()
    assert_same(chart, market)
    return chart


def test_a_stream_that_is_sent_again_leaves_the_others_as_they_are() -> None:
    market = make_market()
    chart = complete(market)
    head = market.store.bubbles[0].head
    chart.take(bubbles(market, 0, head - 30, head, Part.NEWEST, oldest=0, cause=Cause.SLOW))
    assert not chart.flush()  # the chart keeps its history until that has arrived again
    take(chart, history(market, 0, head - 30, 64))
    assert chart.flush()
    assert_same(chart, market)


def test_events_that_were_computed_again_replace_the_old_ones_at_once() -> None:
    market = make_market()
    market.store.events.append(event(EventKind.ZERO_CROSS, 10, 101_480 * TICK, 1, 2.0))
    market.store.events.append(event(EventKind.ABSORPTION, 20, 101_480 * TICK, 1, 2.0))
    chart = complete(market)
    store = chart.store
    rows = np.concatenate([event(EventKind.ABSORPTION, second, 101_481 * TICK, -1, 3.0) for second in (5, 25, 30)])
    market.store.events.replace(2, rows, START_NS)
    start = market.store.events.oldest
    chart.take(block(Kind.EVENT, rows[1:], start + 1, Part.NEWEST, oldest=start, revision=1, cause=Cause.REPLACED))
    chart.flush()
    assert chart.store is store
    assert store is not None
    assert len(store.events.read(store.events.oldest, store.events.head)[1]) == 2
    chart.take(block(Kind.EVENT, rows[:1], start, Part.HISTORY, revision=1, oldest=start))
    assert not chart.flush()
    assert_same(chart, market)


def test_lists_follow_rows_that_are_replaced_and_added() -> None:
    market = make_market()
    chart = complete(market)
    gaps = np.zeros(3, GAP)
    gaps["start"], gaps["end"], gaps["kind"] = [1, 5, 9], [2, 6, 10], GapKind.NO_TRADES
    chart.take(block(Kind.GAP, gaps[:2], 4, Part.NEWEST))
    chart.flush()
    assert shown(chart).gaps["start"].tolist() == [1, 5]
    gaps["end"][1] = 8
    chart.take(block(Kind.GAP, gaps[1:], 5))
    chart.flush()
    assert shown(chart).gaps["end"].tolist() == [2, 8, 10]
    record = np.zeros(1, GAP_LIST)
    assert chart.store is not None
    chart.store.gaps.read(record)
    assert (int(record["count"][0]), int(record["total"][0])) == (3, 7)


def test_a_lost_connection_is_a_gap_that_goes_when_it_is_back() -> None:
    market = make_market()
    chart = complete(market)
    chart.mark_away(market.now_ns, market.now_ns + 10**9)
    chart.flush()
    reader = shown(chart)
    assert reader.gaps["kind"].tolist() == [GapKind.FEED]
    assert reader.open_gaps == {GapKind.FEED: market.now_ns}
    chart.mark_back()
    chart.flush()
    assert len(shown(chart).gaps) == 0


def test_only_changed_rows_of_a_profile_are_taken_over() -> None:
    market = make_market()
    chart = complete(market)
    profile = market.reader.profile
    count = int(profile["count"])
    rows = np.zeros(2, PROFILE_ROW)
    rows["row"] = profile["row"][3], profile["row"][count - 1] + 5
    rows["buy"] = 1000, 7
    head = np.zeros(1, PROFILE_HEAD)
    for name in PROFILE_HEAD.names or ():
        head[name] = profile[name]
    head["count"] = count + 1
    chart.take(block(Kind.PROFILE, head))
    chart.take(block(Kind.PROFILE_ROWS, rows))
    chart.flush()
    expected = np.array([profile], PROFILE)
    expected["count"] = count + 1
    for name in PROFILE_ROW.names or ():
        expected[name][0, 3], expected[name][0, count] = rows[name]
    assert shown(chart).profile.tobytes() == expected.tobytes()


def test_a_chart_of_another_run_takes_over_when_its_rows_are_there() -> None:
    market = make_market()
    before = complete(market)
    after = RemoteChart(INSTRUMENT, MarketStore.local, before=before)
    assert after.shown is before.store
    for one in newest(market, 40):
        assert after.shown is before.store
        after.take(one)
    after.flush()
    assert after.store is not None
    assert after.shown is after.store


@pytest.mark.parametrize("span_s", [(0, 10**6), (0, 100), (37, 251), (290, 10**6)])
def test_what_traded_at_each_price_is_answered_as_beside_the_engine(span_s: tuple[int, int]) -> None:
    market, chart = make_market(), new_chart()
    plant_footprints(market)
    span_ns = [START_NS + second * SECOND_NS for second in span_s]
    take(chart, newest(market, 40))
    take(chart, tables(market))
    take(chart, open_footprint(market))
    chart.flush()
    assert footprint_of(shown(chart), *span_ns).end_ns == span_ns[0]  # not all rows are here: nothing is known
    for level in range(len(WIDTHS_S)):
        take(chart, history(market, level, max(0, market.store.bubbles[level].head - 40), 50))
        for stop in range(max(0, market.store.footprints[level].head - 120), 0, -50):
            chart.take(footprints(market, level, max(0, stop - 50), stop, Part.HISTORY))
    chart.flush()
    ours, theirs = (footprint_of(reader, *span_ns) for reader in (shown(chart), market.reader))
    assert (ours.start_ns, ours.end_ns) == (theirs.start_ns, theirs.end_ns)
    assert ours.rows.tobytes() == theirs.rows.tobytes()
    assert ours.buy > 0


def test_footprints_that_the_server_has_not_kept_are_not_known_here_either() -> None:
    market, chart = make_market(), new_chart()
    plant_footprints(market)
    for one in newest(market, 40):
        chart.take(replace(one, oldest=one.sequence))
    take(chart, tables(market))
    take(chart, open_footprint(market))
    chart.flush()
    asked_ns = START_NS + 37 * SECOND_NS  # within a bucket of every level that is still whole
    found = footprint_of(shown(chart), asked_ns, START_NS + 10**6 * SECOND_NS)
    assert found.start_ns > asked_ns
    assert found.rows.tobytes() == footprint_of(market.reader, found.start_ns, found.end_ns).rows.tobytes()


def test_an_open_footprint_waits_for_the_closed_rows_that_belong_to_it() -> None:
    market = make_market()
    plant_footprints(market)
    blocks = list(newest(market, 10**6))
    chart = new_chart()
    for one in blocks:
        if one.kind is Kind.FOOTPRINT and one.level == 0:
            late = replace(one, sequence=one.next - 4, rows=one.rows[-4:], part=Part.INCREMENT)
            chart.take(replace(one, rows=one.rows[:-4]))
        else:
            chart.take(one)
    take(chart, tables(market))
    take(chart, open_footprint(market))
    chart.flush()
    assert shown(chart).footprint_version == 0
    chart.take(late)
    chart.flush()
    everything = START_NS, START_NS + 10**6 * SECOND_NS
    ours, theirs = (footprint_of(reader, *everything) for reader in (shown(chart), market.reader))
    assert ours.rows.tobytes() == theirs.rows.tobytes()


def test_a_history_whose_oldest_rows_are_dropped_meanwhile_is_complete_all_the_same() -> None:
    market, chart = make_market(), new_chart()
    take(chart, newest(market, 40))
    heads = [ring.head for ring in market.store.bubbles]
    chart.flush()
    for level in range(len(WIDTHS_S)):
        parts = list(history(market, level, max(0, heads[level] - 40), 50))
        kept = parts[:-1] if level == 0 else parts
        for one in kept:
            chart.take(replace(one, oldest=kept[-1].sequence))
    assert chart.flush()
    assert shown(chart).heads[0] < heads[0]
    assert chart.progress == 1.0
