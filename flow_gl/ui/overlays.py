"""All overlays of a frame, in order: headers, what is written over the charts, panels, plates of bubbles, the menu."""

from collections.abc import Callable
from typing import Final

import numpy as np
from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.gl.view import Rect
from flow_gl.layers.hit import row_of
from flow_gl.ui import header, notices
from flow_gl.ui.actions import PANELS, Action
from flow_gl.ui.frame import ChartFrame, Frame
from flow_gl.ui.panels import bubble, controls, feed, menu, performance, session
from flow_gl.ui.panels import help as help_panel
from flow_gl.ui.pen import Pen
from flow_gl.ui.state import ViewState

_DRAW: Final[dict[str, Callable[[Frame, ViewState], list[Command]]]] = {
    "controls": controls.draw,
    "session": session.draw,
    "feed": feed.draw,
    "performance": performance.draw,
    "help": help_panel.draw,
}


def draw(
    pen: Pen, frame: Frame, state: ViewState, notes: notices.Notes, area: Rect
) -> tuple[list[Command], list[Action]]:
    """Draw everything that lies over the charts.

    Returns
    -------
    commands : what the user asked of the engine in a panel
    actions : what was chosen in the menu
    """
    for order, chart in enumerate(frame.charts):
        header.draw(pen, chart, frame, state, has_menu=order == 0)
        notices.draw(pen, chart, frame, state)
    notices.draw_notes(pen, notes, frame, area, state.palette)
    commands: list[Command] = []
    for name in (*PANELS, "help"):
        if state.is_panel_open(name):
            commands += _DRAW[name](frame, state)
    for chart in frame.charts:
        _bubbles(chart, frame, state)
    return commands, menu.draw(frame, state)


def open_menu() -> None:
    """Have the menu open at the mouse."""
    imgui.open_popup(menu.POPUP)


def is_menu_open() -> bool:
    return imgui.is_popup_open(menu.POPUP)


def _bubbles(chart: ChartFrame, frame: Frame, state: ViewState) -> None:
    if chart.market is None or chart.scene is None:
        return
    own = state.charts[chart.index]
    if own.hover_id is not None:
        row: np.void | None = row_of(chart.market, chart.scene.level, own.hover_id)
        if row is not None:
            bubble.draw_hovered(chart, row, frame, state)
    if own.pinned_id is not None:
        row = row_of(chart.market, own.pinned_level, own.pinned_id)
        if row is not None:
            bubble.draw_pinned(chart, row, frame, state)
