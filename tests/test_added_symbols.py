"""A symbol is added to a running replay or demo: the others lose nothing, and its numbers are those of a full run."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow_gl.core.commands import SetLoop, SetSpeed
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import DemoSpec, EngineSpec, FilesSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.process import EngineProcess
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.kit.waiting import until, until_engine

SHM = Path("/dev/shm")
SETTINGS = AggregationSettings(sessions=False)
DEMO = EngineSpec(feed=DemoSpec(symbols=("NQ",), history_s=600.0), aggregation=SETTINGS)


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Collect a test's engines; none may leave shared memory behind."""
    started: list[Any] = []

    class Watched(EngineProcess):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self.process)

    monkeypatch.setattr("flow_gl.view.engine_link.supervisor.EngineProcess", Watched)
    yield started
    assert all(process.poll() is not None for process in started)
    left = [path.name for one in started for path in SHM.glob(f"flowgl_{one.pid}_*")] if SHM.is_dir() else []
    assert left == []


def state_of(link: EngineLink) -> FeedState | None:
    return FeedState(int(link.engine.status["state"])) if link.engine else None


def bubbles_of(link: EngineLink, chart: int = 0) -> np.ndarray:
    ring = link.markets[chart].store.bubbles[0]
    return ring.read(0, ring.head)[1]


def requested(link: EngineLink) -> list[str]:
    """Refresh the readers, as the view does in each frame, and return the charts' symbols."""
    for market in link.markets:
        market.refresh()
    return [market.requested for market in link.markets]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a DBN file with ten minutes of two instruments."""
    maker = TradeMaker(seed=3, history_s=0.0, start_ns=1_794_500_000_000_000_000)
    blocks = []
    while maker.next_ns < maker.start_ns + 600 * SECOND_NS:
        blocks.append(maker.next_block())
    path = tmp_path_factory.mktemp("day") / "day.dbn.zst"
    symbols = {one.instrument_id: one.symbol_at(maker.live_ns) for one in maker.contracts}
    write_dbn(path, np.concatenate(blocks), symbols=symbols)
    return path


@pytest.mark.slow
def test_a_symbol_is_added_to_a_demo_while_the_others_continue(engines: list[Any]) -> None:
    with closing(EngineLink.start(DEMO)) as link:
        until_engine(link, lambda: state_of(link) is FeedState.DEMO and link.offered)
        assert link.offered[:2] == ("NQ.v.0", "ES.v.0")
        generation, before, first = link.generation, bubbles_of(link), link.markets[0]
        assert link.add("ES.v.0") == ""
        assert link.markets[0] is first
        states = set()
        until_engine(link, lambda: states.add(link.state) or (requested(link) and link.generation > generation))
        assert states == {LinkState.RUNNING}, "the picture never stopped"
        assert requested(link) == ["NQ.v.0", "ES.v.0"]
        assert link.restarts == 0
        after = bubbles_of(link)
        assert len(after) >= len(before) - 1
        shared = min(len(after), len(before))
        assert (after[:shared] == before[:shared]).all()
        assert len(bubbles_of(link, 1)) > 300
        until_engine(link, lambda: link.engine and float(link.engine.status["speed"]) == 1.0)
        until(lambda: engines[0].poll() is not None, "the first engine still runs", step=link.poll)


@pytest.mark.slow
def test_a_symbol_is_added_to_a_replay_and_ends_with_the_numbers_of_a_full_run(day: Path) -> None:
    def spec(*symbols: str, speed: float | None) -> EngineSpec:
        return EngineSpec(feed=FilesSpec(paths=(str(day),), symbols=symbols, speed=speed), aggregation=SETTINGS)

    with closing(EngineLink.start(spec(speed=None))) as whole:
        until_engine(whole, lambda: state_of(whole) is FeedState.ENDED and whole.offered)
        (nq,), (_, es) = requested(whole), whole.offered
    with closing(EngineLink.start(spec(nq, es, speed=None))) as both:
        until_engine(both, lambda: state_of(both) is FeedState.ENDED)
        expected = bubbles_of(both), bubbles_of(both, 1)
    with closing(EngineLink.start(spec(nq, speed=30.0))) as link:
        until_engine(link, lambda: link.offered and link.markets and len(bubbles_of(link)) > 20)
        generation = link.generation
        assert link.add(es) == ""
        until_engine(link, lambda: requested(link) and link.generation > generation)
        link.send(SetSpeed(None))
        until_engine(link, lambda: state_of(link) is FeedState.ENDED)
        assert requested(link) == [nq, es]
        assert (bubbles_of(link) == expected[0]).all()
        assert (bubbles_of(link, 1) == expected[1]).all()


@pytest.mark.slow
def test_a_symbol_that_the_feed_does_not_have_leaves_everything_as_it_is() -> None:
    with closing(EngineLink.start(DEMO)) as link:
        until_engine(link, lambda: state_of(link) is FeedState.DEMO)
        generation = link.generation
        assert link.add("CL.v.0") == ""
        refused: list[tuple[str, str]] = []
        until_engine(link, lambda: refused.extend(link.refusals()) or refused)  # type: ignore[func-returns-value]
        ((symbol, reason),) = refused
        assert symbol == "CL.v.0"
        assert "CL.v.0" in reason
        assert (link.state, link.generation, link.restarts) == (LinkState.RUNNING, generation, 0)
        assert requested(link) == ["NQ.v.0"]


@pytest.mark.slow
def test_symbols_requested_together_arrive_one_after_the_other() -> None:
    with closing(EngineLink.start(DEMO)) as link:
        until_engine(link, lambda: state_of(link) is FeedState.DEMO and link.offered)
        assert [link.add(symbol) for symbol in ("ES.v.0", "CL.v.0", "YM.v.0", "ES.v.0")] == [""] * 4
        until_engine(link, lambda: requested(link) == ["NQ.v.0", "ES.v.0", "YM.v.0"])
        assert [symbol for symbol, _ in link.refusals()] == ["CL.v.0"]
        assert link.state is LinkState.RUNNING


@pytest.mark.slow
def test_a_loop_of_a_replay_continues_when_a_symbol_is_added(day: Path) -> None:
    def loop() -> tuple[int, int]:
        assert link.engine
        return int(link.engine.status["loop_start"]), int(link.engine.status["loop_end"])

    spec = EngineSpec(feed=FilesSpec(paths=(str(day),), speed=20.0), aggregation=SETTINGS)
    with closing(EngineLink.start(spec)) as link:
        until_engine(link, lambda: link.offered and link.markets and state_of(link) is FeedState.REPLAY)
        (nq,), (_, es) = requested(link), link.offered
        assert link.engine
        first = int(link.engine.status["first_event"])
        stretch = (first + 60 * SECOND_NS, first + 120 * SECOND_NS)
        link.send(SetLoop(*stretch))
        until_engine(link, lambda: loop() == stretch)
        assert link.add(es) == ""
        until_engine(link, lambda: requested(link) == [nq, es])
        until_engine(link, lambda: loop() == stretch, lambda: str(loop()))
        until_engine(link, lambda: link.engine and int(link.engine.status["seeks"]) > 0)
