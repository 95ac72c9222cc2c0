"""The structure of a workspace file: a tree of tables with limits. A file that violates one is rejected entirely."""

from typing import Annotated, Final

import msgspec

from flow_gl.core.comparison import MAX_THOUSANDTHS, THOUSANDTHS, Kind
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.settings import DECLARED
from flow_gl.ui.state.arrangement import MAX_CHARTS
from flow_gl.ui.state.arrangement import Kind as ArrangementKind
from flow_gl.ui.state.layout import COMPARISON_SHARE, CVD_SHARE
from flow_gl.ui.state.link_groups import GROUPS, LinkUnit
from flow_gl.ui.state.panel_layout import MAX_COLUMN_PX, Place
from flow_gl.ui.state.timeline import Folding
from flow_gl.ui.windows import MAX_WINDOWS

_MAX_NAMES: Final = 100


def _range(name: str) -> msgspec.Meta:
    """Return the declared range of a setting that a workspace also has."""
    setting = DECLARED[name].setting
    return msgspec.Meta(ge=setting.ge, le=setting.le)


_ColumnWidth = Annotated[float, msgspec.Meta(ge=0, le=MAX_COLUMN_PX)]
_Length = Annotated[int, msgspec.Meta(ge=0, le=20_000)]
_Coordinate = Annotated[int, msgspec.Meta(ge=-100_000, le=100_000)]
_Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
_Names = Annotated[list[str], msgspec.Meta(max_length=_MAX_NAMES)]


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file. Keys that this version does not know are ignored."""


class WindowPlace(_Table, frozen=True):
    """The window's placement. Lengths are screen coordinates; 0 is unknown."""

    monitor: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Name of the monitor."""
    x: _Coordinate = 0
    y: _Coordinate = 0
    """Upper left corner, relative to the monitor's."""
    width: _Length = 0
    height: _Length = 0
    """At content scale 1."""
    maximized: bool = False
    fullscreen: bool = False


class Layout(_Table, frozen=True):
    """The layout of the charts in the window."""

    charts: ArrangementKind = "auto"
    alone: Annotated[int, msgspec.Meta(ge=0, le=MAX_CHARTS)] = 0
    """Number of the chart that is shown alone; 0 shows all."""
    cvd_share: Annotated[float, msgspec.Meta(ge=0.05, le=0.7)] = CVD_SHARE
    """Height of the CVD pane as a share of the chart's height."""
    compare_share: Annotated[float, msgspec.Meta(ge=0.05, le=0.7)] = COMPARISON_SHARE
    """Height of the comparison pane, likewise."""
    link: LinkUnit = "percent"
    """Unit of linked prices' common span."""
    shares: dict[str, Annotated[list[_Share], msgspec.Meta(max_length=MAX_CHARTS)]] = {}
    """Shares of the splits whose borders were dragged."""


class Look(_Table, frozen=True):
    """Colours and sizes."""

    palette: str = "dark"
    colors: dict[str, str] = {}
    """Custom colours by their names in `core.palette.CUSTOM_SLOTS`, like `buy = "#2ec27e"`."""
    text_size: Annotated[float, _range("text_size")] = 1.0
    """A factor of the monitor's scale."""
    cvd_candles: bool = False


class Time(_Table, frozen=True):
    """The time axis."""

    span_s: Annotated[float, msgspec.Meta(gt=0, le=1e7)] = 180.0
    fold: Folding = "closed"
    bucket: Annotated[int, msgspec.Meta(ge=-1, le=63)] = -1
    """The level of detail that is locked; -1: chosen by zoom."""
    linked: bool = True
    """The time axis is that of all windows."""


class Bubbles(_Table, frozen=True):
    """Filters and colouring of bubbles."""

    threshold: Annotated[float, _range("threshold")] = THRESHOLD
    size_floor: Annotated[int, msgspec.Meta(ge=0)] = 0
    percentile: Annotated[float, msgspec.Meta(ge=0, le=99.9)] = 0.0
    size_scale: Annotated[float, _range("size_scale")] = 1.0
    tape_floor: Annotated[int, msgspec.Meta(ge=1)] = 1


class Panels(_Table, frozen=True):
    """The panels."""

    open: _Names = []
    hidden: bool = False
    recent: _Names = []
    left_px: _ColumnWidth = 0.0
    right_px: _ColumnWidth = 0.0
    """0: the default width, which depends on the number of charts."""
    transport: bool = True
    """Show the transport bar in a replay."""
    place: dict[str, Place] = {}


class Alerts(_Table, frozen=True):
    """The alert rules that are on. The rules themselves are in `alerts.toml`."""

    muted: bool = False
    off: _Names = []
    """Names of the rules that are switched off."""
    on: _Names = []


class Chart(_Table, frozen=True):
    """A chart, in the order in which the window shows them."""

    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    link: Annotated[int, msgspec.Meta(ge=0, le=len(GROUPS))] = 0
    """Group of charts with linked prices; 0: none."""
    compare: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Symbol of the comparison; "": none."""
    compare_as: Kind = "difference"
    compare_times: Annotated[float, msgspec.Meta(ge=0.001, le=MAX_THOUSANDTHS / THOUSANDTHS)] = 1.0
    """The factor of the other price in a difference."""


class Memory(_Table, frozen=True):
    """State that the program remembers besides the workspace; only in `last.toml`."""

    workspace: str = ""
    """The named workspace that was in use."""
    feed: Annotated[list[str], msgspec.Meta(max_length=_MAX_NAMES)] = []
    """The symbols that the feed started with: with the same feed, markets without a chart stay without one."""
    recent_actions: _Names = []
    used_hints: _Names = []


class WindowState(_Table, frozen=True):
    """The state of one of the program's windows."""

    window: WindowPlace = WindowPlace()
    layout: Layout = Layout()
    look: Look = Look()
    time: Time = Time()
    bubbles: Bubbles = Bubbles()
    layers: dict[str, bool] = {}
    """A layer that the file does not name keeps its default, so new layers appear."""
    panels: Panels = Panels()
    chart: Annotated[list[Chart], msgspec.Meta(max_length=MAX_CHARTS)] = []


class Workspace(WindowState, frozen=True):
    """A complete workspace: the main window, the state that all windows share, and the secondary windows."""

    alerts: Alerts = Alerts()
    secondary_window: Annotated[list[WindowState], msgspec.Meta(max_length=MAX_WINDOWS - 1)] = []
    memory: Memory | None = None
