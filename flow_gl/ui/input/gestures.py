"""Mouse gestures over the charts: the wheel zooms at the cursor, a drag pans or scales, a double click resets.

A state machine that needs no window: it takes the mouse events of one frame and changes the view's state.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from flow_gl.ui.input import range_tool
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.state.axes import SNAP_PX
from flow_gl.ui.state.layout import ChartLayout, share_from_drag
from flow_gl.ui.state.view_state import ViewState

WHEEL_STEP: Final = 1.18
"""Zoom factor per wheel notch."""
CLICK_PX: Final = 4.0
"""A press and release with at most this much movement is a click."""
PRICE_LOCK_PX: Final = 14.0
"""Vertical drag distance that fixes an automatic price scale; a horizontal pan must not fix it."""
_AXIS_DRAG_PX: Final = 220.0
"""Drag distance on an axis that changes its scale by the factor e."""


class Zone(Enum):
    """The part of a chart under the mouse."""

    NONE = 0
    HEADER = 1
    PRICE = 2
    CVD = 3
    TIME_AXIS = 4
    PRICE_AXIS = 5
    CVD_AXIS = 6
    SPLITTER = 7
    RANGE = 8
    """A range of time is being marked in a pane."""
    COMPARISON = 9
    COMPARISON_AXIS = 10
    COMPARISON_SPLITTER = 11


_PANES: Final = (Zone.PRICE, Zone.COMPARISON, Zone.CVD)
_IN_PANES: Final = (None, Zone.RANGE, *_PANES)
"""Zones in which the mouse may hold something while the crosshair is shown; None: nothing is held."""


@dataclass(frozen=True, slots=True)
class Mouse:
    """Mouse state and events since the last frame; positions in framebuffer pixels."""

    x: float = -1.0
    y: float = -1.0
    is_free: bool = True
    """Whether no overlay is under the mouse."""
    is_pressed: bool = False
    is_down: bool = False
    is_released: bool = False
    is_double: bool = False
    wheel: float = 0.0
    wheel_h: float = 0.0
    is_shift: bool = False
    is_alt: bool = False


def zone_at(layout: ChartLayout, x: float, y: float) -> Zone:
    """Return the part of a chart at a point."""
    for zone, rect in (
        (Zone.SPLITTER, layout.splitter),
        (Zone.COMPARISON_SPLITTER, layout.comparison_splitter),
        (Zone.HEADER, layout.header),
        (Zone.PRICE, layout.price),
        (Zone.CVD, layout.cvd),
        (Zone.COMPARISON, layout.comparison),
        (Zone.TIME_AXIS, layout.time_axis),
        (Zone.PRICE_AXIS, layout.price_axis),
        (Zone.CVD_AXIS, layout.cvd_axis),
        (Zone.COMPARISON_AXIS, layout.comparison_axis),
    ):
        if rect.contains(x, y):
            return zone
    return Zone.NONE


class Gestures:
    """Applies mouse gestures to the view's state."""

    def __init__(self) -> None:
        self._grabbed: tuple[Zone, int] | None = None
        self._from = (0.0, 0.0)
        self._last = (0.0, 0.0)
        self._moved_px = 0.0
        self._has_left_automatic = False
        self._anchor_ns = 0
        self.zone = Zone.NONE
        """The zone that is held, else the one under the mouse; selects the cursor's shape."""

    def handle(
        self, mouse: Mouse, charts: list[ChartFrame], state: ViewState, *, event_ns: int, scale: float
    ) -> ChartFrame | None:
        """Apply the mouse of one frame to the state; return the chart that was clicked, or None."""
        under = next((c for c in charts if c.layout.outer.contains(mouse.x, mouse.y)), None)
        zone = zone_at(under.layout, mouse.x, mouse.y) if under and mouse.is_free else Zone.NONE
        clicked = None
        if mouse.is_pressed and under is not None and zone is not Zone.NONE:
            self._grabbed, self._from, self._last = (zone, under.index), (mouse.x, mouse.y), (mouse.x, mouse.y)
            self._moved_px, self._has_left_automatic = 0.0, False
            if mouse.is_alt and zone in _PANES:
                self._grabbed = Zone.RANGE, under.index
                self._anchor_ns = range_tool.anchor_at(mouse.x, under, state, event_ns, scale)
        if mouse.is_double and under is not None:
            _reset(zone, under, state)
        if self._grabbed is not None and (mouse.is_down or mouse.is_released):
            held = next((c for c in charts if c.index == self._grabbed[1]), None)
            if held is not None:
                self._drag(mouse, held, state, event_ns, scale)
        if mouse.is_released:
            was_click = self._grabbed is not None and self._moved_px <= CLICK_PX * scale
            if was_click and under is not None and self._grabbed == (Zone.PRICE, under.index):
                clicked = under
            if not was_click and self._grabbed is not None and self._grabbed[0] is not Zone.RANGE:
                state.time.settle(event_ns, SNAP_PX * scale, state.charts[self._grabbed[1]].timeline)
            self._grabbed = None
        if under is not None and mouse.is_free and (mouse.wheel or mouse.wheel_h) and self._grabbed is None:
            _wheel(mouse, zone, under, state, event_ns)
        state.cursor_px = (mouse.x, mouse.y) if zone in _PANES and self._grabbed_zone in _IN_PANES else None
        self.zone = self._grabbed_zone or zone
        return clicked

    @property
    def _grabbed_zone(self) -> Zone | None:
        return self._grabbed[0] if self._grabbed else None

    @property
    def is_dragging(self) -> bool:
        """Whether a chart, an axis or a border is being dragged."""
        return self._grabbed is not None and self._moved_px > CLICK_PX

    def _drag(self, mouse: Mouse, chart: ChartFrame, state: ViewState, event_ns: int, scale: float) -> None:
        assert self._grabbed is not None
        away = max(abs(mouse.x - self._from[0]), abs(mouse.y - self._from[1]))
        was_click = self._moved_px <= CLICK_PX * scale
        self._moved_px = max(self._moved_px, away)
        if self._moved_px <= CLICK_PX * scale:
            return
        # Include the first pixels, which only showed that this is a drag, so that the point stays under the mouse.
        last = self._from if was_click else self._last
        dx, dy = mouse.x - last[0], mouse.y - last[1]
        self._last = (mouse.x, mouse.y)
        own, layout = state.charts[chart.index], chart.layout
        zone = self._grabbed[0]
        if zone is Zone.RANGE:
            state.marked = range_tool.marked(self._anchor_ns, mouse.x, chart, state, event_ns)
        if zone in _PANES:
            state.time.pan(dx, event_ns, own.timeline)
        if zone is Zone.PRICE:
            if own.price.is_auto and not self._has_left_automatic:
                off = mouse.y - self._from[1]
                if abs(off) < PRICE_LOCK_PX * scale:
                    return
                self._has_left_automatic = True
                dy = 0.0
            own.price.pan(dy)
        elif zone is Zone.PRICE_AXIS:
            own.price.zoom(_e(dy, scale), 0.5 * layout.price.height, layout.price.height)
        elif zone is Zone.CVD_AXIS:
            own.cvd.zoom(_e(dy, scale), 0.5 * layout.cvd.height, layout.cvd.height)
        elif zone is Zone.TIME_AXIS:
            width = layout.price.width
            state.time.zoom(_e(-dx, scale), width, event_ns, width, own.timeline)
        elif zone is Zone.SPLITTER:
            state.cvd_share = share_from_drag(layout, layout.cvd, mouse.y)
        elif zone is Zone.COMPARISON_SPLITTER:
            state.comparison_share = share_from_drag(layout, layout.comparison, mouse.y)
        elif zone is Zone.COMPARISON_AXIS:
            own.comparison.axis.zoom(_e(dy, scale), 0.5 * layout.comparison.height, layout.comparison.height)


