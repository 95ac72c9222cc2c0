"""The engine's side of the bus: starts the publisher's process, tells it about the charts, and reports its state.

The publisher (`services.bus`) reads the stores by itself. It ends with the engine: a killed engine closes its standard
input, and it then releases its leases, so another engine takes over at once. If it dies, it is started again.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, Final

import msgspec
import numpy as np

from flow_gl.core.clock import Clock
from flow_gl.core.log import get_logger, masked
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import KEY_VARIABLE, TOKEN_VARIABLE, EngineSpec
from flow_gl.core.system import children
from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from flow_gl.core.system.platform.processes import describe_end, last_words_file, start
from flow_gl.services.bus.lines import ChartsLine, PublisherSpec, StateLine, StopLine, decode_state, encode

COMMAND: Final = children.command("flow_gl.services.bus")
END_S: Final = 4.0
"""How long the publisher may take to publish the last rows and to end."""
AGAIN_NS: Final = (1_000_000_000, 30_000_000_000)
"""Shortest and longest time until a publisher that died is started again."""
_NOTHING: Final = StateLine(is_connected=False, leads=0, published=0, waiting=0, message="")


class _Process:
    """One publisher's process."""

    def __init__(self, command: Sequence[str], spec: PublisherSpec) -> None:
        self._errors: Final[IO[bytes]] = last_words_file()
        try:
            # A process that faces the network is given no secret that it does not need.
            environment = {**os.environ, KEY_VARIABLE: "", TOKEN_VARIABLE: ""}
            self.process: Final = start(command, environment=environment, errors=self._errors)
        except BaseException:
            self._errors.close()
            raise
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._lines: Final = PipeWriter(self.process.stdin, name="publisher")
        self._answers: Final = PipeReader(self.process.stdout, name="publisher's state")
        self._text = b""
        self.tell(encode(spec))

    def tell(self, line: bytes) -> None:
        if not self._lines.offer(line):
            get_logger("engine").warning("a line to the publisher was dropped")

    def newest(self) -> StateLine | None:
        """Return the newest state since the last call."""
        *lines, self._text = (self._text + self._answers.take()).split(b"\n")
        for line in reversed(lines):
            with suppress(msgspec.MsgspecError):
                return decode_state(line)
        return None

    def last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return masked(lines[-1]) if lines else ""

    def end(self) -> None:
        self._lines.close()
        deadline_s = time.monotonic() + END_S
        for then in (self.process.terminate, self.process.kill):
            try:
                self.process.wait(max(0.1, deadline_s - time.monotonic()))
                break
            except subprocess.TimeoutExpired:
                then()
        self.process.wait()
        self._answers.wait_for_end(0.5)

    def close(self) -> None:
        self._answers.close()
        self._errors.close()


class Publishing:
    """Publishes an engine's charts on a bus.

    Parameters
    ----------
    spec : an engine's task with `publish`
    clock : the program's clock
    engine : segment of the engine's status
    command : the publisher's command line; tests replace it
    """

    def __init__(self, spec: EngineSpec, clock: Clock, engine: str, *, command: Sequence[str] = COMMAND) -> None:
        assert spec.publish is not None
        self._spec: Final = PublisherSpec(
            bus=spec.publish.bus,
            feed=type(spec.feed).command,
            threshold=spec.publish.threshold,
            log_level=spec.log_level,
            debug=spec.debug,
        )
        self._clock: Final = clock
        self._command: Final = list(command)
        self._settings: dict[str, Any] = msgspec.to_builtins(spec.aggregation)
        self._engine: Final = engine
        self._charts: tuple[str, ...] = ()
        self._process: _Process | None = None
        self._state = _NOTHING
        self._fault = ""
        self._counted = 0
        """Rows that earlier publishers published."""
        self._start_at_ns: int | None = 0
        self._pause_ns = AGAIN_NS[0]

    def follow(self, charts: Sequence[str]) -> None:
        """Publish these charts from now on: their segments, in chart order."""
        self._charts = tuple(charts)
        self._tell()

    def configure(self, settings: AggregationSettings) -> None:
        """Describe the charts with changed settings from now on."""
        self._settings = msgspec.to_builtins(settings)
        self._tell()

    def _tell(self) -> None:
        if self._process is not None and self._charts:
            line = ChartsLine(engine=self._engine, charts=self._charts, settings=self._settings)
            self._process.tell(encode(line))

    def poll(self, row: np.void) -> None:
        """Start the publisher if it is not running, and put its state into a STATUS row. Never blocks."""
        if self._start_at_ns is not None and self._clock.monotonic_ns() >= self._start_at_ns:
            self._start()
        if self._process is not None:
            has_ended = self._process.process.poll() is not None
            if state := self._process.newest():
                self._state = state
                if state.is_connected:
                    self._fault, self._pause_ns = "", AGAIN_NS[0]
            if has_ended:
                self._bury(self._process)
        state = self._state
        row["is_publishing"], row["on_bus"], row["leases"] = 1, state.is_connected, state.leads
        row["published"], row["unpublished"] = self._counted + state.published, state.waiting

    @property
    def message(self) -> str:
        """What is wrong, one line; "" if nothing is."""
        return self._fault or self._state.message

    def _start(self) -> None:
        self._start_at_ns = None
        try:
            self._process = _Process(self._command, self._spec)
        except OSError as error:
            self._again(f"bus: the publisher cannot be started: {error}")
            return
        self._tell()

    def _bury(self, process: _Process) -> None:
        words = process.last_words()
        end = describe_end(process.process.returncode)
        process.end()
        process.close()
        self._process = None
        self._again(f"bus: the publisher {end}{f': {words}' if words else ''}; it is started again")

    def _again(self, fault: str) -> None:
        get_logger("engine").error("no publisher", extra={"reason": fault})
        self._fault, self._counted = fault, self._counted + self._state.published
        self._state = _NOTHING
        self._start_at_ns = self._clock.monotonic_ns() + self._pause_ns
        self._pause_ns = min(2 * self._pause_ns, AGAIN_NS[1])

    def close(self) -> None:
        """Publish what is left, for a few seconds at most, and end the publisher. Idempotent."""
        self._start_at_ns = None
        if self._process is None:
            return
        self._process.tell(encode(StopLine()))
        self._process.end()
        self._state = self._process.newest() or self._state
        self._process.close()
        self._process = None

    def lost(self) -> str:
        """Return what was not published, and why, one line; "" if everything was. Call it after `close`."""
        if not self._state.waiting:
            return ""
        reason = self._state.message.partition(";")[0].removeprefix("bus: ") or "the bus does not respond"
        return f"{self._state.waiting:,} rows are not on the bus: {reason}; the next start publishes them"
