"""Recorder: writes every trade to disk within a second of its arrival, one DBN file per session and dataset.

It reads the tape with its own cursor on its own thread, so a slow disk delays nothing else. Trades that cannot be
written stay in the tape, and the write is retried (1, 2, 4 .. 30 s apart). Trades are missed only if the tape
overwrites them in the meantime; they are then counted, and a marker in the file shows where they belong. See
docs/recording.md.
"""

import errno
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import DataError
from flow_gl.core.market.gap_markers import GapMarker
from flow_gl.core.sessions import Session
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.layout import TRADE_KIND, TRADE_WORDS
from flow_gl.services.recording.file import ExpectedRun, Recovered
from flow_gl.services.recording.folder import Retention
from flow_gl.services.recording.names import Notice
from flow_gl.services.recording.session_files import SessionFiles
from flow_gl.store.ring import Cursor, Ring

_log: Final = logging.getLogger(__name__)
FLUSH_NS: Final = 400_000_000
SYNC_NS: Final = 5 * SECOND_NS
SHORTEST_WAIT_NS: Final = SECOND_NS
LONGEST_WAIT_NS: Final = 30 * SECOND_NS
_POLL_SECONDS: Final = 0.1
_ROWS_AT_ONCE: Final = 1 << 14
_JOIN_SECONDS: Final = 10.0


class RecorderState(IntEnum):
    """The state of the recorder."""

    WAITING = 0
    """Nothing has arrived yet."""
    RECORDING = 1
    FAILING = 2
    """Writing failed and is retried; `message` gives the reason."""
    CLOSED = 3


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """The recorder's state and counts."""

    state: RecorderState
    message: str = ""
    """One line for the user about an error or a repair; "" otherwise."""
    path: Path | None = None
    """The current file."""
    trades: int = 0
    """Trades written since the start."""
    already: int = 0
    """Trades that arrived and were already in the file."""
    missed: int = 0
    """Trades that were never written because the tape overwrote them."""
    waiting: int = 0
    """Trades on the tape that are not written yet."""
    nbytes: int = 0
    """Length of the current file."""


