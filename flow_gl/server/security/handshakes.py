"""Closes connections whose TLS handshake hangs or whose first request does not arrive completely.

aiohttp waits indefinitely for the first request of a connection. A client that opens connections and sends a byte now
and then could use up all of the process's file descriptors.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from flow_gl.server.security.admission import Counts
from flow_gl.server.security.limits import Limits

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HandshakeWatch:
    """Watches a server's connections until their first request has arrived.

    Parameters
    ----------
    limits : `handshake_seconds`, and the connection limits, which also apply to connections without a request
    counts : counts the closed connections
    """

    def __init__(self, limits: Limits, counts: Counts) -> None:
        self._limits: Final = limits
        self._counts: Final = counts
        self._served: set[web.RequestHandler] = set()
        self._since: dict[web.RequestHandler, float] = {}

    @property
    def middleware(self) -> Middleware:
        """The application's middleware that records each connection's first request."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._served.add(request.protocol)
            return await handler(request)

        return note

    def sweep(self, server: web.Server, now_s: float) -> None:
        """Close the connections that are too slow. Call about once a second.

        Parameters
        ----------
        server : the runner's server
        now_s : monotonic time, s
        """
        connections = server.connections
        self._served.intersection_update(connections)
        waiting = [one for one in connections if one not in self._served]
        self._since = {one: self._since.get(one, now_s) for one in waiting}
        waiting.sort(key=self._since.__getitem__)
        late = [one for one in waiting if now_s - self._since[one] >= self._limits.handshake_seconds]
        surplus = len(waiting) - self._limits.connections
        for connection in waiting[: max(len(late), surplus)]:
            self._counts.refused += 1
            self._served.add(connection)
            connection.force_close()


class Site(web.BaseSite):
    """A listening socket, like `web.TCPSite`, with a time limit for TLS handshakes."""

    __slots__ = ("_handshake_s", "_host", "_is_shared", "_port")

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None,
        backlog: int,
        is_shared: bool,
        handshake_s: float,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context, backlog=backlog)
        self._host = host
        self._port = port
        self._is_shared = is_shared
        self._handshake_s = handshake_s

    @property
    def name(self) -> str:
        scheme = "https" if self._ssl_context else "http"
        return f"{scheme}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await super().start()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_port=self._is_shared or None,
            ssl_handshake_timeout=self._handshake_s if self._ssl_context else None,
        )
