"""A symbol is added to a running live feed: its whole session comes, and the others do not notice."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.errors import UsageError
from flow_gl.core.items import Mapping, Trades
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from tests.feed.live_rig import Rig
from tests.feed.test_live_numbers import LEVELS, TAPE, Engine, one_fault, unbroken
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, OPEN_NS, Contract, of

PUBLISHED = 1500


@pytest.fixture
def rig(gateway: GatewayProcess) -> Iterator[Rig]:
    """Run a live feed of NQ alone."""
    rig = Rig(gateway, wall_ns=int(TAPE["ts_event"][PUBLISHED - 1]) + SECOND_NS, symbols=("NQ.v.0",))
    rig.start()
    rig.until_state(FeedState.LIVE)
    rig.until_trades(len(of(TAPE[:PUBLISHED], NQ)))
    yield rig
    rig.close()


def received(rig: Rig, contract: Contract) -> bytes:
    return of(rig.trades, contract).tobytes()


def is_whole(rig: Rig, *contracts: Contract, published: int = PUBLISHED) -> bool:
    return all(received(rig, contract) == of(TAPE[:published], contract).tobytes() for contract in contracts)


def is_on_one_connection(rig: Rig) -> bool:
    """Return whether one connection delivers both symbols, and no instrument has a span of its own."""
    if rig.feed.status().known_spans:
        return False
    stats = rig.gateway("stats")
    last = stats["connections"][-1]["subscriptions"]
    return stats["streaming"] == 1 and bool(last) and last[-1]["symbols"] == "NQ.v.0,ES.v.0"


def until_on_one_connection(rig: Rig) -> None:
    """Wait until both come on one connection, and let the pauses of the added symbol's own connection pass."""

    def is_done() -> bool:
        rig.pass_time(0.01)
        return is_on_one_connection(rig)

    rig.until(is_done, what="one connection for both")


def add(rig: Rig, symbol: str = "ES.v.0") -> None:
    rig.feed.add(symbol)


def test_the_session_of_an_added_symbol_arrives_complete_and_the_others_continue(
    rig: Rig, gateway: GatewayProcess
) -> None:
    states = len(rig.states)
    add(rig)
    gateway("publish", count=40)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    gateway("publish", count=60)
    rig.until(lambda: is_whole(rig, NQ, ES, published=PUBLISHED + 100), what="all trades of both")
    assert len(rig.states) == states, "live all the time"
    assert rig.gaps == []
    assert [(one.symbol, one.requested) for one in rig.mappings] == [("NQZ5", "NQ.v.0"), ("ESZ5", "ES.v.0")]
    names = [at for at, item in enumerate(rig.items) if isinstance(item, Mapping)]
    first = next(
        at
        for at, item in enumerate(rig.items)
        if isinstance(item, Trades) and (item.rows["instrument_id"] == ES.instrument_id).any()
    )
    assert first > names[-1], "its name comes before its first trade"
    asked = [connection["subscriptions"][-1] for connection in gateway("stats")["connections"]]
    assert [one["symbols"] for one in asked] == ["NQ.v.0", "ES.v.0", "NQ.v.0,ES.v.0"]
    assert int(asked[1]["start"]) == OPEN_NS
    newest = int(of(TAPE[:PUBLISHED], ES)["ts_event"].max())
    assert int(asked[2]["start"]) > newest - 10 * SECOND_NS, "the session is not asked for twice"


def test_its_known_span_is_reported_until_it_arrives_with_the_others(rig: Rig, gateway: GatewayProcess) -> None:
    gateway("plan", plan={"never_done": True})
    add(rig)
    rig.until(lambda: is_whole(rig, ES), what="the replay of ES")
    status = rig.feed.status()
    span = status.known_spans[ES.instrument_id]
    assert span.known_from == OPEN_NS
    assert span.known_until == int(of(TAPE[:PUBLISHED], ES)["ts_event"].max())
    assert NQ.instrument_id not in status.known_spans
    assert "ES.v.0: reading the session" in status.message
    gateway("heartbeat")
    gateway("heartbeat")
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    assert "ES.v.0" not in rig.feed.status().message


