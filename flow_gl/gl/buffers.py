"""Rows on the GPU: a ring that mirrors a ring of the store, and a small buffer that is rewritten every frame.

`RowRing` keeps row p at slot p mod capacity, so appending uploads only the tail and overwrites the oldest rows. The
first slot is repeated after the last one, so that a line from row p to row p + 1 finds its neighbour where the ring
wraps. Shaders read both as buffer textures, indexed by row (`drawing`).
"""

import ctypes
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.api import GL, buffer_data, buffer_sub_data
from flow_gl.gl.counters import FrameCounters

TEXEL_BYTES: Final = 16
"""Bytes per texel. A row must be a multiple, so that shaders can fetch it texel by texel."""


def _delete_buffer(handle: int) -> None:
    GL.glDeleteBuffers(1, np.array([handle], np.uint32))


def _attach(texture: int, buffer: int) -> None:
    GL.glBindTexture(GL.GL_TEXTURE_BUFFER, texture)
    GL.glTexBuffer(GL.GL_TEXTURE_BUFFER, GL.GL_RGBA32I, buffer)


class RowRing:
    """Rows of one dtype on the GPU, addressed by the positions of the ring they mirror.

    Attributes
    ----------
    lo, hi : positions [lo, hi) are on the GPU
    texture : buffer texture of the rows; texels of four 32-bit integers
    """

    def __init__(self, dtype: np.dtype, counters: FrameCounters, *, is_overlay: bool = False) -> None:
        if dtype.itemsize % TEXEL_BYTES:
            raise ValueError(f"a row must be a multiple of {TEXEL_BYTES} bytes, is {dtype.itemsize}")
        self.dtype: Final = dtype
        self._is_overlay: Final = is_overlay
        self._counters: Final = counters
        self._one: Final = ctypes.create_string_buffer(dtype.itemsize)
        self._one_address: Final = ctypes.addressof(self._one)
        self.handle = self.texture = 0
        self.capacity = 0
        self.lo = 0
        self.hi = 0

    def reserve(self, rows: int) -> None:
        """Make room for at least `rows` rows. The capacity doubles as needed and existing rows are kept."""
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
        self.texture = self.texture or int(GL.glGenTextures(1))
        _attach(self.texture, handle)

    def _copy_from(self, old_capacity: int) -> None:
        size, position = self.dtype.itemsize, self.lo
        while position < self.hi:
            source, target = _slot(position, old_capacity), _slot(position, self.capacity)
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
        """Drop all rows. Rows are then written from `position` on, upwards or downwards."""
        self.lo = self.hi = position

    def write(self, position: int, rows: NDArray[np.void]) -> None:
        """Upload rows to [position, position + len(rows)). The caller updates `lo` and `hi`."""
        count = len(rows)
        if count == 0:
            return
        rows = np.ascontiguousarray(rows)
        self._write(position, count, rows.ctypes.data)

    def write_one(self, position: int, row: bytes) -> None:
        """Upload one packed row to a position. The caller updates `lo` and `hi`."""
        self._one.raw = row
        self._write(position, 1, self._one_address)

    def _write(self, position: int, count: int, address: int) -> None:
        size = self.dtype.itemsize
        slot = _slot(position, self.capacity)
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
        """Return the slots of positions [start, stop) in order, as (first slot, count): two where the ring wraps."""
        if stop <= start:
            return []
        slot = _slot(start, self.capacity)
        first = min(stop - start, self.capacity - slot)
        parts = [(slot, first)]
        if first < stop - start:
            parts.append((0, stop - start - first))
        return parts

    def release(self) -> None:
        if self.handle:
            GL.glDeleteTextures(1, np.array([self.texture], np.uint32))
            _delete_buffer(self.handle)
        self.handle = self.texture = self.capacity = self.lo = self.hi = 0


def _slot(position: int, capacity: int) -> int:
    """Return where a position lies in a buffer whose capacity is a power of two."""
    return position & (capacity - 1)


class StreamBuffer:
    """A small GPU buffer that is refilled every frame from a host buffer that is reused.

    The caller writes to `memory` (with `struct.pack_into`, a NumPy view or `put`); `upload` sends its first bytes.

    Attributes
    ----------
    texture : buffer texture of the rows, from the first upload on; texels of four 32-bit integers. 0 for other targets
    """

    def __init__(self, nbytes: int, counters: FrameCounters, *, target: int | None = None) -> None:
        self._counters: Final = counters
        self._target: Final[int] = GL.GL_ARRAY_BUFFER if target is None else target
        self.handle = int(GL.glGenBuffers(1))
        self.texture = int(GL.glGenTextures(1)) if self._target == GL.GL_ARRAY_BUFFER else 0
        self.memory = bytearray(nbytes)
        self._address = 0
        self._room = 0
        self._hold: Any = None
        self._take_address()

    def grow(self) -> None:
        """Double the memory and keep its contents."""
        self._hold = None
        self.memory = self.memory + bytearray(len(self.memory))
        self._take_address()

    def put(self, at: int, address: int, nbytes: int) -> None:
        """Copy `nbytes` from an address into the memory."""
        ctypes.memmove(self._address + at, address, nbytes)

    def upload(self, nbytes: int) -> None:
        """Replace the buffer's content by the first `nbytes` of `memory`."""
        GL.glBindBuffer(self._target, self.handle)
        if self._room != len(self.memory):
            self._room = len(self.memory)
            buffer_data(self._target, self._room, 0, GL.GL_STREAM_DRAW)
            if self.texture:
                _attach(self.texture, self.handle)
        elif self._target != GL.GL_UNIFORM_BUFFER:
            # Orphan the old storage: the driver need not wait for a frame that still draws from it.
            buffer_data(self._target, self._room, 0, GL.GL_STREAM_DRAW)
        buffer_sub_data(self._target, 0, nbytes, self._address)
        self._counters.overlay_bytes += nbytes

    def _take_address(self) -> None:
        self._hold = (ctypes.c_char * len(self.memory)).from_buffer(self.memory)
        self._address = ctypes.addressof(self._hold)

    def release(self) -> None:
        if self.texture:
            GL.glDeleteTextures(1, np.array([self.texture], np.uint32))
        _delete_buffer(self.handle)
