"""The list of charts: one for each market of the feed, or those that the user has chosen.

A chosen chart names its market by the requested symbol, so a market may have several charts or none. Changing one chart
never affects the others. Charts whose market does not exist yet wait in `ViewState.wanted_charts`; until then the
charts stay unchanged.
"""

from collections.abc import Sequence
from typing import Final

from flow_gl.core.market.instrument import symbol_from
from flow_gl.core.schema import FeedState
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.link import Link
from flow_gl.ui.state.arrangement import MAX_CHARTS
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.comparison import ChartLook
from flow_gl.ui.state.view_state import ViewState

_KNOWN: Final = (FeedState.LIVE, FeedState.CLOSED, FeedState.REPLAY, FeedState.DEMO, FeedState.ENDED)
"""In these states a feed has all the markets that it was started with."""
FULL: Final = f"at most {MAX_CHARTS} charts are possible: close one, or change the symbol of one"


def symbol_of(market: MarketReader) -> str:
    """Return the symbol by which a chart names its market."""
    return market.requested or market.symbol


def resolve(state: ViewState, markets: Sequence[MarketReader]) -> Sequence[MarketReader]:
    """Return the market of each chart, in the order of the charts; called once per frame.

    Parameters
    ----------
    markets : the feed's markets
    """
    if state.wanted_charts and markets:
        _settle(state, markets)
    if not state.has_own_charts:
        state.ensure_charts(max(1, len(markets)))
        return markets
    found = {symbol_of(market): market for market in markets}
    shown = [found.get(chart.symbol) for chart in state.charts]
    known = [market for market in shown if market is not None]
    if len(known) == len(shown):
        return known
    if known and state.wanted_charts:
        # Released for a chart that is wanted: show the remaining ones until the others have come too.
        pairs = zip(state.charts, shown, strict=True)
        state.charts = [chart for chart, market in pairs if market is not None]
        return known
    # A market has disappeared: show the remaining ones, and the chosen charts again once it is back.
    if not state.wanted_charts:
        show(state, [chart.symbol for chart in state.charts])
    state.has_own_charts = False
    del state.charts[len(markets) :]
    return resolve(state, markets)


def show(state: ViewState, symbols: Sequence[str], looks: Sequence[ChartLook] = ()) -> None:
    """Show charts of these symbols as soon as all their markets exist.

    Parameters
    ----------
    looks : link group and comparison of each chart; empty to leave them unchanged
    """
    state.wanted_charts, state.wanted_looks = tuple(symbols[:MAX_CHARTS]), tuple(looks)
    state.left_feed, state.asked_charts, state.is_adding = frozenset(), frozenset(), False


def add(state: ViewState, shown: Sequence[MarketReader], symbol: str) -> str:
    """Add a chart. Returns "", or one line on why that is not possible.

    Parameters
    ----------
    shown : the market of each chart
    """
    symbols = _symbols(state, shown)
    if len(symbols) >= MAX_CHARTS:
        return FULL
    _own(state, shown)
    _ask(state, [*symbols, symbol])
    if state.selected:
        state.selected = len(symbols) + 1
    return ""


def change(state: ViewState, shown: Sequence[MarketReader], index: int, symbol: str) -> None:
    """Show another symbol in a chart."""
    symbols = _symbols(state, shown)
    if index < len(symbols):
        symbols[index] = symbol
    _own(state, shown)
    _ask(state, symbols)


def close(state: ViewState, shown: Sequence[MarketReader], index: int) -> str:
    """Close a chart; its market stays until its place is needed. Returns "", or one line on why it is not possible."""
    symbols = _symbols(state, shown)
    if len(symbols) < 2:
        return "this is the only chart"
    if index >= len(symbols):
        return ""
    del symbols[index]
    if len(symbols) == len(shown) - 1 and index < len(state.charts):
        # The current frame still shows it, so it is removed with the next one.
        state.charts[index].is_closed = True
    if state.selected:
        state.selected = 0 if state.selected == index + 1 else state.selected - (state.selected > index)
    _own(state, shown)
    _ask(state, symbols)
    return ""


