"""The state of the view: everything that a user can change, as plain data without a window.

It holds what all charts share: time axis, pause, filters, panels, palette; and the state of each chart
(`chart_state`). Nothing here changes a number of the engine.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.palette import DARK, NO_COLORS, PALETTES, CustomColors, Palette, contrast_problem, with_custom
from flow_gl.core.panels import OPENED_BY_TAB
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.gl.view import Rect
from flow_gl.layers.base import SHOWN_AT_FIRST, Style
from flow_gl.store.market import EngineReader
from flow_gl.ui.drawings.state import DrawingState
from flow_gl.ui.keys.choices import KeyChoices
from flow_gl.ui.start import StartScreen
from flow_gl.ui.state.arrangement import AUTO, Arrangement
from flow_gl.ui.state.axes import TimeAxis
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.comparison import ChartLook
from flow_gl.ui.state.hints import Hints
from flow_gl.ui.state.history import History
from flow_gl.ui.state.key_capture import KeyCapture
from flow_gl.ui.state.layout import COMPARISON_SHARE, CVD_SHARE
from flow_gl.ui.state.link_groups import LinkUnit
from flow_gl.ui.state.marked_range import MarkedRange
from flow_gl.ui.state.panel_layout import PanelLayout, PanelPlaces, lay_out, open_in_order
from flow_gl.ui.state.picture_options import PictureOptions
from flow_gl.ui.state.text_size import scale_of
from flow_gl.ui.state.timeline import FOLDINGS, Folding
from flow_gl.ui.state.transport import TransportState
from flow_gl.ui.workspaces.saved import SavedWorkspaces

if TYPE_CHECKING:
    from flow_gl.ui.state.links import Links


@dataclass(slots=True)
class Filters:
    """Filters and colours. None of them changes a number."""

    threshold: float = THRESHOLD
    size_floor: int = 0
    """Contracts below which bubbles are hidden."""
    percentile: float = 0.0
    """Instead of `size_floor`: hide this share (0..99) of the session's bubbles, the smallest; 0: off."""
    size_scale: float = 1.0
    has_cvd_candles: bool = False
    """CVD is drawn as candles in place of a line."""
    tape_floor: int = 1
    """Contracts below which the tape leaves out an order."""
    layers: set[str] = field(default_factory=lambda: set(SHOWN_AT_FIRST))


@dataclass(frozen=True, slots=True)
class Pause:
    """The moment at which the picture was paused."""

    wall_ns: int
    event_ns: int


