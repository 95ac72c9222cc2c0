"""The recordings in a folder: list them, and remove old ones.

Names are `<dataset>-<YYYYMMDD>.dbn.zst`. Files of any other name are never touched, except those that the recorder
itself creates beside them (`.aside-1`, a damaged recording kept for inspection).
"""

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flow_gl.core.units import DAY_NS, SECOND_NS
from flow_gl.services.recording.format import SUFFIX, file_name

_log: Final = logging.getLogger(__name__)
_NAME: Final = re.compile(rf"(?P<dataset>.+)-(?P<date>\d{{8}}){re.escape(SUFFIX)}(?P<aside>\.aside-\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention rule: recordings of the last `days` days, and of these the newest that fit into `nbytes`."""

    days: int | None = 400
    """None: no limit."""
    nbytes: int | None = None
    """Total size of all recordings in the folder; None: no limit."""


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """One recording in a folder."""

    path: Path
    dataset: str
    trade_date: int
    """YYYYMMDD."""
    nbytes: int
    is_aside: bool = False
    """Kept for inspection only: damaged, or with a hole that was filled later."""


def list_recordings(directory: Path) -> list[RecordingEntry]:
    """List the recordings in a folder, oldest first; none if there is no folder. Raises OSError if it is unreadable."""
    if not directory.is_dir():
        return []
    entries = []
    for path in directory.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            size = path.stat().st_size
            entries.append(RecordingEntry(path, match["dataset"], int(match["date"]), size, match["aside"] is not None))
    return sorted(entries, key=lambda entry: (entry.trade_date, entry.dataset, entry.path.name))


def recorded(directory: Path, dataset: str, trade_date: int) -> list[Path]:
    """Return the files that hold a session, in reading order: one, or none if it was not recorded."""
    path = directory / file_name(dataset, trade_date)
    return [path] if path.is_file() else []


def prune(directory: Path, keep: Retention, *, now_ns: int, spared: Path) -> list[Path]:
    """Remove the recordings that the rule does not keep, oldest first.

    Parameters
    ----------
    now_ns : wall time
    spared : file that is kept in any case: the one being written

    Returns
    -------
    list of Path : the files removed
    """
    entries = list_recordings(directory)
    total = sum(entry.nbytes for entry in entries)
    oldest = 0
    if keep.days is not None:
        moment = datetime.fromtimestamp(max(now_ns - keep.days * DAY_NS, 0) // SECOND_NS, UTC)
        oldest = int(f"{moment:%Y%m%d}")
    removed = []
    for entry in entries:
        is_too_much = keep.nbytes is not None and total > keep.nbytes
        if entry.path == spared or not (entry.trade_date < oldest or is_too_much):
            continue
        try:
            entry.path.unlink()
        except OSError as error:
            _log.warning("an old recording cannot be removed: %s", error)
            continue
        total -= entry.nbytes
        removed.append(entry.path)
        _log.info("removed the old recording %s", entry.path.name)
    return removed
