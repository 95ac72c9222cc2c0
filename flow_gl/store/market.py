"""The rings and tables of one instrument, laid out in one segment, and the engine's status table.

The engine creates a `MarketStore` or `EngineStore`; a reader attaches to it over the same layout. `MarketReader` and
`EngineReader` hold the copies that a view works with during one frame: `refresh()` copies the tables whose version has
changed.
"""

import mmap
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT
from flow_gl.core.market.breaks import gaps_and_rolls
from flow_gl.core.market.footprint import FOOTPRINT, OPEN_FOOTPRINT
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import (
    BUBBLE,
    CVD_POINT,
    EVENT,
    FINISHED_LIST,
    GAP_LIST,
    INSTRUMENT,
    LEVELS,
    MAX_LODS,
    MINUTE_LEVELS,
    OPEN,
    ORDER,
    ORDER_CVD,
    PROFILE,
    ROLL_LIST,
    SESSION,
    STATUS,
)
from flow_gl.core.units import SECOND_NS
from flow_gl.store.layout import StoreLayout
from flow_gl.store.ring import Ring
from flow_gl.store.row_log import CURRENT_ROWS, FrozenLogs, RowLog
from flow_gl.store.shm import Segment
from flow_gl.store.table import Table, TableCopy

BASE_CAPACITY: Final = 1 << 20
"""Closed bubbles kept at lod 0: 12 trading days of seconds."""
MIN_CAPACITY: Final = 1 << 17
"""Closed bubbles kept at the coarser lods at least: at 15 s, a month of trading."""
EVENT_CAPACITY: Final = 1 << 16
"""Events kept. All kinds together find some 500 a session on NQ."""
_LOGS: Final = ((EVENT, EVENT_CAPACITY), (MINUTE_LEVELS, 1 << 16), (ORDER_CVD, 1 << 18), (ALERT, 1 << 14))
"""Logs and their capacity in rows: minutes of 47 sessions, seconds of three."""
ORDER_CAPACITY: Final = 1 << 14
"""Orders kept for the tape: at 5,000 trades a second those of three seconds at least."""
_TABLES: Final = (OPEN, PROFILE, SESSION, LEVELS, GAP_LIST, ROLL_LIST, FINISHED_LIST, INSTRUMENT, OPEN_FOOTPRINT)
_NAMES: Final = ("symbol", "requested")


def lod_capacity(lod: int, base_capacity: int = BASE_CAPACITY) -> int:
    """Rows that the rings of a lod hold."""
    return max(base_capacity >> lod, min(MIN_CAPACITY, base_capacity))


