"""The parent's side of the workers: starts them, informs them about the engine, and collects clients' commands.

The parent polls them without blocking, as a view polls its engine. A worker that dies is reported and restarted. A
worker that reports why it cannot run, or workers that keep dying, end the server.
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from flow_gl.core.errors import EXIT_FAULT, FlowError
from flow_gl.core.log import get_logger
from flow_gl.core.spec import environment_for
from flow_gl.core.stderr import print_message
from flow_gl.core.system import children
from flow_gl.core.system.platform.line_process import LineProcess
from flow_gl.core.system.platform.processes import describe_end
from flow_gl.server.address import check_port
from flow_gl.server.metrics.counts import CountsBoard
from flow_gl.server.spec import (
    CommandLine,
    EngineLine,
    Failed,
    Ready,
    StopLine,
    WorkerSpec,
    decode_worker,
    encode,
)

COMMAND: Final = children.command("flow_gl.server")
LOOK_S: Final = 0.1
"""How often the workers are checked."""
END_S: Final = 2.0
"""How long the workers may take to exit."""
MAX_DEATHS: Final = 5
"""Maximum number of worker deaths within `DEATHS_S`; beyond it, the server fails."""
DEATHS_S: Final = 60.0


class _Worker(LineProcess):
    """One worker's process."""

    def __init__(self, spec: WorkerSpec, command: Sequence[str]) -> None:
        super().__init__(command, environment=environment_for(), name="worker")
        self.send(encode(spec))

    def send(self, line: bytes) -> bool:
        is_sent = super().send(line)
        if not is_sent:
            get_logger("server").warning("a line to a worker was dropped")
        return is_sent

    def answers(self) -> list[Ready | Failed | CommandLine]:
        found = []
        for line in self.lines():
            try:
                found.append(decode_worker(line))
            except msgspec.MsgspecError:
                get_logger("server").warning("invalid answer from a worker", extra={"line": line[:200]})
        return found


class Workers:
    """All workers of a server.

    Parameters
    ----------
    spec : the task of every worker; number, port and counts are filled in here
    command : a worker's command line; tests replace it

    Raises
    ------
    FlowError : the port cannot be bound, or a worker cannot be started
    """

    def __init__(self, spec: WorkerSpec, *, command: Sequence[str] = COMMAND) -> None:
        self.port = check_port(spec.host, spec.port)
        self._board: Final = CountsBoard.create(f"counts{self.port}", spec.workers)
        self._spec: Final = msgspec.structs.replace(spec, port=self.port, counts=self._board.name)
        self._command: Final = list(command)
        self._line = b""
        self._deaths: Final[deque[float]] = deque()
        self._looked_s = 0.0
        self._ready: Final[set[int]] = set()
        self._workers: Final[list[_Worker]] = []
        try:
            for number in range(spec.workers):
                self._workers.append(self._start(number))
        except OSError as error:
            self.close()
            raise FlowError(f"cannot start the server: {error}") from error

    @property
    def only_metrics(self) -> bool:
        """Whether the workers serve metrics only."""
        return self._spec.only_metrics

    @property
    def is_ready(self) -> bool:
        """Whether all workers are listening."""
        return len(self._ready) == len(self._workers)

    @property
    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers]

    def send(self, line: EngineLine) -> None:
        """Tell the workers about the engine, including workers that are restarted later."""
        self._line = encode(line)
        for worker in self._workers:
            worker.send(self._line)

    def poll(self) -> list[CommandLine]:
        """Check the workers and return clients' commands. Never blocks.

        Raises
        ------
        FlowError : a worker cannot run, or workers keep dying
        """
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_S:
            return []
        self._looked_s = now_s
        commands = []
        for number, worker in enumerate(self._workers):
            exit_status = worker.process.poll()
            for answer in worker.answers():
                if isinstance(answer, CommandLine):
                    commands.append(answer)
                elif isinstance(answer, Ready):
                    self._ready.add(number)
                elif answer.exit_code != EXIT_FAULT:
                    raise _WorkerError(answer)
            if exit_status is not None:
                self._restart(number, exit_status, now_s)
        return commands

    def close(self) -> None:
        """Stop all workers. Idempotent; waits at most a few seconds."""
        deadline_s = time.monotonic() + END_S
        for worker in self._workers:
            worker.send(encode(StopLine()))
        for worker in self._workers:
            worker.end(deadline_s - time.monotonic())
            worker.close()
        self._workers.clear()
        self._board.close()

    def _start(self, number: int) -> _Worker:
        worker = _Worker(msgspec.structs.replace(self._spec, number=number), self._command)
        if self._line:
            worker.send(self._line)
        return worker

    def _restart(self, number: int, exit_status: int, now_s: float) -> None:
        worker = self._workers[number]
        end = describe_end(exit_status)
        words = worker.last_words() if exit_status > 0 else ""
        reason = f"worker {number} of the server {end}" + (f": {words}" if words else "")
        self._deaths.append(now_s)
        while now_s - self._deaths[0] > DEATHS_S:
            self._deaths.popleft()
        if len(self._deaths) > MAX_DEATHS:
            raise _WorkerError(Failed(f"the server's workers died {MAX_DEATHS + 1} times in a minute; {reason}", 1))
        print_message(f"{reason}; restarted")
        get_logger("server").error("worker died", extra={"worker": number, "reason": reason})
        worker.end(0.0)
        worker.close()
        self._ready.discard(number)
        try:
            self._workers[number] = self._start(number)
        except OSError as error:
            raise FlowError(f"worker {number} of the server cannot be restarted: {error}") from error


class _WorkerError(FlowError):
    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.error)
        self.exit_code = failed.exit_code
