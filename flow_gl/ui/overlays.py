"""All overlays of a frame, in order: headers, what is written over the charts, panels, plates of bubbles, the menu."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.gl.view import Rect
from flow_gl.layers.hit import row_of
from flow_gl.ui import notices
from flow_gl.ui.actions import Action
from flow_gl.ui.frame import ChartFrame, Frame
from flow_gl.ui.header import Header
from flow_gl.ui.panels import base, bubble, controls, feed, menu, performance, session
from flow_gl.ui.panels import help as help_panel
from flow_gl.ui.panels.base import Sheet
from flow_gl.ui.pen import Pen
from flow_gl.ui.state import ViewState

_ANY_POPUP: Final[int] = imgui.PopupFlags_.any_popup.value


class Overlays:
    """Draws them, and keeps what they need from frame to frame."""

    def __init__(self) -> None:
        self.notes: Final = notices.Notes()
        self._is_menu_due = False
        self._menu_at: tuple[float, float] | None = None
        self._headers: list[Header] = []
        self._sheets: Final = [
            Sheet("session", session.form),
            Sheet("feed", feed.form, feed.top),
            Sheet("performance", performance.form, performance.top),
        ]
        self._in_turn: Final = ("controls", *(sheet.name for sheet in self._sheets))
        self._turn = 0

    def prepare(self, pen: Pen, frame: Frame, state: ViewState) -> bool:
        """Form what is due, of one header or else of the panel whose turn is next; whether there was anything."""
        for order, (header, chart) in enumerate(zip(self._headers, frame.charts, strict=False)):
            if header.prepare(pen, chart, frame, state, has_menu=order == 0):
                return True
        turn = self._next(state)
        return any(sheet.prepare(pen, frame, state) for sheet in self._sheets if sheet.name == turn)

    def form_anew(self) -> None:
        """Have all texts formed in the next building, however young they are."""
        for due in (*(header.due for header in self._headers), *(sheet.due for sheet in self._sheets)):
            due.at_once()

    def _next(self, state: ViewState) -> str:
        """The panel that is filled in the next building where the others are kept."""
        shown = [name for name in self._in_turn if state.is_panel_open(name)]
        return shown[self._turn % len(shown)] if shown else ""

    def draw(
        self, pen: Pen, frame: Frame, state: ViewState, area: Rect, *, is_whole: bool
    ) -> tuple[list[Command], list[Action]]:
        """Draw everything that lies over the charts.

        Parameters
        ----------
        is_whole : fill all panels; else one, in turn, and the others stand as they were filled last

        Returns
        -------
        commands : what the user asked of the engine in a panel
        actions : what was chosen in the menu
        """
        while len(self._headers) < len(frame.charts):
            self._headers.append(Header())
        for order, chart in enumerate(frame.charts):
            self._headers[order].draw(pen, chart, frame, state, has_menu=order == 0)
            notices.draw(pen, chart, frame, state)
        notices.draw_notes(pen, self.notes, frame, area, state.palette)
        commands = self._panels(pen, frame, state, is_whole=is_whole or _is_handled())
        if state.is_panel_open("help"):
            help_panel.draw(frame, state)
        for chart in frame.charts:
            _bubbles(chart, frame, state, pen)
        if self._is_menu_due:
            self._is_menu_due = False
            imgui.open_popup(menu.POPUP)
        if self._menu_at is not None and imgui.is_popup_open(menu.POPUP):
            imgui.set_next_window_pos(self._menu_at)
        chosen = menu.draw(frame, state)
        return commands, chosen

    def _panels(self, pen: Pen, frame: Frame, state: ViewState, *, is_whole: bool) -> list[Command]:
        turn = self._next(state)
        self._turn += 1
        commands: list[Command] = []
        if state.is_panel_open("controls"):
            if not is_whole and turn != "controls":
                base.keep_next()
            commands += controls.draw(frame, state)
        for sheet in self._sheets:
            if state.is_panel_open(sheet.name):
                if not is_whole and turn != sheet.name:
                    base.keep_next()
                commands += sheet.draw(frame, state, pen)
        return commands

    def ask_for_menu(self, at: tuple[float, float] | None = None) -> None:
        """Have the menu open in the next frame drawn, at a point (ImGui's units) or where the mouse is."""
        self._is_menu_due, self._menu_at = True, at


def _is_handled() -> bool:
    """A control is held or a list is open: both must be submitted in every building to stay so."""
    return imgui.is_any_item_active() or imgui.is_any_mouse_down() or is_list_open()


def is_list_open() -> bool:
    """The menu or a control's list of choices is open."""
    return imgui.is_popup_open("", _ANY_POPUP)


def _bubbles(chart: ChartFrame, frame: Frame, state: ViewState, pen: Pen) -> None:
    if chart.market is None or chart.scene is None:
        return
    own = state.charts[chart.index]
    if own.hover_id is not None:
        row = row_of(chart.market, chart.scene.level, own.hover_id)
        if row is not None:
            bubble.draw_hovered(chart, row, frame, state, pen=pen)
    if own.pinned_id is not None:
        row = row_of(chart.market, own.pinned_level, own.pinned_id)
        if row is not None:
            bubble.draw_pinned(chart, row, frame, state, pen=pen)
