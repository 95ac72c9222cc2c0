"""Ring: facts in the order in which they became known. One writer, any number of readers with their own cursors.

The header holds two counters. The writer sets `claimed` to the last position it may write, writes the rows, then
advances `head`, which never decreases. A reader copies rows, then reads `claimed`: the copy of the row at position p is
valid only if `claimed - capacity <= p`. Checking `head` instead would accept torn rows, since the writer may be in the
middle of overwriting them.

Rows are added by `append`, or written in place: `claim` returns free rows, `publish` makes the written ones visible.
`claimed` then drops to one row past `head`, never below a row that was written.

The counters are plain 8-byte stores. x86 keeps stores in order; on a CPU with a weak memory model (ARM), reader and
writer would need a fence between counter and rows. In practice CPython's locking provides one per batch of bytecodes,
but that is not guaranteed.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES: Final = 128
_CLAIMED: Final = 0
HEAD_WORD: Final = 8
"""Place of the head in the header, in words of eight bytes: it has a separate cache line."""


def missing(head: int, capacity: int, held: int) -> tuple[int, int]:
    """Return the positions [first, last) that a ring lacks so that its rows end at `head`.

    Parameters
    ----------
    held : it has the rows before this position, as many as it holds
    """
    oldest = max(0, head - capacity)
    if held <= head:
        return max(oldest, held), head
    return oldest, min(head, max(oldest, held - capacity))


class Ring:
    """A fixed-capacity ring of rows of one dtype over a buffer (shared memory, or any writable buffer).

    Parameters
    ----------
    buffer : writable buffer of at least `Ring.nbytes(dtype, capacity)` bytes, zeroed when new
    dtype : row dtype
    capacity : rows, a power of two
    """

    def __init__(self, buffer: memoryview, dtype: np.dtype, capacity: int) -> None:
        if capacity <= 0 or capacity & (capacity - 1):
            raise ValueError(f"ring capacity must be a power of two, was {capacity}")
        self.dtype: Final = dtype
        self.capacity: Final = capacity
        self._mask: Final = capacity - 1
        self._counters: NDArray[np.int64] = np.frombuffer(buffer, dtype=np.int64, count=HEADER_BYTES // 8)
        self.rows: NDArray[np.void] = np.frombuffer(buffer, dtype=dtype, count=capacity, offset=HEADER_BYTES)
        """All rows in place, by slot. Readers use `row`, `segments` or `read`, which take positions."""
        self.ids: NDArray[np.int64] = self.rows["id"] if "id" in (dtype.names or ()) else self._counters[:0]
        """The rows' `id` column in place; empty if the dtype has none."""
        self._raw: NDArray[np.void] = self.rows.view(f"V{dtype.itemsize}")

    @staticmethod
    def nbytes(dtype: np.dtype, capacity: int) -> int:
        return HEADER_BYTES + dtype.itemsize * capacity

    @property
    def head(self) -> int:
        """Number of rows ever published, which is the position of the next one."""
        return int(self._counters[HEAD_WORD])

    @property
    def claimed(self) -> int:
        """Number of rows ever published or being written."""
        return int(self._counters[_CLAIMED])

    @property
    def oldest(self) -> int:
        """Position of the oldest row that is valid now."""
        return max(0, self.claimed - self.capacity)

    def append(self, rows: NDArray[np.void]) -> None:
        """Publish rows. More rows than the capacity are published piece by piece; the oldest are overwritten."""
        count = len(rows)
        # As raw bytes: NumPy copies records field by field, which takes three times as long.
        raw = (rows if rows.dtype is self.dtype else rows.astype(self.dtype, copy=False)).view(self._raw.dtype)
        if count <= self.capacity:
            self._append_some(raw, count)
            return
        for start in range(0, count, self.capacity):
            self._append_some(raw[start : start + self.capacity], min(self.capacity, count - start))

    def _append_some(self, raw: NDArray[np.void], count: int) -> None:
        if not count:
            return
        head = int(self._counters[HEAD_WORD])
        self._counters[_CLAIMED] = head + count
        at = head & self._mask
        first = min(count, self.capacity - at)
        if first == count:
            self._raw[at : at + count] = raw
        else:
            self._raw[at:] = raw[:first]
            self._raw[: count - first] = raw[first:]
        self._counters[HEAD_WORD] = head + count

    def claim(self, most: int) -> NDArray[np.void]:
        """Return the next rows, to be written in place: up to `most`, fewer at the end of the buffer.

        Rows must be written in order; before `publish`, at most one row beyond those to be published may be written.
        """
        head = int(self._counters[HEAD_WORD])
        at = head & self._mask
        room = min(most, self.capacity - at)
        self._counters[_CLAIMED] = head + room
        return self.rows[at : at + room]

    def publish(self, count: int) -> None:
        """Make the first `count` claimed rows visible and release the others."""
        head = int(self._counters[HEAD_WORD]) + count
        self._counters[HEAD_WORD] = head
        self._counters[_CLAIMED] = head + 1  # the next row may be partly written

    def restore(self, head: int, parts: Sequence[NDArray[np.void]], held: int = 0) -> None:
        """Fill a new ring with the rows that end at a position, so that it continues another ring.

        Parameters
        ----------
        head : position after the last row
        parts : the rows in order; those that the ring has no room for, or has already, are left out
        held : rows before this position were placed already, as many as the ring holds

        Raises
        ------
        ValueError : the ring has room for older rows than there are
        """
        self._counters[_CLAIMED] = head
        self.place(head, parts, held)
        self._counters[HEAD_WORD] = head

    def place(self, head: int, parts: Sequence[NDArray[np.void]], held: int = 0) -> None:
        """Write the rows that end at a position where `restore` will need them, hidden from readers until then.

        Parameters and errors are those of `restore`.
        """
        first, last = missing(head, self.capacity, held)
        stop = head
        for rows in reversed(parts):
            start = stop - len(rows)
            low, high = max(start, first), min(stop, last)
            if low < high:
                self._put(low, rows[low - start : high - start].view(self._raw.dtype))
            stop = start
        if stop > first and last > first:
            raise ValueError(f"rows from position {first} on are needed, was {stop}")

    def _put(self, position: int, raw: NDArray[np.void]) -> None:
        at = position & self._mask
        first = min(len(raw), self.capacity - at)
        self._raw[at : at + first] = raw[:first]
        self._raw[: len(raw) - first] = raw[first:]

    def append_raw(self, row: NDArray[np.void]) -> None:
        """Publish one row given as raw bytes (void dtype of the row's size, shape (1,))."""
        head = int(self._counters[HEAD_WORD])
        self._counters[_CLAIMED] = head + 1
        at = head & self._mask
        self._raw[at : at + 1] = row
        self._counters[HEAD_WORD] = head + 1

    def copy_row(self, position: int, out: NDArray[np.void]) -> None:
        """Copy the row at a position into `out` (shape (1,)). Not validated."""
        at = position & self._mask
        out.view(self._raw.dtype)[:] = self._raw[at : at + 1]

    def row(self, position: int) -> np.void | None:
        """Return the row at a position in place, without a copy.

        The writer may overwrite it while it is used: compare `oldest` with `position` afterwards where that matters.

        Returns
        -------
        row : None if the row has been overwritten or is not published yet
        """
        if not self.oldest <= position < self.head:
            return None
        row: np.void = self.rows[position & self._mask]
        return row

    def position_of(self, row_id: int, head: int) -> int:
        """Find the first position before `head` whose row has an id of at least `row_id`; `head` if there is none.

        Rows must have ascending ids. A binary search, not validated against the writer.

        Parameters
        ----------
        head : positions from here on are not looked at; at most the ring's head
        """
        if head == 0 or self.ids[(head - 1) & self._mask] < row_id:
            return head
        position = max(0, head - self.capacity)
        at, end = position & self._mask, head & self._mask
        if at < end:
            return position + int(self.ids[at:end].searchsorted(row_id))
        older = self.ids[at:]
        if older[-1] >= row_id:
            return position + int(older.searchsorted(row_id))
        return position + len(older) + int(self.ids[:end].searchsorted(row_id))

    def positions_of(self, row_ids: NDArray[np.int64], head: int) -> NDArray[np.int64]:
        """Return `position_of` of each of several ids, int64 (n,)."""
        position = max(0, head - self.capacity)
        at, end = position & self._mask, head & self._mask
        if head == 0 or at < end:
            return position + self.ids[at:end].searchsorted(row_ids)
        older = self.ids[at:]
        found = older.searchsorted(row_ids)
        newer = len(older) + self.ids[:end].searchsorted(row_ids)
        return position + np.where(found < len(older), found, newer)

    def column(self, name: str, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a copy of a column (int64) at positions, in their order. Not validated."""
        values: NDArray[np.int64] = self.rows[name][positions & self._mask]
        return values

    def segments(self, start: int, stop: int) -> list[NDArray[np.void]]:
        """Return views of positions [start, stop): one array, or two if the range wraps. Not validated."""
        if stop <= start:
            return []
        at, end = start & self._mask, ((stop - 1) & self._mask) + 1
        if at < end:
            return [self.rows[at:end]]
        return [self.rows[at:], self.rows[:end]]

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        """Copy positions [start, stop), stop at most `head`.

        Returns
        -------
        first : position of the first row returned; greater than `start` if the writer had overwritten some
        rows : valid rows [first, stop), possibly none
        """
        stop = min(stop, self.head)
        start = max(start, self.oldest)
        if stop <= start:
            return max(start, 0), np.empty(0, self.dtype)
        copy = np.empty(stop - start, self.dtype)
        raw = copy.view(self._raw.dtype)
        at, count = start & self._mask, stop - start
        part = min(count, self.capacity - at)
        raw[:part] = self._raw[at : at + part]
        if part < count:
            raw[part:] = self._raw[: count - part]
        first = max(start, self.oldest)
        if first > start:
            copy = copy[first - start :]
        return first, copy


class Cursor:
    """A reader's place in a ring."""

    def __init__(self, ring: Ring, *, position: int = 0) -> None:
        self.ring: Final = ring
        self.position = position
        self.missed = 0
        """Total rows that were overwritten before this cursor read them."""

    @property
    def behind(self) -> int:
        """Rows published and not yet read."""
        return self.ring.head - self.position

    def read(self, most: int | None = None) -> NDArray[np.void]:
        """Copy the rows published since the last call (at most `most`) and advance. Lapped rows add to `missed`."""
        stop = self.ring.head
        if most is not None:
            stop = min(stop, max(self.position, self.ring.oldest) + most)
        first, rows = self.ring.read(self.position, stop)
        if first > self.position:
            self.missed += first - self.position
        self.position = first + len(rows)
        return rows
