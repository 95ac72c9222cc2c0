"""The reference pictures: names and how to draw them. `python -m tests.render.pictures` draws them again.

References are made by Mesa's software rasteriser (llvmpipe) and compared only on it, with an absolute tolerance of 1:
anything looser would miss a lost bubble. Look at a new reference before committing it.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.palette import COLOUR_BLIND, DARK, LIGHT, Palette
from flow_gl.core.schema import EVENT, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.resources import SharedResources
from flow_gl.layers.base import LAYERS, Scene, Style
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.events import event, plant_one_of_each, with_marks
from tests.kit.gl_context import draw
from tests.kit.levels import plant_levels, plant_lines, with_lines
from tests.kit.markets import START_NS, WEEK, make_market, make_scene, make_week

REFERENCES: Final = Path(__file__).parent / "references"
Picture = NDArray[np.uint8]


def _once(resources: SharedResources, scene: Scene, *, before: Callable[[ChartStack], None] | None = None) -> Picture:
    stack = ChartStack(resources, FrameScheduler())
    stack.setup()
    if before is not None:
        before(stack)
    picture = draw(stack, scene)
    stack.release()
    return picture


def empty(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(10, is_published=False)))


def one_bubble(resources: SharedResources) -> Picture:
    market = make_market(10, is_published=False)
    market.advance(1)
    return _once(resources, make_scene(market, span_s=30))


def busy_minute(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(300, seed=3, crosses=[(270, 1)]), span_s=60))


def busy_minute_colour_blind(resources: SharedResources) -> Picture:
    market = make_market(300, seed=3, crosses=[(270, 1)])
    return _once(resources, make_scene(market, span_s=60, style=Style(palette=COLOUR_BLIND)))


def busy_minute_light(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(300, seed=3), span_s=60, style=Style(palette=LIGHT)))


def halt(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(240, seed=5, gap=(120, 195, GapKind.NO_TRADES)), span_s=150))


def feed_gap(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(240, seed=5, gap=(120, 195, GapKind.FEED)), span_s=150))


def storm(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(900, seed=8, intensity=20.0), span_s=800))


def storm_merged(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(900, seed=8, intensity=20.0), span_s=800, lod=3))


def standing(resources: SharedResources) -> Picture:
    market = make_market(300, seed=3)
    return _once(resources, make_scene(market, span_s=90, is_live=False, crosshair_px=(200.0, 120.0)))


def hovered(resources: SharedResources) -> Picture:
    market = make_market(300, seed=3)
    ids = market.rows["id"]
    return _once(resources, make_scene(market, span_s=60, hover_id=int(ids[-12]), pinned_id=int(ids[-30])))


def flash(resources: SharedResources) -> Picture:
    market = make_market(200, seed=3)
    scene = make_scene(market, span_s=60)

    def fire(stack: ChartStack) -> None:
        draw(stack, scene)
        event = np.zeros(1, EVENT)
        event["ts_event"], event["kind"], event["direction"] = market.now_ns, EventKind.ZERO_CROSS, -1
        event["price"] = market.rows["close"][-1]
        market.store.events.append(event)
        market.reader.refresh(logs_only=True)

    return _once(resources, scene, before=fire)


def double_scale(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_market(300, seed=3), span_s=30, scale=2.0))


def fold(resources: SharedResources) -> Picture:
    """Two hours around the close of Wednesday, whose closed hour is folded."""
    market = make_week(WEEK[1:4], per_hour=60)
    edge_ns = WEEK[3].open_ns + 3600 * SECOND_NS
    return _once(resources, make_scene(market, span_s=2.5 * 3600, lod=5, edge_ns=edge_ns, folding="closed"))


def week(resources: SharedResources) -> Picture:
    return _once(resources, make_scene(make_week(), 1920, 1080, span_s=5 * 24 * 3600, lod=6, folding="closed"))


def full_hd(resources: SharedResources) -> Picture:
    market = make_market(600, seed=3, crosses=[(480, 1), (540, -1)])
    return _once(resources, make_scene(market, 1920, 1080, span_s=150, style=Style(palette=DARK)))


def cvd_candles(resources: SharedResources) -> Picture:
    market = make_market(300, seed=3)
    return _once(resources, make_scene(market, span_s=60, style=Style(palette=DARK, has_cvd_candles=True)))


def reference_and_lost_price(resources: SharedResources) -> Picture:
    """CVD counted from a moment in view, zero just below the CVD pane, the last price above the price pane."""
    market = make_market(300, seed=3)
    scene = make_scene(market, span_s=90)
    cvd, rect = int(market.reader.session["cvd"]), scene.cvd_view.rect
    middle = scene.price_view.y_top - 1.4 * scene.price_view.rect.height * scene.price_view.y_per_px
    return _once(
        resources,
        replace(
            scene,
            price_view=replace(scene.price_view, y_top=middle),
            cvd_view=replace(scene.cvd_view, y_top=310.0, y_per_px=270.0 / rect.height),
            cvd_reference=CvdReference(market.now_ns - 40 * SECOND_NS, cvd - 9, START_NS, 1),
        ),
    )


def _marks(resources: SharedResources, palette: Palette) -> Picture:
    market = make_market(300, seed=3)
    plant_one_of_each(market)
    return _once(resources, with_marks(make_scene(market, span_s=160, style=Style(palette=palette))))


def marks(resources: SharedResources) -> Picture:
    return _marks(resources, DARK)


def marks_light(resources: SharedResources) -> Picture:
    return _marks(resources, LIGHT)


def marks_colour_blind(resources: SharedResources) -> Picture:
    return _marks(resources, COLOUR_BLIND)


def marks_full_hd(resources: SharedResources) -> Picture:
    """Marks of each kind, and more large trades than there is room for."""
    market = make_market(600, seed=3)
    for at in (240, 380, 520):
        plant_one_of_each(market, at=at)
    for second in range(300, 420, 4):
        price, size = int(market.rows["close"][min(second, len(market.rows) - 1)]), 10 + second * 7919 % 97
        market.store.events.append(event(EventKind.LARGE_TRADE, second, price, 1 - second % 8 // 2, size, price, 10))
    return _once(resources, with_marks(make_scene(market, 1920, 1080, span_s=480)))


def _levels(resources: SharedResources, palette: Palette) -> Picture:
    """Levels found by the engine, and the optional lines."""
    market = make_market(600, seed=3)
    plant_levels(market, naked=(-18, 24))
    plant_lines(market)
    style = Style(palette=palette, is_visible=frozenset(LAYERS))
    return _once(resources, with_lines(make_scene(market, 1920, 1080, span_s=500, style=style)))


def levels(resources: SharedResources) -> Picture:
    return _levels(resources, DARK)


def levels_light(resources: SharedResources) -> Picture:
    return _levels(resources, LIGHT)


def levels_colour_blind(resources: SharedResources) -> Picture:
    return _levels(resources, COLOUR_BLIND)


LARGE: Final = (week, full_hd, marks_full_hd, levels, levels_light, levels_colour_blind)
"""Drawn at 1920x1080."""
PICTURES: Final = (
    *(empty, one_bubble, busy_minute, busy_minute_colour_blind, busy_minute_light, halt, feed_gap, storm),
    *(storm_merged, standing, hovered, flash, double_scale, fold, week, full_hd, cvd_candles),
    reference_and_lost_price,
    *(marks, marks_light, marks_colour_blind, marks_full_hd),
    *(levels, levels_light, levels_colour_blind),
)


def main() -> int:
    from flow_gl.gl.capture import write_png
    from flow_gl.gl.surface.context import HeadlessContext, describe

    assert START_NS % SECOND_NS == 0
    context = HeadlessContext(640, 360)
    if "llvmpipe" not in describe()["renderer"]:
        sys.stderr.write("references are made on Mesa's llvmpipe (LIBGL_ALWAYS_SOFTWARE=1)\n")
        return 1
    resources = SharedResources()
    for make in PICTURES:
        context.target.resize(*((1920, 1080) if make in LARGE else (640, 360)))
        write_png(REFERENCES / f"{make.__name__}.png", make(resources))
    return 0


if __name__ == "__main__":
    sys.exit(main())
