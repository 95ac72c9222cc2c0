"""The link of a program that was started without a feed: no engine until the user has chosen one."""

from collections.abc import Collection
from typing import Final

from flow_gl.core.commands import Command
from flow_gl.ui.link import LinkFields, LinkState
from flow_gl.ui.start import StartScreen
from flow_gl.view.engine_link.supervisor import EngineLink


class StartLink(LinkFields):
    """A `ui.link.Link` that becomes another one.

    If the engine fails before its first trade, the start screen returns with the reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self.screen: StartScreen | None = None
        self._inner: EngineLink | None = None
        self._before: Final[list[int]] = [0]
        """Generation offset, so that a new engine's generations differ from those of earlier engines."""

    def open(self, link: EngineLink) -> None:
        """Take over another link, which this one closes."""
        self._inner = link
        self._copy(link)

    def poll(self) -> LinkState:
        link = self._inner
        if link is None:
            return self.state
        link.poll()
        self._copy(link)
        has_traded = any(market.store.bubbles[0].head or market.session["trade_count"] for market in link.markets)
        if link.state is LinkState.FAILED and not has_traded and self.screen is not None:
            self._give_up(link)
        return self.state

    def send(self, command: Command) -> None:
        if self._inner is not None:
            self._inner.send(command)

    def add(self, symbol: str) -> str:
        return "no feed is open" if self._inner is None else self._inner.add(symbol)

    def need(self, symbols: Collection[str], *, window: int = 0) -> None:
        if self._inner is not None:
            self._inner.need(symbols, window=window)

    def refusals(self) -> list[tuple[str, str]]:
        return [] if self._inner is None else self._inner.refusals()

    def close(self) -> None:
        """End the engine, if there is one. Idempotent; its failure at the end is this link's."""
        if self._inner is not None:
            self._inner.close()
            self.message, self.exit_code = self._inner.message, self._inner.exit_code
        self.state = LinkState.ENDED

    def _copy(self, link: EngineLink) -> None:
        self.engine, self.markets, self.timeline = link.engine, link.markets, link.timeline
        self.state, self.message, self.exit_code = link.state, link.message, link.exit_code
        self.offered, self.addable_stype = link.offered, link.addable_stype
        self.generation, self.restarts = self._before[0] + link.generation, link.restarts

    def _give_up(self, link: EngineLink) -> None:
        assert self.screen is not None
        link.close()
        self._inner = None
        self._before[0] = self.generation + 1
        self.generation = self._before[0]
        self.engine, self.markets, self.timeline = None, [], None
        self.state, self.message, self.exit_code = LinkState.STARTING, "", 0
        self.screen.fail(link.message or "the engine could not start")
