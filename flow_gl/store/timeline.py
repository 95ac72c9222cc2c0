"""The timeline of a replay: what its seek bar shows of the whole replay, including the part not played yet.

The engine reads the replay's files once in the background and writes here what each chart trades in a minute, its
events, gaps and sessions. They are facts, so they are rings; only gaps, and the session that is being read, may still
change.
"""

import mmap
from typing import Final

from flow_gl.core.schema import BUBBLE, CHARTS, EVENT, GAP_LIST, SESSION_SPAN
from flow_gl.store.ring import Ring
from flow_gl.store.shm import Segment
from flow_gl.store.table import Table

MINUTES: Final = 1 << 16
"""Minutes kept: 47 sessions."""
EVENTS: Final = 1 << 15
SPANS: Final = 1 << 10


class _Places:
    """Gives each ring and table its part of a buffer, on separate cache lines."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, nbytes: int) -> slice:
        start = self.size
        self.size += (nbytes + 127) & ~127
        return slice(start, start + nbytes)


class ChartTimeline:
    """The timeline of one chart.

    Attributes
    ----------
    minutes : ring of BUBBLE, closed ones of a minute (or of the base bucket where that is longer)
    events : ring of EVENT, in the order in which they became known
    spans : ring of SESSION_SPAN, finished sessions
    open_span : table of SESSION_SPAN, the newest session as far as it has been read
    gaps : table of GAP_LIST
    """

    def __init__(self, buffer: memoryview, places: _Places) -> None:
        self.minutes: Final = Ring(buffer[places.take(Ring.nbytes(BUBBLE, MINUTES))], BUBBLE, MINUTES)
        self.events: Final = Ring(buffer[places.take(Ring.nbytes(EVENT, EVENTS))], EVENT, EVENTS)
        self.spans: Final = Ring(buffer[places.take(Ring.nbytes(SESSION_SPAN, SPANS))], SESSION_SPAN, SPANS)
        self.open_span: Final = Table(buffer[places.take(Table.nbytes(SESSION_SPAN))], SESSION_SPAN)
        self.gaps: Final = Table(buffer[places.take(Table.nbytes(GAP_LIST))], GAP_LIST)

    @property
    def version(self) -> tuple[int, ...]:
        """Changes with the timeline's content; cheap to compare."""
        rings = self.minutes, self.events, self.spans
        return (*(ring.head for ring in rings), self.open_span.version, self.gaps.version)


def _nbytes() -> int:
    places = _Places()
    for _ in range(CHARTS):
        for dtype, rows in ((BUBBLE, MINUTES), (EVENT, EVENTS), (SESSION_SPAN, SPANS)):
            places.take(Ring.nbytes(dtype, rows))
        for dtype in (SESSION_SPAN, GAP_LIST):
            places.take(Table.nbytes(dtype))
    return places.size


class TimelineStore:
    """The timelines of all charts of a replay, in one segment.

    Attributes
    ----------
    charts : one for each chart that there may be; those without a chart stay empty
    """

    def __init__(self, buffer: memoryview, *, segment: Segment | None = None) -> None:
        self._segment = segment
        places = _Places()
        self.charts: Final = tuple(ChartTimeline(buffer, places) for _ in range(CHARTS))

    @property
    def name(self) -> str:
        """Name of the shared segment; "" for a store in this process's own memory."""
        return self._segment.name if self._segment else ""

    @classmethod
    def create(cls, tag: str) -> "TimelineStore":
        """Create a store in shared memory. Raises SharedMemoryError."""
        segment = Segment.create(tag, _nbytes())
        return cls(segment.buffer, segment=segment)

    @classmethod
    def attach(cls, name: str) -> "TimelineStore":
        """Open another process's store. Raises SharedMemoryError."""
        segment = Segment.attach(name)
        return cls(segment.buffer, segment=segment)

    @classmethod
    def local(cls) -> "TimelineStore":
        """Create a store in this process's own memory, for tests."""
        return cls(memoryview(mmap.mmap(-1, _nbytes())))  # its pages take no memory until they are written

    def close(self) -> None:
        if self._segment:
            self._segment.close()
