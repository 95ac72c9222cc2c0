"""The command palette: every action with its key, found by a few of its letters; those chosen recently come first.

Up and Down select, Enter runs, Esc or a click elsewhere closes; the mouse can do all of it too.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.cached import Cached
from flow_gl.core.palette import mix
from flow_gl.ui.input import fuzzy
from flow_gl.ui.input.action import Action
from flow_gl.ui.input.actions import ACTIONS, BY_NAME
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.pick_list import Box, PickList, row_height
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "command palette"
MAX_RECENT: Final = 8
_WIDTH_PX: Final = 620.0
_TOP_SHARE: Final = 0.12
"""Of the window's height, above the palette."""
_KEY_EMS: Final = 6.5
"""Width of the column of keys, so that the groups before it are aligned."""
_ROWS: Final = 13
_HINT: Final = "find a command: type a few of its letters"
_NOT_LISTED: Final = frozenset({"commands", "escape"})
_AT_TIMES: Final = [action.is_available for action in ACTIONS if action.is_available is not None]
"""For each action that exists only at times: whether it exists now."""
_TITLE_POINTS: Final = 20
"""Points for a match in the title alone."""
_RECENT_POINTS: Final = 3
"""Bonus of a recent action over one that matches equally well."""


class Row(NamedTuple):
    """An action in the list.

    Attributes
    ----------
    places : letters of the title that match the query
    """

    action: Action
    places: tuple[int, ...] = ()
    is_recent: bool = False


def rows(query: str, frame: Frame, recent: Sequence[str]) -> list[Row]:
    """Return the actions that match a query, the best first; without a query, all of them, the recent ones first.

    Parameters
    ----------
    recent : names of actions, the newest last
    """
    listed = [action for action in ACTIONS if action.name not in _NOT_LISTED]
    listed = [action for action in listed if action.is_available is None or action.is_available(frame)]
    newest = [name for name in reversed(recent) if name in BY_NAME][:MAX_RECENT]
    if not query.strip():
        first = [Row(BY_NAME[name], is_recent=True) for name in newest if BY_NAME[name] in listed]
        return first + [Row(action) for action in listed if action.name not in newest]
    scored = []
    for order, action in enumerate(listed):
        found = fuzzy.match(query, action.title)
        points = _TITLE_POINTS if found is not None else 0
        found = found or fuzzy.match(query, f"{action.title} {action.group}")
        if found is not None:
            score = found.score + points + (_RECENT_POINTS if action.name in newest else 0)
            places = tuple(place for place in found.places if place < len(action.title))
            is_title = query.strip().lower() == action.title.lower()
            place = (not is_title, -score, len(action.title), order)
            scored.append((place, Row(action, places, action.name in newest)))
    return [row for _, row in sorted(scored, key=lambda one: one[0])]


def note_choice(recent: list[str], name: str) -> None:
    """Note in a list of recent actions, the newest last, that an action was chosen."""
    if name in recent:
        recent.remove(name)
    recent.append(name)
    del recent[:-MAX_RECENT]


class CommandPalette:
    """The palette's window."""

    def __init__(self) -> None:
        self._list: Final[PickList[Row]] = PickList(_ROWS)
        self._rows: Final[Cached[list[Row]]] = Cached()
        self._query = ""
        self._is_due = False

    def ask(self) -> None:
        """Open the palette in the next frame."""
        self._is_due = True

    def draw(self, frame: Frame, state: ViewState) -> list[Action]:
        """Draw the palette if it is open; return the chosen action."""
        is_new, self._is_due = self._is_due, False
        if not is_new and not imgui.is_popup_open(POPUP):
            return []
        if is_new:
            self._query = ""
            self._list.select_first()
            imgui.open_popup(POPUP)
        unit, viewport = frame.gui_scale, imgui.get_main_viewport()
        width = min(_WIDTH_PX * unit, 0.94 * viewport.size.x)
        top = viewport.pos.y + _TOP_SHARE * viewport.size.y
        left = viewport.pos.x + 0.5 * (viewport.size.x - width)
        always = imgui.Cond_.always.value
        imgui.set_next_window_pos((left, top), always)
        imgui.set_next_window_size((width, 0.0), always)
        flags = imgui.WindowFlags_.no_nav_inputs.value | imgui.WindowFlags_.no_move.value
        if not imgui.begin_popup(POPUP, flags):
            return []
        if is_new:
            imgui.set_keyboard_focus_here()
        imgui.set_next_item_width(-1.0)
        changed, self._query = imgui.input_text_with_hint("##query", _HINT, self._query)
        if changed:
            self._list.select_first()
        key = (self._query, tuple(state.recent_actions), tuple(is_there(frame) for is_there in _AT_TIMES))
        found = self._rows.get(key, lambda: rows(self._query, frame, state.recent_actions))
        chosen = self._list.entered(found)
        room = viewport.pos.y + 0.96 * viewport.size.y - imgui.get_cursor_screen_pos().y
        height = min(_ROWS * row_height(), room) if found else 0.0
        if not found:
            imgui.text_disabled("no command matches")
        elif imgui.begin_child("rows", (0.0, height), 0, imgui.WindowFlags_.no_nav_inputs.value):
            chosen = self._list.clicked(found, state.palette, partial(_draw_row, state=state)) or chosen
        if found:
            imgui.end_child()
        if chosen is not None:
            note_choice(state.recent_actions, chosen.action.name)
            imgui.close_current_popup()
        imgui.end_popup()
        return [chosen.action] if chosen is not None else []


def _draw_row(row: Row, box: Box, state: ViewState) -> None:
    """Draw one row: a check mark, the title with its matching letters, the group, and the key at the right."""
    x, y, width, height = box
    palette, draw, size = state.palette, imgui.get_window_draw_list(), imgui.get_font_size()
    middle = y + 0.5 * (height - size)
    action = row.action
    is_checked = action.is_checked is not None and action.is_checked(state)
    if is_checked:
        draw.add_circle_filled((x + 0.75 * size, y + 0.5 * height), 0.2 * size, u32(palette.information))
    left = x + 1.5 * size
    if row.places:
        _marked(draw, (left, middle), action.title, row.places, state)
    else:
        draw.add_text((round(left), round(middle)), u32(palette.text), action.title)
    key = key_label(state.keys, action.name)
    right = x + width - 0.6 * size
    if key:
        key_width = imgui.calc_text_size(key).x
        pad = 0.4 * size
        low, high = (right - key_width - 2 * pad, y + 0.12 * height), (right, y + 0.88 * height)
        draw.add_rect_filled(low, high, u32(mix(palette.raised, palette.quiet, 0.14)), 0.25 * size)
        draw.add_text((round(low[0] + pad), round(middle)), u32(palette.text), key)
        right = low[0]
    right = min(right, x + width - (0.6 + _KEY_EMS) * size)
    group = "recent" if row.is_recent else action.group
    group_x = right - imgui.calc_text_size(group).x - 0.9 * size
    if group_x > left + imgui.calc_text_size(action.title).x + size:
        draw.add_text((round(group_x), round(middle)), u32(palette.quiet), group)


def _marked(
    draw: imgui.ImDrawList, at: tuple[float, float], title: str, places: tuple[int, ...], state: ViewState
) -> None:
    """Draw a title; its letters that match are in the colour of information."""
    marks = set(places)
    x, start = at[0], 0
    for end in range(1, len(title) + 1):
        if end < len(title) and (end in marks) == (start in marks):
            continue
        part = title[start:end]
        color = state.palette.information if start in marks else state.palette.text
        draw.add_text((x, round(at[1])), u32(color), part)
        x += imgui.calc_text_size(part).x
        start = end
