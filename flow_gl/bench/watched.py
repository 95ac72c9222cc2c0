"""Runs the real program and records every frame: an engine process, and the view's loop on a headless target.

No program code is duplicated: `Program` runs `FrameLoop` over a real `EngineLink`. The surface records, when a frame is
finished (`glFinish`), how long it took and how many trades it shows. Optionally a third process (`bench.watcher`)
records when trades become visible in the store.
"""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import FlowError
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import Settings
from flow_gl.core.spec import EngineSpec
from flow_gl.core.system import children
from flow_gl.gl.surface.context import HeadlessContext, describe
from flow_gl.ui.link import LinkState
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.program import Program

WARM_NS: Final = 1_500_000_000
"""Warm-up: frames within this time are not counted (shaders, atlases, the engine catching up)."""
_RUNNING: Final = (FeedState.REPLAY, FeedState.DEMO)


@dataclass(slots=True)
class FrameSample:
    """One frame: when it was finished, its cost, and the trades that it showed."""

    done_ns: int
    """Wall time when its pixels were finished."""
    cost_ms: float
    """Time from the start of the frame to its finished pixels."""
    offset_ns: int
    """Event time minus wall time, from the anchor of the feed's clock."""
    is_in_step: bool
    """Whether the feed's clock ran; it stops while the feed is behind."""
    behind: int
    trades: tuple[int, ...]
    """Number of trades shown, per chart."""
    last_ts: tuple[int, ...]
    """Event time of the newest trade, per chart."""


@dataclass(slots=True)
class Run:
    """The records of a finished run."""

    frames: list[FrameSample] = field(default_factory=list)
    """Frames while the feed was running, without those of the first `WARM_NS`."""
    stored: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    """Chart, wall time (ns) and trades in its SESSION table, each time the watcher saw a new trade; shape (n, 3)."""
    trades: int = 0
    """Number of trades that the engine counted."""
    charted: tuple[int, ...] = ()
    """Number of trades per chart."""
    most_behind: int = 0
    message: str = ""
    """The engine's last message while it ran."""
    graphics: dict[str, str] = field(default_factory=dict)

    @property
    def offset_ns(self) -> int:
        """Event time minus wall time while the feed kept up; if it never did, when it was least behind."""
        in_step = [frame.offset_ns for frame in self.frames if frame.is_in_step]
        return int(np.median(in_step)) if in_step else max(frame.offset_ns for frame in self.frames)

    def costs_ms(self) -> NDArray[np.float64]:
        return np.array([frame.cost_ms for frame in self.frames])

    def ages_ms(self) -> NDArray[np.float64]:
        """Age of the newest trade in each frame's finished pixels, over all charts, in ms."""
        offset = self.offset_ns
        return np.array([(frame.done_ns + offset - max(frame.last_ts)) / 1e6 for frame in self.frames])


class WatchedSurface:
    """A headless target that records every finished frame."""

    def __init__(self, inner: HeadlessContext, link: EngineLink, *, is_stored_watched: bool) -> None:
        self._inner: Final = inner
        self._link: Final = link
        self._is_stored_watched: Final = is_stored_watched
        self._start_ns = 0
        self._warm_ns = 0
        self.watcher: subprocess.Popen[bytes] | None = None
        self.run: Final = Run(graphics=describe())

    @property
    def size(self) -> tuple[int, int]:
        return self._inner.size

    @property
    def content_scale(self) -> float:
        return 1.0

    @property
    def is_closing(self) -> bool:
        return False

    def begin(self) -> None:
        self._start_ns = SYSTEM.monotonic_ns()
        self._inner.begin()

    def swap(self) -> None:
        self._inner.swap()
        cost_ms = (SYSTEM.monotonic_ns() - self._start_ns) / 1e6
        engine, markets = self._link.engine, self._link.markets
        if engine is None or not markets:
            return
        status = engine.status
        self.run.trades = int(status["trades"])
        self.run.charted = tuple(int(market.session["total_trades"]) for market in markets)
        if status["state"] not in _RUNNING or not all(self.run.charted):
            return
        if self.watcher is None and self._is_stored_watched:
            names = engine.market_names
            command = children.command("flow_gl.bench.watcher", *names)
            self.watcher = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.run.message = engine.text("message") or self.run.message
        self._warm_ns = self._warm_ns or self._start_ns + WARM_NS
        if self._start_ns < self._warm_ns:
            return
        behind = int(status["behind"])
        self.run.most_behind = max(self.run.most_behind, behind)
        self.run.frames.append(
            FrameSample(
                done_ns=SYSTEM.wall_ns(),
                cost_ms=cost_ms,
                offset_ns=int(status["anchor_event"]) - int(status["anchor_wall"]),
                is_in_step=float(status["rate"]) == float(status["speed"]),
                behind=behind,
                trades=self.run.charted,
                last_ts=tuple(int(market.session["last_ts"]) for market in markets),
            )
        )

    def close(self) -> None:
        """End the watcher and collect its records."""
        if self.watcher is not None:
            found, _ = self.watcher.communicate()
            self.run.stored = np.frombuffer(found, np.int64).reshape(-1, 3)
        self._inner.close()


def watch(
    spec: EngineSpec,
    *,
    size: tuple[int, int],
    fps: float | None = None,
    is_stored_watched: bool = False,
) -> Run:
    """Run the program with a new engine until the feed ends.

    Raises
    ------
    FlowError : the engine could not run
    """
    link = EngineLink.start(spec)
    try:
        surface = WatchedSurface(HeadlessContext(*size), link, is_stored_watched=is_stored_watched)
        try:
            draw(surface, link, fps=fps)
        finally:
            surface.close()
        if link.state is LinkState.FAILED:
            raise FlowError(link.message)
        if not surface.run.frames:
            raise FlowError("no frame was drawn while the feed ran: use more --seconds")
    finally:
        link.close()
    return surface.run


def draw(surface: WatchedSurface, link: EngineLink, *, fps: float | None) -> None:
    """Run the view over a link until the feed ends."""
    options = ViewOptions(settings=Settings(fps=fps), headless=True, remember=False)
    state = ViewState()
    gui = Gui(state.palette, scale=1.0)
    loop = FrameLoop(surface, link, state, gui, SYSTEM)
    try:
        Program(loop, None, options, SYSTEM).run()
    finally:
        loop.release()
        gui.close()


def parse_size(size: str) -> tuple[int, int]:
    """Parse "WxH" into width and height. Raises FlowError."""
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise FlowError(f"--size: expected WxH in pixels, like 1280x720, got {size}")
    return int(width), int(height)


def spread(values: NDArray[Any], name: str) -> dict[str, float]:
    """Return median, 99th percentile and maximum of values in any unit, with keys derived from `name`."""
    p50, p99, most = np.percentile(values, [50, 99, 100]) if len(values) else (np.nan,) * 3
    return {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99), f"{name}_max_ms": float(most)}


def report(figures: dict[str, Any], json_path: Path | None) -> None:
    """Print the figures, and write them as JSON if `json_path` is given."""
    from rich.console import Console

    from flow_gl.bench.machine import print_figures, write_json

    print_figures(Console(soft_wrap=True), figures)
    if json_path:
        write_json(json_path, figures)
