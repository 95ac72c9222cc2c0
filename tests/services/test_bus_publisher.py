"""Publishing one chart on a real NATS server, from a market in local memory, also with two publishers at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import nats
import numpy as np
import pytest
from nats.js.client import JetStreamContext
from nats.js.kv import KeyValue

from flow_gl.core.clock import SYSTEM
from flow_gl.core.schema import EVENT, STATUS, FeedState
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chapter, Log, Topic
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import CHART_ROW, Cause, Kind, Part
from flow_gl.services.bus import chapters
from flow_gl.services.bus.chart import ChartPublisher, Source
from flow_gl.services.bus.lease import LeaseKeeper
from flow_gl.services.bus.positions import Absence, find
from flow_gl.services.bus.rows import RowStream
from flow_gl.services.bus.writer import FencedError
from flow_gl.store.market import EngineReader, EngineStore, MarketStore
from flow_gl.streams.appended import source_of
from flow_gl.streams.chart import Chart
from tests.kit.markets import Market, make_market
from tests.kit.nats import messages, nats_server
from tests.kit.published import Published, assert_same, newest, published, stored
from tests.kit.waiting import PATIENCE_S

LATER_NS = 1 << 62


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests; each publishes a chart of its own."""
    with nats_server(tmp_path_factory.mktemp("nats")) as server:
        yield server.url


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> Topic:
    return Topic("GLBX.MDP3", request.node.name[5:37])


def run(url: str, test: Callable[[JetStreamContext], Awaitable[None]]) -> None:
    """Run a test with a client of its own."""

    async def connected() -> None:
        client = await nats.connect(url, connect_timeout=30)
        try:
            await test(client.jetstream(timeout=PATIENCE_S))
        finally:
            await client.close()

    asyncio.run(connected())


def market(count: int, *, seed: int = 1) -> Market:
    """Return a market of which so many rows are published, with an event."""
    found = make_market(900, is_published=False, seed=seed, crosses=[(60, 1)])
    found.advance(count)
    return found


def publisher(of: Market, topic: Topic, js: JetStreamContext, **settings: Any) -> ChartPublisher:
    status = np.zeros(1, STATUS)
    status["state"], status["dataset"], status["source"] = FeedState.REPLAY, b"GLBX.MDP3", b"a file"
    store = EngineStore.local()
    store.status.write(status)
    reader = EngineReader(store)
    reader.refresh()
    source = Source(
        chart=Chart(0, of.store, 0),
        engine=reader,
        feed="replay",
        settings={"arm": 300} | settings,
        threshold=0.15,
        clock=SYSTEM,
    )
    return ChartPublisher(source, topic, js, lambda _: None)


async def publish(one: ChartPublisher) -> None:
    """Publish all that is new, after being sure of what the bus holds."""
    if not one.is_synced:
        assert await one.sync()
    while await one.tick():
        pass
    await one.tick(at_once=True)


def test_rows_of_an_engine_that_publishes_twice_are_there_once(url: str, topic: Topic) -> None:
    ours = market(300)

    async def test(js: JetStreamContext) -> None:
        one = publisher(ours, topic, js)
        await publish(one)
        one.is_synced = False
        await publish(one)
        ours.advance(200)
        await publish(publisher(ours, topic, js))

    run(url, test)
    found = published(url, topic)
    assert len(found.epochs) == 1
    assert_same(found.rows, stored(ours.store))


def test_an_engine_that_began_later_continues_where_another_ended(url: str, topic: Topic) -> None:
    ours, theirs = market(400), market(600)

    async def test(js: JetStreamContext) -> None:
        one, other = publisher(ours, topic, js), publisher(theirs, topic, js)
        await publish(one)
        await publish(other)
        ours.advance(50)
        with pytest.raises(FencedError):
            await publish(one)

    run(url, test)
    found = published(url, topic)
    assert len(found.epochs) == 1
    assert_same(found.rows, stored(theirs.store))


def test_a_deposed_publisher_that_still_publishes_adds_nothing_and_may_come_back(url: str, topic: Topic) -> None:
    ours, theirs = market(300), market(300)

    async def test(js: JetStreamContext) -> None:
        one, other = publisher(ours, topic, js), publisher(theirs, topic, js)
        await publish(one)
        await publish(other)
        for which in (one, other, one, other, one):
            ours.advance(30)
            theirs.advance(30)
            which.is_synced = False
            await publish(which)

    run(url, test)
    found = published(url, topic)
    assert len(found.epochs) == 1
    assert_same(found.rows, stored(ours.store))


