"""What the editors of own levels and of drawings share: where their window is, and the row of colours."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.drawings import COLOR_NAMES, ColorName
from flow_gl.core.palette import Palette
from flow_gl.gl.view import Rect
from flow_gl.layers.drawings.levels import color_of
from flow_gl.ui.overlays.panels import base

WIDTH_PX: Final = 250.0
"""Width of an editor, px at content scale 1."""
_SHIFT_PX: Final = 14.0
"""Distance from what is edited, px at content scale 1."""
_NO_TOOLTIP: Final[int] = imgui.ColorEditFlags_.no_tooltip.value


def place_beside(x: float, y: float, pane: Rect, scale: float) -> None:
    """Place the next window above or below a point of a pane, within its width; px of the framebuffer."""
    dense, shift, width = imgui.get_io().display_framebuffer_scale.x, _SHIFT_PX * scale, WIDTH_PX * scale
    x = max(pane.x + shift, min(x, pane.right - width - 3 * shift))
    y = min(max(y, pane.y), pane.bottom)
    is_low = y > pane.y + 0.5 * pane.height
    at = x / dense, (y - shift if is_low else y + shift) / dense
    imgui.set_next_window_pos(at, imgui.Cond_.always.value, (0.0, 1.0 if is_low else 0.0))


def clicked_color(chosen: ColorName, palette: Palette) -> ColorName | None:
    """Draw a button for each colour, the chosen one with a border; return the name of the one that was clicked."""
    clicked: ColorName | None = None
    for at, name in enumerate(COLOR_NAMES):
        if at:
            imgui.same_line()
        imgui.push_style_var(imgui.StyleVar_.frame_border_size.value, 2.0 if name == chosen else 0.0)
        imgui.push_style_color(imgui.Col_.border.value, (*palette.text, 1.0))
        if imgui.color_button(name, (*color_of(palette, name), 1.0), _NO_TOOLTIP):
            clicked = name
        imgui.pop_style_color()
        imgui.pop_style_var()
        base.hint(name)
    return clicked