def footprint_capacity(lod: int, base_capacity: int = BASE_CAPACITY) -> int:
    """Rows of footprints that are kept at a lod.

    The busiest session of NQ (three million trades) has 1.5 million at one second and half as many at each second lod
    above. With a base of one second, all lods together never take more than 198 MB of a chart.
    """
    return max(2 * base_capacity >> ((lod + 1) // 2), base_capacity >> 3, 1)


def _market_nbytes(base_capacity: int) -> int:
    sizes = [size for dtype, rows in _LOGS for size in (Ring.nbytes(dtype, rows), Table.nbytes(CURRENT_ROWS))]
    for lod in range(MAX_LODS):
        capacity = lod_capacity(lod, base_capacity)
        sizes += [Ring.nbytes(BUBBLE, capacity), Ring.nbytes(CVD_POINT, capacity)]
        sizes.append(Ring.nbytes(FOOTPRINT, footprint_capacity(lod, base_capacity)))
    sizes += [Table.nbytes(dtype) for dtype in _TABLES]
    sizes.append(Ring.nbytes(ORDER, ORDER_CAPACITY))
    return sum((size + 127) & ~127 for size in sizes)


class MarketStore:
    """One instrument's rings and tables.

    Attributes
    ----------
    bubbles, cvd : per lod, rings of BUBBLE and of CVD_POINT (row i of one is the same bucket as row i of the other)
    events, minutes, order_cvd, alerts : logs of EVENT, MINUTE_LEVELS, ORDER_CVD and ALERT
    orders : ring of ORDER, for the tape
    footprints : per lod, rings of FOOTPRINT
    open, profile, session, levels, gaps, rolls, sessions, instrument, footprint : tables of OPEN, PROFILE, SESSION,
        LEVELS, GAP_LIST, ROLL_LIST, FINISHED_LIST, INSTRUMENT, OPEN_FOOTPRINT
    """

    def __init__(
        self, buffer: memoryview, *, base_capacity: int = BASE_CAPACITY, segment: Segment | None = None
    ) -> None:
        self._segment = segment
        layout = StoreLayout(buffer)
        self.events, self.minutes, self.order_cvd, self.alerts = (
            RowLog(layout.ring(dtype, rows), layout.table(CURRENT_ROWS)) for dtype, rows in _LOGS
        )
        self.of_bubbles: Final = slice(len(layout.counters), len(layout.counters) + MAX_LODS)
        """The heads of `bubbles` among what `published` returns."""
        self.bubbles: Final = [layout.ring(BUBBLE, lod_capacity(n, base_capacity)) for n in range(MAX_LODS)]
        self.cvd: Final = [layout.ring(CVD_POINT, lod_capacity(n, base_capacity)) for n in range(MAX_LODS)]
        self.open: Final = layout.table(OPEN)
        self.profile: Final = layout.table(PROFILE)
        self.session: Final = layout.table(SESSION)
        self.levels: Final = layout.table(LEVELS)
        self.gaps: Final = layout.table(GAP_LIST)
        self.rolls: Final = layout.table(ROLL_LIST)
        self.sessions: Final = layout.table(FINISHED_LIST)
        self.instrument: Final = layout.table(INSTRUMENT)
        self.footprint: Final = layout.table(OPEN_FOOTPRINT)
        self.orders: Final = layout.ring(ORDER, ORDER_CAPACITY)
        capacities = (footprint_capacity(lod, base_capacity) for lod in range(MAX_LODS))
        self.footprints: Final = [layout.ring(FOOTPRINT, capacity) for capacity in capacities]
        self._words: Final[NDArray[np.int64]] = np.frombuffer(buffer, np.int64, layout.size // 8)
        self._counters: Final = np.array(layout.counters)

    def published(self) -> list[int]:
        """Return the heads of all rings and the versions of all tables: they only grow, and with all that is new."""
        found: list[int] = self._words.take(self._counters).tolist()
        return found

    @property
    def logs(self) -> tuple[RowLog, ...]:
        """All logs, in one order."""
        return self.events, self.minutes, self.order_cvd, self.alerts

    @property
    def name(self) -> str:
        """Name of the shared segment; "" for a store in this process's own memory."""
        return self._segment.name if self._segment else ""

    @classmethod
    def create(cls, tag: str) -> "MarketStore":
        """Create a store in shared memory. Raises SharedMemoryError."""
        segment = Segment.create(tag, _market_nbytes(BASE_CAPACITY))
        return cls(segment.buffer, segment=segment)

    @classmethod
    def attach(cls, name: str) -> "MarketStore":
        """Open another process's store. Raises SharedMemoryError."""
        segment = Segment.attach(name)
        return cls(segment.buffer, segment=segment)

    @classmethod
    def local(cls, *, base_capacity: int = 1 << 14) -> "MarketStore":
        """Create a store in this process's own memory, for tests, examples and pictures."""
        # Pages of an anonymous map take neither memory nor time until they are written.
        return cls(memoryview(mmap.mmap(-1, _market_nbytes(base_capacity))), base_capacity=base_capacity)

    def close(self) -> None:
        if self._segment:
            self._segment.close()


class EngineStore:
    """The engine's status table."""

    def __init__(self, buffer: memoryview, *, segment: Segment | None = None) -> None:
        self._segment = segment
        self.status: Final = Table(buffer, STATUS)

    @property
    def name(self) -> str:
        return self._segment.name if self._segment else ""

    @classmethod
    def create(cls, tag: str) -> "EngineStore":
        """Create the segment in shared memory. Raises SharedMemoryError."""
        segment = Segment.create(tag, Table.nbytes(STATUS))
        return cls(segment.buffer, segment=segment)

    @classmethod
    def attach(cls, name: str) -> "EngineStore":
        """Attach to the segment of another process. Raises SharedMemoryError."""
        segment = Segment.attach(name)
        return cls(segment.buffer, segment=segment)

    @classmethod
    def local(cls) -> "EngineStore":
        """Create a store in this process's own memory, for tests and examples."""
        return cls(memoryview(bytearray(Table.nbytes(STATUS))))

    def close(self) -> None:
        if self._segment:
            self._segment.close()


class MarketReader:
    """One instrument as a view sees it during a frame: copies of the tables, heads of rings and logs, all frozen."""

    def __init__(self, store: MarketStore) -> None:
        self.store: Final = store
        self._open = TableCopy(store.open)
        self._profile = TableCopy(store.profile)
        self._session = TableCopy(store.session)
        self._levels = TableCopy(store.levels)
        self._gaps = TableCopy(store.gaps)
        self._rolls = TableCopy(store.rolls)
        self._sessions = TableCopy(store.sessions)
        self._instrument = TableCopy(store.instrument)
        self._footprint = TableCopy(store.footprint)
        self._logs = FrozenLogs(store.events, store.minutes, store.order_cvd)
        self.events, self.minutes, self.order_cvd = self._logs.logs
        # Records in place: their content changes with `refresh`.
        self.session: Final = self._session.row
        self.profile: Final = self._profile.row
        self.levels: Final = self._levels.row
        self.instrument: Final = self._instrument.row
        self.footprint: Final = self._footprint.row
        self.heads: list[int] = [0] * MAX_LODS
        """Closed bubbles that this frame may see, per lod."""
        self._open_rows: dict[int, np.void | None] = {}
        self.symbol = self.requested = ""
        self.bucket_ns = SECOND_NS
        self.widths_ns: tuple[int, ...] = widths_ns(SECOND_NS)
        """Bucket width of each level of detail, ns, the base bucket first."""
        self.tick_size = 0
        """1e-9 units; 0 while unknown."""
        self.gaps: NDArray[np.void] = self._gaps.row["gap"][:0]
        """GAP rows, oldest first."""
        self.rolls: NDArray[np.void] = self._rolls.row["roll"][:0]
        """ROLL rows, oldest first."""
        self.sessions: NDArray[np.void] = self._sessions.row["session"][:0]
        """FINISHED_SESSION rows, oldest first. The newest may still be what `session` shows."""
        self.roll_total = 0
        """Number of rolls in total; more than `rolls` holds if the oldest were dropped."""
        self.breaks: NDArray[np.void] = self.gaps
        """GAP rows, oldest first: gaps and rolls, which no line may cross."""
        self.open_gaps: dict[int, int] = {}
        """Start (ns) of each gap that is still open, by kind."""
        self._published: list[int] = []
        """The state that the store had published at the last refresh."""
        self.changes = 0
        """Increases with every refresh that found something new: until then, what this reader shows is the same."""
        self._first: tuple[int, int | None] = (-1, None)
        """`first_ns`, and the `changes` that it was found at."""

    def refresh(self, *, logs_only: bool = False) -> None:
        """Copy the newest state, once at the start of a frame. The work is bounded: no ring is read.

        Parameters
        ----------
        logs_only : only the logs' current rows, for a picture that is paused: its parameters may still change
        """
        published = self.store.published()
        if published == self._published and not self._logs.is_waiting:
            return
        self.changes += 1
        self._logs.freeze()
        if logs_only:
            return
        self._published = published
        # Heads before tables: a bubble that closes in between is then seen as open, never twice.
        self.heads[:] = published[self.store.of_bubbles]
        if self._instrument.refresh():
            row = self._instrument.row
            self.bucket_ns, self.tick_size = int(row["bucket_ns"]) or SECOND_NS, int(row["tick_size"])
            self.widths_ns = widths_ns(self.bucket_ns)
            self.symbol, self.requested = (bytes(row[field]).decode("ascii", "replace") for field in _NAMES)
        # After the instrument: a reader that sees the new instrument then also sees the roll to it.
        has_rolled = self._rolls.refresh()
        if has_rolled:
            self.rolls = self._rolls.row["roll"][: int(self._rolls.row["count"])]
            self.roll_total = int(self._rolls.row["total"])
        if self._sessions.refresh():
            self.sessions = self._sessions.row["session"][: int(self._sessions.row["count"])]
        for copy in (self._session, self._open, self._profile, self._levels, self._footprint):
            copy.refresh()
        has_gaps = self._gaps.refresh()
        if has_gaps:
            self.gaps = self._gaps.row["gap"][: int(self._gaps.row["count"])]
            self.open_gaps = {int(gap["kind"]): int(gap["start"]) for gap in self.gaps[-2:] if gap["open"]}
        if has_gaps or has_rolled:
            self.breaks = gaps_and_rolls(self.gaps, self.rolls)
        self._open_rows.clear()

    def open_bubble(self, lod: int) -> np.void | None:
        """The open bubble (BUBBLE) at a lod; None where there is none or it closed while this frame began."""
        if lod not in self._open_rows:
            row: np.void = self._open.row["bubble"][lod]
            is_there = row["trade_count"] and not self._is_closed(lod, row)
            self._open_rows[lod] = row if is_there else None
        return self._open_rows[lod]

    def open_cvd(self, lod: int) -> np.void | None:
        """The open CVD point (CVD_POINT) that belongs to `open_bubble(lod)`."""
        if self.open_bubble(lod) is None:
            return None
        point: np.void = self._open.row["cvd"][lod]
        return point

    def _is_closed(self, lod: int, bubble: np.void) -> bool:
        head, ring = self.heads[lod], self.store.bubbles[lod]
        if head == 0:
            return False
        newest = ring.row(head - 1)
        if newest is None:
            return True  # overwritten: newer buckets have closed
        if newest["id"] != bubble["id"]:
            return bool(newest["id"] > bubble["id"])
        # The closed bubble of this bucket may belong to the instrument before a roll.
        return bool(newest["ts_last"] >= bubble["ts_last"])

    @property
    def first_ns(self) -> int | None:
        """Start of the oldest bucket that is still kept at any level of detail, ns; None before the first trade."""
        if self._first[0] != self.changes:
            self._first = self.changes, self._find_first()
        return self._first[1]

    def _find_first(self) -> int | None:
        found = None
        for lod, ring in enumerate(self.store.bubbles[: len(self.widths_ns)]):
            oldest = ring.row(ring.oldest) if self.heads[lod] else None
            if oldest is not None:
                found = int(oldest["ts_event"])
            if found is not None and ring.oldest == 0:
                return found
        newest = self.open_bubble(0)
        return int(newest["ts_event"]) if found is None and newest is not None else found

    @property
    def open_version(self) -> int:
        """Version of the open bubble and CVD point; `open_bubble` and `open_cvd` depend on it and on the heads."""
        return self._open.version

    @property
    def profile_version(self) -> int:
        """Version of the profile, which rises with each change."""
        return self._profile.version

    @property
    def footprint_version(self) -> int:
        """Version of the open footprint."""
        return self._footprint.version

    @property
    def levels_version(self) -> int:
        """Version of the levels."""
        return self._levels.version

    @property
    def sessions_version(self) -> int:
        """Version of the finished sessions."""
        return self._sessions.version

    @property
    def gap_total(self) -> int:
        """Number of gaps in total; more than `gaps` holds if the oldest were dropped."""
        return int(self._gaps.row["total"])

    @property
    def session_total(self) -> int:
        """Number of finished sessions in total; more than `sessions` holds if the oldest were dropped."""
        return int(self._sessions.row["total"])

    @property
    def breaks_version(self) -> tuple[int, int]:
        """Versions of the gaps and of the rolls."""
        return self._gaps.version, self._rolls.version


class EngineReader:
    """The engine's status as a view sees it during a frame."""

    def __init__(self, store: EngineStore) -> None:
        self.name: Final = store.name
        """Name of the shared segment; "" for a store in this process's own memory."""
        self._status = TableCopy(store.status)
        self.status: Final = self._status.row
        """The record in place: its content changes with `refresh`."""

    def refresh(self) -> None:
        self._status.refresh()

    def text(self, field: str) -> str:
        """Decode a text field of the status: message, keeping, dataset or source."""
        return bytes(self.status[field]).decode("utf-8", "replace")

    @property
    def market_names(self) -> list[str]:
        """Segment names of the charts, in chart order."""
        status = self.status
        return [bytes(name).decode("ascii") for name in status["market"][: int(status["charts"])]]

    def event_now(self, wall_ns: int) -> int:
        """Return the event time (ns) at a wall time, which is the live edge. 0 before the first anchor."""
        status = self.status
        anchor = int(status["anchor_event"])
        if anchor == 0:
            return 0
        return anchor + int((wall_ns - int(status["anchor_wall"])) * float(status["rate"]))
