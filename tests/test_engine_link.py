"""The engine process: its start, every way in which it ends, and that nothing is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.commands import Configure, SetSpeed
from flow_gl.core.errors import EXIT_DATA, EXIT_FAULT
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import DemoSpec, EngineSpec, FilesSpec, encode
from flow_gl.core.system.platform.processes import is_running
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.process import EngineProcess
from flow_gl.view.engine_link.supervisor import MAX_RESTARTS, EngineLink
from tests.kit.waiting import PATIENCE_S, until, until_engine

SHM = Path("/dev/shm")
DEMO = EngineSpec(feed=DemoSpec(symbols=("NQ",), history_s=600.0), aggregation=AggregationSettings(sessions=False))


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Collect the process ids of a test's engines; none may leave shared memory behind."""
    started: list[int] = []

    class Watched(EngineProcess):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self.process.pid)

    monkeypatch.setattr("flow_gl.view.engine_link.supervisor.EngineProcess", Watched)
    yield started
    left = [path.name for pid in started for path in SHM.glob(f"flowgl_{pid}_*")] if SHM.is_dir() else []
    assert left == []


def state_of(link: EngineLink) -> FeedState | None:
    return FeedState(int(link.engine.status["state"])) if link.engine else None


def up(link: EngineLink) -> None:
    """Wait until the feed runs."""

    def is_up() -> bool:
        assert link.state is not LinkState.FAILED, link.message
        return state_of(link) in (FeedState.DEMO, FeedState.REPLAY, FeedState.ENDED)

    until_engine(link, is_up)


def has_session(link: EngineLink) -> bool:
    """Return whether the first chart's numbers are published: its rows are there a moment before."""
    link.markets[0].refresh()
    return int(link.markets[0].session["last_ts"]) > 0


