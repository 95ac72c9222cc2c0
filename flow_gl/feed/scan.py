"""Read files once to learn what they hold: which instruments, how much of each, and what is damaged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.instrument import is_outright_symbol
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.feed.base import Definition, FeedGap, Mapping, Trades
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

    def _files(self) -> str:
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0].name}{more}"


def scan(paths: Sequence[str | PathLike[str]], *, on_progress: Callable[[float], None] | None = None) -> FileSummary:
    """Read files through and sum up what they hold.

    Parameters
    ----------
    paths : in order of time
    on_progress : called now and then with the share that was read, 0..1

    Raises
    ------
    DataError
        A file is wrong from its start, files overlap or are out of order, or none holds a trade.
    """
    sequence = FileSequence(paths)
    tally = _Tally()
    found: dict[int, InstrumentSummary] = {}
    first_ts = last_ts = 0
    for item in sequence:
        if isinstance(item, Trades):
            tally.add(item.rows)
            ts_event = item.rows["ts_event"]
            first_ts = min(first_ts or int(ts_event.min()), int(ts_event.min()))
            last_ts = max(last_ts, int(ts_event.max()))
            if on_progress:
                on_progress(sequence.progress)
        elif isinstance(item, FeedGap):
            continue
        else:
            known = found.setdefault(item.instrument_id, InstrumentSummary(item.instrument_id))
            if isinstance(item, Mapping):
                found[item.instrument_id] = replace(known, symbol=item.symbol, requested=item.requested)
            else:
                found[item.instrument_id] = replace(known, symbol=item.symbol, definition=item)
    for index, instrument_id in enumerate(tally.ids.tolist()):
        found[instrument_id] = replace(
            found.get(instrument_id, InstrumentSummary(instrument_id)),
            trades=int(tally.trades[index]),
            volume=int(tally.volume[index]),
            first_ts=int(tally.first_ts[index]),
            last_ts=int(tally.last_ts[index]),
        )
    return FileSummary(
        paths=tuple(sequence.paths),
        dataset=sequence.dataset,
        instruments=tuple(sorted(found.values(), key=lambda one: (-one.volume, -one.trades, one.name))),
        trades=sequence.trades,
        first_ts=first_ts,
        last_ts=last_ts,
        messages=(*sequence.messages, *_unnamed(found)),
        damage=tuple(sequence.damage),
    )


class _Tally:
    """Counts per instrument; arrays in the order of `ids`, ascending."""

    def __init__(self) -> None:
        self.ids = np.empty(0, np.uint32)
        self.trades = np.empty(0, np.int64)
        self.volume = np.empty(0, np.int64)
        self.first_ts = np.empty(0, np.int64)
        self.last_ts = np.empty(0, np.int64)

    def add(self, rows: NDArray[np.void]) -> None:
        ids = np.ascontiguousarray(rows["instrument_id"])
        index = self._index(ids)
        if index is None:
            self._grow(np.union1d(self.ids, ids))
            index = np.searchsorted(self.ids, ids)
        ts_event, count = rows["ts_event"], len(self.ids)
        trades = np.bincount(index, minlength=count)
        is_new = (self.trades == 0) & (trades > 0)
        earliest = np.zeros(count, np.int64)
        earliest[index[::-1]] = ts_event[::-1]  # the last write, so the first trade, stays
        self.first_ts[is_new] = earliest[is_new]
        self.last_ts[index] = ts_event
        self.trades += trades
        size = np.where(rows["price"] != UNDEF_PRICE, rows["size"], 0)
        # Weights are summed as float64: exact, a batch's volume is far below 2**53.
        self.volume += np.bincount(index, weights=size, minlength=count).astype(np.int64)

    def _index(self, ids: NDArray[np.uint32]) -> NDArray[np.intp] | None:
        if not len(self.ids):
            return None
        index = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return index if (self.ids[index] == ids).all() else None

    def _grow(self, ids: NDArray[np.uint32]) -> None:
        kept = np.searchsorted(ids, self.ids)
        self.ids = ids
        for name in ("trades", "volume", "first_ts", "last_ts"):
            grown = np.zeros(len(ids), np.int64)
            grown[kept] = getattr(self, name)
            setattr(self, name, grown)


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
