"""The program's own frame in a benchmark: a pipeline in this process, stores in its memory, and `FrameLoop` over them.

Nothing of a frame is copied here: `Rig.frame` lets one second of trades close a bubble (not timed), and runs
`FrameLoop.run_frame` and the surface's swap (timed apart). The overlays, panels included, are the program's.
"""

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.bench.history import SECOND, SecondTape, Tape, fill, name_instrument
from flow_gl.core.clock import SYSTEM, ManualClock
from flow_gl.core.commands import Command
from flow_gl.core.palette import DARK
from flow_gl.core.schema import STATUS, FeedState
from flow_gl.engine.pipeline import Pipeline
from flow_gl.gl import drawing
from flow_gl.gl.api import GL
from flow_gl.gl.surface.context import HeadlessContext, Surface, Window, WindowOptions
from flow_gl.gl.surface.offscreen import Offscreen
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.ui.link import LinkState
from flow_gl.ui.paint import drawing as overlay_drawing
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.pacing import Pacer

FRAME_S: Final = 1.0 / 60.0
PANELS: Final = ("controls", "session", "feed", "performance")
_CORNER: Final = (64, 36)
_MOST_SETTLING: Final = 600
_LEAST_SETTLING: Final = 20
"""Frames in which one level of detail gives way to another."""
_SETTLED_BYTES: Final = 32_768


class Cost(NamedTuple):
    """Of one frame, ms. Processor time is what other programs' load does not lengthen as they do the clock's."""

    calls: float
    """Until the last call was made ..."""
    calls_cpu: float
    """... of this thread's processor time ..."""
    finished: float
    """... until the pixels were done ..."""
    finished_cpu: float
    """... and of all threads' processor time, a software rasteriser's included."""


class BenchSurface:
    """A surface whose frames may go to a small target instead: the same picture, of which only a corner has pixels.

    Layout, labels, levels of detail and every draw call stay those of the full size; the rasteriser has nothing to do.
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
    """Open a target of this size, off-screen or a window without vertical sync, and the overlays over it."""
    # The overlays were imported with this module: before the window's library, as they must be.
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
    """Draw nothing: every call is made, but those that draw go to a C function that returns at once.

    A software rasteriser works on vertices within these calls, a GPU's driver only notes them down.
    """
    c_function = ctypes.CDLL(None).getppid  # takes what it is given and does not look at it
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


class BenchLink:
    """An engine's stand-in: `Link` over stores of this process, filled by a pipeline of this process."""

    def __init__(self, pipeline: Pipeline, stores: list[MarketStore], clock: ManualClock, *, rate: float) -> None:
        self._engine_store: Final = EngineStore.local()
        self._pipeline: Final = pipeline
        self._clock: Final = clock
        self._status: Final = np.zeros(1, STATUS)
        self._status["state"], self._status["pid"], self._status["rate"] = FeedState.REPLAY, 1, rate
        self._status["speed"], self._status["progress"], self._status["source"] = rate, np.nan, b"benchmark"
        self._status["charts"] = len(stores)
        self.engine: EngineReader | None = EngineReader(self._engine_store)
        self.markets: list[MarketReader] = [MarketReader(store) for store in stores]
        self.state = LinkState.RUNNING
        self.message = ""
        self.exit_code = 0
        self.generation = 1
        self.restarts = 0

    def take_in(self, trades: list[NDArray[np.void]], event_ns: int) -> None:
        """Aggregate and publish, and say what time it is."""
        for part in trades:
            self._pipeline.process(part)
            self._status["trades"] += len(part)
        self._pipeline.publish()
        wall = self._clock.wall_ns()
        self._status["heartbeat"] = self._status["anchor_wall"] = wall
        self._status["anchor_event"] = event_ns
        self._engine_store.status.write(self._status)

    def set_rate(self, rate: float) -> None:
        """Event seconds per wall second from the next `take_in` on."""
        self._status["rate"] = self._status["speed"] = rate

    def poll(self) -> LinkState:
        return self.state

    def send(self, command: Command) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is held."""


class Rig:
    """Charts with `history` closed bubbles each, and the program's frame over them.

    Parameters
    ----------
    surface, gui : where it draws; a context is current
    history : seconds of history, each with a bubble
    charts : 1 or 2
    tapes : one a chart, instruments 1, 2; random trades where not given
    base_capacity : bubbles that the stores hold at level 0
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
        self._clock: Final = ManualClock(1_764_400_000 * SECOND)
        pipeline = Pipeline()
        self._tapes: Final = list(tapes or [SecondTape(number) for number in range(1, charts + 1)])
        stores = [MarketStore.local(base_capacity=base_capacity) for _ in self._tapes]
        for number, (store, symbol) in enumerate(zip(stores, ("NQZ5", "ESZ5"), strict=False), start=1):
            pipeline.chart(number, store)
            name_instrument(store, symbol)
        self._waiting: list[NDArray[np.void]] = []
        self._event_ns = 0
        fill(pipeline, self._tapes, history)
        self.link: Final = BenchLink(pipeline, stores, self._clock, rate=1.0 / FRAME_S)
        self.state: Final = ViewState()
        self.state.open_panels = set(PANELS)
        self.loop: Final = FrameLoop(surface, self.link, self.state, gui, self._clock)

    def show(self, *, span_s: float, charts: int, is_corner: bool, locked_lod: int | None = None) -> None:
        """Set up what is drawn, and draw until nothing of the past is brought to the GPU any more."""
        self.state.select(0 if charts == 2 else 1, len(self._tapes))
        self.state.locked_lod = locked_lod
        self.surface.is_corner = True
        for _ in range(3):
            self.frame()
            frame = self.loop.frame
            assert frame is not None
            self.state.time.set_span(span_s * 1e9, frame.charts[0].layout.price.width)
        for settled in range(_MOST_SETTLING):
            self.frame()
            if settled > _LEAST_SETTLING and self.loop.figures.counters.uploaded_bytes < _SETTLED_BYTES:
                break
        self.surface.is_corner = is_corner

    def frame(self, *, frames_a_bubble: int = 1) -> Cost:
        """Some more trades, and a frame.

        Parameters
        ----------
        frames_a_bubble : how many frames a second of trades is spread over: with 1 each frame closes a bubble

        Returns
        -------
        Cost
        """
        self._clock.advance(int(FRAME_S * 1e9))
        self._pass_time(SECOND // frames_a_bubble, rate=1.0 / (frames_a_bubble * FRAME_S))
        all_cpu, own_cpu, start = time.process_time(), time.thread_time(), time.perf_counter()
        self.loop.run_frame(FRAME_S)
        worked, worked_cpu = time.perf_counter(), time.thread_time()
        self.surface.swap()
        done, done_cpu = time.perf_counter(), time.process_time()
        return Cost(
            1e3 * (worked - start), 1e3 * (worked_cpu - own_cpu), 1e3 * (done - start), 1e3 * (done_cpu - all_cpu)
        )

    def paced(self, *, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Run frames by the program's pacer and the machine's clock, at a rate that it can hold.

        Returns
        -------
        steps : of the time that was shown, from frame to frame, ms of event time, at one event second a second
        periods : from frame to frame, ms
        rate_hz : frames a second that were asked for
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
        """Let event time pass, `rate` seconds of it a second, and the trades of that time come in."""
        if not self._event_ns:
            self._event_ns = self._tapes[0].second * SECOND
        self._event_ns += event_ns
        arrived = []
        while self._tapes[0].second * SECOND < self._event_ns:
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
