"""All overlays of a frame in draw order: headers, notices, panels, pinned bubbles, tooltips, the menu."""

from importlib import import_module
from typing import Final, NamedTuple

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.jobs import Jobs
from flow_gl.core.panels import HEIGHTS_PX
from flow_gl.gl.view import Rect
from flow_gl.layers.rows.hit import row_of
from flow_gl.ui.input.action import Action
from flow_gl.ui.input.target import Hit
from flow_gl.ui.overlays import hints, notices
from flow_gl.ui.overlays.command_palette import CommandPalette
from flow_gl.ui.overlays.compare_list import CompareList
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.header import Header
from flow_gl.ui.overlays.hover import window as tooltip
from flow_gl.ui.overlays.level_editor import LevelEditor
from flow_gl.ui.overlays.panels import bubble, menu, range_card
from flow_gl.ui.overlays.panels import help as help_panel
from flow_gl.ui.overlays.panels.base import Content, Panel
from flow_gl.ui.overlays.shape_editor import ShapeEditor
from flow_gl.ui.overlays.start_screen import StartWindow
from flow_gl.ui.overlays.symbol_list import SymbolList
from flow_gl.ui.overlays.transport.bar import TransportBar
from flow_gl.ui.overlays.transport.time_entry import TimeEntry
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.state.view_state import ViewState

_ANY_POPUP: Final[int] = imgui.PopupFlags_.any_popup.value


class Chosen(NamedTuple):
    """Actions that were chosen in a menu or in the command palette.

    Attributes
    ----------
    place : where the mouse was when it was opened, framebuffer pixels; None if that does not matter
    """

    actions: list[Action]
    place: tuple[float, float] | None = None


class Overlays:
    """Draws all overlays and keeps their state between frames.

    Building Dear ImGui windows takes many Python calls; the result can be drawn any number of times. The frame loop
    therefore rebuilds the overlays only if there is input, if a change must be shown immediately (`take_news`), or if
    their job runs.
    """

    def __init__(self, jobs: Jobs) -> None:
        self.notes: Final = notices.Notes()
        self._jobs: Final = jobs
        self._is_menu_due = False
        self._menu_at: tuple[float, float] | None = None
        self._commands: Final = CommandPalette()
        self._commands_place: tuple[float, float] | None = None
        self._symbols: Final = SymbolList()
        self._comparisons: Final = CompareList()
        self._hit: Hit | None = None
        self._is_hit_due = False
        self._is_hit_at_mouse = True
        self._start: Final = StartWindow()
        self.was_list_open = False
        """Whether a menu or a list was open at the end of the last build: Esc may have closed it since then."""
        self._headers: list[Header] = []
        self._panels: Final = [Panel(name, jobs, content_of(name)) for name in HEIGHTS_PX]
        self._level_editor: Final = LevelEditor()
        self._shape_editor: Final = ShapeEditor()
        self.transport: Final = TransportBar()
        self._time_entry: Final = TimeEntry()
        self._key: tuple[object, ...] = ()
        self._covered: Final[dict[int, tuple[Rect, ...]]] = {}
        self.has_notes = True
        """Whether short notes and hints are drawn: they are for the user, not for those to whom a picture is shown."""

    def refresh(self, painter: Painter, frame: Frame, state: ViewState) -> None:
        """Update the texts of the headers and panels that are due in this frame."""
        while len(self._headers) < len(frame.charts):
            self._headers.append(Header(self._jobs))
        for order, chart in enumerate(frame.charts):
            self._headers[order].refresh(painter, chart, frame, state, has_menu=order == 0)
        for panel in self._panels:
            panel.refresh(painter, frame, state)

    def take_news(self, frame: Frame, state: ViewState) -> str:
        """Return why the overlays must be rebuilt in this frame: "state" or "note"; "" if they can wait."""
        of_charts = [
            (
                *(chart.index, chart.condition.tone, chart.condition.is_live, chart.badge, chart.waiting),
                chart.header and chart.header.outline,
                chart.scene and chart.scene.hover_id,
                state.charts[chart.index].pointed if chart.index < len(state.charts) else None,
            )
            for chart in frame.charts
        ]
        has_notes = not self.notes.is_empty
        start = state.start and (state.start.is_open, state.start.problem)
        windows = frozenset(state.open_panels), frame.panels, state.drawings.edited, state.drawings.edited_shape, start
        transport = self.transport.news(frame, state)
        key = (of_charts, frame.link.state, frame.link.generation, windows, has_notes, transport)
        is_new, self._key = key != self._key, key
        return "state" if is_new else "note" if has_notes else ""

    def draw(self, painter: Painter, frame: Frame, state: ViewState, *, is_full: bool) -> tuple[list[Command], Chosen]:
        """Draw all overlays.

        Parameters
        ----------
        is_full : rebuild all panels; otherwise panels with unchanged figures reuse their last content

        Returns
        -------
        commands : commands to the engine from the panels
        chosen : actions chosen in a menu or in the command palette
        """
        if state.start is not None and state.start.is_open:
            self._start.draw(frame, state)
            painter.window = "notes"
            notices.draw_notes(painter, self.notes, frame, frame.panels.charts, state.palette)
            painter.window = ""
            chosen = self._menus(frame, state)
            self.was_list_open = is_list_open()
            return [], chosen
        self._start.draw(frame, state)
        for order, chart in enumerate(frame.charts):
            self._headers[order].draw(painter, chart, frame, state, has_menu=order == 0)
        painter.window, notes = "notes", list[Rect]()
        if self.has_notes:
            notes = notices.draw_notes(painter, self.notes, frame, frame.panels.charts, state.palette)
        painter.window = ""
        for chart in frame.charts:
            covered = notices.draw(painter, chart, frame, state, taken=notes)
            is_hinted = self.has_notes and chart is frame.charts[0]
            self._covered[chart.index] = hints.draw(painter, chart, state, covered) if is_hinted else covered
        is_full = is_full or _is_held()
        commands = [command for panel in self._panels for command in panel.draw(frame, state, is_full=is_full)]
        if state.is_panel_open("help"):
            help_panel.draw(frame, state)
        for chart in frame.charts:
            _pinned(chart, frame, state, painter)
            _range(chart, frame, state, painter)
            tooltip.draw(chart, frame, state, painter)
        self._level_editor.draw(frame, state)
        self._shape_editor.draw(frame, state)
        mouse, dense = imgui.get_io().mouse_pos, imgui.get_io().display_framebuffer_scale.x
        if refusal := self.transport.refusal(frame):
            self.notes.add(refusal, frame.steady_s)
        commands += self.transport.draw(painter, frame, state, (mouse.x * dense, mouse.y * dense))
        commands += self._time_entry.draw(frame, state, self.transport.seek_bar(frame, state))
        chosen = self._menus(frame, state)
        if note := self._symbols.draw(frame, state):
            self.notes.add(note, frame.steady_s)
        self._comparisons.draw(frame, state)
        self.was_list_open = is_list_open()
        return commands, chosen

    def _menus(self, frame: Frame, state: ViewState) -> Chosen:
        """Draw the menus and the command palette; return what was chosen."""
        if self._is_menu_due:
            self._is_menu_due = False
            imgui.open_popup(menu.POPUP)
        if self._menu_at is not None and imgui.is_popup_open(menu.POPUP):
            imgui.set_next_window_pos(self._menu_at)
        if actions := menu.draw(frame, state):
            return Chosen(actions)
        if self._hit is not None:
            if self._is_hit_due:
                self._is_hit_due = False
                imgui.open_popup(menu.TARGET_POPUP)
                if not self._is_hit_at_mouse:
                    _place_popup(self._hit.place)
            if actions := menu.draw_target(self._hit.target, self._hit.title, frame, state):
                return Chosen(actions, self._hit.place)
        return Chosen(self._commands.draw(frame, state), self._commands_place)

    def covered(self, index: int) -> tuple[Rect, ...]:
        """Return where notices were drawn over a chart in the last build."""
        return self._covered.get(index, ())

    def ask_for_menu(self, at: tuple[float, float] | None = None) -> None:
        """Open the menu in the next frame, at a point (in ImGui units) or at the mouse."""
        self._is_menu_due, self._menu_at = True, at

    def ask_for_target_menu(self, hit: Hit, *, is_at_mouse: bool) -> None:
        """Open the menu of what was hit, at the mouse or at the place of the hit."""
        self._hit, self._is_hit_due, self._is_hit_at_mouse = hit, True, is_at_mouse

    def ask_for_symbols(self, chart: int | None) -> None:
        """Open the list of symbols, to change a chart's; None to add a chart."""
        self._symbols.ask(chart)

    def ask_for_comparison(self, chart: int) -> None:
        """Open the list of what a chart can be compared with."""
        self._comparisons.ask(chart)

    def ask_for_commands(self, place: tuple[float, float]) -> None:
        """Open the command palette; what is chosen applies to what is at a place (framebuffer pixels)."""
        self._commands.ask()
        self._commands_place = place


