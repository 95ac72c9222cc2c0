"""Applies the keyboard and mouse input of a frame to the view's state, based on what the last frame showed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.schema import FeedState
from flow_gl.layers.drawings.geometry import shape_at
from flow_gl.layers.drawings.levels import level_at
from flow_gl.layers.labels.axes import lost_price_box
from flow_gl.layers.rows.hit import bubble_at
from flow_gl.ui.input import key_pointer, keyboard, range_tool
from flow_gl.ui.input.action import Action, Context, Request
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.input.chart_grip import ChartGrip
from flow_gl.ui.input.column_grip import ColumnGrip
from flow_gl.ui.input.gestures import Gestures, Mouse, Zone
from flow_gl.ui.input.keymap import keys_of
from flow_gl.ui.input.level_tool import LevelTool, price_at
from flow_gl.ui.input.shape_tool import ShapeTool, point_at
from flow_gl.ui.input.target import hit_at
from flow_gl.ui.input.transport_tool import TransportTool
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.header import menu_rect
from flow_gl.ui.overlays.hints import hint_box
from flow_gl.ui.overlays.hover import table as hover
from flow_gl.ui.overlays.hover.tip import spot_at
from flow_gl.ui.overlays.notices import go_live_pill
from flow_gl.ui.overlays.stack import Overlays, is_list_open
from flow_gl.ui.paint.key_presses import Press
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.state.zoom_history import ZoomHistory

_SHAPES: Final = {
    Zone.SPLITTER: imgui.MouseCursor_.resize_ns,
    Zone.PRICE_AXIS: imgui.MouseCursor_.resize_ns,
    Zone.CVD_AXIS: imgui.MouseCursor_.resize_ns,
    Zone.COMPARISON_SPLITTER: imgui.MouseCursor_.resize_ns,
    Zone.COMPARISON_AXIS: imgui.MouseCursor_.resize_ns,
    Zone.TIME_AXIS: imgui.MouseCursor_.resize_ew,
    Zone.RANGE: imgui.MouseCursor_.resize_ew,
}


_WHILE_EDITING: Final = frozenset(
    {"escape", "undo", "redo", "delete_level", "mute", "screenshot", "fullscreen", "next_monitor", "quit"}
)
"""Actions whose keys do not move within the editor of a level."""
_WHILE_STARTING: Final = frozenset({"commands", "menu", "palette", "fullscreen", "screenshot", "quit"})
"""Actions whose keys work on the start screen."""
_NAVIGATION: Final = frozenset(
    {"space", "enter", "tab", "left_arrow", "right_arrow", "up_arrow", "down_arrow", "page_up", "page_down"}
)
"""Keys that move in a panel while the keyboard belongs to it."""
_NAV: Final[int] = imgui.ConfigFlags_.nav_enable_keyboard.value
_PLACING: Final = frozenset({"closer", "farther", "price_higher", "price_lower"})
"""Actions whose default keys move a level that is being placed."""


class InputHandler:
    """Applies keyboard and mouse to the view's state.

    Parameters
    ----------
    send : sends a command to the engine
    """

    def __init__(self, state: ViewState, overlays: Overlays, send: Callable[[Command], None]) -> None:
        self._state: Final = state
        self._overlays: Final = overlays
        self._send: Final = send
        self._gestures: Final = Gestures()
        self._column_grip: Final = ColumnGrip()
        self._chart_grip: Final = ChartGrip()
        self._level_tool: Final = LevelTool()
        self._shape_tool: Final = ShapeTool()
        self._transport_tool: Final = TransportTool()
        self._zoom_history: Final = ZoomHistory(state)
        self._requests: list[Request] = []
        self._mouse_px = (-1.0, -1.0)
        self.was_busy = False
        """Whether the last `handle` call saw mouse or key input."""

    @property
    def is_dragging(self) -> bool:
        tools = self._gestures, self._level_tool, self._shape_tool, self._transport_tool
        grips = self._column_grip, self._chart_grip
        return any(grip.is_held for grip in grips) or any(tool.is_dragging for tool in tools)

    def take_requests(self) -> list[Request]:
        """Return and clear the requests to the program since the last call."""
        requests, self._requests = self._requests, []
        return requests

    def handle(self, frame: Frame, painter: Painter, presses: Sequence[Press]) -> None:
        """Apply this frame's input. Called between ImGui's new frame and the first window.

        Parameters
        ----------
        frame : the last frame, which the input refers to
        painter : measures text widths
        presses : key presses, in order
        """
        io = imgui.get_io()
        mouse = self._take_pointer(_mouse(io), frame, presses)
        self.was_busy = bool(mouse.wheel or mouse.is_down or mouse.is_released or io.mouse_delta.x or io.mouse_delta.y)
        self._zoom_history.look(frame.steady_s, is_held=self.is_dragging)
        asked = self._transport_tool.handle(
            mouse, frame, self._state, self._overlays.transport.seek_bar(frame, self._state)
        )
        for command in asked.commands:
            self._send(command)
        if asked.is_busy:
            mouse = replace(mouse, is_free=False, is_pressed=False, wheel=0.0, wheel_h=0.0)
        is_grip, is_upright = self._column_grip.handle(mouse, frame.panels, self._state, scale=frame.scale), True
        if not is_grip and not self._gestures.is_dragging:
            is_grip, is_upright = self._chart_grip.handle(mouse, frame, self._state), self._chart_grip.is_upright
        is_button = mouse.is_pressed and mouse.is_free and self._press_button(mouse, frame, painter)
        if is_grip:
            along = imgui.MouseCursor_.resize_ew if is_upright else imgui.MouseCursor_.resize_ns
            imgui.set_mouse_cursor(along.value)
        elif not is_button and not self._draw_by_mouse(mouse, frame):
            event_ns, scale = frame.event_ns, frame.scale
            clicked = self._gestures.handle(mouse, frame.charts, self._state, event_ns=event_ns, scale=scale)
            if clicked is not None:
                self._pin(clicked, mouse)
        range_tool.follow(mouse.x, mouse.y, frame.charts, self._state, frame.event_ns)
        self._point(mouse, frame)
        if mouse.is_free and imgui.is_mouse_clicked(1):
            self._press_right(mouse, frame)
        shape = imgui.MouseCursor_.resize_ns if self._level_tool.is_over else _SHAPES.get(self._gestures.zone)
        if self._shape_tool.is_over:
            shape = imgui.MouseCursor_.hand
        if mouse.is_free and any(self._is_go_live(chart, mouse, frame, painter) for chart in frame.charts):
            shape = imgui.MouseCursor_.hand
        if shape is not None and mouse.is_free and not is_grip:
            imgui.set_mouse_cursor(shape.value)
        actions = [*self._pressed(frame, presses), *(BY_NAME[name] for name in asked.actions)]
        for tool in (self._level_tool, self._shape_tool):
            self._say(frame, tool.notes)
            tool.notes.clear()
        if actions:
            self.was_busy = True
            self.act(actions, frame)

    def _draw_by_mouse(self, mouse: Mouse, frame: Frame) -> bool:
        """Apply the mouse to the user's drawings; return whether one used it."""
        state, scale = self._state, frame.scale
        if state.drawings.tool is not None or self._shape_tool.is_dragging or state.drawings.held_shape is not None:
            return self._shape_tool.handle(mouse, frame.charts, state, scale=scale)
        return self._level_tool.handle(mouse, frame.charts, state, scale=scale) or self._shape_tool.handle(
            mouse, frame.charts, state, scale=scale
        )

    def _pressed(self, frame: Frame, presses: Sequence[Press]) -> list[Action]:
        """Return the actions of this frame's keys, without keys that something else takes."""
        state, io = self._state, imgui.get_io()
        if state.key_capture is not None:
            if state.is_panel_open("keys"):
                state.key_capture.pressed = keyboard.name_of(presses) or state.key_capture.pressed
                return []
            state.key_capture = None
        actions = keyboard.pressed(presses, state.keys)
        is_open = is_list_open() or self._overlays.was_list_open
        # Dear ImGui moves in menus and panels by keys only where they belong to it.
        is_starting = state.start is not None and state.start.is_open
        is_moving = is_open or is_starting or bool(state.keyboard_panel) or state.drawings.is_edited
        io.config_flags = io.config_flags | _NAV if is_moving else io.config_flags & ~_NAV
        if not io.want_text_input and self._level_tool.take_keys(presses, frame.charts, state):
            actions = [action for action in actions if action.name not in _PLACING]
        if state.pointer is not None:
            actions = [action for action in actions if action.name not in key_pointer.TAKEN]
        if is_starting:
            actions = [action for action in actions if action.name in _WHILE_STARTING]
        if state.drawings.is_edited:
            actions = [action for action in actions if action.name in _WHILE_EDITING]
        elif state.keyboard_panel:
            actions = [one for one in actions if _NAVIGATION.isdisjoint(keys_of(state.keys, one.name))]
        if is_open and any(press.key == imgui.Key.escape for press in presses):
            if is_list_open():
                imgui.internal.close_popup_to_level(0, True)
            actions = [action for action in actions if action.name != "escape"]
        elif is_open and not state.drawings.is_edited:
            actions = []
        return actions

    def _take_pointer(self, mouse: Mouse, frame: Frame, presses: Sequence[Press]) -> Mouse:
        """Return the mouse, or the crosshair that keys move in its place until the mouse moves again."""
        state, delta = self._state, imgui.get_io().mouse_delta
        if state.pointer is None:
            return mouse
        if delta.x or delta.y or mouse.is_pressed:
            state.pointer = None
            return mouse
        is_busy = is_list_open() or imgui.get_io().want_text_input or bool(state.keyboard_panel)
        held = state.drawings.held
        if is_busy or (held is not None and held.is_new and state.pointer != key_pointer.NOWHERE):
            x, y = state.pointer
            return replace(mouse, x=x, y=y, is_free=not is_busy)
        return key_pointer.move(presses, mouse, frame.charts, state, frame.scale)

    def act(self, actions: list[Action], frame: Frame, place: tuple[float, float] | None = None) -> None:
        """Run actions, based on what a frame showed.

        Parameters
        ----------
        place : framebuffer pixels: where the menu was opened that the actions come from; None for the mouse
        """
        if not actions:
            return
        mouse = _mouse(imgui.get_io())
        place = place or self._state.pointer
        if place is not None:
            mouse = replace(mouse, x=place[0], y=place[1], is_free=True)
        context = self._context(mouse, frame)
        for action in actions:
            if action.name in ("undo", "redo"):
                self._zoom_history.look(frame.steady_s)
                self._zoom_history.close()
            action.run(context)
            self._state.hints.note_use(action.name)
        for command in context.commands:
            self._send(command)
        if context.copied:
            imgui.set_clipboard_text(context.copied)
        self._say(frame, context.notes)
        for request in context.requests:
            self._take_request(request, mouse, frame, context.focus or 0)

    def _take_request(self, request: Request, mouse: Mouse, frame: Frame, chart: int) -> None:
        """Carry out a request, or keep it for the program. `chart` is the focused one, else the first."""
        if request is Request.MENU:
            self._overlays.ask_for_menu()
        elif request is Request.COMMANDS:
            self._overlays.ask_for_commands((mouse.x, mouse.y))
        elif request in (Request.ADD_CHART, Request.CHANGE_SYMBOL):
            self._overlays.ask_for_symbols(None if request is Request.ADD_CHART else chart)
        elif request is Request.COMPARE:
            self._overlays.ask_for_comparison(chart)
        elif request is Request.CONTEXT_MENU:
            self._open_target_menu(mouse, frame, is_at_mouse=False)
        else:
            self._requests.append(request)

    def _context(self, mouse: Mouse, frame: Frame) -> Context:
        under = [chart.index for chart in frame.charts if chart.layout.outer.contains(mouse.x, mouse.y)]
        focus = frame.charts[0].index if len(frame.charts) == 1 else under[0] if under else None
        markets = frame.markets
        layout = next((chart.layout for chart in frame.charts if chart.index == focus), None)
        layout = layout or (frame.charts[0].layout if frame.charts else None)
        context = Context(
            state=self._state,
            names=[market.symbol or market.requested for market in markets],
            focus=focus if markets else None,
            wall_ns=frame.wall_ns,
            event_ns=frame.event_ns,
            scale=frame.scale,
            plot_width_px=layout.price.width if layout else 0.0,
            pane_heights_px=_heights(layout),
            engine=frame.engine,
            markets=markets,
            of_feed=frame.link.markets,
            pointed_ns=range_tool.pointed_ns(mouse.x, mouse.y, frame.charts, self._state, frame.event_ns),
            feed_state=FeedState.STARTING if frame.engine is None else FeedState(int(frame.engine.status["state"])),
        )
        if frame.engine is not None and frame.engine.status["speed"] > 0:
            context.speed = float(frame.engine.status["speed"])
        self._note_pointed(context, mouse, frame)
        return context

    def _note_pointed(self, context: Context, mouse: Mouse, frame: Frame) -> None:
        """Note the price, the custom level and the bubble at the mouse."""
        chart = next((one for one in frame.charts if one.layout.outer.contains(mouse.x, mouse.y)), None)
        if chart is None or chart.scene is None or not mouse.is_free:
            return
        layout = chart.layout
        if layout.price.contains(mouse.x, mouse.y) or layout.price_axis.contains(mouse.x, mouse.y):
            found = level_at(chart.scene, mouse.x, mouse.y)
            bubble = bubble_at(chart.scene, mouse.x, mouse.y)
            context.pointed_price = price_at(chart.scene, mouse.y)
            context.pointed_level = None if found is None else found.level
            drawn = shape_at(chart.scene, mouse.x, mouse.y)
            context.pointed_shape = None if drawn is None else drawn[0]
            context.pointed_point = point_at(chart.scene, mouse.x, mouse.y)
            context.pointed_bubble = None if bubble is None else (bubble, chart.scene.lod)

    def _say(self, frame: Frame, notes: Sequence[str]) -> None:
        for text in notes:
            self._overlays.notes.add(text, frame.steady_s)

    def _press_right(self, mouse: Mouse, frame: Frame) -> None:
        """Open the menu of the item at the mouse, or cancel a drawing that is being placed."""
        if self._state.drawings.is_placing:
            self._state.drawings.cancel()
        elif self._state.start is not None and self._state.start.is_open:
            self._overlays.ask_for_menu()
        else:
            self._open_target_menu(mouse, frame, is_at_mouse=self._state.pointer is None)

    def _open_target_menu(self, mouse: Mouse, frame: Frame, *, is_at_mouse: bool) -> None:
        chart = next((one for one in frame.charts if one.layout.outer.contains(mouse.x, mouse.y)), None)
        self._state.hints.note_use("context_menu")
        if chart is None:
            self._overlays.ask_for_menu()
            return
        hit = hit_at(chart, (mouse.x, mouse.y), self._state, frame.event_ns)
        self._overlays.ask_for_target_menu(hit, is_at_mouse=is_at_mouse)

    def _press_button(self, mouse: Mouse, frame: Frame, painter: Painter) -> bool:
        """Handle a click on the menu button, on "Go live" or on a hint; return whether one was hit."""
        hint = self._state.hints.current
        found = hint_box(painter, frame.charts[0], self._state) if hint and frame.charts else None
        if hint is not None and found is not None and found[0].contains(mouse.x, mouse.y):
            self._state.hints.close(hint.name)
            return True
        for order, chart in enumerate(frame.charts):
            button = menu_rect(chart.layout.header, frame.scale)
            if order == 0 and button.contains(mouse.x, mouse.y):
                dense = imgui.get_io().display_framebuffer_scale.x
                self._overlays.ask_for_menu((button.x / dense, button.bottom / dense))
                return True
            if self._is_go_live(chart, mouse, frame, painter):
                self.act([BY_NAME["follow"]], frame)
                return True
        return False

    def _is_go_live(self, chart: ChartFrame, mouse: Mouse, frame: Frame, painter: Painter) -> bool:
        """Whether the mouse is on the button "Go live" or on the arrow to a last price outside the view."""
        pill = go_live_pill(painter, chart, frame, self._state)
        arrow = None if chart.scene is None else lost_price_box(chart.scene)
        return any(box is not None and box.contains(mouse.x, mouse.y) for box in (pill and pill[0], arrow))

    def _point(self, mouse: Mouse, frame: Frame) -> None:
        """Find what the mouse points at, if it has moved: under a mouse that rests, charts move on their own."""
        has_moved, self._mouse_px = (mouse.x, mouse.y) != self._mouse_px, (mouse.x, mouse.y)
        cursor = self._state.cursor_px
        for chart in frame.charts:
            own = self._state.charts[chart.index]
            if cursor is None or chart.scene is None or not chart.layout.outer.contains(*cursor):
                own.pointed = None
            elif has_moved:
                own.pointed = hover.find(spot_at(chart.scene, cursor, self._state))

    def _pin(self, chart: ChartFrame, mouse: Mouse) -> None:
        """Pin the numbers of the bubble at the mouse, or unpin those that are pinned."""
        own, scene = self._state.charts[chart.index], chart.scene
        found = None if scene is None else bubble_at(scene, mouse.x, mouse.y)
        lod = own.lod if scene is None else scene.lod
        is_same = found is None or (own.pinned_id, own.pinned_lod) == (found, lod)
        own.pinned_id, own.pinned_lod = (None, 0) if is_same else (found, lod)


def _heights(layout: ChartLayout | None) -> tuple[float, float, float]:
    return (layout.price.height, layout.cvd.height, layout.comparison.height) if layout else (0.0, 0.0, 0.0)


def _mouse(io: imgui.IO) -> Mouse:
    dense = io.display_framebuffer_scale.x
    return Mouse(
        x=io.mouse_pos.x * dense,
        y=io.mouse_pos.y * dense,
        is_free=not io.want_capture_mouse,
        is_pressed=imgui.is_mouse_clicked(0),
        is_down=imgui.is_mouse_down(0),
        is_released=imgui.is_mouse_released(0),
        is_double=imgui.is_mouse_double_clicked(0),
        wheel=io.mouse_wheel,
        wheel_h=io.mouse_wheel_h,
        is_shift=io.key_shift,
        is_alt=io.key_alt,
    )
