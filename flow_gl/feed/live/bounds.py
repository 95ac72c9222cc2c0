"""Bounds on the memory that a gateway's data may take, in the official client and after it.

The client buffers everything before the end of the greeting's line, and before the stream's header is complete, without
a limit, and it passes records on as fast as they arrive. So its protocol is wrapped in one that counts bytes until the
first record, ends a connection that sends too many, and stops reading from the socket while too many records wait. TCP
flow control then makes the gateway wait, and nothing is lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

GREETING_BYTES: Final = 4 << 20
"""Most bytes of greeting, challenge and answer: a gateway's reason for a refusal may be long."""
HEADER_BYTES: Final = 4 << 20
"""Most bytes between the authentication and the first whole piece of the stream (its metadata)."""
MAX_WAITING: Final = 1 << 18
"""Records that may wait for the feed before reading pauses: 25 MB of trades, at most 160 MB of other kinds."""
_RESUME_AT: Final = MAX_WAITING // 2
_HEAD_BYTES: Final = 400
"""Bytes kept of a line that does not end, to be shown in the error."""


class Sink:
    """The stream that the client writes whole records into."""

    closed: Final = False

    def __init__(self) -> None:
        self.chunks: Final[deque[bytes]] = deque()
        self.write: Final = self.chunks.append
        self.is_paused = False

    @property
    def must_resume(self) -> bool:
        """Whether reading was paused and enough records have been taken since."""
        return self.is_paused and len(self.chunks) <= _RESUME_AT

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """Do nothing: there is no buffer."""


class BoundedProtocol(asyncio.BufferedProtocol):
    """The client's protocol, with bounds on its buffers.

    Parameters
    ----------
    inner : the client's protocol
    sink : receives its records
    note : called with the reason why a connection is ended
    """

    def __init__(self, inner: Any, sink: Sink, note: Callable[[str], None]) -> None:
        self.inner: Any = inner
        self._sink: Final = sink
        self._note = note
        self._transport: asyncio.Transport | None = None
        self._buffer: Any = None
        self._greeting = self._header = 0
        self._line = bytearray()
        self._has_begun = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.inner.connection_made(transport)

    def get_buffer(self, sizehint: int) -> Any:
        self._buffer = self.inner.get_buffer(sizehint)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self._has_begun and not self._may_go_on(nbytes):
            return
        self.inner.buffer_updated(nbytes)
        if len(self._sink.chunks) >= MAX_WAITING and self._transport is not None:
            self._sink.is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool | None:
        is_kept_open: bool | None = self.inner.eof_received()
        return is_kept_open

    def connection_lost(self, exc: Exception | None) -> None:
        inner = self.inner
        if self._line and not inner.authenticated.done():
            self._note(f"it ended within a line: {_text(self._line)}")
        inner.connection_lost(exc)

    def resume(self) -> None:
        """Resume reading after a pause."""
        self._sink.is_paused = False
        if self._transport is not None:
            with suppress(RuntimeError):  # it may be closing
                self._transport.resume_reading()

    def forget(self) -> None:
        """Drop the references to the client's protocol and its buffers."""
        inner, self.inner = self.inner, None
        self._transport = self._buffer = None
        if inner is not None:
            vars(inner).clear()

    def _may_go_on(self, nbytes: int) -> bool:
        """Count bytes before the first record; False if there are too many and the connection was ended."""
        inner = self.inner
        if inner.metadata_received.done():
            self._has_begun = True
            return True
        if inner.authenticated.done():
            self._header += nbytes
            if self._header > HEADER_BYTES:
                return self._end(f"the gateway sent {self._header / 1e6:.1f} MB without the stream's header")
            return True
        self._greeting += nbytes
        self._note_line(bytes(memoryview(self._buffer)[:nbytes]))
        if self._greeting > GREETING_BYTES:
            return self._end(f"its greeting does not end after {self._greeting / 1e6:.1f} MB: {_text(self._line)}")
        return True

    def _note_line(self, data: bytes) -> None:
        _, newline, rest = data.rpartition(b"\n")
        if newline:
            self._line.clear()
        self._line += rest[: _HEAD_BYTES - len(self._line)]

    def _end(self, why: str) -> bool:
        self._note(why)
        if self._transport is not None:
            self._transport.abort()
        return False


def _text(line: bytearray) -> str:
    return line.decode("utf-8", "replace")
