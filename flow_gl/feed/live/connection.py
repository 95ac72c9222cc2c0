"""One connection to the gateway with the official client: made once, used once, then discarded.

The client runs on the connection's own event loop and thread, so that an attempt can be abandoned at any time without
leaving anything behind. Complete records come out as bytes, through a stream object given to the client whose `write`
appends to a deque; that is all our code does per record. The memory used there and within the client is bounded
(`bounds`).

A second thread manages the connection's lifetime: it connects (a blocking call of the client), waits for the end, keeps
the reason and shuts the loop down. Only `close(wait=True)` waits for it.
"""

import asyncio
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, Any, Final, cast

from flow_gl.feed.live.bounds import BoundedProtocol, Sink
from flow_gl.feed.live.request import Request

if TYPE_CHECKING:
    from databento import Live

_CLOSED_GRACE_S: Final = 0.25
"""How long to wait, after a gateway closed the connection, for its reason to be read."""
_LOOK_S: Final = 0.05


class Phase(Enum):
    """A connection's progress."""

    CONNECTING = auto()
    STREAMING = auto()
    ENDED = auto()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that tracks its transports, and ends a connection that was lost before authentication."""

    def __init__(self, sink: Sink, note: Callable[[str], None]) -> None:
        super().__init__()
        self.transports: Final[list[asyncio.Transport]] = []
        self.is_given_up = False
        self._sink: Final = sink
        self._bounded: BoundedProtocol | None = None
        self._note: Callable[[str], None] | None = note

    async def create_connection(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
        if self.is_given_up:
            raise asyncio.CancelledError

        def make_bounded() -> BoundedProtocol:
            self._bounded = BoundedProtocol(protocol_factory(), self._sink, self._note or _ignore)
            return self._bounded

        transport, bounded = await super().create_connection(make_bounded, *args, **kwargs)
        self.transports.append(transport)
        self._guard_task = self.create_task(self._guard(transport, bounded.inner.authenticated))
        return transport, bounded.inner

    def resume(self) -> None:
        """Resume reading if it was paused because too many records waited. On the loop's thread."""
        if self._bounded is not None:
            self._bounded.resume()

    def forget(self) -> None:
        """Drop all references.

        A closed loop, its connection, the client and its buffers refer to each other in cycles. Python's collector
        runs rarely in the engine, so each reconnection would leave 0.1 MB behind for a long time.
        """
        if self._bounded is not None:
            self._bounded.forget()
        vars(self).clear()
        self._closed = True  # read when the object is deleted, and by threads that finish late

    async def getaddrinfo(self, host: Any, port: Any, **kwargs: Any) -> Any:
        """Resolve a name on a thread that nothing waits for: without a network this may take very long."""
        found: asyncio.Future[Any] = self.create_future()

        def settle(result: Any, error: OSError | None) -> None:
            if found.done():
                return
            if error is None:
                found.set_result(result)
            else:
                found.set_exception(error)

        def look_up() -> None:
            result, error = None, None
            try:
                result = socket.getaddrinfo(host, port, **kwargs)
            except OSError as failure:
                error = failure
            with suppress(RuntimeError):  # the loop may be closed by now
                self.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=look_up, name="flow_gl name lookup", daemon=True).start()
        return await found

    async def _guard(self, transport: asyncio.Transport, authenticated: "asyncio.Future[str | None]") -> None:
        while not authenticated.done():
            if transport.is_closing():
                await asyncio.sleep(_CLOSED_GRACE_S)
                if not authenticated.done():
                    authenticated.set_exception(ConnectionError("Connection to the gateway was closed by it"))
                return
            await asyncio.sleep(_LOOK_S)


