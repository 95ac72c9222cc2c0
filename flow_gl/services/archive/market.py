"""Archives one chart: reads its rings with cursors and its session table, and makes database rows of them.

The cursors advance only after the database has committed the rows, so a failed write is read again: the ring is the
buffer.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from flow_gl.core.errors import DataError
from flow_gl.core.sessions import Session
from flow_gl.services.archive import schema
from flow_gl.services.archive.database import Row, upsert
from flow_gl.services.archive.logs import ROWS_AT_ONCE, alert_log, event_log
from flow_gl.services.archive.sessions import finished_row, prior_levels, running_row
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.store.ring import Cursor

_LAST: Final = 2**63 - 1
"""End of the current instrument: no roll has ended it."""


class RolledError(Exception):
    """The chart rolled to another instrument during the write, so rows may carry the wrong symbol. Try again."""


@dataclass(slots=True)
class _Place:
    """The archive's progress, apart from the cursors."""

    instrument_version: int = 0
    session_version: int = 0
    rolls: int = 0
    """Number of the chart's earlier instruments whose rows are all written."""
    touched: dict[int, Session] = field(default_factory=dict)
    """By their open: sessions whose bubbles are written but whose row is not final yet."""


class MarketArchive:
    """Writes one chart's rows to the database.

    Parameters
    ----------
    store : the chart's rings and tables
    session_of : returns the session of an event time (ns)
    """

    def __init__(self, store: MarketStore, session_of: Callable[[int], Session]) -> None:
        self.store: Final = store
        self._reader = MarketReader(store)
        self._session_of = session_of
        self._bubbles = Cursor(store.bubbles[0])
        self._cvd = Cursor(store.cvd[0])
        self._logs: Final = (event_log(store.events), alert_log(store.alerts))
        self._cursors: Final = (self._bubbles, self._cvd)
        self._place = _Place()
        self._kept_place = copy.deepcopy(self._place)
        self._kept = [(0, 0)] * len(self._cursors)  # position and rows missed of each cursor, as committed

    @property
    def behind(self) -> int:
        """Rows that the database does not have yet."""
        pairs = zip(self._cursors, self._kept, strict=True)
        behind = sum(cursor.ring.head - position for cursor, (position, _) in pairs)
        return behind + sum(log.behind for log in self._logs)

    @property
    def missed(self) -> int:
        """Rows that the ring overwrote before they could be written."""
        return sum(missed for _, missed in self._kept) + sum(log.missed for log in self._logs)

    @property
    def has_news(self) -> bool:
        """Something has changed since the last write."""
        return self.behind > 0 or self._versions() != (self._place.instrument_version, self._place.session_version)

    def keep(self) -> None:
        """The transaction was committed: advance the saved positions."""
        self._kept_place = copy.deepcopy(self._place)
        self._kept = [(cursor.position, cursor.missed) for cursor in self._cursors]
        for log in self._logs:
            log.keep()

    def go_back(self) -> None:
        """The transaction failed: return to the saved positions."""
        self._place = copy.deepcopy(self._kept_place)
        for cursor, (position, missed) in zip(self._cursors, self._kept, strict=True):
            cursor.position, cursor.missed = position, missed
        for log in self._logs:
            log.go_back()

    def write(self, connection: Connection) -> int:
        """Write new rows, at most `ROWS_AT_ONCE` of each kind, in the current transaction.

        Call `keep` after the commit, or `go_back` if the transaction failed.

        Returns
        -------
        int : number of rows written; 0 when the database is up to date

        Raises
        ------
        RolledError
            The transaction must be rolled back.
        """
        instrument_version, session_version = self._versions()  # before the copy: never newer than what is copied
        self._reader.refresh()
        count = self._write_left(connection)
        if count or self._place.rolls < int(self._reader.roll_total):
            return count
        symbol = _key(self._reader.symbol, int(self._reader.instrument["instrument_id"]))
        if not symbol:
            return 0  # the chart has no instrument yet
        if instrument_version != self._place.instrument_version:
            row = self._reader.instrument
            self._write_instrument(connection, symbol, int(row["instrument_id"]))
            self._place.instrument_version = instrument_version
        for log in self._logs:
            log.delete_replaced(connection, symbol)
        count = self._write_buckets(connection, symbol, _LAST) + self._write_logs(connection, symbol)
        if self._has_rolled():
            raise RolledError
        if session_version != self._place.session_version and not (self._bubbles.behind or self._cvd.behind):
            self._write_sessions(connection, symbol)
            self._place.session_version = session_version
        return count

    def _versions(self) -> tuple[int, int]:
        return self._reader.store.instrument.version, self._reader.store.session.version

    def _has_rolled(self) -> bool:
        """A roll was published after the tables were copied."""
        version = self._reader.breaks_version
        self._reader.refresh()
        return self._reader.breaks_version[1] != version[1]

    def _write_left(self, connection: Connection) -> int:
        """Write the missing rows of the instruments that the chart rolled from, oldest first. Returns their number."""
        reader, place = self._reader, self._place
        total = int(reader.roll_total)
        while place.rolls < total:
            at = len(reader.rolls) - (total - place.rolls)
            if at < 0:
                place.rolls = total - len(reader.rolls)  # the table no longer holds the oldest rolls
                continue
            roll = reader.rolls[at]
            last_ts = int(roll["last_ts"])
            symbol = _key(bytes(roll["from_symbol"]).decode("ascii", "replace"), int(roll["from_id"]))
            count = self._write_buckets(connection, symbol, last_ts)
            count += self._write_logs(connection, symbol, roll)
            if count:
                self._write_instrument(connection, symbol, int(roll["from_id"]))
            if count or self._is_half_published:
                return count
            for _, session in sorted(place.touched.items()):
                finished = finished_row(connection, symbol, reader.bucket_ns, session)
                upsert(connection, schema.sessions, [finished])
            place.touched.clear()
            place.rolls += 1
            place.instrument_version = 0
        return 0

    def _write_instrument(self, connection: Connection, symbol: str, instrument_id: int) -> None:
        row = self._reader.instrument
        upsert(
            connection,
            schema.instruments,
            [
                {
                    "symbol": symbol,
                    "requested": self._reader.requested,
                    "instrument_id": instrument_id,
                    "tick_size": int(row["tick_size"]),
                    "point_value": float(row["point_value"]) if row["point_value_known"] else None,
                }
            ],
        )

    def _write_buckets(self, connection: Connection, symbol: str, last_ts: int) -> int:
        """Write closed rows of an instrument whose last trade on the chart was at `last_ts`. Returns their number."""
        bubbles, points = self._next_buckets(last_ts)
        bucket_ns = self._reader.bucket_ns
        dates = self._trade_dates(bubbles["ts_event"], is_touched=True)
        # A replay that starts within a bucket has only some of its trades: it must not replace a complete bubble.
        upsert(
            connection,
            schema.bubbles,
            _rows(bubbles, schema.BUBBLE_VALUES, symbol, bucket_ns, dates),
            wins="trade_count",
        )
        dates = self._trade_dates(points["ts_event"])
        upsert(connection, schema.cvd, _rows(points, schema.CVD_VALUES, symbol, bucket_ns, dates))
        return len(bubbles) + len(points)

    def _next_buckets(self, last_ts: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Read the next closed buckets up to `last_ts`: bubbles and CVD points, equally many.

        Row i of one ring is the same bucket as row i of the other. A bucket is read once both of its rows are there,
        whichever was published first; one that was overwritten in either ring is left out and counted as missed.
        """
        missed = self._bubbles.missed
        rows = self._bubbles.read(ROWS_AT_ONCE)
        start = self._bubbles.position - len(rows)
        is_later = rows["ts_last"] > last_ts
        count = int(is_later.argmax()) if is_later.any() else len(rows)
        count = max(0, min(count, self._cvd.ring.head - start))
        stop = self._bubbles.position = self._cvd.position = start + count
        _, points = self._cvd.ring.read(start, stop)
        self._cvd.missed += self._bubbles.missed - missed + count - len(points)
        return rows[count - len(points) : count], points

    @property
    def _is_half_published(self) -> bool:
        """Whether one row of the next bucket is there without the other."""
        heads = self._bubbles.ring.head, self._cvd.ring.head
        return min(heads) <= self._bubbles.position < max(heads)

    def _write_logs(self, connection: Connection, symbol: str, roll: np.void | None = None) -> int:
        return sum(log.write(connection, symbol, roll) for log in self._logs)

    def _write_sessions(self, connection: Connection, symbol: str) -> None:
        """Write the running session from its table, and finished sessions from the sums of their bubbles."""
        row = self._reader.session
        if not row["trade_count"]:
            return
        running = self._session_at(int(row["last_ts"]))
        opened = running.open if running else 0
        touched = self._place.touched
        ended = sorted(other for other in touched if other < opened)
        for other in ended:
            finished = finished_row(connection, symbol, self._reader.bucket_ns, touched[other])
            if other == ended[-1]:
                finished |= prior_levels(row, finished)
            upsert(connection, schema.sessions, [finished])
        if running:
            upsert(connection, schema.sessions, [running_row(self._reader, symbol, running)], wins="last_ts")
        for other in ended:
            del touched[other]

    def _session_at(self, ts: int) -> Session | None:
        try:
            return self._session_of(ts)
        except DataError:
            return None  # outside the calendar's range

    def _trade_dates(self, times: NDArray[np.int64], *, is_touched: bool = False) -> list[int | None]:
        """Return the trade date of each time (ns, mostly ascending); None outside the calendar's range.

        Parameters
        ----------
        is_touched : the sessions' rows are no longer final
        """
        dates: list[int | None] = []
        at = 0
        while at < len(times):
            session = self._session_at(int(times[at]))
            run = 1
            if session:
                is_outside = (times[at:] < session.open) | (times[at:] >= session.close)
                run = int(is_outside.argmax()) if is_outside.any() else len(times) - at
                if is_touched:
                    self._place.touched[session.open] = session
            dates += [session.trade_date if session else None] * run
            at += run
        return dates


def _key(symbol: str, instrument_id: int) -> str:
    """Return what identifies an instrument in the database: its raw symbol, or its id without one; "" for none."""
    return symbol or (str(instrument_id) if instrument_id else "")


def _rows(
    rows: NDArray[np.void], values: tuple[str, ...], symbol: str, bucket_ns: int, dates: list[int | None]
) -> list[Row]:
    names = ("id", *values)
    key = {"symbol": symbol, "bucket_ns": bucket_ns}
    columns = [rows[name].tolist() for name in names]
    return [
        {**key, **dict(zip(names, row, strict=True)), "trade_date": date}
        for *row, date in zip(*columns, dates, strict=True)
    ]
