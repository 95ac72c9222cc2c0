"""A bubble's numbers: in a tooltip at the mouse, and in a window of their own once the bubble is pinned."""

from typing import Final

import numpy as np
from imgui_bundle import imgui

from flow_gl.core.market.lod import threshold_at
from flow_gl.core.palette import Palette, Rgb
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.labels.words import bucket_text, percent
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels.base import Row, Section, figures
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import sign_color
from flow_gl.ui.state.view_state import ViewState

_WIDTH_PX: Final = 196.0


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
        ("Time", f"{words.clock(start, milliseconds=bucket_ns % SECOND_NS != 0)} {words.ZONE_NAME}", 0),
        ("Bucket", bucket_text(bucket_ns), 0),
        ("Average", words.points(int(row["price"]) / 1e9, tick_size), 0),
        ("Buy", words.number(buy), 1),
        ("Sell", words.number(sell), -1),
        ("No side", words.number(unsided), 0),
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


def draw_hovered(chart: ChartFrame, row: np.void, frame: Frame, state: ViewState, *, painter: Painter) -> None:
    """Draw the tooltip of the bubble under the mouse."""
    assert chart.scene is not None
    scale = frame.gui_scale
    mouse = imgui.get_mouse_pos()
    viewport = imgui.get_main_viewport()
    # Beside the mouse, on the side with room, so that the bubble stays visible.
    is_right = mouse.x + (_WIDTH_PX + 60) * scale < viewport.size.x
    pivot = (0.0 if is_right else 1.0, 0.0 if mouse.y < viewport.size.y * 0.6 else 1.0)
    shift = 22 * scale
    imgui.set_next_window_pos((mouse.x + (shift if is_right else -shift), mouse.y), imgui.Cond_.always.value, pivot)
    _plate("##hovered", chart, row, frame, state, painter=painter)


def draw_pinned(chart: ChartFrame, row: np.void, frame: Frame, state: ViewState, *, painter: Painter) -> None:
    """Draw the window of the pinned bubble; it appears at the upper right of its chart."""
    scale, pane = frame.gui_scale, chart.layout.price
    dense = imgui.get_io().display_framebuffer_scale.x
    place = (pane.right / dense - (130 + _WIDTH_PX) * scale, pane.y / dense + 14 * scale)
    imgui.set_next_window_pos(place, imgui.Cond_.appearing.value)
    _plate(f"Pinned###pinned{chart.index}", chart, row, frame, state, painter=painter)


def _plate(name: str, chart: ChartFrame, row: np.void, frame: Frame, state: ViewState, *, painter: Painter) -> None:
    assert chart.market is not None
    assert chart.scene is not None
    market, palette = chart.market, state.palette
    own = state.charts[chart.index]
    is_pinned = not name.startswith("##")
    lod = own.pinned_lod if is_pinned else chart.scene.lod
    flags = imgui.WindowFlags_.no_saved_settings.value | imgui.WindowFlags_.always_auto_resize.value
    flags |= imgui.WindowFlags_.no_docking.value | imgui.WindowFlags_.no_nav.value
    flags |= imgui.WindowFlags_.no_focus_on_appearing.value
    if not is_pinned:
        flags |= imgui.WindowFlags_.no_title_bar.value | imgui.WindowFlags_.no_inputs.value
    else:
        flags |= imgui.WindowFlags_.no_collapse.value
    is_filled, is_open = imgui.begin(name, True if is_pinned else None, flags)
    if is_filled:
        imgui.dummy((_WIDTH_PX * frame.gui_scale, 0))
        bucket_ns = market.widths_ns[lod]
        found = lines(row, tick_size=market.tick_size, bucket_ns=bucket_ns, threshold=state.filters.threshold)
        rows = [Row(label, (value,), (_color(palette, sign),)) for label, value, sign in found]
        figures(Section("", rows), painter, palette)
    imgui.end()
    if is_pinned and is_open is False:
        own.pinned_id = None


def _color(palette: Palette, sign: float) -> Rgb | None:
    return sign_color(palette, sign) if sign else None
