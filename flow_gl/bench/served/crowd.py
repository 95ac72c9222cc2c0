"""A process with many clients, each a socket of its own, which read as little as a measurement needs.

Each client follows the sequence of the bubbles (a hole or a doubled row is counted) and notes when a row came. Commands
come through a pipe.
"""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from flow_gl.protocol.kinds import Kind, Part
from flow_gl.protocol.messages import PACKED_FORM, Position, Subscribe, encode

_SEQUENCE: Final = 16
_COUNT: Final = 32
"""Offsets in a packed frame's header."""
KINDS: Final = ("Bubble", "Open", "Session")


class _Client(asyncio.Protocol):
    """One WebSocket client."""

    def __init__(self, crowd: "Crowd", position: Position | None) -> None:
        self._crowd: Final = crowd
        self._position: Final = position
        self._data = b""
        self._is_open = self._has_asked = False
        self.first = -1 if position is None else position.first
        self.next = -1 if position is None else position.next
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Protocol: {PACKED_FORM}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        crowd = self._crowd
        crowd.received += len(data)
        self._data = data = self._data + data if self._data else data
        at, end = 0, len(data)
        if not self._is_open:
            head = data.find(b"\r\n\r\n")
            if head < 0:
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
                (size,), body = struct.unpack_from(">H", data, at + 2), at + 4
            elif size == 127:
                if end - at < 10:
                    break
                (size,), body = struct.unpack_from(">Q", data, at + 2), at + 10
            if end < body + size:
                break
            self._frame(data[at] & 0x0F, data, body, size, now_ns)
            at = body + size
        self._data = data[at:]

    def _frame(self, opcode: int, data: bytes, at: int, size: int, now_ns: int) -> None:
        crowd = self._crowd
        if opcode == 2:
            crowd.packed += size
            if data[at + 1] == Kind.BUBBLE:
                (sequence,) = struct.unpack_from("<q", data, at + _SEQUENCE)
                (count,) = struct.unpack_from("<I", data, at + _COUNT)
                self._rows(data[at + 2], sequence, count, now_ns)
        elif opcode == 1 and not self._has_asked:
            self._has_asked = True
            positions = () if self._position is None else (self._position,)
            self._send(encode(Subscribe("NQ.v.0", kinds=KINDS, positions=positions)))
        elif opcode == 9:
            self._send(data[at : at + size], opcode=10)

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
        if self.transport is not None:
            self.transport.write(head + bytes(4) + payload)

    def connection_lost(self, _error: Exception | None) -> None:
        self._crowd.lost += not self._crowd.is_leaving


class Crowd:
    """All clients of the process."""

    def __init__(self, port: int) -> None:
        self._port: Final = port
        self._clients: list[_Client] = []
        self.samples: list[tuple[int, int]] = []
        self.received = self.packed = self.holes = self.refused = self.lost = 0
        self.is_leaving = False

    async def join(self, count: int) -> float:
        """Connect clients and wait until they have everything; return the seconds."""
        return await self._connect([None] * count)

    async def come_back(self, head: int) -> float:
        """Drop all connections, connect again at once and wait until every client has all rows to `head`; seconds."""
        self.is_leaving = True
        positions = [Position("Bubble", 1, client.first, client.next) for client in self._clients]
        for client in self._clients:
            if client.transport is not None:
                client.transport.abort()
        await asyncio.sleep(1.0)
        self._clients.clear()
        self.is_leaving = False
        return await self._connect(positions, head)

    async def _connect(self, positions: "list[Position] | list[None]", head: int = 0) -> float:
        loop, start_s = asyncio.get_running_loop(), time.monotonic()
        gate = asyncio.Semaphore(200)

        async def one(position: Position | None) -> None:
            async with gate:
                _, client = await loop.create_connection(lambda: _Client(self, position), "127.0.0.1", self._port)
            self._clients.append(client)

        await asyncio.gather(*(one(position) for position in positions))
        await self._until(lambda: all(client.first == 0 and client.next >= head for client in self._clients))
        return time.monotonic() - start_s

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not holds():
                await asyncio.sleep(0.02)

    def clear(self) -> None:
        """Begin a measurement."""
        self.samples = []
        self.received = self.packed = 0

    def report(self) -> dict[str, Any]:
        """Return what was counted since `clear`; holes, refusals and lost connections since the start."""
        samples = np.array(self.samples, np.int64).reshape(len(self.samples), 2)
        counted = {name: getattr(self, name) for name in ("received", "packed", "holes", "refused", "lost")}
        return {"samples": samples, **counted}


def run_crowd(pipe: Connection, port: int) -> None:
    """Run clients, as commands say: ("join", n), ("clear",), ("report",), ("come_back", head); None ends."""
    import gc

    gc.disable()

    async def run() -> None:
        crowd = Crowd(port)
        loop = asyncio.get_running_loop()
        while (command := await loop.run_in_executor(None, pipe.recv)) is not None:
            name, *values = command
            found = getattr(crowd, name)(*values)
            pipe.send(await found if asyncio.iscoroutine(found) else found)

    asyncio.run(run())
