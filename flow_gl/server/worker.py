"""A worker: an event loop that serves clients from the stores. Its parent informs it about the engine."""

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from flow_gl import __version__
from flow_gl.core.errors import FlowError
from flow_gl.core.log import get_logger
from flow_gl.core.system import parent
from flow_gl.protocol.messages import Error
from flow_gl.server.address import describe_bind
from flow_gl.server.app import App, make_app
from flow_gl.server.charts import Charts
from flow_gl.server.http_log import http_logger
from flow_gl.server.hub import Hub
from flow_gl.server.metrics.counts import CountsBoard, WorkerCounts
from flow_gl.server.metrics.exposition import Exposition
from flow_gl.server.metrics.http import Operations
from flow_gl.server.pace import POLL_S, Pace
from flow_gl.server.page import Page, load
from flow_gl.server.security.admission import Admission
from flow_gl.server.security.handshakes import HandshakeWatch, Site
from flow_gl.server.security.http import rules
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.tls import Certificate
from flow_gl.server.security.tokens import Tokens
from flow_gl.server.spec import (
    CommandLine,
    EngineLine,
    Ready,
    StopLine,
    WorkerLine,
    WorkerSpec,
    decode_parent,
    encode,
)

PUBLISH_S: Final = 1.0
"""How often the counts are published."""
BACKLOG: Final = 1024
"""Listen backlog: after a restart, all clients reconnect at once."""
NICENESS: Final = 5
"""Lower than the engine and a window: if cores are scarce, clients wait and the engine does not."""
_GOING_AWAY: Final = Error("going_away", "the server is stopping", "connect again in a few seconds")


class Worker:
    """The parts of a worker. Raises FlowError if something that the spec names cannot be used."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec: Final = spec
        self._stop: Final = asyncio.Event()
        self._board: Final = (
            CountsBoard.attach(spec.counts, spec.workers) if spec.counts else CountsBoard.local(spec.workers)
        )
        self._counts: Final = WorkerCounts(self._board, spec.number, pid=os.getpid())
        self._admission: Final = Admission(
            tokens=Tokens(Path(spec.tokens)) if spec.tokens else None,
            limits=spec.limits,
            origins=Origins(spec.origins, is_local_only=spec.is_local_only),
        )
        self._certificate: Final = (
            Certificate(Path(spec.tls_cert), Path(spec.tls_key)) if spec.tls_cert and spec.tls_key else None
        )
        self._charts: Final = Charts()
        self._hub: Final = Hub(
            self._charts, counts=self._counts, server=f"flow_gl {__version__}", threshold=spec.threshold
        )
        self._handshakes: Final = HandshakeWatch(spec.limits, self._admission.counts)
        self._app: Final = App(self._hub, self._admission, feed=spec.feed, on_command=self._command)
        expires = (lambda: self._certificate.expires_ns if self._certificate else 0) if self._certificate else None
        exposition = Exposition(self._charts, self._board, certificate_expires_ns=expires)
        self._operations: Final = Operations(self._charts, exposition, self._admission)

    async def run(self) -> None:
        """Serve until the parent asks to stop. Raises FlowError if the port cannot be bound."""
        loop = asyncio.get_running_loop()
        parent.stop_on_signals(loop, self._stop.set)
        runner = web.AppRunner(
            make_app(self._routes(), [self._handshakes.middleware, rules(self._admission)]),
            handle_signals=False,
            access_log=None,
            logger=http_logger(),
            shutdown_timeout=0.5,
        )
        await runner.setup()
        try:
            self._send(Ready(await self._listen(runner)))
            parent.read_lines(loop, self._on_line, at_end=self._stop.set)
            watching = asyncio.create_task(self._app.watch_tokens())
            await self._tick(runner)
            watching.cancel()
            self._operations.is_ending = True
            self._hub.end_all(_GOING_AWAY)
        finally:
            await runner.cleanup()
            self._publish()
            self._charts.close()

    def _routes(self) -> list[Callable[[web.Application], None]]:
        routes: list[Callable[[web.Application], None]] = [self._operations.add_routes]
        if self._spec.only_metrics:
            return routes
        routes.append(self._app.add_routes)
        try:
            # Last, because it matches every other path.
            routes.append(Page(load()).add_routes)
        except FlowError as error:
            get_logger("server").warning("no page", extra={"reason": error})
        return routes

    async def _listen(self, runner: web.AppRunner) -> int:
        """Listen, and return the port. Raises FlowError."""
        spec = self._spec
        context: ssl.SSLContext | None = self._certificate.context if self._certificate else None
        is_shared = spec.workers > 1
        site = Site(
            runner,
            spec.host,
            spec.port,
            ssl_context=context,
            backlog=BACKLOG,
            is_shared=is_shared,
            handshake_s=spec.limits.handshake_seconds,
        )
        try:
            await site.start()
        except OSError as error:
            raise FlowError(describe_bind(error, spec.host, spec.port)) from error
        address = runner.addresses[0]
        return int(address[1])

    async def _tick(self, runner: web.AppRunner) -> None:
        """Tick until stopped."""
        publish_s, pace = 0.0, Pace()
        wait_s = PUBLISH_S if self._spec.only_metrics else POLL_S
        while not self._stop.is_set():
            now_s = time.monotonic()
            if not self._spec.only_metrics and pace.is_due(now_s, has_news=self._hub.has_news):
                pace.ticked(now_s, is_sent=self._hub.tick(now_s))
            if now_s >= publish_s:
                publish_s = now_s + PUBLISH_S
                self._publish()
                if runner.server is not None:
                    self._handshakes.sweep(runner.server, now_s)
                if self._certificate:
                    self._certificate.refresh()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait_s)

    def _publish(self) -> None:
        refused = self._admission.counts
        counts = self._counts
        self._hub.count_bytes()
        counts.auth_failures, counts.rate_limited, counts.refused = (
            refused.auth_failures,
            refused.rate_limited,
            refused.refused,
        )
        counts.publish()

    def _on_line(self, line: bytes) -> None:
        try:
            found = decode_parent(line)
        except msgspec.MsgspecError as error:
            get_logger("server").error("invalid line from the parent", extra={"line": line[:200], "error": error})
            return
        if isinstance(found, StopLine):
            self._stop.set()
        elif isinstance(found, EngineLine):
            self._hub.follow(found)

    def _command(self, line: CommandLine) -> None:
        self._send(line)

    def _send(self, line: WorkerLine) -> None:
        send(line)


def send(line: WorkerLine, write: Callable[[bytes], object] = lambda data: os.write(1, data)) -> None:
    """Write a line to the parent, which may have exited."""
    with suppress(OSError):
        write(encode(line))
