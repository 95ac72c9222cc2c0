"""Help panel: the keys from the table of actions, the mouse gestures, and how to read the chart."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.input.action import Action
from flow_gl.ui.input.actions import ACTIONS
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.state.view_state import ViewState

_MOUSE: Final = (
    ("Wheel", "zoom time at the cursor"),
    ("Shift + wheel", "zoom price at the cursor"),
    ("Drag", "pan; at the live edge the chart follows again"),
    ("Drag an axis", "scale it"),
    ("Double click an axis", "reset it"),
    ("Drag a border", "resize the CVD pane"),
    ("Point at a bubble", "its numbers"),
    ("Click a bubble", "pin its numbers; click again or Esc to unpin"),
    ("Drag a custom level", "move it, tick by tick"),
    ("Click a custom level", "its name, price, colour, alert; delete it"),
    ("Double click a header", "show this chart alone, or all"),
    ("Right click", "menu of a chart, bubble, level, axis, header"),
)
_COLUMN_PX: Final = 180.0
"""Least width of a column of keys at scale 1: narrower ones break words."""
_READING: Final = (
    "A bubble is one second of trades (longer when zoomed out: the header names the bucket). "
    "Its area is the larger side's contracts, its place their average price.",
    "Green: buyers lifted the ask. Red: sellers hit the bid. Grey: neither side dominates by more than the threshold.",
    "CVD below sums buys minus sells; it changes colour at zero.",
    "At the right: the session's volume by price. POC is the busiest price, VAH and VAL hold 70 % of volume.",
)


def draw(frame: Frame, state: ViewState) -> None:
    """Draw the panel in the middle of the window."""
    scale = frame.gui_scale
    viewport = imgui.get_main_viewport()
    # Height 0 fits the content if the window is tall enough.
    size = (
        min(900.0 * scale, viewport.size.x * 0.94),
        0.0 if viewport.size.y > 620 * scale else viewport.size.y * 0.94,
    )
    centre = (viewport.pos.x + viewport.size.x / 2, viewport.pos.y + viewport.size.y / 2)
    imgui.set_next_window_pos(centre, imgui.Cond_.appearing.value, (0.5, 0.5))
    imgui.set_next_window_size(size, imgui.Cond_.appearing.value)
    flags = imgui.WindowFlags_.no_saved_settings.value | imgui.WindowFlags_.no_docking.value
    flags |= imgui.WindowFlags_.no_nav_inputs.value | imgui.WindowFlags_.no_collapse.value
    is_filled, is_open = imgui.begin("Help   ?###help", True, flags)
    if is_filled:
        _fill(state)
    imgui.end()
    if not is_open:
        state.open_panels.discard("help")


def _fill(state: ViewState) -> None:
    for text in _READING:
        imgui.bullet()
        imgui.text_wrapped(text)
    imgui.spacing()
    room = imgui.get_content_region_avail().x / (_COLUMN_PX * imgui.get_style().font_scale_main)
    if not imgui.begin_table("help columns", min(max(int(room), 1), 3), imgui.TableFlags_.sizing_stretch_same.value):
        return
    for groups in (
        ("Picture", "Charts", "Overlays"),
        ("Price and CVD", "Drawing", "Program"),
        ("Replay", "Engine", ""),
    ):
        imgui.table_next_column()
        for group in groups:
            if group:
                _keys(group, [action for action in ACTIONS if action.group == group], state)
            else:
                _rows("Mouse", list(_MOUSE))
    imgui.end_table()


def _keys(group: str, actions: list[Action], state: ViewState) -> None:
    if group == "Charts":
        _rows(group, [("1-9", "show one chart"), ("0", "all charts")])
        return
    keys = [(key_label(state.keys, action.name), action.title) for action in actions]
    _rows(group, [(key, title) for key, title in keys if key])


def _rows(title: str, rows: list[tuple[str, str]]) -> None:
    base.heading(title)
    widest = max(imgui.calc_text_size(key).x for key, _ in rows)
    gap = 14.0 * imgui.get_style().font_scale_main
    for key, text in rows:
        imgui.text_unformatted(key)
        imgui.same_line(0.0, widest - imgui.calc_text_size(key).x + gap)
        imgui.push_style_color(imgui.Col_.text.value, imgui.get_style_color_vec4(imgui.Col_.text_disabled.value))
        imgui.text_wrapped(text)
        imgui.pop_style_color()