def bubbles_of(link: EngineLink, chart: int = 0) -> np.ndarray:
    ring = link.markets[chart].store.bubbles[0]
    return ring.read(0, ring.head)[1]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a DBN file with a quarter of an hour of a synthetic market, with a halt."""
    maker = TradeMaker(seed=3, history_s=0.0, start_ns=1_794_500_000_000_000_000, halts=[(300.0, 120.0)])
    blocks = []
    while maker.next_ns < maker.start_ns + 900 * SECOND_NS:
        blocks.append(maker.next_block())
    path = tmp_path_factory.mktemp("day") / "day.dbn.zst"
    symbols = {one.instrument_id: one.symbol_at(maker.live_ns) for one in maker.contracts}
    write_dbn(path, np.concatenate(blocks), symbols=symbols)
    return path


def replayed(path: Path, speed: float | None) -> tuple[np.ndarray, dict[str, int]]:
    with closing(EngineLink.start(EngineSpec(feed=FilesSpec(paths=(str(path),), speed=speed)))) as link:
        until_engine(link, lambda: state_of(link) is FeedState.ENDED)
        market = link.markets[0]
        market.refresh()
        session = {name: int(market.session[name]) for name in ("cvd", "buy", "sell", "unsided", "trade_count", "late")}
        levels = {name: int(market.profile[name]) for name in ("poc", "vah", "val", "rows")}
        return bubbles_of(link), session | levels


def test_a_replay_gives_the_same_numbers_at_every_speed(day: Path) -> None:
    at_once, numbers = replayed(day, None)
    assert numbers["late"] == 0
    assert len(at_once) > 100
    assert at_once["trade_count"].sum() == numbers["trade_count"]
    for speed in (10_000.0, 900.0):
        paced, paced_numbers = replayed(day, speed)
        assert paced_numbers == numbers
        assert (paced == at_once).all()


@pytest.mark.parametrize(
    ("name", "speed", "facts"),
    [
        ("nq-20251123", None, (2022, 6931, -27, 24490.00, 24462.50, 24502.50, 401)),
        ("nq-20251128", None, (15698, 90562, -3635, 25415.00, 25368.50, 25435.50, 701)),
        ("nq-20251128", 10_000.0, (15698, 90562, -3635, 25415.00, 25368.50, 25435.50, 701)),
        ("esh4-20231225", None, (988, 2973, 796, 4810.00, 4807.50, 4811.00, 47)),
    ],
)
def test_real_days_give_the_known_numbers_through_two_processes(
    real_data: Path, name: str, speed: float | None, facts: tuple[float, ...]
) -> None:
    rows, numbers = replayed(real_data / f"{name}.trades.dbn.zst", speed)
    prices = [numbers[level] / 1e9 for level in ("poc", "val", "vah")]
    assert (len(rows), numbers["trade_count"], numbers["cvd"], *prices, numbers["rows"]) == facts
    assert rows["trade_count"].sum() == facts[1]


def test_a_killed_engine_is_noticed_immediately_and_continues_where_it_was() -> None:
    with closing(EngineLink.start(DEMO)) as link:
        up(link)
        until_engine(link, lambda: has_session(link))  # only then is there a state for the next engine to reach
        first = (link.generation, link.engine, link.markets[0], link.pid)
        assert link.pid
        os.kill(link.pid, signal.SIGKILL)
        os.waitid(os.P_PID, link.pid, os.WEXITED | os.WNOWAIT)  # until then it may publish another bubble
        before = bubbles_of(link)
        until_engine(link, lambda: link.state is LinkState.RESTARTING)
        assert link.message == "the engine was killed (SIGKILL)"
        assert (link.engine, link.markets[0]) == first[1:3], "the picture stays"
        assert (bubbles_of(link) == before).all()
        until_engine(link, lambda: link.state is LinkState.RUNNING)
        assert (link.generation, link.restarts) == (first[0] + 1, 1)
        assert link.pid != first[3]
        after = bubbles_of(link)
        assert len(after) >= len(before) - 1
        shared = min(len(after), len(before))
        assert (after[:shared] == before[:shared]).all(), "nothing is lost, nothing has changed"


def test_a_replay_whose_engine_is_killed_continues_and_ends_with_the_same_numbers(day: Path) -> None:
    at_once, numbers = replayed(day, None)
    with closing(EngineLink.start(EngineSpec(feed=FilesSpec(paths=(str(day),), speed=60.0)))) as link:
        up(link)
        until_engine(link, lambda: link.markets and len(bubbles_of(link)) > 20)
        generation = link.generation
        assert link.pid
        os.kill(link.pid, signal.SIGKILL)
        os.waitid(os.P_PID, link.pid, os.WEXITED | os.WNOWAIT)  # until then it may publish another bubble
        before = bubbles_of(link)
        until_engine(link, lambda: link.state is LinkState.RESTARTING)
        until_engine(link, lambda: link.generation > generation)
        after = bubbles_of(link)
        assert len(after) >= len(before) - 1, "it is taken over only where the picture had been"
        link.send(SetSpeed(None))
        until_engine(link, lambda: state_of(link) is FeedState.ENDED)
        link.markets[0].refresh()
        session = link.markets[0].session
        assert {name: int(session[name]) for name in ("cvd", "trade_count", "late")}.items() <= numbers.items()
        assert (bubbles_of(link) == at_once).all()


def test_an_engine_that_exits_by_itself_is_restarted() -> None:
    with closing(EngineLink.start(DEMO)) as link:
        up(link)
        assert link.pid
        os.kill(link.pid, signal.SIGTERM)
        until_engine(link, lambda: link.state is LinkState.RESTARTING)
        assert "ended with code 0" in link.message
        until_engine(link, lambda: link.state is LinkState.RUNNING)


def test_an_engine_that_reports_why_it_cannot_run_is_not_restarted(tmp_path: Path) -> None:
    with closing(EngineLink.start(EngineSpec(feed=FilesSpec(paths=(str(tmp_path / "none.dbn"),))))) as link:
        until_engine(link, lambda: link.state is LinkState.FAILED)
        assert link.exit_code == EXIT_DATA
        assert "none.dbn" in link.message
        assert "\n" not in link.message


def test_an_engine_that_keeps_crashing_is_given_up_with_its_last_message(engines: list[int]) -> None:
    clock = ManualClock()
    command = (sys.executable, "-c", "import sys; sys.exit('no such module')")
    link = EngineLink.start(DEMO, clock=clock, command=command)

    def step() -> None:
        link.poll()
        clock.advance(SECOND_NS)

    with closing(link):
        until(lambda: link.state is LinkState.FAILED, "it is not given up", step=step)
        assert link.exit_code == EXIT_FAULT
        assert link.message.endswith("the engine ended with code 1: no such module")
        assert f"crashed {MAX_RESTARTS + 1} times within a minute" in link.message
        assert len(engines) == MAX_RESTARTS + 1


def test_a_program_that_cannot_be_started_is_reported() -> None:
    link = EngineLink.start(DEMO, command=("/nonexistent/engine",))
    with closing(link):
        assert link.poll() is LinkState.FAILED
        assert "cannot start the engine" in link.message


def test_commands_reach_the_engine() -> None:
    with closing(EngineLink.start(DEMO)) as link:
        up(link)
        link.send(SetSpeed(60.0))
        until_engine(link, lambda: link.engine is not None and link.engine.status["speed"] == 60.0)
        market = link.markets[0]

        def step() -> int:
            market.refresh()
            return int(market.profile["step"])

        until_engine(link, lambda: step() == 2)
        link.send(Configure({"value_area_step": 1}))
        until_engine(link, lambda: step() == 1)


@pytest.mark.skipif(not SHM.is_dir(), reason="only Linux lists its shared memory")
def test_names_of_shared_memory_are_short_enough_for_macos() -> None:
    with closing(EngineLink.start(DEMO)) as link:
        up(link)
        own = [path.name.removeprefix(f"flowgl_{link.pid}_") for path in SHM.glob(f"flowgl_{link.pid}_*")]
    assert len(own) == 2, "the engine's and one chart's"
    # On macOS a process id has at most five digits; four more are for charts made later.
    assert all(len(f"/flowgl_99999_{name}") + 4 <= 31 for name in own), own


def test_an_engine_stuck_while_starting_ends_with_its_view(monkeypatch: pytest.MonkeyPatch, engines: list[int]) -> None:
    monkeypatch.setattr("flow_gl.view.engine_link.process.END_S", 0.2)
    link = EngineLink.start(DEMO, command=(sys.executable, "-c", "import time; time.sleep(60)"))
    link.poll()
    (pid,) = engines
    assert is_running(pid)
    link.close()
    assert not is_running(pid)
    link.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_engine_cleanly(number: signal.Signals, engines: list[int]) -> None:
    with _bare_engine(engines) as process:
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0


def test_an_engine_ends_when_its_input_is_closed(engines: list[int]) -> None:
    with _bare_engine(engines) as process:
        assert process.stdin
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0


def test_a_killed_view_ends_its_engine(engines: list[int]) -> None:
    program = (
        "import sys, time\n"
        "from flow_gl.core.spec import decode_spec\n"
        "from flow_gl.view.engine_link.supervisor import EngineLink\n"
        f"link = EngineLink.start(decode_spec({encode(DEMO)!r}))\n"
        "while not link.markets: link.poll(); time.sleep(0.01)\n"
        "print(link.pid, flush=True)\n"
        "while True: link.poll(); time.sleep(0.01)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as view:
        assert view.stdout
        engine = int(view.stdout.readline())
        engines.append(engine)
        view.kill()
    until(lambda: not _runs(engine), "the engine outlives its view")


def test_an_invalid_spec_is_answered_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flow_gl.runtime"], input=b'{"feed": 3}\n', capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout.count(b"\n") == 1
    assert b"specification is invalid" in done.stdout
    assert done.stderr == b""


def _bare_engine(engines: list[int]) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-m", "flow_gl.runtime"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(encode(DEMO))
    process.stdin.flush()
    assert b"hello" in process.stdout.readline()
    engines.append(process.pid)
    return process


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
