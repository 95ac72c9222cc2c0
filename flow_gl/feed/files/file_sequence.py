"""Several files as one stream, in order of time.

Files of definitions are read first, wherever they are in the list, and their definitions are put among the trades from
the time on from which they hold. Files of the same time with different
instruments are merged; with the same instrument they are refused, since a trade would count twice or be late. A
damaged file is followed by a gap up to the next file, and so is a file whose requested time range ends before that of
the next file begins. A file whose summary is known can be skipped: what follows is the same.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Final

from flow_gl.core.errors import DataError
from flow_gl.core.items import Definition, FeedGap, FileEnd, FileStart, Item, Trades
from flow_gl.feed.files.covers import ALWAYS, covers_of
from flow_gl.feed.files.definition_dates import DefinitionDates
from flow_gl.feed.files.file_order import FileOrder, event_times, order_range
from flow_gl.feed.files.file_part import FilePart
from flow_gl.feed.files.merged import Merged, groups_of
from flow_gl.feed.files.trade_file import TradeFile


class FileSequence:
    """Iterate over the items of files, once.

    Attributes
    ----------
    paths : the files in reading order; if the summaries of all are known, in order of time
    trades : number of trades yielded so far
    messages : one line for each damaged place and each omission so far
    damage : those of the lines that report damage
    passed : number of files that were read to the end or skipped
    """

    def __init__(
        self,
        paths: Sequence[str | PathLike[str]],
        *,
        known: Mapping[Path, FilePart] | None = None,
        yield_ends: bool = False,
    ) -> None:
        """Check the beginning of every file. Raises DataError for the first one that cannot be read.

        Parameters
        ----------
        paths : files in order of time; in any order if the summaries of all are known
        known : summaries of files; these are opened only when they are read
        yield_ends : yield a FileEnd after each file
        """
        if not paths:
            raise DataError("expected at least one file, got none")
        self.trades = 0
        self.messages: list[str] = []
        self.damage: list[str] = []
        self.dataset = ""
        self.passed = 0
        self._yield_ends: Final = yield_ends
        self._current: TradeFile | Merged | None = None
        self._begun: list[FilePart] = []
        self._order: Final = FileOrder()
        self._held: Final[list[str]] = []
        self._gap_start = 0
        self._requested_until = 0
        """End of the time ranges that the files so far were requested for, ns; 0 if one of them does not say."""
        self._dates: Final = DefinitionDates()
        definitions: list[Path] = []
        others: list[Path] = []
        for path in map(Path, paths):
            if path in definitions or path in others:
                raise DataError(f"{path}: given twice")
            part = known.get(path) if known else None
            is_definitions, dataset = (part.is_definitions, part.dataset) if part else _look_at(path)
            (definitions if is_definitions else others).append(path)
            self.dataset = self.dataset or dataset
        self.paths: Final[list[Path]] = definitions + others
        self._groups: dict[Path, list[FilePart]] = {}
        if known and all(path in known for path in self.paths):
            self.know(known)
        self._items = self._read()

    def __iter__(self) -> Iterator[Item]:
        return self._items

    @property
    def progress(self) -> float:
        """Share read, 0..1; every file counts the same, by its bytes."""
        part = self._current.progress if self._current else 0.0
        return min(1.0, (self.passed + part) / len(self.paths))

    def know(self, parts: Mapping[Path, FilePart]) -> None:
        """Take the summaries of all files: they are put in order of time, and files of the same time are merged."""
        self.paths.sort(key=lambda path: (not parts[path].is_definitions, parts[path].begins))
        ordered = [parts[path] for path in self.paths]
        groups: dict[int, list[FilePart]] = {}
        for path, part, number in zip(self.paths, ordered, groups_of(ordered), strict=True):
            self._groups[path] = groups.setdefault(number, [])
            self._groups[path].append(part)

    def _begin(self, first: int, path: Path) -> None:
        """Begin a file, or all files of its group. Raises DataError if files overlap."""
        group = self._groups.get(path, [])
        if len(group) < 2:
            self._order.begin(first, path)
            return
        if self._begun is not group:
            self._begun = group
            self._order.begin(min(part.begins for part in group), path)
            self._order.reach(max(part.ends for part in group), path)

    def skip(self, part: FilePart) -> None:
        """Skip the next file, given its summary, before iterating. Raises DataError if files overlap."""
        path = self.paths[self.passed]
        if part.is_definitions:
            self._dates.add(part.definitions, part.mappings)
        else:
            self._missing_before([part.period])
        if part.trades:
            self._begin(part.begins, path)
            self._order.reach(part.ends, path)
            self.trades += part.trades
            self._gap_start = 0
        self._end_file(path, damage=part.damage, notes=part.notes, held="" if part.trades else part.held)
        if part.damage:
            self._gap_start = part.newest_ts

    def check_trades(self) -> None:
        """Raise DataError if the files read or skipped so far hold no trade."""
        if not self.trades:
            raise DataError(f"{'; '.join(self._held)}; trades are needed")

    def close(self) -> None:
        """Close the open file and stop iterating. Idempotent."""
        self._items.close()

    def _read(self) -> Generator[Item]:
        while self.passed < len(self.paths):
            path = self.paths[self.passed]
            if len(self._groups.get(path, [])) > 1:
                yield from self._read_merged(path)
                continue
            file = self._current = TradeFile(path)
            is_first = True
            self._dates.begin_file()
            try:
                if not file.is_definitions:
                    yield from self._missing_before([file.requested])
                    yield FileStart(covers_of(file.mappings))
                for item in self._dated(file):
                    if isinstance(item, Trades):
                        if self._gap_start:
                            yield FeedGap(self._gap_start, int(event_times(item.rows)[0]))
                            self._gap_start = 0
                        begins, ends = order_range(item.rows)
                        if is_first:
                            self._begin(begins, path)
                            is_first = False
                        self._order.reach(ends, path)
                        self.trades += len(item.rows)
                    yield item
                held = file.describe() if is_first else ""
                self._end_file(path, damage=file.damage, notes=file.notes(), held=held)
                if file.damage:
                    self._gap_start = file.last_ts
            finally:
                file.close()
            self._current = None
            if self._yield_ends:
                yield FileEnd(self.passed - 1)
        if not self.trades:
            yield from self._dates.dated()
        self.check_trades()

    def _missing_before(self, periods: Sequence[tuple[int, int] | None]) -> list[FeedGap]:
        """Return the gap before files that begin together, if none was requested for the time before them."""
        known = [one for one in periods if one is not None]
        until = self._requested_until
        begin = min((start for start, _ in known), default=0)
        self._requested_until = max(until, *(end for _, end in known)) if len(known) == len(periods) else 0
        return [FeedGap(until, begin)] if 0 < until < begin else []

    def _dated(self, file: TradeFile) -> Iterator[Item]:
        """Yield a file's items: trades with the definitions of other files among them; definitions are kept back."""
        if not file.is_definitions:
            yield from chain.from_iterable(map(self._dates.among, file.items()))
            return
        self._dates.add((), file.mappings)
        for item in file.items():
            if isinstance(item, Definition):
                self._dates.add((item,), ())
            else:
                yield item

    def _read_merged(self, path: Path) -> Iterator[Item]:
        """Read the files of a group side by side."""
        group = self._groups[path]
        paths = [other for other in self.paths if self._groups[other] is group]
        self._begin(0, path)
        merged = self._current = Merged(paths)
        self._dates.begin_file()
        yield from self._missing_before([part.period for part in group])
        for at, part in enumerate(group):
            if part.trades:
                named = covers_of(part.mappings)
                ids = {traded.instrument_id for traded in part.traded}
                yield FileStart({one: named.get(one, ALWAYS) for one in ids}, is_joined=at > 0)
        for item in chain.from_iterable(map(self._dates.among, merged.items())):
            if isinstance(item, Trades):
                if self._gap_start:
                    yield FeedGap(self._gap_start, int(event_times(item.rows)[0]))
                    self._gap_start = 0
                self.trades += len(item.rows)
            yield item
        for other, file in zip(paths, merged.files, strict=True):
            self._end_file(other, damage=file.damage, notes=file.notes(), held="")
            if file.damage:
                self._gap_start = max(self._gap_start, file.last_ts)
        self._current = None
        if self._yield_ends:
            yield FileEnd(self.passed - 1)

    def _end_file(self, path: Path, *, damage: str, notes: Sequence[str], held: str) -> None:
        self.messages += ([damage] if damage else []) + list(notes)
        if damage:
            self.damage.append(damage)
        elif held:
            self._held.append(f"{path}: it holds {held}")
        self.passed += 1


def _look_at(path: Path) -> tuple[bool, str]:
    """Return whether a file holds definitions, and its dataset. Raises DataError."""
    file = TradeFile(path)
    try:
        return file.is_definitions, file.dataset
    finally:
        file.close()
