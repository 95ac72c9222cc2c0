"""A crosshair that keys move: it takes the mouse's place, so keys reach everything that the mouse reaches.

The arrows move it by a bubble and by a tick, with Ctrl by ten; at a coarse zoom, by at least a few pixels. Enter
clicks. A mouse that moves takes over again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from imgui_bundle import imgui

from flow_gl.ui.input.gestures import Mouse
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.paint.key_presses import Press
from flow_gl.ui.state.view_state import ViewState

NOWHERE: Final = (-1.0, -1.0)
"""A place from which the crosshair moves to a chart's plot."""
TAKEN: Final = frozenset(
    {"back", "forward", "closer", "farther", "price_higher", "price_lower", "previous_session", "next_session"}
)
"""Actions whose default keys move the crosshair."""
_STEPS: Final = {
    imgui.Key.left_arrow: (-1, 0),
    imgui.Key.right_arrow: (1, 0),
    imgui.Key.up_arrow: (0, -1),
    imgui.Key.down_arrow: (0, 1),
}
_MIN_PX: Final = 4.0
_FAST: Final = 10
_START: Final = (0.75, 0.5)
"""Its initial position in a plot, as shares of width and height."""


def move(presses: Sequence[Press], mouse: Mouse, charts: Sequence[ChartFrame], state: ViewState, scale: float) -> Mouse:
    """Apply a frame's keys to the crosshair; return the mouse with the crosshair's place and clicks.

    Parameters
    ----------
    presses : keys that went down; Enter clicks
    mouse : the frame's mouse
    scale : content scale
    """
    assert state.pointer is not None
    x, y = state.pointer
    chart = next((one for one in charts if one.layout.outer.contains(x, y)), None)
    if chart is None:
        if not charts:
            return mouse
        chart = next((one for one in charts if one.layout.outer.contains(mouse.x, mouse.y)), charts[0])
        pane = chart.layout.price
        x, y = pane.x + _START[0] * pane.width, pane.y + _START[1] * pane.height
    step_x, step_y = _step_px(chart, scale)
    fast = _FAST if imgui.get_io().key_ctrl else 1
    for key, (dx, dy) in _STEPS.items():
        if imgui.is_key_pressed(key, True):
            x, y = x + dx * fast * step_x, y + dy * fast * step_y
    areas = [one.layout.outer for one in charts]
    x = min(max(x, min(area.x for area in areas)), max(area.right for area in areas) - 1.0)
    y = min(max(y, min(area.y for area in areas)), max(area.bottom for area in areas) - 1.0)
    state.pointer = x, y
    is_click = any(press.key in (imgui.Key.enter, imgui.Key.keypad_enter) for press in presses)
    return replace(mouse, x=x, y=y, is_free=True, is_pressed=is_click, is_down=False, is_released=is_click)


def _step_px(chart: ChartFrame, scale: float) -> tuple[float, float]:
    """Return the width of a bubble's bucket and the height of a tick, at least a few pixels."""
    if chart.scene is None:
        return _MIN_PX * scale, _MIN_PX * scale
    view, reader = chart.scene.price_view, chart.scene.reader
    bucket_px = reader.widths_ns[chart.scene.lod] / view.ns_per_px
    return max(bucket_px, _MIN_PX * scale), max(1.0 / view.y_per_px, _MIN_PX * scale)
