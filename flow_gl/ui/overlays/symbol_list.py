"""The searchable list of symbols for a chart.

The feed's markets come first, then the other symbols that it can chart.
"""

from typing import Final, NamedTuple

from flow_gl.core.market.instrument import symbol_from
from flow_gl.ui.input import fuzzy
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.search_list import SearchList, draw_pair
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.needed_symbols import needed
from flow_gl.ui.state.view_state import ViewState


class Row(NamedTuple):
    """A symbol.

    Attributes
    ----------
    detail : contract and last price, or a note that it has not been read yet
    is_there : whether the feed has a market for it
    """

    symbol: str
    detail: str
    is_there: bool


def rows(query: str, frame: Frame) -> list[Row]:
    """Return the symbols that match a query: those with a market first, then the others in the feed's order."""
    found = []
    for market in frame.link.markets:
        symbol = chart_list.symbol_of(market)
        price = (
            words.price(int(market.session["last_price"]), market.tick_size) if market.session["trade_count"] else ""
        )
        contract = market.symbol if market.symbol != symbol else ""
        found.append(Row(symbol, "   ".join(filter(None, (contract, price))), True))
    there = {row.symbol for row in found} | {market.symbol for market in frame.link.markets}
    detail = "request from the gateway" if frame.link.addable_stype else "not read yet"
    found += [Row(symbol, detail, False) for symbol in frame.link.offered if symbol not in there]
    if not query.strip():
        return found
    scored = ((fuzzy.match(query, row.symbol), at, row) for at, row in enumerate(found))
    matching = [(-match.score, at, row) for match, at, row in scored if match is not None]
    best = [row for _, _, row in sorted(matching, key=lambda one: one[:2])]
    typed = symbol_from(query, frame.link.addable_stype)
    if typed and typed not in (row.symbol for row in found):
        best.append(Row(typed, "request from the gateway", False))
    return best


def _nothing(frame: Frame) -> str:
    """Return the message for a search without matches."""
    if frame.link.addable_stype == "continuous":
        return "type a root such as CL, or a continuous symbol such as CL.v.0"
    names = [chart_list.symbol_of(market) for market in frame.link.markets]
    has = f"; its symbols: {', '.join(names)}" if names and not frame.link.offered else ""
    return f"no symbol of this feed matches{has}"


class SymbolList:
    """The list's window."""

    def __init__(self) -> None:
        self._list: Final[SearchList[Row]] = SearchList("symbols", "find a symbol")
        self._chart: int | None = None

    def ask(self, chart: int | None) -> None:
        """Open the list in the next frame, for a chart's symbol; None for another chart."""
        self._list.ask()
        self._chart = chart

    def draw(self, frame: Frame, state: ViewState) -> str:
        """Draw the list if it is open; apply what is chosen. Returns one line for the user, or ""."""
        title = "Add a chart of" if self._chart is None else f"Chart {self._chart + 1} shows"
        title += " (type any symbol)" if frame.link.addable_stype else ""
        chosen = self._list.draw(
            frame,
            state.palette,
            (title, _nothing(frame)),
            lambda query: rows(query, frame),
            lambda row, box: draw_pair(state.palette, (row.symbol, row.detail), box),
        )
        return "" if chosen is None else _choose(chosen, self._chart, frame, state)


def _choose(row: Row, chart: int | None, frame: Frame, state: ViewState) -> str:
    """Show a symbol, or ask the feed for it first. Returns one line for the user, or ""."""
    if not frame.markets:
        return f"{row.symbol}: the feed is starting; try again in a moment"
    if chart is None:
        if problem := chart_list.add(state, frame.markets, row.symbol):
            return problem
    else:
        chart_list.change(state, frame.markets, chart, row.symbol)
    if row.is_there:
        return ""
    # The link must know first that a chart whose symbol changes no longer needs the old one.
    frame.link.need(needed(state, frame.markets, frame.link, frame.alerts.book))
    if problem := frame.link.add(row.symbol):
        chart_list.give_up(state, frame.markets, row.symbol)
        return problem
    return f"{row.symbol} is being read; the other charts continue"
