"""A panel's window: a strip with its name or tabs and its buttons, and below it the content, which scrolls.

The window's place comes from the frame's panel layout. Dragging the strip moves a floating panel; near an edge of the
window, or over a column, the panel docks there. Dragging a docked panel's tab makes it float.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.palette import Palette, mix
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.keys.choices import KeyChoices
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state.panel_layout import Place, Side, Slot
from flow_gl.ui.state.view_state import ViewState

STRIP_PX: Final = 30.0
_ICON_PX: Final = 22.0
_TAB_PAD_PX: Final = 10.0
_DOCK_PX: Final = 36.0
"""A panel released this near to the window's left or right edge docks there."""
_FLAGS: Final[int] = (
    imgui.WindowFlags_.no_nav_inputs.value
    | imgui.WindowFlags_.no_focus_on_appearing.value
    | imgui.WindowFlags_.no_title_bar.value
    | imgui.WindowFlags_.no_collapse.value
    | imgui.WindowFlags_.no_move.value
    | imgui.WindowFlags_.no_scrollbar.value
    | imgui.WindowFlags_.no_scroll_with_mouse.value
    | imgui.WindowFlags_.no_saved_settings.value
    | imgui.WindowFlags_.no_docking.value
)
_DOCKED: Final[int] = imgui.WindowFlags_.no_resize.value
_BODY: Final[int] = imgui.WindowFlags_.horizontal_scrollbar.value | imgui.WindowFlags_.no_nav_inputs.value
_NO_KEYS: Final[int] = imgui.WindowFlags_.no_nav_inputs.value
_WITH_CHILDREN: Final[int] = imgui.FocusedFlags_.root_and_child_windows.value
_PADDED: Final[int] = imgui.ChildFlags_.always_use_window_padding.value
_PADDING: Final[int] = imgui.StyleVar_.window_padding.value
_KEPT: Final = (
    imgui.internal.WindowRefreshFlags_.try_to_avoid_refresh.value
    | imgui.internal.WindowRefreshFlags_.refresh_on_hover.value
)
_ALWAYS: Final[int] = imgui.Cond_.always.value
_TOOLTIP: Final[int] = imgui.HoveredFlags_.for_tooltip.value


@contextmanager
def window(name: str, frame: Frame, state: ViewState, *, may_keep: bool = False) -> Iterator[bool]:
    """Open the window of a panel that is in front in its slot. Yield whether to fill it.

    Parameters
    ----------
    may_keep : let the window reuse its last content unless the mouse is over it
    """
    slot = frame.panels.slot_of(name)
    assert slot is not None, f"the panel {name} is not shown"
    if may_keep:
        imgui.internal.set_next_window_refresh_policy(_KEPT)
    dense = frame.scale / frame.gui_scale
    rect = slot.rect
    imgui.set_next_window_pos((rect.x / dense, rect.y / dense), _ALWAYS)
    imgui.set_next_window_size((rect.width / dense, rect.height / dense), _ALWAYS)
    padding = imgui.get_style().window_padding
    padding = imgui.ImVec2(padding.x, padding.y)
    imgui.push_style_var(_PADDING, imgui.ImVec2(0.0, 0.0))
    is_floating = slot.side == "float"
    has_keys = name == state.keyboard_panel
    flags = (_FLAGS if is_floating else _FLAGS | _DOCKED) & (~_NO_KEYS if has_keys else -1)
    is_filled, _ = imgui.begin(f"###{name}", None, flags)
    imgui.pop_style_var()
    try:
        if is_filled:
            _strip(name, slot, frame, state)
            if is_floating:
                _note_size(name, slot, frame, state)
            imgui.push_style_var(_PADDING, padding)
            if has_keys and not imgui.is_window_focused(_WITH_CHILDREN):
                imgui.set_next_window_focus()
            imgui.begin_child("body", (0.0, 0.0), _PADDED, _BODY & (~_NO_KEYS if has_keys else -1))
            imgui.pop_style_var()
        try:
            yield is_filled
        finally:
            if is_filled:
                imgui.end_child()
    finally:
        imgui.end()


class Tab(NamedTuple):
    """A panel's tab: its text, and its width in ImGui units."""

    name: str
    text: str
    width: float


def tabs_of(slot: Slot, room: float, pad: float, choices: KeyChoices) -> list[Tab]:
    """Return the tabs of a slot, in the most detailed of three forms that fits.

    If none fits, only the front panel and as many of the first ones as fit get a tab.

    Parameters
    ----------
    room : for all tabs
    pad : at each side of a text
    """
    actions = [BY_NAME[name] for name in slot.names]
    titles = [action.title.split()[0].rstrip(":") for action in actions]
    keys = [key_label(choices, action.name) for action in actions]
    forms = [
        [f"{action.title}  {key}".rstrip() for action, key in zip(actions, keys, strict=True)],
        titles,
        [
            title if name == slot.front or not key else key
            for name, title, key in zip(slot.names, titles, keys, strict=True)
        ],
    ]
    for texts in forms:
        widths = [imgui.calc_text_size(text).x + 2 * pad for text in texts]
        if sum(widths) <= room:
            break
    tabs = [Tab(*its) for its in zip(slot.names, texts, widths, strict=True)]
    if sum(widths) <= room:
        return tabs
    left = room - _more_width(pad) - widths[slot.names.index(slot.front)]
    kept = {slot.front}
    for tab in tabs:
        if tab.name != slot.front:
            left -= tab.width
            if left < 0:
                break
            kept.add(tab.name)
    return [tab for tab in tabs if tab.name in kept]