def _e(moved_px: float, scale: float) -> float:
    return float(2.718281828459045 ** (moved_px / (_AXIS_DRAG_PX * scale)))


def _reset(zone: Zone, chart: ChartFrame, state: ViewState) -> None:
    own = state.charts[chart.index]
    if zone is Zone.PRICE_AXIS:
        own.price.reset()
    elif zone is Zone.CVD_AXIS:
        own.cvd.reset()
    elif zone is Zone.TIME_AXIS:
        state.time.reset(chart.layout.price.width)
    elif zone is Zone.SPLITTER:
        state.cvd_share = type(state)().cvd_share
    elif zone is Zone.COMPARISON_SPLITTER:
        state.comparison_share = type(state)().comparison_share
    elif zone is Zone.COMPARISON_AXIS:
        own.comparison.axis.reset()
    elif zone is Zone.HEADER:
        state.selected = 0 if state.selected else chart.index + 1


def _wheel(mouse: Mouse, zone: Zone, chart: ChartFrame, state: ViewState, event_ns: int) -> None:
    layout, own = chart.layout, state.charts[chart.index]
    # Some systems report a horizontal wheel while Shift is held.
    notches = mouse.wheel or (mouse.wheel_h if mouse.is_shift else 0.0)
    factor = WHEEL_STEP**-notches
    if zone is Zone.PRICE_AXIS or (zone is Zone.PRICE and mouse.is_shift):
        own.price.zoom(factor, mouse.y - layout.price.y, layout.price.height)
    elif zone is Zone.CVD_AXIS or (zone is Zone.CVD and mouse.is_shift):
        own.cvd.zoom(factor, mouse.y - layout.cvd.y, layout.cvd.height)
    elif zone is Zone.COMPARISON_AXIS or (zone is Zone.COMPARISON and mouse.is_shift):
        own.comparison.axis.zoom(factor, mouse.y - layout.comparison.y, layout.comparison.height)
    elif zone in (*_PANES, Zone.TIME_AXIS, Zone.SPLITTER, Zone.COMPARISON_SPLITTER):
        if mouse.wheel_h and not mouse.is_shift:
            state.time.pan(mouse.wheel_h * 0.05 * layout.price.width, event_ns, own.timeline)
        if notches:
            state.time.zoom(factor, mouse.x - layout.price.x, event_ns, layout.price.width, own.timeline)
        state.time.settle(event_ns, timeline=own.timeline)
