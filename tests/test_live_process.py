"""A live session through two processes, with recording and archive, even if the engine is killed."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.errors import EXIT_FEED
from flow_gl.core.items import Trades
from flow_gl.core.spec import KEY_VARIABLE, EngineSpec, LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.services.archive.query import list_sessions
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, KEY, NQ, make_tape
from tests.kit.exchange_hours import NOW_NS, shift_now, shifted
from tests.kit.numbers import Totals, totals_of, totals_shown
from tests.kit.waiting import until_engine

COUNT, PUBLISHED, STEP_NS = 3000, 1500, 100_000_000


@pytest.fixture(scope="module")
def market() -> Iterator[tuple[GatewayProcess, np.ndarray]]:
    """Run a gateway whose tape started ten minutes ago; yield both."""
    open_ns = NOW_NS - 600 * SECOND_NS
    tape = make_tape(COUNT, step_ns=STEP_NS, open_ns=open_ns)
    gateway = GatewayProcess(count=COUNT, published=PUBLISHED, step_ns=STEP_NS, open_ns=open_ns)
    yield gateway, tape
    gateway.kill()


def environment(key: str) -> dict[str, str]:
    return shifted(shift_now()) | {KEY_VARIABLE: key}


def expected(tape: np.ndarray) -> list[Totals]:
    return [totals_of(tape[tape["instrument_id"] == contract.instrument_id]) for contract in (NQ, ES)]


def test_every_trade_is_once_on_the_chart_in_the_recording_and_in_the_archive_although_the_engine_is_killed(
    market: tuple[GatewayProcess, np.ndarray], tmp_path: Path
) -> None:
    gateway, tape = market
    archive = f"sqlite:///{tmp_path / 'archive.db'}"
    spec = LiveSpec(
        symbols=("NQ.v.0", "ES.v.0"),
        gateway="127.0.0.1",
        port=gateway.port,
        record_dir=str(tmp_path / "recordings"),
        archive=archive,
    )
    with closing(EngineLink.start(EngineSpec(feed=spec), environment=environment(KEY))) as link:
        until_engine(link, lambda: len(link.markets) == 2 and totals_shown(link) == expected(tape[:PUBLISHED]))
        assert [reader.symbol for reader in link.markets] == ["NQZ5", "ESZ5"]
        gateway("publish", count=500)
        until_engine(link, lambda: totals_shown(link) == expected(tape[: PUBLISHED + 500]))
        generation = link.generation
        assert link.pid
        os.kill(link.pid, signal.SIGKILL)
        until_engine(link, lambda: link.state is LinkState.RESTARTING)
        assert totals_shown(link) == expected(tape[: PUBLISHED + 500]), "the picture stays"
        gateway("publish", count=COUNT - PUBLISHED - 500)
        until_engine(link, lambda: link.generation > generation and totals_shown(link) == expected(tape))
    recordings = list((tmp_path / "recordings").glob("*.dbn.zst"))
    recorded = np.concatenate([item.rows for item in read_items(recordings) if isinstance(item, Trades)])
    charted = tape[np.isin(tape["instrument_id"], [NQ.instrument_id, ES.instrument_id])]
    assert (np.sort(recorded) == np.sort(charted)).all()
    stored = list_sessions(archive)
    assert {row.symbol for row in stored} == {"NQZ5", "ESZ5"}
    assert sum(row.trade_count for row in stored) == len(charted)


def test_a_refused_key_is_reported_once_and_the_engine_waits(market: tuple[GatewayProcess, np.ndarray]) -> None:
    gateway, _ = market
    wrong = KEY[:-5] + "WRONG"
    spec = LiveSpec(symbols=("NQ.v.0",), gateway="127.0.0.1", port=gateway.port, recording=False, archive="off")
    with closing(EngineLink.start(EngineSpec(feed=spec), environment=environment(wrong))) as link:
        until_engine(link, lambda: link.engine is not None and "****WRONG" in link.engine.text("message"))
        assert link.state is LinkState.RUNNING
        assert wrong not in link.engine.text("message")  # type: ignore[union-attr]


def test_a_missing_key_ends_the_engine_with_one_line() -> None:
    spec = LiveSpec(symbols=("NQ.v.0",), recording=False, archive="off")
    with closing(EngineLink.start(EngineSpec(feed=spec), environment={KEY_VARIABLE: ""})) as link:
        until_engine(link, lambda: link.state is LinkState.FAILED)
        assert link.exit_code == EXIT_FEED
        assert KEY_VARIABLE in link.message
