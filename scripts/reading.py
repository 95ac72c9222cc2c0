"""Pictures for docs/reading-the-chart.md: widths of bubbles, and one of each mark with the text at the mouse.

The marks are those of the demo (`flow-gl demo`): its episodes plant an event of every kind in the first two minutes.
"""

import sys
from collections.abc import Iterator

from imgui_bundle import imgui
from PIL import Image
from stage import SETTLE_S, event_s, is_caught_up, program, run_for, run_until, set_span, take

from flow_gl.core.clock import SYSTEM
from flow_gl.core.drawings import OwnLevel
from flow_gl.core.schema import EventKind
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.layers.base import LAYER_OF_EVENT, Scene
from flow_gl.layers.discs import reference_of
from flow_gl.layers.marks import absorption, divergence, large_trade, stacked_imbalance
from flow_gl.store.row_log import RowCursor
from flow_gl.ui.drawings.book import new_id
from flow_gl.ui.input.level_tool import edits_of
from flow_gl.view.frame_loop import FrameLoop

SIZE = (1280, 720)
NQ, ES = 1, 2
NAMES = (
    *("large-trade", "absorption", "stacked-imbalance", "zero-cross", "cvd-reference", "divergence"),
    "own-levels",
    "one-minute",
)
"""The pictures, in the order of the time at which they are taken."""


def take_reading(wanted: set[str]) -> dict[str, Image.Image]:
    """Run the demo for two minutes and take the wanted pictures of `NAMES`."""
    taken: dict[str, Image.Image] = {}
    with program(EngineSpec(feed=DemoSpec()), SIZE) as loop:
        run_until(loop, lambda: is_caught_up(loop, 2))
        assert loop.link.engine is not None
        live_ns = loop.link.engine.event_now(SYSTEM.wall_ns())

        def shoot(
            name: str, chart: int, at_s: float, span_s: float, kind: EventKind | None, *, key: imgui.Key | None = None
        ) -> None:
            if name not in wanted:
                return
            run_until(loop, lambda: event_s(loop, live_ns) >= at_s)
            loop.state.selected = chart
            _show_only(loop, kind)
            # The zone of an absorption lies behind the bubbles.
            loop.state.filters.size_scale = 0.4 if kind is EventKind.ABSORPTION else 1.0
            imgui.get_io().add_mouse_pos_event(-1.0, -1.0)
            run_for(loop, 0.2)
            set_span(loop, span_s)
            run_for(loop, SETTLE_S)
            if key is not None:
                imgui.get_io().add_key_event(key, True)
                run_for(loop, 0.2)
                imgui.get_io().add_key_event(key, False)
                run_for(loop, SETTLE_S)
            if kind is not None:
                _point_at(loop, kind)
                run_for(loop, 1.0)
            taken[name] = take(loop)

        shoot("large-trade", ES, 20.0, 45.0, EventKind.LARGE_TRADE)
        shoot("absorption", ES, 30.0, 45.0, EventKind.ABSORPTION)
        shoot("stacked-imbalance", NQ, 64.0, 120.0, EventKind.STACKED_IMBALANCE)
        shoot("zero-cross", ES, 74.0, 90.0, EventKind.ZERO_CROSS)
        shoot("cvd-reference", ES, 86.0, 90.0, None, key=imgui.Key.r)
        shoot("divergence", NQ, 108.0, 240.0, EventKind.DIVERGENCE)
        if "own-levels" in wanted:
            run_until(loop, lambda: event_s(loop, live_ns) >= 112.0)
            _place_levels(loop)
            shoot("own-levels", NQ, 112.0, 120.0, None, key=imgui.Key.e)
            imgui.get_io().add_key_event(imgui.Key.escape, True)
            imgui.get_io().add_key_event(imgui.Key.escape, False)
            run_for(loop, 0.2)
            loop.state.drawings.book.put("NQ", [])
        shoot("one-minute", NQ, 115.0, 3 * 3600.0, None)
    return taken


def _place_levels(loop: FrameLoop) -> None:
    """Place two own levels around NQ's last price, the upper one with an alert."""
    edits, market = edits_of(loop.state), loop.link.markets[NQ - 1]
    last = int(market.session["last_price"])
    above = OwnLevel(new_id(), last + 12 * market.tick_size, "Weekly high", since_ns=int(market.session["open_ts"]))
    edits.place("NQ", OwnLevel(new_id(), last - 14 * market.tick_size, "Gap fill", "orange"))
    edits.place("NQ", above)
    edits.set_alert("NQ", above.id, is_on=True)
    loop.state.drawings.last_edited = edits.book.levels("NQ")[0].id


def _show_only(loop: FrameLoop, kind: EventKind | None) -> None:
    """Show the marks of one kind, or of all."""
    layers = loop.state.filters.layers
    layers |= set(LAYER_OF_EVENT.values())
    if kind is not None:
        layers -= {layer for name, layer in LAYER_OF_EVENT.items() if name != kind.name.lower()}


def _point_at(loop: FrameLoop, kind: EventKind) -> None:
    """Put the mouse on the strongest mark of a kind."""
    assert loop.frame is not None
    scene = next(chart.scene for chart in loop.frame.charts if chart.scene is not None)
    place = max(_places(scene, kind), default=None)
    if place is None:
        sys.exit(f"the picture has no {kind.name.lower()}")
    imgui.get_io().add_mouse_pos_event(*place[1])


def _places(scene: Scene, kind: EventKind) -> Iterator[tuple[float, tuple[float, float]]]:
    """Yield strength and place (px) of each mark of a kind; a newer zero cross counts as stronger."""
    if kind is EventKind.ZERO_CROSS:
        rect = scene.cvd_view.rect
        events = RowCursor(scene.reader.events).read()
        for t_ns in events["ts_event"][events["kind"] == kind].tolist():
            yield t_ns, (scene.cvd_view.screen_x(t_ns), rect.y + 0.2 * rect.height)
    for mark in scene.marks.shown:
        if mark.kind != kind:
            continue
        if kind is EventKind.LARGE_TRADE:
            x, y, radius = large_trade.ring_of(scene, mark, reference_of(scene))
            yield mark.strength, (x, y - radius)
        elif kind is EventKind.DIVERGENCE:
            lines = divergence.lines_of(scene, mark)
            if lines is not None:
                (x0, y0), (x1, y1) = lines[0]
                yield mark.strength, ((x0 + x1) / 2, (y0 + y1) / 2)
        else:
            box = (absorption if kind is EventKind.ABSORPTION else stacked_imbalance).box_of(scene, mark)
            if box is not None:
                yield mark.strength, (box.x + 1.0, box.bottom - 1.0)  # the text then leaves the zone uncovered
