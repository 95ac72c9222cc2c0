"""A list from which one row is picked: with Up, Down, Page Up, Page Down and Enter, or with the mouse."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from imgui_bundle import imgui

from flow_gl.core.palette import Palette, mix
from flow_gl.ui.paint.theme import u32

ROW_EMS: Final = 1.75
"""Height of a row, in heights of the font."""

T = TypeVar("T")
Box = tuple[float, float, float, float]
"""Left, top, width and height, px."""


def row_height() -> float:
    """Return the height of a row, px."""
    return float(round(ROW_EMS * imgui.get_font_size()))


class PickList(Generic[T]):
    """Rows of one height, of which one is selected.

    Parameters
    ----------
    page : rows that are visible at once; Page Up and Page Down move by one less
    """

    def __init__(self, page: int) -> None:
        self._steps: Final = {
            imgui.Key.up_arrow: -1,
            imgui.Key.down_arrow: 1,
            imgui.Key.page_up: 1 - page,
            imgui.Key.page_down: page - 1,
        }
        self._selected = 0
        self._must_scroll = False

    def select_first(self) -> None:
        """Select the first row, because the rows are others."""
        self._selected, self._must_scroll = 0, True

    def entered(self, rows: Sequence[T]) -> T | None:
        """Apply the keys; return the row that was picked with Enter."""
        for key, step in self._steps.items():
            if imgui.is_key_pressed(key, True):
                self._selected, self._must_scroll = self._selected + step, True
        self._selected = min(max(self._selected, 0), max(0, len(rows) - 1))
        is_entered = imgui.is_key_pressed(imgui.Key.enter, False) or imgui.is_key_pressed(imgui.Key.keypad_enter, False)
        return rows[self._selected] if is_entered and rows else None

    def clicked(self, rows: Sequence[T], palette: Palette, draw: Callable[[T, Box], None]) -> T | None:
        """Draw the rows in view; return the one that was clicked."""
        picked, height = None, row_height()
        imgui.push_style_var(imgui.StyleVar_.item_spacing.value, imgui.ImVec2(0.0, 0.0))
        delta = imgui.get_io().mouse_delta
        clipper = imgui.ListClipper()
        clipper.begin(len(rows), height)
        clipper.include_item_by_index(self._selected)
        while clipper.step():
            for at in range(clipper.display_start, clipper.display_end):
                low, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
                if imgui.invisible_button(f"row{at}", (max(1.0, width), height)):
                    picked = rows[at]
                if imgui.is_item_hovered() and (delta.x or delta.y):
                    self._selected = at
                if at == self._selected and self._must_scroll:
                    imgui.set_scroll_here_y(0.5)
                if at == self._selected:
                    _mark((low.x, low.y, width, height), palette)
                draw(rows[at], (low.x, low.y, width, height))
        clipper.end()
        imgui.pop_style_var()
        self._must_scroll = False
        return picked


def _mark(box: Box, palette: Palette) -> None:
    x, y, width, height = box
    ground, rounding = mix(palette.raised, palette.information, 0.14), 4.0 * imgui.get_style().font_scale_main
    imgui.get_window_draw_list().add_rect_filled((x, y), (x + width, y + height), u32(ground), rounding)
