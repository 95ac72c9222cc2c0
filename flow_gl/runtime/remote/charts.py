"""A remote chart: writes rows and records from a server to a store, as an engine does.

A ring holds its rows in order, but history arrives newest first. A chart therefore builds two stores in turn: the first
once the newest rows of every stream have arrived, the second with the complete history. From then on, rows are appended
as they arrive. If the server sends a stream again from the start (the client was too slow or away for too long), the
second store is rebuilt.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT_ROWS, NO_OPEN_BUCKET, OPEN_FOOTPRINT
from flow_gl.core.schema import (
    FINISHED_LIST,
    GAP_LIST,
    INSTRUMENT,
    LEVELS,
    MAX_LODS,
    OPEN,
    ROLL_LIST,
    SESSION,
    GapKind,
    TickSource,
)
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import APPENDED, FOOTPRINT_HEAD, FORMS, PER_LEVEL, Cause, Kind, Part, join, split
from flow_gl.protocol.messages import Instrument
from flow_gl.runtime.remote.profile import RemoteProfile
from flow_gl.store.market import MarketStore
from flow_gl.store.ring import Ring
from flow_gl.store.row_log import RowLog

KINDS: Final = tuple(form.name for form in FORMS.values() if form.is_mirrored and not form.is_of_record)
"""Kinds subscribed to at the base level ..."""
LEVEL_KINDS: Final = tuple(form.name for form in FORMS.values() if form.is_mirrored and form.is_per_level)
"""... and at each further level of detail."""
_Stream = tuple[Kind, int]
"""Kind and level of detail."""
_OTHER_ROWS: Final = tuple(kind for kind in FORMS if kind in APPENDED - PER_LEVEL and FORMS[kind].is_mirrored)
_OF_FOOTPRINT: Final = frozenset({Kind.FOOTPRINT, Kind.OPEN_FOOTPRINT_ROWS})
_LISTS: Final = {
    Kind.GAP: ("gap", GAP_LIST),
    Kind.ROLL: ("roll", ROLL_LIST),
    Kind.FINISHED_SESSION: ("session", FINISHED_LIST),
}


class _Arriving:
    """A stream whose history is incomplete."""

    def __init__(self, block: Rows) -> None:
        self.blocks: Final = deque([block.rows])
        self.first = block.sequence
        self.oldest = block.oldest
        self.is_replacement = block.cause is Cause.REPLACED

    @property
    def is_complete(self) -> bool:
        return self.first <= self.oldest

    def rows(self) -> NDArray[np.void]:
        """Return all received rows, oldest first."""
        return np.concatenate(self.blocks)


class RemoteChart:
    """A server's chart.

    Parameters
    ----------
    instrument : the description from `Connected`
    make_store : creates an empty store
    before : the chart that this one replaces; its store is kept until this one has rows

    Attributes
    ----------
    store : the store that a view shows; None until the newest rows have arrived
    """

    def __init__(
        self, instrument: Instrument, make_store: Callable[[], MarketStore], *, before: "RemoteChart | None" = None
    ) -> None:
        self.store: MarketStore | None = None
        self._before: RemoteChart | None = before
        if before is not None and before.store is None:
            self._before = before._before
        self.symbol: Final = instrument.symbol
        self.epoch: Final = instrument.epoch
        self._make_store: Final = make_store
        levels = range(len(instrument.widths_ns))
        self._streams: Final = [
            *((kind, 0) for kind in _OTHER_ROWS),
            *((kind, level) for kind in (Kind.FOOTPRINT, Kind.BUBBLE) for level in levels),
        ]
        self._awaited: Final[set[_Stream]] = set(self._streams)
        self._arriving: Final[dict[_Stream, _Arriving]] = {}
        self._followed: Final[set[_Stream]] = set()
        """Streams whose newest rows are in the store while history still arrives. New rows are appended at once."""
        self._open: Final[NDArray[np.void]] = np.zeros(1, OPEN)
        self._profile: Final = RemoteProfile()
        self._session: Final[NDArray[np.void]] = np.zeros(1, SESSION)
        self._levels: Final[NDArray[np.void]] = np.zeros(1, LEVELS)
        self._footprint: Final[NDArray[np.void]] = np.zeros(1, OPEN_FOOTPRINT)
        self._begins: Final = np.zeros(MAX_LODS, np.int64)
        """Sequence of the first footprint row in the store, by level."""
        self._footprint_head: NDArray[np.void] = np.zeros(1, FOOTPRINT_HEAD)
        """The last record received; its rows follow."""
        self._footprint_heads: Final = np.zeros(MAX_LODS, np.int64)
        """End sequences of the closed rows at the moment of the open footprint."""
        self._footprint["bucket"] = NO_OPEN_BUCKET
        self._lists: Final = {kind: np.zeros(1, dtype) for kind, (_, dtype) in _LISTS.items()}
        self._instrument: Final[NDArray[np.void]] = np.zeros(1, INSTRUMENT)
        self._changed: Final[set[Kind | None]] = set()
        """Records that are not yet visible; None means the instrument."""
        self._away: tuple[int, int] | None = None
        self.describe(instrument)

    @property
    def shown(self) -> MarketStore | None:
        """The store to show: this chart's, or the previous chart's until it exists."""
        return self.store or (self._before.store if self._before else None)

    @property
    def progress(self) -> float:
        """Share of the rows received, 0..1."""
        here = sum(sum(map(len, one.blocks)) for one in self._arriving.values())
        missing = sum(max(0, one.first - one.oldest) for one in self._arriving.values())
        return here / (here + missing) if missing else float(not self._awaited)

    @property
    def last_ts(self) -> int:
        """Time of the session's last trade, ns; 0 if there is none yet."""
        return int(self._session["last_ts"][0])

    def describe(self, instrument: Instrument) -> None:
        """Apply a new description of the instrument, whose contract may have changed."""
        row = self._instrument[0]
        row["symbol"], row["requested"] = (
            text.encode("ascii", "replace") for text in (instrument.contract, instrument.symbol)
        )
        row["instrument_id"], row["bucket_ns"] = instrument.instrument_id, instrument.bucket_ns
        row["tick_size"], row["tick_source"] = instrument.tick_size, TickSource(instrument.tick_source or 3)
        row["point_value"] = np.nan if instrument.point_value is None else instrument.point_value
        row["point_value_known"] = instrument.point_value is not None
        self._changed.add(None)

    def take(self, block: Rows) -> None:
        """Apply received rows. Records become visible with `flush`. Raises ProtocolError."""
        self._changed.add(block.kind)
        if block.kind in APPENDED:
            self._take_rows(block)
            return
        match block.kind:
            case Kind.OPEN:
                self._take_open(block)
            case Kind.PROFILE:
                self._profile.take_head(block.rows)
            case Kind.PROFILE_ROWS:
                self._profile.take_rows(block.rows, is_whole=block.part is Part.NEWEST)
            case Kind.SESSION:
                self._session[:] = block.rows
            case Kind.LEVELS:
                self._levels[:] = block.rows
            case Kind.OPEN_FOOTPRINT:
                self._footprint_head = block.rows
            case Kind.OPEN_FOOTPRINT_ROWS:
                self._take_footprint(block.rows)
            case _:
                self._take_list(block)

    def _take_rows(self, block: Rows) -> None:
        stream = block.kind, block.level
        if block.part is Part.NEWEST:
            self._awaited.discard(stream)
            self._followed.discard(stream)
            self._arriving[stream] = _Arriving(block)
            return
        arriving = self._arriving.get(stream)
        if arriving is not None and block.part in (Part.HISTORY, Part.RESUMED):
            arriving.oldest = block.oldest  # it may rise: a full ring drops its oldest rows
        if arriving is not None and block.part is Part.HISTORY:
            arriving.blocks.appendleft(block.rows)
            arriving.first = block.sequence
            return
        if arriving is not None:
            arriving.blocks.append(block.rows)
        if self.store is not None and (arriving is None or stream in self._followed):
            _append(self.store, stream, block.rows)

    def _take_open(self, block: Rows) -> None:
        bubble, point = self._open["bubble"][0], self._open["cvd"][0]
        if len(block.rows):
            bubbles, points = split(block.rows[:1])
            bubble[block.level], point[block.level] = bubbles[0], points[0]
        else:
            bubble[block.level]["trade_count"] = 0

    def _take_footprint(self, rows: NDArray[np.void]) -> None:
        """Apply the open footprint's rows and the record that preceded them."""
        self._footprint["bucket"] = self._footprint_head["bucket"]
        self._footprint_heads[:] = self._footprint_head["head"][0]
        count = min(len(rows), FOOTPRINT_ROWS)
        self._footprint["count"] = count
        self._footprint["row"][0, :count] = rows[:count]

    def _take_list(self, block: Rows) -> None:
        name, _ = _LISTS[block.kind]
        record = self._lists[block.kind][0]
        held = record[name][: int(record["count"])]
        first = int(record["total"]) - len(held)
        kept = held[:0] if block.part is Part.NEWEST else held[: max(0, block.sequence - first)]
        rows = np.concatenate([kept, block.rows])[-len(record[name]) :]
        record[name][: len(rows)] = rows
        record["count"], record["total"] = len(rows), block.next

    def flush(self) -> bool:
        """Make received records visible. Returns True if the chart has a new store."""
        is_new = self._build_if_due()
        if self.store is not None and (is_new or self._changed):
            self._write_tables(self.store, None if is_new else self._changed)
            self._changed.clear()
        return is_new

    def _build_if_due(self) -> bool:
        """Build the first store once the newest rows of all streams have arrived, and the second once all have."""
        if self._awaited or not self._arriving:
            return False
        self._replace_logs()
        is_whole = all(one.is_complete for one in self._arriving.values())
        if not self._arriving or (self.store is not None and not is_whole):
            return False
        before, self.store = self.store, self._make_store()
        for stream in self._streams:
            arriving = self._arriving.get(stream)
            if stream[0] is Kind.FOOTPRINT:
                self._begin_footprints(stream[1], before, arriving)
            _append(self.store, stream, _rows_of(before, stream) if arriving is None else arriving.rows())
        if before is not None:
            before.close()
        if self._before is not None:
            self._before.close()
            self._before = None
        self._followed.clear()
        if is_whole:
            self._arriving.clear()
        else:
            self._followed.update(self._arriving)
        return True

    def _begin_footprints(self, level: int, before: MarketStore | None, arriving: _Arriving | None) -> None:
        """Record the first footprint row of a new store, and the bucket from which footprints are complete."""
        if arriving is not None:
            self._begins[level], rows = arriving.first, arriving.rows()
        else:
            assert before is not None
            ring = before.footprints[level]
            self._begins[level] += ring.oldest
            rows = ring.read(ring.oldest, ring.oldest + 1)[1]
        is_cut = self._begins[level] > 0 and len(rows)
        self._footprint["known"][0, level] = int(rows["id"][0]) + 1 if is_cut else 0

    def _replace_logs(self) -> None:
        """Replace rows that the engine recomputed, once all of them have arrived."""
        if self.store is None:
            return
        for stream in [one for one, arriving in self._arriving.items() if arriving.is_replacement]:
            log = _source(self.store, stream)
            if isinstance(log, RowLog) and self._arriving[stream].is_complete:
                current = log.current
                log.replace(
                    current.stop - current.start, self._arriving[stream].rows(), int(self._session["open_ts"][0])
                )
                del self._arriving[stream]

    def _write_tables(self, store: MarketStore, changed: set[Kind | None] | None) -> None:
        """Write changed records; None writes all."""
        lists = dict(self._lists)
        if self._away is not None:
            lists[Kind.GAP] = _with_gap(lists[Kind.GAP], *self._away)
        self._open["count"] = store.bubbles[0].head
        if changed is None or not _OF_FOOTPRINT.isdisjoint(changed):
            self._write_footprint(store)
        # The instrument goes last, so that a view that sees a new contract also sees the roll to it.
        for kind, table, record in (
            (Kind.ROLL, store.rolls, lists[Kind.ROLL]),
            (Kind.GAP, store.gaps, lists[Kind.GAP]),
            (Kind.FINISHED_SESSION, store.sessions, lists[Kind.FINISHED_SESSION]),
            (Kind.LEVELS, store.levels, self._levels),
            (Kind.PROFILE_ROWS, store.profile, self._profile.record),
            (Kind.SESSION, store.session, self._session),
            (Kind.OPEN, store.open, self._open),
            (None, store.instrument, self._instrument),
        ):
            if changed is None or kind in changed:
                table.write(record)

    def _write_footprint(self, store: MarketStore) -> None:
        """Write the open footprint once the closed rows of the same moment have arrived."""
        heads = np.maximum(self._footprint_heads - self._begins, 0)
        levels = [level for kind, level in self._streams if kind is Kind.FOOTPRINT]
        is_whole = all(heads[level] <= store.footprints[level].head for level in levels)
        if is_whole and not any(kind is Kind.FOOTPRINT for kind, _ in self._arriving):
            self._footprint["head"] = heads
            store.footprint.write(self._footprint)

    def mark_away(self, start_ns: int, now_ns: int) -> None:
        """Show an open feed gap: the connection has been lost since `start_ns`."""
        self._away = start_ns, max(start_ns, now_ns)
        self._changed.add(Kind.GAP)

    def mark_back(self) -> None:
        """Remove the gap of `mark_away`: the missed rows have arrived, or the server's own gaps mark them."""
        if self._away is not None:
            self._away = None
            self._changed.add(Kind.GAP)

    def close(self) -> None:
        """Remove the stores."""
        if self._before is not None:
            self._before.close()
        if self.store is not None:
            self.store.close()


