"""The menu: the same actions as the keys, with each key beside its entry."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.palette import PALETTES
from flow_gl.layers.base import LAYERS
from flow_gl.ui.input.actions import ACTIONS, Action
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "menu"
_GROUPS: Final = ("Drawing", "Overlays", "Picture", "Engine", "Charts", "Program")
_NOT_LISTED: Final = frozenset({"menu", "escape", "quit"})


def draw(frame: Frame, state: ViewState) -> list[Action]:
    """Draw the menu if it is open; return the chosen actions."""
    chosen: list[Action] = []
    if not imgui.begin_popup(POPUP):
        return chosen
    for group in _GROUPS:
        if group == "Charts" and frame.chart_count < 2:
            continue
        if group in ("Picture", "Program", "Charts"):
            if imgui.begin_menu(group):
                chosen += _entries(group, frame, state)
                imgui.end_menu()
        else:
            chosen += _entries(group, frame, state)
            imgui.separator()
    _choices(state)
    imgui.separator()
    quitting = next(action for action in ACTIONS if action.name == "quit")
    if imgui.menu_item_simple(quitting.title, quitting.key_label):
        chosen.append(quitting)
    imgui.end_popup()
    return chosen


def _entries(group: str, frame: Frame, state: ViewState) -> list[Action]:
    chosen = []
    for action in ACTIONS:
        if action.group != group or action.name in _NOT_LISTED:
            continue
        if action.name.startswith("chart_") and int(action.key_label) > frame.chart_count:
            continue
        is_checked = action.is_checked(state) if action.is_checked else False
        if imgui.menu_item_simple(action.title, action.key_label, is_checked):
            chosen.append(action)
    return chosen


def _choices(state: ViewState) -> None:
    if imgui.begin_menu("Layers"):
        for name, title in LAYERS.items():
            if imgui.menu_item_simple(title, None, name in state.filters.layers):
                state.filters.layers ^= {name}
        imgui.end_menu()
    if imgui.begin_menu("Palette"):
        for palette in PALETTES.values():
            if imgui.menu_item_simple(palette.name, None, palette is state.palette):
                state.palette = palette
        imgui.end_menu()
