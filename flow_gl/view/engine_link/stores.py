"""The stores of an engine, attached in a view's process. Nothing here blocks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.store.shm import SharedMemoryError
from flow_gl.store.timeline import TimelineStore


class EngineStores:
    """Readers of an engine's shared memory. Attached segments stay readable after the engine has removed them."""

    def __init__(self) -> None:
        self.reader: EngineReader | None = None
        """The engine's status; None before it is attached."""
        self.markets: Final[list[MarketReader]] = []
        """One reader per chart, in chart order."""
        self.timeline: TimelineStore | None = None
        """The timeline of a replay; None until its indexing has started."""
        self._names: Final[list[str]] = []
        self._stores: Final[list[EngineStore | MarketStore]] = []

    def attach(self, name: str) -> bool:
        """Attach the engine's status by its segment's name. Returns False if the engine has removed it."""
        try:
            store = EngineStore.attach(name)
        except SharedMemoryError:
            return False
        self._stores.append(store)
        self.reader = EngineReader(store)
        return True

    def attach_markets(self, is_needed: Callable[[str], bool] = lambda _: True) -> bool:
        """Attach new stores of the charts. Return True if an existing chart got another store.

        Parameters
        ----------
        is_needed : whether a chart of a requested symbol is shown. Nothing changes for the user if one that is not is
            replaced by another symbol's
        """
        if self.reader is None:
            return False
        self.reader.refresh()
        self._attach_timeline(bytes(self.reader.status["timeline"]).decode("ascii"))
        names = self.reader.market_names
        if names == self._names:
            return False
        is_replaced = False
        for chart, name in enumerate(names):
            if chart < len(self._names) and self._names[chart] == name:
                continue
            try:
                store = MarketStore.attach(name)
            except SharedMemoryError:
                break  # replaced or removed in the meantime: the next call tries again
            self._stores.append(store)
            if chart < len(self._names):
                is_replaced = is_replaced or is_needed(requested_of(self.markets[chart]))
                self._drop(self.markets[chart].store)
                self.markets[chart] = MarketReader(store)
                self._names[chart] = name
            else:
                self.markets.append(MarketReader(store))
                self._names.append(name)
        if len(names) < len(self._names):  # a remote chart's server may have fewer
            is_replaced = True
            for market in self.markets[len(names) :]:
                self._drop(market.store)
            del self.markets[len(names) :], self._names[len(names) :]
        return is_replaced

    def _drop(self, store: MarketStore) -> None:
        """Drop a replaced store, so that its memory is freed once nothing reads it any more."""
        self._stores.remove(store)
        store.close()

    def _attach_timeline(self, name: str) -> None:
        before = self.timeline.name if self.timeline is not None else ""
        if name == before:
            return
        if self.timeline is not None:
            self.timeline.close()
            self.timeline = None
        with suppress(SharedMemoryError):  # removed in the meantime: the next call tries again
            self.timeline = TimelineStore.attach(name) if name else None

    def release(self) -> None:
        """Release the stores. Memory that live readers use stays mapped."""
        for store in self._stores:
            store.close()
        if self.timeline is not None:
            self.timeline.close()


def requested_of(market: MarketReader) -> str:
    """Return a chart's symbol as it is in its store now; the view's own reader is frozen for the frame."""
    own = MarketReader(market.store)
    own.refresh()
    return own.requested or own.symbol
