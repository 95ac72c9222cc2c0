"""Rows of rectangles or labels that make up a frame, in order, and the buffer that they are sent to."""

import struct
from typing import Final

from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.drawing import RowDrawing


class Batch:
    """Packed rows of one frame.

    Rows are packed one by one. `take` returns those packed since the last `take`, and `add_rows` adds them to the
    frame, now or in later frames. `upload` sends the frame's rows only if they differ from the last frame's.
    """

    def __init__(self, row: struct.Struct, first_rows: int, drawing: RowDrawing, counters: FrameCounters) -> None:
        self._row: Final = row
        self._pack: Final = row.pack_into
        self._packed: bytearray = bytearray(first_rows * row.size)
        self._used = 0
        self._stream: Final = StreamBuffer(first_rows * row.size, counters)
        self._drawing: Final = drawing
        self._counters: Final = counters
        self._parts: list[bytes] = []
        self._sent: list[bytes] = []
        self._uploaded = 0

    def take(self) -> bytes:
        """Return the rows packed since the last call; they are part of the frame only once they are added."""
        rows, self._used = bytes(self._packed[: self._used]), 0
        return rows

    def add_rows(self, rows: bytes) -> None:
        """Add rows that `take` returned."""
        if rows:
            self._parts.append(rows)

    def upload(self) -> None:
        """Send the frame's rows if they differ from what was sent last. The next row begins a new frame."""
        self.add_rows(self.take())
        # Mostly the same objects as before: equality looks at identity first, and at bytes only where that differs.
        if self._parts != self._sent:
            rows = b"".join(self._parts)
            while len(rows) > len(self._stream.memory):
                self._stream.grow()
            self._stream.memory[: len(rows)] = rows
            if rows:
                self._stream.upload(len(rows))
            self._uploaded = len(rows) // self._row.size
        self._parts, self._sent = self._sent, self._parts
        self._parts.clear()

    def _draw(self) -> None:
        """Draw what was uploaded. `Kit.begin_draw` was called, the program is in use."""
        self._drawing.quads(self._stream.texture, 0, self._uploaded, self._counters)

    def release(self) -> None:
        self._stream.release()

    def _put(self, *values: float) -> None:
        if self._used + self._row.size > len(self._packed):
            self._packed += bytes(len(self._packed))
        self._pack(self._packed, self._used, *values)
        self._used += self._row.size
