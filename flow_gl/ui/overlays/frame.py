"""The data of one frame that the overlays read, collected once per frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.jobs import Jobs
from flow_gl.gl.view import Rect
from flow_gl.layers.base import FrameCounters, HeaderBar, Scene
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.alerts.badge import Badge
from flow_gl.ui.alerts.center import AlertCenter
from flow_gl.ui.link import Link
from flow_gl.ui.overlays.status import Condition
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.ui.state.panel_layout import PanelLayout

_NO_PANELS: Final = PanelLayout(Rect(0.0, 0.0, 0.0, 0.0))


@dataclass(slots=True)
class Figures:
    """Frame times over the last few seconds."""

    fps: float = 0.0
    frame_p50_ms: float = float("nan")
    frame_p99_ms: float = float("nan")
    frame_max_ms: float = float("nan")
    """From the start of one frame to the start of the next, which is what the user sees."""
    work_p50_ms: float = float("nan")
    work_p99_ms: float = float("nan")
    work_max_ms: float = float("nan")
    """The program's share of the frame time: from input to the last draw call."""
    recent_ms: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """Frame times, oldest first."""
    counters: FrameCounters = field(default_factory=FrameCounters)
    """Totals over all charts in the last frame."""


@dataclass(slots=True)
class ChartFrame:
    """One visible chart."""

    index: int
    """Position among all charts, from 0."""
    layout: ChartLayout
    market: MarketReader | None
    condition: Condition
    scene: Scene | None = None
    header: HeaderBar | None = None
    """The part of the header that the chart draws; None without a scene."""
    badge: Badge | None = None
    waiting: str = ""
    """Message shown until the first trade; "" after it."""
    paused_new: int | None = None

    @property
    def name(self) -> str:
        """The contract's symbol, or the requested symbol if the contract is not known."""
        if self.market is None:
            return f"chart {self.index + 1}"
        return self.market.symbol or self.market.requested or f"chart {self.index + 1}"


@dataclass(slots=True)
class Frame:
    """Everything the overlays need to draw one frame."""

    link: Link
    wall_ns: int
    steady_s: float
    """Monotonic clock in seconds, for animations."""
    event_ns: int
    """Event time at the live edge, as shown."""
    scale: float
    """Content scale: framebuffer pixels per pixel at scale 1."""
    gui_scale: float
    """ImGui units per pixel at scale 1. Equals `scale` if ImGui's unit is a framebuffer pixel."""
    charts: list[ChartFrame]
    figures: Figures
    jobs: Jobs
    """Jobs that ran in recent frames, with their causes."""
    markets: Sequence[MarketReader] = ()
    """The market of each chart, visible or not."""
    chart_count: int = 1
    """Number of charts, visible or not; 1 before the first market."""
    panels: PanelLayout = _NO_PANELS
    alerts: AlertCenter = field(default_factory=AlertCenter)

    @property
    def engine(self) -> EngineReader | None:
        return self.link.engine


def one_per_market(charts: Sequence[ChartFrame]) -> list[ChartFrame]:
    """Return the charts that have a market, of several with the same one the first."""
    found: dict[int, ChartFrame] = {}
    for chart in charts:
        if chart.market is not None:
            found.setdefault(id(chart.market), chart)
    return list(found.values())