def _more_width(pad: float) -> float:
    return imgui.calc_text_size("+9").x + 2 * pad


def _strip(name: str, slot: Slot, frame: Frame, state: ViewState) -> None:
    """Draw tabs and buttons, and apply what the mouse does with them."""
    unit, palette = frame.gui_scale, state.palette
    height, icon, pad = STRIP_PX * unit, _ICON_PX * unit, _TAB_PAD_PX * unit
    origin, width = imgui.get_window_pos(), imgui.get_window_width()
    draw = imgui.get_window_draw_list()
    line = max(1.0, round(unit))
    strip = mix(palette.raised, palette.ground, 0.45)
    draw.push_clip_rect(origin, (origin.x + width, origin.y + height), False)
    draw.add_rect_filled(origin, (origin.x + width, origin.y + height), u32(strip))
    draw.add_line((origin.x, origin.y + height - line), (origin.x + width, origin.y + height - line), u32(palette.grid))
    buttons: list[tuple[str, str]] = [
        (side, "float over the charts" if side == "float" else f"dock at the {side}")
        for side in ("left", "float", "right")
        if side != slot.side
    ]
    buttons.append(("close", f"close ({key_label(state.keys, name)})"))
    right = width - len(buttons) * icon - 0.5 * pad
    x = 0.0
    tabs = tabs_of(slot, right - x, pad, state.keys)
    for its, text, tab_width in tabs:
        # A single panel's tab takes the whole strip, so that it can be dragged anywhere.
        reach = right - x if len(slot.names) == 1 else tab_width
        _tab(its, slot, frame, state, place=(x, reach, height), text=text)
        x += tab_width
    if len(tabs) < len(slot.names):
        _more({tab.name for tab in tabs}, slot, state, place=(x, _more_width(pad), height))
    for kind, hint in buttons:
        imgui.set_cursor_pos((right, 0.5 * (height - icon)))
        if imgui.invisible_button(kind, (icon, icon)):
            _press(kind, name, state)
        color = palette.text if imgui.is_item_hovered() else palette.quiet
        low = imgui.get_item_rect_min()
        _icon(draw, kind, (low.x + icon / 2, low.y + icon / 2), unit, u32(color))
        if imgui.is_item_hovered(_TOOLTIP):
            imgui.set_tooltip(hint)
        right += icon
    draw.pop_clip_rect()
    imgui.set_cursor_pos((0.0, height))


def _tab(
    name: str, slot: Slot, frame: Frame, state: ViewState, *, place: tuple[float, float, float], text: str
) -> None:
    x, width, height = place
    unit, palette, draw = frame.gui_scale, state.palette, imgui.get_window_draw_list()
    imgui.set_cursor_pos((x, 0.0))
    imgui.invisible_button(f"tab {name}", (max(1.0, width), height))
    is_front, low, high = name == slot.front, imgui.get_item_rect_min(), imgui.get_item_rect_max()
    if is_front:
        _drag(name, slot, frame, state)
    elif imgui.is_item_activated():
        state.panel_places = state.panel_places.select(name)
    if is_front and len(slot.names) > 1:
        thick = max(1.0, round(2 * unit))
        draw.add_rect_filled(low, high, u32(palette.raised))
        draw.add_rect_filled((low.x, low.y), (high.x, low.y + thick), u32(palette.information))
    color = palette.text if is_front or imgui.is_item_hovered() else palette.quiet
    size = imgui.calc_text_size(text)
    at = (round(low.x + _TAB_PAD_PX * unit), round(low.y + 0.5 * (height - size.y)))
    draw.add_text(at, u32(color), text)
    if not is_front and imgui.is_item_hovered(_TOOLTIP):
        imgui.set_tooltip(f"{BY_NAME[name].title}   {key_label(state.keys, name)}")


