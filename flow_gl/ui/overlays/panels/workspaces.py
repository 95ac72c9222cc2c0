"""Workspaces panel: switch, save, rename and delete workspaces, and exchange them as files."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.input.workspace_actions import MAX_KEYS
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.panels.base import Content
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces.manager import Manager, manager_in, plot_width_px

_NOTHING: Final = "None yet. Arrange charts and panels, type a name below, and save."
_HOW: Final = (
    "A workspace keeps its changes when you leave it: all windows, their charts, panels and looks, and alerts."
)


def content() -> Content:
    """Return what the panel shows."""
    return Content(fill=WorkspacesPanel().fill)


class WorkspacesPanel:
    """The panel, with the typed text and the last message."""

    def __init__(self) -> None:
        self._name = self._path = self._message = ""
        self._renamed = self._new_name = ""
        self._deleted = ""
        """The workspace whose deletion waits for a second click."""
        self._is_known = False

    def fill(self, frame: Frame, state: ViewState) -> list[Command]:
        """Draw the panel's content."""
        saved, manager = state.workspaces, manager_in(state, plot_width_px(frame), frame.markets)
        if not self._is_known or imgui.is_window_appearing():
            self._is_known = True
            saved.refresh()
        names = saved.names()
        base.colored(saved.current or "without a name", state.palette.text if saved.current else state.palette.quiet)
        imgui.same_line()
        base.right("in use", state.palette.quiet)
        base.heading("Saved")
        if not names:
            _wrapped(_NOTHING, state)
        for number, name in enumerate(list(names), 1):
            imgui.push_id(name)
            self._row(number, name, manager, state)
            imgui.pop_id()
        base.heading("Save as")
        is_entered, self._name = base.text_field("name", "name", self._name, "Save")
        if is_entered:
            self._show_message(manager.save_as(self._name))
            self._name = "" if saved.current == self._name.strip() else self._name
        base.heading("File")
        imgui.set_next_item_width(-1.0)
        _, self._path = imgui.input_text_with_hint("##path", "path of a .toml file", self._path)
        if imgui.button("Export"):
            self._show_message(manager.export(self._path))
        base.hint("export the current view to this file")
        imgui.same_line()
        if imgui.button("Import"):
            self._show_message(manager.import_file(self._path))
        base.hint("import this file as a workspace and open it")
        _wrapped(self._message or _HOW, state, is_message=bool(self._message))
        return []

    def _show_message(self, message: str) -> None:
        self._message, self._deleted, self._renamed = message, "", ""

    def _row(self, number: int, name: str, manager: Manager, state: ViewState) -> None:
        if name == self._renamed:
            self._rename(name, manager)
            return
        is_current = name == state.workspaces.current
        style, room = imgui.get_style(), imgui.get_content_region_avail().x
        buttons = ("Rename", "Delete?" if self._deleted == name else "Delete")
        gap = 0.5 * style.item_spacing.x
        widths = [imgui.calc_text_size(text).x + 2 * style.frame_padding.x for text in buttons]
        left, top = imgui.get_cursor_pos_x(), imgui.get_cursor_screen_pos().y
        width = max(40.0, room - sum(widths) - 2 * gap)
        imgui.align_text_to_frame_padding()
        if imgui.selectable("##switch", is_current, 0, (width, imgui.get_frame_height()))[0]:
            self._show_message(manager.switch(name))
        key = key_label(state.keys, f"workspace_{number}") if number <= MAX_KEYS else ""
        self._label(name, key, (imgui.get_item_rect_min().x, top, width), state)
        imgui.same_line(0.0, 0.0)
        imgui.set_cursor_pos_x(left + room - sum(widths) - gap)
        if imgui.button(buttons[0]):
            self._show_message("")
            self._renamed, self._new_name = name, name
        imgui.same_line(0.0, gap)
        if imgui.button(buttons[1] + "###delete"):
            is_sure = self._deleted == name
            self._show_message(manager.delete(name) if is_sure else "")
            self._deleted = "" if is_sure else name
        base.hint("click again to delete it" if self._deleted == name else "delete the saved workspace")

    def _label(self, name: str, key: str, box: tuple[float, float, float], state: ViewState) -> None:
        """Draw a row's name, and its key at the right of it."""
        x, top, width = box
        draw, pad = imgui.get_window_draw_list(), imgui.get_style().frame_padding
        y = top + pad.y
        key_px = imgui.calc_text_size(key).x + pad.x if key else 0.0
        draw.push_clip_rect((x, top), (x + width - key_px, top + imgui.get_frame_height()), True)
        draw.add_text((round(x + pad.x), round(y)), u32(state.palette.text), name)
        draw.pop_clip_rect()
        if key:
            draw.add_text((round(x + width - key_px), round(y)), u32(state.palette.quiet), key)

    def _rename(self, name: str, manager: Manager) -> None:
        is_entered, self._new_name = base.text_field("new name", "new name", self._new_name, "Rename")
        if is_entered:
            self._show_message(manager.rename(name, self._new_name))
        elif imgui.is_key_pressed(imgui.Key.escape):
            self._show_message("")


def _wrapped(text: str, state: ViewState, *, is_message: bool = False) -> None:
    imgui.push_style_color(imgui.Col_.text.value, u32(state.palette.attention if is_message else state.palette.quiet))
    imgui.text_wrapped(text)
    imgui.pop_style_color()
