"""Encodes rows as complete WebSocket frames.

A server's frames are not masked, so all clients receive the same bytes. They are encoded once and written directly to
the sockets.
"""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from flow_gl.core.market.lod import threshold_at
from flow_gl.protocol import frames, json_rows, messages
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind
from flow_gl.protocol.messages import ServerMessage
from flow_gl.streams.chart import Chart

CACHE_BYTES: Final = 16 << 20
"""Size of the cache of encoded history, which clients that request the same rows share."""
_TEXT: Final = 0x81
_BINARY: Final = 0x82
_CLOSE: Final = 0x88


def frame(payload: bytes, *, is_text: bool) -> bytes:
    """Return a complete WebSocket frame (RFC 6455, section 5.2)."""
    return _framed(_TEXT if is_text else _BINARY, payload)


def close_frame(code: int, reason: str) -> bytes:
    """Return the frame that ends a connection; the reason is cut to 123 bytes."""
    return _framed(_CLOSE, struct.pack(">H", code) + reason.encode()[:123].decode("utf-8", "ignore").encode())


def _framed(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 1 << 16:
        return struct.pack(">BBH", opcode, 126, size) + payload
    return struct.pack(">BBQ", opcode, 127, size) + payload


def encode_message(message: ServerMessage) -> bytes:
    """Return a message as a text frame."""
    return frame(messages.encode(message), is_text=True)


def encode_blocks(blocks: Sequence[Rows], chart: Chart, *, is_packed: bool, threshold: float) -> bytes:
    """Return the frames of rows, concatenated.

    Parameters
    ----------
    threshold : imbalance above which a bubble of up to one second is significant
    """
    reader = chart.reader
    if is_packed:
        return b"".join(
            frame(
                frames.encode(block, tick_size=reader.tick_size, width_ns=reader.widths_ns[block.level]), is_text=False
            )
            for block in blocks
        )
    found: list[ServerMessage] = []
    for at, block in enumerate(blocks):
        if block.kind is Kind.PROFILE:
            found.append(json_rows.profile(block, blocks[at + 1], chart.symbol))
        elif block.kind is not Kind.PROFILE_ROWS:
            limit = threshold_at(threshold, reader.widths_ns[block.level])
            found += json_rows.messages(block, chart.symbol, limit)
    return b"".join(map(encode_message, found))


class Cache:
    """LRU cache of encoded snapshots."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most: Final = most_bytes
        self._held: Final[OrderedDict[object, bytes]] = OrderedDict()
        self._size = 0

    def get(self, key: object) -> bytes | None:
        """Return the data of a key."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: object, data: bytes) -> None:
        """Add data under a new key."""
        self._held[key] = data
        self._size += len(data)
        while self._size > self._most and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._size -= len(dropped)
