"""The recordings that a run has open, by session, and the names and markers that each must hold.

Every file gets all names known so far, so that each can be read on its own. A file that is opened a second time in a
run (after a disk error, or for a late trade) continues where it was left; trades that may be repeated are kept here.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.clock import Clock
from flow_gl.core.items import FeedGap
from flow_gl.core.market.dedup import CountedTrades
from flow_gl.core.market.gap_markers import GapMarker
from flow_gl.core.sessions import Session
from flow_gl.dbn.header import encode_header
from flow_gl.services.recording import format as recording
from flow_gl.services.recording.file import ExpectedRun, RecordingFile, Recovered
from flow_gl.services.recording.folder import Retention, prune
from flow_gl.services.recording.names import Name, Notice, key_of, marker_of, record_of

_OPEN_FILES: Final = 2


class _Open(NamedTuple):
    file: RecordingFile
    session: Session


class SessionFiles:
    """The open recordings of one dataset in one folder. Every method that touches the disk raises OSError.

    Parameters
    ----------
    directory : folder of the recordings; created when first needed
    dataset : part of the file names and headers
    keep : retention rule, applied whenever a file is opened
    """

    def __init__(self, directory: Path, *, dataset: str, clock: Clock, keep: Retention) -> None:
        self._directory = directory
        self._dataset = dataset
        self._clock = clock
        self._keep = keep
        self._files: dict[int, _Open] = {}  # by trade date, last used last
        self._seen: dict[int, CountedTrades | None] = {}  # by trade date, of each file that this run has had open
        self._names: dict[tuple[str, int, str], Name] = {}
        self._new_names: list[Name] = []
        self._new_markers: list[GapMarker] = []
        self.expected = ExpectedRun()
        self.reach_ns: int | None = None
        """How far back from now the feed can bring trades, ns; None for any time."""
        self.has_lost = False
        """An unknown number of trades were lost with a damaged file, and no marker says so yet."""
        self.repaired = ""
        """The last repair, one line."""

    @property
    def current(self) -> RecordingFile | None:
        """The file that was opened or written last."""
        return next(reversed(self._files.values())).file if self._files else None

    def take_recovered(self) -> Recovered | None:
        """Return what the current file held when this run opened it, once; then None."""
        file = self.current
        if file is None:
            return None
        recovered, file.recovered = file.recovered, None
        return recovered

    def take(self, notice: Notice) -> None:
        """Take a notice to be written by `write_notices`."""
        if isinstance(notice, FeedGap):
            marker = marker_of(notice)
            self._new_markers += [marker] if marker else []
        else:
            key = key_of(notice)
            self._names.pop(key, None)  # behind the others: a name that comes back to an instrument means it again
            self._names[key] = notice
            self._new_names += [notice] if self._files else []  # a file that is opened gets all names

    def write_notices(self) -> None:
        """Write new names and markers into the current file; without one they stay pending."""
        if not self._files:
            return
        file, session = next(reversed(self._files.values()))
        if self._new_names:
            file.append_names([record_of(name, session) for name in self._new_names])
            self._new_names.clear()
        while self._new_markers:
            file.append_marker(self._new_markers[0])
            self._new_markers.pop(0)

    def open(self, session: Session) -> None:
        """Make a session's recording the current file; create or open it if necessary."""
        opened = self._files.pop(session.trade_date, None)
        self._files[session.trade_date] = opened or _Open(self._open_file(session), session)
        while len(self._files) > _OPEN_FILES:
            self._close(next(iter(self._files)))

    def append(self, rows: NDArray[np.void], *, hole: GapMarker | None) -> int:
        """Write trades (dtype TRADE) to the current file. Returns how many it did not already hold."""
        file = self.current
        assert file is not None
        written = file.append(rows, hole=hole)
        self.has_lost = False
        return written

    def sync(self) -> None:
        """Flush all open files to the disk."""
        for file, _ in self._files.values():
            file.sync()

    def close(self) -> None:
        """Close all files."""
        for trade_date in list(self._files):
            self._close(trade_date)
        self._new_names.clear()

    def _close(self, trade_date: int) -> None:
        file = self._files.pop(trade_date).file
        self._seen[trade_date] = file.seen
        file.close()

    def _open_file(self, session: Session) -> RecordingFile:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / recording.file_name(self._dataset, session.trade_date)
        now_ns = self._clock.wall_ns()
        prune(self._directory, self._keep, now_ns=now_ns, spared=path)
        is_new_run = session.trade_date not in self._seen
        file = RecordingFile(
            path,
            header=encode_header(self._dataset, session.open),
            names=self._name_records(session),
            is_new_run=is_new_run,
            expected=replace(self.expected, reaches_ns=now_ns - self.reach_ns if self.reach_ns is not None else 0),
        )
        if not is_new_run:
            file.seen = self._seen[session.trade_date]
        self._seen[session.trade_date] = file.seen
        self.has_lost = self.has_lost or file.has_lost
        self.repaired = file.repaired or self.repaired
        return file

    def _name_records(self, session: Session) -> list[bytes]:
        return [record_of(name, session) for name in self._names.values()]
