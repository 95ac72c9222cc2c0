"""The hub: every client has exactly the store's rows, whatever happens to it, and never waits for another."""

import numpy as np
import pytest

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import GAP_LIST, INSTRUMENT, FeedState, GapKind
from flow_gl.protocol.kinds import CHART_ROW, DEFAULT_KINDS, Cause, Kind, Part, join
from flow_gl.protocol.messages import Position
from flow_gl.server.client import MAX_DROPS, STALL_S
from flow_gl.server.hub import TICK_S, TOO_SLOW
from flow_gl.server.outbox import MAX_BYTES
from tests.kit.events import event
from tests.kit.markets import WIDTHS_S, Market, make_market, make_week
from tests.kit.served import HubRig, TestClient


def stored(market: Market, level: int = 0) -> np.ndarray:
    """All closed rows of a level that the store holds."""
    store = market.store
    _, bubbles = store.bubbles[level].read(0, store.bubbles[level].head)
    _, points = store.cvd[level].read(0, store.cvd[level].head)
    return join(bubbles, points)


def until_quiet(rig: HubRig, *clients: TestClient) -> None:
    """Tick until everybody has everything."""
    for _ in range(2000):
        before = [one.received - len(one.statuses) for one in clients]
        rig.tick()
        for one in clients:
            one.read()
        is_quiet = before == [one.received - len(one.statuses) for one in clients]
        if is_quiet and not any(one.client.has_work for one in clients):
            return
    raise AssertionError("there is always something to send")


@pytest.fixture
def market() -> Market:
    """Ten minutes, half of them published."""
    found = make_market(600, is_published=False)
    found.advance(300)
    return found


@pytest.fixture(scope="module")
def long_market() -> Market:
    return make_market(6000)


def test_the_first_message_lists_the_charts(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.join().read()
    (hello,) = one.connected
    assert (hello.dataset, hello.scopes, hello.instruments[0].symbol) == ("GLBX.MDP3", ("read",), "NQ.v.0")
    assert hello.instruments[0].widths_ns[:3] == (10**9, 5 * 10**9, 15 * 10**9)
    assert hello.instruments[0].thresholds[0] == 0.15


@pytest.mark.parametrize("level", range(len(WIDTHS_S)))
def test_snapshot_history_and_increments_are_the_rows_of_the_store(market: Market, level: int) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(), level=level)
    while market.published < len(market.rows):
        market.advance(37)
        rig.tick()
        one.read()
    until_quiet(rig, one)
    assert np.array_equal(one.rows[Kind.BUBBLE, level], stored(market, level))
    reader = market.reader
    opened = np.array([reader.open_bubble(level)]), np.array([reader.open_cvd(level)])
    assert np.array_equal(one.rows[Kind.OPEN, level], join(*opened))
    assert one.rows[Kind.SESSION, 0].tobytes() == reader.session.tobytes()
    assert one.rows[Kind.LEVELS, 0].tobytes() == reader.levels.tobytes()
    rows = one.rows[Kind.PROFILE_ROWS, 0]
    for name in ("row", "buy", "sell", "unsided"):
        assert np.array_equal(rows[name], reader.profile[name][: int(reader.profile["count"])])
    assert one.rows[Kind.PROFILE, 0]["poc"] == reader.profile["poc"]


def test_the_newest_rows_come_first_and_at_once(long_market: Market) -> None:
    market = long_market
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(), kinds=("Bubble",)).read()
    first = one.blocks[0]
    assert first.part is Part.NEWEST
    assert first.cause is Cause.SUBSCRIBED
    assert first.next == market.store.bubbles[0].head
    assert 500 <= len(first.rows) <= 2048
    until_quiet(rig, one)
    parts = [block.part for block in one.blocks]
    assert parts == [Part.NEWEST, *[Part.HISTORY] * (len(parts) - 1)]
    assert one.blocks[-1].sequence == one.blocks[-1].oldest == 0


def test_a_span_limits_the_history(long_market: Market) -> None:
    market = long_market
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(), span_s=1800.0)
    until_quiet(rig, one)
    rows, all_rows = one.rows[Kind.BUBBLE, 0], stored(market)
    newest = all_rows["ts_event"][-1]
    assert np.array_equal(rows, all_rows[all_rows["ts_event"] >= newest - 1800 * 10**9])


