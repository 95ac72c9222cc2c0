"""The list of symbols: what a chart can show, found by a few letters.

The feed's markets come first, then what it could chart beside them. Up and Down select, Enter chooses, Esc or a click
elsewhere closes; the mouse can do all of it too.
"""

from functools import partial
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.market.instrument import symbol_from
from flow_gl.ui.input import fuzzy
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.pick_list import Box, PickList, row_height
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.arrangement import MAX_CHARTS
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "symbols"
_WIDTH_PX: Final = 460.0
_TOP_SHARE: Final = 0.16
_ROWS: Final = 11
_NO_KEYS: Final[int] = imgui.WindowFlags_.no_nav_inputs.value


class Row(NamedTuple):
    """A symbol.

    Attributes
    ----------
    detail : contract and last price, or that it is not read yet
    is_there : the feed has a market of it
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
    detail = "ask the gateway" if frame.link.asks_for else "not read yet"
    found += [Row(symbol, detail, False) for symbol in frame.link.offered if symbol not in there]
    if not query.strip():
        return found
    scored = ((fuzzy.match(query, row.symbol), at, row) for at, row in enumerate(found))
    matching = [(-match.score, at, row) for match, at, row in scored if match is not None]
    best = [row for _, _, row in sorted(matching, key=lambda one: one[:2])]
    typed = symbol_from(query, frame.link.asks_for)
    if typed and typed not in (row.symbol for row in found):
        best.append(Row(typed, "ask the gateway", False))
    return best


def _nothing(frame: Frame) -> str:
    """Return what to say where no symbol matches."""
    if frame.link.asks_for == "continuous":
        return "type a root such as CL, or a continuous symbol such as CL.v.0"
    names = [chart_list.symbol_of(market) for market in frame.link.markets]
    has = f"; it has {', '.join(names)}" if names and not frame.link.offered else ""
    return f"no symbol of this feed has these letters{has}"


class SymbolList:
    """The list's window."""

    def __init__(self) -> None:
        self._list: Final[PickList[Row]] = PickList(_ROWS)
        self._query = ""
        self._chart: int | None = None
        self._is_due = False

    def ask(self, chart: int | None) -> None:
        """Open the list in the next frame, for a chart's symbol; None for another chart."""
        self._is_due, self._chart = True, chart

    def draw(self, frame: Frame, state: ViewState) -> str:
        """Draw the list if it is open; apply what is chosen. Returns one line for the user, or ""."""
        is_new, self._is_due = self._is_due, False
        if not is_new and not imgui.is_popup_open(POPUP):
            return ""
        if is_new:
            self._query = ""
            self._list.select_first()
            imgui.open_popup(POPUP)
        unit, viewport = frame.gui_scale, imgui.get_main_viewport()
        width = min(_WIDTH_PX * unit, 0.94 * viewport.size.x)
        left = viewport.pos.x + 0.5 * (viewport.size.x - width)
        imgui.set_next_window_pos((left, viewport.pos.y + _TOP_SHARE * viewport.size.y))
        imgui.set_next_window_size((width, 0.0))
        if not imgui.begin_popup(POPUP, _NO_KEYS | imgui.WindowFlags_.no_move.value):
            return ""
        title = "Add a chart of" if self._chart is None else f"Chart {self._chart + 1} shows"
        imgui.text_disabled(title)
        if is_new:
            imgui.set_keyboard_focus_here()
        imgui.set_next_item_width(-1.0)
        changed, self._query = imgui.input_text_with_hint("##query", "find a symbol", self._query)
        if changed:
            self._list.select_first()
        found = rows(self._query, frame)
        chosen = self._list.entered(found)
        if not found:
            imgui.text_disabled(_nothing(frame))
        if found and imgui.begin_child("rows", (0.0, min(_ROWS, len(found)) * row_height()), 0, _NO_KEYS):
            chosen = self._list.clicked(found, state.palette, partial(_draw_row, state=state)) or chosen
        if found:
            imgui.end_child()
        said = ""
        if chosen is not None:
            said = _choose(chosen, self._chart, frame, state)
            imgui.close_current_popup()
        imgui.end_popup()
        return said


def _choose(row: Row, chart: int | None, frame: Frame, state: ViewState) -> str:
    """Show a symbol, or ask the feed for it first. Returns one line for the user, or ""."""
    if chart is None and len(frame.markets) >= MAX_CHARTS:
        return chart_list.FULL
    if not row.is_there and (problem := frame.link.add(row.symbol)):
        return problem
    if chart is None:
        problem = chart_list.add(state, frame.markets, row.symbol)
        if problem:
            return problem
    else:
        chart_list.change(state, frame.markets, chart, row.symbol)
    return "" if row.is_there else f"{row.symbol} is being read; the other charts go on"


def _draw_row(row: Row, box: Box, state: ViewState) -> None:
    x, y, width, height = box
    palette, draw, size = state.palette, imgui.get_window_draw_list(), imgui.get_font_size()
    middle, pad = round(y + 0.5 * (height - size)), 0.7 * size
    draw.add_text((round(x + pad), middle), u32(palette.text), row.symbol)
    right = x + width - pad - imgui.calc_text_size(row.detail).x
    draw.add_text((round(right), middle), u32(palette.quiet), row.detail)
