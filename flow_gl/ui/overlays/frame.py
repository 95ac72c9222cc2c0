"""What the overlays see of one frame: everything that is true in it, gathered once."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.jobs import Jobs
from flow_gl.layers.base import FrameCounters, Scene
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.alerts.zero_cross import Badge
from flow_gl.ui.link import Link
from flow_gl.ui.overlays.status import Condition
from flow_gl.ui.state.layout import ChartLayout


@dataclass(slots=True)
class Figures:
    """What frames cost, over the last few seconds."""

    fps: float = 0.0
    frame_p50_ms: float = float("nan")
    frame_p99_ms: float = float("nan")
    frame_max_ms: float = float("nan")
    """From one frame's start to the next one's: what the eye sees."""
    work_p50_ms: float = float("nan")
    work_p99_ms: float = float("nan")
    work_max_ms: float = float("nan")
    """The program's own share of it: input to the last draw call."""
    recent_ms: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """Frame times, oldest first."""
    counters: FrameCounters = field(default_factory=FrameCounters)
    """Of all charts in the last frame."""


@dataclass(slots=True)
class ChartFrame:
    """One chart that is shown."""

    index: int
    """Among all charts, from 0."""
    layout: ChartLayout
    market: MarketReader | None
    said: Condition
    scene: Scene | None = None
    badge: Badge | None = None
    waiting: str = ""
    """What is awaited, while there is no trade."""
    paused_new: int | None = None

    @property
    def name(self) -> str:
        """The contract, else what was asked for."""
        if self.market is None:
            return f"chart {self.index + 1}"
        return self.market.symbol or self.market.requested or f"chart {self.index + 1}"


@dataclass(slots=True)
class Frame:
    """All of it."""

    link: Link
    wall_ns: int
    steady_s: float
    """A clock that only grows, for pulses."""
    event_ns: int
    """Event time at the live edge, as shown."""
    scale: float
    """Content scale: framebuffer pixels per pixel at scale 1."""
    gui_scale: float
    """ImGui's units per pixel at scale 1; the same where its unit is a framebuffer pixel."""
    charts: list[ChartFrame]
    figures: Figures
    jobs: Jobs
    """What ran in the last frames, and why."""
    chart_count: int
    """All charts there are, shown or not."""

    @property
    def engine(self) -> EngineReader | None:
        return self.link.engine
