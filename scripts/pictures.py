"""Render the README's pictures with the program itself, from the synthetic market, without a window.

    python scripts/pictures.py [NAME...]

Each picture has a market (seed, halts, bursts), a running time, and changes to the view before it is taken. They are
drawn by the software rasteriser.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("EGL_PLATFORM", "surfaceless")
os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")

import numpy as np
from imgui_bundle import imgui
from PIL import Image
from week_files import REQUESTED, write_week

from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import SetSpeed
from flow_gl.core.palette import COLOUR_BLIND, LIGHT
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import DemoSpec, EngineSpec, FilesSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.capture import read_picture
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.layers.discs import volumes
from flow_gl.layers.rows import hit
from flow_gl.ui.paint.gui import Gui
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.frame_loop import FrameLoop

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
FRAME_S = 1 / 30
SETTLE_S = 2.5
"""Until axes and animations have settled."""
PATIENCE_S = 120.0
MOST_BYTES = 400_000

Prepare = Callable[[FrameLoop], None]


@dataclass(frozen=True)
class Shot:
    """One picture."""

    market: DemoSpec
    span_s: float = 150.0
    size: tuple[int, int] = (1600, 900)
    run_s: float = 5.0
    """Event seconds after the history."""
    prepare: Prepare = field(default=lambda _: None)


def point_at_largest(loop: FrameLoop) -> None:
    """Put the mouse over the largest bubble of the chart's middle that no newer one covers."""
    assert loop.frame is not None
    scene = loop.frame.charts[0].scene
    assert scene is not None
    view, rows = scene.price_view, hit.visible_rows(scene)
    half_ns = scene.reader.widths_ns[scene.lod] // 2
    for at in np.argsort(-volumes(rows)):
        x = view.screen_x(int(rows["ts_event"][at]) + half_ns)
        y = view.screen_y(rows["price"][at] / scene.reader.tick_size)
        if 0.3 < (x - view.rect.x) / view.rect.width < 0.7 and hit.bubble_at(scene, x, y) == rows["id"][at]:
            imgui.get_io().add_mouse_pos_event(x, y)
            return


def open_panels(loop: FrameLoop) -> None:
    """All but the performance panel: the frame costs here say nothing about a user's machine."""
    loop.state.open_panels = {"controls", "session", "feed"}


def use_light(loop: FrameLoop) -> None:
    loop.state.palette = LIGHT


def use_colour_blind(loop: FrameLoop) -> None:
    loop.state.palette = COLOUR_BLIND


SHOTS = {
    "chart": Shot(DemoSpec(seed=11), span_s=100, size=(1920, 1080)),
    "hover": Shot(DemoSpec(seed=7, symbols=("NQ",)), span_s=120, size=(1280, 720), prepare=point_at_largest),
    "halt": Shot(DemoSpec(seed=4, symbols=("ES",), halts=((-170.0, 110.0),)), span_s=420, size=(1280, 720)),
    "burst": Shot(DemoSpec(seed=5, symbols=("NQ",), bursts=((-50.0, 25.0, 25.0),)), size=(1280, 720)),
    "panels": Shot(DemoSpec(seed=9, symbols=("NQ",)), size=(1920, 1080), prepare=open_panels),
    "light": Shot(DemoSpec(seed=3, symbols=("NQ",)), size=(1280, 720), prepare=use_light),
    "colour-blind": Shot(DemoSpec(seed=3, symbols=("NQ",)), size=(1280, 720), prepare=use_colour_blind),
}


WEEK_SPEED = 10_000.0
WEEK_SIZE = (1920, 1080)
WEEK_S = 5.6 * 86_400


def take_week() -> Image.Image:
    """Replay a week over a roll, slow down on the afternoon of its last day, and draw it."""
    with tempfile.TemporaryDirectory() as name:
        paths = write_week(Path(name))
        feed = FilesSpec(paths=tuple(map(str, paths)), symbols=(REQUESTED,), speed=WEEK_SPEED)
        last_date = int(paths[-1].name[3:11])
        with program(EngineSpec(feed=feed), WEEK_SIZE) as loop:

            def is_afternoon() -> bool:
                session = loop.link.markets[0].session if loop.link.markets else None
                if session is None or int(session["trade_date"]) != last_date:
                    return False
                return int(session["close_ts"]) - int(session["last_ts"]) < 2 * 3600 * SECOND_NS

            run_until(loop, is_afternoon, patience_s=5 * PATIENCE_S)
            loop.link.send(SetSpeed(speed=1.0))
            assert loop.frame is not None
            loop.state.time.set_span(WEEK_S * 1e9, loop.frame.charts[0].layout.price.width)
            run_for(loop, 2 * SETTLE_S)
            loop.surface.begin()
            return Image.fromarray(read_picture(*WEEK_SIZE))


def run_until(loop: FrameLoop, is_done: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Draw frames in real time until a condition holds."""
    began = time.monotonic()
    while not is_done():
        if loop.link.state == "failed":
            sys.exit(loop.link.message)
        if time.monotonic() - began > patience_s:
            sys.exit("the synthetic market does not get going")
        frame_began = time.monotonic()
        loop.run_frame(FRAME_S)
        loop.surface.swap()
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - frame_began)))


def run_for(loop: FrameLoop, seconds: float) -> None:
    end = time.monotonic() + seconds
    run_until(loop, lambda: time.monotonic() >= end)


def take(shot: Shot) -> Image.Image:
    """Run a shot's market and draw it."""
    charts = len(shot.market.symbols)
    with program(EngineSpec(feed=shot.market), shot.size) as loop:
        run_until(loop, lambda: is_caught_up(loop, charts))
        assert loop.frame is not None
        assert loop.link.engine is not None
        loop.state.time.set_span(shot.span_s * 1e9, loop.frame.charts[0].layout.price.width)
        live_ns = loop.link.engine.event_now(SYSTEM.wall_ns())
        run_until(loop, lambda: loop.frame.event_ns - live_ns >= shot.run_s * 1e9)
        run_for(loop, SETTLE_S)
        shot.prepare(loop)
        run_for(loop, SETTLE_S)
        loop.surface.begin()
        return Image.fromarray(read_picture(*shot.size))


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


def save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
    nbytes = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parent.parent)}: {nbytes / 1000:.0f} kB")
    if nbytes > MOST_BYTES:
        sys.exit(f"{path.name} is too large for a README")


if __name__ == "__main__":
    for name in sys.argv[1:] or (*SHOTS, "week"):
        save(take_week() if name == "week" else take(SHOTS[name]), FOLDER / f"{name}.png")
