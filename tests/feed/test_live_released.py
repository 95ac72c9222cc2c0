"""A symbol whose chart was released is added again: its session comes again, and each trade is recorded once."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.items import Trades
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from tests.feed.live_rig import Rig
from tests.feed.test_live_numbers import TAPE, one_fault
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, OPEN_NS, Contract, of

PUBLISHED = 1500


@pytest.fixture
def rig(gateway: GatewayProcess) -> Iterator[Rig]:
    """Run a live feed of both symbols; the chart of ES is released."""
    rig = Rig(gateway, wall_ns=int(TAPE["ts_event"][PUBLISHED - 1]) + SECOND_NS, symbols=("NQ.v.0", "ES.v.0"))
    rig.start()
    rig.until_state(FeedState.LIVE)
    rig.until_trades(len(of(TAPE[:PUBLISHED], NQ, ES)))
    rig.feed.release("ES.v.0")
    yield rig
    rig.close()


def recorded(rig: Rig, contract: Contract) -> np.ndarray:
    """Return the trades that a recorder is given, in order."""
    rows = [item.rows for item in rig.items if isinstance(item, Trades) and not item.is_repeated]
    return of(np.concatenate(rows), contract)


def charted_again(rig: Rig, since: int) -> np.ndarray:
    """Return the trades of ES that followed its name after so many items."""
    items = rig.items[since:]
    names = [at for at, item in enumerate(items) if getattr(item, "requested", "") == "ES.v.0"]
    if not names:
        return TAPE[:0]
    rows = [item.rows for item in items[names[0] :] if isinstance(item, Trades)]
    return of(np.concatenate([TAPE[:0], *rows]), ES)


def is_whole(rig: Rig, since: int, published: int) -> bool:
    return charted_again(rig, since).tobytes() == of(TAPE[:published], ES).tobytes()


def is_on_one_connection(rig: Rig) -> bool:
    rig.pass_time(0.01)
    stats = rig.gateway("stats")
    asked = stats["connections"][-1]["subscriptions"]
    both = stats["streaming"] == 1 and bool(asked) and asked[-1]["symbols"] == "NQ.v.0,ES.v.0"
    return both and not rig.feed.status().known_spans


def check_recording(rig: Rig, published: int) -> None:
    for contract in (NQ, ES):
        assert recorded(rig, contract).tobytes() == of(TAPE[:published], contract).tobytes()


def test_a_released_symbol_is_still_received_for_the_recording(rig: Rig, gateway: GatewayProcess) -> None:
    gateway("publish", count=100)
    rig.until_trades(len(of(TAPE[: PUBLISHED + 100], NQ, ES)))
    check_recording(rig, PUBLISHED + 100)
    assert len(gateway("stats")["connections"]) == 1


def test_added_again_its_whole_session_comes_and_each_trade_is_recorded_once(rig: Rig, gateway: GatewayProcess) -> None:
    gateway("publish", count=100)
    rig.until_trades(len(of(TAPE[: PUBLISHED + 100], NQ, ES)))
    states, since = len(rig.states), len(rig.items)
    rig.feed.add("ES.v.0")
    gateway("publish", count=40)
    rig.until(lambda: is_whole(rig, since, PUBLISHED + 140), what="the session of ES")
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    gateway("publish", count=60)
    rig.until(lambda: is_whole(rig, since, PUBLISHED + 200), what="the session of ES")
    rig.until(lambda: len(recorded(rig, NQ)) == len(of(TAPE[: PUBLISHED + 200], NQ)), what="the trades of NQ")
    check_recording(rig, PUBLISHED + 200)
    assert len(rig.states) == states, "live all the time"
    assert rig.gaps == []
    asked = [connection["subscriptions"][-1] for connection in gateway("stats")["connections"]]
    assert [one["symbols"] for one in asked] == ["NQ.v.0,ES.v.0", "ES.v.0", "NQ.v.0,ES.v.0"]
    assert int(asked[1]["start"]) == OPEN_NS
    assert int(asked[2]["start"]) > OPEN_NS + 10 * SECOND_NS, "the session of NQ is not asked for twice"


def test_it_can_be_released_and_added_again_as_often_as_one_likes(rig: Rig, gateway: GatewayProcess) -> None:
    for time in range(1, 4):
        since = len(rig.items)
        rig.feed.add("ES.v.0")
        gateway("publish", count=50)
        whole = (rig, since, PUBLISHED + 50 * time)
        rig.until(lambda whole=whole: is_whole(*whole), what="the session of ES")  # type: ignore[misc]
        rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
        rig.feed.release("ES.v.0")
    check_recording(rig, PUBLISHED + 150)


def test_if_the_gateway_refuses_it_the_recording_goes_on_and_a_later_try_succeeds(
    rig: Rig, gateway: GatewayProcess
) -> None:
    gateway("plan", plan={"refuse": "Connection limit exceeded"})
    rig.feed.add("ES.v.0")
    refused: list[tuple[str, str]] = []
    rig.until(lambda: refused.extend(rig.feed.refusals()) or bool(refused), what="the refusal")  # type: ignore[func-returns-value]
    gateway("publish", count=100)
    rig.until_trades(len(of(TAPE[: PUBLISHED + 100], NQ, ES)))
    check_recording(rig, PUBLISHED + 100)
    since = len(rig.items)
    rig.feed.add("ES.v.0")
    rig.until(lambda: is_whole(rig, since, PUBLISHED + 100), what="the session of ES")


def test_another_name_of_a_released_contract_takes_its_place(rig: Rig, gateway: GatewayProcess) -> None:
    gateway("remap", requested="ES.c.0", symbol="ESZ5")
    rig.feed.add("ES.c.0")
    gateway("publish", count=50)

    def is_done() -> bool:
        rig.pass_time(0.01)
        stats = gateway("stats")
        asked = stats["connections"][-1]["subscriptions"]
        return stats["streaming"] == 1 and bool(asked) and asked[-1]["symbols"] == "NQ.v.0,ES.c.0"

    rig.until(is_done, what="one connection for both")
    gateway("publish", count=50)
    rig.until(lambda: len(recorded(rig, ES)) == len(of(TAPE[: PUBLISHED + 100], ES)), what="the trades of ES")
    check_recording(rig, PUBLISHED + 100)


@pytest.mark.parametrize("seed", list(range(6)))
def test_through_faults_the_session_is_complete_and_each_trade_is_recorded_once(
    rig: Rig, gateway: GatewayProcess, seed: int
) -> None:
    rng = random.Random(seed)
    since = len(rig.items)
    for step in range(20):
        if step == 2:
            if rng.random() < 0.5:
                gateway("plan", plan={"replay_only": rng.randrange(1, 300)})
            since = len(rig.items)
            rig.feed.add("ES.v.0")
        gateway("publish", count=rng.randrange(1, 60))
        newest = int(TAPE["ts_event"][gateway("stats")["published"] - 1])
        rig.clock.advance(max(newest + SECOND_NS // 2 - rig.clock.wall, 0) / SECOND_NS)
        if rng.random() < 0.5:
            gateway("heartbeat")
        for _ in range(rng.randrange(3)):
            rig.poll()
        if step > 2 and rng.random() < 0.3:
            one_fault(rng, rig, among=5)
    rig.until(lambda: is_on_one_connection(rig), what="one connection for both")
    published = gateway("stats")["published"]
    rig.until(lambda: is_whole(rig, since, published), what="the session of ES")
    rig.until(lambda: len(recorded(rig, NQ)) == len(of(TAPE[:published], NQ)), what="the trades of NQ")
    for contract in (NQ, ES):
        got, want = recorded(rig, contract), of(TAPE[:published], contract)
        assert np.sort(got).tobytes() == np.sort(want).tobytes()
