"""Summary of one file: its instruments, their trades and volume, time range and damage. Computed once and cached."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Mapping, Trades
from flow_gl.core.market.names import NameBook
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.feed.files.definition_dates import DefinitionDates
from flow_gl.feed.files.file_order import event_times, order_range
from flow_gl.feed.files.trade_file import TradeFile

_TRADE_ACTION: Final = ord("T")


@dataclass(frozen=True, slots=True)
class Named:
    """An instrument's name and definition in a file, the last of each kind."""

    instrument_id: int
    symbol: str
    """Raw; "" where unknown."""
    requested: str = ""
    definition: Definition | None = None


@dataclass(frozen=True, slots=True)
class Traded:
    """An instrument's trades in a part of a file in which its names do not change."""

    instrument_id: int
    symbol: str
    """Raw symbol; "" if unknown."""
    requested: tuple[str, ...]
    """Requested symbols that mean it there."""
    trades: int
    volume: int
    """Contracts of trades with a price and a size."""
    first_ts: int
    """`ts_event` of the first and of the last in the file, ns."""
    last_ts: int


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file. Times in ns, 0 where it has no trade."""

    is_definitions: bool
    dataset: str
    held: str
    """Description of its contents if it holds no trades."""
    damage: str
    notes: tuple[str, ...]
    trades: int
    begins: int
    """Beginning and end of its time range, by which files are ordered (`file_order`)."""
    ends: int
    first_ts: int
    """Earliest and latest `ts_event`."""
    last_ts: int
    newest_ts: int
    """`ts_event` of the last trade in the file."""
    named: tuple[Named, ...]
    """In the order in which they are named."""
    traded: tuple[Traded, ...]
    """Of one instrument in the order of time."""
    definitions: tuple[Definition, ...] = ()
    """All that a file of definitions holds, as read; () for a file of trades."""
    mappings: tuple[Mapping, ...] = ()
    """The names in its header."""
    period: tuple[int, int] | None = None
    """Beginning and end of the time range that it was requested for; None if it does not say."""


class PartCache(Protocol):
    """A cache of file summaries between runs."""

    def get(self, path: Path) -> FilePart | None:
        """Return the summary of a file's present content; None if it is not cached."""

    def keep(self, path: Path, part: FilePart) -> None:
        """Store a file's summary."""


def read_part(
    path: Path, on_progress: Callable[[float], None] | None = None, *, definitions: DefinitionDates | None = None
) -> FilePart:
    """Read a complete file and summarise it.

    Parameters
    ----------
    path : file of trades or definitions
    on_progress : called from time to time with the share read, 0..1
    definitions : those of other files, which distinguish instruments that share an id

    Raises
    ------
    DataError
        The file cannot be opened or recognised, or is damaged before its first trade.
    """
    tally = _Tally()
    named: dict[tuple[int, str, str], Named] = {}
    defined: list[Definition] = []
    first_ts = last_ts = begins = ends = 0
    file = TradeFile(path)
    try:
        items = file.items()
        for item in items if definitions is None else chain.from_iterable(map(definitions.among, items)):
            if isinstance(item, Trades):
                tally.add(item.rows)
                ts_event, (begin, end) = event_times(item.rows), order_range(item.rows)
                begins = begins or begin
                ends = max(ends, end)
                first_ts = min(first_ts or int(ts_event.min()), int(ts_event.min()))
                last_ts = max(last_ts, int(ts_event.max()))
                if on_progress:
                    on_progress(file.progress)
            elif isinstance(item, Mapping):
                tally.name(item)
                _add_name(named, item)
            elif isinstance(item, Definition):
                tally.name(Mapping(item.instrument_id, item.symbol))
                named[item.instrument_id, item.symbol, " "] = Named(item.instrument_id, item.symbol, "", item)
                if file.is_definitions:
                    defined.append(item)
        for mapping in file.mappings:  # including those dated after the last trade
            _add_name(named, mapping)
        return FilePart(
            is_definitions=file.is_definitions,
            dataset=file.dataset,
            held=file.describe(),
            damage=file.damage,
            notes=tuple(file.notes()),
            trades=file.trades,
            begins=begins,
            ends=ends,
            first_ts=first_ts,
            last_ts=last_ts,
            newest_ts=file.last_ts,
            named=tuple(named.values()),
            traded=tally.rows(),
            definitions=tuple(defined),
            mappings=file.mappings,
            period=file.requested,
        )
    finally:
        file.close()


def _add_name(named: dict[tuple[int, str, str], Named], mapping: Mapping) -> None:
    if not mapping.is_end:
        key = mapping.instrument_id, mapping.symbol, mapping.requested
        named.setdefault(key, Named(*key))


class _Tally:
    """Counts per instrument; the arrays are ordered as `ids`, ascending."""

    def __init__(self) -> None:
        self._book = NameBook()
        self._rows: list[Traded] = []
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
        ts_event, count = event_times(rows), len(self.ids)
        trades = np.bincount(index, minlength=count)
        is_new = (self.trades == 0) & (trades > 0)
        earliest = np.zeros(count, np.int64)
        earliest[index[::-1]] = ts_event[::-1]  # the last assignment, which is the first trade, wins
        self.first_ts[is_new] = earliest[is_new]
        self.last_ts[index] = ts_event
        self.trades += trades
        is_charted = (rows["price"] != UNDEF_PRICE) & (rows["action"] == _TRADE_ACTION) & (rows["ts_event"] > 0)
        size = np.where(is_charted, rows["size"], 0)
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

    def name(self, mapping: Mapping) -> None:
        """Apply a change of names: trades counted so far keep the previous ones."""
        for instrument_id in self._book.touches(mapping):
            self._finish(np.flatnonzero(self.ids == instrument_id))
        self._book.take(mapping)

    def rows(self) -> tuple[Traded, ...]:
        """Return all counts."""
        self._finish(np.arange(len(self.ids)))
        return tuple(self._rows)

    def _finish(self, places: NDArray[np.intp]) -> None:
        for at in places.tolist():
            if not self.trades[at]:
                continue
            instrument_id = int(self.ids[at])
            names = self._book.symbol(instrument_id), self._book.requested(instrument_id)
            counts = (int(column[at]) for column in (self.trades, self.volume, self.first_ts, self.last_ts))
            self._rows.append(Traded(instrument_id, *names, *counts))
        for column in (self.trades, self.volume, self.first_ts, self.last_ts):
            column[places] = 0
