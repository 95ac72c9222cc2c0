"""The range tool: the time range that the mouse marks, in whole buckets of the current level of detail."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.state.marked_range import MarkedRange
from flow_gl.ui.state.view_state import ViewState

_GRIP_PX: Final = 6.0
"""A drag that starts within this distance of a range's end moves that end, px at content scale 1."""


def anchor_at(x_px: float, chart: ChartFrame, state: ViewState, event_ns: int, scale: float) -> int:
    """Return the start time (ns) of a range that is marked from a screen x."""
    found = state.marked
    if found is not None:
        near, far = (_time_at(x_px + side * _GRIP_PX * scale, chart, state, event_ns) for side in (-1, 1))
        if near <= found.end_ns <= far:
            return found.start_ns
        if near <= found.start_ns <= far:
            return found.end_ns - 1
    return _time_at(x_px, chart, state, event_ns)


def marked(anchor_ns: int, x_px: float, chart: ChartFrame, state: ViewState, event_ns: int) -> MarkedRange | None:
    """Return the range from a time to a screen x."""
    if chart.market is None:
        return state.marked
    width_ns = chart.market.widths_ns[state.charts[chart.index].lod]
    return MarkedRange(anchor_ns, _time_at(x_px, chart, state, event_ns), width_ns)


def follow(x_px: float, y_px: float, charts: Sequence[ChartFrame], state: ViewState, event_ns: int) -> None:
    """Move the open end of a range that was started with the keyboard."""
    if state.marked is not None and state.marked.is_open:
        state.marked = replace(state.marked, other_ns=pointed_ns(x_px, y_px, charts, state, event_ns))


def pointed_ns(x_px: float, y_px: float, charts: Sequence[ChartFrame], state: ViewState, event_ns: int) -> int:
    """Return the time (ns) under the mouse, or in the middle of the first plot if the mouse is not over a chart."""
    if not charts:
        return event_ns
    under = next((chart for chart in charts if chart.layout.outer.contains(x_px, y_px)), None)
    if under is None:
        under, x_px = charts[0], charts[0].layout.price.x + 0.5 * charts[0].layout.price.width
    return _time_at(x_px, under, state, event_ns)


def _time_at(x_px: float, chart: ChartFrame, state: ViewState, event_ns: int) -> int:
    pane = chart.layout.price
    x_px = min(max(x_px, pane.x), pane.right) - pane.x
    return state.time.time_at(x_px, event_ns, pane.width, state.charts[chart.index].timeline)
