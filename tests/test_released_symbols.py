"""Symbols are added beyond the number of places: one that no window needs goes, and comes back complete."""

import os
import signal
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.commands import SetSpeed
from flow_gl.core.items import Trades
from flow_gl.core.schema import CHARTS, FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import EngineSpec, FilesSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.services.archive.query import list_sessions
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.stores import requested_of
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import ES, NQ, make_tape, of
from tests.kit.exchange_hours import NOW_NS
from tests.kit.live_engine import live_engine
from tests.kit.many_symbols import SYMBOLS, write_many
from tests.kit.numbers import totals_of, totals_shown
from tests.kit.waiting import until_engine

SETTINGS = AggregationSettings(sessions=False)
COUNT, PUBLISHED, STEP_NS = 3000, 1500, 100_000_000
OPEN_NS = NOW_NS - 600 * SECOND_NS
TAPE = make_tape(COUNT, step_ns=STEP_NS, open_ns=OPEN_NS)
QUIET = tuple(f"X{letter}.v.0" for letter in "ABCDEFGH")


def symbols_of(link: EngineLink) -> list[str]:
    return [requested_of(market) for market in link.markets]


def numbers(link: EngineLink, symbol: str) -> bytes:
    """Return a chart's closed bubbles and CVD points at every level."""
    store = link.markets[symbols_of(link).index(symbol)].store
    return b"".join(ring.read(0, ring.head)[1].tobytes() for ring in (*store.bubbles, *store.cvd))


def state_of(link: EngineLink) -> FeedState | None:
    return FeedState(int(link.engine.status["state"])) if link.engine else None


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "many.dbn.zst"
    write_many(path)
    return path


def replay(day: Path, symbols: Collection[str], speed: float | None) -> EngineLink:
    feed = FilesSpec(paths=(str(day),), symbols=tuple(symbols), speed=speed, cache=False)
    return EngineLink.start(EngineSpec(feed=feed, aggregation=SETTINGS))


@pytest.mark.slow
def test_in_a_replay_the_symbol_that_was_needed_longest_ago_gives_its_place_and_comes_back_complete(day: Path) -> None:
    nine = SYMBOLS[:CHARTS]
    with closing(replay(day, (SYMBOLS[1], SYMBOLS[9]), None)) as whole:
        until_engine(whole, lambda: state_of(whole) is FeedState.ENDED)
        expected = {symbol: numbers(whole, symbol) for symbol in (SYMBOLS[1], SYMBOLS[9])}
    with closing(replay(day, nine, 20.0)) as link:
        until_engine(link, lambda: symbols_of(link) == list(nine) and totals_shown(link)[0][0] > 100)
        assert link.add(SYMBOLS[9]) == f"{SYMBOLS[9]}: at most {CHARTS} symbols are possible", (
            "none is known to be free"
        )
        link.need(nine)
        assert "all are in use" in link.add(SYMBOLS[9])
        link.need({*nine} - {SYMBOLS[1]})
        link.need({*nine} - {SYMBOLS[1], SYMBOLS[4]})
        link.need({SYMBOLS[9], *nine} - {SYMBOLS[1], SYMBOLS[4]})
        assert link.add(SYMBOLS[9]) == ""
        until_engine(link, lambda: SYMBOLS[9] in symbols_of(link))
        assert symbols_of(link) == [SYMBOLS[0], SYMBOLS[9], *nine[2:]]
        link.need({SYMBOLS[1], SYMBOLS[9]})
        assert link.add(SYMBOLS[1]) == ""
        until_engine(link, lambda: SYMBOLS[1] in symbols_of(link))
        assert symbols_of(link).index(SYMBOLS[1]) == 4, "it went longest ago"
        link.send(SetSpeed(None))
        until_engine(link, lambda: state_of(link) is FeedState.ENDED)
        assert link.restarts == 0
        assert {symbol: numbers(link, symbol) for symbol in expected} == expected


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(count=COUNT, published=PUBLISHED, step_ns=STEP_NS, open_ns=OPEN_NS)
    for symbol in QUIET:
        gateway("quiet", requested=symbol)
    yield gateway
    gateway.kill()


