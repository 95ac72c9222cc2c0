"""Rows of rectangles or labels that are gathered every frame, in order, and sent when they are others than before."""

import struct
from typing import Final

from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.drawing import RowDrawing


class Batch:
    """Packed rows of one frame and the buffer that they go to.

    `mark`, `since` and `repeat` let whoever added rows add the same ones again without packing them. While a frame
    repeats what the frame before it had, in the same order, nothing is copied and nothing is sent.
    """

    def __init__(self, row: struct.Struct, first_rows: int, drawing: RowDrawing, counters: FrameCounters) -> None:
        self._row: Final = row
        self._pack: Final = row.pack_into
        self._stream: Final = StreamBuffer(first_rows * row.size, counters)
        self._drawing: Final = drawing
        self._counters: Final = counters
        self._used = 0
        self._uploaded = 0
        self._repeated: list[bytes] = []
        """What the last frame repeated, up to where it put rows of its own."""
        self._next = 0
        self._is_same = True
        """This frame has repeated just what the last one did, so far."""

    def mark(self) -> int:
        """Where the next row will begin."""
        return self._used

    def since(self, mark: int) -> bytes:
        """Copy of the rows that were added since a mark."""
        return bytes(self._stream.memory[mark : self._used])

    def repeat(self, rows: bytes) -> None:
        """Add rows that `since` gave, at least one."""
        end = self._used + len(rows)
        if self._is_same:
            if self._next < len(self._repeated) and self._repeated[self._next] is rows:
                self._used, self._next = end, self._next + 1
                return
            self._differ()
        while end > len(self._stream.memory):
            self._stream.grow()
        self._stream.memory[self._used : end] = rows
        self._used = end
        if self._next == len(self._repeated):
            self._repeated.append(rows)
            self._next += 1

    def upload(self) -> None:
        """Send what was added, where it differs; the next row begins a new frame's."""
        count, self._used = self._used // self._row.size, 0
        is_sent = self._is_same and count == self._uploaded
        self._uploaded, self._next, self._is_same = count, 0, True
        if count and not is_sent:
            self._stream.upload(count * self._row.size)

    def _draw(self) -> None:
        """Draw what was uploaded. `Kit.begin_draw` was called, the program is in use."""
        self._drawing.quads(self._stream.texture, 0, self._uploaded, self._counters)

    def release(self) -> None:
        self._stream.release()

    def _put(self, *values: float) -> None:
        if self._is_same:
            self._differ()
        self._next = -1
        if self._used + self._row.size > len(self._stream.memory):
            self._stream.grow()
        self._pack(self._stream.memory, self._used, *values)
        self._used += self._row.size

    def _differ(self) -> None:
        """From here on this frame's rows are others than the last one's: what follows in memory is written over."""
        self._is_same = False
        del self._repeated[self._next :]
