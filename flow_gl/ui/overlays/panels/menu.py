"""The menus: the main one with all actions, and one for the item that was clicked with the right button.

Both list actions of the one table with their keys. The arrow keys move in an open menu, Enter chooses.
"""

from collections.abc import Iterable
from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.input.action import Action, Target
from flow_gl.ui.input.actions import ACTIONS, BY_NAME, CHOICES, GROUPS
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "menu"
TARGET_POPUP: Final = "menu of a target"
_OPEN_GROUPS: Final = frozenset({"Overlays"})
"""Groups whose actions are in the main menu itself; the others have their own menu."""
_NOT_LISTED: Final = frozenset({"menu", "context_menu", "escape", "quit"})
_LISTS: Final[dict[Target, tuple[str, ...]]] = {
    "chart": ("Layers", "Span"),
    "cvd": ("Layers",),
    "price axis": ("Layers",),
    "time axis": ("Span", "Fold"),
    "header": ("Charts", "Layout", "Palette", "Text size", "Speed"),
}
"""Groups that are menus of their own in the menu of a target."""


def draw(frame: Frame, state: ViewState) -> list[Action]:
    """Draw the main menu if it is open; return the chosen actions."""
    chosen: list[Action] = []
    if not imgui.begin_popup(POPUP):
        return chosen
    chosen += _entry(BY_NAME["commands"], state)
    imgui.separator()
    for group in GROUPS:
        if not _of_group(group, frame):
            continue
        if group in _OPEN_GROUPS:
            chosen += _entries(_of_group(group, frame), state)
            imgui.separator()
        else:
            chosen += _submenu(group, frame, state)
    imgui.separator()
    for group in CHOICES:
        chosen += _submenu(group, frame, state)
    imgui.separator()
    chosen += _entry(BY_NAME["quit"], state)
    imgui.end_popup()
    return chosen


def draw_target(target: Target, title: str, frame: Frame, state: ViewState) -> list[Action]:
    """Draw the menu of the item clicked with the right button, if it is open; return the chosen actions.

    Parameters
    ----------
    title : names the clicked item; "" for none
    """
    chosen: list[Action] = []
    if not imgui.begin_popup(TARGET_POPUP):
        return chosen
    if title:
        imgui.text_disabled(title)
        imgui.separator()
    listed = [action for action in ACTIONS if target in action.menus and _is_there(action, frame)]
    # What belongs to the place comes first.
    first = [action for action in listed if action.group == "Drawing"]
    chosen += _entries(first, state)
    if 0 < len(first) < len(listed):
        imgui.separator()
    chosen += _entries((action for action in listed if action.group != "Drawing"), state)
    lists = [group for group in _LISTS.get(target, ()) if _of_group(group, frame)]
    if lists:
        imgui.separator()
    for group in lists:
        chosen += _submenu(group, frame, state)
    imgui.separator()
    chosen += _entry(BY_NAME["commands"], state)
    chosen += _entry(BY_NAME["menu"], state)
    imgui.end_popup()
    return chosen


def _is_there(action: Action, frame: Frame) -> bool:
    return action.is_available is None or action.is_available(frame)


def _of_group(group: str, frame: Frame) -> list[Action]:
    listed = (action for action in ACTIONS if action.group == group and action.name not in _NOT_LISTED)
    return [action for action in listed if action.name != "commands" and _is_there(action, frame)]


def _submenu(group: str, frame: Frame, state: ViewState) -> list[Action]:
    actions = _of_group(group, frame)
    chosen: list[Action] = []
    if actions and imgui.begin_menu(group):
        chosen = _entries(actions, state)
        imgui.end_menu()
    return chosen


def _entries(actions: Iterable[Action], state: ViewState) -> list[Action]:
    return [chosen for action in actions for chosen in _entry(action, state)]


def _entry(action: Action, state: ViewState) -> list[Action]:
    is_checked = action.is_checked(state) if action.is_checked else False
    return [action] if imgui.menu_item_simple(action.title, key_label(state.keys, action.name), is_checked) else []
