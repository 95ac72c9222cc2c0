"""One pass over a replay's files that creates the segments of its index, or reuses those of an earlier run."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flow_gl.core.items import FileEnd, Item, Trades
from flow_gl.core.spec import EngineSpec
from flow_gl.feed.files.file_sequence import FileSequence
from flow_gl.runtime.chart_setup import ChartSetup
from flow_gl.runtime.file_summaries import hashed
from flow_gl.runtime.replay_snapshots import keys_of
from flow_gl.runtime.seek.segment_store import Segment, SegmentStore
from flow_gl.runtime.seek.segment_writer import SegmentWriter
from flow_gl.runtime.seek.timeline import TimelineWriter
from flow_gl.runtime.totals import Totals
from flow_gl.services.replay_cache.segment import POINT_TRADES, SEGMENT_TRADES, Point
from flow_gl.store.market import MarketStore

if TYPE_CHECKING:
    from flow_gl.runtime.feeds import ReplayFiles

BATCH: Final = 1 << 14
"""Trades aggregated between two reads of the rings: few enough that no ring overflows."""
_BASE_CAPACITY: Final = 1 << 18


class Indexing:
    """One pass over the files.

    Parameters
    ----------
    setup : creates pipeline and charts
    files : the replay's files
    spec : settings and rules
    segments : stores the segments
    timeline : receives every segment
    """

    def __init__(
        self,
        setup: ChartSetup,
        files: "ReplayFiles",
        spec: EngineSpec,
        segments: SegmentStore,
        timeline: TimelineWriter,
    ) -> None:
        self._setup: Final = setup
        self._summary: Final = files.summary
        self._spec: Final = spec
        self._segments: Final = segments
        self._timeline: Final = timeline
        self._keys: Final = keys_of(files.summary.paths, spec=spec, charts=files.charts)[1]
        joined = frozenset(files.summary.joined())
        self._ends: Final = [file for file in range(len(files.summary.paths)) if file not in joined]
        """Number of the last file of each group of files that are read together."""
        self._totals = Totals()

    @property
    def trades(self) -> int:
        """Trades read so far."""
        return self._totals.trades

    def segments(self, is_stopped: Callable[[], bool]) -> Iterator[list[Point]]:
        """Put all segments into the store; yield the checkpoints of each.

        Parameters
        ----------
        is_stopped : called between two batches; True ends the pass

        Raises
        ------
        FlowError
            A file cannot be read.
        """
        groups, last = 0, None
        while groups < len(self._ends):
            found = self._kept(self._ends[groups])
            if not found:
                break
            for number, segment in enumerate(found):
                self._segments.adopt(*self._name(self._ends[groups], number), segment)
                self._timeline.take_segment(segment)
                self._totals.trades = segment.points[-1].trades
                yield segment.points
            groups, last = groups + 1, found[-1]
        if groups < len(self._ends):
            yield from self._read(groups, last, is_stopped)
        else:
            self._timeline.end()

    def _kept(self, file: int) -> list[Segment]:
        """Return a file's segments stored by an earlier run; [] unless all of them are stored."""
        found: list[Segment] = []
        while not found or not found[-1].contents.is_last:
            segment = self._segments.find(*self._name(file, len(found))) if file < len(self._keys) else None
            if segment is None:
                return []
            found.append(segment)
        return found

    def _name(self, file: int, number: int) -> tuple[Path, str]:
        """Return the file from which a segment is derived, and its key."""
        key = self._keys[file] if file < len(self._keys) else ""
        return self._summary.paths[file], hashed(key, "seek", str(number))

    def _read(self, groups: int, last: Segment | None, is_stopped: Callable[[], bool]) -> Iterator[list[Point]]:
        """Read the files, beginning with a group; yield the checkpoints of each segment."""
        pipeline, charts = self._setup.make(self._spec, lambda _: MarketStore.local(base_capacity=_BASE_CAPACITY))
        stores = charts.stores()
        parts = dict(zip(self._summary.paths, self._summary.parts, strict=True))
        sequence = FileSequence(self._summary.paths, known=parts, yield_ends=True)
        for path in self._summary.paths[: self._ends[groups - 1] + 1 if groups else 0]:
            sequence.skip(parts[path])
        base: list[list[int]] = []
        if last is not None:
            point = last.points[-1]
            pipeline.resume(last.state(len(last.points) - 1), stores)
            charts.resume([pipeline.on_chart(store) for store in stores])
            base = point.heads
            self._totals = Totals(point.trades, point.newest_event, set(point.gap_starts))
        writer, number = SegmentWriter(pipeline, stores, base), 0
        writer.begin(self._totals.note())
        for item in _pieces(sequence):
            if is_stopped():
                sequence.close()
                return
            pipeline.take(item)
            charts.take(item)
            self._totals.take(item)
            writer.take(item)
            is_end = isinstance(item, FileEnd)
            is_full = is_end or writer.trades >= SEGMENT_TRADES
            if is_full or writer.trades_since_point >= POINT_TRADES:
                writer.mark(self._totals.note())
            if is_full:
                pipeline.publish()
                snapshot, contents = writer.finish(is_last=is_end)
                self._segments.put(*self._name(self._ends[groups], number), snapshot)
                self._timeline.take_rows(snapshot.rows, snapshot.logs, contents)
                yield contents.points
                groups, number = (groups + 1, 0) if is_end else (groups, number + 1)
                if groups < len(self._ends):
                    writer.begin(self._totals.note())
        pipeline.finish()
        self._timeline.end()


def _pieces(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, with trades in batches."""
    for item in items:
        if isinstance(item, Trades):
            for start in range(0, len(item.rows), BATCH):
                yield Trades(item.rows[start : start + BATCH])
        else:
            yield item
