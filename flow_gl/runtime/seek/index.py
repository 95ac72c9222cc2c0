"""The index of a replay: its files are read once, at full speed and in the background, into segments with checkpoints.

A thread runs its own pipeline over the files. Parts that an earlier run has stored are not read again. Within the
indexed part, any instant can be restored: the last checkpoint before it gives the state of all instruments and the
positions of all rings, the segments give the rows up to these positions, and the trades after it are aggregated as
usual. The numbers are a function of the trades alone, so the result equals that of a run from the beginning.
"""

import bisect
import itertools
import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flow_gl.core.errors import DataError, FlowError
from flow_gl.core.items import Item
from flow_gl.core.log import get_logger
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.spec import EngineSpec
from flow_gl.core.units import MINUTE_NS
from flow_gl.feed.files.replay import ItemSource
from flow_gl.runtime.chart_setup import ChartSetup
from flow_gl.runtime.seek.indexing import Indexing
from flow_gl.runtime.seek.segment_store import SegmentStore
from flow_gl.runtime.seek.spare import SpareStores
from flow_gl.runtime.seek.timeline import TimelineWriter
from flow_gl.services.replay_cache.segment import Point
from flow_gl.store.timeline import TimelineStore

if TYPE_CHECKING:
    from flow_gl.runtime.feeds import ReplayFiles


_numbers: Final = itertools.count()
"""Numbers the timelines of this process, so that their names differ."""


@dataclass(frozen=True, slots=True)
class Place:
    """A checkpoint of the index: its segment and its number there."""

    segment: int
    point: int


class ReplayIndex:
    """The index of one replay under one set of settings.

    Parameters
    ----------
    setup : creates pipelines and charts
    files : the replay's files
    spec : the settings and rules
    """

    def __init__(self, setup: ChartSetup, files: "ReplayFiles", spec: EngineSpec) -> None:
        self.setup: Final = setup
        self.files: Final = files
        self.spec: Final = spec
        self.segments: Final = SegmentStore(files.cache, charts=len(files.charts))
        self.spares: Final = SpareStores(self.segments, charts=len(files.charts))
        self.problem = ""
        """Why the index cannot be built, one line; "" if there is no problem."""
        self.is_complete = False
        self._timeline: TimelineWriter | None = None
        self._ends: Final[list[int]] = []
        """Latest event time up to each segment's end, ns."""
        self._points: Final[list[tuple[int, Place]]] = []
        """Latest event time before each checkpoint, ns, and the checkpoint; in order."""
        self._indexing: Indexing | None = None
        self._is_stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted: int | None = None
        self._request: Final = threading.Event()

    @property
    def timeline(self) -> TimelineStore | None:
        """The data of a seek bar; None before `start`."""
        return self._timeline.store if self._timeline else None

    @property
    def lookup(self) -> TimelineWriter:
        """Events, sessions and minutes of the indexed part."""
        assert self._timeline is not None
        return self._timeline

    @property
    def progress(self) -> float:
        """Indexed share of the trades, 0..1."""
        trades = self._indexing.trades if self._indexing else 0
        return 1.0 if self.is_complete else min(1.0, trades / max(1, self.files.summary.trades))

    def start(self) -> None:
        """Start the indexing thread. Raises SharedMemoryError."""
        if self._thread is not None:
            return
        widths = widths_ns(self.spec.aggregation.bucket_ns)[: self.spec.lods]
        lod = next((lod for lod, width in enumerate(widths) if width >= MINUTE_NS), len(widths) - 1)
        self._timeline = TimelineWriter(
            TimelineStore.create(f"timeline{next(_numbers)}"), charts=len(self.files.charts), lod=lod
        )
        self._thread = threading.Thread(target=self._work, name="index", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and remove the timeline. Idempotent."""
        self._is_stopped.set()
        self._request.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.spares.close()
        self.segments.close()
        if self._timeline is not None:
            self._timeline.store.close()

    def reaches(self, event_ns: int) -> bool:
        """Return whether an instant can be restored now."""
        return self.is_complete or (bool(self._ends) and event_ns < self._ends[-1])

    def place_before(self, event_ns: int) -> Place:
        """Return the last checkpoint that has no trade after an instant, which the index must reach."""
        at = bisect.bisect_right(self._points, event_ns, key=lambda point: point[0]) - 1
        return self._points[max(at, 0)][1]

    def point(self, place: Place) -> Point:
        """Return a checkpoint. Raises DataError."""
        return self.segments.segment(place.segment).points[place.point]

    def source(self, place: Place) -> ItemSource:
        """Return the items from a checkpoint on."""
        return _Source(self, place)

    def decode_ahead(self, place: Place) -> None:
        """Begin to decode the trades after a checkpoint."""
        self.segments.blocks.decode_ahead(place.segment, place.point)

    def prefetch(self, event_ns: int) -> None:
        """Prepare a seek near an instant in the background: decode its rows and prefill stores."""
        if self.reaches(event_ns):
            self._wanted = event_ns
            self._request.set()

    def _work(self) -> None:
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        indexing = self._indexing = Indexing(self.setup, self.files, self.spec, self.segments, self.lookup)
        try:
            for segment, points in enumerate(indexing.segments(self._is_stopped.is_set)):
                self._points.extend((point.newest_event, Place(segment, at)) for at, point in enumerate(points[:-1]))
                self._ends.append(points[-1].newest_event)
            self.is_complete = not self._is_stopped.is_set()
        except FlowError as error:
            self.problem = str(error)
            get_logger("engine").warning("no index", extra={"error": error})
        except Exception as error:
            self.problem = f"the index of the replay cannot be built: {type(error).__name__}: {error}"
            get_logger("engine").exception("no index")
        self._keep_ready()

    def _keep_ready(self) -> None:
        while not self._is_stopped.is_set():
            self._request.wait()
            self._request.clear()
            wanted, self._wanted = self._wanted, None
            if wanted is not None and not self._is_stopped.is_set():
                with suppress(DataError):
                    place = self.place_before(wanted)
                    for chart in range(len(self.files.charts)):
                        self.segments.rows(place.segment, chart)
                    self.spares.prepare(place)


class _Source:
    """The items of a replay from a checkpoint to the end of the index. Implements `ItemSource`."""

    def __init__(self, index: ReplayIndex, place: Place) -> None:
        self._index: Final = index
        self._segment, self._block = place.segment, place.point
        self._items: list[Item] = []

    @property
    def is_waiting(self) -> bool:
        return not self._items and not self._has_block() and not (self._index.is_complete or self._index.problem)

    def take(self) -> Item | None:
        while not self._items:
            if not self._has_block():
                if self._index.problem:
                    raise DataError(self._index.problem)
                return None
            segments = self._index.segments
            self._items = segments.blocks.items(self._segment, self._block)[::-1]
            self._block += 1
            if self._block >= len(segments.segment(self._segment).contents.blocks):
                self._segment, self._block = self._segment + 1, 0
        return self._items.pop()

    def _has_block(self) -> bool:
        return self._segment < len(self._index.segments)
