"""Draws the tooltip of what the mouse points at, beside the mouse."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.hover.table import describe
from flow_gl.ui.overlays.hover.tip import spot_at
from flow_gl.ui.overlays.panels.base import Row, Section, figures
from flow_gl.ui.overlays.panels.bubble import WIDTH_PX, line_color
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.state.pointed import BUBBLE, Pointed
from flow_gl.ui.state.view_state import ViewState

_SHIFT_PX: Final = 22.0
"""Distance from the mouse, at content scale 1."""
_FLAGS: Final[int] = (
    imgui.WindowFlags_.no_saved_settings.value
    | imgui.WindowFlags_.always_auto_resize.value
    | imgui.WindowFlags_.no_docking.value
    | imgui.WindowFlags_.no_nav.value
    | imgui.WindowFlags_.no_focus_on_appearing.value
    | imgui.WindowFlags_.no_title_bar.value
    | imgui.WindowFlags_.no_inputs.value
)


def is_at_right(x: float, width: float, pane: tuple[float, float], window: float) -> bool:
    """Return whether a tooltip is drawn at the right of the mouse.

    It is at the side where it fits into the pane, the right one first; without such a side, where it fits into the
    window; otherwise where there is more room.

    Parameters
    ----------
    x, width : of the mouse and of the tooltip with its distance from it
    pane : left and right border
    window : its width
    """
    for left, right in (pane, (0.0, window)):
        if x + width < right:
            return True
        if x - width >= left:
            return False
    return window - x > x


def draw(chart: ChartFrame, frame: Frame, state: ViewState, painter: Painter) -> None:
    """Draw the tooltip of a chart, if the mouse points at something there."""
    own, cursor = state.charts[chart.index], state.cursor_px
    pointed = own.pointed
    if pointed is None or cursor is None or chart.scene is None:
        return
    if pointed == Pointed(BUBBLE, (own.pinned_lod, own.pinned_id)):
        return  # the pinned bubble's window has the same numbers, and more
    tip = describe(spot_at(chart.scene, cursor, state), pointed)
    if tip is None:
        return
    scale, palette = frame.gui_scale, state.palette
    mouse, viewport = imgui.get_mouse_pos(), imgui.get_main_viewport()
    # Beside the mouse, where it covers neither what is under the mouse nor the price axis, if the chart has that room.
    dense, width = frame.scale / frame.gui_scale, (WIDTH_PX + 60) * scale
    pane = chart.layout.price
    is_right = is_at_right(mouse.x, width, (pane.x / dense, pane.right / dense), viewport.size.x)
    pivot = (0.0 if is_right else 1.0, 0.0 if mouse.y < viewport.size.y * 0.6 else 1.0)
    shift = _SHIFT_PX * scale
    imgui.set_next_window_pos((mouse.x + (shift if is_right else -shift), mouse.y), imgui.Cond_.always.value, pivot)
    is_filled, _ = imgui.begin(f"##{pointed.kind}", None, _FLAGS)
    if is_filled:
        imgui.dummy((WIDTH_PX * scale, 0))
        if tip.title:
            imgui.text_unformatted(tip.title)
        rows = [Row(label, (value,), (line_color(palette, sign),)) for label, value, sign in tip.lines]
        figures(Section("", rows), painter, palette)
        for note in tip.notes:
            imgui.push_text_wrap_pos(imgui.get_cursor_pos_x() + WIDTH_PX * scale)
            imgui.text_unformatted(note)
            imgui.pop_text_wrap_pos()
    imgui.end()
