"""The editor of a drawing: its text and colour.

It opens beside the drawing's first point, or in the middle of the pane if that is not in view. Enter, Tab or a click
elsewhere applies the typed text; Esc discards it.
"""

from dataclasses import replace
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.drawings import ANCHORED, LONGEST_TEXT, SHAPE_TITLES, Shape
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.drawings.geometry import place
from flow_gl.ui.drawings.book import DrawingEdits
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.editor_parts import WIDTH_PX, clicked_color, place_beside
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "drawing"
_NAV: Final[int] = imgui.ConfigFlags_.nav_enable_keyboard.value


class ShapeEditor:
    """Shows the shape of `state.drawings.edited_shape`."""

    def __init__(self) -> None:
        self._open_for: tuple[int, str, str] | None = None
        self._text = ""

    def draw(self, frame: Frame, state: ViewState) -> None:
        """Draw the editor, if a shape is being edited."""
        edited = state.drawings.edited_shape
        if edited is None and self._open_for is None:
            return
        edits = DrawingEdits(state.drawings.book, state.drawings.rules, state.history)
        chart = None if edited is None else next((one for one in frame.charts if one.index == edited[0]), None)
        shape = None if edited is None else edits.find_shape(*edited[1:])
        if edited is None or chart is None or chart.scene is None or shape is None:
            self._close(state)
            return
        is_new = edited != self._open_for
        if is_new:
            self._open_for, state.drawings.last_edited, self._text = edited, shape.id, shape.text
            imgui.get_io().config_flags |= _NAV
            imgui.open_popup(POPUP)
            _place_window(chart, shape, frame)
        if not imgui.begin_popup(POPUP):
            if not imgui.is_key_pressed(imgui.Key.escape):
                self._commit(edits, edited[1], shape)
            self._close(state)
            return
        if not self._fill(edits, edited[1], shape, state, is_new=is_new):
            imgui.close_current_popup()
        imgui.end_popup()

    def _close(self, state: ViewState) -> None:
        if self._open_for is not None:
            self._open_for = state.drawings.edited_shape = None
            imgui.get_io().config_flags &= ~_NAV

    def _fill(self, edits: DrawingEdits, key: str, shape: Shape, state: ViewState, *, is_new: bool) -> bool:
        """Draw the content; return whether the editor stays open."""
        palette = state.palette
        base.colored(f"{SHAPE_TITLES[shape.kind]} of {key}", palette.quiet)
        imgui.push_item_width(WIDTH_PX * imgui.get_style().font_scale_main * 0.72)
        if is_new:
            imgui.set_keyboard_focus_here()
        enter = imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value
        is_done = False
        if shape.kind != "ruler":
            is_done, self._text = imgui.input_text("label" if shape.kind in ANCHORED else "text", self._text, enter)
            if is_done or imgui.is_item_deactivated_after_edit():
                shape = self._commit(edits, key, shape)
        imgui.pop_item_width()
        color = clicked_color(shape.color, palette)
        if color is not None:
            edits.change_shape(key, replace(shape, color=color))
        if imgui.button("Delete"):
            edits.delete_shape(key, shape.id)
            state.drawings.selected = None
            return False
        base.hint(f"{key_label(state.keys, 'undo')} brings it back")
        imgui.same_line()
        return not (imgui.button("Done") or is_done)

    def _commit(self, edits: DrawingEdits, key: str, shape: Shape) -> Shape:
        """Apply the typed text; return the updated shape."""
        changed = replace(shape, text=" ".join(self._text.split())[:LONGEST_TEXT])
        edits.change_shape(key, changed)
        return changed


def _place_window(chart: ChartFrame, shape: Shape, frame: Frame) -> None:
    assert chart.scene is not None
    view, pane = chart.scene.price_view, chart.scene.price_view.rect
    x, y = place(view, shape.start, tick_size_of(chart.scene))
    if not pane.x <= x < pane.right:
        x = pane.x + 0.5 * pane.width
    place_beside(x, y, pane, frame.scale)