class Connection:
    """One session with the gateway.

    Parameters
    ----------
    request : subscriptions and gateway
    key : the API key; it is stored nowhere else and never shown
    """

    def __init__(self, request: Request, *, key: str) -> None:
        self.request: Final = request
        self.failure: str | None = None
        """Why it ended, if the reason is known; None for a clean end."""
        self.is_refusal = False
        """`failure` is the gateway's or client's message about a connection that could not be established."""
        self.was_streaming = False
        self.faults = 0
        """Records that could not be taken from the client and are lost to this connection."""
        self._key = key
        self._phase = Phase.CONNECTING
        self._sink: Final = Sink()
        self._loop: Final = _Loop(self._sink, self._note)
        self._client: Live | None = None
        self._is_closing = False
        self._lock: Final = threading.Lock()
        self._thread: Final = threading.Thread(target=self._live, name="flow_gl connection", daemon=True)

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def waiting(self) -> int:
        """Records that have arrived and are not drained yet."""
        return len(self._sink.chunks)

    @property
    def is_held_up(self) -> bool:
        """Whether reading is paused because the most records that may wait are waiting."""
        return self._sink.is_paused

    @property
    def is_gone(self) -> bool:
        """Whether it has ended completely, including its threads."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def open(self) -> None:
        """Start connecting."""
        self._thread.start()

    def drain(self, limit: int) -> list[bytes]:
        """Take the oldest records, at most `limit`, one bytes object each; metadata is among them."""
        chunks = self._sink.chunks
        take = chunks.popleft
        taken = [take() for _ in range(min(limit, len(chunks)))]
        if self._sink.must_resume:
            with self._lock:
                if not self._is_closing and self._phase is not Phase.ENDED:
                    self._loop.call_soon_threadsafe(self._loop.resume)
        return taken

    def close(self, *, wait: bool = False) -> None:
        """Abandon the connection at once. Idempotent.

        Parameters
        ----------
        wait : wait until its threads have ended (two seconds at most)
        """
        with self._lock:
            if not self._is_closing:
                self._is_closing = True
                if self._phase is not Phase.ENDED:
                    self._loop.call_soon_threadsafe(self._abort)
        if wait and self._thread.ident is not None:
            self._thread.join(2.0)

    def _live(self) -> None:
        looping = threading.Thread(target=self._loop.run_forever, name="flow_gl gateway", daemon=True)
        self._loop.set_exception_handler(self._note_fault_of_loop)
        looping.start()
        try:
            self._connect_and_wait()
        except CancelledError:
            self._note("given up")
        except BaseException as error:  # the supervisor must learn of every error, even of a panic of the decoder
            self.is_refusal = not self.was_streaming and type(error).__name__ in ("BentoError", "ValueError")
            self._note(str(error) or type(error).__name__)
            _clear_frames(error)
        finally:
            self._key = ""
            client, self._client = self._client, None
            if client is not None:
                client.terminate()
            with self._lock:
                self._phase = Phase.ENDED
                self._loop.call_soon_threadsafe(self._loop.stop)
            looping.join()
            self._take_down()
            for part in (getattr(client, "_session", None), client):  # cycles again, see `_Loop.forget`
                if part is not None:
                    vars(part).clear()

    def _connect_and_wait(self) -> None:
        import databento

        quiet = logging.getLogger("databento")
        if not quiet.handlers:
            quiet.addHandler(logging.NullHandler())  # the client's log messages are reported in the status
        request = self.request
        client = self._client = databento.Live(
            key=self._key,
            gateway=request.gateway,
            port=request.port,
            heartbeat_interval_s=request.heartbeat_s,
            reconnect_policy="none",
            slow_reader_behavior="warn",
            compression=databento.Compression.from_str(request.compression),
            loop=self._loop,
        )
        client.add_stream(cast(IO[bytes], self._sink), self._note_fault)
        for subscription in request.subscriptions:
            client.subscribe(
                dataset=request.dataset,
                schema=subscription.schema,
                symbols=list(subscription.symbols),
                stype_in=subscription.stype_in,
                start=subscription.start,
            )
        # `start` of the client schedules a task, which only the loop's own thread may do.
        asyncio.run_coroutine_threadsafe(_call(client.start), self._loop).result()
        self.was_streaming = True
        with self._lock:
            self._phase = Phase.STREAMING
        client.block_for_close()

    def _note(self, failure: str) -> None:
        if self.failure is None:
            self.failure = failure

    def _note_fault(self, error: Exception) -> None:
        self.faults += 1
        self._note(f"{type(error).__name__}: {error}")

    def _note_fault_of_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._note(str(error or context.get("message", "fault in the client")))

    def _abort(self) -> None:
        self._loop.is_given_up = True
        for transport in self._loop.transports:
            transport.abort()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def _take_down(self) -> None:
        """Cancel the loop's remaining tasks and close it."""
        self._abort()
        left = asyncio.all_tasks(self._loop)
        if left:
            for result in self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True)):
                if isinstance(result, BaseException):
                    _clear_frames(result)
        self._loop.run_until_complete(asyncio.sleep(0))  # lets aborted transports close their sockets
        self._loop.close()
        self._loop.forget()


def _clear_frames(error: BaseException | None) -> None:
    """Clear an error's frames: they refer to the connection, and the client's futures refer to the error."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _ignore(_failure: str) -> None:
    """Ignore a failure: the connection has been discarded."""


async def _call(function: Callable[[], None]) -> None:
    function()
