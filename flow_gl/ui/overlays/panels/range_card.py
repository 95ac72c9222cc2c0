"""A window with the numbers of the marked range, one in each chart."""

from typing import Final

import numpy as np
from imgui_bundle import imgui

from flow_gl.core.schema import GapKind
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.labels.words import length_text
from flow_gl.layers.ranges.places import marked_band
from flow_gl.layers.ranges.range_profile import RangeProfile
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels import ladder
from flow_gl.ui.overlays.panels.base import Row, Section, figures
from flow_gl.ui.overlays.panels.bubble import WIDTH_PX, card_rows, line_color, window_flags, window_size
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.state.view_state import ViewState

_MARGIN_PX: Final = 14.0
_LINES: Final = 16
"""Lines of numbers above the ladder."""
_GAP_WORDS: Final = {
    GapKind.FEED: "Feed gap: {} of trades are missing",
    GapKind.NO_TRADES: "No trades for {}",
    GapKind.CLOSED: "The exchange was closed for {}",
}


def lines(found: RangeProfile) -> list[tuple[str, str, float]]:
    """Format a range as (label, value, sign) per line; see `bubble.lines`."""
    delta = found.buy - found.sell
    tick_size = found.tick_size
    moved = found.ticks_moved

    def price(value: int) -> str:
        return words.price(value, tick_size)

    held = f"{100 * found.held / found.volume:.1f} %" if found.volume else words.NONE
    return [
        ("From", _moment(found.start_ns), 0),
        ("To", _moment(found.end_ns), 0),
        ("Duration", length_text(found.end_ns - found.start_ns), 0),
        ("Trades", words.number(found.trade_count), 0),
        ("Volume", words.number(found.volume), 0),
        ("Buy", words.number(found.buy), 1),
        ("Sell", words.number(found.sell), -1),
        ("No side", words.number(found.unsided), 0),
        ("Delta", words.signed(delta), delta),
        ("Moved", f"{words.signed(moved)} tick{'s' * (abs(moved) != 1)}", moved),
        ("High", price(found.high), 0),
        ("Low", price(found.low), 0),
        ("VAH", price(found.vah), 0),
        ("POC", price(found.poc), 0),
        ("VAL", price(found.val), 0),
        ("In value area", held, 0),
    ]


def notes(reader: MarketReader, found: RangeProfile) -> list[str]:
    """Return the notes that a user needs to read a range's numbers correctly."""
    lines = []
    if found.is_cut:
        lines.append(f"The contract changes within the range: these are the numbers of {reader.symbol}")
    if not found.is_whole and _has_traded_before(reader, found):
        lines.append(
            f"Contracts by price are kept only from {_moment(found.known_start_ns)} to {_moment(found.known_end_ns)}"
        )
    for kind, text in _GAP_WORDS.items():
        gaps = reader.gaps[reader.gaps["kind"] == kind]
        missing = np.minimum(gaps["end"], found.end_ns) - np.maximum(gaps["start"], found.start_ns)
        if (missing > 0).any():
            lines.append(text.format(length_text(int(missing[missing > 0].sum()))))
    return lines


def _has_traded_before(reader: MarketReader, found: RangeProfile) -> bool:
    """Whether a part of the range that is no longer kept lies after the chart's first trade."""
    first_ns = reader.first_ns
    return first_ns is not None and first_ns < found.known_start_ns


def _moment(t_ns: int) -> str:
    weekday = words.day(t_ns).split()[0]
    return f"{weekday} {words.clock(t_ns)}"


def draw(chart: ChartFrame, found: RangeProfile, frame: Frame, state: ViewState, *, painter: Painter) -> None:
    """Draw the window of the marked range in a chart."""
    assert chart.market is not None
    assert chart.scene is not None
    own, palette = state.charts[chart.index], state.palette
    dense = imgui.get_io().display_framebuffer_scale.x
    name = f"Range###range{chart.index}"
    place = _place(chart.scene, window_size(name, frame, dense), own.card_px, own.range_card_px)
    if place != own.range_card_px:
        imgui.set_next_window_pos((place[0] / dense, place[1] / dense), imgui.Cond_.always.value)
    is_filled, is_open = imgui.begin(name, True, window_flags())
    if is_filled:
        width = WIDTH_PX * frame.gui_scale
        imgui.dummy((width, 0))
        rows = [Row(label, (value,), (line_color(palette, sign),)) for label, value, sign in lines(found)]
        figures(Section("", rows), painter, palette)
        for note in notes(chart.market, found):
            imgui.push_text_wrap_pos(imgui.get_cursor_pos_x() + width)
            imgui.text_unformatted(note)
            imgui.pop_text_wrap_pos()
        if len(found.rows):
            most = card_rows(chart.scene, _LINES, frame)
            key = "range", found.start_ns
            ladder.draw(found, most_rows=most, key=key, width=width, painter=painter, palette=palette)
    x, y = imgui.get_window_pos()
    own.range_card_px = x * dense, y * dense
    imgui.end()
    if is_open is False:
        state.marked = None


def _place(
    scene: Scene,
    size_px: tuple[float, float],
    other_px: tuple[float, float] | None,
    before: tuple[float, float] | None,
) -> tuple[float, float]:
    """Return the window's upper left corner, px: its current one, otherwise a free corner of the chart if there is one.

    Parameters
    ----------
    other_px : the window of the pinned bubble
    """
    if before is not None:
        return before
    pane, margin = scene.price_view.rect, _MARGIN_PX * scene.price_view.scale
    width, height = size_px
    left, top = pane.x + margin, pane.y + margin
    right = max(left, min(scene.profile_rect.x, pane.right) - width - margin)
    taken = [marked_band(scene)]
    if other_px is not None:
        taken.insert(0, Rect(*other_px, width, height))
    places = [(left, top), (right, top)]
    for meets in (taken, taken[:-1]):
        for place in places:
            if not any(Rect(*place, width, height).overlaps(rect) for rect in meets):
                return place
    return places[0]
