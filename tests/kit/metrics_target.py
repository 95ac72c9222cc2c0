"""A server for Prometheus to scrape: the real handlers over a local store, with token and TLS."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from flow_gl.core.clock import SYSTEM
from flow_gl.server.metrics.counts import CountsBoard, WorkerCounts
from flow_gl.server.metrics.exposition import Exposition
from flow_gl.server.metrics.http import Operations
from flow_gl.server.security import token_file
from flow_gl.server.security.admission import Admission
from flow_gl.server.security.limits import Limits
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.tls import Certificate
from flow_gl.server.security.tokens import Tokens
from tests.kit.certificates import make_certificate
from tests.kit.local_link import LocalLink


@dataclass(frozen=True)
class Target:
    address: str
    token: str
    scrape: tuple[str, ...]
    """Lines for Prometheus's scrape configuration."""


@contextmanager
def metrics_target(folder: Path) -> Iterator[Target]:
    path = folder / "tokens.json"
    token = token_file.create(path, name="prometheus", scopes=("metrics",), wall_ns=SYSTEM.wall_ns())
    made = make_certificate(folder / "tls", days=60)
    certificate = Certificate(made.cert, made.key)
    link = LocalLink("NQZ5", "ESZ5", wall_ns=SYSTEM.wall_ns())
    board = CountsBoard.local()
    counts = WorkerCounts(board, 0, pid=1)
    exposition = Exposition(link, board, certificate_expires_ns=lambda: certificate.expires_ns)
    admission = Admission(tokens=Tokens(path), limits=Limits(), origins=Origins(is_local_only=True))
    loop, ports = asyncio.new_event_loop(), list[int]()
    listening = threading.Event()

    async def serve() -> None:
        app = web.Application()
        Operations(link, exposition, admission).add_routes(app)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.context).start()
        ports.append(runner.addresses[0][1])
        listening.set()
        try:
            while True:
                link.beat(SYSTEM.wall_ns())
                counts.publish()
                await asyncio.sleep(0.2)
        finally:
            await runner.cleanup()

    task = loop.create_task(serve())

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert listening.wait(10)
    scrape = ("scheme: https", f"tls_config: {{ca_file: '{made.cert}'}}")
    try:
        yield Target(f"localhost:{ports[0]}", token, scrape)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
