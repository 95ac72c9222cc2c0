"""A searchable list in the middle of the window: a title, a search field, and the matching rows.

Up and Down select, Enter chooses, Esc or a click elsewhere closes. Rows can also be clicked.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from imgui_bundle import imgui

from flow_gl.core.palette import Palette
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.pick_list import Box, PickList, row_height
from flow_gl.ui.paint.theme import u32

_WIDTH_PX: Final = 460.0
_TOP_SHARE: Final = 0.16
_ROWS: Final = 11
_NO_KEYS: Final[int] = imgui.WindowFlags_.no_nav_inputs.value

T = TypeVar("T")


class SearchList(Generic[T]):
    """A popup with a searchable list.

    Parameters
    ----------
    popup : unique ImGui name
    hint : shown while the search field is empty
    """

    def __init__(self, popup: str, hint: str) -> None:
        self._popup: Final = popup
        self._hint: Final = hint
        self._list: Final[PickList[T]] = PickList(_ROWS)
        self._query = ""
        self._is_due = False

    def ask(self) -> None:
        """Open the list in the next frame."""
        self._is_due = True

    def draw(
        self,
        frame: Frame,
        palette: Palette,
        texts: tuple[str, str],
        rows: Callable[[str], Sequence[T]],
        draw_row: Callable[[T, Box], None],
    ) -> T | None:
        """Draw the list if it is open; return the chosen row, or None.

        Parameters
        ----------
        texts : the title, and the message shown if no row matches
        rows : returns the rows that match a search text
        draw_row : draws a row into a box
        """
        is_new, self._is_due = self._is_due, False
        if not is_new and not imgui.is_popup_open(self._popup):
            return None
        if is_new:
            self._query = ""
            self._list.select_first()
            imgui.open_popup(self._popup)
        unit, viewport = frame.gui_scale, imgui.get_main_viewport()
        width = min(_WIDTH_PX * unit, 0.94 * viewport.size.x)
        left = viewport.pos.x + 0.5 * (viewport.size.x - width)
        imgui.set_next_window_pos((left, viewport.pos.y + _TOP_SHARE * viewport.size.y))
        imgui.set_next_window_size((width, 0.0))
        if not imgui.begin_popup(self._popup, _NO_KEYS | imgui.WindowFlags_.no_move.value):
            return None
        title, no_match = texts
        imgui.text_disabled(title)
        if is_new:
            imgui.set_keyboard_focus_here()
        imgui.set_next_item_width(-1.0)
        changed, self._query = imgui.input_text_with_hint("##query", self._hint, self._query)
        if changed:
            self._list.select_first()
        found = rows(self._query)
        chosen = self._list.entered(found)
        if not found:
            imgui.push_text_wrap_pos(0.0)
            imgui.text_disabled(no_match)
            imgui.pop_text_wrap_pos()
        if found and imgui.begin_child("rows", (0.0, min(_ROWS, len(found)) * row_height()), 0, _NO_KEYS):
            chosen = self._list.clicked(found, palette, draw_row) or chosen
        if found:
            imgui.end_child()
        if chosen is not None:
            imgui.close_current_popup()
        imgui.end_popup()
        return chosen


def draw_pair(palette: Palette, texts: tuple[str, str], box: Box) -> None:
    """Draw a row of two texts: the main one left-aligned, the other one right-aligned."""
    x, y, width, height = box
    draw, size = imgui.get_window_draw_list(), imgui.get_font_size()
    middle, pad = round(y + 0.5 * (height - size)), 0.7 * size
    draw.add_text((round(x + pad), middle), u32(palette.text), texts[0])
    right = x + width - pad - imgui.calc_text_size(texts[1]).x
    draw.add_text((round(right), middle), u32(palette.quiet), texts[1])
