"""Render the pictures of README and docs with the program itself, from the synthetic market, without a window.

    python scripts/pictures.py [NAME...]

Each picture has a market (seed, halts, bursts), a running time, and changes to the view before it is taken. They are
drawn by the software rasteriser.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from imgui_bundle import imgui
from page_picture import NAME as PAGE
from page_picture import take_page
from PIL import Image
from reading import NAMES, take_reading
from stage import PATIENCE_S, SETTLE_S, event_s, is_caught_up, program, run_for, run_until, save, set_span, take
from week_files import REQUESTED, write_week

from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import SetSpeed
from flow_gl.core.comparison import Comparison
from flow_gl.core.palette import COLOUR_BLIND, LIGHT
from flow_gl.core.spec import DemoSpec, EngineSpec, FilesSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.synthetic.demo import OPEN_NS
from flow_gl.layers.discs import volumes
from flow_gl.layers.rows import hit
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.marked_range import MarkedRange
from flow_gl.view.frame_loop import FrameLoop

Prepare = Callable[[FrameLoop], None]
MINUTE_NS = 60 * SECOND_NS
RTH_OPEN_NS = OPEN_NS + 930 * MINUTE_NS
UNTIL_TEN = DemoSpec(symbols=("NQ",), history_s=16 * 3600.0)
"""A market that has room for a window after the first fifteen minutes of regular hours."""


@dataclass(frozen=True)
class Shot:
    """One picture."""

    market: DemoSpec
    span_s: float = 150.0
    size: tuple[int, int] = (1600, 900)
    run_s: float = 5.0
    """Event seconds after the history."""
    prepare: Prepare = field(default=lambda _: None)


def largest_bubble(loop: FrameLoop, *, within: tuple[float, float]) -> tuple[int, float, float]:
    """Return id and place (px) of the largest bubble in a part of the chart's width that no newer one covers."""
    assert loop.frame is not None
    scene = loop.frame.charts[0].scene
    assert scene is not None
    view, rows = scene.price_view, hit.visible_rows(scene)
    half_ns = scene.reader.widths_ns[scene.lod] // 2
    for at in np.argsort(-volumes(rows)):
        x = view.screen_x(int(rows["ts_event"][at]) + half_ns)
        y = view.screen_y(rows["price"][at] / scene.reader.tick_size)
        is_within = within[0] < (x - view.rect.x) / view.rect.width < within[1]
        if is_within and hit.bubble_at(scene, x, y) == rows["id"][at]:
            return int(rows["id"][at]), x, y
    sys.exit("the picture has no bubble that is not covered")


def point_at_largest(loop: FrameLoop) -> None:
    """Put the mouse over the largest bubble of the chart's middle."""
    _, x, y = largest_bubble(loop, within=(0.3, 0.7))
    imgui.get_io().add_mouse_pos_event(x, y)


def pin_largest(loop: FrameLoop) -> None:
    """Pin the largest bubble left of the window that then opens."""
    own = loop.state.charts[0]
    own.pinned_id, _, _ = largest_bubble(loop, within=(0.15, 0.6))
    own.pinned_lod = own.lod


def mark_open(loop: FrameLoop) -> None:
    """Mark the first fifteen minutes of regular hours."""
    width_ns = loop.link.markets[0].widths_ns[loop.state.charts[0].lod]
    loop.state.marked = MarkedRange(RTH_OPEN_NS, RTH_OPEN_NS + 15 * MINUTE_NS - 1, width_ns)


def open_panels(loop: FrameLoop) -> None:
    """Open all but the performance panel: frame costs measured here say nothing about a user's machine."""
    for name in ("controls", "session", "feed"):
        loop.state.toggle_panel(name)


def use_light(loop: FrameLoop) -> None:
    loop.state.palette = LIGHT


def use_colour_blind(loop: FrameLoop) -> None:
    loop.state.palette = COLOUR_BLIND


