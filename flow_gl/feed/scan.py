"""What files hold, all of them together: which instruments, how much of each, and what is damaged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from flow_gl.core.errors import DataError
from flow_gl.core.instrument import is_outright_symbol
from flow_gl.feed.base import Definition
from flow_gl.feed.file_part import FilePart, PartCache, read_part
from flow_gl.feed.file_sequence import FileSequence

_NAMED: int = 12
"""Most instruments that a message names."""


@dataclass(frozen=True, slots=True)
class InstrumentSummary:
    """One instrument of some files."""

    instrument_id: int
    symbol: str = ""
    """"" where no file names it."""
    requested: str = ""
    trades: int = 0
    volume: int = 0
    """Contracts of trades with a price and a size."""
    first_ts: int = 0
    """`ts_event` of its first trade, ns; 0 where it has none."""
    last_ts: int = 0
    definition: Definition | None = None

    @property
    def name(self) -> str:
        return self.symbol or str(self.instrument_id)

    @property
    def is_outright(self) -> bool:
        """Told by the definition, else by the symbol; an unnamed instrument passes."""
        if self.definition:
            return self.definition.is_outright
        return is_outright_symbol(self.symbol) or not self.symbol


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

    def choose(self, symbol: str | None = None) -> InstrumentSummary:
        """Find the instrument to chart: the one named (contract, or symbol as requested), else the busiest outright.

        Raises
        ------
        DataError
            It is not in the files, never trades, or there is no outright to choose.
        """
        traded = [one for one in self.instruments if one.trades]
        if symbol is None:
            chosen = next((one for one in traded if one.is_outright and one.symbol), None)
            chosen = chosen or next((one for one in traded if one.is_outright), None)
            if chosen is None:
                raise DataError(
                    f"no outright trades in {self._files()}, only {_names(traded)}: choose one by its symbol"
                )
            return chosen
        wanted = symbol.upper()
        for one in self.instruments:
            if wanted in (one.symbol.upper(), one.requested.upper(), str(one.instrument_id)):
                if not one.trades:
                    raise DataError(f"{symbol} is named in {self._files()} but never trades; {_names(traded)} do")
                return one
        raise DataError(f"{symbol} is not in {self._files()}; it holds {_names(traded)}")

    def requested(self) -> list[InstrumentSummary]:
        """What a live session had on its charts, or a download was asked for: of each requested symbol, in the order of
        asking, the outright that it stood for. In one file that is the one named last, in several the busiest; of a
        parent it is always the busiest. Empty where nobody asked by another name than the contract's.
        """
        at = {one.instrument_id: one for one in self.instruments if one.trades and one.is_outright}
        chosen: dict[str, InstrumentSummary] = {}
        for part in self.parts:
            for named in part.named:
                one, symbol = at.get(named.instrument_id), named.requested
                if one is None or not symbol or symbol != one.requested:
                    continue
                other = chosen.get(symbol)
                is_last = len(self.parts) == 1 and not symbol.endswith(".FUT")
                if other is None or is_last or one.volume > other.volume:
                    chosen[symbol] = one
        return list(chosen.values())

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
        sequence.skip(part)
        parts.append(part)
    sequence.check_trades()
    found = _merged(parts)
    traded = [part for part in parts if part.trades]
    return FileSummary(
        paths=tuple(sequence.paths),
        dataset=sequence.dataset,
        instruments=tuple(sorted(found.values(), key=lambda one: (-one.volume, -one.trades, one.name))),
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


def _merged(parts: Sequence[FilePart]) -> dict[int, InstrumentSummary]:
    found: dict[int, InstrumentSummary] = {}
    for part in parts:
        for named in part.named:
            known = found.get(named.instrument_id, InstrumentSummary(named.instrument_id))
            found[named.instrument_id] = replace(
                known,
                symbol=named.symbol,
                requested=known.requested if named.requested is None else named.requested,
                definition=named.definition or known.definition,
            )
    for part in parts:
        for traded in part.traded:
            known = found.get(traded.instrument_id, InstrumentSummary(traded.instrument_id))
            found[traded.instrument_id] = replace(
                known,
                trades=known.trades + traded.trades,
                volume=known.volume + traded.volume,
                first_ts=known.first_ts if known.trades else traded.first_ts,
                last_ts=traded.last_ts,
            )
    return found


def _unnamed(found: dict[int, InstrumentSummary]) -> list[str]:
    """Tell of trades without a name among named ones: a damaged id looks like that."""
    traded = [one for one in found.values() if one.trades]
    unnamed = [one for one in traded if not one.symbol]
    if not unnamed or len(unnamed) == len(traded):
        return []
    count = sum(one.trades for one in unnamed)
    return [f"trades of instruments that no file names: {count:,} (ids {_names(unnamed)})"]


def _names(instruments: list[InstrumentSummary]) -> str:
    names = ", ".join(one.name for one in instruments[:_NAMED])
    more = f" and {len(instruments) - _NAMED} more" if len(instruments) > _NAMED else ""
    return f"{names}{more}" or "nothing"
