"""The parent's side of the workers: starts them, tells them about the engine, and collects clients' commands.

The parent polls them without blocking, as a view polls its engine. A worker that dies is reported and restarted. A
worker that reports why it cannot run, or workers that keep dying, end the server.
"""

import os
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

import msgspec

from flow_gl.core.errors import EXIT_FAULT, FlowError
from flow_gl.core.log import get_logger, masked
from flow_gl.core.spec import KEY_VARIABLE, TOKEN_VARIABLE
from flow_gl.core.system import children
from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from flow_gl.core.system.platform.processes import describe_end, last_words_file, start
from flow_gl.core.voice import say
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
MOST_DEATHS: Final = 5
"""Maximum number of worker deaths within `DEATHS_S`; beyond it, the server fails."""
DEATHS_S: Final = 60.0


class _Worker:
    """One worker's process."""

    def __init__(self, spec: WorkerSpec, command: Sequence[str]) -> None:
        self.errors: Final[IO[bytes]] = last_words_file()
        try:
            # A process that faces the network is given no secret that it does not need.
            environment = {**os.environ, KEY_VARIABLE: "", TOKEN_VARIABLE: ""}
            self.process: Final = start(command, environment=environment, errors=self.errors)
        except BaseException:
            self.errors.close()
            raise
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._lines: Final = PipeWriter(self.process.stdin, name="worker")
        self._answers: Final = PipeReader(self.process.stdout, name="worker answers")
        self._text = b""
        self.tell(encode(spec))

    def tell(self, line: bytes) -> None:
        if not self._lines.offer(line):
            get_logger("server").warning("a line to a worker was dropped")

    def answers(self) -> list[Ready | Failed | CommandLine]:
        if self.process.returncode is not None:
            self._answers.wait_for_end(0.5)
        *lines, self._text = (self._text + self._answers.take()).split(b"\n")
        found = []
        for line in lines:
            try:
                found.append(decode_worker(line))
            except msgspec.MsgspecError:
                get_logger("server").warning("invalid answer from a worker", extra={"line": line[:200]})
        return found

    def last_words(self) -> str:
        self.errors.seek(0)
        lines = self.errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return masked(lines[-1]) if lines else ""

    def end(self, deadline_s: float) -> None:
        self._lines.close()
        for then in (self.process.terminate, self.process.kill):
            try:
                self.process.wait(max(0.1, deadline_s - time.monotonic()))
                break
            except subprocess.TimeoutExpired:
                then()
        self.process.wait()
        self._answers.close()
        self.errors.close()


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

    def tell(self, line: EngineLine) -> None:
        """Tell the workers about the engine, including workers that are restarted later."""
        self._line = encode(line)
        for worker in self._workers:
            worker.tell(self._line)

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
            worker.tell(encode(StopLine()))
        for worker in self._workers:
            worker.end(deadline_s)
        self._workers.clear()
        self._board.close()

    def _start(self, number: int) -> _Worker:
        worker = _Worker(msgspec.structs.replace(self._spec, number=number), self._command)
        if self._line:
            worker.tell(self._line)
        return worker

    def _restart(self, number: int, exit_status: int, now_s: float) -> None:
        worker = self._workers[number]
        end = describe_end(exit_status)
        words = worker.last_words() if exit_status > 0 else ""
        reason = f"worker {number} of the server {end}" + (f": {words}" if words else "")
        self._deaths.append(now_s)
        while now_s - self._deaths[0] > DEATHS_S:
            self._deaths.popleft()
        if len(self._deaths) > MOST_DEATHS:
            raise _WorkerError(Failed(f"the server's workers died {MOST_DEATHS + 1} times in a minute; {reason}", 1))
        say(f"{reason}; started again")
        get_logger("server").error("worker died", extra={"worker": number, "reason": reason})
        with suppress(OSError):
            worker.end(now_s)
        self._ready.discard(number)
        try:
            self._workers[number] = self._start(number)
        except OSError as error:
            raise FlowError(f"worker {number} of the server cannot be started again: {error}") from error


class _WorkerError(FlowError):
    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.error)
        self.exit_code = failed.exit_code
