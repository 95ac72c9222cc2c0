"""Every fault of a live connection, with the real client against a gateway that speaks the real protocol.

The oracle is the tape itself: whatever happens, the trades delivered are those of an undisturbed run, each once and in
order. Trades happen before, during and after each fault.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from flow_gl.core.errors import FeedError
from flow_gl.core.items import FeedGap
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live import bounds
from flow_gl.feed.live.supervisor import LiveFeed
from tests.feed.live_rig import FakeCalendar, Rig
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, KEY, NEXT_NQ, NQ, OPEN_NS, make_tape, of
from tests.kit.waiting import until

TAPE = make_tape()
BEFORE = 600


@pytest.fixture(scope="module")
def process() -> Iterator[GatewayProcess]:
    process = GatewayProcess()
    yield process
    process.close()


@pytest.fixture
def gateway(process: GatewayProcess) -> GatewayProcess:
    process("fresh", published=BEFORE)
    return process


@pytest.fixture
def make_rig(gateway: GatewayProcess) -> Iterator[Callable[..., Rig]]:
    rigs = []

    def make(**options) -> Rig:
        rigs.append(Rig(gateway, wall_ns=options.pop("wall_ns", wall_at(BEFORE)), **options))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """Return a live feed that has delivered the session so far."""
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    return rig


def wall_at(published: int) -> int:
    return int(TAPE["ts_event"][published])


def tape(published: int, *contracts) -> np.ndarray:
    """Return what an undisturbed run delivers of the tape so far."""
    return of(TAPE[:published], *(contracts or (NQ, ES)))


def expect_tape(rig: Rig, published: int, *contracts) -> None:
    expected = tape(published, *contracts)
    rig.until_trades(len(expected))
    np.testing.assert_array_equal(rig.trades, expected)


def expect_gap_filled(rig: Rig) -> None:
    """The gap was shown while open, from the last known time, and removed when filled."""
    assert len(rig.gaps) >= 2
    opened, closed = rig.gaps[-2:]
    assert (opened.end, opened.filled) == (0, False)
    assert (closed.start, closed.filled) == (opened.start, True)


def reset(rig: Rig) -> None:
    rig.gateway("reset")


def clean_end(rig: Rig) -> None:
    rig.gateway("end")


def internal_error(rig: Rig) -> None:
    rig.gateway("error", code=6, text="Internal error")


def half_a_record(rig: Rig) -> None:
    rig.gateway("half_record")


def metadata_in_mid_stream(rig: Rig) -> None:
    rig.gateway("metadata")


def zeros(rig: Rig) -> None:
    rig.gateway("raw", hex="00" * 100)


def a_record_never_asked_for(rig: Rig) -> None:
    rig.gateway("raw", hex=(bytes([14, 0x20]) + bytes(54)).hex())


def a_trade_that_cannot_be(rig: Rig) -> None:
    row = TAPE[:1].copy()
    row["side"] = ord("X")
    rig.gateway("raw", hex=row.tobytes().hex())


def a_trade_out_of_time(rig: Rig) -> None:
    row = TAPE[:1].copy()
    row["ts_event"] = 17
    rig.gateway("raw", hex=row.tobytes().hex())


def skipped_records(rig: Rig) -> None:
    rig.gateway("skip", count=50)


def silence(rig: Rig) -> None:
    rig.gateway("mute", on=True)
    rig.clock.advance(14.0)
    rig.poll()
    assert rig.feed.status().state is FeedState.LIVE, "quiet, but within the heartbeat's time"
    rig.clock.advance(2.0)


def sleep_of_an_hour(rig: Rig) -> None:
    rig.gateway("mute", on=True)
    rig.clock.wall += 3600 * SECOND_NS


def restart(rig: Rig) -> None:
    rig.gateway.kill()
    rig.until_state(FeedState.RECONNECTING, skipping=False)
    rig.gateway.revive(published=BEFORE + 300)


FAULTS = [
    reset,
    clean_end,
    internal_error,
    half_a_record,
    metadata_in_mid_stream,
    zeros,
    a_record_never_asked_for,
    a_trade_that_cannot_be,
    a_trade_out_of_time,
    skipped_records,
    silence,
    sleep_of_an_hour,
    restart,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_after_a_fault_every_trade_is_there_once_and_the_gap_is_closed(rig: Rig, fault) -> None:
    gateway = rig.gateway
    gateway("publish", count=300)
    expect_tape(rig, BEFORE + 300)

    fault(rig)
    gateway("publish", count=200)  # the market continues
    rig.until(lambda: FeedState.RECONNECTING in rig.states or len(rig.gaps) > 0, what="a loss that is noticed")
    gateway("mute", on=False)
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=100)

    expect_tape(rig, gateway("stats")["published"])
    expect_gap_filled(rig)
    assert rig.messages, "the user is told what happened"
    left = "1 record with impossible times rejected" if fault is a_trade_out_of_time else ""
    assert rig.feed.status().message == left, "and it is over"
    assert rig.feed.status().attempt == 0
    assert rig.feed.status().reconnects >= 1, "and it is counted"


def test_a_record_lost_inside_the_client_is_noticed_and_requested_again(
    make_rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig()
    fails = iter([True])

    class FailingOnce(deque):  # type: ignore[type-arg]
        def append(self, chunk: bytes) -> None:
            if is_streaming and next(fails, False):
                raise MemoryError("no room")
            super().append(chunk)

    is_streaming = False
    monkeypatch.setattr(bounds, "deque", FailingOnce)
    rig.start()
    rig.until_state(FeedState.LIVE)
    is_streaming = True
    rig.gateway("publish", count=100)
    rig.until(lambda: bool(rig.gaps), what="the loss that is noticed")
    expect_tape(rig, BEFORE + 100)
    rig.until_state(FeedState.LIVE)
    expect_gap_filled(rig)
    assert rig.feed.faults == 1
    assert "lost inside the client" in rig.feed.status().message


def test_random_garbage_never_becomes_a_trade_and_loses_none(rig: Rig) -> None:
    rng = random.Random(7)
    for _ in range(12):
        rig.gateway("raw", hex=rng.randbytes(rng.randrange(1, 400)).hex())
        rig.gateway("publish", count=60)
        rig.until(lambda: rig.count >= len(tape(rig.gateway("stats")["published"])), what="what came after it")
    expect_tape(rig, BEFORE + 720)


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_record_split_by_the_network_is_reassembled(make_rig, gateway: GatewayProcess, compression) -> None:
    rig = make_rig(compression=compression)
    rig.start()
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=41, in_two=True)
    expect_tape(rig, BEFORE + 41)
    gateway("reset")
    gateway("publish", count=41)
    expect_tape(rig, BEFORE + 82)
    assert gateway("stats")["connections"][0]["options"]["compression"] == compression


def test_the_session_so_far_is_replayed_and_continues_live_without_a_break(make_rig, gateway: GatewayProcess) -> None:
    rig = make_rig()
    rig.start()
    assert rig.feed.status().state is FeedState.CONNECTING
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=500)
    expect_tape(rig, BEFORE + 500)
    trades_request = gateway("stats")["connections"][0]["subscriptions"][-1]
    assert trades_request["start"] == str(OPEN_NS)
    assert trades_request["symbols"] == "NQ.v.0,ES.v.0"
    assert [(each.symbol, each.requested) for each in rig.mappings] == [("NQZ5", "NQ.v.0"), ("ESZ5", "ES.v.0")]
    assert {each.symbol: (each.tick_size, each.point_value, each.is_outright) for each in rig.definitions} == {
        "NQZ5": (250_000_000, 20.0, True),
        "ESZ5": (250_000_000, 50.0, True),
    }
    assert rig.gaps == []
    assert rig.feed.status().reconnects == 0


def test_catching_up_shows_its_progress(make_rig, gateway: GatewayProcess) -> None:
    gateway("plan", plan={"never_done": True})
    rig = make_rig()
    rig.start()
    rig.until_trades(len(tape(BEFORE)))
    status = rig.feed.status()
    assert status.state is FeedState.CATCHING_UP
    assert status.progress == pytest.approx(1.0, abs=0.01)
    for _ in range(4):  # current trades for six seconds: it has caught up, although the gateway never says so
        rig.clock.advance(2.0)
        gateway("publish", count=70)
        rig.settle()
    rig.until_state(FeedState.LIVE)
    assert len(gateway("stats")["connections"]) == 1


def test_an_interrupted_replay_continues_where_it_stopped(make_rig, gateway: GatewayProcess) -> None:
    gateway("publish", count=1400)
    for count in (900, 700, 500):
        gateway("plan", plan={"replay_only": count})
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE + 1400)
    starts = [int(each["subscriptions"][-1]["start"]) for each in gateway("stats")["connections"]]
    assert starts == sorted(starts)
    assert starts[0] == OPEN_NS < starts[-1]
    assert rig.gaps[-1].filled
    assert [gap for gap in rig.gaps if gap.end and not gap.filled] == [], "what came before it broke off is not missing"


def test_the_next_connection_requests_from_shortly_before_the_last_trade(rig: Rig) -> None:
    rig.gateway("reset")
    rig.until(lambda: rig.gateway("stats")["streaming"] == 1 and bool(rig.gaps), what="the next connection")
    rig.until_state(FeedState.LIVE)
    start = int(rig.gateway("stats")["connections"][1]["subscriptions"][-1]["start"])
    last = min(int(of(TAPE[:BEFORE], contract)["ts_event"][-1]) for contract in (NQ, ES))
    assert last - 5 * SECOND_NS == start


def test_pauses_between_tries_grow_from_one_to_thirty_seconds(rig: Rig) -> None:
    rig.gateway("listen", on=False)
    rig.gateway("reset")
    pauses = []
    for attempt in range(1, 9):
        rig.until(
            lambda attempt=attempt: rig.feed.status().attempt == attempt and rig.feed.status().retry_at > 0,
            what=f"pause {attempt}",
            skipping=False,
        )
        status = rig.feed.status()
        assert status.state is FeedState.RECONNECTING
        pauses.append(round((status.retry_at - rig.clock.wall) / SECOND_NS, 3))
        rig.clock.advance(pauses[-1] + 0.001)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert "refused" in rig.messages[-1]
    rig.gateway("listen", on=True)
    rig.gateway("publish", count=100)
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE + 100)
    expect_gap_filled(rig)


def test_retry_ends_a_pause(rig: Rig) -> None:
    rig.gateway("listen", on=False)
    rig.gateway("reset")
    rig.until_state(FeedState.RECONNECTING, skipping=False)
    rig.gateway("listen", on=True)
    rig.feed.retry()
    rig.until_state(FeedState.LIVE, skipping=False)


@pytest.mark.parametrize("plan", ["hang_up", "babble"])
def test_a_gateway_that_breaks_off_the_greeting_is_retried(make_rig, gateway: GatewayProcess, plan) -> None:
    gateway("plan", plan={plan: True})
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE)
    assert "no connection to the gateway" in rig.messages[0]


@pytest.mark.parametrize("plan", ["mute", "silent"])
def test_a_connection_on_which_nothing_arrives_is_given_up(make_rig, gateway: GatewayProcess, plan) -> None:
    gateway("plan", plan={plan: True})
    rig = make_rig()
    rig.start()
    rig.until(lambda: len(gateway("stats")["connections"]) == 1, what="the first try")
    if plan == "silent":
        rig.until_state(FeedState.CATCHING_UP)
    rig.clock.advance(16.0)
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE)
    assert "silent for 16 s" in rig.messages[0] if plan == "silent" else "did not answer" in rig.messages[0]


def test_an_unresolvable_host_name_is_reported_and_retried(make_rig) -> None:
    rig = make_rig(gateway="gateway.invalid")
    rig.start()
    rig.until(lambda: rig.feed.status().attempt == 2, what="two tries")
    assert "gateway.invalid" in rig.messages[0]
    assert "cannot resolve" in rig.messages[0]


def test_a_refused_key_is_reported_once_and_waits_for_the_user(make_rig, gateway: GatewayProcess) -> None:
    wrong = "db-" + "z" * 24 + "wrong"
    rig = make_rig(api_key=wrong)
    rig.start()
    rig.until_state(FeedState.FAILED)
    assert rig.messages == [
        "the gateway refused the key ****wrong: Authentication failed. Start again with a valid DATABENTO_API_KEY"
    ]
    rig.clock.advance(600.0)
    for _ in range(20):
        rig.poll()
    assert len(gateway("stats")["connections"]) == 1, "no second try by itself"
    rig.feed.retry()
    rig.until(lambda: len(gateway("stats")["connections"]) == 2, what="the try that was asked for")
    rig.until_state(FeedState.FAILED)


def test_a_key_deactivated_during_the_session_leaves_the_gap_open(rig: Rig) -> None:
    rig.gateway("error", code=2, text="API key deactivated")
    rig.until_state(FeedState.FAILED)
    assert "****ABCDE" in rig.messages[-1]
    assert rig.gaps == [FeedGap(rig.feed.status().known_until)]
    rig.gateway("publish", count=50)
    rig.feed.retry()
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE + 50)
    expect_gap_filled(rig)


def test_the_connection_limit_fails_at_the_start_but_may_pass_after_a_loss(make_rig, gateway: GatewayProcess) -> None:
    text = "User has reached their open connection limit"
    gateway("plan", plan={"refuse": text})
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.FAILED)
    assert text in rig.messages[0]
    rig.feed.retry()
    rig.until_state(FeedState.LIVE)

    for _ in range(2):  # our own dead connection still counts for a while
        gateway("plan", plan={"refuse": text})
    gateway("reset")
    gateway("publish", count=30)
    rig.until_state(FeedState.RECONNECTING, skipping=False)
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE + 30)

    for _ in range(4):
        gateway("plan", plan={"error": [3, text]})
    gateway("reset")
    rig.until_state(FeedState.FAILED)


def test_an_unknown_symbol_is_named_and_the_others_continue(make_rig, gateway: GatewayProcess) -> None:
    rig = make_rig(symbols=("NQ.v.0", "XX.v.0", "ES.v.0"))
    rig.start()
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE)
    assert rig.feed.status().message == "symbol not found: XX.v.0"
    gateway("reset")
    gateway("publish", count=30)
    expect_tape(rig, BEFORE + 30)
    rig.until_state(FeedState.LIVE)
    assert int(gateway("stats")["connections"][1]["subscriptions"][-1]["start"]) > OPEN_NS


def test_replay_that_has_aged_out_is_marked_as_a_permanent_gap(rig: Rig) -> None:
    gateway = rig.gateway
    gateway("publish", count=100)
    expect_tape(rig, BEFORE + 100)
    gateway("reset")
    rig.until_state(FeedState.RECONNECTING, skipping=False)
    gateway("publish", count=1000)
    gateway("forget", before=BEFORE + 700)
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=50)
    expected = np.concatenate([tape(BEFORE + 100), of(TAPE[BEFORE + 700 : BEFORE + 1150], NQ, ES)])
    rig.until_trades(len(expected))
    np.testing.assert_array_equal(rig.trades, expected)
    opened, remains = rig.gaps
    first_kept = int(of(TAPE[BEFORE + 700 :], NQ, ES)["ts_event"][0])
    assert (remains.start, remains.end, remains.filled) == (opened.start, first_kept, False)
    assert "marked as a gap" in rig.feed.status().message
    assert rig.feed.status().known_from == first_kept


def test_a_session_older_than_the_gateways_data_begins_with_a_gap(make_rig, gateway: GatewayProcess) -> None:
    gateway("forget", before=200)
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    expected = of(TAPE[200:BEFORE], NQ, ES)
    rig.until_trades(len(expected))
    np.testing.assert_array_equal(rig.trades, expected)
    assert rig.gaps == [FeedGap(OPEN_NS, int(expected["ts_event"][0]))]
    assert rig.feed.status().known_from == int(expected["ts_event"][0])


def test_data_requested_from_the_open_are_known_from_there_before_the_first_trade_and_after_a_loss(
    make_rig, gateway: GatewayProcess
) -> None:
    gateway("fresh", published=0)
    rig = make_rig(wall_ns=OPEN_NS + 600 * SECOND_NS)
    rig.start()
    assert rig.feed.status().known_from == OPEN_NS
    rig.until_state(FeedState.LIVE)
    assert (rig.count, rig.feed.status().known_from) == (0, OPEN_NS)
    gateway("reset")
    gateway("publish", count=100)
    rig.until_trades(len(tape(100)))
    assert rig.feed.status().known_from == OPEN_NS


def test_data_more_than_a_day_old_are_not_requested_but_marked(make_rig, gateway: GatewayProcess) -> None:
    rig = make_rig(
        start=OPEN_NS - 30 * 86_400 * SECOND_NS, calendar=FakeCalendar(OPEN_NS - 90 * 86_400 * SECOND_NS, OPEN_NS)
    )
    rig.start()
    rig.until_state(FeedState.LIVE)
    asked = int(gateway("stats")["connections"][0]["subscriptions"][-1]["start"])
    assert asked == rig.clock.wall - 86_340 * SECOND_NS


def test_trades_arrive_even_if_definitions_are_unavailable(make_rig, gateway: GatewayProcess) -> None:
    gateway("plan", plan={"error": [5, "Not entitled to schema definition"]})
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    expect_tape(rig, BEFORE)
    assert rig.definitions == []
    assert [each["schema"] for each in gateway("stats")["connections"][1]["subscriptions"]] == ["trades"]


def test_a_slow_reader_warning_is_shown_and_loses_nothing(rig: Rig) -> None:
    rig.gateway("system", code=2, text="Session is behind real time")
    rig.gateway("publish", count=100)
    expect_tape(rig, BEFORE + 100)
    assert "too slowly" in rig.feed.status().message
    assert rig.feed.status().state is FeedState.LIVE
    for step in range(1, 8):
        rig.clock.advance(9)
        rig.gateway("publish", count=300)
        expect_tape(rig, BEFORE + 100 + 300 * step)
    assert rig.feed.status().message == "", "a minute later it is over"
    assert rig.gaps == []


def test_trades_wait_for_the_mapping_of_their_instrument(make_rig, gateway: GatewayProcess) -> None:
    gateway("plan", plan={"late_mapping": True, "no_definitions": True})  # nothing else names the instruments
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    rig.until_trades(len(tape(BEFORE)))
    for contract in (NQ, ES):
        np.testing.assert_array_equal(of(rig.trades, contract), tape(BEFORE, contract))
    first_trades = next(index for index, item in enumerate(rig.items) if hasattr(item, "rows"))
    assert rig.items.index(rig.mappings[0]) < first_trades


def test_a_mapping_that_changes_mid_stream_gives_the_new_contracts_whole_session(rig: Rig) -> None:
    gateway = rig.gateway
    gateway("publish", count=100)
    expect_tape(rig, BEFORE + 100)
    gateway("rename", requested="NQ.v.0", symbol="NQH6")
    gateway("publish", count=200)
    rig.until(lambda: rig.mappings[-1].symbol == "NQH6", what="the new contract")
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=100)
    rig.until(lambda: len(of(rig.trades, NEXT_NQ)) == len(tape(BEFORE + 400, NEXT_NQ)), what="its trades")
    np.testing.assert_array_equal(of(rig.trades, NEXT_NQ), tape(BEFORE + 400, NEXT_NQ))
    np.testing.assert_array_equal(of(rig.trades, ES), tape(BEFORE + 400, ES))
    np.testing.assert_array_equal(of(rig.trades, NQ), tape(BEFORE + 100, NQ))


def test_a_reconnection_that_finds_another_contract_gives_its_whole_session(rig: Rig) -> None:
    gateway = rig.gateway
    gateway("remap", requested="NQ.v.0", symbol="NQH6")
    gateway("reset")
    gateway("publish", count=200)
    rig.until(lambda: rig.mappings[-1].symbol == "NQH6", what="the new contract")
    rig.until(lambda: len(of(rig.trades, NEXT_NQ)) == len(tape(BEFORE + 200, NEXT_NQ)), what="its trades")
    np.testing.assert_array_equal(of(rig.trades, NEXT_NQ), tape(BEFORE + 200, NEXT_NQ))
    np.testing.assert_array_equal(of(rig.trades, ES), tape(BEFORE + 200, ES))


@pytest.mark.parametrize("is_refused", [False, True], ids=["beside", "instead"])
def test_at_a_sessions_open_symbols_are_requested_again_without_a_break(make_rig, gateway, is_refused) -> None:
    second_open = wall_at(BEFORE) + 10 * SECOND_NS
    rig = make_rig(calendar=FakeCalendar(OPEN_NS, second_open))
    rig.start()
    rig.until_state(FeedState.LIVE)
    gateway("remap", requested="NQ.v.0", symbol="NQH6")
    if is_refused:
        for _ in range(3):
            gateway("plan", plan={"refuse": "User has reached their open connection limit"})
    rig.states.clear()
    gateway("publish", count=300)
    for _ in range(80):
        rig.clock.advance(2.0)
        gateway("heartbeat")
        rig.settle()
        if rig.mappings[-1].symbol == "NQH6":
            break
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=100)
    of_new_session = of(TAPE[: BEFORE + 400], NEXT_NQ)
    of_new_session = of_new_session[of_new_session["ts_event"] >= second_open]
    rig.until(lambda: len(of(rig.trades, NEXT_NQ)) == len(of_new_session), what="the new contract's session")
    np.testing.assert_array_equal(of(rig.trades, NEXT_NQ), of_new_session)
    np.testing.assert_array_equal(of(rig.trades, ES), tape(BEFORE + 400, ES))
    assert (FeedState.RECONNECTING in rig.states) == is_refused, rig.messages
    assert gateway("stats")["streaming"] == 1


def test_live_only_requests_no_replay_until_something_was_lost(make_rig, gateway: GatewayProcess) -> None:
    rig = make_rig(start=None)
    rig.start()
    rig.until_state(FeedState.LIVE)
    gateway("publish", count=100)
    rig.until_trades(len(of(TAPE[BEFORE : BEFORE + 100], NQ, ES)))
    gateway("reset")
    gateway("publish", count=100)
    expected = tape(BEFORE + 200)
    expected = expected[expected["ts_event"] >= wall_at(BEFORE)]
    rig.until_trades(len(expected))
    np.testing.assert_array_equal(np.sort(rig.trades), np.sort(expected))
    first, second = gateway("stats")["connections"]
    assert "start" not in first["subscriptions"][-1]
    assert "start" in second["subscriptions"][-1]


def test_known_until_never_passes_a_trade_still_to_come(rig: Rig) -> None:
    """The clock closes buckets only up to `known_until`: a stall must not make trades late."""
    gateway = rig.gateway
    gateway("heartbeat")
    rig.until(lambda: rig.feed.status().known_until > wall_at(BEFORE - 1), what="the heartbeat's time")
    gateway("mute", on=True)
    gateway("publish", count=400)
    rig.clock.advance(16.0)
    rig.until_state(FeedState.RECONNECTING, skipping=False)
    gateway("mute", on=False)
    before = len(rig.items)
    known = rig.feed.status().known_until
    expect_tape(rig, BEFORE + 400)
    late = [item.rows["ts_event"].min() for item in rig.items[before:] if hasattr(item, "rows")]
    assert min(late) > known - 2_000_000


def test_the_key_is_in_no_log_and_no_message(make_rig, gateway: GatewayProcess, caplog) -> None:
    caplog.set_level("DEBUG")
    rig = make_rig()
    rig.start()
    rig.until_state(FeedState.LIVE)
    gateway("reset")
    rig.until_state(FeedState.RECONNECTING, skipping=False)
    rig.until_state(FeedState.LIVE)
    assert KEY not in caplog.text
    gateway("error", code=1, text=f"Authentication failed for {KEY}")
    rig.until_state(FeedState.FAILED)
    rig.close()
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("flow_gl"))
    assert KEY not in ours + " ".join(rig.messages) + repr(rig.feed) + repr(rig.feed.status())


@pytest.mark.parametrize("key", [None, "", "  ", "two words", "caf\u00e9"])
def test_a_missing_or_impossible_key_is_one_clear_line(key) -> None:
    with pytest.raises(FeedError, match="Databento API key") as caught:
        LiveFeed(LiveSpec(), api_key=key)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_closed_feed_leaves_nothing_behind(rig: Rig, gateway: GatewayProcess) -> None:
    import threading

    rig.close()
    rig.close()
    assert rig.feed.is_ended()
    assert rig.feed.poll(rig.clock.wall) == []

    def left() -> list[str]:
        names = [thread.name for thread in threading.enumerate()]
        return [name for name in names if name.startswith(("flow_gl", "databento"))]

    until(lambda: not left(), lambda: f"threads are left: {left()}")
    rig.gateway("publish", count=1)
    until(lambda: gateway("stats")["streaming"] == 0, "the connection is left")
