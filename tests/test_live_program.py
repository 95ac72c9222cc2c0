"""`flow-gl live` as a program against the gateway: what a trader sees for each fault, and what is left behind.

The programs' clock is set to a Tuesday morning, so that the exchange is open whenever the test runs.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.errors import EXIT_FEED, EXIT_RESOURCE
from flow_gl.core.schema import GapKind
from flow_gl.core.spec import KEY_VARIABLE, EngineSpec, LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.ui.overlays.status import HEARTBEAT_S, Condition, Tone, awaiting, condition
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import KEY, make_tape
from tests.kit.exchange_hours import NOW_NS, shift_now, shifted
from tests.kit.numbers import totals_shown
from tests.kit.waiting import PATIENCE_S, until
from tests.test_live_process import expected

COUNT, PUBLISHED, STEP_NS = 3000, 1500, 100_000_000
SHM = Path("/dev/shm")


@pytest.fixture(scope="module")
def shift_ns() -> int:
    """From this machine's clock to a Tuesday at 10:30 in New York."""
    return shift_now()


@pytest.fixture(scope="module")
def environment(shift_ns: int) -> dict[str, str]:
    return shifted(shift_ns) | {KEY_VARIABLE: KEY}


@pytest.fixture(scope="module")
def process() -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(count=COUNT, published=PUBLISHED, step_ns=STEP_NS, open_ns=OPEN_NS)
    yield gateway
    gateway.kill()


OPEN_NS = NOW_NS - 300 * SECOND_NS
TAPE = make_tape(COUNT, step_ns=STEP_NS, open_ns=OPEN_NS)


@pytest.fixture
def gateway(process: GatewayProcess) -> GatewayProcess:
    process("fresh", published=PUBLISHED)
    return process


class Seen:
    """Refresh an engine's link like a view."""

    def __init__(self, link: EngineLink, shift_ns: int) -> None:
        self.link, self._shift_ns = link, shift_ns
        self.texts: list[str] = []
        """Texts of the first chart's header, in order."""

    def look(self, chart: int = 0) -> Condition:
        link = self.link
        link.poll()
        if link.engine:
            link.engine.refresh()
        for market in link.markets:
            market.refresh()
        market = link.markets[chart] if len(link.markets) > chart else None
        said = condition(link, market, wall_ns=time.time_ns() + self._shift_ns)
        word = said.text.rstrip("0123456789.: sminh%").strip()
        if not self.texts or self.texts[-1] != word:
            self.texts.append(word)
        return said

    def silence_s(self) -> float:
        """Return the time since the engine's last heartbeat, in seconds."""
        assert self.link.engine
        return (time.time_ns() + self._shift_ns - int(self.link.engine.status["heartbeat"])) / SECOND_NS

    def until(self, holds: Callable[[Condition], bool], what: str) -> Condition:
        seen: list[Condition] = []

        def look() -> None:
            seen[:] = [self.look()]

        until(lambda: holds(seen[0]), lambda: f"{what}: {seen[0]}, {self.link.message}", step=look)
        return seen[0]

    def until_says(self, words: str) -> Condition:
        return self.until(lambda said: said.text.startswith(words), words)

    def until_numbers(self, published: int) -> None:
        self.until(lambda _: totals_shown(self.link) == expected(TAPE[:published]), f"{published} trades")

    def open_gaps(self) -> list[GapKind]:
        return [GapKind(int(gap["kind"])) for gap in self.link.markets[0].gaps if gap["open"]]


def live(gateway: GatewayProcess, *symbols: str) -> EngineSpec:
    feed = LiveSpec(
        symbols=symbols or ("NQ.v.0", "ES.v.0"),
        gateway="127.0.0.1",
        port=gateway.port,
        recording=False,
        archive="off",
    )
    return EngineSpec(feed=feed)


def test_each_fault_is_shown_and_loses_nothing(
    gateway: GatewayProcess, environment: dict[str, str], shift_ns: int
) -> None:
    with closing(EngineLink.start(live(gateway), environment=environment)) as link:
        seen = Seen(link, shift_ns)
        seen.until_says("LIVE")
        seen.until_numbers(PUBLISHED)
        assert "ENGINE NOT RESPONDING" not in seen.texts, "it beats while it loads the client"

        gateway("listen", on=False)
        gateway("reset")
        said = seen.until_says("RECONNECTING (try ")
        assert (said.tone, said.is_live) == (Tone.ALARM, False)
        assert GapKind.FEED in seen.open_gaps(), "the gap is shown while it is open"
        seen.until(lambda said: said.text.startswith("RECONNECTING (try ") and "refused" in said.detail, "the refusal")
        gateway("listen", on=True)
        gateway("publish", count=300)  # they arrive with the replay
        seen.until_says("LIVE")
        seen.until_numbers(PUBLISHED + 300)
        assert GapKind.FEED not in [int(gap["kind"]) for gap in link.markets[0].gaps], "filled, it is gone"

        assert link.pid
        os.kill(link.pid, signal.SIGSTOP)
        said = seen.until_says("ENGINE NOT RESPONDING")
        assert seen.silence_s() >= HEARTBEAT_S
        assert (said.tone, said.is_live) == (Tone.ALARM, False)
        gateway("publish", count=200)
        os.kill(link.pid, signal.SIGCONT)
        seen.until_says("LIVE")
        seen.until_numbers(PUBLISHED + 500)

        os.kill(link.pid, signal.SIGKILL)
        said = seen.until_says("ENGINE RESTARTING")
        assert (said.tone, said.is_live, said.detail) == (Tone.ALARM, False, "the engine was killed (SIGKILL)")
        assert totals_shown(link) == expected(TAPE[: PUBLISHED + 500]), "the picture stays"
        gateway("publish", count=COUNT - PUBLISHED - 500)
        seen.until_says("LIVE")
        seen.until_numbers(COUNT)

        gateway("error", code=2, text="API key deactivated")
        said = seen.until_says("STOPPED")
        assert "****ABCDE" in said.detail
        assert said.detail.endswith("F5 retries")


