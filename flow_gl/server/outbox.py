"""The send queue of one client. Its frames are shared with other clients.

Frames go straight to the socket while it accepts them. Otherwise they are queued here, as references to shared bytes.
Nothing here blocks, so a slow client does not delay others.
"""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from flow_gl.streams.appended import AppendedStream

MAX_BYTES: Final = 256 * 1024
"""Maximum number of bytes queued for one client."""


class Advance(NamedTuple):
    """The new rows [start, stop) of a stream in a frame."""

    stream: AppendedStream
    start: int
    stop: int


class Outbox:
    """Frames to be sent to one socket.

    Parameters
    ----------
    transport : the socket's transport
    """

    __slots__ = ("_buffered", "_since_s", "_size", "_transport", "_waiting", "sent_bytes")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport: Final = transport
        self._waiting: deque[tuple[bytes, tuple[Advance, ...]]] | None = None
        """Created when first needed, because few clients are slow."""
        self._size = 0
        self._buffered = 0
        self._since_s = 0.0
        self.sent_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued here or in the transport."""
        return not self._waiting and not self._transport.get_write_buffer_size()

    @property
    def is_waiting(self) -> bool:
        """Whether frames are queued behind earlier ones."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the queue exceeds its limit."""
        return self._size + self._transport.get_write_buffer_size() > MAX_BYTES

    @property
    def is_closed(self) -> bool:
        return self._transport.is_closing()

    def send(self, data: bytes, advances: tuple[Advance, ...] = ()) -> bool:
        """Send frames or queue them; return False if they were queued."""
        if self.is_idle:
            self._write(data)
            return True
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((data, advances))
        self._size += len(data)
        return False

    def flush(self) -> None:
        """Send queued frames while the socket accepts them."""
        while self._waiting and not self._transport.get_write_buffer_size():
            data, _ = self._waiting.popleft()
            self._size -= len(data)
            self._write(data)

    def drop(self) -> list[Advance]:
        """Drop the queue; return the rows that were in it."""
        found = [advance for _, advances in self._waiting or () for advance in advances]
        self._waiting, self._size = None, 0
        return found

    def stalled_s(self, now_s: float) -> float:
        """Return for how long the socket has accepted nothing although frames are queued, seconds.

        Parameters
        ----------
        now_s : monotonic time, must not decrease between calls
        """
        buffered = self._transport.get_write_buffer_size()
        # Nothing is written while the buffer is not empty, so a different size means that the socket accepted data.
        if not buffered or buffered != self._buffered:
            self._buffered, self._since_s = buffered, now_s
        return now_s - self._since_s

    def end(self, data: bytes) -> None:
        """Send the last frames and close the socket; close at once if it accepts nothing."""
        self.drop()
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._write(data)
            self._transport.close()

    def _write(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        self._buffered = 0  # as much as before may be buffered now, and is other data
        self._transport.write(data)
