"""The symbols that a window needs: those of its charts, of their comparisons, and of alert rules.

The link may release the others when a place is needed (`ui.link.Link.need`).
"""

from collections.abc import Sequence

from flow_gl.store.market import MarketReader
from flow_gl.ui.alerts.rules import RuleBook
from flow_gl.ui.link import Link
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.view_state import ViewState


def needed(state: ViewState, shown: Sequence[MarketReader], link: Link, rules: RuleBook) -> frozenset[str]:
    """Return the symbols that the window needs.

    Charts that are to be shown count in place of those that are shown: a chart whose symbol is being changed gives its
    place to the new one.

    Parameters
    ----------
    shown : the market of each chart
    """
    found = set(state.wanted_charts or map(symbol_of, shown))
    compared = {chart.comparison.rule.symbol for chart in state.charts if chart.comparison.rule is not None}
    alerts = [rule for rule in rules.for_engine() if rule.symbol]
    for market in link.markets:
        is_compared = bool(compared.intersection((market.requested, market.symbol)))
        if is_compared or any(rule.holds_for(market.symbol, market.requested) for rule in alerts):
            found.add(symbol_of(market))
    return frozenset(found)


class NeededSymbols:
    """Tells the link what the window needs whenever that changes."""

    def __init__(self) -> None:
        self._charts: list[ChartState] = []
        self._known: list[object] = []

    def follow(self, state: ViewState, shown: Sequence[MarketReader], link: Link, rules: RuleBook) -> None:
        """Tell the link what has changed since the last call, if anything. Called once per frame."""
        charts = state.charts
        known: list[object] = [chart.comparison.rule for chart in charts]
        known += (state.wanted_charts, len(shown), link.generation, len(link.markets), rules.version)
        if shown and (charts is not self._charts or known != self._known):
            self._charts, self._known = charts, known
            link.need(needed(state, shown, link, rules))
