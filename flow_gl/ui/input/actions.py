"""The table of all actions: keys, menus, help and command palette read it.

An action changes the view's state, sends a command to the engine, or requests something from the program (a
screenshot, full screen, quit). One entry here is all that a new action needs.
"""

from typing import Final

from flow_gl.core.commands import Retry
from flow_gl.core.panels import PANELS, PanelEntry
from flow_gl.layers.lines.book import ORDER_SIZES
from flow_gl.ui.input import chart_actions as chart
from flow_gl.ui.input import (
    compare_actions,
    level_actions,
    picture_actions,
    shape_actions,
    transport_actions,
    workspace_actions,
)
from flow_gl.ui.input.action import Action, Context, Request, Run
from flow_gl.ui.input.choice_actions import choices, has_charts, is_replayed, next_layout
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.view_state import ViewState

GROUPS: Final = (
    "Overlays",
    "Drawing",
    "Picture",
    "Price and CVD",
    "Charts",
    "Workspaces",
    "Replay",
    "Engine",
    "Program",
)
"""Groups in the order of the menu; the others are lists of choices (`CHOICES`)."""
CHOICES: Final = ("Layers", "Layout", "Palette", "Span", "Fold", "Bucket", "Speed", "Text size")


def _ask(request: Request) -> Run:
    return lambda context: context.requests.append(request)


def _panel(entry: PanelEntry) -> Action:
    name = entry.name

    def toggle(context: Context) -> None:
        context.state.toggle_panel(name)

    def is_open(state: ViewState) -> bool:
        return state.is_panel_open(name)

    return Action(name, entry.title, entry.keys, "Overlays", toggle, is_open)


def _chart(number: int) -> Action:
    def is_there(frame: Frame) -> bool:
        return frame.chart_count > 1 and number <= frame.chart_count

    title = f"Chart {number} alone"
    return Action(f"chart_{number}", title, (str(number),), "Charts", chart.select(number), is_available=is_there)


