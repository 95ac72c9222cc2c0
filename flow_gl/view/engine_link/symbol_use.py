"""The symbols that the program's windows need, and which of the others may be released first.

A trader who closes a chart may reopen it, so its market stays while there is room. If another symbol needs a place, the
market that has been unused for the longest time is released.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from flow_gl.core.schema import CHARTS

FULL: Final = (
    f"at most {CHARTS} symbols are possible, and all are in use:"
    " close a chart, or remove a comparison or an alert rule, of another one"
)


class SymbolUse:
    """The symbols that each window needs."""

    def __init__(self) -> None:
        self._needed: Final[dict[int, frozenset[str]]] = {}
        self._last: Final[dict[str, int]] = {}
        """By symbol: the number of the last change at which it was, or ceased to be, needed."""
        self._changes = 0

    @property
    def needed(self) -> frozenset[str]:
        """All symbols that some window needs."""
        return frozenset().union(*self._needed.values())

    def set(self, window: int, symbols: Iterable[str]) -> None:
        """Record which symbols a window needs now; none once it is closed."""
        before, now = self._needed.pop(window, frozenset()), frozenset(symbols)
        if now:
            self._needed[window] = now
        self._changes += 1
        self._last.update(dict.fromkeys(before | now, self._changes))

    def is_needed(self, symbol: str) -> bool:
        """Return whether a window needs a symbol; True if no window has reported its symbols."""
        return not self._needed or any(symbol in symbols for symbols in self._needed.values())

    def why_full(self, symbol: str, *, can_release: bool, is_shared: bool) -> str:
        """Return, in one line, why no place can be freed for another symbol if all are taken; "" if one can.

        Parameters
        ----------
        can_release : whether the feed can release a market
        is_shared : whether other programs may show any of the markets
        """
        if is_shared:
            return f"{symbol}: at most {CHARTS} symbols are possible; none is released while other programs may show it"
        if not (can_release and self._needed):
            return f"{symbol}: at most {CHARTS} symbols are possible"
        return f"{symbol}: {FULL}" if len(self.needed | {symbol}) > CHARTS else ""

    def with_symbol(self, symbols: Sequence[str], symbol: str) -> tuple[str, ...]:
        """Return the symbols with another one: at the end, or, if all places are taken, in place of a releasable one.

        Without a free or releasable place, return the symbols unchanged.
        """
        if len(symbols) < CHARTS:
            return (*symbols, symbol)
        released = self.releasable(symbols)[:1] if self.is_needed(symbol) else ()
        return tuple(symbol if one in released else one for one in symbols)

    def releasable(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return those of the given symbols that no window needs, the longest unused first."""
        free = [symbol for symbol in symbols if not self.is_needed(symbol)]
        return tuple(sorted(free, key=lambda symbol: self._last.get(symbol, 0)))
