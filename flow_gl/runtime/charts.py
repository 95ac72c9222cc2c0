"""The instruments with a chart, and the store of each chart.

Every requested symbol has a chart and a store from the start, so that a view can show what is awaited. The instrument
is attached when its mapping arrives. When a requested symbol is mapped to another instrument, the chart continues with
that one after a roll, in the same store. Only if the new instrument's trades begin before the old one's ended does the
slot get a new store, because a chart never goes back in time. A parent symbol (`NQ.FUT`) denotes many instruments:
the outright with the most volume is chosen once that is known, and `is_settled` is False until then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from flow_gl.core.errors import UsageError
from flow_gl.core.items import Definition, Item, Trades, mapping_in
from flow_gl.core.market.instrument import is_outright_symbol, root_of
from flow_gl.core.market.names import Name
from flow_gl.core.schema import CHARTS, INSTRUMENT
from flow_gl.store.market import MarketStore


@dataclass(slots=True)
class Slot:
    """One chart."""

    requested: str
    """The requested symbol; a contract's own symbol if that was requested."""
    store: MarketStore
    name: Name
    """The instrument that the symbol means, updated by mappings."""
    instrument_id: int = 0
    """0 until the mapping arrives."""
    is_parent: bool = False


class Candidates:
    """The instruments among which the contract of a parent symbol is chosen: names, definitions and volumes."""

    def __init__(self) -> None:
        self._volumes: Final[dict[int, int]] = {}
        self._symbols: Final[dict[int, str]] = {}
        self._is_outright: Final[dict[int, bool]] = {}

    def take(self, item: Item) -> None:
        """Process an item, in stream order."""
        if isinstance(item, Trades):
            ids, where = np.unique(item.rows["instrument_id"], return_inverse=True)
            sizes = np.bincount(where, weights=item.rows["size"])
            for instrument_id, size in zip(ids.tolist(), sizes.tolist(), strict=True):
                self._volumes[instrument_id] = self._volumes.get(instrument_id, 0) + int(size)
            return
        if isinstance(item, Definition):
            self._is_outright[item.instrument_id] = item.is_outright
        mapping = mapping_in(item)
        if mapping is not None and mapping.symbol:
            self._symbols[mapping.instrument_id] = mapping.symbol

    def busiest(self, root: str) -> int:
        """Return the id of the outright with the most volume (of two, the smaller id) of a root; 0 if none traded."""
        volumes = [
            (volume, -instrument_id)
            for instrument_id, volume in self._volumes.items()
            if self._is_future(instrument_id) and root_of(self._symbols.get(instrument_id, "")) == root
        ]
        return -max(volumes, default=(0, 0))[1]

    def _is_future(self, instrument_id: int) -> bool:
        known = self._is_outright.get(instrument_id)
        return is_outright_symbol(self._symbols.get(instrument_id, "")) if known is None else known


