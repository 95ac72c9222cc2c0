"""A recording that is being written: verified when it is opened, then appended to in complete frames.

Opening an existing file verifies all of it. A torn last frame is cut off. A file that is damaged in the middle, or that
an earlier run left with a hole, is renamed aside, and the recording continues after the part before the damage: the
live gateway's replay brings the rest again, in its order. Repeated trades that the file already holds are dropped; they
are compared as a multiset, since two trades may be equal in every byte. If older trades came after newer ones (a gap
was filled, an instrument was added), the file is sorted when it is closed or next opened.
"""

import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.dedup import CountedTrades
from flow_gl.core.market.gap_markers import GapMarker
from flow_gl.core.system.platform import held_files
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.dbn.records import encode_marker
from flow_gl.services.recording import format as recording
from flow_gl.services.recording.names import HeldNames

_log: Final = logging.getLogger(__name__)
_CLOSED: Final = -1
"""File descriptor of a closed file."""
_INTERLEAVE_NS: Final = SECOND_NS
"""Instruments interleave, so arrival times in a file may step back by up to this. Beyond it the file is sorted."""
_SURELY_NEW_NS: Final = MINUTE_NS  # trades of several instruments do not always arrive in the order of ts_event


@dataclass(frozen=True, slots=True)
class Recovered:
    """The contents of a recording when a run opened it."""

    path: Path
    names: tuple[bytes, ...]
    """Mapping and definition records."""
    trades: NDArray[np.void]
    """dtype TRADE, in arrival order."""
    markers: tuple[GapMarker, ...]
    """Gaps in which trades are permanently missing."""


@dataclass(frozen=True, slots=True)
class ExpectedRun:
    """The trades that a run will deliver of a session that is already partly recorded."""

    repeats: bool = True
    """The run begins with everything that the recording holds; those trades may be dropped."""
    repeats_gaps: bool = True
    """The run reports the feed's permanent gaps again, so the file's own markers may be removed."""
    reaches_ns: int = 0
    """The run can bring trades from this `ts_event` on. A hole that began earlier stays: it cannot be filled."""


