"""The symbols requested from a running engine: pending ones, and refused ones."""

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from flow_gl.core.schema import CHARTS
from flow_gl.core.spec import BusSpec, LiveSpec
from flow_gl.store.market import MarketReader
from flow_gl.view.engine_link.process import EngineProcess
from flow_gl.view.engine_link.stores import requested_of


class RequestedSymbols:
    """The requested symbols that have no market yet."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self._refused: list[tuple[str, str]] = []
        self.arrived: Final[dict[str, None]] = {}
        """The symbols that have had a market, in order; some may have been released."""
        self._markets: list[MarketReader] = []

    def take_refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the refused symbols with the reason in one line."""
        refused, self._refused = self._refused, []
        return refused

    def refuse(self, symbols: Sequence[str], reason: str) -> None:
        """Move these symbols from pending to refused."""
        self._refused += [(symbol, reason) for symbol in symbols if symbol in self.symbols]
        self.forget(symbols)

    def forget(self, symbols: Sequence[str]) -> None:
        """Remove these symbols, because their markets have arrived."""
        self.symbols = [symbol for symbol in self.symbols if symbol not in symbols]

    def continued(self, feed: LiveSpec | BusSpec, markets: Sequence[MarketReader]) -> LiveSpec | BusSpec:
        """Return the feed of an engine that continues after one that has died, with its symbols.

        Parameters
        ----------
        feed : as the first engine was started
        markets : those of the engine that died
        """
        there = [requested_of(market) for market in markets]
        # If all places are taken, symbols that the engine was started with may have been released.
        symbols = tuple(dict.fromkeys(there if len(there) == CHARTS else (*feed.symbols, *there)))
        if isinstance(feed, BusSpec):
            return structs.replace(feed, symbols=symbols)
        known = dict.fromkeys((*feed.symbols, *self.arrived))
        return structs.replace(feed, symbols=symbols, uncharted=tuple(one for one in known if one not in symbols))

    def update(self, engine: EngineProcess, markets: Sequence[MarketReader]) -> None:
        """Take over an engine's refusals, and remove the symbols whose markets have arrived."""
        for refusal in engine.refusals:
            self.refuse([refusal.symbol], refusal.reason)
        engine.refusals.clear()
        if markets != self._markets:  # one may also have taken another one's place
            self._markets = list(markets)
            there = [requested_of(market) for market in markets]
            self.arrived.update(dict.fromkeys(there))
            self.forget(there)
