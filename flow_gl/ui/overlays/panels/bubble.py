"""The numbers of a pinned bubble, in a separate window. It never covers its bubble."""

from typing import Final

import numpy as np
from imgui_bundle import imgui

from flow_gl.core.market.lod import threshold_at
from flow_gl.core.palette import Palette, Rgb
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import radius_of, reference_of, tick_size_of, volume_of
from flow_gl.layers.labels.words import bucket_text, percent
from flow_gl.layers.ranges.range_profile import read_range
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels import ladder
from flow_gl.ui.overlays.panels.base import ROW_SHARE, Row, Section, figures
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import sign_color
from flow_gl.ui.state.view_state import ViewState

WIDTH_PX: Final = 196.0
_MARGIN_PX: Final = 14.0
"""Distance of the window from the borders of its pane, ..."""
_MIN_ROWS: Final = 5
_MAX_ROWS: Final = 18
"""Rows of a ladder in view."""
_ROOM_PX: Final = 8.0
"""... and from the disc, at content scale 1."""


def lines(row: np.void, *, tick_size: int, bucket_ns: int, threshold: float) -> list[tuple[str, str, float]]:
    """Format a BUBBLE row as (label, value, sign) per line. The sign selects the value's colour; 0 is neutral."""
    buy, sell, unsided = int(row["buy"]), int(row["sell"]), int(row["unsided"])
    delta, sided = buy - sell, buy + sell
    share = abs(delta) / sided if sided else 0.0
    least = threshold_at(threshold, bucket_ns)
    is_significant = share > least
    start = int(row["ts_event"])

    def price(name: str) -> str:
        return words.price(int(row[name]), tick_size)

    return [
        ("Date", words.day(start), 0),
        ("Time", f"{words.clock(start, milliseconds=bucket_ns % SECOND_NS != 0)} {words.ZONE_NAME}", 0),
        ("Bucket", bucket_text(bucket_ns), 0),
        ("Average", words.points(int(row["price"]) / 1e9, tick_size), 0),
        ("Buy", words.number(buy), 1),
        ("Sell", words.number(sell), -1),
        ("No side", words.number(unsided), 0),
        ("Volume", words.number(sided + unsided), 0),
        ("Delta", words.signed(delta), delta),
        (
            "Imbalance",
            f"{100 * share:.1f} %" + (f"  above {percent(least)}" if is_significant else f"  within {percent(least)}"),
            delta if is_significant else 0,
        ),
        ("Trades", words.number(int(row["trade_count"])), 0),
        ("Open", price("open"), 0),
        ("High", price("high"), 0),
        ("Low", price("low"), 0),
        ("Close", price("close"), 0),
    ]


def draw_pinned(chart: ChartFrame, row: np.void, frame: Frame, state: ViewState, *, painter: Painter) -> None:
    """Draw the window of the pinned bubble: at the upper right of its chart.

    If it would cover the bubble there, it opens in another corner.
    """
    assert chart.market is not None
    assert chart.scene is not None
    own, palette = state.charts[chart.index], state.palette
    dense = imgui.get_io().display_framebuffer_scale.x
    name = f"Pinned###pinned{chart.index}"
    size_px = window_size(name, frame, dense)
    place = place_beside(chart.scene, _disc(chart.scene, row, own.pinned_lod), size_px, before=own.card_px)
    if place != own.card_px:
        imgui.set_next_window_pos((place[0] / dense, place[1] / dense), imgui.Cond_.always.value)
    is_filled, is_open = imgui.begin(name, True, window_flags())
    if is_filled:
        width = WIDTH_PX * frame.gui_scale
        imgui.dummy((width, 0))
        market = chart.market
        bucket_ns = market.widths_ns[own.pinned_lod]
        found = lines(row, tick_size=market.tick_size, bucket_ns=bucket_ns, threshold=state.filters.threshold)
        rows = [Row(label, (value,), (line_color(palette, sign),)) for label, value, sign in found]
        figures(Section("", rows), painter, palette)
        footprint = read_range(market, *times_of(market, row, bucket_ns), state.aggregation)
        if footprint.is_whole and len(footprint.rows):
            most, key = card_rows(chart.scene, len(rows), frame), ("bubble", own.pinned_lod, own.pinned_id)
            ladder.draw(footprint, most_rows=most, key=key, width=width, painter=painter, palette=palette)
        else:
            imgui.text_disabled("contracts by price are no longer kept")
    x, y = imgui.get_window_pos()
    own.card_px = x * dense, y * dense
    imgui.end()
    if is_open is False:
        own.pinned_id = None


