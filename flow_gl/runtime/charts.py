"""Which instruments have a chart, and the store of each.

Every requested symbol has its chart, and its store, from the start: a view shows what is awaited. The instrument is
attached when its mapping comes. When a requested symbol is mapped to another instrument, the chart goes on with that
one behind a roll, in the same store; only where its trades begin before the old one's ended the slot gets a new store,
for a chart never goes back in time. A parent symbol (`NQ.FUT`) stands for many instruments: the outright with the
most volume is taken once that is known, and `is_settled` is False until then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from flow_gl.core.items import Definition, Mapping
from flow_gl.core.market.names import Name
from flow_gl.core.schema import INSTRUMENT
from flow_gl.store.market import MarketStore


@dataclass(slots=True)
class Slot:
    """One chart."""

    requested: str
    """Symbol as asked for; a contract's own symbol where it was named."""
    store: MarketStore
    name: Name
    """What the symbol means, as mappings come."""
    instrument_id: int = 0
    """0 until the mapping has come."""
    is_parent: bool = False


class Charts:
    """The charts of an engine.

    Parameters
    ----------
    symbols : requested symbols, one chart each
    attach : called with (instrument_id, store, requested, renew) when an instrument gets a chart, 0 where what is on it
        ends; it may call `renew` for an empty store
    make_store : makes a store for a tag that is unique in this process
    bucket_ns : bubble's bucket, for the empty store's description
    names : how each symbol is followed; without them as it is written
    instrument_ids : instruments of the charts where they are known beforehand, one per symbol; 0 for none
    are_parents : the symbols are parents: each stands for the busiest outright among its instruments
    may_renew : a chart may get a new store
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        attach: Callable[[int, MarketStore, str, Callable[[], MarketStore] | None], None],
        make_store: Callable[[str], MarketStore] = MarketStore.create,
        bucket_ns: int,
        names: Sequence[Name] = (),
        instrument_ids: Sequence[int] = (),
        are_parents: bool = False,
        may_renew: bool = False,
    ) -> None:
        self._attach: Final = attach
        self._make_store: Final = make_store
        self._bucket_ns: Final = bucket_ns
        self._may_renew: Final = may_renew
        self._made = 0
        self._is_renewed = False
        self._slots: Final[list[Slot]] = []
        try:
            for symbol, name in zip(symbols, names or map(Name, symbols), strict=True):
                self._slots.append(Slot(symbol, self._new_store(symbol), name, is_parent=are_parents))
            for slot, instrument_id in zip(self._slots, instrument_ids, strict=False):
                if instrument_id:
                    self._assign(slot, instrument_id)
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> list[str]:
        """Segment names in chart order."""
        return [slot.store.name for slot in self._slots]

    @property
    def requested(self) -> list[str]:
        """Symbols as asked for, in chart order."""
        return [slot.requested for slot in self._slots]

    @property
    def is_settled(self) -> bool:
        """No parent symbol still waits for its instrument."""
        return all(slot.instrument_id or not slot.is_parent for slot in self._slots)

    def instrument_of(self, chart: int) -> int:
        """Instrument of a chart by its index; 0 where there is none."""
        return self._slots[chart].instrument_id if 0 <= chart < len(self._slots) else 0

    def stores(self) -> list[MarketStore]:
        """The charts' stores, in chart order."""
        return [slot.store for slot in self._slots]

    def is_charted(self, instrument_id: int) -> bool:
        return any(slot.instrument_id == instrument_id for slot in self._slots)

    def map(self, mapping: Mapping) -> bool:
        """Give the instrument its chart if it was asked for. True where a chart's instrument is a new one."""
        changed = False
        for slot in self._slots:
            if slot.is_parent or not slot.name.take(mapping) or slot.name.instrument_id == slot.instrument_id:
                continue
            self._assign(slot, slot.name.instrument_id)
            changed = True
        return changed

    def take_renewed(self) -> bool:
        """Whether some chart has got a new store since the last call."""
        is_renewed, self._is_renewed = self._is_renewed, False
        return is_renewed

    def resume(self, instrument_ids: Sequence[int]) -> None:
        """Take it that the charts, in their order, show these instruments: they were put back (0: none)."""
        for slot, instrument_id in zip(self._slots, instrument_ids, strict=False):
            slot.instrument_id = slot.name.instrument_id = instrument_id

    def choose(self, volumes: dict[int, int], definitions: dict[int, Definition], symbols: dict[int, str]) -> None:
        """Settle the parent symbols: the outright of the same root with the most volume.

        Parameters
        ----------
        volumes : contracts traded by instrument so far
        definitions, symbols : what is known of the instruments
        """
        from flow_gl.core.market.instrument import is_outright_symbol, root_of

        def is_outright(instrument_id: int) -> bool:
            definition = definitions.get(instrument_id)
            return definition.is_outright if definition else is_outright_symbol(symbols.get(instrument_id, ""))

        for slot in self._slots:
            if not slot.is_parent or slot.instrument_id:
                continue
            root = slot.requested.split(".", 1)[0]
            ours = [
                (volume, -instrument_id)
                for instrument_id, volume in volumes.items()
                if is_outright(instrument_id) and root_of(symbols.get(instrument_id, "")) == root
            ]
            if ours:
                self._assign(slot, -max(ours)[1])

    def close(self) -> None:
        """Remove the stores."""
        for slot in self._slots:
            slot.store.close()
        self._slots.clear()

    def _assign(self, slot: Slot, instrument_id: int) -> None:
        def renew() -> MarketStore:
            slot.store.close()
            slot.store = self._new_store(slot.requested)
            self._is_renewed = True
            return slot.store

        slot.instrument_id = instrument_id
        self._attach(instrument_id, slot.store, slot.requested, renew if self._may_renew else None)

    def _new_store(self, requested: str) -> MarketStore:
        store = self._make_store(f"m{self._made}")
        self._made += 1
        record = np.zeros(1, INSTRUMENT)
        record["requested"] = requested.encode("ascii", "replace")
        record["bucket_ns"] = self._bucket_ns
        record["point_value"] = np.nan
        store.instrument.write(record)
        return store
