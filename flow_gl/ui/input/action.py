"""Actions, and the context that they read and change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from flow_gl.core.commands import Command
from flow_gl.core.drawings import CustomLevel, Point, Shape
from flow_gl.core.schema import FeedState
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.keys import names
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.timeline import NO_TIMELINE, Timeline
from flow_gl.ui.state.view_state import ViewState

Target = str
"""The target of a right click: "chart", "bubble", "level", "drawing", "cvd", "comparison", "header", or an axis like
"price axis"."""


class Request(Enum):
    """Requests that only the program or the overlays can carry out."""

    SCREENSHOT = "screenshot"
    SCREENSHOT_CHART = "screenshot of a chart"
    COPY_PICTURE = "copy picture"
    COPY_CHART = "copy picture of a chart"
    RECORD = "record"
    SAVE_NEWEST = "save newest"
    KEEP_VIDEO = "keep video"
    FULLSCREEN = "fullscreen"
    NEXT_MONITOR = "next monitor"
    NEW_WINDOW = "new window"
    CLOSE_WINDOW = "close window"
    QUIT = "quit"
    MENU = "menu"
    CONTEXT_MENU = "context menu"
    COMMANDS = "command palette"
    ADD_CHART = "add a chart"
    CHANGE_SYMBOL = "change a symbol"
    COMPARE = "compare a chart"


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
    scale: float = 1.0
    """Current scale of text and lines."""
    feed_state: int = FeedState.STARTING
    speed: float = 1.0
    """Current replay speed."""
    engine: EngineReader | None = None
    """The engine's status; None before there is one."""
    markets: Sequence[MarketReader] = ()
    """The charts' numbers as the last frame showed them."""
    of_feed: Sequence[MarketReader] = ()
    """The markets of the feed, in the engine's order."""
    pane_heights_px: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Heights of the focused or first chart's price, CVD and comparison pane."""
    pointed_price: int | None = None
    """Price (1e-9) of the tick at the mouse, while that is on the focused chart's price pane or axis."""
    pointed_level: CustomLevel | None = None
    """The custom level at the mouse."""
    pointed_shape: Shape | None = None
    """The drawing at the mouse."""
    pointed_point: Point | None = None
    """Bucket and tick at the mouse, while that is on the focused chart's price pane."""
    pointed_bubble: tuple[int, int] | None = None
    """Id and level of detail of the bubble at the mouse."""
    pointed_ns: int = 0
    """Time under the mouse, or in the middle of the plot if the mouse is not over a chart."""
    commands: list[Command] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Short notes for the user on what was done."""
    copied: str = ""
    """Text for the clipboard; "" leaves it as it is."""

    def key(self, action: str) -> str:
        """Return an action's key as shown to the user."""
        from flow_gl.ui.input.keymap import key_label  # it needs all actions, and they need this module

        return key_label(self.state.keys, action)

    def engine_chart(self, index: int) -> int:
        """Return the engine's number of a chart's market."""
        if index < len(self.markets):
            return next((at for at, one in enumerate(self.of_feed) if one is self.markets[index]), 0)
        return 0

    @property
    def timeline(self) -> Timeline:
        """The data's time range on the axis of the focused chart, or of the first one."""
        charts = self.state.charts
        return charts[self.focus or 0].timeline if charts else NO_TIMELINE

    @property
    def targets(self) -> list[int]:
        """Indices of the charts that an action applies to: the focused one, else all."""
        return [self.focus] if self.focus is not None else list(range(len(self.names)))


Run = Callable[[Context], object]


@dataclass(frozen=True, slots=True)
class Action:
    """One user action: its key, and its entry in help, menus and command palette."""

    name: str
    title: str
    keys: tuple[str, ...]
    """The default keys, named as in `keys.names`; the first is shown to the user. The user may choose others."""
    group: str
    run: Run
    is_checked: Callable[[ViewState], bool] | None = None
    is_available: Callable[[Frame], bool] | None = None
    """Whether the action can do anything now; None if it always can."""
    menus: tuple[Target, ...] = ()
    """The targets whose context menu contains this action."""
    repeats: bool = False
    """The action repeats while its key is held."""

    @property
    def key_label(self) -> str:
        """The first default key as shown to the user; "" without one."""
        return names.label(self.keys[0]) if self.keys else ""
