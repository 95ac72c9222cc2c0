"""Keeps a WebSocket to a server open: connects, subscribes, and reconnects with back-off.

A server sends its status every second, so a connection without a message for three seconds is considered dead. A new
connection sends the positions reached so far, and the server sends the missing rows. After an error that retrying
cannot fix (a wrong token, another protocol version), it does not retry until the user asks.
"""

import asyncio
import os
import ssl
from collections.abc import Iterable
from typing import Final

import aiohttp

from flow_gl.core.errors import FeedError, FlowError
from flow_gl.core.log import get_logger, masked
from flow_gl.core.outside import plain
from flow_gl.core.spec import RemoteSpec
from flow_gl.core.system.tasks import end_if_cancelled
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.messages import (
    PACKED_FORM,
    Authenticate,
    Connected,
    Error,
    ServerMessage,
    Status,
    Subscribe,
    encode,
)
from flow_gl.protocol.messages import Command as ServerCommand
from flow_gl.protocol.receiver import Receiver
from flow_gl.runtime.remote.backoff import Backoff
from flow_gl.runtime.remote.charts import KINDS, LEVEL_KINDS
from flow_gl.runtime.remote.listener import Listener
from flow_gl.runtime.remote.tls import client_context

SILENT_S: Final = 3.0
"""A connection without a message for this long is dead."""
HANDSHAKE_S: Final = 10.0
_LARGEST_FRAME: Final = 64 << 20
_FINAL_CODES: Final = frozenset({"unauthenticated", "unsupported_version", "origin", "token_in_url"})
_FINAL_STATUS: Final = {
    400: "it does not speak this program's protocol: update the older of the two",
    401: "it refused the token",
    403: "it does not allow this client",
    404: "there is no flow_gl server at this address",
}


class _LostError(Exception):
    """The connection was lost; another attempt may succeed."""


