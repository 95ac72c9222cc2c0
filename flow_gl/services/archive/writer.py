"""Archive: writes bubbles, CVD points, session levels and events to a database for later analysis.

A dedicated thread reads the charts' rings with its own cursors and writes in transactions of a few thousand rows. The
chart never waits for it: while the database is slow or unreachable, rows stay in the ring (12 trading days of seconds),
and those that the ring overwrites are counted and reported. Every row is an upsert on a key that is the same in live,
in replay and after a restart, so writing it again changes nothing. Tables and examples: docs/archive.md.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import sqlalchemy as sa

from flow_gl.core.errors import FlowError
from flow_gl.core.sessions import Session
from flow_gl.services.archive.database import open_engine, parse_url, prepare_database
from flow_gl.services.archive.market import MarketArchive, RolledError
from flow_gl.store.market import MarketStore

_log: Final = logging.getLogger(__name__)
PERIOD_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0


class ArchiveState(IntEnum):
    """The state of the archive."""

    WAITING = 0
    """Nothing has arrived yet."""
    WRITING = 1
    FAILING = 2
    """The database cannot be reached; `message` gives the reason, and the write is retried."""
    CLOSED = 3


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """The archive's state and counts."""

    state: ArchiveState
    message: str = ""
    """One line for the user while something is wrong."""
    rows: int = 0
    """Rows written since the start."""
    waiting: int = 0
    """Rows that the database does not have yet."""
    missed: int = 0
    """Rows that the ring overwrote before they could be written."""


class Archive:
    """Writes charts to a database until it is closed.

    Parameters
    ----------
    url : sqlite:///FILE, postgresql://..., or the path of an SQLite file
    session_of : returns the session of a trade's event time (ns): `SessionCalendar.session_of_trade`, of a calendar
        that no other thread uses
    period_s : seconds between checks for new rows

    Raises
    ------
    UsageError
        The URL is not of a supported database.
    """

    def __init__(self, url: str, *, session_of: Callable[[int], Session], period_s: float = PERIOD_S) -> None:
        self._url: Final = parse_url(url)
        self._engine: Final = open_engine(self._url)
        self._session_of = session_of
        self._period_s = period_s
        self._markets: list[MarketArchive] = []
        self._finished: list[MarketStore] = []
        self._missed = 0  # of charts that are no longer followed
        self._is_prepared = False
        self._status = ArchiveStatus(ArchiveState.WAITING)
        self._rows = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The database's URL for display, with the password masked."""
        return self._url.render_as_string()

    def start(self, markets: Iterable[MarketStore] = ()) -> None:
        """Start writing, from the oldest row that the rings hold. Database errors are reported by `status()`."""
        for market in markets:
            self.add(market)
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
        self._thread.start()

    def add(self, market: MarketStore) -> None:
        """Add a chart to be written. From any thread."""
        self._markets.append(MarketArchive(market, self._session_of))

    def finish(self, market: MarketStore) -> None:
        """Write what a chart has published, then stop following it: nothing more will come. From any thread."""
        self._finished.append(market)

    def status(self) -> ArchiveStatus:
        """Return the current state. From any thread; never waits."""
        markets = tuple(self._markets)
        missed = self._missed + sum(market.missed for market in markets)
        # Before the state, which is set before rows count as written.
        waiting = sum(market.behind for market in markets)
        status = self._status
        message = status.message
        if missed and not message:
            message = f"archive: {missed:,} rows were overwritten before the database could accept them"
        return replace(status, message=message, rows=self._rows, waiting=waiting, missed=missed)

    def close(self, *, timeout_s: float = 5.0) -> None:
        """Write the remaining rows, for at most `timeout_s` seconds, and stop. Idempotent."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                _log.error("%s does not answer: %d rows are not archived", self.name, self.status().waiting)
            self._thread = None
        self._status = replace(self.status(), state=ArchiveState.CLOSED)

    def _run(self) -> None:
        wait_s = self._period_s
        is_last = False
        while not is_last:
            is_last = self._stop.wait(wait_s)
            wait_s = self._turn(wait_s)
        self._engine.dispose()

    def _turn(self, waited_s: float) -> float:
        """Write what there is. Returns how long to wait before the next time, seconds."""
        try:
            self._write_all()
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).strip().splitlines()
            self._fail(reason[0] if reason else type(error.orig).__name__)
        except (sa.exc.SQLAlchemyError, FlowError, OSError) as error:
            self._fail(str(error).splitlines()[0])
        except Exception as error:  # a bug must not stop the archive for the rest of the day
            _log.exception("the archive failed")
            self._fail(f"internal error: {type(error).__name__}: {error}")
        else:
            self._answered(ArchiveState.WRITING if self._rows else ArchiveState.WAITING)
            return self._period_s
        return min(2 * waited_s, LONGEST_WAIT_S)

    def _answered(self, state: ArchiveState) -> None:
        """The database answered: it is not failing any more."""
        if self._status.state is ArchiveState.FAILING:
            _log.warning("the archive is writing again")
        self._status = ArchiveStatus(state)

    def _fail(self, reason: str) -> None:
        message = f"the archive has stopped: {self.name}: {reason}"
        if self._status.message != message:
            _log.error("%s", message)
        self._status = ArchiveStatus(ArchiveState.FAILING, message)
        self._is_prepared = False
        self._engine.dispose()  # the next attempt reconnects

    def _write_all(self) -> None:
        if not self._is_prepared:
            prepare_database(self._engine, self._url)
            self._is_prepared = True
        finished = tuple(self._finished)  # before what they still have is written
        for market in tuple(self._markets):
            while market.has_news and self._write_some(market):
                pass
            if market.store in finished:
                self._missed += market.missed
                self._markets.remove(market)
                self._finished.remove(market.store)

    def _write_some(self, market: MarketArchive) -> int:
        try:
            with self._engine.begin() as connection:
                count = market.write(connection)
        except RolledError:
            market.go_back()
            return 1
        except BaseException:
            market.go_back()
            raise
        if count:
            # First, so that no status shows these rows as written and the database as unreachable.
            self._answered(ArchiveState.WRITING)
        market.keep()
        self._rows += count
        return count