_PLOT = ("chart", "cvd")
_ZOOM = chart.ZOOM_STEP
ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "pause",
        "Pause the chart, or the replay",
        ("space",),
        "Picture",
        transport_actions.pause,
        lambda s: s.pause is not None,
    ),
    Action(
        "follow", "Go live: newest time and price", ("f", "end"), "Picture", chart.go_live, menus=(*_PLOT, "time axis")
    ),
    Action("clear", "Hide the bubbles so far", ("c",), "Picture", chart.clear, menus=("chart",)),
    Action(
        "lock",
        "Lock the bucket width",
        ("l",),
        "Picture",
        chart.lock,
        lambda s: s.locked_lod is not None,
        menus=("time axis", "header"),
    ),
    Action("fold", "Fold closed hours, halts too, or nothing", ("h",), "Picture", chart.fold, menus=("time axis",)),
    Action("closer", "Zoom in", ("up_arrow", "+", "="), "Picture", chart.zoom(1 / _ZOOM), repeats=True),
    Action("farther", "Zoom out", ("down_arrow", "-"), "Picture", chart.zoom(_ZOOM), repeats=True),
    Action("reset_time", "Reset the span and go live", (), "Picture", chart.reset_time, menus=("time axis",)),
    Action(
        "own_time",
        "Own time for this window, or that of all",
        (),
        "Picture",
        chart.link_time,
        lambda s: not s.is_time_linked,
        menus=("time axis",),
    ),
    Action("back", "Back in time", ("left_arrow",), "Picture", chart.pan(0.1), repeats=True),
    Action("forward", "Forward in time", ("right_arrow",), "Picture", chart.pan(-0.1), repeats=True),
    Action(
        "previous_session",
        "Previous session",
        ("ctrl+left_arrow",),
        "Picture",
        chart.session(-1),
        menus=("time axis",),
    ),
    Action("next_session", "Next session", ("ctrl+right_arrow",), "Picture", chart.session(1), menus=("time axis",)),
    Action(
        "range",
        "Mark a range of time, or Alt-drag",
        ("x",),
        "Picture",
        chart.mark_range,
        lambda s: bool(s.marked),
        menus=(*_PLOT, "bubble"),
    ),
    Action(
        "view_profile",
        "Profile of what is in view",
        ("w",),
        "Picture",
        chart.toggle_layer("view_profile"),
        lambda s: "view_profile" in s.filters.layers,
        menus=("chart",),
    ),
    Action("pin_bubble", "Pin the bubble's numbers", (), "Picture", chart.pin_bubble, menus=("bubble",)),
    Action(
        "pointer",
        "Move a crosshair with the keyboard",
        ("u",),
        "Picture",
        chart.toggle_pointer,
        lambda s: s.pointer is not None,
    ),
    Action(
        "scale", "Scale prices automatically", ("v",), "Price and CVD", chart.auto_scale, menus=("chart", "price axis")
    ),
    Action(
        "price_closer",
        "Zoom prices in",
        ("shift+up_arrow",),
        "Price and CVD",
        chart.zoom_price(1 / _ZOOM),
        menus=("price axis",),
        repeats=True,
    ),
    Action(
        "price_farther",
        "Zoom prices out",
        ("shift+down_arrow",),
        "Price and CVD",
        chart.zoom_price(_ZOOM),
        menus=("price axis",),
        repeats=True,
    ),
    Action("price_higher", "Higher prices", ("ctrl+up_arrow",), "Price and CVD", chart.pan_price(0.1), repeats=True),
    Action("price_lower", "Lower prices", ("ctrl+down_arrow",), "Price and CVD", chart.pan_price(-0.1), repeats=True),
    Action(
        "cvd_scale", "Scale CVD automatically", (), "Price and CVD", chart.auto_scale_cvd, menus=("cvd", "cvd axis")
    ),
    Action("cvd_closer", "Zoom CVD in", (), "Price and CVD", chart.zoom_cvd(1 / _ZOOM), menus=("cvd axis",)),
    Action("cvd_farther", "Zoom CVD out", (), "Price and CVD", chart.zoom_cvd(_ZOOM), menus=("cvd axis",)),
    Action("cvd_larger", "Larger CVD pane", (), "Price and CVD", chart.resize_cvd(1), menus=("cvd axis",)),
    Action("cvd_smaller", "Smaller CVD pane", (), "Price and CVD", chart.resize_cvd(-1), menus=("cvd axis",)),
    Action(
        "cvd_reference",
        "Count CVD from here too",
        ("r",),
        "Price and CVD",
        chart.set_reference,
        menus=("cvd", "cvd axis"),
    ),
    Action(
        "cvd_candles",
        "CVD as candles",
        ("k",),
        "Price and CVD",
        chart.toggle_candles,
        lambda s: s.filters.has_cvd_candles,
        menus=("cvd", "cvd axis"),
    ),
    Action(
        "order_cvd",
        "CVD by order size",
        ("b",),
        "Price and CVD",
        chart.toggle_order_sizes,
        lambda s: ORDER_SIZES in s.filters.layers,
        menus=("cvd", "cvd axis"),
    ),
    Action(
        "custom_level",
        "Place a custom level",
        ("i",),
        "Drawing",
        level_actions.place,
        menus=("chart", "bubble", "price axis"),
    ),
    Action(
        "edit_level",
        "Edit a level or drawing; again: the next one",
        ("e",),
        "Drawing",
        shape_actions.edit,
        menus=("level", "drawing"),
    ),
    Action(
        "delete_level",
        "Delete the level or drawing at the mouse",
        ("delete",),
        "Drawing",
        shape_actions.delete,
        menus=("level", "drawing"),
    ),
    Action("move_drawing", "Move the drawing", ("shift+g",), "Drawing", shape_actions.move, menus=("drawing",)),
    *shape_actions.tools(),
    Action(
        "copy_price",
        "Copy the price",
        ("ctrl+c",),
        "Drawing",
        chart.copy_price,
        menus=("chart", "bubble", "level", "drawing", "price axis"),
    ),
    Action("undo", "Undo: zoom, drawing, CVD reference", ("ctrl+z",), "Drawing", chart.undo, menus=_PLOT),
    Action("redo", "Redo", ("ctrl+y", "ctrl+shift+z"), "Drawing", chart.redo, menus=_PLOT),
    Action(
        "slower", "Replay slower", ("[", "page_down"), "Replay", chart.speed(-1), is_available=is_replayed, repeats=True
    ),
    Action(
        "faster", "Replay faster", ("]", "page_up"), "Replay", chart.speed(1), is_available=is_replayed, repeats=True
    ),
    *transport_actions.actions(),
    Action("retry", "Reconnect now", ("f5",), "Engine", lambda c: c.commands.append(Retry())),
    *(_panel(entry) for entry in PANELS),
    Action(
        "overlays",
        "Show or hide panels",
        ("tab",),
        "Overlays",
        lambda c: c.state.toggle_all_panels(),
        menus=("header",),
    ),
    Action(
        "panel_keys", "Keyboard focus to the next panel", ("f6",), "Overlays", lambda c: c.state.next_keyboard_panel()
    ),
    Action("menu", "Menu", ("f10",), "Overlays", _ask(Request.MENU)),
    Action("context_menu", "Context menu at the mouse", ("menu", "shift+f10"), "Overlays", _ask(Request.CONTEXT_MENU)),
    Action("commands", "All commands", ("ctrl+p",), "Overlays", _ask(Request.COMMANDS)),
    *(_chart(number) for number in range(1, 10)),
    Action("all_charts", "All charts", ("0",), "Charts", chart.select(0), lambda s: s.selected == 0, has_charts),
    Action(
        "this_chart",
        "This chart alone, or all",
        (),
        "Charts",
        chart.toggle_chart,
        lambda s: s.selected > 0,
        has_charts,
        menus=("header",),
    ),
    Action("add_chart", "Add a chart", ("ctrl+n",), "Charts", _ask(Request.ADD_CHART), menus=("header",)),
    Action(
        "change_symbol",
        "Change the chart's symbol",
        ("f2",),
        "Charts",
        _ask(Request.CHANGE_SYMBOL),
        menus=("header", "chart"),
    ),
    Action(
        "close_chart",
        "Close the chart",
        ("ctrl+delete",),
        "Charts",
        chart.close,
        is_available=has_charts,
        menus=("header",),
    ),
    Action(
        "link",
        "Link the chart's prices: next group, or none",
        ("ctrl+j",),
        "Charts",
        chart.link,
        menus=("header", "price axis"),
    ),
    Action(
        "link_unit",
        "Linked prices in percent, or in ticks",
        (),
        "Charts",
        chart.switch_link_unit,
        menus=("price axis",),
    ),
    *compare_actions.actions(),
    Action("next_layout", "Next layout of the charts", ("ctrl+l",), "Charts", next_layout, is_available=has_charts),
    *workspace_actions.actions(),
    *picture_actions.actions(),
    Action(
        "new_window", "New window", ("ctrl+shift+n",), "Program", _ask(Request.NEW_WINDOW), menus=("header", "chart")
    ),
    Action("close_window", "Close this window", ("ctrl+f4",), "Program", _ask(Request.CLOSE_WINDOW), menus=("header",)),
    Action("fullscreen", "Full screen", ("f11",), "Program", _ask(Request.FULLSCREEN), menus=("header",)),
    Action("next_monitor", "Move to the next monitor", ("shift+f11",), "Program", _ask(Request.NEXT_MONITOR)),
    Action("mute", "Mute alerts", ("m",), "Program", chart.mute, lambda s: s.is_muted, menus=("header",)),
    Action("palette", "Next palette", ("t",), "Program", lambda c: c.state.next_palette()),
    Action("escape", "Back", ("escape",), "Program", lambda c: c.state.step_back()),
    Action("quit", "Quit", ("ctrl+q",), "Program", _ask(Request.QUIT)),
    *choices(),
)
BY_NAME: Final = {action.name: action for action in ACTIONS}
FIXED: Final = frozenset({"escape"})
"""Actions whose keys cannot be changed: there is always a way back."""
