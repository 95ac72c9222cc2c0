"""The list of comparisons: difference from and ratio to every other symbol of the feed.

Typed letters search for a symbol; a number is the factor of its price in a difference: `4 es` gives NQ - 4 x ES.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from flow_gl.core.comparison import THOUSANDTHS, Comparison, Kind, factor_from_text
from flow_gl.store.market import MarketReader
from flow_gl.ui.input import fuzzy
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.search_list import SearchList, draw_pair
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.view_state import ViewState

_KINDS: Final[tuple[Kind, ...]] = ("difference", "ratio")
_NOTHING: Final = "No other symbol matches. To compare with a symbol that has no chart yet, add a chart for it first."


class Row(NamedTuple):
    """A row of the list. A `rule` of None removes the current comparison."""

    rule: Comparison | None
    name: str
    detail: str


def rows(query: str, own: MarketReader, markets: Sequence[MarketReader], shown: Comparison | None) -> list[Row]:
    """Return the comparisons that match a search text.

    Parameters
    ----------
    own : the chart's market
    markets : the feed's markets
    shown : the chart's current comparison; its factor is used unless another one is typed
    """
    words, factor = [], THOUSANDTHS if shown is None else shown.thousandths
    for word in query.split():
        given = factor_from_text(word.removeprefix("x").removesuffix("x"))
        if given is None:
            words.append(word)
        factor = given or factor
    letters = " ".join(words)
    others = [market for market in markets if market is not own and symbol_of(market) != symbol_of(own)]
    scored = []
    for at, market in enumerate(others):
        names = symbol_of(market), market.symbol
        matches = [found for name in names if (found := fuzzy.match(letters, name)) is not None] if letters else []
        if matches or not letters:
            scored.append((-max((found.score for found in matches), default=0), at, market))
    listed = []
    for _, _, market in sorted(scored, key=lambda one: one[:2]):
        for kind in _KINDS:
            rule = Comparison(symbol_of(market), kind, factor)
            listed.append(Row(rule, rule.name(own.symbol or own.requested, market.symbol or market.requested), kind))
    if shown is not None and not letters:
        listed.append(Row(None, "No comparison", "hides the pane"))
    return listed


class CompareList:
    """The popup that shows the list."""

    def __init__(self) -> None:
        self._list: Final[SearchList[Row]] = SearchList("comparisons", "search symbols; 4 es multiplies the price by 4")
        self._chart = 0

    def ask(self, chart: int) -> None:
        """Open the list for a chart in the next frame."""
        self._list.ask()
        self._chart = chart

    def draw(self, frame: Frame, state: ViewState) -> None:
        """Draw the list if it is open, and apply the user's choice."""
        if self._chart >= min(len(frame.markets), len(state.charts)):
            return
        own, comparison = frame.markets[self._chart], state.charts[self._chart].comparison
        chosen = self._list.draw(
            frame,
            state.palette,
            (f"Compare {own.symbol or own.requested} with", _NOTHING),
            lambda query: rows(query, own, frame.link.markets, comparison.rule),
            lambda row, box: draw_pair(state.palette, (row.name, row.detail), box),
        )
        if chosen is not None:
            comparison.show(chosen.rule)