def _source(store: MarketStore, stream: _Stream) -> Ring | RowLog:
    kind, level = stream
    form = FORMS[kind]
    source: Ring | RowLog = getattr(store, form.source)[level] if form.is_per_level else getattr(store, form.source)
    return source


def _append(store: MarketStore, stream: _Stream, rows: NDArray[np.void]) -> None:
    kind, level = stream
    if kind is Kind.BUBBLE:
        rows, points = split(rows)
        store.cvd[level].append(points)  # before the bubbles, whose head publishes them
    _source(store, stream).append(rows)


def _rows_of(store: MarketStore | None, stream: _Stream) -> NDArray[np.void]:
    """Copy all rows of a stream from a store."""
    assert store is not None
    source = _source(store, stream)
    rows = source.read(source.oldest, source.head)[1]
    if stream[0] is Kind.BUBBLE:
        points = store.cvd[stream[1]]
        rows = join(rows, points.read(points.oldest, points.head)[1])
    return rows


def _with_gap(gaps: NDArray[np.void], start_ns: int, end_ns: int) -> NDArray[np.void]:
    """Return a GAP_LIST with an open feed gap appended; a full list drops its oldest gap."""
    found = gaps.copy()
    record = found[0]
    count = int(record["count"])
    if count == len(record["gap"]):
        record["gap"][:-1] = record["gap"][1:].copy()
        count -= 1
    record["gap"][count] = (start_ns, end_ns, GapKind.FEED, 1, 0)
    record["count"], record["total"] = count + 1, int(record["total"]) + 1
    return found
