"""The rectangles or labels of a frame, in order, and the GPU buffer they are uploaded to."""

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.drawing import RowDrawing


class Batch:
    """Packed rows of one frame.

    Rows are packed one at a time. `take` returns the rows packed since the last `take`; `add_rows` adds them to this
    frame or a later one. `upload` sends the rows of the frame only if they differ from those of the last frame.
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
        """Return the rows packed since the last call. They belong to a frame only once `add_rows` adds them."""
        if not self._used:
            return b""
        rows, self._used = bytes(self._packed[: self._used]), 0
        return rows

    def add_rows(self, rows: bytes) -> None:
        """Add rows that `take` returned."""
        if rows:
            self._parts.append(rows)

    def upload(self) -> None:
        """Upload the rows of this frame if they differ from the last upload, and start a new frame."""
        self.add_rows(self.take())
        # Usually the same objects as in the last frame: equality checks identity before it compares bytes.
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
        """Draw the uploaded rows. `Kit.begin_draw` has been called and the program is in use."""
        self._drawing.quads(self._stream.texture, 0, self._uploaded, self._counters)

    def release(self) -> None:
        self._stream.release()

    def _make_room(self, count: int) -> int:
        """Make room for `count` rows behind those that are packed. Returns where the first begins; the caller packs."""
        used = self._used
        self._used = end = used + count * self._row.size
        if end > len(self._packed):
            self._packed += bytes(max(len(self._packed), end - len(self._packed)))
        return used

    def _put_many(self, rows: NDArray[np.float32]) -> None:
        """Pack rows of floats, shape (n, floats of a row)."""
        at = self._make_room(len(rows))
        self._packed[at : self._used] = rows.tobytes()

    def _put(self, *values: float) -> None:
        if self._used + self._row.size > len(self._packed):
            self._packed += bytes(len(self._packed))
        self._pack(self._packed, self._used, *values)
        self._used += self._row.size
