"""Date the instrument definitions of separate files, and put them among the trades.

An id may be reused, so a definition says what an id means only from a date on: from the day on which the header of its
file maps the id to its symbol; otherwise from its `ts_event`, or from the previous contract's expiration if that is
earlier. The first definition of an id holds from the start, and where the trades' own file names an id, that name
decides.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Item, Mapping, Trades
from flow_gl.dbn.dated import Dated


def dated(definitions: Iterable[Definition], mappings: Iterable[Mapping]) -> list[Definition]:
    """Return definitions with the time from which each is valid as its `ts_event`, in order of time.

    Parameters
    ----------
    definitions : of any instruments, as read; repetitions are dropped
    mappings : the names in the headers of their files
    """
    begins: dict[tuple[int, str], int] = {}
    for mapping in mappings:
        if mapping.symbol and not mapping.is_end:
            key = mapping.instrument_id, mapping.symbol
            begins[key] = min(mapping.ts_event, begins.get(key, mapping.ts_event))
    latest: dict[int, Definition] = {}
    found: list[Definition] = []
    for one in sorted(definitions, key=lambda it: begins.get((it.instrument_id, it.symbol), it.ts_event)):
        before = latest.get(one.instrument_id)
        if before == one:
            continue
        since = 0
        if before is not None:
            since = one.ts_event
            if before.symbol != one.symbol:
                expired = min(one.ts_event, before.expiration or one.ts_event)
                since = begins.get((one.instrument_id, one.symbol), expired)
            since = max(since, before.ts_event)
        latest[one.instrument_id] = replace(one, ts_event=since)
        found.append(latest[one.instrument_id])
    return sorted(found, key=lambda one: one.ts_event)


def reused_ids(definitions: Iterable[Definition]) -> set[int]:
    """Return the ids to which definitions give several symbols."""
    symbols: dict[int, str] = {}
    return {one.instrument_id for one in definitions if symbols.setdefault(one.instrument_id, one.symbol) != one.symbol}


def defined_at(definitions: Iterable[Definition], ts: int) -> Definition | None:
    """Return the definition valid at `ts` (ns), from dated definitions of one instrument; None if there is none.

    Before the first one, the first applies.
    """
    ours = list(definitions)
    at = bisect_right(ours, ts, key=lambda one: one.ts_event)
    return ours[max(at - 1, 0)] if ours else None


class DefinitionDates:
    """Puts definitions among the items of files of trades."""

    def __init__(self) -> None:
        self._definitions: Final[list[Definition]] = []
        self._mappings: Final[list[Mapping]] = []
        self._of_symbol: dict[tuple[int, str], list[Definition]] = {}
        self._names: dict[int, str] = {}
        self._waiting: Dated | None = None
        self._has_begun = False

    def add(self, definitions: Iterable[Definition], mappings: Iterable[Mapping]) -> None:
        """Add the contents of a file of definitions, before the first trade."""
        self._definitions.extend(definitions)
        self._mappings.extend(mappings)

    def dated(self) -> list[Definition]:
        """Return all definitions, dated."""
        return dated(self._definitions, self._mappings)

    def begin_file(self) -> None:
        """Begin a file: the names of the previous one no longer hold."""
        self._names.clear()

    def among(self, item: Item) -> Iterator[Item]:
        """Yield an item of a file of trades, with the definitions that hold from there on."""
        if not self._definitions:
            yield item
            return
        if self._waiting is None:
            ordered = self.dated()
            self._waiting = Dated(ordered)
            for one in ordered:
                self._of_symbol.setdefault((one.instrument_id, one.symbol), []).append(one)
        match item:
            case Trades():
                yield from self._place(item, self._waiting)
            case Mapping(symbol=symbol) if symbol and not item.is_end:
                yield item
                self._names[item.instrument_id] = symbol
                held = defined_at(self._of_symbol.get((item.instrument_id, symbol), ()), item.ts_event)
                if held is not None:
                    yield held
            case _:
                yield item

    def _place(self, trades: Trades, waiting: Dated) -> Iterator[Item]:
        first: NDArray[np.void] = trades.rows[:1]
        due = () if self._has_begun else waiting.in_force(first)
        self._has_begun = True
        for items in (due, waiting.place(trades)):
            for item in items:
                if not isinstance(item, Definition) or self._names.get(item.instrument_id, item.symbol) == item.symbol:
                    yield item
