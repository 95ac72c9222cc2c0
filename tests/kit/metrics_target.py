"""A server for Prometheus to scrape: two real workers, with tokens and TLS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flow_gl.core.clock import SYSTEM
from flow_gl.core.schema import FeedState
from flow_gl.server.security import token_file
from tests.kit.certificates import make_certificate
from tests.kit.served_process import serve_market

BEAT_S = 0.2


@dataclass(frozen=True)
class Target:
    address: str
    token: str
    scrape: tuple[str, ...]
    """Lines for Prometheus's scrape configuration."""


@contextmanager
def metrics_target(folder: Path) -> Iterator[Target]:
    """Run the server, with an engine that is live, until the block ends."""
    tokens = folder / "tokens.json"
    token = token_file.create(tokens, name="prometheus", scopes=("metrics",), wall_ns=SYSTEM.wall_ns())
    made = make_certificate(folder / "tls", days=60)
    with serve_market(workers=2, tokens=str(tokens), tls_cert=str(made.cert), tls_key=str(made.key)) as served:
        is_over = threading.Event()

        def beat() -> None:
            status = served.status
            status["state"], status["dataset"], status["source"], status["rate"] = (
                FeedState.LIVE,
                "GLBX.MDP3",
                "test",
                1,
            )
            while not is_over.wait(BEAT_S):
                now = SYSTEM.wall_ns()
                status["heartbeat"] = status["anchor_wall"] = now
                status["anchor_event"] = served.market.now_ns
                status["trades"] += 10
                served.engine.status.write(status)
                served.poll()

        beating = threading.Thread(target=beat)
        beating.start()
        try:
            scrape = ("scheme: https", f"tls_config: {{ca_file: '{made.cert}'}}")
            yield Target(f"localhost:{served.workers.port}", token, scrape)
        finally:
            is_over.set()
            beating.join()
