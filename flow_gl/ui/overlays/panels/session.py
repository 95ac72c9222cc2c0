"""Session panel, one column per chart: prices, volume, profile levels, the previous session, the contract."""

from typing import Final

from flow_gl.core.palette import Palette, Rgb
from flow_gl.core.schema import UNDEF_PRICE, TickSource
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame, one_per_market
from flow_gl.ui.overlays.panels.base import Content, Row, Section
from flow_gl.ui.paint.theme import sign_color
from flow_gl.ui.state.view_state import ViewState

_SOURCES: Final = {
    TickSource.DEFINITION: "definition",
    TickSource.TABLE: "built-in table",
    TickSource.OBSERVED: "prices seen",
}
_RANGE: Final = (
    ("Last", "last_price", ""),
    ("Open", "open", "partial"),
    ("High", "high", "partial"),
    ("Low", "low", "partial"),
)
_PRIOR: Final = (("High", "high"), ("Low", "low"), ("Close", "close"), ("POC", "poc"), ("VAH", "vah"), ("VAL", "val"))


def content() -> Content:
    """Return what the panel shows."""
    return Content(form=form)


def form(frame: Frame, state: ViewState) -> list[Section]:
    """Return the panel's sections."""
    shown = [(chart.index, chart.market) for chart in one_per_market(frame.charts) if chart.market]
    shown = [(index, market) for index, market in shown if market.session["trade_count"]]
    markets = [market for _, market in shown]
    references = [state.charts[index].cvd_reference(market) for index, market in shown]
    if not markets:
        return [Section("", [Row("no trades yet", ())])]
    sections = _prices(markets), _volume(markets, references, state), _profile(markets), *_before(markets)
    names = [Row("", tuple(market.symbol for market in markets))] if len(markets) > 1 else []
    return [
        Section(section.heading, [*names, *section.rows], is_by_instrument=True)
        for section in (*sections, _contract(markets))
    ]


def _prices(markets: list[MarketReader]) -> Section:
    rows = [
        Row(
            label,
            tuple(f"{words.price(int(m.session[name]), m.tick_size)}{_suffix(m, field)}" for m in markets),
        )
        for label, name, field in _RANGE
    ]
    if any(market.session["partial"] or market.session["unscheduled"] for market in markets):
        rows.insert(0, Row("Session", tuple(map(_begins, markets))))
    rows.append(
        Row("VWAP", tuple(f"{words.points(float(m.session['vwap']), m.tick_size)}{_suffix(m)}" for m in markets))
    )
    rows.append(Row("1 std. dev.", tuple(words.points(float(m.session["vwap_sd"]), m.tick_size) for m in markets)))
    return Section("Price", rows)


def _begins(market: MarketReader) -> str:
    """Say from when a session has data."""
    session = market.session
    if session["unscheduled"]:
        return "unscheduled"
    if session["partial"]:
        return f"data from {words.since(int(session['first_ts']), int(session['last_ts']))}"
    return "from its open"


def _volume(markets: list[MarketReader], references: list[CvdReference | None], state: ViewState) -> Section:
    palette, count = state.palette, words.number
    sessions = [market.session for market in markets]
    cvd = [int(s["cvd"]) for s in sessions]

    def row(label: str, name: str, color: Rgb | None = None) -> Row:
        return Row(label, tuple(count(int(s[name])) for s in sessions), (color,) * len(sessions))

    return Section(
        "Volume",
        [
            Row("Contracts", tuple(count(int(s["buy"] + s["sell"] + s["unsided"])) for s in sessions)),
            row("Buy", "buy", palette.buy),
            row("Sell", "sell", palette.sell),
            row("No side", "unsided"),
            Row("CVD", tuple(map(words.signed, cvd)), tuple(sign_color(palette, value) for value in cvd)),
            *_since(cvd, references, palette),
            Row("CVD high", tuple(words.signed(int(s["cvd_high"])) for s in sessions)),
            Row("CVD low", tuple(words.signed(int(s["cvd_low"])) for s in sessions)),
            row("Trades", "trade_count"),
            row("Bubbles", "bubble_count"),
            row("Largest disc", "reference"),
        ],
    )


