"""A log of rows whose newest may be replaced: a ring, and a table that says which of its rows are current.

Rows (events, lines) are appended as they become known. When a parameter changes, the session's rows are replaced: the
current rows are written once more behind the others, with the new rows in place of the old ones, and then one record
of the table makes them the current rows. So a reader, who looks at the table first, sees the old rows or the new ones,
never a part. A view, which reads several logs in a frame, sees all of them before a replacement or all after it
(`FrozenLogs`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.store.ring import Ring
from flow_gl.store.table import Table

CURRENT_ROWS: Final = np.dtype(
    [
        ("epoch", "<i8"),  # how often rows were replaced
        ("start", "<i8"),  # position in the ring of the first current row ...
        ("stop", "<i8"),  # ... and after the last
        ("replaced", "<i8"),  # position of the first row of the last replacement
        ("since", "<i8"),  # time (ns) from which that replacement applies
    ]
)


MAX_LOOKS: Final = 60
"""Frames for which a replacement that has reached only some logs is waited for: about half a second."""


@dataclass(frozen=True, slots=True)
class CurrentRows:
    """The current rows, as positions in the ring; see CURRENT_ROWS."""

    epoch: int
    start: int
    stop: int
    replaced: int
    since: int


class RowLog:
    """Rows in the order in which they became known; one writer, many readers.

    Parameters
    ----------
    ring, table : of the rows, and of CURRENT_ROWS
    """

    def __init__(self, ring: Ring, table: Table) -> None:
        self._ring: Final = ring
        self._table: Final = table
        self._record: Final[NDArray[np.void]] = np.zeros(1, CURRENT_ROWS)
        self._copy: Final[NDArray[np.void]] = np.zeros(1, CURRENT_ROWS)
        self._version = -1
        self._current = CurrentRows(0, 0, 0, 0, 0)
        table.read(self._record)

    @property
    def dtype(self) -> np.dtype:
        return self._ring.dtype

    @property
    def capacity(self) -> int:
        return self._ring.capacity

    @property
    def current(self) -> CurrentRows:
        """The newest record of the table."""
        if self._table.version != self._version:
            version = self._table.read(self._copy)
            self._current = CurrentRows(*self._copy[0].tolist())
            self._version = version  # last, because another thread may read it in the meantime
        return self._current

    @property
    def head(self) -> int:
        """Position after the newest row."""
        return self.current.stop

    @property
    def oldest(self) -> int:
        """Position of the oldest current row that is still there."""
        return max(self.current.start, self.oldest_kept)

    @property
    def oldest_kept(self) -> int:
        """Position of the oldest row in the ring, current or not."""
        return self._ring.oldest

    def append(self, rows: NDArray[np.void]) -> None:
        """Publish rows."""
        self._ring.append(rows)
        self._record["stop"] = self._ring.head
        self._table.write(self._record)

    def place(self, head: int, parts: Sequence[NDArray[np.void]], held: int = 0) -> None:
        """Write rows ahead of `restore`; see `Ring.place`."""
        self._ring.place(head, parts, held)

    def restore(self, head: int, parts: Sequence[NDArray[np.void]], held: int = 0) -> None:
        """Fill a new log with the rows that end at a position; see `Ring.restore`."""
        self._ring.restore(head, parts, held)
        self._record["stop"] = head
        self._table.write(self._record)

    def replace(self, count: int, rows: NDArray[np.void], since: int) -> None:
        """Replace the newest `count` rows by `rows`, at once for every reader.

        Parameters
        ----------
        since : event time (ns) from which the new rows hold: the session's open
        """
        before = self.current
        # At most half of the ring is written, so that a reader is not lapped by one replacement.
        room = max(0, self.capacity // 2 - len(rows))
        kept_until = max(before.start, before.stop - count)
        _, kept = self._ring.read(max(before.start, kept_until - room), kept_until)
        start = self._ring.head
        self._ring.append(kept)
        replaced = self._ring.head
        self._ring.append(rows)
        self._record["epoch"] = before.epoch + 1
        self._record["start"], self._record["stop"] = start, self._ring.head
        self._record["replaced"], self._record["since"] = replaced, since
        self._table.write(self._record)

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        """Copy positions [start, stop); see `Ring.read`."""
        return self._ring.read(start, stop)


class FrozenLog:
    """A log as one reader sees it: the current rows are those of the last `FrozenLogs.freeze`.

    Parameters
    ----------
    log : what it shows
    """

    def __init__(self, log: RowLog) -> None:
        self._log: Final = log
        self.current = CurrentRows(0, 0, 0, 0, 0)

    @property
    def dtype(self) -> np.dtype:
        return self._log.dtype

    @property
    def capacity(self) -> int:
        return self._log.capacity

    @property
    def newest(self) -> CurrentRows:
        """The newest record of the log."""
        return self._log.current

    @property
    def head(self) -> int:
        """Position after the newest row."""
        return self.current.stop

    @property
    def oldest(self) -> int:
        """Position of the oldest current row that is still there."""
        return max(self.current.start, self._log.oldest_kept)

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        """Copy positions [start, stop); see `Ring.read`."""
        return self._log.read(start, stop)


class FrozenLogs:
    """Logs that are replaced together, as one reader sees them.

    A replacement is published log by log. Until it has reached all of them, they keep what they showed before; a writer
    that replaces only one of them, or ended half-way, is followed after `MAX_LOOKS`.
    """

    def __init__(self, *logs: RowLog) -> None:
        self.logs: Final = tuple(map(FrozenLog, logs))
        self._waited = 0

    @property
    def is_waiting(self) -> bool:
        """Whether a replacement has not reached all logs yet."""
        return self._waited > 0

    def freeze(self) -> None:
        """Show the newest current rows, until the next call."""
        newest = [log.newest for log in self.logs]
        is_half = len({now.epoch - log.current.epoch for log, now in zip(self.logs, newest, strict=True)}) > 1
        self._waited = self._waited + 1 if is_half else 0
        if is_half and self._waited < MAX_LOOKS:
            return
        for log, record in zip(self.logs, newest, strict=True):
            log.current = record


class RowCursor:
    """A reader's place in a log. Ask `renewed` before `read`."""

    def __init__(self, log: RowLog | FrozenLog, *, position: int = 0) -> None:
        self._log: Final = log
        current = log.current
        self._epoch = current.epoch
        self._start = current.start
        self.position = max(position, current.start)
        self.consumed = 0
        """Current rows that were read when `renewed` last found a replacement."""
        self.missed = 0
        """Current rows that were overwritten before this cursor read them."""

    @property
    def place(self) -> tuple[int, int, int, int]:
        """The state that must be restored to read the same rows again."""
        return self._epoch, self._start, self.position, self.missed

    @place.setter
    def place(self, place: tuple[int, int, int, int]) -> None:
        self._epoch, self._start, self.position, self.missed = place

    @property
    def behind(self) -> int:
        """Rows not read yet."""
        return self.behind_of(self.place)

    def behind_of(self, place: tuple[int, int, int, int]) -> int:
        """Return the number of rows not read yet at a place; after a replacement, of all current rows."""
        current = self._log.current
        return current.stop - (place[2] if current.epoch == place[0] else current.start)

    def renewed(self) -> CurrentRows | None:
        """Return the current rows if some were replaced since the last call: the cursor then starts with the first.

        Otherwise return None. Until this is called, `read` returns nothing of a replacement.
        """
        current = self._log.current
        if current.epoch == self._epoch:
            return None
        self.consumed = self.position - self._start
        self._epoch, self._start, self.position = current.epoch, current.start, current.start
        return current

    def read(self, most: int | None = None) -> NDArray[np.void]:
        """Copy the current rows that were not read yet (at most `most`), and advance."""
        current = self._log.current
        if current.epoch != self._epoch:
            return np.zeros(0, self._log.dtype)
        stop = current.stop if most is None else min(current.stop, self.position + most)
        first, rows = self._log.read(self.position, stop)
        if first > self.position:
            self.missed += first - self.position
        self.position = first + len(rows)
        return rows
