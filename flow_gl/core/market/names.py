"""Resolve names through a stream's mappings: which instrument a requested name denotes at each point.

A continuous symbol, or a raw symbol whose id changes, denotes different instruments over time; an id denotes itself.
The same rule applies to replay, live and export.
"""

from typing import Final

from flow_gl.core.items import Mapping
from flow_gl.core.market.instrument import is_continuous_symbol, is_parent_symbol, is_raw_symbol

_JOINED: Final = frozenset("-: ")
"""Characters in the raw symbols of spreads and options, which a continuous symbol never denotes."""


class Name:
    """One name and the instrument that it denotes now.

    Parameters
    ----------
    name : a symbol of any kind, or an id; in upper or lower case
    only_id : accept only instruments of this id; 0 accepts any

    Attributes
    ----------
    instrument_id : the instrument; 0 if unknown or none
    is_known : whether a mapping has assigned the name to an instrument
    is_raw : the name is a raw symbol or an id
    """

    def __init__(self, name: str, *, only_id: int = 0) -> None:
        self.name = name
        self._wanted = name.upper()
        self._only_id = only_id
        self.instrument_id = int(name) if name.isdecimal() else 0
        self.is_known = bool(self.instrument_id)
        self.is_raw = is_raw_symbol(name)

    def take(self, mapping: Mapping) -> bool:
        """Process a mapping; return True if it assigns the name from now on, even to the same instrument."""
        instrument_id, symbol = mapping.instrument_id, mapping.symbol.upper()
        if self._wanted == str(instrument_id):
            return True
        if self._only_id and instrument_id != self._only_id:
            return False
        is_ours = self._wanted in (symbol, _requested(mapping).upper())
        # A name ends, regardless of what it denotes; a raw symbol also ends when its id gets another raw symbol.
        is_over = mapping.is_end if is_ours else self.is_raw and symbol != "" and instrument_id == self.instrument_id
        if is_over and self.instrument_id:
            self.instrument_id = 0
            return True
        if not is_ours or mapping.is_end:
            return False
        self.instrument_id = instrument_id
        self.is_known = True
        return True


class NameBook:
    """The current names of all instruments, from mappings: raw symbols and requested symbols."""

    def __init__(self) -> None:
        self._symbols: dict[int, str] = {}
        self._requested: dict[int, tuple[str, ...]] = {}
        self._means: dict[str, int] = {}

    def symbol(self, instrument_id: int) -> str:
        """Return the raw symbol; "" if unknown."""
        return self._symbols.get(instrument_id, "")

    def requested(self, instrument_id: int) -> tuple[str, ...]:
        """Return the requested symbols that denote an instrument, in the order in which they were mapped to it."""
        return self._requested.get(instrument_id, ())

    def touches(self, mapping: Mapping) -> list[int]:
        """Return the ids of the instruments whose names a mapping changes."""
        changed = []
        if mapping.symbol and mapping.symbol != self.symbol(mapping.instrument_id) and not mapping.is_end:
            changed.append(mapping.instrument_id)
        name = _requested(mapping)
        if name:
            before = self._means.get(name, 0)
            if mapping.is_end:
                changed += [before] * bool(before)
            elif name not in self.requested(mapping.instrument_id):
                changed += [mapping.instrument_id]
                changed += [before] * bool(before)
        return changed

    def take(self, mapping: Mapping) -> None:
        """Process a mapping."""
        instrument_id, name = mapping.instrument_id, _requested(mapping)
        if mapping.symbol and not mapping.is_end:
            self._symbols[instrument_id] = mapping.symbol
        if not name:
            return
        if not is_parent_symbol(name):  # a parent denotes many at once
            before = self._means.get(name, 0)
            if before and (before != instrument_id or mapping.is_end):
                self._requested[before] = tuple(one for one in self.requested(before) if one != name)
            if mapping.is_end:
                self._means[name] = 0
                return
            self._means[name] = instrument_id
        if name not in self.requested(instrument_id):
            self._requested[instrument_id] = (*self.requested(instrument_id), name)


def _requested(mapping: Mapping) -> str:
    """Return the requested symbol; "" if a continuous symbol is mapped to a spread, because it denotes outrights."""
    name = mapping.requested
    return "" if is_continuous_symbol(name) and _JOINED & set(mapping.symbol) else name