class Charts:
    """The charts of an engine.

    Parameters
    ----------
    symbols : requested symbols, one chart each
    release : called with the store of a chart that is removed; what it shows ends
    attach : called with (instrument_id, store, requested, renew) when an instrument gets a chart; with instrument 0
        when the chart's instrument ends. It may call `renew` for an empty store
    make_store : creates a store for a tag that is unique in this process
    bucket_ns : base bucket, ns, for the empty store's description
    names : how each symbol is followed; None: by its spelling
    instrument_ids : instruments of the charts if they are known in advance, one per symbol; 0 for none
    are_parents : the symbols are parents: each denotes the busiest outright among its instruments
    may_renew : a chart may get a new store
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        attach: Callable[[int, MarketStore, str, Callable[[], MarketStore] | None], None],
        release: Callable[[MarketStore], None] = lambda _: None,
        make_store: Callable[[str], MarketStore] = MarketStore.create,
        bucket_ns: int,
        names: Sequence[Name] = (),
        instrument_ids: Sequence[int] = (),
        are_parents: bool = False,
        may_renew: bool = False,
    ) -> None:
        self._attach: Final = attach
        self._release: Final = release
        self._make_store: Final = make_store
        self._bucket_ns: Final = bucket_ns
        self._may_renew: Final = may_renew
        self._made = 0
        self._is_renewed = False
        self._slots: Final[list[Slot]] = []
        self._expected: Final[list[Name]] = []
        """Symbols requested while the engine runs; each gets a slot once its instrument is known."""
        self.releasable: tuple[str, ...] = ()
        """The symbols whose slots they may take if all are taken, in this order."""
        self._released: list[str] = []
        self._without_slot: list[str] = []
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
        """Requested symbols in chart order."""
        return [slot.requested for slot in self._slots]

    @property
    def is_settled(self) -> bool:
        """Whether every parent symbol has its instrument."""
        return all(slot.instrument_id or not slot.is_parent for slot in self._slots)

    def expect(self, symbol: str) -> None:
        """Chart a symbol once a mapping names it, behind the others or in place of a releasable one.

        Raises
        ------
        UsageError : it has a chart, or there is no place for it
        """
        taken = [*self.requested, *(name.name for name in self._expected)]
        if symbol in taken:
            raise UsageError(f"{symbol} already has a chart")
        if len(taken) - len({*self.releasable}.intersection(taken)) >= CHARTS:
            raise UsageError(f"{symbol}: at most {CHARTS} symbols are possible")
        self._expected.append(Name(symbol))

    def forget(self, symbol: str) -> None:
        """Expect a symbol no longer."""
        self._expected[:] = [name for name in self._expected if name.name != symbol]

    def stores(self) -> list[MarketStore]:
        """The charts' stores, in chart order."""
        return [slot.store for slot in self._slots]

    def is_charted(self, instrument_id: int) -> bool:
        return any(slot.instrument_id == instrument_id for slot in self._slots)

    def take(self, item: Item) -> bool:
        """Give an instrument that an item names its chart, if its symbol was requested. True if a chart changed."""
        mapping = mapping_in(item)
        if mapping is None:
            return False
        changed = False
        for name in [name for name in self._expected if name.take(mapping) and name.instrument_id]:
            self._add_slot(name.name)
            changed = True
        for slot in self._slots:
            if slot.is_parent or not slot.name.take(mapping) or slot.name.instrument_id == slot.instrument_id:
                continue
            self._assign(slot, slot.name.instrument_id)
            changed = True
        return changed

    def take_released(self) -> list[str]:
        """Return, once each, the symbols whose chart was removed for another one."""
        released, self._released = self._released, []
        return released

    def take_without_slot(self) -> list[str]:
        """Return, once each, the expected symbols for which there was no place when they came."""
        found, self._without_slot = self._without_slot, []
        return found

    def take_renewed(self) -> bool:
        """Return whether a chart got a new store since the last call."""
        is_renewed, self._is_renewed = self._is_renewed, False
        return is_renewed

    def resume(self, instrument_ids: Sequence[int]) -> None:
        """Set the instruments of the charts, in chart order, after a snapshot was restored (0: none)."""
        for slot, instrument_id in zip(self._slots, instrument_ids, strict=False):
            slot.instrument_id = slot.name.instrument_id = instrument_id

    def choose(self, candidates: Candidates) -> None:
        """Settle the parent symbols for which a contract has traded."""
        for slot in self._slots:
            if slot.is_parent and not slot.instrument_id:
                busiest = candidates.busiest(slot.requested.split(".", 1)[0])
                if busiest:
                    self._assign(slot, busiest)

    def close(self) -> None:
        """Remove the stores."""
        for slot in self._slots:
            slot.store.close()
        self._slots.clear()

    def _add_slot(self, symbol: str) -> None:
        """Give an expected symbol a slot: another one, or that of a releasable symbol."""
        self.forget(symbol)
        if len(self._slots) < CHARTS:
            self._slots.append(Slot(symbol, self._new_store(symbol), Name(symbol)))
            return
        requested = self.requested
        old = next((one for one in self.releasable if one in requested), None)
        if old is None:
            self._without_slot.append(symbol)
            return
        at = requested.index(old)
        before = self._slots[at]
        self._slots[at] = Slot(symbol, self._new_store(symbol), Name(symbol))
        self._release(before.store)
        before.store.close()
        self._released.append(old)

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
