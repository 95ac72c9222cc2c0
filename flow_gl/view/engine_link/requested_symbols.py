"""The symbols requested from a running engine: pending ones, and refused ones."""

from collections.abc import Sequence

from flow_gl.store.market import MarketReader
from flow_gl.view.engine_link.process import EngineProcess
from flow_gl.view.engine_link.stores import requested_of


class RequestedSymbols:
    """The requested symbols that have no market yet."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self._refused: list[tuple[str, str]] = []
        self._markets = 0

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

    def update(self, engine: EngineProcess, markets: Sequence[MarketReader]) -> None:
        """Take over an engine's refusals, and remove the symbols whose markets have arrived."""
        for refusal in engine.refusals:
            self.refuse([refusal.symbol], refusal.reason)
        engine.refusals.clear()
        if len(markets) != self._markets:
            self._markets = len(markets)
            self.forget([requested_of(market) for market in markets])
