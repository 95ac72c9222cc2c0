"""Run the program without a window and take pictures of it, for the scripts that make the project's pictures.

Importing this module chooses the software rasteriser, so it comes before any other part of the program.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("EGL_PLATFORM", "surfaceless")
os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")

from PIL import Image

from flow_gl.core.clock import SYSTEM
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import EngineSpec
from flow_gl.gl.capture import read_picture
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_loop import FrameLoop

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
FRAME_S = 1 / 30
SETTLE_S = 2.5
"""Time in which axes and animations settle."""
PATIENCE_S = 120.0
MAX_BYTES = 400_000


@contextmanager
def program(spec: EngineSpec, size: tuple[int, int]) -> Iterator[FrameLoop]:
    """Run an engine and the view's frame without a window."""
    link = EngineLink.start(spec)
    surface = HeadlessContext(*size)
    state = ViewState()
    gui = Gui(state.palette, scale=1.0)
    loop = FrameLoop(surface, link, state, gui, SYSTEM)
    try:
        yield loop
    finally:
        loop.release()
        gui.close()
        surface.close()
        link.close()


def is_caught_up(loop: FrameLoop, charts: int) -> bool:
    engine = loop.link.engine
    return engine is not None and engine.status["state"] == FeedState.DEMO and len(loop.link.markets) == charts


def run_until(loop: FrameLoop, is_done: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Draw frames in real time until a condition holds."""
    began = time.monotonic()
    while not is_done():
        if loop.link.state == "failed":
            sys.exit(loop.link.message)
        if time.monotonic() - began > patience_s:
            sys.exit("the synthetic market did not start in time")
        frame_began = time.monotonic()
        loop.run_frame(FRAME_S)
        loop.surface.swap()
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - frame_began)))


def run_for(loop: FrameLoop, seconds: float) -> None:
    end = time.monotonic() + seconds
    run_until(loop, lambda: time.monotonic() >= end)


def take(loop: FrameLoop) -> Image.Image:
    """Return the frame that was drawn last."""
    loop.surface.begin()
    return Image.fromarray(read_picture(*loop.surface.size))


def set_span(loop: FrameLoop, span_s: float) -> None:
    """Zoom to a span of time, measured on the first chart."""
    assert loop.frame is not None
    loop.state.time.set_span(span_s * 1e9, loop.frame.charts[0].layout.price.width)


def event_s(loop: FrameLoop, since_ns: int) -> float:
    """Return the event seconds from a moment to the newest frame."""
    assert loop.frame is not None
    return (loop.frame.event_ns - since_ns) / 1e9


def save(picture: Image.Image, name: str) -> None:
    """Write a picture into docs/pictures."""
    path = FOLDER / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
    nbytes = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parent.parent)}: {nbytes / 1000:.0f} kB", flush=True)
    if nbytes > MAX_BYTES:
        sys.exit(f"{path.name} is too large for a page")
