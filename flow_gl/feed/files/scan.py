"""What files hold, all of them together: which instruments, how much of each, and what is damaged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from flow_gl.core.errors import DataError
from flow_gl.feed.files.choices import Choice, Found, InstrumentSummary, unique
from flow_gl.feed.files.file_part import FilePart, PartCache, read_part
from flow_gl.feed.files.file_sequence import FileSequence

_NAMED: int = 12
"""Most instruments that a message names."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What files hold, all of them together."""

    paths: tuple[Path, ...]
    """In reading order."""
    dataset: str
    instruments: tuple[InstrumentSummary, ...]
    """Most volume first; named ones that never traded last."""
    trades: int
    first_ts: int
    """Earliest and latest `ts_event`, ns."""
    last_ts: int
    messages: tuple[str, ...]
    """A line for each damage and each thing left out."""
    damage: tuple[str, ...] = ()
    """Of those, the damages."""
    parts: tuple[FilePart, ...] = ()
    """Each file by itself, in the order of `paths`."""

    def choose(self, symbol: str | None = None) -> Choice:
        """Find what to chart: what a name means (a contract, a symbol as requested, an id), else the busiest.

        Without a name outrights come first, then what is neither outright nor spread (a share), then spreads.

        Raises
        ------
        DataError
            It is not in the files, or never trades.
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

    def requested(self) -> list[Choice]:
        """What a live session had on its charts, or a download was asked for: the requested symbols that trade, in the
        order of asking; of a parent the busiest outright. Empty where nobody asked by another name than the contract's.
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
    """Sum up what files hold; those that are not known from before are read through.

    Parameters
    ----------
    paths : in order of time
    on_progress : called now and then with the share that was read, 0..1
    cache : where what was read is kept

    Raises
    ------
    DataError
        A file is wrong from its start, files overlap or are out of order, or none holds a trade.
    """
    known = {path: part for path in map(Path, paths) if (part := cache.get(path))} if cache else {}
    sequence = FileSequence(paths, known=known)
    parts: list[FilePart] = []
    for index, path in enumerate(sequence.paths):
        part = known.get(path)
        if part is None:
            part = read_part(path, _share(on_progress, index, len(sequence.paths)))
            if cache:
                cache.keep(path, part)
        parts.append(part)
    sequence.know(parts)
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


def _share(on_progress: Callable[[float], None] | None, index: int, of: int) -> Callable[[float], None] | None:
    """A part's share of its file as a share of all files."""
    return None if on_progress is None else lambda share: on_progress((index + share) / of)


def _outrights(choice: Choice) -> Choice | None:
    """A choice without the spreads in it; None where nothing is left."""
    kept = tuple(one for one in choice.instruments if one.is_outright)
    return replace(choice, instruments=kept) if kept else None


def _unnamed(found: Sequence[InstrumentSummary]) -> list[str]:
    """Tell of trades without a name among named ones: a damaged id looks like that."""
    traded = [one for one in found if one.trades]
    unnamed = [one for one in traded if not one.symbol and not one.names]
    if not unnamed or len(unnamed) == len(traded):
        return []
    count = sum(one.trades for one in unnamed)
    return [f"trades of instruments that no file names: {count:,} (ids {_names(unnamed)})"]


def _names(instruments: Sequence[InstrumentSummary]) -> str:
    """Name instruments, each name once, with the ids where several share it."""
    ids: dict[str, list[str]] = {}
    for one in instruments:
        ids.setdefault(one.name, []).append(str(one.instrument_id))
    named = [f"{name} (ids {', '.join(of_it)})" if len(of_it) > 1 else name for name, of_it in ids.items()]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{', '.join(named[:_NAMED])}{more}" or "nothing"