def test_json_and_the_packed_form_have_the_same_content(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(is_packed=False))
    for _ in range(10):
        market.advance(2)
        rig.tick()
    until_quiet(rig, one)
    rows: dict[int, list[int]] = {}
    for message in one.json:
        if message["type"] == "Snapshot" and message["of"] == "Bubble":
            assert message["columns"] == list(CHART_ROW.names or ())
            rows |= {message["sequence"] + at: row for at, row in enumerate(message["rows"])}
        elif message["type"] == "Bubble":
            rows[message["sequence"]] = [message[name] for name in list(CHART_ROW.names or ())[:12]]
        elif message["type"] == "CVDPoint":
            rows[message["sequence"]] += [message[name] for name in ("open", "high", "low", "close")]
    assert [rows[at] for at in range(len(rows))] == [list(row) for row in stored(market).tolist()]
    kinds = {message["type"] for message in one.json}
    assert {"Connected", "Status", "Bubble", "CVDPoint", "Open", "VolumeProfile", "Session", "Snapshot"} <= kinds
    profile = {}
    for message in one.json:
        if message["type"] == "VolumeProfile":
            profile = ({} if message["is_whole"] else profile) | {row[0]: row[1:] for row in message["rows"]}
    held = market.reader.profile
    assert sum(map(sum, profile.values())) == held["total"]


def test_clients_of_a_stream_share_every_byte(market: Market) -> None:
    rig = HubRig(market.store)
    two = [rig.subscribe(rig.join()) for _ in range(2)]
    until_quiet(rig, *two)
    for one in two:
        one.transport.written.clear()
    market.advance(5)
    rig.tick()
    assert two[0].transport.written == two[1].transport.written
    assert two[0].transport.written


def test_a_client_that_returns_gets_exactly_what_it_missed(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    position = one.position()
    rig.hub.remove(one.client)
    market.advance(150)
    again = rig.subscribe(rig.join(before=one), positions=(position,)).read()
    until_quiet(rig, again)
    blocks = [block for block in again.blocks if block.kind is Kind.BUBBLE]
    assert {block.part for block in blocks} == {Part.RESUMED}
    assert blocks[0].sequence == position.next
    assert np.array_equal(again.rows[Kind.BUBBLE, 0], stored(market))


def test_a_client_that_returns_in_the_midst_of_history_gets_the_rest(long_market: Market) -> None:
    market = long_market
    rig = HubRig(market.store)
    one = rig.join()
    one.transport.room = 40_000
    rig.subscribe(one, kinds=("Bubble",)).read()
    position = one.position()
    assert 0 < position.first < position.next
    rig.hub.remove(one.client)
    again = rig.subscribe(rig.join(before=one), kinds=("Bubble",), positions=(position,))
    until_quiet(rig, again)
    assert again.blocks[0].part is Part.RESUMED
    assert len(again.blocks[0].rows) == 0
    assert {block.part for block in again.blocks[1:]} == {Part.HISTORY}
    assert np.array_equal(again.rows[Kind.BUBBLE, 0], stored(market))


@pytest.mark.parametrize(
    ("position", "cause"),
    [
        (Position("Bubble", 999, 0, 100), Cause.NEW_EPOCH),
        (Position("Bubble", 1000, 0, 10**6), Cause.NEW_EPOCH),
        (Position("Bubble", 1000, 50, 20), Cause.NEW_EPOCH),
    ],
)
def test_a_position_that_is_not_there_gives_a_fresh_snapshot_with_the_cause(
    market: Market, position: Position, cause: Cause
) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(), kinds=("Bubble",), positions=(position,))
    until_quiet(rig, one)
    assert (one.blocks[0].part, one.blocks[0].cause) == (Part.NEWEST, cause)
    assert np.array_equal(one.rows[Kind.BUBBLE, 0], stored(market))