@dataclass(slots=True)
class ViewState:
    """The state of the view, all charts included."""

    time: TimeAxis = field(default_factory=TimeAxis)
    charts: list[ChartState] = field(default_factory=list)
    has_own_charts: bool = False
    """The user has chosen the charts; otherwise each market of the feed has one."""
    wanted_charts: tuple[str, ...] = ()
    """Symbols of the charts to show once all of them are there (`chart_list`)."""
    wanted_looks: tuple[ChartLook, ...] = ()
    """Their link groups and comparisons; empty to leave them as they are."""
    asked_charts: frozenset[str] = frozenset()
    """Those of them that the feed was asked for."""
    is_adding: bool = False
    """The wanted charts are those that are shown with the user's changes, not those of a workspace."""
    left_feed: frozenset[str] = frozenset()
    """The symbols that the feed of the last run started with, until the charts of that time are restored."""
    first_feed: frozenset[str] = frozenset()
    """The symbols that the feed of this run started with; empty until it shows all of them."""
    selected: int = 0
    """Chart shown alone, from 1; 0 shows all."""
    link_unit: LinkUnit = "percent"
    """Unit in which linked price axes span the same."""
    arrangement: Arrangement = AUTO
    """The layout of the charts in the window."""
    filters: Filters = field(default_factory=Filters)
    aggregation: AggregationSettings = DEFAULTS.aggregation
    """The engine's settings as last requested; they change numbers."""
    drawings: DrawingState = field(default_factory=DrawingState)
    history: History = field(default_factory=History)
    """The undo history: zoom, drawings and reference points of CVD."""
    keys: KeyChoices = field(default_factory=KeyChoices)
    """The keys that the user has chosen."""
    start: StartScreen | None = None
    """The start screen of a program that was started without a feed; None with one."""
    hints: Hints = field(default_factory=Hints)
    key_capture: KeyCapture | None = None
    workspaces: SavedWorkspaces = field(default_factory=SavedWorkspaces)
    """The saved workspaces."""
    recent_actions: list[str] = field(default_factory=list)
    """Actions that were chosen in the command palette, the newest last."""
    edited: dict[str, float] = field(default_factory=dict)
    """Settings that the user is editing in a panel and that the engine does not know yet, by field."""
    pause: Pause | None = None
    marked: MarkedRange | None = None
    """The range of time whose footprint and profile are shown."""
    cvd_share: float = CVD_SHARE
    comparison_share: float = COMPARISON_SHARE
    locked_lod: int | None = None
    folding: Folding = "closed"
    """The intervals without trades that are folded to a narrow band."""
    is_muted: bool = False
    pictures: PictureOptions = field(default_factory=PictureOptions)
    """The options of screenshots and videos."""
    pictured: int = 0
    """The chart of which a screenshot was asked for."""
    video_sign: str = ""
    """The header's text about a video recording; "" while nothing is recorded."""
    palette: Palette = DARK
    """With the custom colours in it."""
    custom_colors: CustomColors = NO_COLORS
    color_problem: str = ""
    """Why the colour chosen last in the panel was refused."""
    open_panels: set[str] = field(default_factory=set)
    are_panels_hidden: bool = False
    """All panels are temporarily hidden; `open_panels` keeps which ones were open."""
    panel_places: PanelPlaces = field(default_factory=PanelPlaces)
    panels_behind: frozenset[str] = frozenset()
    """Open panels that are behind another tab, as of the last frame."""
    cursor_px: tuple[float, float] | None = None
    """Mouse over a chart, framebuffer pixels."""
    is_time_linked: bool = True
    """The time axis is that of all windows."""
    links: "Links | None" = None
    """Links with the program's other windows; None while there are none."""
    pointer: tuple[float, float] | None = None
    """While keys move the crosshair: its place, framebuffer pixels. It counts in place of the mouse."""
    keyboard_panel: str = ""
    """The panel in which Tab and the arrow keys move; "" if they belong to the charts."""
    text_size: float = 1.0
    """Size of text and lines as a factor of the monitor's scale."""
    content_scale: float = 0.0
    """Content scale that counts in place of the monitor's; 0: the monitor's."""
    transport: TransportState = field(default_factory=TransportState)
    speed: float = 1.0
    """Replay speed last requested, or the current one."""
    speed_asked_ns: int = 0
    """Wall time of the last request."""

    def ensure_charts(self, count: int) -> None:
        """Create missing states, so that each of `count` charts has one."""
        while len(self.charts) < count:
            self.charts.append(ChartState())
        if 1 < count < self.selected:  # with one, the others may not be there yet
            self.selected = 0

    def visible_charts(self, count: int) -> list[int]:
        """Return the indices of the charts that are shown, out of `count`."""
        if 1 <= self.selected <= count:
            return [self.selected - 1]
        return list(range(count))

    def select(self, number: int, count: int) -> None:
        """Show chart `number` alone (from 1), or all with 0. A number without a chart changes nothing."""
        if 0 <= number <= count:
            self.selected = number

    def is_panel_open(self, name: str) -> bool:
        return name in self.open_panels and not self.are_panels_hidden

    def toggle_panel(self, name: str) -> None:
        """Open or close a panel; one behind another tab comes to the front. While all are hidden, show it alone."""
        is_behind = name in self.panels_behind
        if self.are_panels_hidden:
            self.are_panels_hidden = False
            self.open_panels = {name}
        elif name in self.open_panels and not is_behind:
            self.open_panels.remove(name)
            return
        else:
            self.open_panels.add(name)
        self.panel_places = self.panel_places.select(name)

    def toggle_all_panels(self) -> None:
        """Hide the open panels or show them again; if none is open, open those that Tab opens."""
        if not self.open_panels and not self.are_panels_hidden:
            self.open_panels = set(OPENED_BY_TAB)
        else:
            self.are_panels_hidden = not self.are_panels_hidden

    def next_keyboard_panel(self) -> None:
        """Let the keyboard work in the next open panel, or the first; after the last one it returns to the charts."""
        shown = [name for name in open_in_order(frozenset(self.open_panels)) if not self.are_panels_hidden]
        at = shown.index(self.keyboard_panel) + 1 if self.keyboard_panel in shown else 0
        self.keyboard_panel = shown[at] if at < len(shown) else ""
        if self.keyboard_panel:
            self.panel_places = self.panel_places.select(self.keyboard_panel)

    def scale(self, content_scale: float, size_px: tuple[int, int]) -> float:
        """Return framebuffer pixels per point on a monitor of a content scale, in a window of a size."""
        return scale_of(self.content_scale or content_scale, self.text_size, size_px)

    def lay_out_panels(self, window: Rect, scale: float, engine: EngineReader | None = None) -> PanelLayout:
        """Return where the panels that are shown are in a window, above the transport bar of a replay."""
        window = self.transport.place(window, scale, engine)
        shown = frozenset() if self.are_panels_hidden else frozenset(self.open_panels)
        layout = lay_out(
            window, open_in_order(shown), self.panel_places, scale, len(self.visible_charts(len(self.charts)))
        )
        self.panels_behind = layout.behind
        return layout

    def toggle_pause(self, wall_ns: int, event_ns: int) -> None:
        """Pause the picture or resume it."""
        self.pause = None if self.pause else Pause(wall_ns, event_ns)

    def clear(self, index: int, event_ns: int) -> None:
        """Hide a chart's bubbles before now; called again, show them."""
        chart = self.charts[index]
        chart.cleared_before_ns = 0 if chart.cleared_before_ns else event_ns

    def toggle_lock(self, index: int) -> None:
        """Lock the lod that a chart shows; called again, choose it by zoom."""
        self.locked_lod = self.charts[index].lod if self.locked_lod is None else None

    def step_back(self) -> bool:
        """Undo the latest special state (Esc), one at a time. Returns False if there is none."""
        if self._let_go():
            return True
        cleared = [chart for chart in self.charts if chart.cleared_before_ns]
        if cleared:
            for chart in cleared:
                chart.cleared_before_ns = 0
        elif self.pause:
            self.pause = None
        elif self.selected:
            self.selected = 0
        elif not self.time.is_live:
            self.time.follow()
        else:
            return False
        return True

    def _let_go(self) -> bool:
        """Give up the first thing that is held, pointed at or opened for a moment; return whether there was one."""
        pinned = next((chart for chart in self.charts if chart.pinned_id is not None), None)
        if self.keyboard_panel:
            self.keyboard_panel = ""
        elif self.drawings.cancel():
            pass
        elif self.transport.loop_from_ns:
            self.transport.loop_from_ns = 0
        elif pinned is not None:
            pinned.pinned_id = None
        elif self.pointer is not None:
            self.pointer = None
        elif self.marked is not None:
            self.marked = None
        elif "help" in self.open_panels:
            self.open_panels.remove("help")
        else:
            return False
        return True

    def next_folding(self) -> Folding:
        """Fold the next choice of intervals; return it."""
        self.folding = FOLDINGS[(FOLDINGS.index(self.folding) + 1) % len(FOLDINGS)]
        return self.folding

    def next_palette(self) -> None:
        names = list(PALETTES)
        self.choose_palette(names[(names.index(self.palette.name) + 1) % len(names)])

    def choose_palette(self, name: str) -> None:
        """Show a palette, with the custom colours if all text is legible with them; an unknown name changes nothing."""
        plain = PALETTES.get(name) or PALETTES[self.palette.name]
        found = with_custom(plain, self.custom_colors)
        self.palette = plain if contrast_problem(found) else found

    def choose_colors(self, **given: str) -> str:
        """Choose custom colours (`CustomColors`). Return why they are refused (illegible text); "" if taken."""
        colors = replace(self.custom_colors, **given)
        found = with_custom(PALETTES[self.palette.name], colors)
        problem = contrast_problem(found)
        if not problem:
            self.custom_colors, self.palette = colors, found
        return problem

    def size_floor_of(self, chart: ChartState) -> int:
        """Return the contracts below which a chart's bubbles are hidden."""
        return chart.size_floor_from_percentile if self.filters.percentile > 0 else self.filters.size_floor

    def style(self, chart: ChartState) -> Style:
        """Return a chart's style: the same object while nothing changes, because layers compare it by identity."""
        filters = self.filters
        size_floor, layers = self.size_floor_of(chart), frozenset(filters.layers)
        sizes = filters.threshold, size_floor, filters.size_scale
        key = self.palette, sizes, self.is_muted, layers, filters.has_cvd_candles
        return chart.style.get(
            key,
            lambda: Style(
                palette=self.palette,
                threshold=filters.threshold,
                size_floor=size_floor,
                size_scale=filters.size_scale,
                is_visible=layers,
                is_muted=self.is_muted,
                has_cvd_candles=filters.has_cvd_candles,
            ),
        )

    def new_engine(self) -> None:
        """Reset what belongs to one engine's numbers; keep what the user set."""
        for chart in self.charts:
            chart.must_check_references = True

    def lock_to(self, lod: int | None) -> None:
        """Lock a level of detail, or None to choose it by zoom."""
        self.locked_lod = None if lod is None else min(max(lod, 0), MAX_LODS - 1)