@pytest.mark.parametrize("how", ["settings", "trades"])
def test_other_numbers_begin_a_new_epoch_and_the_old_one_goes(url: str, topic: Topic, how: str) -> None:
    ours, theirs = market(300), market(500, seed=2 if how == "trades" else 1)
    settings = {"arm": 400} if how == "settings" else {}

    async def test(js: JetStreamContext) -> None:
        await publish(publisher(ours, topic, js))
        first = (await js.get_last_msg(topic.stream(Log.STATE), topic.subject(Log.STATE, bus.CHART))).data or b""
        await publish(publisher(theirs, topic, js, **settings))
        second = (await js.get_last_msg(topic.stream(Log.STATE), topic.subject(Log.STATE, bus.CHART))).data or b""
        before, after = (bus.decode(one, bus.Chart) for one in (first, second))
        assert after.instrument.epoch > before.instrument.epoch
        assert (await js.stream_info(topic.stream(Log.ROWS))).state.first_seq == after.rows_begin > before.rows_begin

    run(url, test)
    assert_same(published(url, topic).rows, stored(theirs.store))


def test_an_engine_that_is_behind_waits_until_it_has_the_published_rows(url: str, topic: Topic) -> None:
    ours, theirs = market(400), market(300)

    async def test(js: JetStreamContext) -> None:
        await publish(publisher(ours, topic, js))
        other = publisher(theirs, topic, js)
        assert not await other.sync()
        theirs.advance(150)
        await publish(other)

    run(url, test)
    found = published(url, topic)
    assert len(found.epochs) == 1
    assert_same(found.rows, stored(theirs.store))


def test_replaced_events_follow_under_another_revision(url: str, topic: Topic) -> None:
    ours = market(300)
    event = np.zeros(3, EVENT)
    event["ts_event"], event["strength"] = ours.rows["ts_event"][100:103], np.nan

    async def test(js: JetStreamContext) -> None:
        one = publisher(ours, topic, js)
        await publish(one)
        ours.store.events.replace(1, event[:2], 0)
        await publish(one)
        ours.store.events.append(event[2:])
        await publish(publisher(ours, topic, js))

    run(url, test)
    subject = topic.subject_of(Log.ROWS, Kind.EVENT)
    found = [
        block
        for _, one, payload, _ in asyncio.run(messages(url, topic.stream(Log.ROWS)))
        if one == subject
        for block in bus.unpack(payload)
    ]
    assert [(one.sequence, one.next, one.revision, one.part, one.cause) for one in found] == [
        (0, 1, 0, Part.NEWEST, Cause.NEW_EPOCH),
        (1, 3, 1, Part.NEWEST, Cause.REPLACED),
        (3, 4, 1, Part.INCREMENT, Cause.NONE),
    ]


def test_chapters_hold_the_rows_before_the_place_that_they_name(
    url: str, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chapters, "CHAPTER_MESSAGES", 40)
    ours = market(100)

    async def test(js: JetStreamContext) -> None:
        for _ in range(6):
            one = publisher(ours, topic, js)
            for _ in range(5):
                ours.advance(20)
                await publish(one)
        # An unfinished chapter of a publisher that was killed.
        await js.publish(topic.subject_of(Log.HISTORY, Kind.EVENT), b"")
        ours.advance(100)
        await publish(publisher(ours, topic, js))

    run(url, test)
    rows, history = (asyncio.run(messages(url, topic.stream(log))) for log in (Log.ROWS, Log.HISTORY))
    ends = [bus.decode(payload, Chapter) for _, subject, payload, _ in history if subject.endswith(bus.CHAPTER)]
    assert len(ends) > 1
    last = max(at for at, one in enumerate(history) if one[1].endswith(bus.CHAPTER))
    first = [one for one in rows if one[1].endswith(bus.CHART)][:1]
    told = [one for one in history[: last + 1] if not one[1].endswith(bus.CHAPTER)]
    assert len(told) < ends[-1].rows_next / 2, "few large messages"
    later = [one for one in rows if one[0] >= ends[-1].rows_next]
    assert_same(Published([*first, *told, *later]).rows, stored(ours.store))


def test_records_have_the_positions_of_the_bus(url: str, topic: Topic) -> None:
    ours, theirs = market(300), market(300)
    theirs.advance(60)

    async def test(js: JetStreamContext) -> None:
        await publish(publisher(ours, topic, js))
        await publish(publisher(theirs, topic, js))

    run(url, test)
    state, found = newest(url, Log.STATE, topic), published(url, topic)
    levels = bus.unpack(state["Open"])
    assert [one.level for one in levels] == list(range(len(levels)))
    assert [one.sequence for one in levels] == [len(found.rows.get((Kind.BUBBLE, one.level), ())) for one in levels], (
        "what the open bubble will have once closed"
    )
    head, rows = bus.unpack(state["OpenFootprint"])
    assert int(head.rows["head"][0, 0]) == len(found.rows[Kind.FOOTPRINT, 0])
    assert len(rows.rows) == int(head.rows["count"][0])
    assert [one.kind for one in bus.unpack(state["VolumeProfile"])] == [Kind.PROFILE, Kind.PROFILE_ROWS]
    assert all(one.epoch == found.epochs[0] for name in ("Session", "Levels") for one in bus.unpack(state[name]))


