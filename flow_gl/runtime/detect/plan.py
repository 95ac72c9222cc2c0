"""Split files into ranges of whole sessions, which are read independently of each other.

A session never lies in two ranges. Where a file holds the end of one session and the beginning of the next, as a
file of a UTC day does, a range ends with that file and the next one begins with it too; so a range takes at least
four such files, and at most a fifth of the bytes is read twice. Files that each begin with a session are ranges of
their own. The split depends on the files alone, never on the number of workers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from flow_gl.core.errors import DataError
from flow_gl.core.sessions import SessionCalendar
from flow_gl.feed.files.file_part import FilePart, PartCache
from flow_gl.feed.files.merged import groups_of
from flow_gl.feed.files.scan import scan
from flow_gl.feed.files.trade_file import TradeFile

ALWAYS: Final = 2**62
_SHARE: Final = 4
"""At most one in this many files of equal size is shared by two ranges."""


Tick = tuple[int, int, int, bool, bool]
"""Of a price grid: its tick, its source (0: none), the known tick, whether only price 0 was seen, whether guessed."""


@dataclass(frozen=True, slots=True)
class Group:
    """A file, or several that are merged because they cover the same time."""

    paths: tuple[Path, ...]
    begins: int
    ends: int
    """Its time range, ns."""
    nbytes: int


@dataclass(frozen=True, slots=True)
class SessionRange:
    """Files that are read together, and which of their sessions count."""

    groups: tuple[Group, ...]
    definitions: tuple[Path, ...]
    known: tuple[tuple[Path, FilePart], ...]
    """Summaries of all its files; empty if their headers order them."""
    first_ns: int
    until_ns: int
    """Sessions count whose first trade is in [first_ns, until_ns)."""
    is_first_shared: bool
    """It begins with the file with which the range before it ends."""
    ticks: tuple[tuple[int, str, Tick], ...] = ()
    """Instruments (id, symbol) whose tick earlier files have shown, because no name or definition gives it."""

    @property
    def paths(self) -> tuple[Path, ...]:
        return (*self.definitions, *(path for group in self.groups for path in group.paths))

    @property
    def shared_index(self) -> int:
        """Index in `paths` of the last file of the shared group; -1 without a shared."""
        return len(self.definitions) + len(self.groups[0].paths) - 1 if self.is_first_shared else -1

    @property
    def nbytes(self) -> int:
        return sum(group.nbytes for group in self.groups)


def plan(
    paths: Sequence[Path],
    *,
    calendar: SessionCalendar,
    cache: PartCache | None = None,
    on_progress: Callable[[float], None] | None = None,
    is_one: bool = False,
) -> list[SessionRange]:
    """Split files into ranges.

    Parameters
    ----------
    paths : files in any order
    cache : of file summaries, which are needed if headers do not order the files
    on_progress : called while files are summarised, with the share read
    is_one : make one range of everything

    Raises
    ------
    DataError : a file cannot be read, or files overlap
    """
    definitions, groups, known = _grouped(paths, cache, on_progress)
    ranges: list[SessionRange] = []
    start, first_ns, is_first_shared = 0, -ALWAYS, False
    for at in range(1, len(groups)) if not is_one else ():
        cut, is_shared = _cut(groups[at - 1], groups[at], calendar)
        held = groups[start : at + is_shared]
        if cut is None or (is_shared and sum(one.nbytes for one in held) < _SHARE * groups[at].nbytes):
            continue
        ranges.append(SessionRange(tuple(held), definitions, known, first_ns, cut, is_first_shared))
        start, first_ns, is_first_shared = at, cut, is_shared
    ranges.append(SessionRange(tuple(groups[start:]), definitions, known, first_ns, ALWAYS, is_first_shared))
    return [_with_own(one) for one in ranges]


def joined(one: SessionRange, other: SessionRange) -> SessionRange:
    """Return the range of two that follow each other."""
    groups = one.groups + other.groups[1 if other.is_first_shared else 0 :]
    known = dict(one.known) | dict(other.known)
    return replace(one, groups=groups, known=tuple(known.items()), until_ns=other.until_ns)


def _with_own(session_range: SessionRange) -> SessionRange:
    """Drop the summaries of other ranges' files."""
    own = set(session_range.paths)
    return replace(session_range, known=tuple((path, part) for path, part in session_range.known if path in own))


def _cut(before: Group, group: Group, calendar: SessionCalendar) -> tuple[int | None, bool]:
    """Return the time (ns) at which a range may end, and whether that is inside `group`; None: nowhere near it.

    `before` is the group before it.
    """
    try:
        session = calendar.session_at(group.begins)
    except DataError:
        return None, False
    if group.begins >= session.close:
        return session.close, False
    if before.ends <= session.open:
        return session.open, False
    return (session.close, True) if session.close < group.ends else (None, False)


def _grouped(
    paths: Sequence[Path], cache: PartCache | None, on_progress: Callable[[float], None] | None
) -> tuple[tuple[Path, ...], list[Group], tuple[tuple[Path, FilePart], ...]]:
    """Return files of definitions, the others in order of time, and summaries if they were needed for that."""
    definitions: list[Path] = []
    groups: list[Group] = []
    is_ordered = True
    for path in paths:
        file = TradeFile(path)
        file.close()
        if file.is_definitions:
            definitions.append(path)
        elif file.requested is None:
            is_ordered = False
        else:
            groups.append(Group((path,), *file.requested, path.stat().st_size))
    groups.sort(key=lambda one: (one.begins, one.ends))
    is_ordered &= all(one.ends <= other.begins for one, other in pairwise(groups))
    if (groups and is_ordered) or len(paths) == 1:
        return tuple(definitions), groups or [Group(tuple(paths), 0, 0, paths[0].stat().st_size)], ()
    summary = scan(paths, cache=cache, on_progress=on_progress)
    known = tuple(zip(summary.paths, summary.parts, strict=True))
    merged: dict[int, list[tuple[Path, FilePart]]] = {}
    for (path, part), number in zip(known, groups_of(summary.parts), strict=True):
        if not part.is_definitions and part.trades:
            merged.setdefault(number, []).append((path, part))
    groups = [
        Group(
            tuple(path for path, _ in members),
            min(part.begins for _, part in members),
            max(part.ends for _, part in members) + 1,
            sum(path.stat().st_size for path, _ in members),
        )
        for members in merged.values()
    ]
    definitions = [path for path, part in known if part.is_definitions]
    return tuple(definitions), groups, known
