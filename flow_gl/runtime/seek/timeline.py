"""Fills the timeline of a replay while it is being indexed, and looks up events and sessions in it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT, FINISHED_LIST, GAP_LIST, OPEN, SESSION, SESSION_SPAN
from flow_gl.runtime.seek.segment_store import Segment
from flow_gl.services.replay_cache.segment import Contents, unpack
from flow_gl.services.replay_cache.snapshot_file import Rows
from flow_gl.store.timeline import TimelineStore


class TimelineWriter:
    """Writes one replay's timeline. Used by the indexing thread.

    Parameters
    ----------
    store : an empty timeline
    charts : number of charts
    lod : level of detail of the minutes
    """

    def __init__(self, store: TimelineStore, *, charts: int, lod: int) -> None:
        self.store: Final = store
        self._charts: Final = charts
        self._lod: Final = lod
        self._sessions: Final = [0] * charts
        self._open: Final[list[NDArray[np.void] | None]] = [None] * charts
        self._events: Final[list[list[NDArray[np.void]]]] = [[] for _ in range(charts)]

    def take_segment(self, segment: Segment) -> None:
        """Add a segment stored by an earlier run."""
        for chart in range(self._charts):
            minutes, _ = segment.file.bubbles(chart, self._lod)
            self._take(chart, minutes, segment.file.logs(chart)[0], segment.contents)

    def take_rows(
        self, rows: Sequence[Sequence[Rows]], logs: Sequence[Sequence[NDArray[np.void]]], contents: Contents
    ) -> None:
        """Add a new segment: its rows by chart and level of detail, and its logs by chart."""
        for chart in range(self._charts):
            self._take(chart, rows[chart][self._lod].bubbles, logs[chart][0], contents)

    def end(self) -> None:
        """Add the minutes that are open at the replay's end."""
        for store, minute in zip(self.store.charts, self._open, strict=False):
            if minute is not None:
                store.minutes.append(minute)

    def events(self, chart: int) -> NDArray[np.void]:
        """Return a chart's events so far (EVENT), in the order in which they became known."""
        parts = self._events[chart]
        return np.concatenate(parts) if parts else np.zeros(0, EVENT)

    def large_trades(self, chart: int) -> NDArray[np.void]:
        """Return a chart's large trades so far (EVENT)."""
        events = self.events(chart)
        large: NDArray[np.void] = events[events["kind"] == EventKind.LARGE_TRADE]
        return large

    def session_starts(self, chart: int) -> NDArray[np.int64]:
        """Return the time of the first trade of each of a chart's sessions so far: ns, int64, ascending."""
        store = self.store.charts[chart]
        _, spans = store.spans.read(0, store.spans.head)
        record: NDArray[np.void] = np.zeros(1, SESSION_SPAN)
        newest = record["first_ts"] if store.open_span.read(record) else np.zeros(0, np.int64)
        starts = np.concatenate([spans["first_ts"], newest])
        return np.unique(starts[starts > 0])

    def _take(self, chart: int, minutes: NDArray[np.void], events: NDArray[np.void], contents: Contents) -> None:
        store = self.store.charts[chart]
        gaps, sessions, session, opened = (
            np.frombuffer(unpack(data), dtype)
            for data, dtype in zip(contents.tables[chart], (GAP_LIST, FINISHED_LIST, SESSION, OPEN), strict=True)
        )
        minute = opened["bubble"][:, self._lod].copy()
        self._open[chart] = minute if minute["trade_count"][0] else None
        if len(events):
            self._events[chart].append(events)
        total, count = int(sessions["total"][0]), int(sessions["count"][0])
        new = min(total - self._sessions[chart], count)
        self._sessions[chart] = total
        finished = sessions["session"]["numbers"][0][count - new : count]
        if new:
            store.spans.append(_spans(finished))
        store.open_span.write(_spans(session))
        store.gaps.write(gaps.copy())
        store.events.append(events)
        store.minutes.append(minutes)


def _spans(sessions: NDArray[np.void]) -> NDArray[np.void]:
    """Convert SESSION rows to SESSION_SPAN rows."""
    spans: NDArray[np.void] = np.zeros(len(sessions), SESSION_SPAN)
    for name in SESSION_SPAN.names or ():
        spans[name] = sessions[name]
    return spans
