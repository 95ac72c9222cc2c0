"""Streams of records that are replaced: open bubble, profile, session, levels, and lists whose last row may change.

A stream remembers what it sent last. A new client receives all of that, so that the changes that follow apply to it.
"""

from abc import ABC, abstractmethod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import CHART_ROW, FOOTPRINT_HEAD, FORMS, PROFILE_HEAD, PROFILE_ROW, Cause, Kind, Part, join
from flow_gl.streams.appended import Key
from flow_gl.streams.chart import Chart


class TableStream(ABC):
    """A record or a list of rows that changes."""

    def __init__(self, key: Key, chart: Chart) -> None:
        self.key: Final = key
        self.chart: Final = chart

    @abstractmethod
    def advance(self) -> list[Rows]:
        """Return the changes since the last call. Refresh the chart's reader first."""

    @abstractmethod
    def whole(self) -> list[Rows]:
        """Return the full state as of the last `advance`."""

    def _rows(self, kind: Kind, sequence: int, rows: NDArray[np.void], part: Part = Part.INCREMENT) -> Rows:
        return Rows(
            kind=kind,
            symbol=self.key.chart,
            level=self.key.level,
            epoch=self.chart.epoch,
            sequence=sequence,
            rows=rows,
            part=part,
            cause=Cause.SUBSCRIBED if part is Part.NEWEST else Cause.NONE,
        )


class OpenStream(TableStream):
    """The open bubble and CVD point of a level."""

    def __init__(self, key: Key, chart: Chart) -> None:
        super().__init__(key, chart)
        self._seen = (-1, -1)
        self._block = self._rows(Kind.OPEN, 0, np.zeros(0, CHART_ROW))
        self.advance()

    def advance(self) -> list[Rows]:
        reader, level = self.chart.reader, self.key.level
        seen = reader.open_version, reader.heads[level]
        if seen == self._seen:
            return []
        self._seen = seen
        bubble, point = reader.open_bubble(level), reader.open_cvd(level)
        if bubble is None or point is None:
            rows = np.zeros(0, CHART_ROW)
        else:
            rows = join(np.array([bubble], bubble.dtype), np.array([point], point.dtype))
        block = self._rows(Kind.OPEN, seen[1], rows)
        if block.sequence == self._block.sequence and np.array_equal(rows, self._block.rows):
            return []
        self._block = block
        return [block]

    def whole(self) -> list[Rows]:
        return [self._block]


class RecordStream(TableStream):
    """The session or the levels: one record, always sent in full."""

    def __init__(self, key: Key, chart: Chart) -> None:
        super().__init__(key, chart)
        self._block: Rows | None = None
        self._sequence = 0
        self.advance()

    def advance(self) -> list[Rows]:
        source = FORMS[self.key.kind].source
        row: np.void = getattr(self.chart.reader, source)
        if self._block is not None and row.tobytes() == self._block.rows.tobytes():
            return []
        version: int = getattr(self.chart.store, source).version
        self._block = self._rows(self.key.kind, version, np.array([row], row.dtype))
        return [self._block]

    def whole(self) -> list[Rows]:
        return [] if self._block is None else [self._block]


class ProfileStream(TableStream):
    """The profile: all levels, and the rows that have changed."""

    def __init__(self, key: Key, chart: Chart) -> None:
        super().__init__(key, chart)
        self._version = 0
        self._head: NDArray[np.void] = np.zeros(1, PROFILE_HEAD)
        self._held: NDArray[np.void] = np.zeros(0, PROFILE_ROW)
        self.advance()

    def advance(self) -> list[Rows]:
        reader = self.chart.reader
        if reader.profile_version == self._version:
            return []
        profile = reader.profile
        before, held = self._head, self._held
        self._version, self._head = reader.profile_version, np.zeros(1, PROFILE_HEAD)
        for name in PROFILE_HEAD.names or ():
            self._head[name] = profile[name]
        self._held = np.zeros(int(profile["count"]), PROFILE_ROW)
        for name in PROFILE_ROW.names or ():
            self._held[name] = profile[name][: len(self._held)]
        changed = None if _is_moved(before, self._head) else _changed(held, self._held)
        if changed is None:
            return self.whole()
        return self._blocks(changed, Part.INCREMENT)

    def whole(self) -> list[Rows]:
        return self._blocks(self._held, Part.NEWEST)

    def _blocks(self, rows: NDArray[np.void], part: Part) -> list[Rows]:
        return [
            self._rows(Kind.PROFILE, self._version, self._head, part),
            self._rows(Kind.PROFILE_ROWS, self._version, rows, part),
        ]