def test_rows_that_are_no_longer_kept_are_counted() -> None:
    market = make_market(3000, capacity=1 << 10)
    rig = HubRig(market.store)
    oldest = market.store.bubbles[0].oldest
    one = rig.subscribe(rig.join(), kinds=("Bubble",), positions=(Position("Bubble", 1000, 0, 10),))
    until_quiet(rig, one)
    first = one.blocks[0]
    assert (first.part, first.cause, first.missed) == (Part.NEWEST, Cause.LAPPED, oldest - 10)
    assert one.position() == Position("Bubble", 1000, oldest, market.store.bubbles[0].head)


def test_a_lap_between_two_ticks_is_reported() -> None:
    market = make_market(5000, capacity=1 << 10, is_published=False)
    market.advance(100)
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(), kinds=("Bubble",))
    until_quiet(rig, one)
    held = market.store.bubbles[0].head
    market.advance(3000)
    until_quiet(rig, one)
    newest = [block for block in one.blocks if block.part is Part.NEWEST][-1]
    assert (newest.cause, newest.missed) == (Cause.LAPPED, market.store.bubbles[0].oldest - held)
    assert np.array_equal(one.rows[Kind.BUBBLE, 0], stored(market))


def test_a_fast_replay_comes_in_blocks() -> None:
    market = make_market(6000, is_published=False)
    market.advance(50)
    rig = HubRig(market.store)
    packed, plain = rig.subscribe(rig.join()), rig.subscribe(rig.join(is_packed=False))
    until_quiet(rig, packed, plain)
    market.advance()
    until_quiet(rig, packed, plain)
    assert np.array_equal(packed.rows[Kind.BUBBLE, 0], stored(market))
    assert [one.part for one in plain.snapshots if one.of == "Bubble"][-1] == "increment"


def test_a_slow_client_receives_what_it_missed_and_has_everything_in_the_end(market: Market) -> None:
    rig = HubRig(market.store)
    slow, quick = rig.subscribe(rig.join()), rig.subscribe(rig.join())
    until_quiet(rig, slow, quick)
    held = slow.position().next
    slow.transport.room = 0
    for _ in range(20):
        market.advance(2)
        rig.tick()
        assert quick.read().position().next == market.store.bubbles[0].head
    fill_queue(rig, slow)
    assert rig.counts.dropped_to_snapshot == 1
    assert rig.counts.dropped_rows > 0
    assert slow.transport.get_write_buffer_size() <= MAX_BYTES
    market.advance(30)
    slow.transport.room = None
    slow.transport.drain()
    until_quiet(rig, slow, quick)
    resumed = [block for block in slow.blocks if block.cause is Cause.SLOW]
    assert resumed[0].missed == market.store.bubbles[0].head - resumed[0].sequence > 30
    assert resumed[0].sequence > held
    for one in (slow, quick):
        assert np.array_equal(one.rows[Kind.BUBBLE, 0], stored(market))
        assert one.rows[Kind.SESSION, 0].tobytes() == market.reader.session.tobytes()
        assert int(sum(one.rows[Kind.PROFILE_ROWS, 0][name].sum() for name in ("buy", "sell", "unsided"))) == int(
            market.reader.profile["total"]
        )
    assert len(slow.connected) == 2


