"""Streams of rows that are appended and never change: bubbles, events, lines, orders."""

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import FORMS, Cause, Kind, Part, join
from flow_gl.store.ring import Ring
from flow_gl.store.row_log import RowLog
from flow_gl.streams.chart import Chart

MAX_PER_TICK: Final = 2048
"""Maximum number of new rows per stream and tick; the rest of a fast replay waits for the next tick."""


class Key(NamedTuple):
    """The key of a stream."""

    chart: int
    kind: Kind
    level: int


class Source(Protocol):
    """Reads the rows of a stream by position."""

    @property
    def state(self) -> tuple[int, int]:
        """The number of times all rows were replaced, and the position after the newest row, read atomically."""

    @property
    def oldest(self) -> int: ...

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        """Copy the rows [start, stop) that are still kept; the first one may be later than `start`."""

    def since(self, span_ns: int) -> int:
        """Return the first position within a span of event time before the newest row."""


class _Ring:
    """A ring; with `width_ns`, of rows whose ids are buckets of that width."""

    def __init__(self, ring: Ring, width_ns: int | None = None) -> None:
        self._ring: Final = ring
        self._width_ns: Final = width_ns

    @property
    def oldest(self) -> int:
        return self._ring.oldest

    @property
    def state(self) -> tuple[int, int]:
        return 0, self._ring.head

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        return self._ring.read(start, stop)

    def since(self, span_ns: int) -> int:
        _, head = self.state
        newest = self._ring.row(head - 1)
        if newest is None or self._width_ns is None:
            return self.oldest
        return max(self.oldest, self._ring.position_of(int(newest["id"]) - span_ns // self._width_ns, head))


class _Bubbles(_Ring):
    """The closed bubbles of a level with their CVD points."""

    def __init__(self, bubbles: Ring, points: Ring, width_ns: int) -> None:
        super().__init__(bubbles, width_ns)
        self._points: Final = points

    @property
    def oldest(self) -> int:
        return max(super().oldest, self._points.oldest)

    @property
    def state(self) -> tuple[int, int]:
        return 0, min(self._ring.head, self._points.head)

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        first_bubble, bubbles = super().read(start, stop)
        first_point, points = self._points.read(start, stop)
        first = max(first_bubble, first_point)
        return first, join(bubbles[first - first_bubble :], points[first - first_point :])


class _Log:
    def __init__(self, log: RowLog) -> None:
        self._log: Final = log

    @property
    def state(self) -> tuple[int, int]:
        current = self._log.current
        return current.epoch, current.stop

    @property
    def oldest(self) -> int:
        return self._log.oldest

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        return self._log.read(start, stop)

    def since(self, span_ns: int) -> int:  # noqa: ARG002  # logs are short, so they are sent in full
        return self.oldest


def source_of(chart: Chart, kind: Kind, level: int) -> Source:
    """Return what a stream reads."""
    store = chart.store
    if kind is Kind.BUBBLE:
        return _Bubbles(store.bubbles[level], store.cvd[level], chart.reader.widths_ns[level])
    form = FORMS[kind]
    if form.is_per_level:
        return _Ring(getattr(store, form.source)[level], chart.reader.widths_ns[level])
    rows: Ring | RowLog = getattr(store, form.source)
    return _Log(rows) if isinstance(rows, RowLog) else _Ring(rows)  # such a ring only holds seconds: sent in full


class AppendedStream:
    """A stream of rows that are appended.

    Attributes
    ----------
    position : all clients that follow the stream have received the rows before it
    """

    def __init__(self, key: Key, chart: Chart) -> None:
        self.key: Final = key
        self.chart: Final = chart
        self._source: Final = source_of(chart, key.kind, key.level)
        self.revision, self.position = self._source.state

    @property
    def oldest(self) -> int:
        return self._source.oldest

    def since(self, span_ns: int | None) -> int:
        """Return the position where history ends: that of the oldest row, or of the first row within a span."""
        return self._source.oldest if span_ns is None else self._source.since(span_ns)

    def advance(self) -> Rows | Cause | None:
        """Return the rows since the last call, or None. If all clients must start again, return the cause."""
        source = self._source
        revision, head = source.state
        if revision != self.revision:
            self.revision, self.position = revision, head
            return Cause.REPLACED
        if head == self.position:
            return None
        start = self.position
        first, rows = source.read(start, min(head, start + MAX_PER_TICK))
        if first > start:
            self.position = head
            return Cause.LAPPED
        self.position = first + len(rows)
        return self.block(first, rows)

    def read(self, start: int, stop: int) -> tuple[int, NDArray[np.void]]:
        """Copy the rows [start, stop) that are still kept."""
        return self._source.read(start, stop)

    def block(
        self,
        first: int,
        rows: NDArray[np.void],
        part: Part = Part.INCREMENT,
        *,
        cause: Cause = Cause.NONE,
        oldest: int = 0,
        missed: int = 0,
    ) -> Rows:
        """Return rows with their position in this stream."""
        return Rows(
            kind=self.key.kind,
            symbol=self.key.chart,
            level=self.key.level,
            epoch=self.chart.epoch,
            sequence=first,
            rows=rows,
            part=part,
            cause=cause,
            revision=self.revision,
            oldest=oldest,
            missed=missed,
        )