def test_catching_up_shows_progress_and_an_unknown_symbol_is_named(
    gateway: GatewayProcess, environment: dict[str, str], shift_ns: int
) -> None:
    gateway("plan", plan={"never_done": True})
    with closing(EngineLink.start(live(gateway, "NQ.v.0", "XX.v.0"), environment=environment)) as link:
        seen = Seen(link, shift_ns)
        seen.until(lambda said: said.text.startswith("CATCHING UP") and said.text.endswith("%"), "progress")
        gateway("system", code=3, text="Finished trades replay")
        seen.until_says("LIVE")
        said = seen.look(1)
        assert link.engine
        assert "symbol not found: XX.v.0" in link.engine.text("message")
        assert awaiting(link, link.markets[1], said) == "XX.v.0: the gateway does not know this symbol"
        assert awaiting(link, link.markets[0], seen.look(0)) == ""


def program(gateway: GatewayProcess, *flags: str) -> list[str]:
    where = ["--gateway", "127.0.0.1", "--gateway-port", str(gateway.port), "--no-recording", "--archive", "off"]
    return [sys.executable, "-m", "flow_gl", "live", *where, "--headless", "--size", "640x360", "--fps", "20", *flags]


def test_the_program_draws_the_session_so_far(
    gateway: GatewayProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "live.png"
    done = subprocess.run(
        program(gateway, "--duration", "0.5", "--screenshot", str(path)),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    from PIL import Image

    picture = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3).astype(int)
    assert ((picture[:, 1] > picture[:, 0] + 40) & (picture[:, 1] > picture[:, 2] + 20)).sum() > 200, "green discs"


def test_a_refused_key_without_a_window_is_one_line_and_an_exit_code(
    gateway: GatewayProcess, environment: dict[str, str]
) -> None:
    wrong = KEY[:-5] + "WRONG"
    done = subprocess.run(
        program(gateway, "--duration", "30"),
        env={**os.environ, **environment, KEY_VARIABLE: wrong},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == EXIT_FEED
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("flow-gl: error:")]
    assert "****WRONG" in line
    assert wrong not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_live_start_that_fails_is_one_line_and_leaves_no_recording(
    gateway: GatewayProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    arguments = [part for part in program(gateway, "--duration", "1") if part != "--no-recording"]
    done = subprocess.run(
        [*arguments, "--symbols", "XX.v.0", "--recording", "--record-dir", str(tmp_path)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == EXIT_FEED, done.stderr
    assert done.stderr == "flow-gl: error: XX.v.0: the gateway does not know this symbol\n"
    assert list(tmp_path.iterdir()) == []


def test_trades_left_unrecorded_at_the_end_are_one_line_and_an_exit_code(
    gateway: GatewayProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("where a folder was expected")
    done = subprocess.run(
        [*program(gateway, "--duration", "1"), "--recording", "--record-dir", str(tmp_path / "file")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == EXIT_RESOURCE, done.stderr
    assert done.stderr.count("\n") == 1
    assert " trades are not recorded: " in done.stderr
    assert str(tmp_path) in done.stderr


def test_a_killed_view_ends_its_engine_and_leaves_no_shared_memory(
    gateway: GatewayProcess, environment: dict[str, str]
) -> None:
    with subprocess.Popen(program(gateway), env={**os.environ, **environment}, stderr=subprocess.DEVNULL) as view:
        until(lambda: gateway("stats")["streaming"] == 1, "the engine's connection")
        children = Path(f"/proc/{view.pid}/task/{view.pid}/children")
        engines = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        view.kill()
    assert engines or not SHM.is_dir()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in engines), "the engine's end")
    until(lambda: gateway("stats")["streaming"] == 0, "the connection's end")
    assert [path for pid in engines for path in SHM.glob(f"flowgl_{pid}_*")] == []
