"""Impossible times from a gateway: what is believed, what ends a connection, what is reported."""

import numpy as np
import pytest

from flow_gl.core.schema import FeedState
from flow_gl.core.units import DAY_NS, HOUR_NS, SECOND_NS
from flow_gl.feed.live.errors import Fault
from flow_gl.feed.live.gateway_clock import SLACK_NS, GatewayClock, in_words
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.time_checks import STRIKES
from tests.feed.live_rig import Rig
from tests.gateway import records
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, OPEN_NS, make_tape, of

YEAR = 365 * DAY_NS
BEFORE = 600
TAPE = make_tape(1200)
WALL = int(TAPE["ts_recv"][BEFORE - 1]) + 1_000_000


@pytest.fixture
def gateway():
    process = GatewayProcess(count=len(TAPE), published=BEFORE)
    yield process
    process.close()


@pytest.fixture
def make_rig(gateway):
    rigs = []

    def make(**options) -> Rig:
        rig = Rig(gateway, **{"wall_ns": WALL, **options})
        rigs.append(rig)
        rig.start()
        rig.until_state(FeedState.LIVE)
        return rig

    yield make
    for rig in rigs:
        rig.close()


def charted(rows: np.ndarray) -> np.ndarray:
    return rows[np.isin(rows["instrument_id"], [NQ.instrument_id, ES.instrument_id])]


def expect_tape(rig: Rig, count: int) -> None:
    wanted = charted(TAPE[:count])
    rig.until_trades(len(wanted))
    rig.settle()
    assert sorted(row.tobytes() for row in rig.trades) == sorted(row.tobytes() for row in wanted)


def odd_trade(ts_event: int) -> str:
    row = of(TAPE, NQ)[100:101].copy()
    row["ts_event"], row["sequence"] = ts_event, 4_000_000_000
    return row.tobytes().hex()


@pytest.mark.parametrize("ahead_ns", [90 * SECOND_NS, 2 * HOUR_NS, 23 * HOUR_NS, 3 * DAY_NS, 10 * YEAR])
def test_a_heartbeat_from_the_future_closes_no_bucket_and_loses_no_trade(make_rig, gateway, ahead_ns) -> None:
    rig = make_rig()
    gateway("heartbeat", ts=WALL + ahead_ns)
    gateway("publish", count=100)
    rig.until(lambda: "states the time" in rig.feed.status().message, what="the reason")
    assert rig.feed.status().state is FeedState.RECONNECTING
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE + 100)
    assert rig.feed.status().known_until <= WALL + 10 * SECOND_NS
    assert "1 record with impossible times" in rig.feed.status().message


@pytest.mark.parametrize("ahead_ns", [90 * SECOND_NS, HOUR_NS, 23 * HOUR_NS, 3 * DAY_NS, 10 * YEAR, -3 * DAY_NS, -WALL])
@pytest.mark.parametrize("count", [1, 5])
def test_trades_with_a_wrong_time_never_reach_the_chart_and_hide_no_others(make_rig, gateway, ahead_ns, count) -> None:
    rig = make_rig()
    gateway("raw", hex=odd_trade(WALL + ahead_ns) * count)
    gateway("publish", count=100)
    rig.until(lambda: "states the time" in rig.feed.status().message, what="the reason")
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE + 100)
    assert "with impossible times rejected" in rig.feed.status().message
    assert rig.feed.status().known_until <= WALL + 10 * SECOND_NS


@pytest.mark.parametrize("ahead_ns", [2 * HOUR_NS, 10 * YEAR, -WALL])
def test_a_wrong_time_repeated_by_every_replay_is_finally_skipped(make_rig, gateway, ahead_ns) -> None:
    rig = make_rig()
    odd = odd_trade(WALL + ahead_ns)
    gateway("raw", hex=odd)
    gateway("publish", count=50)
    rig.until_state(FeedState.RECONNECTING)
    rig.until_state(FeedState.LIVE)
    gateway("raw", hex=odd)
    gateway("publish", count=50)
    expect_tape(rig, BEFORE + 100)
    assert rig.feed.status().state is FeedState.LIVE
    assert len(gateway("stats")["connections"]) == 2


def test_a_trade_without_a_time_is_passed_on_once_for_the_engine_to_count(make_rig, gateway) -> None:
    rig = make_rig()
    gateway("raw", hex=odd_trade(-1) * 2)
    rig.until(lambda: rig.count > len(charted(TAPE[:BEFORE])), what="the trade")
    rig.settle()
    assert int((rig.trades["ts_event"] == -1).sum()) == 2
    assert rig.feed.status().known_until > OPEN_NS


@pytest.mark.parametrize("ts", [0, 2**64 - 1, WALL - HOUR_NS, WALL - YEAR, WALL + YEAR])
def test_a_gateway_whose_heartbeats_are_always_wrong_is_trusted_for_its_trades(make_rig, gateway, ts) -> None:
    rig = make_rig()
    for _ in range(STRIKES):
        gateway("heartbeat", ts=ts) if ts else gateway("raw", hex=records.system(0, "Heartbeat", 0).hex())
        rig.until_state(FeedState.RECONNECTING)
        rig.until_state(FeedState.LIVE)
    for _ in range(5):
        gateway("heartbeat", ts=ts) if ts else gateway("raw", hex=records.system(0, "Heartbeat", 0).hex())
    gateway("publish", count=100)
    expect_tape(rig, BEFORE + 100)
    assert rig.feed.status().state is FeedState.LIVE
    assert f"{STRIKES + 5} records with impossible times" in rig.feed.status().message


