"""Pictures for docs/reading-the-chart.md: widths of bubbles, and one of each mark with the text at the mouse.

The marks are those of the demo (`flow-gl demo`), which has an event of every kind in its first two minutes. When each
appears is searched before (`moments`), so that a picture is taken while its mark is in view, whatever the demo trades.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from imgui_bundle import imgui
from moments import LIVE_NS, Moment, NotFoundError, find_moments
from PIL import Image
from stage import SETTLE_S, event_s, is_caught_up, program, run_for, run_until, set_span, take

from flow_gl.core.drawings import CustomLevel
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.layers.base import LAYER_OF_EVENT, Scene
from flow_gl.layers.discs import reference_of
from flow_gl.layers.marks import absorption, divergence, large_trade, stacked_imbalance
from flow_gl.store.row_log import RowCursor
from flow_gl.ui.drawings.book import new_id
from flow_gl.ui.input.level_tool import edits_of
from flow_gl.view.frame_loop import FrameLoop

SIZE = (1280, 720)
MARKET = DemoSpec()
CHARTS = {symbol: at for at, symbol in enumerate(MARKET.symbols, start=1)}


@dataclass(frozen=True)
class MarkPicture:
    """A picture of a mark.

    Attributes
    ----------
    kind, symbol : what is looked for, and on whose chart
    after_s : how long after its event the picture is begun
    span_s : of the chart
    """

    kind: EventKind
    symbol: str
    after_s: float
    span_s: float


MARKS = {
    "large-trade": MarkPicture(EventKind.LARGE_TRADE, "ES", 6.0, 45.0),
    "absorption": MarkPicture(EventKind.ABSORPTION, "ES", 10.0, 45.0),
    "zero-cross": MarkPicture(EventKind.ZERO_CROSS, "ES", 20.0, 90.0),
    "stacked-imbalance": MarkPicture(EventKind.STACKED_IMBALANCE, "ES", 5.0, 150.0),
    "divergence": MarkPicture(EventKind.DIVERGENCE, "NQ", 4.0, 240.0),
}
_TIMES_S = {"cvd-reference": 86.0, "custom-levels": 112.0, "one-minute": 115.0}
"""When the others are taken, seconds after the live moment."""
NAMES = (*MARKS, *_TIMES_S)


def take_reading(wanted: set[str]) -> dict[str, Image.Image]:
    """Run the demo and take the wanted pictures of `NAMES`, in the order in which their moments come."""
    sought = {name: (one.kind, one.symbol) for name, one in MARKS.items() if name in wanted}
    try:
        moments = find_moments(sought, MARKET)
    except NotFoundError as error:
        sys.exit(str(error))
    taken: dict[str, Image.Image] = {}
    with program(EngineSpec(feed=MARKET), SIZE) as loop:
        run_until(loop, lambda: is_caught_up(loop, len(MARKET.symbols)))
        plans: list[tuple[float, str, Callable[[], None]]] = [
            (one.live_s + MARKS[name].after_s, name, _taking_mark(loop, MARKS[name], one))
            for name, one in moments.items()
        ]
        others = _taking_others(loop)
        plans += [(at_s, name, others[name]) for name, at_s in _TIMES_S.items() if name in wanted]
        for at_s, name, prepare in sorted(plans, key=lambda one: one[:2]):
            run_until(loop, lambda at_s=at_s: event_s(loop, LIVE_NS) >= at_s)
            imgui.get_io().add_mouse_pos_event(-1.0, -1.0)
            prepare()
            taken[name] = take(loop)
            loop.state.drawings.book.put("NQ", [])
    return taken


def _taking_mark(loop: FrameLoop, plan: MarkPicture, moment: Moment) -> Callable[[], None]:
    """Return what shows a mark's chart with its kind alone, and the mouse over the mark."""

    def prepare() -> None:
        # The zone of an absorption lies behind the bubbles.
        _show(loop, moment.symbol, plan.span_s, plan.kind, size=0.4 if plan.kind is EventKind.ABSORPTION else 1.0)
        _point_at(loop, plan.kind)
        run_for(loop, 1.0)

    return prepare


