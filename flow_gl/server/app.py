"""The WebSocket at /ws: admits clients and handles their messages. The hub does everything else."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

import msgspec
from aiohttp import WSMessage, WSMsgType, web
from aiohttp.typedefs import Middleware

from flow_gl.core.log import get_logger
from flow_gl.core.units import SECOND_NS
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.kinds import DEFAULT_KINDS, KIND_OF_NAME, Kind
from flow_gl.protocol.messages import (
    FORMS_OFFERED,
    JSON_FORM,
    MAX_MESSAGE_BYTES,
    PACKED_FORM,
    VERSION,
    Authenticate,
    Command,
    Error,
    Subscribe,
    Unsubscribe,
    decode_client,
)
from flow_gl.server.client import Client, Subscription
from flow_gl.server.commands import are_available, check
from flow_gl.server.hub import Hub
from flow_gl.server.security.admission import Admission, ClientGuard, Refusal
from flow_gl.server.security.http import refused
from flow_gl.server.security.tokens import Identity
from flow_gl.server.spec import CommandLine

SEND_BUFFER: Final = 128 * 1024
"""Send buffer of a socket, bytes: small, so that a slow client is noticed before megabytes are buffered for it."""
PING_S: Final = 20.0
"""A client that has sent nothing for this long is pinged."""
VALID_S: Final = 5.0
"""How often the tokens of connected clients are checked."""
POLICY: Final = 1008
"""WebSocket close code for a violated rule."""
_VERSION_ADVICE: Final = f"this server uses version {VERSION}: update the older of the two programs"


class App:
    """The routes of a worker.

    Parameters
    ----------
    hub : sends data to the clients
    admission : the rules for clients
    feed : demo, replay, live or connect; decides which commands are available
    on_command : called with each authorised command
    """

    def __init__(self, hub: Hub, admission: Admission, *, feed: str, on_command: Callable[[CommandLine], None]) -> None:
        self._hub: Final = hub
        self._admission: Final = admission
        self._feed: Final = feed
        self._on_command: Final = on_command
        self._guards: Final[dict[Client, ClientGuard]] = {}

    def add_routes(self, app: web.Application) -> None:
        """Add /ws."""
        app.router.add_get("/ws", self.websocket)

    async def watch_tokens(self) -> None:
        """Disconnect clients whose token was revoked or has expired, until cancelled."""
        while True:
            await asyncio.sleep(VALID_S)
            for client, guard in list(self._guards.items()):
                if not guard.is_still_valid():
                    error = Error("unauthenticated", "the token was revoked or has expired", "use a valid token")
                    self._hub.end(client, error, POLICY)

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until its connection ends."""
        address = request.remote or ""
        found = self._let_in(request, address)
        if isinstance(found, web.Response):
            return found
        guard, identity = found
        try:
            response = web.WebSocketResponse(
                protocols=FORMS_OFFERED, compress=False, max_msg_size=MAX_MESSAGE_BYTES, heartbeat=PING_S
            )
            try:
                await response.prepare(request)
            except ConnectionError:
                return web.Response()  # the client has gone
            transport = request.transport
            if transport is None:
                return response
            connection = transport.get_extra_info("socket")
            if connection is not None:
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            client = Client(transport, is_packed=response.ws_protocol == PACKED_FORM)
            self._guards[client] = guard
            self._hub.add(client)
            try:
                if identity is not None:
                    guard.identity = identity
                await self._talk(client, response, guard, address)
            finally:
                self._hub.remove(client)
                del self._guards[client]
        finally:
            guard.close()
        return response

    def _let_in(self, request: web.Request, address: str) -> tuple[ClientGuard, Identity | None] | web.Response:
        """Apply the rules for a request before its WebSocket is open."""
        admission = self._admission
        headers = request.headers
        offered = [form.strip() for form in headers.get("Sec-WebSocket-Protocol", "").split(",") if form.strip()]
        if offered and not set(offered) & set(FORMS_OFFERED):
            text = f"unknown subprotocols: {', '.join(offered)[:100]}"
            return _http_error(400, Error("unsupported_version", text, f"offer {PACKED_FORM} or {JSON_FORM}"))
        identity = admission.identify(headers, address=address)
        if isinstance(identity, Refusal):
            return refused(identity)
        guard = admission.open(address)
        return refused(guard) if isinstance(guard, Refusal) else (guard, identity)

    async def _talk(self, client: Client, response: web.WebSocketResponse, guard: ClientGuard, address: str) -> None:
        """Handle a client's messages until the connection ends."""
        if guard.identity is not None and not self._welcome(client, guard):
            return
        while True:
            is_known = guard.identity is not None
            try:
                message = await response.receive(None if is_known else self._admission.limits.handshake_seconds)
            except TimeoutError:
                self._refuse(client, guard.too_slow())
                return
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            self._hub.counts.received_messages += 1
            size = len(message.data) if isinstance(message.data, str | bytes) else 0
            if (refusal := guard.message(size)) is not None:
                if self._refuse(client, refusal):
                    return
            elif not self._take(client, message, guard, address):
                return

    def _take(self, client: Client, message: WSMessage, guard: ClientGuard, address: str) -> bool:
        """Handle a message; return False if the connection has ended."""
        if message.type is not WSMsgType.TEXT:
            return self._wrong(client, "a message must be JSON in a text frame, this one is binary")
        try:
            asked = decode_client(message.data)
        except ProtocolError as error:
            return self._wrong(client, str(error))
        if isinstance(asked, Authenticate):
            return self._authenticate(client, asked, guard)
        if (refusal := guard.may("control" if isinstance(asked, Command) else "read")) is not None:
            return not self._refuse(client, refusal)
        if isinstance(asked, Subscribe):
            return self._subscribe(client, asked, guard)
        if isinstance(asked, Unsubscribe):
            self._unsubscribe(client, asked)
        else:
            self._command(client, asked, guard, address)
        return True

    def _authenticate(self, client: Client, asked: Authenticate, guard: ClientGuard) -> bool:
        if client.is_welcome:
            return self._wrong(client, "this client has already authenticated")
        refusal = guard.authenticate(asked.token)
        return not self._refuse(client, refusal) if refusal else self._welcome(client, guard)

    def _welcome(self, client: Client, guard: ClientGuard) -> bool:
        """Admit an authenticated client to the data; return False if it is not allowed."""
        if (refusal := guard.may("read")) is not None:
            self._hub.end(client, _error(refusal), POLICY)
            return False
        identity = guard.identity
        assert identity is not None
        # If the feed accepts no commands, no client is offered the scope for them.
        useless = set() if are_available(self._feed) else {"control"}
        self._hub.welcome(client, sorted(identity.scopes - useless))
        return True

    def _subscribe(self, client: Client, asked: Subscribe, guard: ClientGuard) -> bool:
        hub = self._hub
        if asked.version != VERSION:
            text = f"the client was written for protocol version {asked.version}"
            hub.end(client, Error("unsupported_version", text, _VERSION_ADVICE), POLICY)
            return False
        chart = hub.charts.find(asked.symbol)
        if chart is None:
            known = ", ".join(one.symbol for one in hub.charts.charts) or "none yet"
            hub.send(client, Error("unknown_symbol", f"there is no symbol {asked.symbol} here", f"symbols: {known}"))
            return True
        levels = len(chart.reader.widths_ns)
        if asked.level >= levels:
            text = f"{chart.symbol} has no level {asked.level}"
            hub.send(client, Error("unknown_level", text, f"levels: 0 to {levels - 1}, see widths_ns of Connected"))
            return True
        names = DEFAULT_KINDS if asked.kinds is None else asked.kinds
        if unknown := [name for name in names if name not in KIND_OF_NAME]:
            text = f"there is no kind {', '.join(unknown)}"
            hub.send(client, Error("unknown_kind", text, f"kinds: {', '.join(KIND_OF_NAME)}"))
            return True
        subscription = Subscription(
            chart=chart.index,
            level=asked.level,
            kinds=_kinds(tuple(names)),
            span_ns=None if asked.span_s is None else int(asked.span_s * SECOND_NS),
        )
        after = client.keys_of([*client.subscriptions.values(), subscription])
        if refusal := guard.subscriptions(len(after)) or guard.snapshot():
            return not self._refuse(client, refusal)
        hub.subscribe(client, subscription, asked.positions)
        return True

    def _unsubscribe(self, client: Client, asked: Unsubscribe) -> None:
        chart = self._hub.charts.find(asked.symbol)
        if chart is None or not self._hub.unsubscribe(client, chart.index, asked.level):
            text = f"there is no subscription to {asked.symbol} at level {asked.level}"
            self._hub.send(client, Error("not_subscribed", text, "subscribe first"))

    def _command(self, client: Client, asked: Command, guard: ClientGuard, address: str) -> None:
        error = check(asked, self._feed, self._hub.charts)
        if error is None:
            identity = guard.identity
            who = identity.name if identity else ""
            get_logger("server").info(
                "command",
                extra={
                    "command": asked.name,
                    "value": asked.value,
                    "to": asked.to or "",
                    "who": who,
                    "address": address,
                },
            )
            self._hub.counts.commands += 1
            chart = self._hub.charts.find(asked.symbol) if asked.symbol else None
            self._on_command(
                CommandLine(
                    asked.name,
                    asked.value,
                    who,
                    address,
                    to=asked.to or "",
                    chart=chart.index if chart else 0,
                    level=asked.level,
                )
            )
            return
        self._hub.send(client, error)

    def _wrong(self, client: Client, text: str) -> bool:
        self._hub.send(client, Error("bad_message", text, "see docs/protocol.md"))
        return True

    def _refuse(self, client: Client, refusal: Refusal) -> bool:
        """Tell a client why it was refused; return whether the connection has ended."""
        if refusal.closes:
            self._hub.end(client, _error(refusal), POLICY)
        else:
            self._hub.send(client, _error(refusal))
        return refusal.closes


def make_app(
    routes: Sequence[Callable[[web.Application], None]], middlewares: Sequence[Middleware] = ()
) -> web.Application:
    """Make the application from objects that add their routes."""
    app = web.Application(middlewares=middlewares)
    for add_routes in routes:
        add_routes(app)
    return app


@lru_cache(maxsize=256)
def _kinds(names: tuple[str, ...]) -> frozenset[Kind]:
    """Return the kinds with these names, as one shared set for equal requests."""
    return frozenset(KIND_OF_NAME[name] for name in names)


def _error(refusal: Refusal) -> Error:
    return Error(refusal.code, refusal.text, refusal.advice)


def _http_error(status: int, error: Error) -> web.Response:
    return web.Response(body=msgspec.json.encode(error), status=status, content_type="application/json")
