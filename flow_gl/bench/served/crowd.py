"""A process with many clients, each with its own socket, which read as little as a measurement needs.

Each client follows the sequence of the bubbles (missing and repeated rows are counted) and records when a row arrived.
Commands arrive through a pipe. One thread waits for all sockets with epoll: an event loop would add its own cost to
every read, so only the server is measured.
"""

import base64
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from flow_gl.protocol.kinds import Kind, Part
from flow_gl.protocol.messages import PACKED_FORM, Position, Subscribe, encode

KINDS: Final = ("Bubble", "Open", "Session")
_SEQUENCE: Final = struct.Struct("<16xq8xI")
"""Sequence and number of rows in a packed frame's header."""
_READ: Final = 1 << 16
_JOINING: Final = 50
"""How many connections are opened before the server's greetings are read."""
_LIMIT_S: Final = 120.0
# This benchmark runs on Linux; types are checked for other systems too.
_POLLING: Final[Any] = select
_READING: Final[Any] = socket


class _Client:
    """One WebSocket client."""

    __slots__ = ("_crowd", "_data", "_is_open", "_position", "first", "has_asked", "next", "socket")

    def __init__(self, crowd: "Crowd", port: int, position: Position | None) -> None:
        self._crowd: Final = crowd
        self._position: Final = position
        self._data = b""
        self._is_open = self.has_asked = False
        self.first = -1 if position is None else position.first
        self.next = -1 if position is None else position.next
        self.socket: Final = socket.create_connection(("127.0.0.1", port), _LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Protocol: {PACKED_FORM}\r\n\r\n".encode()
        )

    def take(self, data: bytes, now_ns: int) -> None:  # noqa: PLR0912  # a call would cost more
        """Read and process the received data."""
        crowd = self._crowd
        crowd.received += len(data)
        if self._data:
            data = self._data + data
        at, end = 0, len(data)
        if not self._is_open:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self._data = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                crowd.refused += 1
                return
            self._is_open, at = True, head + 4
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                if end - at < 4:
                    break
                size, body = data[at + 2] << 8 | data[at + 3], at + 4
            elif size == 127:
                if end - at < 10:
                    break
                (size,), body = struct.unpack_from(">Q", data, at + 2), at + 10
            if end < body + size:
                break
            opcode = data[at] & 0x0F
            if opcode == 2:
                crowd.packed += size
                if data[body + 1] == Kind.BUBBLE:
                    sequence, count = _SEQUENCE.unpack_from(data, body)
                    self._rows(data[body + 2], sequence, count, now_ns)
            elif opcode == 1 and not self.has_asked:
                self.has_asked = True
                positions = () if self._position is None else (self._position,)
                self._send(encode(Subscribe("NQ.v.0", kinds=KINDS, positions=positions)))
            elif opcode == 9:
                self._send(data[body : body + size], opcode=10)
            at = body + size
        self._data = data[at:]

    def _rows(self, part: int, sequence: int, count: int, now_ns: int) -> None:
        crowd = self._crowd
        if part == Part.HISTORY:
            crowd.holes += sequence + count != self.first
            self.first = sequence
        elif part == Part.NEWEST:
            self.first, self.next = sequence, sequence + count
        else:
            crowd.holes += sequence != self.next
            self.next = sequence + count
            if part == Part.INCREMENT:
                crowd.samples.append((sequence + count - 1, now_ns))

    def _send(self, payload: bytes, opcode: int = 1) -> None:
        # Masked with zeros, which change nothing.
        size = len(payload)
        head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else struct.pack(">BBH", 0x80 | opcode, 0xFE, size)
        with suppress(OSError):
            self.socket.sendall(head + bytes(4) + payload)


class Crowd:
    """All clients of the process."""

    def __init__(self, port: int) -> None:
        self._port: Final = port
        self._poll: Final = _POLLING.epoll()
        self._clients: Final[dict[int, _Client]] = {}
        self.samples: list[tuple[int, int]] = []
        self.received = self.packed = self.holes = self.refused = self.lost = 0

    def join(self, count: int) -> float:
        """Connect clients and wait until they have everything; return the seconds."""
        return self._connect([None] * count)

    def come_back(self, head: int) -> float:
        """Drop all connections, connect again at once and wait until every client has all rows to `head`; seconds."""
        positions = [Position("Bubble", 1, client.first, client.next) for client in self._clients.values()]
        for client in self._clients.values():
            self._poll.unregister(client.socket)
            # With a linger time of 0, so that the port is free at once.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
        self._clients.clear()
        time.sleep(1.0)
        return self._connect(positions, head)

    def clear(self) -> None:
        """Begin a measurement."""
        self.samples = []
        self.received = self.packed = 0

    def report(self) -> dict[str, Any]:
        """Return the counts since `clear`; holes, refusals and lost connections since the start."""
        samples = np.array(self.samples, np.int64).reshape(len(self.samples), 2)
        counted = {name: getattr(self, name) for name in ("received", "packed", "holes", "refused", "lost")}
        return {"samples": samples, **counted}

    def run(self, pipe: Connection) -> None:
        """Read, and execute commands, until the pipe delivers None or closes."""
        self._poll.register(pipe.fileno(), _POLLING.EPOLLIN)
        while True:
            if self.read(1.0, other=pipe.fileno()):
                command = pipe.recv()
                if command is None:
                    return
                name, *values = command
                pipe.send(getattr(self, name)(*values))

    def read(self, timeout_s: float, other: int = -1) -> bool:
        """Read the received data; return whether the descriptor `other` is ready."""
        is_other = False
        for number, _ in self._poll.poll(timeout_s):
            client = self._clients.get(number)
            if client is None:
                is_other |= number == other
                continue
            try:
                data = client.socket.recv(_READ, _READING.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                client.take(data, time.monotonic_ns())
            else:
                self.lost += 1
                self._poll.unregister(number)
                client.socket.close()
                del self._clients[number]
        return is_other

    def _connect(self, positions: Sequence[Position | None], head: int = 0) -> float:
        start_s = time.monotonic()
        for at, position in enumerate(positions):
            client = _Client(self, self._port, position)
            self._clients[client.socket.fileno()] = client
            self._poll.register(client.socket, _POLLING.EPOLLIN)
            if at % _JOINING == _JOINING - 1:
                self._read_until(lambda: all(one.has_asked for one in self._clients.values()), start_s)
        self._read_until(lambda: all(one.first == 0 and one.next >= head for one in self._clients.values()), start_s)
        return time.monotonic() - start_s

    def _read_until(self, holds: Callable[[], bool], start_s: float) -> None:
        while not holds():
            if time.monotonic() > start_s + _LIMIT_S:
                raise TimeoutError(f"clients without all rows after {_LIMIT_S:.0f} s")
            self.read(0.02)


def run_crowd(pipe: Connection, port: int) -> None:
    """Run clients by commands: ("join", n), ("clear",), ("report",), ("come_back", head); None ends."""
    import gc

    gc.disable()
    with suppress(EOFError):
        Crowd(port).run(pipe)