def _taking_others(loop: FrameLoop) -> dict[str, Callable[[], None]]:
    """Return what shows each of the other pictures."""

    def reference() -> None:
        _show(loop, "ES", 90.0)
        _press(loop, imgui.Key.r)

    def custom_levels() -> None:
        _place_levels(loop)
        _show(loop, "NQ", 120.0)
        _press(loop, imgui.Key.e)

    def one_minute() -> None:
        _press(loop, imgui.Key.escape)
        _show(loop, "NQ", 3 * 3600.0)

    return {"cvd-reference": reference, "custom-levels": custom_levels, "one-minute": one_minute}


def _show(loop: FrameLoop, symbol: str, span_s: float, kind: EventKind | None = None, *, size: float = 1.0) -> None:
    """Show a symbol's chart with the marks of one kind, or of all."""
    loop.state.selected = CHARTS[symbol]
    layers = loop.state.filters.layers
    layers |= set(LAYER_OF_EVENT.values())
    if kind is not None:
        layers -= {layer for name, layer in LAYER_OF_EVENT.items() if name != kind.name.lower()}
    loop.state.filters.size_scale = size
    run_for(loop, 0.2)
    set_span(loop, span_s)
    run_for(loop, SETTLE_S)


def _press(loop: FrameLoop, key: imgui.Key) -> None:
    imgui.get_io().add_key_event(key, True)
    run_for(loop, 0.2)
    imgui.get_io().add_key_event(key, False)
    run_for(loop, SETTLE_S)


def _place_levels(loop: FrameLoop) -> None:
    """Place two custom levels around NQ's last price, the upper one with an alert."""
    edits, market = edits_of(loop.state), loop.link.markets[CHARTS["NQ"] - 1]
    last = int(market.session["last_price"])
    above = CustomLevel(new_id(), last + 12 * market.tick_size, "Weekly high", since_ns=int(market.session["open_ts"]))
    edits.place("NQ", CustomLevel(new_id(), last - 14 * market.tick_size, "Gap fill", "orange"))
    edits.place("NQ", above)
    edits.set_alert("NQ", above.id, is_on=True)
    loop.state.drawings.last_edited = edits.book.levels("NQ")[0].id


def _point_at(loop: FrameLoop, kind: EventKind) -> None:
    """Put the mouse on the strongest mark of a kind."""
    assert loop.frame is not None
    scene = next(chart.scene for chart in loop.frame.charts if chart.scene is not None)
    place = max(places_of(scene, kind), default=None)
    if place is None:
        sys.exit(f"the picture has no {kind.name.lower()}")
    imgui.get_io().add_mouse_pos_event(*place[1])


def places_of(scene: Scene, kind: EventKind) -> Iterator[tuple[float, tuple[float, float]]]:
    """Yield strength and place (px) of each mark of a kind in view; a newer zero cross counts as stronger."""
    for strength, (x, y) in _all_places(scene, kind):
        if scene.price_view.rect.contains(x, y) or scene.cvd_view.rect.contains(x, y):
            yield strength, (x, y)


def _all_places(scene: Scene, kind: EventKind) -> Iterator[tuple[float, tuple[float, float]]]:
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
            yield mark.strength, (x, y + radius)  # the text then leaves ring and label uncovered
        elif kind is EventKind.DIVERGENCE:
            lines = divergence.lines_of(scene, mark)
            if lines is not None:
                (x0, y0), (x1, y1) = lines[0]
                yield mark.strength, ((x0 + x1) / 2, (y0 + y1) / 2)
        else:
            box = (absorption if kind is EventKind.ABSORPTION else stacked_imbalance).box_of(scene, mark)
            if box is not None:
                yield mark.strength, (box.x + 1.0, box.bottom - 1.0)  # the text then leaves the zone uncovered
