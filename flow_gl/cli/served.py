"""Runs an engine together with a server: the link to the engine, and the server's workers beside it."""

import sys
import time
from contextlib import closing
from importlib.util import find_spec
from typing import Any, Final

import msgspec

from flow_gl.cli import draw
from flow_gl.cli.options import Drawing, Serving
from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import Command, Configure, Play, Seek, SetSpeed, Step
from flow_gl.core.errors import FeedError, FlowError, UsageError
from flow_gl.core.log import start_log
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import AggregationSettings, Settings, merge
from flow_gl.core.spec import BusSpec, EngineSpec, RemoteSpec
from flow_gl.core.stderr import print_message
from flow_gl.core.system.environment import check_compiler
from flow_gl.core.system.packages import install_advice
from flow_gl.server.spec import CommandLine, EngineLine, WorkerSpec
from flow_gl.server.workers import Workers
from flow_gl.store.market import EngineReader
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink

POLL_S: Final = 0.02
"""How often an engine without a window is polled."""
_RUNNING: Final = frozenset({FeedState.LIVE, FeedState.REPLAY, FeedState.DEMO, FeedState.ENDED, FeedState.CLOSED})
_PACKAGES: Final = ("aiohttp", "limits", "prometheus_client")


class ServedLink(EngineLink):
    """A link to an engine that also informs the server's workers, and forwards their clients' commands."""

    workers: Workers | None = None
    is_needed = True
    """Whether the program ends if the server fails; otherwise it says so and continues without it."""
    _hello = ""
    """Printed once, when the workers are listening."""

    def serve(self, workers: Workers, spec: EngineSpec, serving: Serving, *, is_needed: bool) -> None:
        """Start serving."""
        self.workers, self.is_needed = workers, is_needed
        address = _address_of(serving, workers.port)
        self._hello = f"metrics at {address}/metrics" if workers.only_metrics else f"serving at {address}"
        self._epochs: dict[str, int] = {}
        self._aggregation = spec.aggregation
        self._shown_settings: tuple[AggregationSettings, dict[str, Any]] | None = None
        self._sent: tuple[object, ...] = ()

    def poll(self) -> LinkState:
        """Update the fields and poll the workers, without blocking. Raises FlowError if the server has failed."""
        state = super().poll()
        if self.workers is None:
            return state
        try:
            # In a window this runs on every frame, so the line is built only when something changed.
            current = (state, self.message, self.generation, len(self.markets), self.engine, self._settings)
            if current != self._sent:
                self._sent = current
                self.workers.send(self._line())
            for line in self.workers.poll():
                super().send(command_of(line))
            if self._hello and self.workers.is_ready:
                print_message(self._hello)
                self._hello = ""
        except FlowError as error:
            if self.is_needed:
                raise
            print_message(f"error: {error}; the chart continues without the server")
            self.workers.close()
            self.workers = None
        return state

    def send(self, command: Command) -> None:
        """Send a command to the engine, and tell clients about changed settings."""
        super().send(command)
        if self.workers is not None and isinstance(command, Configure):
            self._aggregation = merge(self._aggregation, command.changes)

    def close(self) -> None:
        """Stop the server, then the engine."""
        if self.workers is not None:
            self.workers.close()
            self.workers = None
        super().close()

    @property
    def _keeps_all(self) -> bool:
        return super()._keeps_all or (self.workers is not None and not self.workers.only_metrics)

    @property
    def _settings(self) -> dict[str, Any]:
        """The settings that the numbers depend on: the engine's own, or those of a remote one."""
        if self._shown_settings is None or self._shown_settings[0] is not self._aggregation:
            self._shown_settings = self._aggregation, msgspec.to_builtins(self._aggregation)
        return self.remote_settings or self._shown_settings[1]

    def _line(self) -> EngineLine:
        charts = []
        for market in self.markets:
            name = market.store.name
            if name not in self._epochs:
                # A number that no earlier run has used, in this or any other process.
                now_ms = SYSTEM.wall_ns() // 1_000_000
                self._epochs[name] = max([now_ms, *(epoch + 1 for epoch in self._epochs.values())])
            charts.append((name, self._epochs[name]))
        return EngineLine(
            state=self.state.value,
            message=self.message,
            engine=self.engine.name if self.engine else "",
            charts=tuple(charts),
            settings=self._settings,
        )


