"""Runs the program's frame in a benchmark: a pipeline and stores in this process, with `FrameLoop` on top.

No frame code is duplicated here. `Rig.frame` adds trades (not timed), then runs `FrameLoop.run_frame` and the surface's
swap (timed separately). The overlays, including the panels, are the program's.
"""

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.bench.history import SecondTape, Tape, fill, name_instrument
from flow_gl.core.clock import SYSTEM, ManualClock
from flow_gl.core.commands import Command
from flow_gl.core.palette import DARK
from flow_gl.core.schema import STATUS, FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.gl import drawing
from flow_gl.gl.api import GL
from flow_gl.gl.surface.context import HeadlessContext, Surface, Window, WindowOptions
from flow_gl.gl.surface.offscreen import Offscreen
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.ui.link import LinkFields, LinkState
from flow_gl.ui.paint import drawing as overlay_drawing
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.pacing import Pacer

FRAME_S: Final = 1.0 / 60.0
SYMBOLS: Final = ("NQZ5", "ESZ5", "RTYZ5", "YMZ5")
_CORNER: Final = (64, 36)
_MAX_SETTLING: Final = 600
_MIN_SETTLING: Final = 20
"""Minimum number of frames for a transition between two levels of detail to finish."""
_SETTLED_BYTES: Final = 32_768
_NOTHING: Final = nullcontext()


class Cost(NamedTuple):
    """Cost of one frame in ms. Other programs' load affects processor time less than wall time."""

    calls: float
    """Wall time until the last call returned."""
    calls_cpu: float
    """Processor time of this thread until the last call returned."""
    finished: float
    """Wall time until the pixels were finished."""
    finished_cpu: float
    """Processor time of all threads until the pixels were finished, including a software rasteriser's."""


class BenchSurface:
    """A surface that can redirect its frames to a small target, which holds only a corner of the same picture.

    Layout, labels, levels of detail and draw calls are those of the full size, but almost no pixels are rasterised.
    """

    def __init__(self, surface: Surface) -> None:
        self._surface: Final = surface
        self._corner: Final = Offscreen(*_CORNER)
        self.is_corner = False

    @property
    def size(self) -> tuple[int, int]:
        return self._surface.size

    @property
    def content_scale(self) -> float:
        return 1.0

    @property
    def is_closing(self) -> bool:
        return False

    def begin(self) -> None:
        if self.is_corner:
            self._corner.bind()
            GL.glViewport(0, 0, *self.size)
        else:
            self._surface.begin()

    def swap(self) -> None:
        if not self.is_corner:
            self._surface.swap()
        GL.glFinish()

    def close(self) -> None:
        self._corner.release()


@contextmanager
def opened(width: int, height: int, *, is_headless: bool) -> Iterator[tuple[BenchSurface, Gui]]:
    """Open a target, off-screen or a window without vertical sync, and the overlays for it; sizes in pixels."""
    # The overlays must be imported before the window library; importing this module has done so.
    target: HeadlessContext | Window
    if is_headless:
        target = HeadlessContext(width, height)
    else:
        target = Window(WindowOptions(title="flow-gl bench", width=width, height=height, is_vsync=False))
    surface = BenchSurface(target)
    gui = Gui(DARK, scale=1.0)
    try:
        yield surface, gui
    finally:
        gui.close()
        surface.close()
        target.close()


@contextmanager
def no_vertices() -> Iterator[None]:
    """Replace the draw calls by a C function that returns immediately; all other calls stay.

    A software rasteriser processes vertices within the draw calls, whereas a GPU's driver only queues them.
    """
    c_function = ctypes.CDLL(None).getppid  # ignores its arguments
    instead = {
        (GL, "glDrawArrays"): c_function,
        (drawing, "draw_elements_base_vertex"): c_function,
        (overlay_drawing, "draw_elements_base_vertex"): c_function,
    }
    kept = {place: getattr(*place) for place in instead}
    try:
        for place, function in instead.items():
            setattr(*place, function)
        yield
    finally:
        for place, function in kept.items():
            setattr(*place, function)