def test_a_client_that_takes_nothing_is_disconnected(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    one.transport.room = 0
    while rig.now_s < STALL_S + 3 and not one.transport.is_ended:
        rig.tick()
    assert one.transport.is_ended
    assert rig.counts.slow_disconnects == 1
    assert rig.counts.clients == 0


def fill_queue(rig: HubRig, one: TestClient) -> None:
    """Let a client read nothing until its queue is dropped."""
    one.transport.room, before = 0, rig.counts.dropped_to_snapshot
    for at in range(400):
        rig.set_status(message=f"news {at} {before}".ljust(230, "."), keeping=f"{at}".ljust(230, "."))
        rig.hub.tick(rig.now_s)  # at one moment: it is slow, and has not stalled yet
        if rig.counts.dropped_to_snapshot > before:
            return
    raise AssertionError("its queue grows without limit")


def test_a_client_that_stays_slow_receives_the_reason_and_is_disconnected(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join(is_packed=False))
    until_quiet(rig, one)
    for _ in range(MAX_DROPS):
        assert not one.transport.is_ended
        fill_queue(rig, one)
        one.transport.room = None
        one.transport.drain()
        rig.tick()
    one.read()
    assert one.transport.is_ended
    assert one.close_code == TOO_SLOW
    assert one.errors[-1].code == "too_slow"


def test_one_slow_client_never_delays_another(market: Market) -> None:
    rig = HubRig(market.store)
    slow, quick = rig.subscribe(rig.join()), rig.subscribe(rig.join())
    until_quiet(rig, slow, quick)
    slow.transport.room = 0
    for _ in range(50):
        market.advance(1)
        rig.tick()
        assert quick.read().position().next == market.store.bubbles[0].head


def test_events_are_resumed_by_themselves(market: Market) -> None:
    rig = HubRig(market.store)
    market.store.events.append(event(EventKind.ABSORPTION, 0, 5, 1, 2.0))
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    assert len(one.rows[Kind.EVENT, 0]) == 1
    market.store.events.append(event(EventKind.ABSORPTION, 1, 5, 1, 2.0))
    rig.tick()
    one.read()
    assert len(one.rows[Kind.EVENT, 0]) == 2
    position = one.position(Kind.EVENT)
    rig.hub.remove(one.client)
    market.store.events.append(event(EventKind.ABSORPTION, 2, 5, 1, 2.0))
    again = rig.subscribe(rig.join(before=one), positions=(position,))
    until_quiet(rig, again)
    assert len(again.rows[Kind.EVENT, 0]) == 3


def test_replaced_events_replace_those_of_the_client(market: Market) -> None:
    rig = HubRig(market.store)
    for at in range(3):
        market.store.events.append(event(EventKind.ABSORPTION, at, 5, 1, 2.0))
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    _, kept = market.store.events.read(0, 1)
    market.store.events.replace(2, kept, since=0)
    until_quiet(rig, one)
    block = [block for block in one.blocks if block.kind is Kind.EVENT][-1]
    assert (block.part, block.cause, block.revision) == (Part.NEWEST, Cause.REPLACED, 1)
    assert len(one.rows[Kind.EVENT, 0]) == 2


def write_gaps(market: Market, *ends: int, total: int | None = None) -> None:
    gaps = np.zeros(1, GAP_LIST)
    gaps["count"], gaps["total"] = len(ends), len(ends) if total is None else total
    for at, end in enumerate(ends):
        gap = gaps["gap"][0, at]
        gap["end"], gap["kind"], gap["open"] = end, GapKind.NO_TRADES, at + 1 == len(ends)
    market.store.gaps.write(gaps)


def test_a_gap_grows_and_another_one_follows(market: Market) -> None:
    rig = HubRig(market.store)
    write_gaps(market, 5)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    for ends in ((6,), (7,), (7, 9), (7, 12)):
        write_gaps(market, *ends)
        rig.tick()
        one.read()
        assert one.rows[Kind.GAP, 0]["end"].tolist() == list(ends)
    last = [block for block in one.blocks if block.kind is Kind.GAP][-1]
    assert (last.part, last.sequence, len(last.rows)) == (Part.INCREMENT, 1, 1)


def test_finished_sessions_come_on_request() -> None:
    week = make_week()
    rig = HubRig(week.store)
    one = rig.subscribe(rig.join(), kinds=(*DEFAULT_KINDS, "FinishedSession"))
    until_quiet(rig, one)
    assert one.rows[Kind.FINISHED_SESSION, 0].tobytes() == week.reader.sessions.tobytes()


def test_two_levels_of_a_symbol_share_its_events(market: Market) -> None:
    rig = HubRig(market.store)
    market.store.events.append(event(EventKind.ABSORPTION, 0, 5, 1, 2.0))
    one = rig.subscribe(rig.subscribe(rig.join()), level=2)
    until_quiet(rig, one)
    market.store.events.append(event(EventKind.ABSORPTION, 1, 5, 1, 2.0))
    market.advance(40)
    until_quiet(rig, one)
    assert len(one.rows[Kind.EVENT, 0]) == 2
    for level in (0, 2):
        assert np.array_equal(one.rows[Kind.BUBBLE, level], stored(market, level))
    assert rig.hub.unsubscribe(one.client, 0, 0)
    held = one.position().next
    market.store.events.append(event(EventKind.ABSORPTION, 2, 5, 1, 2.0))
    market.advance(40)
    until_quiet(rig, one)
    assert one.position().next == held
    assert len(one.rows[Kind.EVENT, 0]) == 3
    assert not rig.hub.unsubscribe(one.client, 0, 0)


def test_another_engine_is_another_epoch(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    other = make_market(500, seed=9)
    rig.charts.set_chart(0, other.store, 2000)
    rig.hub.restart({0})
    until_quiet(rig, one)
    assert [hello.instruments[0].epoch for hello in one.connected] == [1000, 2000]
    newest = [block for block in one.blocks if block.kind is Kind.BUBBLE and block.part is Part.NEWEST][-1]
    assert (newest.epoch, newest.cause) == (2000, Cause.NEW_EPOCH)
    assert np.array_equal(one.rows[Kind.BUBBLE, 0], stored(other))


def test_the_status_comes_each_second_and_at_once_when_it_changes(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.join()
    rig.tick(round(3 / TICK_S))
    assert 3 <= len(one.read().statuses) <= 5
    before = len(one.statuses)
    rig.set_status(state=FeedState.RECONNECTING, message="connection lost")
    rig.tick()
    assert len(one.read().statuses) == before + 1
    assert (one.statuses[-1].state, one.statuses[-1].message) == ("reconnecting", "connection lost")
    rig.charts.state, rig.charts.message = "restarting", "the engine was killed (SIGKILL)"
    rig.tick()
    assert (one.read().statuses[-1].engine, one.statuses[-1].message) == ("restarting", rig.charts.message)


def test_a_chart_without_followers_is_described_in_its_current_state(market: Market) -> None:
    rig = HubRig(market.store)
    rig.join()
    instrument = np.zeros(1, INSTRUMENT)
    market.store.instrument.read(instrument)
    instrument["symbol"] = b"NQH6"
    market.store.instrument.write(instrument)
    rig.tick(round(1.2 / TICK_S))
    assert rig.join().read().connected[0].instruments[0].contract == "NQH6"


def test_bytes_are_counted_while_clients_are_connected_and_after(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    rig.hub.count_bytes()
    sent = rig.counts.sent_bytes
    assert sent == one.client.outbox.sent_bytes > 0
    rig.hub.remove(one.client)
    rig.hub.count_bytes()
    assert rig.counts.sent_bytes == sent


def test_a_quiet_market_sends_nothing_but_the_status(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    rig.tick(round(1.1 / TICK_S))
    one.read()
    one.blocks.clear()
    one.texts.clear()
    rig.tick(round(2 / TICK_S))
    one.read()
    assert one.blocks == []
    assert len(one.texts) == len(one.statuses) == 2


def test_a_status_has_what_changed_and_a_new_client_gets_the_whole(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.join()
    rig.tick(round(1.1 / TICK_S))
    rig.set_status(trades=17)
    rig.tick(round(1.1 / TICK_S))
    sent = one.read().json[-1]
    assert sent["numbers"] == {"trades": 17}
    whole = one.statuses[-1].numbers
    assert (whole["trades"], whole["dataset"]) == (17, "GLBX.MDP3")  # the client's half has all of them
    assert rig.join().read().statuses[-1].numbers == whole


def test_a_client_whose_queue_was_dropped_gets_the_whole_status(market: Market) -> None:
    rig = HubRig(market.store)
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    fill_queue(rig, one)
    one.transport.room = None
    one.transport.drain()
    one.read()
    one.json.clear()
    rig.tick(3)
    sent = one.read().json
    assert any(text["type"] == "Status" and text["numbers"].get("dataset") == "GLBX.MDP3" for text in sent)


def test_news_are_trades_of_charts_that_somebody_follows(market: Market) -> None:
    rig = HubRig(market.store)
    rig.tick()
    market.advance(301)
    assert not rig.hub.has_news  # no one follows it
    one = rig.subscribe(rig.join())
    until_quiet(rig, one)
    assert not rig.hub.has_news
    market.advance(302)
    assert rig.hub.has_news
    assert rig.hub.tick(rig.now_s)
    assert not rig.hub.has_news
