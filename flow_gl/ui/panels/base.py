"""What panels share: a remembered window with its key in the title, and tables of names and numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.palette import Rgb
from flow_gl.ui.actions import BY_NAME
from flow_gl.ui.frame import Frame
from flow_gl.ui.state import ViewState
from flow_gl.ui.theme import u32

MARGIN_PX: Final = 12.0
COLUMN_PX: Final = 300.0
_PLACES: Final = {
    # name: column, upper border below the header, height; content scale 1. Two columns over the oldest history.
    "controls": (0, 0.0, 572.0),
    "feed": (0, 580.0, 424.0),
    "session": (1, 0.0, 664.0),
    "performance": (1, 672.0, 332.0),
}


@contextmanager
def window(name: str, frame: Frame, state: ViewState) -> Iterator[bool]:
    """A panel's window: docked or floating, remembered, closed by its key or its cross. Yields whether to fill it."""
    scale = frame.scale
    column, top, height = _PLACES[name]
    area = imgui.get_main_viewport().work_size
    header = 40.0 * scale
    left = (MARGIN_PX + column * (COLUMN_PX + 8.0)) * scale
    height = min(height * scale, area.y - header - 2 * MARGIN_PX * scale)
    top = min(header + MARGIN_PX * scale + top * scale, max(header, area.y - height - MARGIN_PX * scale))
    imgui.set_next_window_pos((left, top), imgui.Cond_.first_use_ever.value)
    imgui.set_next_window_size((COLUMN_PX * scale, height), imgui.Cond_.first_use_ever.value)
    action = BY_NAME[name]
    # What follows ### is the window's identity: the title may change, the remembered place stays.
    flags = imgui.WindowFlags_.no_nav_inputs.value | imgui.WindowFlags_.no_focus_on_appearing.value
    flags |= imgui.WindowFlags_.no_collapse.value
    is_filled, is_open = imgui.begin(f"{action.title}   {action.key_label}###{name}", True, flags)
    try:
        yield is_filled
    finally:
        imgui.end()
    if not is_open:
        state.open_panels.discard(name)


@contextmanager
def table(name: str, columns: int, *, first_share: float = 1.0) -> Iterator[bool]:
    """A table whose first column names what the others hold. Yields whether it is visible."""
    flags = imgui.TableFlags_.sizing_stretch_prop.value | imgui.TableFlags_.no_saved_settings.value
    is_visible = imgui.begin_table(name, columns, flags)
    if is_visible:
        imgui.table_setup_column("", imgui.TableColumnFlags_.width_stretch.value, first_share)
        for _ in range(columns - 1):
            imgui.table_setup_column("", imgui.TableColumnFlags_.width_stretch.value, 1.0)
    try:
        yield is_visible
    finally:
        if is_visible:
            imgui.end_table()


def row(label: str, *values: str, colors: tuple[Rgb | None, ...] = ()) -> None:
    """A row: the label quiet, values right-aligned so that figures stand under each other."""
    imgui.table_next_row()
    imgui.table_next_column()
    imgui.text_disabled(label)
    for index, value in enumerate(values):
        imgui.table_next_column()
        right(value, colors[index] if index < len(colors) else None)


def right(text: str, color: Rgb | None = None) -> None:
    """A text at the right border of the space that is left."""
    space = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x
    if space > 0:
        imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + space)
    colored(text, color)


def colored(text: str, color: Rgb | None) -> None:
    if color is None:
        imgui.text_unformatted(text)
        return
    imgui.push_style_color(imgui.Col_.text.value, u32(color))
    imgui.text_unformatted(text)
    imgui.pop_style_color()


def heading(text: str) -> None:
    """A quiet line between groups."""
    imgui.push_style_color(imgui.Col_.text.value, imgui.get_style_color_vec4(imgui.Col_.text_disabled.value))
    imgui.separator_text(text)
    imgui.pop_style_color()


def hint(text: str) -> None:
    """Explain the item before, while the mouse rests on it."""
    if imgui.is_item_hovered(imgui.HoveredFlags_.for_tooltip.value):
        imgui.set_tooltip(text)