def content_of(panel: str) -> Content:
    """Load the module of a panel and return what it shows."""
    content: Content = import_module(f"flow_gl.ui.overlays.panels.{panel}").content()
    return content


def _place_popup(place: tuple[float, float]) -> None:
    """Place the next popup at framebuffer pixels, away from the nearer edges of the window."""
    dense, size = imgui.get_io().display_framebuffer_scale.x, imgui.get_main_viewport().size
    x, y = place[0] / dense, place[1] / dense
    imgui.set_next_window_pos((x, y), imgui.Cond_.appearing.value, (float(x > size.x / 2), float(y > size.y / 2)))


def _is_held() -> bool:
    """Whether a control is held or a list is open: both must be submitted in every build to stay active."""
    return imgui.is_any_item_active() or imgui.is_any_mouse_down() or is_list_open()


def is_list_open() -> bool:
    """Whether the menu or a control's drop-down list is open."""
    return imgui.is_popup_open("", _ANY_POPUP)


def _pinned(chart: ChartFrame, frame: Frame, state: ViewState, painter: Painter) -> None:
    if chart.market is None or chart.scene is None:
        return
    own = state.charts[chart.index]
    if own.pinned_id is None:
        own.card_px = None
        return
    row = row_of(chart.market, own.pinned_lod, own.pinned_id)
    if row is not None:
        bubble.draw_pinned(chart, row, frame, state, painter=painter)


def _range(chart: ChartFrame, frame: Frame, state: ViewState, painter: Painter) -> None:
    if chart.scene is None or chart.scene.marked is None:
        if chart.index < len(state.charts):
            state.charts[chart.index].range_card_px = None
        return
    range_card.draw(chart, chart.scene.marked, frame, state, painter=painter)
