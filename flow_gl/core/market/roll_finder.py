"""Find the rolls in a stream, at which a name continues with another instrument, for the export's table."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Item, Mapping, Trades, mapping_in
from flow_gl.core.market.instrument import is_parent_symbol
from flow_gl.core.market.names import Name, NameBook


@dataclass(frozen=True, slots=True)
class Rolled:
    """A roll: a name continued with another instrument."""

    name: str
    """The requested symbol, for example NQ.v.0."""
    ts_event: int
    """First trade of the new instrument, ns."""
    from_id: int
    from_symbol: str
    """Raw symbol; "" if unknown."""
    to_id: int
    to_symbol: str


@dataclass(slots=True)
class _NameHistory:
    name: Name
    traded: int = 0
    """Id of the instrument that traded last under this name; 0 for none."""
    traded_symbol: str = ""


class RollFinder:
    """Finds the rolls of all names except parents, which denote many instruments at once.

    Parameters
    ----------
    only : follow only this name, in upper or lower case; "" follows all

    Attributes
    ----------
    rolls : the rolls found, in order of time
    """

    def __init__(self, only: str = "") -> None:
        self.rolls: Final[list[Rolled]] = []
        self._only: Final = only.upper()
        self._book: Final = NameBook()
        self._names: Final[dict[str, _NameHistory]] = {}

    def take(self, item: Item) -> None:
        """Process an item, in stream order."""
        if isinstance(item, Trades):
            self._find_rolls(item.rows)
        elif (mapping := mapping_in(item)) is not None:
            self._name(mapping)

    def _name(self, mapping: Mapping) -> None:
        self._book.take(mapping)
        for text in (mapping.requested, mapping.symbol):
            is_wanted = not self._only or text.upper() == self._only
            if text and is_wanted and text not in self._names and not is_parent_symbol(text):
                self._names[text] = _NameHistory(Name(text))
        for history in self._names.values():
            history.name.take(mapping)

    def _find_rolls(self, trades: NDArray[np.void]) -> None:
        for history in self._names.values():
            new_id = history.name.instrument_id
            symbol = self._book.symbol(new_id)
            if not new_id or (new_id, symbol) == (history.traded, history.traded_symbol):
                continue
            its = trades["ts_event"][trades["instrument_id"] == new_id]
            if not len(its):
                continue
            is_named = history.traded == new_id and not history.traded_symbol
            if history.traded and not is_named:
                self.rolls.append(
                    Rolled(history.name.name, int(its[0]), history.traded, history.traded_symbol, new_id, symbol)
                )
            history.traded, history.traded_symbol = new_id, symbol