@pytest.mark.parametrize("replayed", [0, 1, 250])
def test_its_connection_breaks_while_its_session_is_replayed(rig: Rig, gateway: GatewayProcess, replayed: int) -> None:
    gateway("plan", plan={"replay_only": replayed})
    add(rig)
    gateway("publish", count=50)
    until_on_one_connection(rig)
    assert is_whole(rig, NQ, ES, published=PUBLISHED + 50)
    assert all(gap.instrument_id == ES.instrument_id for gap in rig.gaps), "the others have no gap"
    assert FeedState.RECONNECTING not in rig.states


def test_all_connections_break_while_its_session_is_replayed(rig: Rig, gateway: GatewayProcess) -> None:
    gateway("plan", plan={"never_done": True})
    add(rig)
    rig.until(lambda: len(received(rig, ES)) > 0, what="trades of ES")
    gateway("reset")
    gateway("publish", count=200)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    rig.until(lambda: is_whole(rig, NQ, ES, published=PUBLISHED + 200), what="all trades of both")


def test_after_a_reconnection_it_is_requested_with_the_others(rig: Rig, gateway: GatewayProcess) -> None:
    add(rig)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    gateway("reset")
    gateway("publish", count=300)
    rig.until(lambda: is_whole(rig, NQ, ES, published=PUBLISHED + 300), what="all trades of both")
    rig.until_state(FeedState.LIVE)
    last = gateway("stats")["connections"][-1]["subscriptions"][-1]
    assert last["symbols"] == "NQ.v.0,ES.v.0"
    assert int(last["start"]) > OPEN_NS + 10 * SECOND_NS, "from where both are known"


def test_the_running_connection_breaks_while_the_added_one_is_live(rig: Rig, gateway: GatewayProcess) -> None:
    for _ in range(3):
        gateway("plan", plan={"refuse": "too many connections"} if _ else {})
    add(rig)
    rig.until(lambda: is_whole(rig, ES), what="the session of ES")
    gateway("reset")
    gateway("publish", count=100)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    rig.until(lambda: is_whole(rig, NQ, ES, published=PUBLISHED + 100), what="all trades of both")


def test_a_symbol_that_the_gateway_does_not_know_is_refused_in_one_line(rig: Rig, gateway: GatewayProcess) -> None:
    states = len(rig.states)
    add(rig, "CL.v.0")
    refused: list[tuple[str, str]] = []
    rig.until(lambda: refused.extend(rig.feed.refusals()) or bool(refused), what="the refusal")  # type: ignore[func-returns-value]
    ((symbol, why),) = refused
    assert symbol == "CL.v.0"
    assert why.startswith("the gateway does not know it (")
    assert "\n" not in why
    gateway("publish", count=50)
    rig.until(lambda: is_whole(rig, NQ, published=PUBLISHED + 50), what="the trades of NQ")
    assert len(rig.states) == states
    assert rig.feed.status().not_found == ()
    assert rig.feed.status().message == ""
    add(rig)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    assert is_whole(rig, NQ, ES, published=PUBLISHED + 50)


def test_of_several_symbols_only_the_unknown_one_is_refused(rig: Rig) -> None:
    add(rig, "CL.v.0")
    add(rig)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    assert is_whole(rig, NQ, ES)
    assert [symbol for symbol, _ in rig.feed.refusals()] == ["CL.v.0"]


def test_another_name_of_a_charted_contract_is_refused_and_no_trade_is_doubled(
    rig: Rig, gateway: GatewayProcess
) -> None:
    gateway("remap", requested="NQ.c.0", symbol="NQZ5")
    add(rig, "NQ.c.0")
    refused: list[tuple[str, str]] = []
    rig.until(lambda: refused.extend(rig.feed.refusals()) or bool(refused), what="the refusal")  # type: ignore[func-returns-value]
    assert refused == [("NQ.c.0", "it is NQZ5, which already has a chart under another name")]
    gateway("publish", count=50)
    rig.until(lambda: is_whole(rig, NQ, published=PUBLISHED + 50), what="the trades of NQ")
    assert len(rig.mappings) == 1