def _is_moved(before: NDArray[np.void], after: NDArray[np.void]) -> bool:
    """Return whether row numbers now denote other prices."""
    return any(before[name][0] != after[name][0] for name in ("base", "tick_size", "ticks_per_row"))


def _changed(before: NDArray[np.void], after: NDArray[np.void]) -> NDArray[np.void] | None:
    """Return the rows that are new or whose contracts changed; None if a row was removed."""
    if not len(before):
        return after
    at = np.searchsorted(before["row"], after["row"])
    at[at == len(before)] = 0
    is_known = before["row"][at] == after["row"]
    if np.count_nonzero(is_known) < len(before):
        return None
    changed: NDArray[np.void] = after[~is_known | (before[at] != after)]
    return changed


class OpenFootprintStream(TableStream):
    """The footprint of the open base bucket, with the positions of the closed rows at the same moment."""

    def __init__(self, key: Key, chart: Chart) -> None:
        super().__init__(key, chart)
        self._version = -1
        self._blocks: list[Rows] = []
        self.advance()

    def advance(self) -> list[Rows]:
        reader = self.chart.reader
        if reader.footprint_version == self._version:
            return []
        self._version, record = reader.footprint_version, reader.footprint
        head = np.zeros(1, FOOTPRINT_HEAD)
        for name in FOOTPRINT_HEAD.names or ():
            head[name] = record[name]
        rows = record["row"][: int(record["count"])].copy()
        self._blocks = [
            self._rows(Kind.OPEN_FOOTPRINT, self._version, head),
            self._rows(Kind.OPEN_FOOTPRINT_ROWS, self._version, rows, Part.NEWEST),
        ]
        return self._blocks

    def whole(self) -> list[Rows]:
        return self._blocks


class ListStream(TableStream):
    """Gaps, rolls or finished sessions: a list that grows, loses its oldest rows, and whose newest row may change."""

    def __init__(self, key: Key, chart: Chart) -> None:
        super().__init__(key, chart)
        self._version = self._newest_version
        self._first, self._held = self._read()

    def advance(self) -> list[Rows]:
        if self._newest_version == self._version:
            return []
        self._version = self._newest_version
        first, rows = self._read()
        before_first, before = self._first, self._held
        self._first, self._held = first, rows
        stop, before_stop = first + len(rows), before_first + len(before)
        start = max(first, before_first)
        if not before_first <= start <= before_stop:
            return self.whole()
        common = min(stop, before_stop)
        old, new = before[start - before_first : common - before_first], rows[start - first : common - first]
        differs = np.flatnonzero((_bytes_of(old) != _bytes_of(new)).any(axis=1))
        at = start + int(differs[0]) if len(differs) else common
        if stop < before_stop:
            return self.whole()
        return [self._rows(self.key.kind, at, rows[at - first :])] if at < stop else []

    def whole(self) -> list[Rows]:
        return [self._rows(self.key.kind, self._first, self._held, Part.NEWEST)]

    @property
    def _newest_version(self) -> int | tuple[int, int]:
        reader = self.chart.reader
        return reader.sessions_version if self.key.kind is Kind.FINISHED_SESSION else reader.breaks_version

    def _read(self) -> tuple[int, NDArray[np.void]]:
        """Return the number of the first row, and a copy of the rows."""
        reader = self.chart.reader
        rows = {Kind.GAP: reader.gaps, Kind.ROLL: reader.rolls, Kind.FINISHED_SESSION: reader.sessions}[self.key.kind]
        total = {
            Kind.GAP: reader.gap_total,
            Kind.ROLL: reader.roll_total,
            Kind.FINISHED_SESSION: reader.session_total,
        }[self.key.kind]
        return total - len(rows), rows.copy()


def _bytes_of(rows: NDArray[np.void]) -> NDArray[np.uint8]:
    """Return the rows' bytes, shape (rows, bytes). Compared as bytes, NaN equals NaN."""
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), rows.dtype.itemsize)


def make_table(key: Key, chart: Chart) -> TableStream:
    """Make the stream of a kind whose rows are replaced."""
    if key.kind is Kind.OPEN:
        return OpenStream(key, chart)
    if key.kind is Kind.PROFILE:
        return ProfileStream(key, chart)
    if key.kind is Kind.OPEN_FOOTPRINT:
        return OpenFootprintStream(key, chart)
    if key.kind in (Kind.SESSION, Kind.LEVELS):
        return RecordStream(key, chart)
    return ListStream(key, chart)