class Recorder:
    """Writes the tape to disk.

    Parameters
    ----------
    directory : folder of the recordings; created when first needed
    dataset : Databento dataset of the trades, such as GLBX.MDP3; part of the file names and headers
    session_of : returns the session of an event time (ns): `SessionCalendar.session_at`, of a calendar that no other
        thread uses
    clock : source of time
    keep : retention rule for old recordings
    """

    def __init__(
        self,
        directory: Path,
        *,
        dataset: str,
        session_of: Callable[[int], Session],
        clock: Clock = SYSTEM,
        keep: Retention | None = None,
    ) -> None:
        self.directory: Final = directory
        self.dataset: Final = dataset
        self._session_of = session_of
        self._clock = clock
        self._files = SessionFiles(directory, dataset=dataset, clock=clock, keep=keep or Retention())
        self._cursor: Cursor | None = None
        self._noted: deque[tuple[int, Notice]] = deque()  # appended by the engine's thread, which never waits here
        self._pending: list[tuple[int, Notice]] = []  # the same, in the order of the tape
        self._last_ts = 0
        self._unrecorded = 0  # trades missed for which no marker is written yet
        self._flushed_at: int | None = None
        self._synced_at = 0
        self._retry_at = 0
        self._wait_ns = 0
        self._status = RecorderStatus(RecorderState.WAITING)
        self._written = 0
        self._already = 0
        self._lock = threading.Lock()  # one write at a time
        self._opened = threading.Event()
        self._recovered: Recovered | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(
        self,
        tape: Ring,
        *,
        position: int | None = None,
        expected: ExpectedRun | None = None,
        reach_ns: int | None = None,
        is_threaded: bool = True,
    ) -> None:
        """Open the running session's recording, repairing it if necessary, and start recording.

        Disk errors are not raised: they are reported by `status()` and retried.

        Parameters
        ----------
        tape : ring of TRADE
        position : first row to record; None for the next one
        expected : the trades that the feed will deliver of a partly recorded session; None: all of it, with its gaps
        reach_ns : how far back from now the feed can bring trades, ns; None for any time
        is_threaded : open and write on a thread; False if the caller calls `write_due` itself
        """
        self._files.expected = expected or ExpectedRun()
        self._files.reach_ns = reach_ns
        self._cursor = Cursor(tape, position=tape.head if position is None else position)
        if is_threaded:
            self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
            self._thread.start()
        else:
            self._open_running()

    @property
    def is_open(self) -> bool:
        """Opening has succeeded or failed, and `take_recovered` has the result. From any thread."""
        return self._opened.is_set()

    def take_recovered(self) -> Recovered | None:
        """Return what the running session's recording held at the start, once; None later, or if opening failed.

        Only these trades may be treated as recorded: those that were cut off must come from the gateway again.
        """
        recovered, self._recovered = self._recovered, None
        return recovered

    def note(self, notice: Notice, *, position: int | None = None) -> None:
        """Take a mapping, a definition, or a gap. A permanent gap is marked in the recording.

        Parameters
        ----------
        position : row of the tape before which it belongs; None: before all rows that are not written yet
        """
        self._noted.append((0 if position is None else position, notice))

    def write_due(self, *, is_last: bool = False) -> None:
        """Write what has arrived, if a write is due.

        Parameters
        ----------
        is_last : write now in any case
        """
        with self._lock:
            now = self._clock.monotonic_ns()
            if self._cursor is None or (now < self._retry_at and not is_last):
                return
            is_due = self._flushed_at is None or now - self._flushed_at >= FLUSH_NS
            if is_last or is_due or self._cursor.behind >= _ROWS_AT_ONCE:
                self._flushed_at = now
                self._guarded(self._write_all)

    def status(self) -> RecorderStatus:
        """Return the current state. May be called from any thread; never waits."""
        status = self._status
        cursor = self._cursor
        if cursor is None or status.state is RecorderState.CLOSED:
            return status
        return replace(
            status,
            message=status.message or self._files.repaired,
            trades=self._written,
            already=self._already,
            missed=cursor.missed,
            waiting=cursor.behind,
        )

    def close(self) -> None:
        """Write what is left and close the files. Idempotent."""
        self._stop.set()
        if self._thread:
            self._thread.join(_JOIN_SECONDS)
            if self._thread.is_alive():
                _log.error(
                    "the disk does not respond: the recording ends without its last %d trades", self.status().waiting
                )
                return
            self._thread = None
        if self._status.state is RecorderState.CLOSED:
            return
        self.write_due(is_last=True)
        self._files.close()
        self._status = replace(self.status(), state=RecorderState.CLOSED)

    def _open_running(self) -> None:
        try:
            with self._lock:
                self._guarded(lambda: self._files.open(self._session_of(self._clock.wall_ns())))
                self._recovered = self._files.take_recovered()
        finally:
            self._opened.set()  # in any case, because the feed waits for this

    def _run(self) -> None:
        self._open_running()
        while not self._stop.wait(_POLL_SECONDS):
            self.write_due()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a disk operation; report an error once, and delay the next attempt."""
        try:
            work()
        except OSError as error:
            self._fail(f"recording has stopped: {_reason(error, self.directory)}")
        except Exception as error:  # a bug must not stop the recorder for the rest of the day
            _log.exception("the recorder failed")
            self._fail(f"recording has stopped because of an internal error: {type(error).__name__}: {error}")
        else:
            self._succeed()

    def _fail(self, message: str) -> None:
        if self._status.message != message:
            _log.error("%s", message)
        self._wait_ns = min(max(2 * self._wait_ns, SHORTEST_WAIT_NS), LONGEST_WAIT_NS)
        self._retry_at = self._clock.monotonic_ns() + self._wait_ns
        self._status = RecorderStatus(RecorderState.FAILING, message)
        try:
            self._files.close()  # the next attempt starts from what is on disk
        except OSError as error:  # this thread must keep running: the feed and the tape wait for it
            _log.error("a recording could not be closed: %s", error)

    def _succeed(self) -> None:
        if self._status.state is RecorderState.FAILING:
            _log.warning("recording has resumed")
        self._wait_ns = self._retry_at = 0
        file = self._files.current
        if file:
            self._status = RecorderStatus(RecorderState.RECORDING, path=file.path, nbytes=file.nbytes)

    def _write_all(self) -> None:
        assert self._cursor is not None
        stop = self._cursor.ring.head
        while self._noted:
            self._pending.append(self._noted.popleft())
        self._pending.sort(key=lambda pending: pending[0])
        while self._cursor.position < stop:
            self._write_some(self._cursor, stop)
        self._take_notices(stop)
        self._files.write_notices()
        now = self._clock.monotonic_ns()
        if now - self._synced_at >= SYNC_NS:
            self._synced_at = now
            self._files.sync()

    def _write_some(self, cursor: Cursor, stop: int) -> None:
        missed_before = cursor.missed
        rows = cursor.read(min(_ROWS_AT_ONCE, stop - cursor.position))
        self._unrecorded += cursor.missed - missed_before
        done = 0
        try:
            while done < len(rows):
                done += self._write_run(rows[done:], cursor.position - len(rows) + done)
        finally:
            cursor.position -= len(rows) - done  # rows that a failure left unwritten are read again

    def _write_run(self, rows: NDArray[np.void], first: int) -> int:
        """Write the leading rows that belong to one session and precede the next notice. Returns their number."""
        self._take_notices(first)
        run = rows[: self._pending[0][0] - first] if self._pending else rows
        times = run["ts_event"]
        ts, session = self._session_for(int(times[0]))
        is_elsewhere = (times < session.open) | (times >= session.next_open)
        is_elsewhere[0] = False
        if is_elsewhere.any():
            run = run[: int(is_elsewhere.argmax())]
        self._files.open(session)
        self._files.write_notices()
        is_missing = self._unrecorded or self._files.has_lost
        hole = GapMarker(min(self._last_ts or ts, ts), ts, self._unrecorded, is_recorders=True) if is_missing else None
        written = self._files.append(_sound(run), hole=hole)
        self._unrecorded = 0
        self._last_ts = max(ts, int(run["ts_event"].max()))
        self._written += written
        self._already += len(run) - written
        return len(run)

    def _session_for(self, ts: int) -> tuple[int, Session]:
        """Return a trade's time and session; those of the previous trade if it has no valid time."""
        with suppress(DataError):
            if ts > 0:
                return ts, self._session_of(ts)
        ts = self._last_ts or self._clock.wall_ns()
        return ts, self._session_of(ts)

    def _take_notices(self, position: int) -> None:
        """Pass on the notices that belong before a row of the tape; the rest stays pending."""
        while self._pending and self._pending[0][0] <= position:
            self._files.take(self._pending.pop(0)[1])


def _sound(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return trades with valid DBN headers: a record length of 0 would make the rest of the file unreadable."""
    is_sound = (rows["length"] == TRADE_WORDS) & (rows["rtype"] == TRADE_KIND)
    if is_sound.all():
        return rows
    mended = rows.copy()
    mended["length"], mended["rtype"] = TRADE_WORDS, TRADE_KIND
    return mended


def _reason(error: OSError, directory: Path) -> str:
    """Describe a disk error: what is wrong, where, and what to do about it."""
    where = error.filename or str(directory)
    if error.errno == errno.ENOSPC:
        return f"the disk of {directory} is full; free some space and recording resumes by itself"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"{where}: expected a folder, this is a file; retrying"
    return f"{where}: {error.strerror or error}; retrying"