def start_behind(rig: Rig, gateway: GatewayProcess, behind_ns: int) -> None:
    """Start a feed whose clock is behind, with heartbeats that confirm it."""
    rig.start()
    rig.until_state(FeedState.CATCHING_UP)
    rig.until(lambda: "ahead of this machine's clock" in rig.feed.status().message, what="the records")
    for _ in range(8):
        rig.settle()
        rig.clock.advance(4)
        gateway("heartbeat", ts=rig.clock.wall + behind_ns)
    rig.until_state(FeedState.LIVE)


@pytest.mark.parametrize("behind_s", [120, 3600, 20 * 3600])
def test_a_clock_that_is_behind_is_reported_and_every_trade_arrives(gateway, behind_s) -> None:
    rig = (
        make_rig(wall_ns=WALL - behind_s * SECOND_NS)
        if behind_s < 12
        else Rig(gateway, wall_ns=WALL - behind_s * SECOND_NS)
    )
    try:
        start_behind(rig, gateway, behind_s * SECOND_NS)
        expect_tape(rig, BEFORE)
        told = {
            f"this machine's clock is {in_words(behind_s * SECOND_NS - late_s * SECOND_NS)} behind the gateway's"
            for late_s in range(30)
        }
        assert any(words in rig.feed.status().message for words in told), rig.feed.status().message
        clock = rig.feed.clock()
        assert abs(clock.anchor_event - clock.anchor_wall - behind_s * SECOND_NS) < 30 * SECOND_NS
        gateway("publish", count=100)
        expect_tape(rig, BEFORE + 100)
    finally:
        rig.close()


def test_a_clock_that_is_ahead_is_reported_and_every_trade_arrives(make_rig, gateway) -> None:
    rig = make_rig(wall_ns=WALL + HOUR_NS)
    for step in range(16):
        rig.clock.advance(5)
        gateway("heartbeat", ts=WALL + 5 * (step + 1) * SECOND_NS)
        rig.settle()
    assert "this machine's clock is 1 h ahead of the gateway's" in rig.feed.status().message
    gateway("publish", count=100)
    expect_tape(rig, BEFORE + 100)
    clock = rig.feed.clock()
    assert abs(clock.anchor_event - clock.anchor_wall + HOUR_NS) < 10 * SECOND_NS
    gateway("heartbeat", ts=WALL + 30 * 60 * SECOND_NS)
    gateway("publish", count=100)
    rig.until(lambda: "states the time" in rig.feed.status().message, what="the reason")


def test_a_corrected_clock_is_no_longer_reported(gateway) -> None:
    rig = Rig(gateway, wall_ns=WALL - HOUR_NS)
    try:
        start_behind(rig, gateway, HOUR_NS)
        assert "this machine's clock is" in rig.feed.status().message
        rig.clock.wall += HOUR_NS
        rig.poll()
        assert "clock is" not in rig.feed.status().message
    finally:
        rig.close()


def test_live_only_data_is_not_cut_off_by_a_clock_that_is_ahead(gateway: GatewayProcess) -> None:
    rig = Rig(gateway, wall_ns=WALL + HOUR_NS, start=None)
    try:
        rig.start()
        rig.until_state(FeedState.LIVE)
        gateway("publish", count=50)
        rig.until_trades(len(charted(TAPE[BEFORE : BEFORE + 50])))
    finally:
        rig.close()


def test_a_heartbeat_slightly_ahead_closes_no_bucket_whose_trades_are_still_coming(make_rig, gateway) -> None:
    rig = make_rig()
    gateway("heartbeat", ts=WALL + 50 * SECOND_NS)
    rig.settle()
    assert WALL < rig.feed.status().known_until <= WALL + 6 * SECOND_NS


def test_durations_are_written_in_two_units() -> None:
    seconds = (7, 95, 3600, 5400, 90_000, 86_400 * 800)
    assert [in_words(n * SECOND_NS) for n in seconds] == [
        "7 s",
        "1 min 35 s",
        "1 h",
        "1 h 30 min",
        "1 day 1 h",
        "2 years",
    ]


def test_many_small_steps_do_not_accumulate_into_an_offset() -> None:
    clock = GatewayClock()
    for step in range(100):
        clock.note_live(min(WALL + step * 50 * SECOND_NS, clock.limit(WALL)), WALL)
    assert clock.limit(WALL) == WALL + SLACK_NS


def test_records_held_back_are_bounded() -> None:
    intake = Intake(("NQ.v.0",), is_parent=False, masked_key="****")
    intake.begin(start=OPEN_NS, origin=OPEN_NS, earliest_ns=0, replays=1)
    intake.take([records.mapping(NQ, "NQ.v.0", WALL)], WALL, [])
    rows = np.repeat(of(TAPE, NQ)[:1], 1000)
    rows["ts_event"] = rows["ts_recv"] = WALL + HOUR_NS
    chunks = [row.tobytes() for row in rows]
    taken = 0
    while not intake.is_full:
        assert intake.take(chunks, WALL, [], now_ns=1) is None
        taken += len(chunks)
    assert taken < 1 << 18
    trouble = intake.take([records.system(0, "Heartbeat", WALL)] * 2, WALL, [], now_ns=100 * SECOND_NS)
    assert trouble is None or trouble.fault is Fault.RETRY