def _more(tabs: set[str], slot: Slot, state: ViewState, *, place: tuple[float, float, float]) -> None:
    """Draw how many panels have no tab; a click brings the next of them to the front."""
    x, width, height = place
    imgui.set_cursor_pos((x, 0.0))
    order = [*slot.names[slot.names.index(slot.front) :], *slot.names]
    hidden = [name for name in dict.fromkeys(order) if name not in tabs]
    if imgui.invisible_button("more", (width, height)):
        state.panel_places = state.panel_places.select(hidden[0])
    low, text = imgui.get_item_rect_min(), f"+{len(hidden)}"
    size = imgui.calc_text_size(text)
    color = state.palette.text if imgui.is_item_hovered() else state.palette.quiet
    at = round(low.x + 0.5 * (width - size.x)), round(low.y + 0.5 * (height - size.y))
    imgui.get_window_draw_list().add_text(at, u32(color), text)
    if imgui.is_item_hovered(_TOOLTIP):
        imgui.set_tooltip("behind: " + ", ".join(BY_NAME[name].title for name in hidden))


def _press(kind: str, name: str, state: ViewState) -> None:
    if kind == "close":
        state.open_panels.discard(name)
        return
    place = state.panel_places.place(name)
    side: Side = "left" if kind == "left" else "right" if kind == "right" else "float"
    state.panel_places = state.panel_places.put(name, replace(place, side=side))


def _drag(name: str, slot: Slot, frame: Frame, state: ViewState) -> None:
    """Move the panel with the mouse while its tab is held; dock it if it is released near an edge."""
    io = imgui.get_io()
    dense = frame.scale / frame.gui_scale
    if imgui.is_item_active() and imgui.is_mouse_dragging(0):
        place = state.panel_places.place(name)
        if slot.side == "float":
            x, y = slot.rect.x + io.mouse_delta.x * dense, slot.rect.y + io.mouse_delta.y * dense
        elif not slot.rect.x <= io.mouse_pos.x * dense < slot.rect.right:
            # Out of its column: it floats from here on, its strip under the mouse.
            x = io.mouse_pos.x * dense - 0.3 * place.width * frame.scale
            y = io.mouse_pos.y * dense - 0.5 * STRIP_PX * frame.scale
        else:
            return
        place = replace(place, side="float", x=x / frame.scale, y=y / frame.scale)
        state.panel_places = state.panel_places.put(name, place)
        side = dock_side(io.mouse_pos.x * dense, frame, name)
        if side is not None:
            _preview(side, frame, state.palette)
    elif imgui.is_item_deactivated() and slot.side == "float":
        side = dock_side(io.mouse_pos.x * dense, frame, name)
        if side is not None:
            _press(side, name, state)


def dock_side(x_px: float, frame: Frame, name: str) -> Side | None:
    """Return the column in which a panel docks if it is released at `x_px`; None in the middle of the window."""
    edge = _DOCK_PX * frame.scale
    window_px = frame.panels.charts.right
    for slot in frame.panels.slots:
        if slot.side != "float" and slot.names != (name,) and slot.rect.x <= x_px < slot.rect.right:
            return slot.side
        window_px = max(window_px, slot.rect.right)
    return "left" if x_px < edge else "right" if x_px >= window_px - edge else None


def _preview(side: Side, frame: Frame, palette: Palette) -> None:
    """Show where the panel will dock."""
    area, dense, width = frame.panels.charts, frame.scale / frame.gui_scale, _DOCK_PX * frame.scale
    x = area.x if side == "left" else area.right - width
    low, high = (x / dense, area.y / dense), ((x + width) / dense, area.bottom / dense)
    imgui.get_foreground_draw_list().add_rect_filled(low, high, u32(palette.information, 0.35))


def _note_size(name: str, slot: Slot, frame: Frame, state: ViewState) -> None:
    """Remember the place and size to which the user drags a floating panel's border."""
    dense, scale = frame.scale / frame.gui_scale, frame.scale
    pos, size = imgui.get_window_pos(), imgui.get_window_size()
    rect = slot.rect
    is_resized = abs(size.x * dense - rect.width) > 1.0 or abs(size.y * dense - rect.height) > 1.0
    if is_resized and imgui.is_mouse_down(0):
        place = Place("float", *(length * dense / scale for length in (pos.x, pos.y, size.x, size.y)))
        state.panel_places = state.panel_places.put(name, place)


def _icon(draw: imgui.ImDrawList, kind: str, middle: tuple[float, float], unit: float, color: int) -> None:
    """Draw a button's sign."""
    x, y = middle
    half, line = float(round(5 * unit)), max(1.0, round(unit))
    if kind == "close":
        half -= line
        draw.add_line((x - half, y - half), (x + half, y + half), color, 1.3 * unit)
        draw.add_line((x - half, y + half), (x + half, y - half), color, 1.3 * unit)
        return
    left, top, right, bottom = round(x - half), round(y - half), round(x + half), round(y + half)
    if kind == "float":
        step = round(3 * unit)
        draw.add_rect((left, top + step), (right - step, bottom), color, 0.0, line)
        draw.add_line((left + step, top), (right, top), color, line)
        draw.add_line((right, top), (right, bottom - step), color, line)
        return
    draw.add_rect((left, top), (right, bottom), color, 0.0, line)
    third = round(0.7 * half)
    first, last = (left, left + third) if kind == "left" else (right - third, right)
    draw.add_rect_filled((first, top), (last, bottom), color)
