"""What waits to be sent to one client: a queue of frames that other clients share, in front of its socket.

Frames go straight to the socket as long as it takes them. Otherwise they wait here, as references to bytes that all
clients have in common. Nothing here waits: one slow client never delays another.
"""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from flow_gl.server.streams.appended import AppendedStream

MOST_BYTES: Final = 256 * 1024
"""Most bytes that wait for one client."""


class Advance(NamedTuple):
    """New rows of a stream that a frame holds: [start, stop)."""

    stream: AppendedStream
    start: int
    stop: int


class Outbox:
    """Frames on their way to one socket.

    Parameters
    ----------
    transport : the socket's
    """

    __slots__ = ("_buffered", "_since_s", "_size", "_transport", "_waiting", "sent_bytes")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport: Final = transport
        self._waiting: deque[tuple[bytes, tuple[Advance, ...]]] | None = None
        """Made when it is first needed: few clients are ever slow."""
        self._size = 0
        self._buffered = 0
        self._since_s = 0.0
        self.sent_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything has been taken by the socket."""
        return not self._waiting and not self._transport.get_write_buffer_size()

    @property
    def is_waiting(self) -> bool:
        """Whether frames wait for the socket to take earlier ones."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether more waits than may."""
        return self._size + self._transport.get_write_buffer_size() > MOST_BYTES

    @property
    def is_closed(self) -> bool:
        return self._transport.is_closing()

    def send(self, data: bytes, advances: tuple[Advance, ...] = ()) -> bool:
        """Send frames, or let them wait; return False if they wait."""
        if self.is_idle:
            self._write(data)
            return True
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((data, advances))
        self._size += len(data)
        return False

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it."""
        while self._waiting and not self._transport.get_write_buffer_size():
            data, _ = self._waiting.popleft()
            self._size -= len(data)
            self._write(data)

    def drop(self) -> list[Advance]:
        """Drop everything that waits; return the rows that were in it."""
        found = [advance for _, advances in self._waiting or () for advance in advances]
        self._waiting, self._size = None, 0
        return found

    def stalled_s(self, now_s: float) -> float:
        """Return for how long the socket has taken nothing although something waits, seconds.

        Parameters
        ----------
        now_s : monotonic time; calls are in its order
        """
        buffered = self._transport.get_write_buffer_size()
        # Nothing is written while something is buffered, so any other size means that the socket took something.
        if not buffered or buffered != self._buffered:
            self._buffered, self._since_s = buffered, now_s
        return now_s - self._since_s

    def end(self, data: bytes) -> None:
        """Send the last frames and close the socket, at once if it takes nothing."""
        self.drop()
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._write(data)
            self._transport.close()

    def _write(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        self._transport.write(data)
