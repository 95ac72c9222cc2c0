"""Select the instruments that an export writes: all, or those that a name denotes, by the same rule as a chart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.items import Item, Trades, mapping_in
from flow_gl.core.market import rejections
from flow_gl.core.market.instrument import is_parent_symbol
from flow_gl.core.market.names import Name
from flow_gl.core.units import format_time
from flow_gl.engine.sinks import Collector
from flow_gl.engine.summary import Summary

Result = tuple[Summary, Collector]


class ExportSelection:
    """Selects the instruments of a stream to export.

    Parameters
    ----------
    symbol : a contract, a requested symbol, or an id; None selects every instrument that trades
    """

    def __init__(self, symbol: str | None) -> None:
        self._symbol: Final = symbol or ""
        # A parent denotes many instruments; `choose` selects one at the end.
        self._name: Final = Name(symbol) if symbol and not is_parent_symbol(symbol.upper()) else None
        self._meant: Final[set[int]] = set()
        self._seen: Final[set[int]] = set()
        self._spelled = ""

    def take(self, item: Item) -> Item:
        """Process an item, in stream order. Returns it, without the trades that the name does not cover."""
        if isinstance(item, Trades):
            return Trades(self._covered(item.rows))
        mapping = mapping_in(item)
        if mapping is not None and self._name is not None and self._name.take(mapping):
            if mapping.requested.upper() == self._symbol.upper():
                self._spelled = mapping.requested
            self._meant.add(self._name.instrument_id)
        return item

    def _covered(self, trades: NDArray[np.void]) -> NDArray[np.void]:
        """Return the trades (TRADE) that the name covers.

        Until a mapping assigns it, a contract's own symbol covers all trades and a continuous symbol none.
        """
        if self._name is None or (self._name.is_raw and not self._name.is_known):
            return trades
        ids = trades["instrument_id"]
        self._seen.update(np.unique(ids).tolist())
        is_meant = ids == self._name.instrument_id
        return trades if is_meant.all() else trades[is_meant]

    def choose(self, results: Sequence[Result]) -> list[Result]:
        """Choose the results to write.

        Without a symbol, the results are in descending order of volume, then by id. The instruments of one name are in
        order of their last trade.

        Raises
        ------
        DataError
            Nothing traded, or the symbol is unknown or never traded.
        """
        ranked = sorted(results, key=lambda one: (-one[0].volume, one[0].instrument_id, one[0].last_ts))
        traded = [result for result in ranked if result[0].trades]
        if not self._symbol:
            if not traded:
                raise DataError(f"there is no trade to export{_why(results)}")
            return traded
        ours = [result for result in ranked if self._is_wanted(result[0])]
        found = [result for result in ours if result[0].trades]
        if found and (self._symbol.isdecimal() or self._name is None):
            return found[:1]  # an id that was reused, or a parent: the busiest
        if found:
            found = [(replace(one, requested=self._spelled or one.requested), sink) for one, sink in found]
            return sorted(found, key=lambda result: result[0].last_ts)
        held = self._held(results)
        if ours or self._symbol.upper() in (one.name.upper() for one, _ in results):
            raise DataError(f"{self._symbol} never trades here{_why(ours)}; {held} {'do' if ',' in held else 'does'}")
        raise DataError(f"{self._symbol} is not among the instruments; there is {held}")

    def _is_wanted(self, one: Summary) -> bool:
        wanted = self._symbol.upper()
        if self._name is None:
            return one.is_outright and wanted == one.requested.upper()
        if one.symbol.upper() == wanted or str(one.instrument_id) == wanted:
            return True
        # An instrument that the name denoted, unless the name is a raw symbol and the instrument's symbol differs.
        return one.instrument_id in self._meant and not self._is_raw(one)

    def _is_raw(self, one: Summary) -> bool:
        return self._name is not None and self._name.is_raw and bool(one.symbol)

    def _held(self, results: Sequence[Result]) -> str:
        """List the instruments that trade, each name once."""
        ranked = sorted((one for one, _ in results), key=lambda one: (-one.volume, one.instrument_id))
        names = [one.name for one in ranked if one.trades or one.instrument_id in self._seen]
        known = {one.instrument_id for one in ranked}
        names += [str(instrument_id) for instrument_id in sorted(self._seen - known)]
        others = [name for name in dict.fromkeys(names) if name.upper() != self._symbol.upper()]
        return ", ".join(others) or "nothing"


def unique_names(instruments: Sequence[Summary]) -> list[str]:
    """Return a unique name for each instrument, in the same order.

    The name is the symbol. If two instruments share it, the id is added; if they share the id too (a symbol returns
    after ten years), the day of the last trade is added.
    """
    count = Counter(one.name for one in instruments)
    names = [
        one.name if count[one.name] == 1 else f"{one.symbol or one.requested}#{one.instrument_id}".lstrip("#")
        for one in instruments
    ]
    again = Counter(names)
    return [
        name if again[name] == 1 else f"{name}@{format_time(one.last_ts)[:10]}"
        for name, one in zip(names, instruments, strict=True)
    ]


def _why(results: Sequence[Result]) -> str:
    """Describe why records of some instruments were rejected; "" if none were."""
    reasons = rejections.describe(rejections.total(one.rejections for one, _ in results))
    return f" ({reasons})" if reasons else ""
