"""A symbol is added to a live session of processes: charts, recording and archive have it, also after a crash."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.items import Trades
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.services.archive.query import list_sessions
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, Contract, make_tape, of
from tests.kit.exchange_hours import NOW_NS
from tests.kit.live_engine import live_engine
from tests.kit.numbers import totals_of, totals_shown
from tests.kit.waiting import until_engine

COUNT, PUBLISHED, STEP_NS = 3000, 1500, 100_000_000
OPEN_NS = NOW_NS - 600 * SECOND_NS
TAPE = make_tape(COUNT, step_ns=STEP_NS, open_ns=OPEN_NS)
FOUND = ("bubbles", "cvd")


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(count=COUNT, published=PUBLISHED, step_ns=STEP_NS, open_ns=OPEN_NS)
    yield gateway
    gateway.kill()


def has(link: EngineLink, published: int, *contracts: Contract) -> bool:
    return totals_shown(link) == [totals_of(of(TAPE[:published], contract)) for contract in contracts]


def numbers(link: EngineLink) -> list[bytes]:
    """Return all closed bubbles and CVD points of each chart, at every level."""
    found = []
    for market in link.markets:
        rings = [ring for name in FOUND for ring in getattr(market.store, name)]
        found.append(b"".join(ring.read(0, ring.head)[1].tobytes() for ring in rings))
    return found


@pytest.mark.slow
def test_an_added_symbol_is_charted_recorded_and_archived_from_the_open_and_comes_again_after_a_crash(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    with closing(live_engine(gateway, tmp_path, "NQ.v.0")) as link:
        until_engine(link, lambda: has(link, PUBLISHED, NQ) and link.offered)
        assert link.addable_stype == "continuous"
        assert link.offered[:2] == ("NQ.v.0", "ES.v.0")
        first, generation = link.markets[0], link.generation
        assert link.add("ES.v.0") == ""
        gateway("publish", count=100)
        until_engine(link, lambda: has(link, PUBLISHED + 100, NQ, ES))
        assert [market.requested for market in link.markets] == ["NQ.v.0", "ES.v.0"]
        assert link.markets[0] is first
        assert link.generation == generation, "the others' stores are the same"
        gateway("reset")
        gateway("publish", count=400)
        until_engine(link, lambda: has(link, PUBLISHED + 500, NQ, ES))
        with closing(live_engine(gateway, tmp_path / "whole", "NQ.v.0", "ES.v.0")) as whole:
            until_engine(whole, lambda: has(whole, PUBLISHED + 500, NQ, ES))
            until_engine(link, lambda: link.poll() and whole.poll() and numbers(link) == numbers(whole))
        assert link.pid
        os.kill(link.pid, signal.SIGKILL)
        until_engine(link, lambda: link.state is LinkState.RESTARTING)
        gateway("publish", count=COUNT - PUBLISHED - 500)
        until_engine(link, lambda: link.generation > generation and has(link, COUNT, NQ, ES))
    recordings = list((tmp_path / "recordings").glob("*.dbn.zst"))
    recorded = np.concatenate([item.rows for item in read_items(recordings) if isinstance(item, Trades)])
    assert (np.sort(recorded) == np.sort(of(TAPE, NQ, ES))).all()
    stored = list_sessions(f"sqlite:///{tmp_path / 'archive.db'}")
    assert sorted((row.symbol, row.trade_count) for row in stored) == [
        (contract.symbol, len(of(TAPE, contract))) for contract in (ES, NQ)
    ]


@pytest.mark.slow
def test_a_symbol_that_the_gateway_does_not_know_is_reported_and_the_chart_continues(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    with closing(live_engine(gateway, tmp_path, "NQ.v.0")) as link:
        until_engine(link, lambda: has(link, PUBLISHED, NQ))
        refused: list[tuple[str, str]] = []
        assert link.add("CL.v.0") == ""
        until_engine(link, lambda: refused.extend(link.refusals()) or refused)  # type: ignore[func-returns-value]
        assert refused[0][0] == "CL.v.0"
        assert refused[0][1].startswith("CL.v.0: the gateway does not know it (")
        gateway("publish", count=100)
        until_engine(link, lambda: has(link, PUBLISHED + 100, NQ))
        assert link.engine
        assert link.engine.status["state"] == FeedState.LIVE
        assert link.add("NQ.v.0") == "", "it is there"
        assert link.add("ES.v.0") == ""
        until_engine(link, lambda: has(link, PUBLISHED + 100, NQ, ES))