class BenchLink(LinkFields):
    """A `Link` without an engine process: a pipeline in this process fills stores in this process."""

    def __init__(self, pipeline: Pipeline, stores: list[MarketStore], clock: ManualClock, *, rate: float) -> None:
        super().__init__()
        self._engine_store: Final = EngineStore.local()
        self._pipeline: Final = pipeline
        self._clock: Final = clock
        self._status: Final = np.zeros(1, STATUS)
        self._status["state"], self._status["pid"], self._status["rate"] = FeedState.REPLAY, 1, rate
        self._status["speed"], self._status["progress"], self._status["source"] = rate, np.nan, b"benchmark"
        self._status["charts"] = len(stores)
        self.engine = EngineReader(self._engine_store)
        self.markets = [MarketReader(store) for store in stores]
        self.state = LinkState.RUNNING
        self.generation = 1

    def take_in(self, trades: list[NDArray[np.void]], event_ns: int) -> None:
        """Aggregate and publish trades, and set the feed's clock to `event_ns`."""
        for part in trades:
            self._pipeline.process(part)
            self._status["trades"] += len(part)
        self._pipeline.publish()
        wall = self._clock.wall_ns()
        self._status["heartbeat"] = self._status["anchor_wall"] = wall
        self._status["anchor_event"] = event_ns
        self._engine_store.status.write(self._status)

    def set_rate(self, rate: float) -> None:
        """Set the event seconds per wall second, effective from the next `take_in`."""
        self._status["rate"] = self._status["speed"] = rate

    def poll(self) -> LinkState:
        return self.state

    def send(self, command: Command) -> None:
        """Do nothing: there is no engine to receive commands."""

    def add(self, symbol: str) -> str:
        """Refuse: there is no engine."""
        return f"{symbol}: there is no engine"

    def refusals(self) -> list[tuple[str, str]]:
        """Return an empty list: no symbol was requested."""
        return []

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class Rig:
    """Charts with `history` closed bubbles each, and the program's frame over them.

    Parameters
    ----------
    surface, gui : drawing targets; an OpenGL context must be current
    history : seconds of history, with a bubble in each
    charts : number of charts, at most as many as `SYMBOLS`
    tapes : one per chart, for instruments 1, 2, ...; random trades if not given
    base_capacity : capacity of the stores at lod 0, in bubbles
    """

    def __init__(
        self,
        surface: BenchSurface,
        gui: Gui,
        *,
        history: int,
        charts: int = 2,
        tapes: Sequence[Tape] | None = None,
        base_capacity: int = 1 << 20,
    ) -> None:
        self.surface: Final = surface
        self.history: Final = history
        self._clock: Final = ManualClock(1_764_400_000 * SECOND_NS)
        pipeline = Pipeline()
        self._tapes: Final = list(tapes or [SecondTape(number) for number in range(1, charts + 1)])
        stores = [MarketStore.local(base_capacity=base_capacity) for _ in self._tapes]
        for number, (store, symbol) in enumerate(zip(stores, SYMBOLS, strict=False), start=1):
            pipeline.chart(number, store)
            name_instrument(store, symbol)
        self._waiting: list[NDArray[np.void]] = []
        self._event_ns = 0
        fill(pipeline, self._tapes, history)
        self.link: Final = BenchLink(pipeline, stores, self._clock, rate=1.0 / FRAME_S)
        self.state: Final = ViewState()
        self.state.toggle_all_panels()
        self.loop: Final = FrameLoop(surface, self.link, self.state, gui, self._clock)

    def show(self, *, span_s: float, charts: int, is_corner: bool, locked_lod: int | None = None) -> None:
        """Set span, charts and lod, and draw until the history has been uploaded to the GPU."""
        self.state.select(1 if charts == 1 else 0, len(self._tapes))
        self.state.locked_lod = locked_lod
        self.surface.is_corner = True
        for _ in range(3):
            self.frame()
            frame = self.loop.frame
            assert frame is not None
            self.state.time.set_span(span_s * 1e9, frame.charts[0].layout.price.width)
        for settled in range(_MAX_SETTLING):
            self.frame()
            if settled > _MIN_SETTLING and self.loop.figures.counters.uploaded_bytes < _SETTLED_BYTES:
                break
        self.surface.is_corner = is_corner

    def frame(self, *, frames_a_bubble: int = 1, around: AbstractContextManager[object] = _NOTHING) -> Cost:
        """Add trades, then draw and time one frame.

        Parameters
        ----------
        frames_a_bubble : number of frames over which a second of trades is spread; with 1, each frame closes a bubble
        around : entered while the frame is built, without the swap

        Returns
        -------
        Cost
        """
        self._clock.advance(int(FRAME_S * 1e9))
        self._pass_time(SECOND_NS // frames_a_bubble, rate=1.0 / (frames_a_bubble * FRAME_S))
        all_cpu, own_cpu, start = time.process_time(), time.thread_time(), time.perf_counter()
        with around:
            self.loop.run_frame(FRAME_S)
        worked, worked_cpu = time.perf_counter(), time.thread_time()
        self.surface.swap()
        done, done_cpu = time.perf_counter(), time.process_time()
        return Cost(
            1e3 * (worked - start), 1e3 * (worked_cpu - own_cpu), 1e3 * (done - start), 1e3 * (done_cpu - all_cpu)
        )

    def paced(self, *, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Run frames with the program's pacer and the system clock, at a rate that the machine can sustain.

        Returns
        -------
        steps : steps of the shown event time between frames, ms, at one event second per second
        periods : time between frames, ms
        rate_hz : requested frames per second
        """
        cost_s = float(np.median([self.frame(frames_a_bubble=60).finished for _ in range(10)])) / 1e3
        rate_hz = float(next((rate for rate in (60, 30, 20, 10, 5) if rate * cost_s < 0.5), 2))
        pacer = Pacer(SYSTEM, refresh_hz=rate_hz, cap_fps=None, is_synced=False)
        shown, began = [], []
        last_ns = SYSTEM.monotonic_ns()
        for _ in range(int(seconds * rate_hz) + 10):
            now_ns = SYSTEM.monotonic_ns()
            period_s, last_ns = pacer.steady((now_ns - last_ns) / 1e9), now_ns
            self._clock.advance(int(period_s * 1e9))
            self._pass_time(int(period_s * 1e9), rate=1.0)
            self.loop.run_frame(period_s)
            self.surface.swap()
            frame = self.loop.frame
            assert frame is not None
            shown.append(frame.event_ns)
            began.append(now_ns)
            SYSTEM.sleep(pacer.wait_s())
        return np.diff(shown)[9:] / 1e6, np.diff(began)[9:] / 1e6, rate_hz

    def _pass_time(self, event_ns: int, *, rate: float) -> None:
        """Advance event time at `rate` event seconds per second and add the trades of that time."""
        if not self._event_ns:
            self._event_ns = self._tapes[0].second * SECOND_NS
        self._event_ns += event_ns
        arrived = []
        while self._tapes[0].second * SECOND_NS < self._event_ns:
            self._waiting += [tape.take(1) for tape in self._tapes]
        for index, part in enumerate(self._waiting):
            count = int(part["ts_event"].searchsorted(self._event_ns))
            arrived.append(part[:count])
            self._waiting[index] = part[count:]
        self._waiting = [part for part in self._waiting if len(part)]
        self.link.set_rate(rate)
        self.link.take_in([part for part in arrived if len(part)], self._event_ns)

    def release(self) -> None:
        self.loop.release()