def _since(cvd: list[int], references: list[CvdReference | None], palette: Palette) -> list[Row]:
    """Return CVD since the charts' references, and from when it counts; nothing without a reference."""
    if not any(references):
        return []
    counted = [None if one is None else value - one.cvd for value, one in zip(cvd, references, strict=True)]
    values = tuple(words.NONE if value is None else words.signed(value) for value in counted)
    colors = tuple(None if value is None else sign_color(palette, value) for value in counted)
    moments = tuple(words.NONE if one is None else words.clock(one.at_ns) for one in references)
    return [Row("CVD since R", values, colors), Row("R pressed at", moments)]


def _profile(markets: list[MarketReader]) -> Section:
    rows = [
        Row(
            label.upper(),
            tuple(f"{words.price(int(m.profile[label]), m.tick_size)}{_suffix(m)}" for m in markets),
        )
        for label in ("poc", "vah", "val")
    ]
    rows.insert(0, Row("Hours", tuple(_hours(bool(m.profile["is_regular"])) for m in markets)))
    rows.append(Row("In value area", tuple(map(_held, markets))))
    steps = [int(m.profile["step"]) for m in markets]
    rows.append(Row("Rule", tuple(f"{step} row{'s' * (step > 1)}" for step in steps)))
    rows.append(Row("LVN", tuple(str(int(m.profile["lvn_count"])) for m in markets)))
    rows.append(Row("HVN", tuple(str(int(m.profile["hvn_count"])) for m in markets)))
    return Section("Profile", rows)


def _hours(is_regular: bool) -> str:
    return "regular, from 09:30" if is_regular else "Globex"


def _before(markets: list[MarketReader]) -> list[Section]:
    found = []
    if any(_is_known(m, f"prior_{name}") for m in markets for _, name in _PRIOR):
        rows = [Row(label, tuple(_level(m, f"prior_{name}") for m in markets)) for label, name in _PRIOR]
        if any(market.session["prior_regular"] for market in markets):
            rows.append(Row("Hours of POC, VA", tuple(_hours(bool(m.session["prior_regular"])) for m in markets)))
        found.append(Section("Previous session", rows))
    if any(_is_known(m, "overnight_high") for m in markets):
        sides = (("High", "overnight_high"), ("Low", "overnight_low"))
        found.append(
            Section("Overnight", [Row(label, tuple(_level(m, name) for m in markets)) for label, name in sides])
        )
    return found


def _contract(markets: list[MarketReader]) -> Section:
    return Section(
        "Contract",
        [
            Row("Tick", tuple(map(_tick, markets))),
            Row("source", tuple(map(_tick_source, markets))),
            Row("Point value", tuple(words.points(float(m.instrument["point_value"]), 0) for m in markets)),
        ],
    )


def _is_known(market: MarketReader, name: str) -> bool:
    return int(market.session[name]) not in (UNDEF_PRICE, 0)


def _level(market: MarketReader, name: str) -> str:
    if not _is_known(market, name):
        return words.NONE
    suffix = _suffix(market, "prior_partial" if name.startswith("prior") else "partial")
    return f"{words.price(int(market.session[name]), market.tick_size)}{suffix}"


def _suffix(market: MarketReader, field: str = "partial") -> str:
    """Return "*" for a level whose session lacks its beginning, else ""."""
    return "*" if field and market.session[field] else ""


def _held(market: MarketReader) -> str:
    total = int(market.profile["total"])
    return f"{int(market.profile['value_area']) / total:.1%}".replace("%", " %") if total else words.NONE


def _tick(market: MarketReader) -> str:
    return words.price(market.tick_size, market.tick_size) if market.tick_size else words.NONE


def _tick_source(market: MarketReader) -> str:
    code = int(market.instrument["tick_source"])
    return _SOURCES.get(TickSource(code), words.NONE) if code in set(TickSource) else words.NONE