def compare(loop: FrameLoop) -> None:
    """Show the first chart alone, with its difference to the second, and the mouse over that pane."""
    loop.state.selected = 1
    loop.state.charts[0].comparison.show(Comparison(symbol_of(loop.link.markets[1])))
    run_for(loop, SETTLE_S)
    assert loop.frame is not None
    pane = loop.frame.charts[0].layout.comparison
    imgui.get_io().add_mouse_pos_event(pane.x + 0.45 * pane.width, pane.y + 0.5 * pane.height)


SHOTS = {
    "chart": Shot(DemoSpec(seed=11), span_s=100, size=(1920, 1080)),
    "hover": Shot(DemoSpec(seed=7, symbols=("NQ",)), span_s=120, size=(1280, 720), prepare=point_at_largest),
    "halt": Shot(DemoSpec(seed=4, symbols=("ES",), halts=((-170.0, 110.0),)), span_s=420, size=(1280, 720)),
    "burst": Shot(DemoSpec(seed=5, symbols=("NQ",), bursts=((-50.0, 25.0, 25.0),)), size=(1280, 720)),
    "panels": Shot(DemoSpec(seed=9, symbols=("NQ",)), size=(1920, 1080), prepare=open_panels),
    "light": Shot(DemoSpec(seed=3, symbols=("NQ",)), size=(1280, 720), prepare=use_light),
    "comparison": Shot(DemoSpec(seed=11), span_s=900, size=(1280, 720), prepare=compare),
    "colour-blind": Shot(DemoSpec(seed=3, symbols=("NQ",)), size=(1280, 720), prepare=use_colour_blind),
    "footprint": Shot(DemoSpec(seed=7, symbols=("NQ",)), span_s=120, size=(1280, 720), prepare=pin_largest),
    "range": Shot(UNTIL_TEN, span_s=2420, size=(1280, 720), prepare=mark_open),
}


WEEK_SPEED = 10_000.0
WEEK_SIZE = (1920, 1080)
WEEK_SPANS = {"week": 5.6 * 86_400, "fifteen-minutes": 2.2 * 86_400}
"""Pictures of the week, and their spans."""


def take_week() -> dict[str, Image.Image]:
    """Replay a week over a roll, slow down on the afternoon of its last day, and draw the week and its end."""
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
            taken = {}
            for picture, span_s in WEEK_SPANS.items():
                set_span(loop, span_s)
                run_for(loop, 2 * SETTLE_S)
                taken[picture] = take(loop)
            return taken


def take_shot(shot: Shot) -> Image.Image:
    """Run a shot's market and draw it."""
    charts = len(shot.market.symbols)
    with program(EngineSpec(feed=shot.market), shot.size) as loop:
        run_until(loop, lambda: is_caught_up(loop, charts))
        assert loop.link.engine is not None
        set_span(loop, shot.span_s)
        live_ns = loop.link.engine.event_now(SYSTEM.wall_ns())
        run_until(loop, lambda: event_s(loop, live_ns) >= shot.run_s)
        run_for(loop, SETTLE_S)
        shot.prepare(loop)
        run_for(loop, SETTLE_S)
        return take(loop)


if __name__ == "__main__":
    wanted = set(sys.argv[1:]) or {*SHOTS, *WEEK_SPANS, *NAMES, PAGE}
    if unknown := wanted - {*SHOTS, *WEEK_SPANS, *NAMES, PAGE}:
        sys.exit(f"no picture is named {', '.join(sorted(unknown))}")
    for name in (one for one in SHOTS if one in wanted):
        save(take_shot(SHOTS[name]), name)
    if wanted & WEEK_SPANS.keys():
        for name, picture in take_week().items():
            save(picture, name)
    if wanted & {*NAMES}:
        for name, picture in take_reading(wanted).items():
            save(picture, name)
    if PAGE in wanted:
        save(take_page(), PAGE)