def test_a_symbol_that_rolls_to_the_contract_that_is_being_added_waits_for_it_and_no_trade_comes_twice(
    rig: Rig, gateway: GatewayProcess
) -> None:
    gateway("plan", plan={"never_done": True})
    add(rig)
    rig.until(lambda: len(received(rig, ES)) > 0, what="trades of ES")
    gateway("remap", requested="NQ.v.0", symbol="ESZ5")
    for _ in range(2):
        gateway("plan", plan={"never_done": True})
    gateway("reset")
    gateway("publish", count=100)

    def is_said() -> bool:
        rig.pass_time(0.01)
        return any("NQ.v.0 is ESZ5 now, which is just being added" in message for message in rig.messages)

    rig.until(is_said, what="the contract that is being added")

    def is_done() -> bool:
        gateway("heartbeat")
        rig.pass_time(0.01)
        return is_on_one_connection(rig)

    rig.until(is_done, what="one connection for both")
    rig.until_state(FeedState.LIVE)
    assert is_whole(rig, ES, published=PUBLISHED + 100)
    gateway("publish", count=50)
    rig.until(lambda: is_whole(rig, ES, published=PUBLISHED + 150), what="the trades of ES, once")
    assert (rig.mappings[-1].requested, rig.mappings[-1].symbol) == ("NQ.v.0", "ESZ5")


def test_a_gateway_without_room_for_another_connection_is_reported_and_the_feed_continues(
    rig: Rig, gateway: GatewayProcess
) -> None:
    gateway("plan", plan={"refuse": "Connection limit exceeded"})
    add(rig)
    refused: list[tuple[str, str]] = []
    rig.until(lambda: refused.extend(rig.feed.refusals()) or bool(refused), what="the refusal")  # type: ignore[func-returns-value]
    assert "too many connections with this account" in refused[0][1]
    gateway("publish", count=50)
    rig.until(lambda: is_whole(rig, NQ, published=PUBLISHED + 50), what="the trades of NQ")


def test_a_symbol_is_not_added_twice_nor_to_parents(rig: Rig, gateway: GatewayProcess) -> None:
    add(rig, "NQ.v.0")
    add(rig)
    add(rig)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    assert len(gateway("stats")["connections"]) == 3
    parents = Rig(gateway, wall_ns=rig.clock.wall, symbols=("NQ.FUT",), stype_in="parent")
    with pytest.raises(UsageError, match="parent symbols"):
        add(parents, "ES.FUT")
    parents.close()


@pytest.mark.parametrize("seed", list(range(6)))
def test_through_faults_every_number_equals_a_run_that_had_both_from_the_start(
    gateway: GatewayProcess, seed: int
) -> None:
    rng = random.Random(seed)
    rig = Rig(gateway, wall_ns=int(TAPE["ts_event"][PUBLISHED - 1]) + SECOND_NS, symbols=("NQ.v.0",))
    engine = Engine(rig)
    rig.start()
    rig.until_state(FeedState.LIVE)
    for step in range(24):
        if step == 2:
            if rng.random() < 0.5:
                gateway("plan", plan={"replay_only": rng.randrange(1, 300)})
            add(rig)
        gateway("publish", count=rng.randrange(1, 60))
        newest = int(TAPE["ts_event"][gateway("stats")["published"] - 1])
        rig.clock.advance(max(newest + SECOND_NS // 2 - rig.clock.wall, 0) / SECOND_NS)
        if rng.random() < 0.5:
            gateway("heartbeat")
        for _ in range(rng.randrange(3)):
            rig.poll()
        if step > 2 and rng.random() < 0.3:
            one_fault(rng, rig, among=5)
    until_on_one_connection(rig)
    published = gateway("stats")["published"]
    rig.until_trades(len(of(TAPE[:published], NQ, ES)))
    rig.until_state(FeedState.LIVE)
    engine.numbers.pipeline.finish()
    rig.close()
    assert is_whole(rig, NQ, ES, published=published)
    expected = unbroken(published)
    for contract in (NQ, ES):
        got, want = engine.numbers.sinks[contract.instrument_id], expected.sinks[contract.instrument_id]
        for level in range(LEVELS):
            np.testing.assert_array_equal(got.bubble_rows(level), want.bubble_rows(level))
            np.testing.assert_array_equal(got.cvd_rows(level), want.cvd_rows(level))
        np.testing.assert_array_equal(got.event_rows(), want.event_rows())
        for name in ("session", "profile"):
            np.testing.assert_array_equal(got.tables[name], want.tables[name])
        assert got.tables["session"]["late"] == 0
        gaps = got.tables["gaps"]
        assert not [kind for kind in gaps["gap"]["kind"][0][: gaps["count"][0]] if kind == 1], "all were filled"
