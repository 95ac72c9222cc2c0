"""Instance buffers: a ring that mirrors a ring of rows, and a small one that is rewritten every frame.

`InstanceRing` keeps row p at slot p mod capacity, so appending uploads the tail only and the oldest rows are simply
overwritten. The first slot is mirrored behind the last: a line from row p to row p + 1 then reads two neighbours also
where the ring wraps. `InstanceLayout` draws a range, oldest first, in at most two instanced draws, by moving the
attribute offsets (OpenGL 3.3 has no base instance).
"""

import ctypes
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.api import GL, buffer_data, buffer_sub_data, vertex_attrib_i_pointer, vertex_attrib_pointer
from flow_gl.gl.counters import FrameCounters


def _delete_buffer(handle: int) -> None:
    GL.glDeleteBuffers(1, np.array([handle], np.uint32))


class InstanceRing:
    """Rows of one dtype on the GPU, addressed by the positions of the ring they mirror.

    Attributes
    ----------
    lo, hi : positions [lo, hi) that are on the GPU
    """

    def __init__(self, dtype: np.dtype, counters: FrameCounters, *, is_overlay: bool = False) -> None:
        self.dtype: Final = dtype
        self._is_overlay: Final = is_overlay
        self._counters: Final = counters
        self._one: Final = ctypes.create_string_buffer(dtype.itemsize)
        self._one_address: Final = ctypes.addressof(self._one)
        self.handle = 0
        self.capacity = 0
        self.lo = 0
        self.hi = 0

    def reserve(self, rows: int) -> None:
        """Make room for at least `rows` rows: capacity grows by doubling and keeps what is there."""
        if rows <= self.capacity:
            return
        capacity = max(1024, 1 << (rows - 1).bit_length())
        handle = int(GL.glGenBuffers(1))
        GL.glBindBuffer(GL.GL_COPY_WRITE_BUFFER, handle)
        buffer_data(GL.GL_COPY_WRITE_BUFFER, (capacity + 1) * self.dtype.itemsize, 0, GL.GL_DYNAMIC_DRAW)
        old_handle, old_capacity = self.handle, self.capacity
        self.handle, self.capacity = handle, capacity
        if old_handle:
            GL.glBindBuffer(GL.GL_COPY_READ_BUFFER, old_handle)
            self._copy_from(old_capacity)
            _delete_buffer(old_handle)

    def _copy_from(self, old_capacity: int) -> None:
        size, position = self.dtype.itemsize, self.lo
        while position < self.hi:
            source, target = position & (old_capacity - 1), position & (self.capacity - 1)
            count = min(self.hi - position, old_capacity - source, self.capacity - target)
            for slot in (target, self.capacity) if target == 0 else (target,):
                GL.glCopyBufferSubData(
                    GL.GL_COPY_READ_BUFFER,
                    GL.GL_COPY_WRITE_BUFFER,
                    source * size,
                    slot * size,
                    (count if slot == target else 1) * size,
                )
            position += count

    def restart(self, position: int) -> None:
        """Forget all rows; the next ones are written from `position` on, upwards or downwards."""
        self.lo = self.hi = position

    def write(self, position: int, rows: NDArray[np.void]) -> None:
        """Upload rows to [position, position + len(rows)); `lo` and `hi` are the caller's to move."""
        count = len(rows)
        if count == 0:
            return
        rows = np.ascontiguousarray(rows)
        self._write(position, count, rows.ctypes.data)

    def write_one(self, position: int, row: bytes) -> None:
        """Upload one packed row to a position; `lo` and `hi` are the caller's to move."""
        self._one.raw = row
        self._write(position, 1, self._one_address)

    def _write(self, position: int, count: int, address: int) -> None:
        size = self.dtype.itemsize
        slot = position & (self.capacity - 1)
        first = min(count, self.capacity - slot)
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self.handle)
        buffer_sub_data(GL.GL_ARRAY_BUFFER, slot * size, first * size, address)
        if first < count:
            buffer_sub_data(GL.GL_ARRAY_BUFFER, 0, (count - first) * size, address + first * size)
        if slot == 0 or first < count:
            row_of_slot_0 = 0 if slot == 0 else first
            buffer_sub_data(GL.GL_ARRAY_BUFFER, self.capacity * size, size, address + row_of_slot_0 * size)
        if self._is_overlay:
            self._counters.overlay_bytes += count * size
        else:
            self._counters.uploaded_bytes += count * size

    def segments(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Slots of positions [start, stop) in order, as (first slot, count)."""
        if stop <= start:
            return []
        slot = start & (self.capacity - 1)
        first = min(stop - start, self.capacity - slot)
        parts = [(slot, first)]
        if first < stop - start:
            parts.append((0, stop - start - first))
        return parts

    def release(self) -> None:
        if self.handle:
            _delete_buffer(self.handle)
        self.handle = self.capacity = self.lo = self.hi = 0


@dataclass(frozen=True, slots=True)
class Attribute:
    """One shader input fed from an instance row.

    `rows_ahead` 1 reads the next row instead: the other end of a line.
    """

    location: int
    components: int
    kind: int
    """GL type of a component: GL_INT, GL_SHORT, GL_FLOAT, GL_UNSIGNED_INT."""
    offset: int
    is_integer: bool = False
    rows_ahead: int = 0


class _RowLayout:
    """How a program reads rows: a vertex array whose offsets can be moved to where a range begins."""

    _divisor = 0
    """1: a row stays for all vertices of an instance. 0: each vertex has its own."""

    def __init__(self, attributes: list[Attribute], stride: int, counters: FrameCounters) -> None:
        self._attributes: Final = attributes
        self._stride: Final = stride
        self._counters: Final = counters
        self._pointed_at = (0, -1)
        self.handle = int(GL.glGenVertexArrays(1))
        GL.glBindVertexArray(self.handle)
        for attribute in attributes:
            GL.glEnableVertexAttribArray(attribute.location)
            GL.glVertexAttribDivisor(attribute.location, self._divisor)

    def _use(self, buffer: int, first: int, count: int) -> None:
        """Bind it, its offsets at row `first`, to draw `count` rows."""
        GL.glBindVertexArray(self.handle)
        if self._pointed_at != (buffer, first):
            self._point(buffer, first)
        self._counters.draw_calls += 1
        self._counters.instances += count

    def _point(self, buffer: int, first: int) -> None:
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, buffer)
        for a in self._attributes:
            offset = (first + a.rows_ahead) * self._stride + a.offset
            if a.is_integer:
                vertex_attrib_i_pointer(a.location, a.components, a.kind, self._stride, offset)
            else:
                vertex_attrib_pointer(a.location, a.components, a.kind, False, self._stride, offset)
        self._pointed_at = (buffer, first)

    def release(self) -> None:
        GL.glDeleteVertexArrays(1, np.array([self.handle], np.uint32))


class InstanceLayout(_RowLayout):
    """A row an instance. Draws have no first instance (OpenGL 3.3), so the offsets are moved to it."""

    _divisor = 1

    def draw(self, buffer: int, first: int, count: int, *, mode: int, vertices: int) -> None:
        """Draw rows [first, first + count) of a buffer, `vertices` vertices each. The program is in use."""
        if count > 0:
            self._use(buffer, first, count)
            GL.glDrawArraysInstanced(mode, 0, vertices, count)

    def draw_ring(self, ring: InstanceRing, start: int, stop: int, *, mode: int, vertices: int) -> None:
        """Draw positions [start, stop) of a ring, oldest first."""
        for first, count in ring.segments(start, stop):
            self.draw(ring.handle, first, count, mode=mode, vertices=vertices)


class PointLayout(_RowLayout):
    """A row a point."""

    def draw_ring(self, ring: InstanceRing, start: int, stop: int) -> None:
        """Draw positions [start, stop) of a ring as points, oldest first. The program is in use."""
        for first, count in ring.segments(start, stop):
            self._use(ring.handle, 0, count)
            GL.glDrawArrays(GL.GL_POINTS, first, count)


class StreamBuffer:
    """A small buffer that is filled anew every frame, from memory that is kept.

    `memory` is written by the caller (struct's `pack_into`, or a NumPy view); `upload` sends the first bytes of it.
    """

    def __init__(self, nbytes: int, counters: FrameCounters, *, target: int | None = None) -> None:
        self._counters: Final = counters
        self._target: Final[int] = GL.GL_ARRAY_BUFFER if target is None else target
        self.handle = int(GL.glGenBuffers(1))
        self.memory = bytearray(nbytes)
        self._address = 0
        self._room = 0
        self._hold: Any = None
        self._take_address()

    def grow(self) -> None:
        """Double the memory; what is written stays."""
        self._hold = None
        self.memory = self.memory + bytearray(len(self.memory))
        self._take_address()

    def upload(self, nbytes: int) -> None:
        """Replace the buffer's content by the first `nbytes` of `memory`."""
        GL.glBindBuffer(self._target, self.handle)
        if self._room != len(self.memory):
            self._room = len(self.memory)
            buffer_data(self._target, self._room, 0, GL.GL_STREAM_DRAW)
        elif self._target == GL.GL_ARRAY_BUFFER:
            # Orphan: the driver need not wait for the frame that still draws from the old storage.
            buffer_data(self._target, self._room, 0, GL.GL_STREAM_DRAW)
        buffer_sub_data(self._target, 0, nbytes, self._address)
        self._counters.overlay_bytes += nbytes

    def _take_address(self) -> None:
        self._hold = (ctypes.c_char * len(self.memory)).from_buffer(self.memory)
        self._address = ctypes.addressof(self._hold)

    def release(self) -> None:
        _delete_buffer(self.handle)
