"""Session numbers, one column a chart: where price was, who traded, the profile's levels, the session before."""

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.palette import Rgb
from flow_gl.core.schema import UNDEF_PRICE, TickSource
from flow_gl.store.market import MarketReader
from flow_gl.ui import words
from flow_gl.ui.frame import Frame
from flow_gl.ui.panels import base
from flow_gl.ui.state import ViewState
from flow_gl.ui.theme import sign_color

_SOURCES = {
    TickSource.DEFINITION: "definition",
    TickSource.TABLE: "built-in table",
    TickSource.OBSERVED: "prices seen",
}
_PRIOR = (("High", "high"), ("Low", "low"), ("Close", "close"), ("POC", "poc"), ("VAH", "vah"), ("VAL", "val"))


def draw(frame: Frame, state: ViewState) -> list[Command]:
    """Draw the panel; it sends no commands."""
    with base.window("session", frame, state) as is_filled:
        if is_filled:
            _fill(frame, state)
    return []


def _fill(frame: Frame, state: ViewState) -> None:
    markets = [chart.market for chart in frame.charts if chart.market and chart.market.session["trade_count"]]
    if not markets:
        imgui.text_disabled("no trades yet")
        return
    columns = 1 + len(markets)
    if len(markets) > 1:
        with base.table("names", columns, first_share=0.9) as is_visible:
            if is_visible:
                base.row("", *(market.symbol for market in markets))
    _prices(markets, columns)
    _volume(markets, columns, state)
    _profile(markets, columns)
    _before(markets, columns)
    base.heading("Contract")
    with base.table("contract", columns, first_share=0.9) as is_visible:
        if is_visible:
            base.row("Tick", *(_tick(market) for market in markets))
            base.row("from", *(_tick_source(market) for market in markets))
            base.row("Point value", *(words.number(float(m.instrument["point_value"]), 2) for m in markets))


def _prices(markets: list[MarketReader], columns: int) -> None:
    base.heading("Price")
    with base.table("price", columns, first_share=0.9) as is_visible:
        if not is_visible:
            return
        for label, name in (("Last", "last_price"), ("Open", "open"), ("High", "high"), ("Low", "low")):
            base.row(label, *(words.price(int(m.session[name]), m.tick_size) for m in markets))
        base.row("VWAP", *(words.points(float(m.session["vwap"]), m.tick_size) for m in markets))
        base.row("1 deviation", *(words.points(float(m.session["vwap_sd"]), m.tick_size) for m in markets))


def _volume(markets: list[MarketReader], columns: int, state: ViewState) -> None:
    base.heading("Volume")
    palette = state.palette
    with base.table("volume", columns, first_share=0.9) as is_visible:
        if not is_visible:
            return
        sessions = [market.session for market in markets]
        total = [int(s["buy"] + s["sell"] + s["unsided"]) for s in sessions]
        cvd = [int(s["cvd"]) for s in sessions]
        row, count = base.row, words.number
        row("Contracts", *(count(value) for value in total))
        row("Buy", *(count(int(s["buy"])) for s in sessions), colors=_all(palette.buy, markets))
        row("Sell", *(count(int(s["sell"])) for s in sessions), colors=_all(palette.sell, markets))
        row("No side", *(count(int(s["unsided"])) for s in sessions))
        row("CVD", *(words.signed(value) for value in cvd), colors=tuple(sign_color(palette, v) for v in cvd))
        row("CVD high", *(words.signed(int(s["cvd_high"])) for s in sessions))
        row("CVD low", *(words.signed(int(s["cvd_low"])) for s in sessions))
        row("Trades", *(count(int(s["trade_count"])) for s in sessions))
        row("Bubbles", *(count(int(s["bubble_count"])) for s in sessions))
        row("Largest disc", *(f"{count(int(s['reference']))}" for s in sessions))


def _profile(markets: list[MarketReader], columns: int) -> None:
    base.heading("Profile")
    with base.table("profile", columns, first_share=0.9) as is_visible:
        if not is_visible:
            return
        for label in ("poc", "vah", "val"):
            base.row(label.upper(), *(words.price(int(m.profile[label]), m.tick_size) for m in markets))
        base.row("In value area", *(_held(market) for market in markets))
        base.row("Rule", *(f"{int(m.profile['step'])} row{'s' * (int(m.profile['step']) > 1)}" for m in markets))
        base.row("LVN", *(str(int(m.profile["lvn_count"])) for m in markets))
        base.row("HVN", *(str(int(m.profile["hvn_count"])) for m in markets))


def _before(markets: list[MarketReader], columns: int) -> None:
    known = [name for _, name in _PRIOR if any(_is_known(m, f"prior_{name}") for m in markets)]
    if known:
        base.heading("Session before")
        with base.table("prior", columns, first_share=0.9) as is_visible:
            if is_visible:
                for label, name in _PRIOR:
                    base.row(label, *(_level(m, f"prior_{name}") for m in markets))
    if any(_is_known(m, "overnight_high") for m in markets):
        base.heading("Overnight")
        with base.table("overnight", columns, first_share=0.9) as is_visible:
            if is_visible:
                base.row("High", *(_level(m, "overnight_high") for m in markets))
                base.row("Low", *(_level(m, "overnight_low") for m in markets))


def _all(color: Rgb, markets: list[MarketReader]) -> tuple[Rgb, ...]:
    return (color,) * len(markets)


def _is_known(market: MarketReader, name: str) -> bool:
    return int(market.session[name]) not in (UNDEF_PRICE, 0)


def _level(market: MarketReader, name: str) -> str:
    return words.price(int(market.session[name]), market.tick_size) if _is_known(market, name) else words.NONE


def _held(market: MarketReader) -> str:
    total = int(market.profile["total"])
    return f"{int(market.profile['value_area']) / total:.1%}".replace("%", " %") if total else words.NONE


def _tick(market: MarketReader) -> str:
    return words.price(market.tick_size, market.tick_size) if market.tick_size else words.NONE


def _tick_source(market: MarketReader) -> str:
    code = int(market.instrument["tick_source"])
    return _SOURCES.get(TickSource(code), words.NONE) if code in set(TickSource) else words.NONE