class RecordingFile:
    """One session's recording, open for appending and locked against other writers.

    Parameters
    ----------
    path : file to continue, or to create
    header : DBN metadata for a new file
    names : mapping and definition records that the file must hold
    is_new_run : this run opens the file for the first time: the file is cut at its first hole, which the run will
        fill. Otherwise holes stay, as marked
    expected : the trades that this run will deliver

    Raises
    ------
    OSError
        The file cannot be created, read, repaired, locked or written; BlockingIOError if another program is writing it.
    """

    def __init__(
        self, path: Path, *, header: bytes, names: list[bytes], is_new_run: bool, expected: ExpectedRun
    ) -> None:
        self.path: Final = path
        self.repaired = ""
        """The repair made on opening, one line; "" if there was none."""
        self.has_lost = False
        """The repair removed trades that will not come again in this run."""
        self.seen: CountedTrades | None = None
        """Trades held that may be repeated; None if everything that comes is new."""
        self.recovered: Recovered | None = None
        """The contents of the file when it was opened; None after the first write."""
        self._expected: Final = expected
        self._is_dirty = False
        self._needs_sync = False
        self._names = HeldNames()
        self._markers: set[tuple[int, int]] = set()
        self._has_trades = False
        self._newest = 0  # arrival time of the newest trade held, ns
        self._is_disordered = False
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_aside(path, b"".join(recording.frames_of([header, *names])))
        self._fd = held_files.open_for_update(path)
        try:
            held_files.lock(self._fd, path)
            found = self._mend(header, names, is_new_run=is_new_run)
            self._size = found.size
            self._names.add(found.names)
            self._has_trades = len(found.trades) > 0
            if is_new_run and expected.repeats and len(found.trades):
                self.seen = CountedTrades(found.trades)
            self._look_at_order(found.trades)
            are_markers_repeated = is_new_run and expected.repeats and expected.repeats_gaps
            if is_new_run:
                self.recovered = self._recover(found)
            if self._is_disordered or (are_markers_repeated and found.markers):
                self._put_in_order(found, has_markers=not are_markers_repeated)
            if not are_markers_repeated:
                self._markers.update((marker.start, marker.end) for _, marker in found.markers)
            os.lseek(self._fd, 0, os.SEEK_END)
            self.append_names(names)
        except BaseException:
            self._close_file()
            raise

    @property
    def nbytes(self) -> int:
        return self._size

    def append(self, rows: NDArray[np.void], *, hole: GapMarker | None = None) -> int:
        """Write trades as one or more frames. On OSError none of them are in the file.

        Parameters
        ----------
        rows : dtype TRADE, arrival order
        hole : marker to write before them

        Returns
        -------
        int : number of trades written, not counting those that the file already held
        """
        self.recovered = None  # describes the file as it was opened
        new = rows if self.seen is None else rows[self.seen.are_new(rows)]
        records = [encode_marker(hole)] if hole else []
        records += recording.records_of(new)
        try:
            self._write(records)
        except OSError:
            if self.seen is not None:
                self.seen.undo()
            raise
        self._has_trades = self._has_trades or len(new) > 0
        self._forget_when_past(rows)
        self._look_at_order(new)
        return len(new)

    def append_marker(self, marker: GapMarker) -> None:
        """Write the marker of a permanent gap of the feed, unless the file already holds it. Raises OSError."""
        if (marker.start, marker.end) in self._markers:
            return
        self._write([encode_marker(marker)])
        self._markers.add((marker.start, marker.end))

    def append_names(self, names: list[bytes]) -> None:
        """Write the mapping and definition records that change what the file says at its end. Raises OSError.

        After an error the file must be opened again.
        """
        self._write(self._names.take_new(names))

    def sync(self) -> None:
        """Flush the file to the disk (fsync), so that it survives a power cut. Raises OSError."""
        if self._needs_sync:
            os.fsync(self._fd)
            self._needs_sync = False

    def close(self) -> None:
        """Sort the file if needed, sync it and close it, ignoring errors. A file without trades is removed."""
        with suppress(OSError):
            if not self._has_trades:
                self.path.unlink()
            if self._is_disordered:
                self._put_in_order(recording.scan(self.path), has_markers=True)
            self.sync()
        self._close_file()

    def _write(self, records: list[bytes]) -> None:
        if not records:
            return
        data = b"".join(recording.frames_of(records))
        self._cut_back()
        self._is_dirty = True
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            with suppress(OSError):
                self._cut_back()
            raise
        self._is_dirty = False
        self._needs_sync = True
        self._size += len(data)

    def _cut_back(self) -> None:
        """Remove what a failed write left behind."""
        if self._is_dirty:
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, 0, os.SEEK_END)
            self._is_dirty = False

    def _forget_when_past(self, rows: NDArray[np.void]) -> None:
        if self.seen is not None and len(rows) and int(rows["ts_event"].min()) > self.seen.last_ts + _SURELY_NEW_NS:
            self.seen = None

    def _mend(self, header: bytes, names: list[bytes], *, is_new_run: bool) -> recording.Scan:
        """Repair the open file and return its contents."""
        found = recording.scan(self.path)
        reaches_ns = self._expected.reaches_ns
        fillable = [offset for offset, marker in found.holes if is_new_run and marker.start >= reaches_ns]
        keep = min([found.good_bytes, *fillable])
        if keep == found.size:
            return found
        if found.is_torn and keep == found.good_bytes and keep:
            os.ftruncate(self._fd, keep)
            self.repaired = (
                f"{self.path.name}: removed {found.size - keep} bytes of an unfinished write from its end;"
                f" {len(found.trades):,} trades kept"
            )
            found.size, found.damage = keep, ""
        else:
            beginning = self.path.read_bytes()[:keep] or b"".join(recording.frames_of([header, *names]))
            found = self._set_aside(found, beginning)
            self.has_lost = not is_new_run
        _log.warning("%s", self.repaired)
        return found

    def _recover(self, found: recording.Scan) -> Recovered:
        trades = recording.by_arrival(found.trades) if self._is_disordered else found.trades
        return Recovered(self.path, found.names, trades, tuple(marker for _, marker in found.markers))

    def _set_aside(self, found: recording.Scan, beginning: bytes) -> recording.Scan:
        """Rename the file aside and continue in a new one that holds its undamaged beginning."""
        aside = _free_name(self.path)
        if not held_files.can_replace_open_files():
            self._close_file()
        self.path.replace(aside)
        self._replace(beginning)
        reason = found.damage or f"{sum(marker.lost for _, marker in found.holes):,} trades are missing in its middle"
        kept = recording.scan(self.path)
        self.repaired = (
            f"{self.path.name}: {reason}; it is kept as {aside.name}, and the recording continues after"
            f" the {len(kept.trades):,} trades before that"
        )
        return kept

    def _look_at_order(self, rows: NDArray[np.void]) -> None:
        if len(rows):
            times = recording.arrival_times(rows)
            newest = np.maximum.accumulate(np.maximum(times, self._newest))
            self._is_disordered = self._is_disordered or bool(np.any(times < newest - _INTERLEAVE_NS))
            self._newest = int(newest[-1])

    def _put_in_order(self, found: recording.Scan, *, has_markers: bool) -> None:
        """Sort the trades by arrival. A file with a hole stays as it is: the next run cuts it there."""
        if found.damage or found.holes:
            return
        self._replace(recording.in_order(found, has_markers=has_markers))
        self._is_disordered = False
        _log.info("%s: repaired", self.path.name)

    def _replace(self, data: bytes) -> None:
        """Continue in a new file of the same name."""
        if held_files.can_replace_open_files():
            _write_aside(self.path, data)
            descriptor = held_files.open_for_update(self.path)
            self._close_file()
            self._fd = descriptor
        else:
            self._close_file()
            try:
                _write_aside(self.path, data)
            except OSError:
                # Continue in the old file if it still has the name.
                with suppress(OSError):
                    self._fd = held_files.open_for_update(self.path)
                    held_files.lock(self._fd, self.path)
                raise
            self._fd = held_files.open_for_update(self.path)
        self._size = len(data)
        held_files.lock(self._fd, self.path)

    def _close_file(self) -> None:
        if self._fd != _CLOSED:
            os.close(self._fd)
            self._fd = _CLOSED


def _write_aside(path: Path, data: bytes) -> None:
    """Write a file atomically: a temporary file, then a rename."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.aside-{number}")).exists():
        number += 1
    return aside