def request_missing(
    state: ViewState, shown: Sequence[MarketReader], link: Link, refused: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """Request a workspace's symbols that the feed does not have yet, and drop refused ones. Called once per frame.

    Parameters
    ----------
    shown : the market of each chart
    refused : symbols that the feed has refused since the last call (`Link.refusals`)

    Returns
    -------
    lines : for the user
    """
    lines = []
    for symbol, reason in refused:
        give_up(state, shown, symbol)
        lines.append(reason)
    if (not state.wanted_charts and state.first_feed) or not link.markets:
        return lines
    if link.engine is None or int(link.engine.status["state"]) not in _KNOWN:
        return lines
    there = [symbol_of(market) for market in link.markets]
    state.first_feed = state.first_feed or frozenset(there)
    is_other_feed = state.left_feed and state.left_feed != state.first_feed
    if not state.wanted_charts or state.is_adding or is_other_feed:
        return lines
    missing = [one for one in state.wanted_charts if one not in there and one not in state.asked_charts]
    state.asked_charts = state.asked_charts.union(missing)
    if missing:
        _own(state, shown)
    for symbol in dict.fromkeys(missing):
        can_come = symbol in link.offered or symbol_from(symbol, link.addable_stype) == symbol
        problem = link.add(symbol) if can_come else f"{symbol} is not in this feed; its symbols: {', '.join(there)}"
        if problem:
            give_up(state, shown, symbol)
            lines.append(problem)
    return lines


def keep(state: ViewState, markets: Sequence[MarketReader], engine: EngineReader | None) -> None:
    """Fix the list of charts, so a market that another window requests does not add a chart here.

    Parameters
    ----------
    markets : the feed's markets
    """
    if state.has_own_charts or state.wanted_charts or not markets or len(state.charts) != len(markets):
        return
    if engine is not None and int(engine.status["state"]) in _KNOWN:
        for chart, market in zip(state.charts, markets, strict=True):
            chart.symbol = symbol_of(market)
        state.has_own_charts = True


def give_up(state: ViewState, shown: Sequence[MarketReader], symbol: str) -> None:
    """Drop a symbol from the wanted charts. A chart that was to show it keeps its current symbol."""
    before = [symbol_of(market) for market in shown] if state.is_adding else []
    kept: list[str] = []
    looks: list[ChartLook] = []
    for at, wanted in enumerate(state.wanted_charts):
        if wanted != symbol or at < len(before):
            kept.append(before[at] if wanted == symbol else wanted)
            looks += state.wanted_looks[at : at + 1]
    is_as_before = state.is_adding and kept == before
    state.wanted_charts = () if is_as_before else tuple(kept)
    state.wanted_looks = () if is_as_before else tuple(looks)
    state.selected = min(state.selected, len(kept))


def _own(state: ViewState, shown: Sequence[MarketReader]) -> None:
    """Let each chart name its market, because another symbol may take a market's place from now on."""
    if not state.has_own_charts and len(state.charts) == len(shown):
        for chart, market in zip(state.charts, shown, strict=True):
            chart.symbol = symbol_of(market)
        state.has_own_charts = True


def _ask(state: ViewState, symbols: Sequence[str]) -> None:
    show(state, symbols)
    state.is_adding = True


def _symbols(state: ViewState, shown: Sequence[MarketReader]) -> list[str]:
    """Return the symbols of the charts, including pending ones that the user has added."""
    is_awaited = state.wanted_charts and state.is_adding
    return list(state.wanted_charts) if is_awaited else [symbol_of(market) for market in shown]


def _settle(state: ViewState, markets: Sequence[MarketReader]) -> None:
    """Show the wanted charts if all their markets exist. A chart that stays in its place keeps its state."""
    there = [symbol_of(market) for market in markets]
    wanted = state.wanted_charts
    if state.left_feed and state.left_feed != (state.first_feed or set(there)) and not set(there) <= set(wanted):
        # Not the feed of the last run: show each of its markets.
        state.wanted_charts, state.left_feed = (), frozenset()
        return
    if not set(wanted) <= set(there):
        return
    state.left_feed = frozenset()
    before = state.charts if state.has_own_charts else state.charts[: len(there)]
    if not state.has_own_charts:
        for chart, symbol in zip(before, there, strict=False):
            chart.symbol = symbol
    before = [chart for chart in before if not chart.is_closed]
    state.wanted_charts = ()
    state.charts = [
        before[at] if at < len(before) and before[at].symbol == symbol else ChartState(symbol=symbol)
        for at, symbol in enumerate(wanted)
    ]
    for chart, look in zip(state.charts, state.wanted_looks, strict=False):
        chart.link = look.link
        chart.comparison.show(look.comparison)
    state.wanted_looks = ()
    state.has_own_charts = list(wanted) != there
    state.drawings.leave_charts()
    if state.selected > len(wanted):
        state.selected = 0