def command_of(line: CommandLine) -> Command:
    """Return the engine's command of a client's, which the server has checked."""
    match line.name:
        case "seek":
            return Seek(int(line.value or 0))
        case "play" | "pause":
            return Play(is_playing=line.name == "play")
        case "step":
            return Step(line.to, 1 if line.value == 1 else -1, line.chart, line.level)  # type: ignore[arg-type]
    return SetSpeed(line.value)


def serve(feed: draw.AnyFeed, settings: Settings, serving: Serving, drawing: Drawing) -> int:
    """Serve a feed without a window until interrupted, or for a given time. Raises FlowError."""
    check_compiler()
    start_log("serve", level=settings.log_level, is_verbose=drawing.debug)
    workers = start_workers(serving, feed, settings, drawing)
    with closing(workers):
        spec = draw.engine_spec(feed, settings, drawing, draw.kept_rules(drawing))
        link = ServedLink.start(spec, environment=draw.engine_environment(feed, settings))
        with closing(link):
            link.serve(workers, spec, serving, is_needed=True)
            _run(link, drawing.duration, is_remote=isinstance(feed, RemoteSpec | BusSpec))
    if link.exit_code:
        raise draw.EngineError(link.message, link.exit_code)
    return 0


def _run(link: ServedLink, duration_s: float | None, *, is_remote: bool) -> None:
    end_s = None if duration_s is None else time.monotonic() + duration_s
    reported = ""
    while end_s is None or time.monotonic() < end_s:
        if link.poll() is LinkState.FAILED:
            raise draw.EngineError(link.message, link.exit_code)
        if is_remote and link.engine is not None:
            reported = _report_trouble(link.engine, reported)
        time.sleep(POLL_S)


def _report_trouble(engine: EngineReader, reported: str) -> str:
    """Say why charts from elsewhere do not arrive, each reason once. Raises FeedError if trying again does not help.

    Parameters
    ----------
    reported : the reason reported last; "" for none

    Returns
    -------
    reported : the reason now
    """
    engine.refresh()
    state, message = FeedState(int(engine.status["state"])), engine.text("message")
    if state is FeedState.FAILED:
        raise FeedError(message)
    if state is FeedState.RECONNECTING:
        if message != reported:
            print_message(f"{message}; retrying")
        return message
    return "" if state in _RUNNING else reported


def _address_of(serving: Serving, port: int) -> str:
    """Return the address to open in a browser."""
    scheme = "https" if serving.tls_cert else "http"
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    return f"{scheme}://{host}:{port}"


def start_workers(serving: Serving, feed: draw.AnyFeed, settings: Settings, drawing: Drawing) -> Workers:
    """Check the server's flags and start its workers. Raises FlowError."""
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise UsageError(f"the server needs {package}, which is not installed: {install_advice('serve')}")
    from flow_gl.server.security.binding import check_binding, is_loopback
    from flow_gl.server.security.limits import parse_limits
    from flow_gl.server.security.origins import parse_origin
    from flow_gl.server.security.token_file import default_path

    if serving.workers > 1 and sys.platform != "linux":
        raise UsageError("--workers: only Linux shares a port between processes: use 1")
    if (serving.tls_cert is None) != (serving.tls_key is None):
        raise UsageError("--tls-cert and --tls-key belong together: give both")
    tokens = serving.tokens or (default_path() if default_path().exists() else None)
    check_binding(
        serving.host,
        has_tokens=tokens is not None,
        has_tls=serving.tls_cert is not None,
        is_insecure=serving.insecure,
    )
    if tokens is not None:
        from flow_gl.server.security.token_file import read

        read(tokens)
    if serving.tls_cert is not None and serving.tls_key is not None:
        from flow_gl.server.security.tls import Certificate

        Certificate(serving.tls_cert, serving.tls_key)
    spec = WorkerSpec(
        host=serving.host,
        port=serving.port,
        workers=serving.workers,
        only_metrics=not drawing.serve and drawing.metrics is not None,
        feed=type(feed).command,
        threshold=THRESHOLD if settings.threshold is None else settings.threshold,
        tokens=str(tokens.absolute()) if tokens else None,
        tls_cert=str(serving.tls_cert.absolute()) if serving.tls_cert else None,
        tls_key=str(serving.tls_key.absolute()) if serving.tls_key else None,
        origins=tuple(parse_origin(text) for text in serving.origin or ()),
        is_local_only=is_loopback(serving.host),
        limits=parse_limits(serving.limit or ()),
        log_level=settings.log_level,
        debug=drawing.debug,
    )
    return Workers(spec)
