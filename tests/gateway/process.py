"""The gateway as used by the tests: a process controlled line by line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.gateway.tape import OPEN_NS, STEP_NS
from tests.kit.ports import lasting_port
from tests.kit.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parent.parent.parent


class GatewayProcess:
    """A gateway on a port of its own on this machine.

    Parameters
    ----------
    count, seed, step_ns, open_ns, by_calendar : of its tape, as `make_tape` takes them
    published : number of trades published at the start
    """

    def __init__(
        self,
        *,
        count: int = 6000,
        published: int = 0,
        step_ns: int = STEP_NS,
        open_ns: int = OPEN_NS,
        seed: int = 1,
        by_calendar: bool = False,
    ) -> None:
        self._tape = ["--count", count, "--step-ns", step_ns, "--open-ns", open_ns, "--seed", seed]
        if by_calendar:
            self._tape.append("--by-calendar")
        self.port = lasting_port()
        self._process = self._start(published)
        self._answer()

    def _start(self, published: int) -> subprocess.Popen[str]:
        arguments = [*self._tape, "--published", published, "--port", self.port]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.gateway", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __call__(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._end()

    def revive(self, *, published: int) -> None:
        """Start it again on the same port; the market has meanwhile reached this trade."""
        self._process = self._start(published)
        self._answer()

    def close(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._end()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the gateway process has ended: exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> None:
        self._process.wait(PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
