"""The table of all actions that keys and menu entries run; keyboard input, menu and help read it.

An action changes the view's state, sends a command to the engine, or requests something from the program (a
screenshot, full screen, quit).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from flow_gl.core.commands import Command, Retry, SetSpeed
from flow_gl.core.drawings import OwnLevel
from flow_gl.core.panels import PANELS, PanelEntry
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.lines.book import ORDER_SIZES
from flow_gl.store.market import MarketReader
from flow_gl.ui.input import level_actions, session_steps
from flow_gl.ui.overlays import words
from flow_gl.ui.state.axes import EDGE_SHARE
from flow_gl.ui.state.history import Step
from flow_gl.ui.state.marked_range import MarkedRange
from flow_gl.ui.state.timeline import NO_TIMELINE, Folding, Timeline
from flow_gl.ui.state.view_state import ViewState

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1000.0, 3000.0, 10000.0, float("inf"))
"""Replay speeds that `[` and `]` step through."""
_ANSWER_NS: Final = SECOND_NS
"""Time allowed for the engine to apply a new speed; until then, steps start from the requested speed."""
ZOOM_STEP: Final = 1.25


class Request(Enum):
    """Requests that only the program can carry out."""

    SCREENSHOT = "screenshot"
    FULLSCREEN = "fullscreen"
    QUIT = "quit"
    MENU = "menu"


@dataclass(slots=True)
class Context:
    """Everything an action may read and change."""

    state: ViewState
    names: list[str]
    """Names of the charts as the header shows them."""
    focus: int | None
    """Index of the chart that is shown alone or under the mouse; None if there is none."""
    wall_ns: int
    event_ns: int
    """Event time at the live edge, as shown."""
    plot_width_px: float
    feed_state: int = FeedState.STARTING
    speed: float = 1.0
    """Current replay speed."""
    markets: Sequence[MarketReader] = ()
    """The charts' numbers as the last frame showed them."""
    pointed_price: int | None = None
    """Price (1e-9) of the tick at the mouse, while that is on the focused chart's price pane."""
    pointed_level: OwnLevel | None = None
    """The own level at the mouse."""
    pointed_ns: int = 0
    """Time under the mouse, or in the middle of the plot if the mouse is not over a chart."""
    commands: list[Command] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Short texts that tell the user what was done."""

    @property
    def timeline(self) -> Timeline:
        """What the time axis of the focused chart, else of the first one, knows of its data."""
        charts = self.state.charts
        return charts[self.focus or 0].timeline if charts else NO_TIMELINE

    @property
    def targets(self) -> list[int]:
        """Indices of the charts that an action applies to: the focused one, else all."""
        return [self.focus] if self.focus is not None else list(range(len(self.names)))


@dataclass(frozen=True, slots=True)
class Action:
    """One user action with its keys and menu entry."""

    name: str
    title: str
    keys: tuple[str, ...]
    """Names of ImGui keys, or typed characters for keys whose position depends on the keyboard layout."""
    group: str
    run: Callable[[Context], object]
    label: str = ""
    """The key as shown to the user; "" shows the first of `keys`."""
    is_checked: Callable[[ViewState], bool] | None = None

    @property
    def key_label(self) -> str:
        return self.label or (self.keys[0] if self.keys else "")


def _pause(context: Context) -> None:
    context.state.toggle_pause(context.wall_ns, context.event_ns)


def _set_reference(context: Context) -> None:
    added: list[tuple[int, CvdReference]] = []
    for index in context.targets:
        name, found = context.names[index], context.state.charts[index].cvd_references
        reference = CvdReference.at_newest_trade(context.markets[index])
        if reference is None:
            context.notes.append(f"{name} has not traded yet: CVD has nothing to count from")
            continue
        if reference not in found:
            found.append(reference)
            added.append((index, reference))
        context.notes.append(f"{name}: CVD is also counted from {words.clock(reference.at_ns)}  \u00b7  Ctrl+Z undoes")
    if added:
        state = context.state
        context.state.history.add(
            Step(lambda: _take_references(state, added), lambda: _restore_references(state, added))
        )


def _take_references(state: ViewState, added: list[tuple[int, CvdReference]]) -> str:
    """Remove reference points; return the note, "" if all of them have ended by themselves."""
    said = ""
    for index, reference in added:
        found = state.charts[index].cvd_references
        if reference in found:
            found.remove(reference)
            said = f"CVD is also counted from {words.clock(found[-1].at_ns)}" if found else "CVD reference removed"
    return said


def _restore_references(state: ViewState, added: list[tuple[int, CvdReference]]) -> str:
    for index, reference in added:
        state.charts[index].cvd_references.append(reference)
    return f"CVD is also counted from {words.clock(added[-1][1].at_ns)}"


def _undo(context: Context) -> None:
    context.state.drawings.held = None
    context.notes.append(context.state.history.undo() or "there is nothing to undo")


def _redo(context: Context) -> None:
    context.notes.append(context.state.history.redo() or "there is nothing to redo")


def _go_live(context: Context) -> None:
    """Return to the newest trades: the live edge in its position, prices on an automatic scale."""
    context.state.time.follow()
    for chart in context.state.charts:
        chart.price.reset()


def _toggle_candles(context: Context) -> None:
    filters = context.state.filters
    filters.has_cvd_candles = not filters.has_cvd_candles


def _toggle_order_sizes(context: Context) -> None:
    """Show CVD by order size, and CVD with it; or hide the former."""
    layers = context.state.filters.layers
    if ORDER_SIZES in layers:
        layers.remove(ORDER_SIZES)
    else:
        layers |= {ORDER_SIZES, "cvd"}


def _mark_range(context: Context) -> None:
    """Begin a range at the mouse; called again, end it there."""
    state, at_ns = context.state, context.pointed_ns
    if state.marked is not None and state.marked.is_open:
        state.marked = replace(state.marked, is_open=False)
        context.notes.append("range marked  \u00b7  Esc closes it")
        return
    index = context.focus or 0
    if index >= len(context.markets):
        return
    width_ns = context.markets[index].widths_ns[state.charts[index].lod]
    state.marked = MarkedRange(at_ns, at_ns, width_ns, is_open=True)
    context.notes.append(f"range from {words.clock(state.marked.start_ns)}  \u00b7  X again ends it, Esc closes it")


def _toggle_layer(name: str) -> Callable[[Context], None]:
    return lambda context: context.state.filters.layers.symmetric_difference_update({name})


def _clear(context: Context) -> None:
    for index in context.targets:
        context.state.clear(index, context.event_ns)
        done = "bubbles so far are hidden" if context.state.charts[index].cleared_before_ns else "all bubbles shown"
        context.notes.append(f"{context.names[index]}: {done}")


def _mute(context: Context) -> None:
    context.state.is_muted = not context.state.is_muted
    context.notes.append("alerts are muted" if context.state.is_muted else "alerts are on")


def _lock(context: Context) -> None:
    if context.state.charts:
        context.state.toggle_lock(context.focus or 0)


def _auto_scale(context: Context) -> None:
    for index in context.targets:
        context.state.charts[index].price.reset()
        context.state.charts[index].cvd.reset()


_FOLDING_NOTES: Final[dict[Folding, str]] = {
    "closed": "closed hours are folded",
    "all": "closed hours and times without trades are folded",
    "none": "no time is folded",
}


def _fold(context: Context) -> None:
    folding = context.state.next_folding()
    context.notes.append(_FOLDING_NOTES[folding])


def _speed(direction: int) -> Callable[[Context], None]:
    def run(context: Context) -> None:
        if context.feed_state not in (FeedState.REPLAY, FeedState.DEMO):
            context.notes.append("the speed can only be changed in a replay or a demo")
            return
        if context.wall_ns - context.state.speed_asked_ns > _ANSWER_NS:
            context.state.speed = context.speed
        now = context.state.speed
        if direction > 0:
            speed = next((s for s in SPEEDS if s > now), SPEEDS[-1])
        else:
            speed = next((s for s in reversed(SPEEDS) if s < now), SPEEDS[0])
        context.state.speed, context.state.speed_asked_ns = speed, context.wall_ns
        context.commands.append(SetSpeed(speed=speed))

    return run


def _zoom(factor: float) -> Callable[[Context], None]:
    def run(context: Context) -> None:
        # Zoom around the live edge, which the keys keep in place.
        state, width = context.state, context.plot_width_px
        state.time.zoom(factor, EDGE_SHARE * width, context.event_ns, width, context.timeline)

    return run


def _pan(share: float) -> Callable[[Context], None]:
    def run(context: Context) -> None:
        context.state.time.pan(share * context.plot_width_px, context.event_ns, context.timeline)
        context.state.time.settle(context.event_ns, timeline=context.timeline)

    return run


def _session(direction: int) -> Callable[[Context], None]:
    def run(context: Context) -> None:
        state, index = context.state, context.focus or 0
        if index >= len(context.markets):
            return
        where = session_steps.Where(context.event_ns, context.plot_width_px, context.timeline)
        context.notes.append(session_steps.step(context.markets[index], state.time, direction, where))

    return run


def _select(number: int) -> Callable[[Context], None]:
    return lambda context: context.state.select(number, len(context.names))


def _panel_action(entry: PanelEntry) -> Action:
    name = entry.name
    return Action(
        name,
        entry.title,
        entry.keys,
        "Overlays",
        lambda context: context.state.toggle_panel(name),
        entry.keys[0].upper(),
        lambda state: state.is_panel_open(name),
    )


def _ask(request: Request) -> Callable[[Context], None]:
    return lambda context: context.requests.append(request)


ACTIONS: Final[tuple[Action, ...]] = (
    Action("pause", "Pause the chart", ("space",), "Picture", _pause, "Space", lambda s: s.pause is not None),
    Action("follow", "Go live: newest time and price", ("f", "end"), "Picture", _go_live, "F"),
    Action("clear", "Hide the bubbles so far", ("c",), "Picture", _clear, "C"),
    Action("lock", "Lock the bucket width", ("l",), "Picture", _lock, "L", lambda s: s.locked_lod is not None),
    Action("scale", "Scale prices automatically", ("v",), "Picture", _auto_scale, "V"),
    Action("fold", "Fold closed hours, halts too, or nothing", ("h",), "Picture", _fold, "H"),
    Action("closer", "Zoom in", ("up_arrow", "+", "="), "Picture", _zoom(1 / ZOOM_STEP), "Up"),
    Action("farther", "Zoom out", ("down_arrow", "-"), "Picture", _zoom(ZOOM_STEP), "Down"),
    Action("back", "Back in time", ("left_arrow",), "Picture", _pan(0.1), "Left"),
    Action("forward", "Forward in time", ("right_arrow",), "Picture", _pan(-0.1), "Right"),
    Action("previous_session", "Previous session", ("ctrl+left_arrow",), "Picture", _session(-1), "Ctrl+Left"),
    Action("next_session", "Next session", ("ctrl+right_arrow",), "Picture", _session(1), "Ctrl+Right"),
    Action("cvd_reference", "Count CVD from here too", ("r",), "Picture", _set_reference, "R"),
    Action("own_level", "Place an own level", ("i",), "Drawing", level_actions.place, "I"),
    Action("edit_level", "Edit an own level; again: the next one", ("e",), "Drawing", level_actions.edit, "E"),
    Action("delete_level", "Delete the own level at the mouse", ("delete",), "Drawing", level_actions.delete, "Del"),
    Action("undo", "Undo: own level, CVD reference", ("ctrl+z",), "Drawing", _undo, "Ctrl+Z"),
    Action("redo", "Redo", ("ctrl+y",), "Drawing", _redo, "Ctrl+Y"),
    Action(
        "cvd_candles", "CVD as candles", ("k",), "Picture", _toggle_candles, "K", lambda s: s.filters.has_cvd_candles
    ),
    Action(
        "order_cvd",
        "CVD by order size",
        ("b",),
        "Picture",
        _toggle_order_sizes,
        "B",
        lambda s: ORDER_SIZES in s.filters.layers,
    ),
    Action("range", "Mark a range of time, or Alt-drag", ("x",), "Picture", _mark_range, "X", lambda s: bool(s.marked)),
    Action(
        "view_profile",
        "Profile of what is in view",
        ("w",),
        "Picture",
        _toggle_layer("view_profile"),
        "W",
        lambda s: "view_profile" in s.filters.layers,
    ),
    Action("slower", "Replay slower", ("[", "page_down"), "Engine", _speed(-1), "["),
    Action("faster", "Replay faster", ("]", "page_up"), "Engine", _speed(1), "]"),
    Action("retry", "Reconnect now", ("f5",), "Engine", lambda c: c.commands.append(Retry()), "F5"),
    *(_panel_action(entry) for entry in PANELS),
    Action("overlays", "Show or hide panels", ("tab",), "Overlays", lambda c: c.state.toggle_all_panels(), "Tab"),
    Action("menu", "Menu", ("f10",), "Overlays", _ask(Request.MENU), "F10"),
    *(Action(f"chart_{n}", f"Chart {n} alone", (str(n),), "Charts", _select(n), str(n)) for n in range(1, 10)),
    Action("all_charts", "All charts", ("0",), "Charts", _select(0), "0", lambda s: s.selected == 0),
    Action("screenshot", "Save a screenshot", ("s",), "Program", _ask(Request.SCREENSHOT), "S"),
    Action("fullscreen", "Full screen", ("f11",), "Program", _ask(Request.FULLSCREEN), "F11"),
    Action("mute", "Mute alerts", ("m",), "Program", _mute, "M", lambda s: s.is_muted),
    Action("palette", "Next palette", ("t",), "Program", lambda c: c.state.next_palette(), "T"),
    Action("escape", "Back", ("escape",), "Program", lambda c: c.state.step_back(), "Esc"),
    Action("quit", "Quit", ("ctrl+q",), "Program", _ask(Request.QUIT), "Ctrl+Q"),
)
BY_NAME: Final = {action.name: action for action in ACTIONS}
