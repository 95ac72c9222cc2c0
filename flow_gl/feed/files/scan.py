"""Summary of a set of files: their instruments, trades and volume, and damage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from pathlib import Path

from flow_gl.core.errors import DataError
from flow_gl.feed.files.choices import Choice, Found, InstrumentSummary, unique
from flow_gl.feed.files.definition_dates import DefinitionDates, reused_ids
from flow_gl.feed.files.file_part import FilePart, PartCache, read_part
from flow_gl.feed.files.file_sequence import FileSequence
from flow_gl.feed.files.merged import groups_of

_NAMED: int = 12
"""Most instruments that a message names."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """Summary of a set of files."""

    paths: tuple[Path, ...]
    """In reading order."""
    dataset: str
    instruments: tuple[InstrumentSummary, ...]
    """By descending volume; named ones without trades come last."""
    trades: int
    first_ts: int
    """Earliest and latest `ts_event`, ns."""
    last_ts: int
    messages: tuple[str, ...]
    """One line for each damaged place and each omission."""
    damage: tuple[str, ...] = ()
    """Those of the lines that report damage."""
    parts: tuple[FilePart, ...] = ()
    """The summary of each file, in the order of `paths`."""

    def choose(self, symbol: str | None = None) -> Choice:
        """Choose the instrument to chart: that of a symbol, or the busiest one.

        Without a symbol, outrights come first, then instruments that are neither outright nor spread (shares), then
        spreads.

        Parameters
        ----------
        symbol : a contract, a requested symbol, or an id; None for the busiest

        Raises
        ------
        DataError
            The symbol is not in the files, or never trades.
        """
        found = Found(self.parts)
        if symbol is None:
            return min(found.choices(), key=lambda one: one.rank)  # the first of several: the busiest
        chosen = found.of_name(symbol) or found.of_symbol(symbol) or found.of_id(symbol)
        if chosen is not None:
            return chosen
        if found.is_named(symbol):
            raise DataError(f"{symbol} is named in {self._files()} but never trades; {self._held()} do")
        raise DataError(f"{symbol} is not in {self._files()}; it holds {self._held()}")

    def joined(self) -> list[int]:
        """Return the indices of the files that are merged with the next one."""
        return [at for at, (one, other) in enumerate(pairwise(groups_of(self.parts))) if one == other]

    def requested(self) -> list[Choice]:
        """Return the symbols that a live session charted, or that a download requested, if they trade.

        They are in the order of the request; a parent denotes its busiest outright. Empty if the files were
        requested by contract.
        """
        found = Found(self.parts)
        asked = dict.fromkeys(named.requested for part in self.parts for named in part.named if named.requested)
        chosen = [choice for name in asked if (choice := found.of_name(name)) is not None]
        return list(unique(one for one in map(_outrights, chosen) if one is not None))

    def _held(self) -> str:
        return _names([one for one in self.instruments if one.trades])

    def _files(self) -> str:
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0].name}{more}"


def scan(
    paths: Sequence[str | PathLike[str]],
    *,
    on_progress: Callable[[float], None] | None = None,
    cache: PartCache | None = None,
) -> FileSummary:
    """Summarise a set of files; those that are not in the cache are read completely.

    Parameters
    ----------
    paths : files in any order
    on_progress : called from time to time with the share read, 0..1
    cache : cache of file summaries

    Raises
    ------
    DataError
        A file cannot be read, files overlap or are out of order, or none holds a trade.
    """
    known = {path: part for path in map(Path, paths) if (part := cache.get(path))} if cache else {}
    sequence = FileSequence(paths, known=known)
    for index, path in enumerate(sequence.paths):
        if path not in known:
            known[path] = read_part(path, _share(on_progress, index, len(sequence.paths)))
            if cache:
                cache.keep(path, known[path])
    sequence.know(known)
    parts = _told_apart(sequence.paths, [known[path] for path in sequence.paths])
    for part in parts:
        sequence.skip(part)
    sequence.check_trades()
    found = Found(parts).instruments()
    traded = [part for part in parts if part.trades]
    return FileSummary(
        paths=tuple(sequence.paths),
        dataset=sequence.dataset,
        instruments=found,
        trades=sequence.trades,
        first_ts=min(part.first_ts for part in traded),
        last_ts=max(part.last_ts for part in traded),
        messages=(*sequence.messages, *_unnamed(found)),
        damage=tuple(sequence.damage),
        parts=tuple(parts),
    )


def _told_apart(paths: Sequence[Path], parts: list[FilePart]) -> list[FilePart]:
    """Read again the files that reuse an id, whose instruments only definitions distinguish."""
    dates = DefinitionDates()
    for part in parts:
        if part.is_definitions:
            dates.add(part.definitions, part.mappings)
    reused = reused_ids(dates.dated())
    if not reused:
        return parts
    distinguished = []
    for path, part in zip(paths, parts, strict=True):
        is_unclear = any(one.instrument_id in reused and not one.symbol for one in part.traded)
        dates.begin_file()
        distinguished.append(read_part(path, definitions=dates) if is_unclear else part)
    return distinguished


def _share(on_progress: Callable[[float], None] | None, index: int, of: int) -> Callable[[float], None] | None:
    """Convert a progress callback for all files to one for a single file."""
    return None if on_progress is None else lambda share: on_progress((index + share) / of)


def _outrights(choice: Choice) -> Choice | None:
    """Return a choice without its spreads; None if nothing is left."""
    kept = tuple(one for one in choice.instruments if one.is_outright)
    return replace(choice, instruments=kept) if kept else None


def _unnamed(found: Sequence[InstrumentSummary]) -> list[str]:
    """Report trades of unnamed instruments among named ones, which may be damaged ids."""
    traded = [one for one in found if one.trades]
    unnamed = [one for one in traded if not one.symbol and not one.names]
    if not unnamed or len(unnamed) == len(traded):
        return []
    count = sum(one.trades for one in unnamed)
    return [f"trades of instruments that no file names: {count:,} (ids {_names(unnamed)})"]


def _names(instruments: Sequence[InstrumentSummary]) -> str:
    """List the names of instruments, each once, with ids if several share a name."""
    ids: dict[str, list[str]] = {}
    for one in instruments:
        ids.setdefault(one.name, []).append(str(one.instrument_id))
    named = [f"{name} (ids {', '.join(of_it)})" if len(of_it) > 1 else name for name, of_it in ids.items()]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{', '.join(named[:_NAMED])}{more}" or "nothing"
