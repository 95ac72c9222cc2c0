"""Symbols that were asked of an engine while it runs: those that are awaited, and those that will not come."""

from collections.abc import Sequence

from flow_gl.store.market import MarketReader
from flow_gl.view.engine_link.process import EngineProcess


class Asked:
    """What was asked for and has no market yet."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self._refused: list[tuple[str, str]] = []
        self._markets = 0

    def take_refusals(self) -> list[tuple[str, str]]:
        """Return, once, the symbols that will not come, with one line on why."""
        refused, self._refused = self._refused, []
        return refused

    def refuse(self, symbols: Sequence[str], reason: str) -> None:
        """Await these symbols no longer."""
        self._refused += [(symbol, reason) for symbol in symbols if symbol in self.symbols]
        self.forget(symbols)

    def forget(self, symbols: Sequence[str]) -> None:
        """Await these symbols no longer: they have come."""
        self.symbols = [symbol for symbol in self.symbols if symbol not in symbols]

    def look(self, engine: EngineProcess, markets: Sequence[MarketReader]) -> None:
        """See what an engine has refused, and which markets have come."""
        for refusal in engine.refusals:
            self.refuse([refusal.symbol], refusal.reason)
        engine.refusals.clear()
        if len(markets) != self._markets:
            self._markets = len(markets)
            self.forget([requested_of(market) for market in markets])


def requested_of(market: MarketReader) -> str:
    """Return a chart's symbol as its store has it now; the view's reader belongs to its frame."""
    own = MarketReader(market.store)
    own.refresh()
    return own.requested or own.symbol
