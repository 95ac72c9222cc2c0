"""What one file holds: instruments, how much of each, from when to when, and what is damaged. Read once, then known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.feed.base import Definition, Mapping, Trades
from flow_gl.feed.file_order import event_times, order_keys
from flow_gl.feed.trade_file import TradeFile

_TRADE_ACTION: Final = ord("T")


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's notices say of an instrument, the last of each kind."""

    instrument_id: int
    symbol: str
    requested: str | None = None
    """None where no mapping names it."""
    definition: Definition | None = None


@dataclass(frozen=True, slots=True)
class Traded:
    """An instrument's trades in a file."""

    instrument_id: int
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
    """What it holds where that is no trades."""
    damage: str
    notes: tuple[str, ...]
    trades: int
    begins: int
    """What orders it among others: its beginning and its end (`file_order`)."""
    ends: int
    first_ts: int
    """Earliest and latest `ts_event`."""
    last_ts: int
    newest_ts: int
    """`ts_event` of the last trade in the file."""
    named: tuple[Named, ...]
    traded: tuple[Traded, ...]


class PartCache(Protocol):
    """Where parts are kept from one run to the next."""

    def get(self, path: Path) -> FilePart | None:
        """What is known of a file as it is now."""

    def keep(self, path: Path, part: FilePart) -> None:
        """Keep what was read of a file."""


def read_part(path: Path, on_progress: Callable[[float], None] | None = None) -> FilePart:
    """Read a file through.

    Parameters
    ----------
    path : of a file of trades or definitions
    on_progress : called now and then with the share that was read, 0..1

    Raises
    ------
    DataError
        It is wrong from its start, or damaged before its first trade.
    """
    tally = _Tally()
    named: dict[int, Named] = {}
    first_ts = last_ts = begins = ends = 0
    file = TradeFile(path)
    try:
        for item in file.items():
            if isinstance(item, Trades):
                tally.add(item.rows)
                ts_event, keys = event_times(item.rows), order_keys(item.rows)
                begins = begins or int(keys.min())
                ends = max(ends, int(keys.max()))
                first_ts = min(first_ts or int(ts_event.min()), int(ts_event.min()))
                last_ts = max(last_ts, int(ts_event.max()))
                if on_progress:
                    on_progress(file.progress)
            elif isinstance(item, Mapping | Definition):
                known = named.setdefault(item.instrument_id, Named(item.instrument_id, item.symbol))
                if isinstance(item, Mapping):
                    named[item.instrument_id] = replace(known, symbol=item.symbol, requested=item.requested)
                else:
                    named[item.instrument_id] = replace(known, symbol=item.symbol, definition=item)
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
        )
    finally:
        file.close()


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
        ts_event, count = event_times(rows), len(self.ids)
        trades = np.bincount(index, minlength=count)
        is_new = (self.trades == 0) & (trades > 0)
        earliest = np.zeros(count, np.int64)
        earliest[index[::-1]] = ts_event[::-1]  # the last write, so the first trade, stays
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

    def rows(self) -> tuple[Traded, ...]:
        columns = (self.ids, self.trades, self.volume, self.first_ts, self.last_ts)
        return tuple(Traded(*row) for row in zip(*(column.tolist() for column in columns), strict=True))
