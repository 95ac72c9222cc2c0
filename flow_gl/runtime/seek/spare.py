"""Stores that are filled ahead of a seek, in the background, so that the seek itself writes only the missing rows.

Most of the work of a seek over several sessions is writing the earlier ones into new shared memory. Nothing reads a
spare store before a seek takes it, and until then its rows are not published.
"""

import itertools
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flow_gl.core.errors import DataError
from flow_gl.runtime.seek.filling import End, fill, rings_of
from flow_gl.runtime.seek.segment_store import LOADED
from flow_gl.store.market import MarketStore
from flow_gl.store.shm import SharedMemoryError, free_bytes

if TYPE_CHECKING:
    from flow_gl.runtime.seek.index import Place
    from flow_gl.runtime.seek.segment_store import SegmentStore

MAX_BYTES: Final = 768 << 20
"""Maximum size of prefilled rows, in bytes, for all charts together; longer replays are filled only by the seek."""
_ROOM: Final = 3
"""Shared memory that must be free, as a multiple of the rows' size."""
_STEP_POINTS: Final = 4
"""Checkpoints whose rows are written in one step: those of a quarter of a million trades."""
_numbers: Final = itertools.count()
"""Numbers the stores of this process, so that their names differ."""


@dataclass(slots=True)
class Spare:
    """A store and, for each ring in the order of `rings_of`, the position up to which it is filled."""

    store: MarketStore
    held: list[int] = field(default_factory=list)


class SpareStores:
    """The spare stores of one replay's charts. Filled by one thread, taken by another.

    Parameters
    ----------
    segments : provides the rows
    charts : number of charts
    """

    def __init__(self, segments: "SegmentStore", *, charts: int) -> None:
        self._segments: Final = segments
        self._charts: Final = charts
        self._lock: Final = threading.Lock()
        self._is_wanted = threading.Event()
        self._spares: list[Spare] = []
        self._is_closed = False

    def prepare(self, place: "Place") -> None:
        """Create the stores if there are none, and fill them for seeks near or before a checkpoint.

        Returns early if they are taken in the meantime.
        """
        with self._lock, suppress(SharedMemoryError, DataError):
            if self._is_closed:
                return
            if not self._spares:
                if not self._has_room():
                    return
                self._spares = [self._new() for _ in range(self._charts)]
            for chart, spare in enumerate(self._spares):
                for number, end in enumerate(self._ends(spare.store, chart, place)):
                    for step in self._steps(spare, chart, number, end):
                        if self._is_wanted.is_set():
                            return
                        held = spare.held[number]
                        fill(self._segments, spare.store, chart, number, step, held=held, is_hidden=True)
                        spare.held[number] = step.head

    def take(self) -> list[Spare]:
        """Return the spare stores, possibly only partly filled; the caller then owns them. [] if there are none."""
        self._is_wanted.set()
        with self._lock:
            self._is_wanted.clear()
            spares, self._spares = self._spares, []
        return spares

    def close(self) -> None:
        """Remove the stores. Idempotent."""
        for spare in self.take():
            spare.store.close()
        with self._lock:
            self._is_closed = True
            for spare in self._spares:
                spare.store.close()
            self._spares = []

    def _new(self) -> Spare:
        store = MarketStore.create(f"spare{next(_numbers)}")
        return Spare(store, [0] * len(rings_of(store)))

    def _has_room(self) -> bool:
        nbytes, free = self._segments.rows_nbytes, free_bytes()
        return nbytes <= MAX_BYTES and (free is None or free > _ROOM * nbytes)

    def _steps(self, spare: Spare, chart: int, number: int, end: End) -> list[End]:
        """Return the positions up to which to fill a ring, in steps, so that a seek waits for one step at most."""
        held = spare.held[number]
        if end.head <= held:
            return []
        steps: list[End] = []
        # Checkpoints of more segments than are kept in memory would be read again for each ring.
        if end.head <= rings_of(spare.store)[number].capacity and len(self._segments) <= LOADED:
            for segment in range(end.segment + 1):
                points = self._segments.segment(segment).points
                heads = [point.heads[chart][number] for point in points[_STEP_POINTS:-1:_STEP_POINTS]]
                steps += [End(head, segment) for head in heads if held < head < end.head]
        return [*steps, end]

    def _ends(self, store: MarketStore, chart: int, place: "Place") -> list[End]:
        """Return how far to fill each ring: to the replay's end if it holds all rows, otherwise to the checkpoint."""
        last = len(self._segments) - 1
        ends = self._segments.segment(last).points[-1].heads[chart]
        here = self._segments.segment(place.segment).points[place.point].heads[chart]
        return [
            End(end, last) if end <= ring.capacity else End(head, place.segment)
            for ring, end, head in zip(rings_of(store), ends, here, strict=True)
        ]
