"""The cost of a video recording per frame: reading frames back through the ring of pixel buffers while the encoder
works.

The program's frames, each with a new bubble, are drawn and finished; then the recorder is offered the picture. The
figures are times per frame. `readback_*` is the recorder's whole work in the frame's thread. `read_pixels_*` is the
driver's call for the pixels alone: a GPU queues it and copies while the program continues, a software rasteriser copies
the picture within the call. So `program_*`, the rest of the readback, is the program's own cost on any driver, and
`program_cpu_*` its processor time, which depends less on the load by other programs. `frame_*` is the frame itself,
until its pixels are finished, while recording; `frame_alone_*` without a recording. Frames are drawn at the video's
rate, as far as the machine keeps up; `dropped` frames found no room in the encoder's queue.
"""

import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console

from flow_gl.bench.frame import parse_size, percentiles, quiet_collector
from flow_gl.bench.machine import describe, write_json
from flow_gl.bench.rig import Rig, opened
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.warm import warm_up
from flow_gl.gl import api
from flow_gl.gl.surface.context import describe as describe_gl
from flow_gl.view.video import readback
from flow_gl.view.video.recorder import Recorder

LIMIT_MS: Final = 0.3
"""Limit of the readback's cost per frame at p99, ms."""
_WARM: Final = 30
_PACKAGES: Final = ("flow-gl", "numpy", "PyOpenGL", "av")


def run(
    *,
    headless: bool = False,
    size: str = "1280x720",
    frames: int = 600,
    fps: int = 60,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    headless : draw off-screen (EGL) instead of into a window
    size : picture size, WxH pixels
    frames : frames per measurement
    fps : frame rate of the video
    json_path : file for the figures
    """
    console = Console(soft_wrap=True)
    warm_up(lambda name, done, of: console.print(f"compiling {done}/{of} {name}", style="dim"))
    width, height = parse_size(size)
    with opened(width, height, is_headless=headless) as (surface, gui), tempfile.TemporaryDirectory() as folder:
        rig = Rig(surface, gui, history=5_000)
        rig.show(span_s=120.0, charts=1, is_corner=False)
        alone = _Times(rig, fps)
        alone.measure(frames)
        with closing(Recorder(surface, fps=fps)) as recorder:
            recorder.wait_ready()
            recorder.record(Path(folder) / "bench.mp4")
            taken = _Times(rig, fps, recorder)
            taken.measure(frames)
            dropped = recorder.dropped
            recorder.stop()
        figures: dict[str, Any] = {
            "size": f"{width}x{height}",
            "fps": fps,
            "frames": frames,
            "gl": describe_gl()["renderer"],
            **percentiles("readback_", taken.readback_ms),
            **percentiles("read_pixels_", taken.read_pixels_ms),
            **percentiles("program_", taken.program_ms),
            **percentiles("program_cpu_", taken.program_cpu_ms),
            **percentiles("frame_", taken.frame_ms),
            **percentiles("frame_alone_", alone.frame_ms),
            "dropped": dropped,
            "limit_ms": LIMIT_MS,
            "machine": describe(_PACKAGES),
        }
        rig.release()
    for label, value in figures.items():
        text = f"{value:,.3f}" if isinstance(value, float) else str(value)
        console.print(f"{label:24} {text}", highlight=False, markup=False)
    if json_path:
        write_json(json_path, figures)
    return figures


class _Clocks(NamedTuple):
    """Wall time, and processor time of this thread."""

    wall_ms: float
    cpu_ms: float


def _now() -> _Clocks:
    return _Clocks(1e3 * time.perf_counter(), 1e3 * time.thread_time())


def _since(begin: _Clocks) -> _Clocks:
    now = _now()
    return _Clocks(now.wall_ms - begin.wall_ms, now.cpu_ms - begin.cpu_ms)


class _Times:
    """The times of frames, with a recorder or without one."""

    def __init__(self, rig: Rig, fps: int, recorder: Recorder | None = None) -> None:
        self._rig: Final = rig
        self._fps: Final = fps
        self._recorder: Final = recorder
        self.frame_ms: list[float] = []
        self.readback_ms: list[float] = []
        self.read_pixels_ms: list[float] = []
        self.program_ms: list[float] = []
        """The readback without the driver's call for the pixels."""
        self.program_cpu_ms: list[float] = []

    def measure(self, frames: int) -> None:
        """Draw frames at the video's rate and note their times."""
        inside = _Clocks(0.0, 0.0)

        def timed(*arguments: Any) -> None:
            nonlocal inside
            begin = _now()
            api.read_pixels(*arguments)
            inside = _since(begin)

        setattr(readback, "read_pixels", timed)  # noqa: B010  # it is imported there
        try:
            with quiet_collector():
                for number in range(_WARM + frames):
                    due_s = time.perf_counter() + 1 / self._fps
                    cost = self._rig.frame()
                    inside, begin = _Clocks(0.0, 0.0), _now()
                    if self._recorder is not None:
                        self._recorder.offer((number + 1) * SECOND_NS // self._fps)
                    taken = _since(begin)
                    if number >= _WARM:
                        self.frame_ms.append(cost.finished)
                        self.readback_ms.append(taken.wall_ms)
                        self.read_pixels_ms.append(inside.wall_ms)
                        self.program_ms.append(taken.wall_ms - inside.wall_ms)
                        self.program_cpu_ms.append(taken.cpu_ms - inside.cpu_ms)
                    time.sleep(max(0.0, due_s - time.perf_counter()))
        finally:
            setattr(readback, "read_pixels", api.read_pixels)  # noqa: B010
