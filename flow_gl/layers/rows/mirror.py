"""Mirrors a ring of the store on the GPU; each new row is uploaded once.

The mirror covers positions [lo, hi) of the store's ring. Visible rows are uploaded in the frame that shows them; the
rest of the history follows at a bounded number of rows per frame, so that no start or change of lod causes a long
frame and panning finds its rows on the GPU. The open row is at position `hi`, where its closed version replaces it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.buffers import RowRing
from flow_gl.gl.counters import FrameCounters
from flow_gl.layers.rows.packing import Base
from flow_gl.store.ring import Ring

Pack = Callable[[NDArray[np.void], Base, NDArray[np.void], NDArray[np.void] | None], NDArray[np.void]]
PackOne = Callable[[np.void, Base, NDArray[np.void], np.void | None], bytes]

BACKFILL_ROWS: Final = 4096
"""Rows of history uploaded per frame beyond the visible ones."""


class Mirror:
    """One store ring on the GPU.

    Parameters
    ----------
    dtype : row type on the GPU
    pack : converts rows of the store
    pack_one : converts one row
    """

    def __init__(self, dtype: np.dtype, pack: Pack, pack_one: PackOne, counters: FrameCounters) -> None:
        self.rows: Final = RowRing(dtype, counters)
        self._pack: Final = pack
        self._pack_one: Final = pack_one
        self._counters: Final = counters
        self._open_bytes = b""
        self._open_at = -1

    def restart(self) -> None:
        """Drop all rows, before another ring, lod or base is mirrored."""
        self.rows.restart(0)
        self._open_bytes, self._open_at = b"", -1

    def forget_from(self, position: int) -> None:
        """Drop the rows from a position on, so that `sync` uploads them again."""
        if position < self.rows.hi:
            self.rows.hi = max(position, self.rows.lo)
        self._open_bytes, self._open_at = b"", -1

    def sync(self, ring: Ring, head: int, visible: tuple[int, int], base: Base, gaps: NDArray[np.void]) -> bool:
        """Upload the visible positions and some of the history, up to `head`. Returns whether all of it is uploaded."""
        oldest = ring.oldest
        start, stop = max(visible[0], oldest), min(visible[1], head)
        gpu = self.rows
        if gpu.lo == gpu.hi or start > gpu.hi or stop < gpu.lo or oldest > gpu.hi:
            gpu.restart(max(min(start, head), oldest))
        gpu.reserve(min(ring.capacity, head - oldest + 1))
        if stop > gpu.hi:
            self._upload(ring, gpu.hi, stop, base, gaps)
        if start < gpu.lo:
            self._upload(ring, start, gpu.lo, base, gaps)
        room = BACKFILL_ROWS
        if gpu.hi < head:
            count = min(room, head - gpu.hi)
            self._upload(ring, gpu.hi, gpu.hi + count, base, gaps)
            room -= count
        if room and gpu.lo > oldest:
            self._upload(ring, max(oldest, gpu.lo - room), gpu.lo, base, gaps)
        gpu.lo = max(gpu.lo, ring.oldest, gpu.hi + 1 - gpu.capacity)
        gpu.lo = min(gpu.lo, gpu.hi)
        return gpu.hi >= head and gpu.lo <= max(oldest, gpu.hi + 1 - gpu.capacity)

    def put_open(self, row: np.void | None, ring: Ring, base: Base, gaps: NDArray[np.void]) -> bool:
        """Write the open row at position `hi` if it has changed. Returns whether there is one to draw."""
        if row is None:
            self._open_at = -1
            return False
        hi = self.rows.hi
        row_bytes = row.tobytes()
        if hi == self._open_at and row_bytes == self._open_bytes:
            return True
        self.rows.reserve(1)
        self.rows.write_one(hi, self._pack_one(row, base, gaps, ring.row(hi - 1)))
        self._open_bytes, self._open_at = row_bytes, hi
        return True

    @property
    def has_open(self) -> bool:
        """Whether the open row is at position `hi`."""
        return self._open_at == self.rows.hi

    def release(self) -> None:
        self.rows.release()

    def _upload(self, ring: Ring, start: int, stop: int, base: Base, gaps: NDArray[np.void]) -> None:
        gpu = self.rows
        previous: NDArray[np.void] | None = None
        row = ring.row(start) if stop - start == 1 and ring.oldest < start else None
        if row is not None:
            packed_row = self._pack_one(row, base, gaps, ring.row(start - 1))
            if ring.oldest < start:  # otherwise the writer has overwritten it: the next frame recovers
                gpu.write_one(start, packed_row)
                self._counters.rows_copied += 1
                gpu.lo, gpu.hi = min(gpu.lo, start), max(gpu.hi, stop)
                return
        if start > 0:
            _, before = ring.read(start - 1, start)
            previous = before if len(before) else None
        position = start
        for segment in ring.segments(start, stop):
            packed = self._pack(segment, base, gaps, previous)
            previous = segment[-1:].copy()
            # Rows that the writer overwrote while they were read are torn: skip them.
            torn = min(max(0, ring.oldest - position), len(packed))
            gpu.write(position + torn, packed[torn:])
            self._counters.rows_copied += len(segment)
            position += len(segment)
        gpu.lo = min(gpu.lo, start)
        gpu.hi = max(gpu.hi, stop)