def _published(rows: np.ndarray, kind: Kind = Kind.BUBBLE) -> Rows:
    return Rows(kind=kind, symbol=0, level=0, epoch=1, sequence=0, rows=rows)


def test_published_rows_are_found_by_their_content() -> None:
    source = source_of(Chart(0, market(500).store, 0), Kind.BUBBLE, 0)
    _, head = source.state
    for start, stop in ((0, 1), (0, 200), (head - 5, head), (head - 1, head)):
        _, rows = source.read(start, stop)
        assert find(source, _published(rows), newest_ns=LATER_NS) == stop
    _, rows = source.read(0, 100)
    changed = rows.copy()
    changed["buy"][-1] += 1
    assert find(source, _published(changed), newest_ns=LATER_NS) is Absence.DIFFERENT
    changed = rows.copy()
    changed["cvd_low"][60] -= 1
    assert find(source, _published(changed), newest_ns=LATER_NS) is Absence.DIFFERENT
    changed = rows.copy()
    changed["id"][-1] = 1 << 60
    assert find(source, _published(changed), newest_ns=LATER_NS) is Absence.NOT_YET


def test_events_are_found_or_awaited_by_the_time_that_the_engine_has_reached() -> None:
    store = MarketStore.local()
    source = source_of(Chart(0, store, 0), Kind.EVENT, 0)
    rows = np.zeros(4, EVENT)
    rows["ts_event"], rows["strength"], rows["pad"] = [10, 10, 20, 30], np.nan, 1
    one = _published(rows[2:], Kind.EVENT)
    assert find(source, one, newest_ns=40) is Absence.NOT_YET
    assert find(source, one, newest_ns=LATER_NS) is Absence.DIFFERENT
    store.events.append(rows)
    without_padding = rows.copy()
    without_padding["pad"] = 0
    assert find(source, _published(without_padding[:2], Kind.EVENT), newest_ns=40) == 2
    assert find(source, _published(without_padding, Kind.EVENT), newest_ns=40) == 4


def test_rows_that_were_overwritten_are_reported_as_missed() -> None:
    ours = make_market(900, is_published=False, capacity=128)
    ours.advance(60)
    one = RowStream(Kind.BUBBLE, 0, source_of(Chart(0, ours.store, 0), Kind.BUBBLE, 0))
    one.begin()
    first = one.block(7)
    assert first is not None
    assert (first.part, first.cause, first.sequence) == (Part.NEWEST, Cause.NEW_EPOCH, 0)
    one.commit(first)
    ours.advance(500)
    again = one.block(7)
    assert again is not None
    assert (again.part, again.cause, again.oldest) == (Part.NEWEST, Cause.LAPPED, again.sequence)
    assert again.sequence == first.next + again.missed
    assert again.missed > 0


def test_small_blocks_are_joined_as_far_as_they_follow_one_another() -> None:
    def block(first: int, count: int, **more: Any) -> Rows:
        return replace(_published(np.zeros(count, CHART_ROW)), sequence=first, **more)

    blocks = [
        block(0, 2, part=Part.NEWEST),
        block(2, 3),
        block(9, 1, level=1),
        block(5, 1),
        block(6, 2, revision=1, part=Part.NEWEST),
        block(8, 1, revision=1),
        block(20, 1, revision=1),
    ]
    found = [(one.level, one.revision, one.sequence, one.next, one.part) for one in chapters.merged(blocks)]
    assert found == [
        (0, 0, 0, 6, Part.NEWEST),
        (0, 1, 6, 9, Part.NEWEST),
        (0, 1, 20, 21, Part.INCREMENT),
        (1, 0, 9, 10, Part.INCREMENT),
    ]


def test_a_lease_passes_on_once_its_holder_falls_silent(url: str, topic: Topic) -> None:
    now = [0.0]

    async def test(js: JetStreamContext) -> None:
        leases: KeyValue = await js.create_key_value(bucket=bus.LEASES, history=1)
        one, other = (LeaseKeeper(topic, name, lambda: now[0]) for name in ("one", "other"))

        async def step(*keepers: LeaseKeeper, may_lead: bool = True) -> tuple[bool, bool]:
            for keeper in keepers:
                await keeper.step(leases, may_lead=may_lead)
            return one.is_leader, other.is_leader

        assert await step(one, other, may_lead=False) == (False, False)
        assert await step(one, other) == (True, False)
        for _ in range(10):
            now[0] += 0.4
            assert await step(one, other) == (True, False)
        now[0] += 1.5
        assert await step(other) == (True, False), "not silent for long enough"
        now[0] += 0.2
        assert await step(other) == (True, True), "the old holder does not know yet"
        assert await step(one, other) == (False, True)
        await other.release(leases)
        assert await step(one, other) == (True, False), "at once"
        assert await step(one, may_lead=False) == (False, False)
        assert await step(other) == (False, True)

    run(url, test)
