"""A footprint as a ladder: contracts sold and bought at each price, the highest first, with imbalances marked.

It scrolls where it has more prices than rows, and then says so; it opens at the price with the most contracts.
"""

from collections.abc import Hashable
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.market.footprint import totals
from flow_gl.core.palette import Palette
from flow_gl.layers.ranges.range_profile import RangeProfile
from flow_gl.ui.overlays import words
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import u32

_ROW_SHARE: Final = 1.32
"""Height of a row as a multiple of the text size."""
_FLAGS: Final[int] = imgui.WindowFlags_.no_nav.value
_HEADINGS: Final = ("Sell", "Buy")


def row_height(size: float) -> int:
    """Return the height of a row for a text size."""
    return round(size * _ROW_SHARE)


def draw(
    found: RangeProfile, *, most_rows: int, key: Hashable, width: float, painter: Painter, palette: Palette
) -> None:
    """Draw a ladder at ImGui's cursor.

    Parameters
    ----------
    most_rows : prices in view
    key : names the footprint: a new one opens at its POC
    width : ImGui units
    """
    count, size = len(found.rows), imgui.get_font_size()
    line_height = row_height(size)
    shown = min(count, most_rows)
    left, top = imgui.get_cursor_screen_pos()
    columns = _columns(width - imgui.get_style().scrollbar_size)
    add_text = imgui.get_window_draw_list().add_text
    for heading, right in zip(_HEADINGS, columns, strict=True):
        add_text((left + right - painter.points(heading), top), u32(palette.quiet), heading)
    add_text((left, top), u32(palette.quiet), "Price")
    imgui.dummy((width, line_height))
    if imgui.begin_child(f"ladder{key}", (width, shown * line_height), window_flags=_FLAGS):
        if imgui.is_window_appearing() and shown < count:
            at = count - 1 - int(found.rows["price"].searchsorted(found.poc))
            imgui.set_scroll_y(max(0.0, (at - shown // 2) * line_height))
        _rows(found, columns, line_height, painter, palette)
    imgui.end_child()
    if shown < count:
        imgui.text_disabled(f"scroll: {shown} of {count} prices in view")


def _columns(width: float) -> tuple[float, float]:
    """Return the right ends of the columns sell and buy."""
    return round(0.70 * width), round(width)


def _rows(found: RangeProfile, columns: tuple[float, float], height: int, painter: Painter, palette: Palette) -> None:
    """Draw the rows in view and take the room of all of them."""
    rows, count = found.rows, len(found.rows)
    left, top = imgui.get_cursor_screen_pos()
    scroll, inner = imgui.get_scroll_y(), imgui.get_window_height()
    first, stop = max(0, int(scroll // height)), min(count, int((scroll + inner) // height) + 1)
    draws = imgui.get_window_draw_list()
    most = int(totals(rows).max(initial=1))
    sell_right, buy_right = left + columns[0], left + columns[1]
    cell = 0.5 * (columns[1] - columns[0])
    for line in range(first, stop):
        at = count - 1 - line
        y = top + line * height
        price, buy, sell, unsided = (int(rows[name][at]) for name in ("price", "buy", "sell", "unsided"))
        bar = (buy + sell + unsided) / most * columns[1]
        draws.add_rect_filled((left, y), (left + bar, y + height - 1), u32(palette.quiet, 0.10))
        for is_marked, right, color in (
            (found.is_sell_imbalance[at], sell_right, palette.sell),
            (found.is_buy_imbalance[at], buy_right, palette.buy),
        ):
            if is_marked:
                draws.add_rect_filled((right - 2 * cell + 4, y), (right + 3, y + height - 1), u32(color, 0.30))
        is_poc = price == found.poc
        _text(draws, left + 2, y, words.price(price, found.tick_size), palette.attention if is_poc else palette.text)
        for contracts, right, color in ((sell, sell_right, palette.sell), (buy, buy_right, palette.buy)):
            text = words.number(contracts)
            _text(draws, right - painter.points(text), y, text, color if contracts else palette.quiet)
    imgui.dummy((columns[1], count * height))


def _text(draws: imgui.ImDrawList, x: float, y: float, text: str, color: tuple[float, float, float]) -> None:
    draws.add_text((round(x), y), u32(color), text)
