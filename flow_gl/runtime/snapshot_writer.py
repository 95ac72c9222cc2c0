"""Copies the rows that rings took since the last snapshot, and encodes and writes them on its own thread."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final

from flow_gl.core.log import get_logger
from flow_gl.services.replay_cache.snapshot_file import Rows, Snapshot, encode
from flow_gl.store.market import MarketStore
from flow_gl.store.ring import Cursor
from flow_gl.store.row_log import RowCursor

_WAITING: Final = 2
"""Most snapshots waiting to be written; beyond that the replay waits for the disk."""
_LAST_S: Final = 20.0
"""How long closing waits for pending snapshots."""

Put = Callable[[bytes], None]


class SnapshotWriter:
    """Writes snapshots one after the other."""

    def __init__(self) -> None:
        self._jobs: Final[queue.Queue[tuple[str, Snapshot, Put] | None]] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._bubbles: list[list[Cursor]] = []
        self._cvd: list[list[Cursor]] = []
        self._footprints: list[list[Cursor]] = []
        self._logs: list[list[RowCursor]] = []

    def begin(self, stores: Sequence[MarketStore]) -> None:
        """Start the first snapshot, which will contain the rows that these stores receive from now on."""
        self._bubbles = [[Cursor(ring, position=ring.head) for ring in store.bubbles] for store in stores]
        self._cvd = [[Cursor(ring, position=ring.head) for ring in store.cvd] for store in stores]
        self._footprints = [[Cursor(ring, position=ring.head) for ring in store.footprints] for store in stores]
        self._logs = [[RowCursor(log, position=log.head) for log in store.logs] for store in stores]

    def write(self, key: str, state: bytes, note: str, put: Put) -> None:
        """End the snapshot here; `put` is called with its bytes, on the writer's thread."""
        rows = [
            [Rows(bubbles.read(), cvd.read(), rows.read()) for bubbles, cvd, rows in zip(*rings, strict=True)]
            for rings in zip(self._bubbles, self._cvd, self._footprints, strict=True)
        ]
        logs = [[cursor.read() for cursor in cursors] for cursors in self._logs]
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="snapshots", daemon=True)
            self._thread.start()
        self._jobs.put((key, Snapshot(note, state, rows, logs), put))

    def close(self) -> None:
        """Write pending snapshots, for 20 seconds at most. Idempotent."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(_LAST_S)
            self._thread = None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            key, snapshot, put = job
            try:
                put(encode(key, snapshot))
            except Exception:
                # The replay is not affected; the next run reads the file again.
                get_logger("engine").exception("a snapshot could not be written")
