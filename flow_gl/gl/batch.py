"""Rows that are written anew every frame, kept in order: what rectangles and labels have in common."""

import struct
from typing import Final

from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters


class Batch:
    """Packed rows of one frame and the buffer that they go to.

    `mark`, `since` and `repeat` let whoever added rows add the same ones again without packing them.
    """

    def __init__(self, row: struct.Struct, first_rows: int, counters: FrameCounters) -> None:
        self._row: Final = row
        self._pack: Final = row.pack_into
        self._stream: Final = StreamBuffer(first_rows * row.size, counters)
        self._used = 0
        self._uploaded = 0

    def mark(self) -> int:
        """Where the next row will begin."""
        return self._used

    def since(self, mark: int) -> bytes:
        """Copy of the rows that were added since a mark."""
        return bytes(self._stream.memory[mark : self._used])

    def repeat(self, rows: bytes) -> None:
        """Add rows that `since` gave."""
        if not rows:
            return
        end = self._used + len(rows)
        while end > len(self._stream.memory):
            self._stream.grow()
        self._stream.memory[self._used : end] = rows
        self._used = end

    def upload(self) -> None:
        """Send what was added; the next row begins a new frame's."""
        self._uploaded, self._used = self._used // self._row.size, 0
        if self._uploaded:
            self._stream.upload(self._uploaded * self._row.size)

    def release(self) -> None:
        self._stream.release()

    def _put(self, *values: float) -> None:
        if self._used + self._row.size > len(self._stream.memory):
            self._stream.grow()
        self._pack(self._stream.memory, self._used, *values)
        self._used += self._row.size
