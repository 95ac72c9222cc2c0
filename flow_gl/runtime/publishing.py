"""The engine's side of the bus: starts the publisher's process, sends it the charts, and reports its state.

The publisher (`services.bus`) reads the stores by itself. It ends with the engine: a killed engine closes its standard
input, and it then releases its leases, so another engine takes over at once. If it dies, it is started again.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import numpy as np

from flow_gl.core.clock import Clock
from flow_gl.core.log import get_logger
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import LOGIN_VARIABLE, EngineSpec, environment_for
from flow_gl.core.system import children
from flow_gl.core.system.platform.line_process import LineProcess
from flow_gl.core.system.platform.processes import describe_end
from flow_gl.services.bus.lines import ChartsLine, PublisherSpec, StateLine, StopLine, decode_state, encode

COMMAND: Final = children.command("flow_gl.services.bus")
END_S: Final = 4.0
"""How long the publisher may take to publish the last rows and to end."""
AGAIN_NS: Final = (1_000_000_000, 30_000_000_000)
"""Shortest and longest time until a publisher that died is started again."""
_NOTHING: Final = StateLine(is_connected=False, leads=0, published=0, waiting=0, message="")


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
        self._process: LineProcess | None = None
        self._state = _NOTHING
        self._fault = ""
        self._counted = 0
        """Rows that earlier publishers published."""
        self._start_at_ns: int | None = 0
        self._pause_ns = AGAIN_NS[0]

    def follow(self, charts: Sequence[str]) -> None:
        """Publish these charts from now on: their segments, in chart order."""
        self._charts = tuple(charts)
        self._send_charts()

    def configure(self, settings: AggregationSettings) -> None:
        """Describe the charts with changed settings from now on."""
        self._settings = msgspec.to_builtins(settings)
        self._send_charts()

    def _send_charts(self) -> None:
        if self._process is not None and self._charts:
            line = ChartsLine(engine=self._engine, charts=self._charts, settings=self._settings)
            self._send(self._process, encode(line))

    def poll(self, row: np.void) -> None:
        """Start the publisher if it is not running, and put its state into a STATUS row. Never blocks."""
        if self._start_at_ns is not None and self._clock.monotonic_ns() >= self._start_at_ns:
            self._start()
        if self._process is not None:
            has_ended = self._process.has_ended
            if self._take_state(self._process) and self._state.is_connected:
                self._fault, self._pause_ns = "", AGAIN_NS[0]
            if has_ended:
                self._handle_exit(self._process)
        state = self._state
        row["is_publishing"], row["on_bus"], row["leases"] = 1, state.is_connected, state.leads
        row["published"], row["unpublished"] = self._counted + state.published, state.waiting

    @property
    def message(self) -> str:
        """The current problem, one line; "" if there is none."""
        return self._fault or self._state.message

    def _start(self) -> None:
        self._start_at_ns = None
        try:
            self._process = LineProcess(self._command, environment=environment_for(LOGIN_VARIABLE), name="publisher")
        except OSError as error:
            self._again(f"bus: the publisher cannot be started: {error}")
            return
        self._send(self._process, encode(self._spec))
        self._send_charts()

    def _send(self, process: LineProcess, line: bytes) -> None:
        if not process.send(line):
            get_logger("engine").warning("a line to the publisher was dropped")

    def _take_state(self, process: LineProcess) -> bool:
        """Take the newest state that the publisher has reported since the last call; return whether there is one."""
        for line in reversed(process.lines()):
            with suppress(msgspec.MsgspecError):
                self._state = decode_state(line)
                return True
        return False

    def _handle_exit(self, process: LineProcess) -> None:
        words = process.last_words()
        end = describe_end(process.process.returncode)
        process.end(END_S)
        process.close()
        self._process = None
        self._again(f"bus: the publisher {end}{f': {words}' if words else ''}; restarting it")

    def _again(self, fault: str) -> None:
        get_logger("engine").error("no publisher", extra={"reason": fault})
        self._fault, self._counted = fault, self._counted + self._state.published
        self._state = _NOTHING
        self._start_at_ns = self._clock.monotonic_ns() + self._pause_ns
        self._pause_ns = min(2 * self._pause_ns, AGAIN_NS[1])

    def close(self) -> None:
        """Publish the remaining rows, for a few seconds at most, and end the publisher. Idempotent."""
        self._start_at_ns = None
        if self._process is None:
            return
        self._send(self._process, encode(StopLine()))
        self._process.end(END_S)
        self._take_state(self._process)
        self._process.close()
        self._process = None

    def lost(self) -> str:
        """Return which rows were not published, and why, one line; "" if all were. Call it after `close`."""
        if not self._state.waiting:
            return ""
        reason = self._state.message.partition(";")[0].removeprefix("bus: ") or "the bus does not respond"
        return f"{self._state.waiting:,} rows are not on the bus: {reason}; the next start publishes them"
