"""The HTTP endpoints for operators: /healthz, /readyz and /metrics."""

from typing import Final

from aiohttp import web

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.server.metrics.exposition import Exposition
from flow_gl.server.metrics.health import readiness
from flow_gl.server.metrics.store_metrics import Store
from flow_gl.server.security.admission import Admission, Refusal
from flow_gl.server.security.http import refused

_FRESH: Final = {"Cache-Control": "no-store"}


class Operations:
    """The handlers of one worker.

    /healthz and /readyz are open to all, because they reveal no market data. /metrics requires a token with the scope
    metrics if the server has tokens.

    Parameters
    ----------
    store : the engine's readers
    exposition : the content of a scrape
    admission : the server's rules; None if no token is required
    """

    def __init__(
        self, store: Store, exposition: Exposition, admission: Admission | None = None, *, clock: Clock = SYSTEM
    ) -> None:
        self._store: Final = store
        self._exposition: Final = exposition
        self._admission: Final = admission
        self._clock: Final = clock
        self.is_ending = False
        """Set when the server is stopping, so that load balancers send no new clients."""

    def add_routes(self, app: web.Application) -> None:
        """Add the three paths."""
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)

    async def health(self, _request: web.Request) -> web.Response:
        """Report that the process responds. Nothing else is checked, because a restart would fix nothing else."""
        return web.json_response({"status": "ok"}, headers=_FRESH)

    async def ready(self, _request: web.Request) -> web.Response:
        """Return 200 if the numbers are fresh, otherwise 503, with the reason in both cases."""
        found = readiness(self._store, self._clock.wall_ns())
        is_ready = found.is_ready and not self.is_ending
        reason = "the server is ending" if self.is_ending else found.reason
        return web.json_response({"ready": is_ready, "reason": reason}, status=200 if is_ready else 503, headers=_FRESH)

    async def metrics(self, request: web.Request) -> web.Response:
        """Return the metrics."""
        if self._admission is not None and (refusal := _may_scrape(self._admission, request)) is not None:
            return refused(refusal)
        body, content_type = self._exposition.page(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={**_FRESH, "Content-Type": content_type})


def _may_scrape(admission: Admission, request: web.Request) -> Refusal | None:
    found = admission.identify(request.headers, address=request.remote or "")
    if isinstance(found, Refusal):
        return found
    if found is None:
        return Refusal(401, "unauthenticated", "a token is needed", "send it as Authorization: Bearer")
    if found.may("metrics"):
        return None
    return Refusal(403, "forbidden", "this token does not have the scope metrics", "use a token with --scopes metrics")
