"""The instruments of files to read, if only one was requested.

A contract or a continuous symbol may denote several ids, one after the other. Every id is read that any name or
definition gives that symbol; any other meaning of an id is left out of the result. Ids that are named in the files'
headers are known beforehand. An id that is named later, within a file, may have traded before: the range is then read
again from its beginning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Item, Mapping
from flow_gl.feed.files.trade_file import TradeFile


@dataclass(frozen=True, slots=True)
class InstrumentFilter:
    """The instruments to read."""

    symbol: str
    """A contract, an id, or a symbol that was requested."""
    ids: frozenset[int]

    @classmethod
    def of(cls, symbol: str, paths: Sequence[Path]) -> Self:
        """Look for a symbol in the headers of files. Raises DataError for one that cannot be read."""
        ids = {int(symbol)} if symbol.isdecimal() else set[int]()
        for path in paths:
            file = TradeFile(path)
            file.close()
            ids |= _named(symbol, file.mappings)
        return cls(symbol, frozenset(ids))

    @property
    def is_named(self) -> bool:
        """Whether a header names the symbol. An id alone is no name."""
        return bool(self.ids) and not self.symbol.isdecimal()

    def with_named(self, item: Item) -> Self:
        """Return the same with the instrument that an item names, if it has the symbol."""
        named = _named(self.symbol, (item,)) - self.ids
        return replace(self, ids=self.ids | named) if named else self

    def select(self, trades: NDArray[np.void]) -> NDArray[np.void]:
        """Return the wanted trades (dtype TRADE)."""
        ids = trades["instrument_id"]
        is_wanted = np.zeros(len(trades), np.bool_)
        for one in self.ids:  # a few: faster than to sort
            is_wanted |= ids == one
        return trades if is_wanted.all() else trades[is_wanted]


def _named(symbol: str, items: Iterable[Item]) -> set[int]:
    symbol = symbol.upper()
    return {
        item.instrument_id
        for item in items
        if (isinstance(item, Mapping) and symbol in (item.symbol.upper(), item.requested.upper()) and symbol)
        or (isinstance(item, Definition) and item.symbol.upper() == symbol)
    }
