"""The rectangles or labels of a frame, in order, and the GPU buffer they are uploaded to."""

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.drawing import RowDrawing


class Batch:
    """Rows of one frame, in slots.

    Rows are added one at a time. `keep` puts the rows added since its last call into a slot, where it stays for later
    frames; rows that are added and not kept belong to one upload. `upload` sends all slots in order, then those rows,
    if anything has changed since the last upload.

    Parameters
    ----------
    floats_per_row : size of a row in 32-bit floats
    first_rows : room for so many rows before the buffer grows
    """

    def __init__(self, floats_per_row: int, first_rows: int, drawing: RowDrawing, counters: FrameCounters) -> None:
        self._row_bytes: Final = 4 * floats_per_row
        self._stream: Final = StreamBuffer(first_rows * self._row_bytes, counters)
        self._drawing: Final = drawing
        self._counters: Final = counters
        self._values: list[float] = []
        """The values added since the last `keep`: complete rows, converted together. Batches append to it."""
        self._packed = b""
        """The rows added before `_values`."""
        self._slots: Final[list[bytes]] = []
        self._loose = b""
        """Rows of the last upload that are in no slot."""
        self._is_changed = False
        """A slot has changed since the last upload."""
        self._uploaded = 0

    def add_slot(self) -> int:
        """Add an empty slot behind the others and return its number."""
        self._slots.append(b"")
        return len(self._slots) - 1

    def keep(self, slot: int) -> None:
        """Put the rows added since the last call into a slot, in place of those that it had."""
        before = self._slots[slot]
        if not (self._values or before or self._packed):
            return  # usually: a layer adds to one or two of its chart's batches
        rows = self._take()
        # Equality checks the length before it compares bytes.
        if rows != before:
            self._slots[slot], self._is_changed = rows, True

    def upload(self) -> None:
        """Upload the rows if they differ from those of the last upload."""
        last, self._loose = self._loose, self._take()
        if not self._is_changed and self._loose == last:
            return
        self._is_changed = False
        rows = b"".join((*self._slots, self._loose))
        while len(rows) > len(self._stream.memory):
            self._stream.grow()
        self._stream.memory[: len(rows)] = rows
        if rows:
            self._stream.upload(len(rows))
        self._uploaded = len(rows) // self._row_bytes

    def _take(self) -> bytes:
        """Return the rows added since the last call."""
        if not (self._values or self._packed):
            return b""
        rows = self._packed
        if self._values:
            rows += array("f", self._values).tobytes()
            self._values.clear()
        self._packed = b""
        return rows

    def release(self) -> None:
        self._stream.release()

    def _put_many(self, rows: NDArray[np.float32]) -> None:
        """Add rows of floats, shape (n, floats of a row)."""
        self._packed = self._take() + rows.tobytes()