def has(link: EngineLink, published: int, *symbols: str) -> bool:
    """Return whether charts have all trades until now."""
    contracts = {"NQ.v.0": NQ, "ES.v.0": ES}
    shown = dict(zip(symbols_of(link), totals_shown(link), strict=True))
    return all(shown.get(one) == totals_of(of(TAPE[:published], contracts[one])) for one in symbols)


@pytest.mark.slow
def test_live_a_released_symbol_is_recorded_on_and_comes_back_with_the_numbers_of_an_unbroken_run(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    nine = ("NQ.v.0", "ES.v.0", *QUIET[:7])
    with closing(live_engine(gateway, tmp_path, *nine)) as link:
        until_engine(link, lambda: has(link, PUBLISHED, "NQ.v.0", "ES.v.0"))
        nq, generation = link.markets[0], link.generation
        link.need({*nine, QUIET[7]} - {"ES.v.0"})
        assert link.add(QUIET[7]) == ""
        until_engine(link, lambda: symbols_of(link) == ["NQ.v.0", QUIET[7], *QUIET[:7]])
        assert link.markets[0] is nq
        assert link.generation == generation, "no chart that is shown has another store"
        gateway("publish", count=300)
        until_engine(link, lambda: has(link, PUBLISHED + 300, "NQ.v.0"))
        link.need({*nine} - {"ES.v.0"})
        link.need({*nine} - {QUIET[0]})
        assert link.add("ES.v.0") == ""
        gateway("publish", count=200)
        until_engine(link, lambda: has(link, PUBLISHED + 500, "NQ.v.0", "ES.v.0"))
        assert symbols_of(link) == list(nine), "the symbol that was needed longest ago went"
        gateway("reset")
        gateway("publish", count=500)
        until_engine(link, lambda: has(link, PUBLISHED + 1000, "NQ.v.0", "ES.v.0"))
        assert link.markets[0] is nq
        with closing(live_engine(gateway, tmp_path / "whole", "NQ.v.0", "ES.v.0")) as whole:
            until_engine(whole, lambda: has(whole, PUBLISHED + 1000, "NQ.v.0", "ES.v.0"))
            for symbol in ("NQ.v.0", "ES.v.0"):
                until_engine(
                    link, lambda symbol=symbol: whole.poll() and numbers(link, symbol) == numbers(whole, symbol)
                )
        link.need({*nine, QUIET[7]} - {"ES.v.0"})
        assert link.add(QUIET[7]) == ""
        until_engine(link, lambda: QUIET[7] in symbols_of(link))
        assert link.pid
        os.kill(link.pid, signal.SIGKILL)
        until_engine(link, lambda: link.state is LinkState.RESTARTING)
        gateway("publish", count=200)
        until_engine(link, lambda: link.generation > generation and has(link, PUBLISHED + 1200, "NQ.v.0"))
        assert "ES.v.0" not in symbols_of(link)
        gateway("publish", count=COUNT - PUBLISHED - 1200)
        until_engine(link, lambda: has(link, COUNT, "NQ.v.0"))
        link.need({*nine} - {QUIET[0]})
        assert link.add("ES.v.0") == ""
        until_engine(link, lambda: has(link, COUNT, "NQ.v.0", "ES.v.0"))
    recordings = list((tmp_path / "recordings").glob("*.dbn.zst"))
    recorded = np.concatenate([item.rows for item in read_items(recordings) if isinstance(item, Trades)])
    assert np.sort(recorded).tobytes() == np.sort(of(TAPE, NQ, ES)).tobytes()
    stored = list_sessions(f"sqlite:///{tmp_path / 'archive.db'}")
    assert sorted((row.symbol, row.trade_count) for row in stored) == [
        (contract.symbol, len(of(TAPE, contract))) for contract in (ES, NQ)
    ]
