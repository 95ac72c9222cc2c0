"""The look of the overlays: Dear ImGui's style filled from the palette, and colours as its draw lists take them."""

from functools import lru_cache
from pathlib import Path
from typing import Final

import imgui_bundle
from imgui_bundle import imgui

from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.ui.overlays.status import Tone

FONT_PX: Final = 14.0
"""Size of the overlays' text at content scale 1."""
ROUNDING_PX: Final = 4.0
PANEL_ALPHA: Final = 0.93
"""Translucent, and legible over a busy chart."""


def font_path(name: str) -> Path:
    """Return the path of a Roboto face ("Regular" or "Bold"; tabular figures) in imgui_bundle's assets."""
    return Path(imgui_bundle.__file__).parent / "assets" / "fonts" / "Roboto" / f"Roboto-{name}.ttf"


@lru_cache(maxsize=1024)
def u32(color: Rgb, alpha: float = 1.0) -> int:
    """Return a colour in the format of draw lists: 0xAABBGGRR."""
    red, green, blue = (round(255 * component) for component in color)
    return round(255 * alpha) << 24 | blue << 16 | green << 8 | red


def tone_color(palette: Palette, tone: Tone) -> Rgb:
    return {
        Tone.GOOD: palette.buy,
        Tone.QUIET: palette.quiet,
        Tone.INFORMATION: palette.information,
        Tone.ATTENTION: palette.attention,
        Tone.ALARM: palette.sell,
    }[tone]


def sign_color(palette: Palette, value: float) -> Rgb:
    """Return the colour for a sign: buy, sell or quiet."""
    if value > 0:
        return palette.buy
    return palette.sell if value < 0 else palette.quiet


def apply(palette: Palette, scale: float) -> None:
    """Fill the current ImGui context's style. May be called again, because all sizes are computed from `scale`."""
    style = imgui.get_style()
    style.font_size_base = FONT_PX
    style.font_scale_main = scale
    rounding = ROUNDING_PX * scale
    for name in ("window", "child", "popup", "frame", "scrollbar", "grab", "tab"):
        setattr(style, f"{name}_rounding", rounding)
    style.window_padding = imgui.ImVec2(12 * scale, 10 * scale)
    style.frame_padding = imgui.ImVec2(8 * scale, 4 * scale)
    style.item_spacing = imgui.ImVec2(8 * scale, 6 * scale)
    style.item_inner_spacing = imgui.ImVec2(6 * scale, 4 * scale)
    style.cell_padding = imgui.ImVec2(6 * scale, 2 * scale)
    style.scrollbar_size = 10 * scale
    style.grab_min_size = 8 * scale
    style.indent_spacing = 14 * scale
    style.window_border_size = style.popup_border_size = 1.0
    style.frame_border_size = style.tab_border_size = 0.0
    style.window_title_align = imgui.ImVec2(0.0, 0.5)
    style.window_menu_button_position = imgui.Dir.none
    style.docking_separator_size = 2 * scale
    style.separator_text_border_size = 1.0
    style.separator_text_padding = imgui.ImVec2(0.0, 2 * scale)
    style.window_min_size = imgui.ImVec2(160 * scale, 40 * scale)
    for name, color, alpha in colors(palette):
        style.set_color_(getattr(imgui.Col_, name).value, imgui.ImVec4(*color, alpha))


def colors(palette: Palette) -> list[tuple[str, Rgb, float]]:
    """Return the colours of Dear ImGui's style: name, colour, alpha."""
    raised, grid, text, quiet, info = palette.raised, palette.grid, palette.text, palette.quiet, palette.information
    field = mix(raised, quiet, 0.14)
    hovered, active = mix(raised, info, 0.28), mix(raised, info, 0.42)
    # Rows of menus and lists hold quiet text too.
    row_hovered, row_active = mix(raised, info, 0.12), mix(raised, info, 0.14)
    found: list[tuple[str, Rgb, float]] = [
        ("text", text, 1.0),
        ("text_disabled", quiet, 1.0),
        ("window_bg", raised, PANEL_ALPHA),
        ("child_bg", raised, 0.0),
        ("popup_bg", raised, 0.97),
        ("border", mix(grid, quiet, 0.22), 1.0),
        ("border_shadow", raised, 0.0),
        ("title_bg", mix(raised, palette.ground, 0.35), PANEL_ALPHA),
        ("title_bg_active", mix(raised, palette.ground, 0.35), 1.0),
        ("title_bg_collapsed", raised, PANEL_ALPHA),
        ("menu_bar_bg", raised, 1.0),
        ("scrollbar_bg", raised, 0.0),
        ("separator", grid, 1.0),
        ("check_mark", info, 1.0),
        ("checkbox_selected_bg", field, 1.0),
        ("slider_grab", info, 0.6),
        ("slider_grab_active", info, 0.8),
        ("plot_lines", info, 1.0),
        ("plot_lines_hovered", palette.attention, 1.0),
        ("plot_histogram", info, 0.8),
        ("plot_histogram_hovered", palette.attention, 1.0),
        ("table_header_bg", raised, 0.0),
        ("table_border_strong", grid, 1.0),
        ("table_border_light", grid, 0.7),
        ("table_row_bg", raised, 0.0),
        ("table_row_bg_alt", mix(raised, quiet, 0.06), 0.6),
        ("text_link", info, 1.0),
        ("text_selected_bg", info, 0.35),
        ("input_text_cursor", text, 1.0),
        ("docking_preview", info, 0.45),
        ("docking_empty_bg", palette.ground, 0.0),
        ("nav_cursor", info, 0.8),
        ("drag_drop_target", info, 1.0),
        ("modal_window_dim_bg", palette.ground, 0.5),
        ("tab_selected_overline", info, 1.0),
        ("tab_dimmed_selected_overline", quiet, 0.6),
    ]
    found += [(name, field, 1.0) for name in ("frame_bg", "button", "tab", "tab_dimmed", "scrollbar_grab")]
    found += [(name, mix(raised, palette.ground, 0.35), 1.0) for name in ("tab_selected", "tab_dimmed_selected")]
    found += [("header_hovered", row_hovered, 1.0), ("header_active", row_active, 1.0)]
    for name in ("frame_bg", "button", "scrollbar_grab", "separator", "resize_grip"):
        found += [(f"{name}_hovered", hovered, 1.0), (f"{name}_active", active, 1.0)]
    found += [("tab_hovered", hovered, 1.0), ("header", row_active, 1.0), ("resize_grip", grid, 1.0)]
    return found