def window_flags() -> int:
    """Return the flags of a window with numbers of the chart."""
    flags = imgui.WindowFlags_.no_saved_settings.value | imgui.WindowFlags_.always_auto_resize.value
    flags |= imgui.WindowFlags_.no_docking.value | imgui.WindowFlags_.no_nav.value
    return flags | imgui.WindowFlags_.no_focus_on_appearing.value | imgui.WindowFlags_.no_collapse.value


def card_rows(scene: Scene, lines_above: int, frame: Frame) -> int:
    """Return how many rows of a ladder fit below a number of lines into a window as high as the chart."""
    size = imgui.get_font_size()
    height = (scene.cvd_view.rect.bottom - scene.price_view.rect.y) / frame.scale
    room = (height - 2 * _MARGIN_PX) * frame.gui_scale
    room -= round(size * ROW_SHARE) * (lines_above + 1) + 4 * size
    return min(max(int(room / ladder.row_height(size)) - 1, _MIN_ROWS), _MAX_ROWS)


def times_of(reader: MarketReader, row: np.void, width_ns: int) -> tuple[int, int]:
    """Return start and end (ns) of a bubble; if a contract rolls in its bucket, those of its own contract's part."""
    start, end = int(row["ts_event"]), int(row["ts_event"]) + width_ns
    for roll in reader.rolls:
        if start <= int(roll["last_ts"]) < end and int(row["ts_last"]) <= int(roll["last_ts"]):
            return start, min(end, int(roll["first_ts"]) // reader.bucket_ns * reader.bucket_ns)
    return start, end


def place_beside(
    scene: Scene, disc: Rect, size_px: tuple[float, float], *, before: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the upper left corner of a window that does not cover a disc, framebuffer pixels.

    Parameters
    ----------
    disc : box of the disc
    size_px : width and height of the window
    before : where the window is; it stays there if it can
    """
    pane, margin = scene.price_view.rect, _MARGIN_PX * scene.price_view.scale
    width, height = size_px
    left, top = pane.x + margin, pane.y + margin
    right = max(left, min(scene.profile_rect.x, pane.right) - width - margin)
    bottom = max(top, pane.bottom - height - margin)
    corners = (right, top), (right, bottom), (left, top), (left, bottom)
    places = corners if before is None else (before, *corners)
    return next((place for place in places if not _meets(Rect(*place, width, height), disc)), places[0])


def _disc(scene: Scene, row: np.void, lod: int) -> Rect:
    """Return the box of a bubble's disc, with some room around it."""
    view = scene.price_view
    radius = radius_of(volume_of(row), reference_of(scene), scene.style, view.scale)
    radius += _ROOM_PX * view.scale
    x = float(view.bubble_xs(np.array([int(row["id"])]), scene.reader.widths_ns[lod])[0])
    y = view.screen_y(int(row["price"]) / tick_size_of(scene))
    return Rect(x - radius, y - radius, 2 * radius, 2 * radius)


def _meets(a: Rect, b: Rect) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def window_size(name: str, frame: Frame, dense: float) -> tuple[float, float]:
    """Return the size (framebuffer pixels) of a window with numbers, as it was last drawn; an estimate before that."""
    window = imgui.internal.find_window_by_name(name)
    if window is None or window.size.x < WIDTH_PX * frame.gui_scale:
        return 1.15 * WIDTH_PX * frame.scale, 1.7 * WIDTH_PX * frame.scale
    return window.size.x * dense, window.size.y * dense


def line_color(palette: Palette, sign: float) -> Rgb | None:
    """Return the colour of a value by its sign; None for the text's own."""
    return sign_color(palette, sign) if sign else None
