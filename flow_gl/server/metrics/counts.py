"""Counters of all workers in shared memory, so that one scrape returns the totals.

Each worker counts in plain integers and publishes them about once a second to its own table. A worker that replaces a
dead one continues from its counts, so totals never decrease.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.units import SECOND_NS
from flow_gl.store.shm import Segment
from flow_gl.store.table import Table

COUNTS: Final = np.dtype(
    [
        ("pid", "<i8"),
        ("published", "<i8"),  # wall clock, ns
        ("clients", "<i8"),  # connected now
        ("subscriptions", "<i8"),  # of the connected clients
        ("connected", "<i8"),  # clients since the start; this and all fields below only increase
        ("sent_bytes", "<i8"),  # payload
        ("sent_messages", "<i8"),
        ("received_messages", "<i8"),
        ("snapshots", "<i8"),
        ("dropped_to_snapshot", "<i8"),  # times a slow client's queue was dropped
        ("dropped_rows", "<i8"),  # rows that slow clients missed and received by snapshot
        ("slow_disconnects", "<i8"),  # clients that stayed slow
        ("commands", "<i8"),  # commands that affect all clients
        ("auth_failures", "<i8"),
        ("rate_limited", "<i8"),
        ("refused", "<i8"),  # refused for another reason: origin, too many, too slow, too large
    ]
)
"""One worker's counts."""
GAUGES: Final = frozenset({"clients", "subscriptions"})
"""Gauges: fields that can decrease."""
STALE_NS: Final = 5 * SECOND_NS
"""A worker that has not published for this long counts as not running."""
_STRIDE: Final = (Table.nbytes(COUNTS) + 127) & ~127


class CountsBoard:
    """The tables of all workers."""

    def __init__(self, buffer: memoryview, workers: int, *, segment: Segment | None = None) -> None:
        self._segment = segment
        self.tables: Final = [
            Table(buffer[at : at + Table.nbytes(COUNTS)], COUNTS) for at in range(0, workers * _STRIDE, _STRIDE)
        ]

    @classmethod
    def create(cls, tag: str, workers: int) -> "CountsBoard":
        """Create the tables in shared memory. Raises SharedMemoryError."""
        segment = Segment.create(tag, workers * _STRIDE)
        return cls(segment.buffer, workers, segment=segment)

    @classmethod
    def attach(cls, name: str, workers: int) -> "CountsBoard":
        """Attach to another process's tables. Raises SharedMemoryError."""
        segment = Segment.attach(name)
        return cls(segment.buffer, workers, segment=segment)

    @classmethod
    def local(cls, workers: int = 1) -> "CountsBoard":
        """Create the tables in this process's own memory, for a server with one worker and for tests."""
        return cls(memoryview(bytearray(workers * _STRIDE)), workers)

    @property
    def name(self) -> str:
        """Name of the shared segment; "" for tables in this process's own memory."""
        return self._segment.name if self._segment else ""

    def totals(self, wall_ns: int) -> dict[str, int]:
        """Return the sum of each field over all workers, and `workers`, the number of those that run.

        Gauges of workers that are not running are left out; their counters are included.
        """
        found = {field: 0 for field in COUNTS.names or () if field not in ("pid", "published")} | {"workers": 0}
        record: NDArray[np.void] = np.zeros(1, COUNTS)
        for table in self.tables:
            if not table.read(record):
                continue
            row = record[0]
            is_running = wall_ns - int(row["published"]) < STALE_NS
            found["workers"] += is_running
            for field in found:
                if field != "workers" and (is_running or field not in GAUGES):
                    found[field] += int(row[field])
        return found

    def close(self) -> None:
        if self._segment:
            self._segment.close()


class WorkerCounts:
    """One worker's counts. Add to the attributes and call `publish` about once a second.

    Parameters
    ----------
    board : the tables of all workers
    worker : this worker's number, from 0
    pid : its process id
    """

    def __init__(self, board: CountsBoard, worker: int, *, pid: int, clock: Clock = SYSTEM) -> None:
        self._table: Final = board.tables[worker]
        self._clock: Final = clock
        self._record: Final[NDArray[np.void]] = np.zeros(1, COUNTS)
        self._table.read(self._record)
        for field in GAUGES:
            self._record[0][field] = 0
        self._record[0]["pid"] = pid
        self._before: Final[dict[str, int]] = {name: int(self._record[0][name]) for name in COUNTS.names or ()}
        self.clients = self.subscriptions = 0
        self.connected = self.sent_bytes = self.sent_messages = self.received_messages = self.snapshots = 0
        self.dropped_to_snapshot = self.dropped_rows = self.slow_disconnects = self.commands = 0
        self.auth_failures = self.rate_limited = self.refused = 0

    def publish(self) -> None:
        """Write the counts to shared memory, where every worker can read them."""
        row = self._record[0]
        for field in COUNTS.names or ():
            if field not in ("pid", "published"):
                row[field] = self._before[field] + getattr(self, field)
        row["published"] = self._clock.wall_ns()
        self._table.write(self._record)