class Connection:
    """One server.

    Parameters
    ----------
    spec : its address
    token : access token; "" for none
    listener : receives everything that arrives
    """

    def __init__(self, spec: RemoteSpec, token: str, listener: Listener) -> None:
        self._spec: Final = spec
        self._token: Final = token
        self._listener: Final = listener
        self._receiver = Receiver()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._may_try: Final = asyncio.Event()
        self._is_connected = False
        self._subscribed: Final[set[str]] = set()
        self._refusal: Error | None = None

    def retry(self) -> None:
        """End the wait before the next attempt."""
        self._may_try.set()

    def add(self, symbol: str) -> str:
        """Return why no chart can be added: all that the server has are shown."""
        return f"{symbol}: the server does not have it"

    async def send(self, command: ServerCommand) -> str:
        """Send a command. Returns why it could not be sent, "" if it was."""
        socket = self._socket
        if socket is None or socket.closed:
            return "not connected"
        try:
            await socket.send_str(encode(command).decode())
        except (aiohttp.ClientError, OSError):
            return "not connected"
        return ""

    async def run(self) -> None:
        """Connect and reconnect until cancelled. Raises DataError if the certificate file cannot be used."""
        context = client_context(self._spec)
        log, loop, backoff = get_logger("remote"), asyncio.get_running_loop(), Backoff()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            while True:
                end_if_cancelled()
                began = loop.time()
                self._is_connected, self._refusal = False, None
                self._subscribed.clear()
                self._may_try.clear()
                try:
                    await self._attend(session, context)
                except FlowError as error:
                    if self._is_connected and isinstance(error, ProtocolError):
                        # Rows are missing, so nothing received so far can be trusted to be complete.
                        self._receiver = Receiver()
                    elif isinstance(error, ProtocolError) or self._is_final():
                        self._listener.stopped(str(error))
                        await self._may_try.wait()
                        continue
                    reason = str(error)
                except (_LostError, aiohttp.ClientError, OSError, TimeoutError) as error:
                    reason = _reason(error)
                finally:
                    self._socket = None
                delay_s = backoff.next(loop.time() - began)
                attempt = backoff.attempt
                log.warning("connection lost", extra={"reason": reason, "attempt": attempt, "delay_s": delay_s})
                self._listener.lost(reason, attempt, delay_s)
                try:
                    await asyncio.wait_for(self._may_try.wait(), delay_s)
                except TimeoutError:
                    continue

    def _is_final(self) -> bool:
        return self._refusal is not None and self._refusal.code in _FINAL_CODES

    async def _attend(self, session: aiohttp.ClientSession, context: ssl.SSLContext | bool) -> None:
        """Run one connection until it ends. Always raises the error that ended it."""
        async with asyncio.timeout(HANDSHAKE_S):
            try:
                socket = await session.ws_connect(
                    self._spec.url,
                    protocols=(PACKED_FORM,),
                    max_msg_size=_LARGEST_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                    ssl=context,
                )
            except aiohttp.WSServerHandshakeError as error:
                why = _FINAL_STATUS.get(error.status)
                if why is None:
                    raise
                self._refusal = Error("unauthenticated", why, "")
                raise FeedError(f"{self._spec.url}: {why} (HTTP {error.status})") from None
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if isinstance(error, aiohttp.ClientConnectorError) or not self._spec.url.startswith("ws:"):
                    raise
                raise _LostError(
                    "the server closed the connection; if it uses TLS, its address begins with wss://"
                ) from None
        async with socket:
            self._socket = socket
            if socket.protocol != PACKED_FORM:
                raise ProtocolError(f"{self._spec.url}: expected a server that speaks {PACKED_FORM}, got another one")
            if self._spec.url.startswith("wss:") and socket.get_extra_info("ssl_object") is None:
                self._refusal = Error("origin", "the server redirects to a connection without TLS", "")
                raise FeedError(f"{self._spec.url}: the server redirects to a connection without TLS")
            if self._token:
                await socket.send_str(encode(Authenticate(self._token)).decode())
            while True:
                await self._receive(socket)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            # Checking a token may take the server a while. Without one it answers at once, or waits for the token.
            is_quick = self._is_connected or not self._token
            message = await socket.receive(SILENT_S if is_quick else HANDSHAKE_S)
        except TimeoutError:
            advice = "" if self._is_connected or self._token else "; if it requires a token, set FLOW_GL_TOKEN"
            raise _LostError(f"the server does not respond{advice}") from None
        if message.type is aiohttp.WSMsgType.BINARY:
            self._listener.rows(self._receiver.binary(message.data))
        elif message.type is aiohttp.WSMsgType.TEXT:
            await self._take_text(socket, self._receiver.text(message.data))
        elif message.type is aiohttp.WSMsgType.ERROR:
            raise _LostError(str(socket.exception() or "the connection broke"))
        else:  # the server closes the connection, or has closed it
            if self._refusal is not None and self._refusal.code != "going_away":
                raise FeedError(f"{self._spec.url}: {_line(self._refusal)}")
            raise _LostError(_line(self._refusal) if self._refusal else "the server closed the connection")

    async def _take_text(self, socket: aiohttp.ClientWebSocketResponse, message: ServerMessage) -> None:
        match message:
            case Connected():
                self._is_connected = True
                self._listener.connected(message)
                for request in self._requests(message):
                    await socket.send_str(encode(self._receiver.resume(request)).decode())
            case Status():
                self._refusal = None  # the refusal did not end the connection
                self._listener.status(message)
            case Error():
                self._refusal = message
                get_logger("remote").warning("refused", extra={"code": message.code, "text": message.text})
                self._listener.refused(message)

    def _requests(self, message: Connected) -> Iterable[Subscribe]:
        """Return subscriptions for the instruments to which this connection is not subscribed yet."""
        for instrument in message.instruments:
            if instrument.symbol in self._subscribed:
                continue
            self._subscribed.add(instrument.symbol)
            for level in range(len(instrument.widths_ns)):
                yield Subscribe(instrument.symbol, level, kinds=LEVEL_KINDS if level else KINDS)


def _line(refusal: Error) -> str:
    return plain(masked(f"{refusal.text}; {refusal.advice}" if refusal.advice else refusal.text), 300)


def _reason(error: Exception) -> str:
    """Return why a connection broke, one line."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
        return f"the server's certificate is not trusted: {why}; give its authority's certificate with --ca"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "no TLS connection: the server may not use TLS (then use ws://), or they share no version of it"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return f"no connection: {os.strerror(number) if number and number > 0 else error.os_error}"
    return plain(masked(str(error) or type(error).__name__), 300)
