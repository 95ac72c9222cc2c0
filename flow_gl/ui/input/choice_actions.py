"""Actions that choose one of several values: layers, palette, span, speed, folding, bucket width, scale."""

from collections.abc import Callable
from typing import Final

from flow_gl.core.commands import SetSpeed
from flow_gl.core.palette import NO_COLORS, PALETTES, Palette
from flow_gl.core.schema import FeedState
from flow_gl.layers.base import LAYERS
from flow_gl.ui.input.action import Action, Context, Run
from flow_gl.ui.input.chart_actions import SPEEDS, resize_text, toggle_layer
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.arrangement import KINDS, Arrangement, Kind
from flow_gl.ui.state.text_size import TEXT_SIZES
from flow_gl.ui.state.timeline import Folding
from flow_gl.ui.state.view_state import ViewState

SPANS_S: Final = (30, 60, 180, 600, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
FOLDINGS: Final[dict[Folding, str]] = {
    "closed": "closed hours",
    "all": "closed hours and halts",
    "none": "nothing",
}
_WITH_OWN_ACTION: Final = frozenset({"view_profile", "order_cvd"})
"""Layers with their own action and key."""


def is_replayed(frame: Frame) -> bool:
    """Whether the feed's speed can be changed."""
    return frame.engine is not None and int(frame.engine.status["state"]) in (FeedState.REPLAY, FeedState.DEMO)


def choices() -> tuple[Action, ...]:
    """Return the actions, in the order of help and command palette."""
    return (
        *(_layer(name, title) for name, title in LAYERS.items() if name not in _WITH_OWN_ACTION),
        *(_layout(kind, title) for kind, title in KINDS.items()),
        *(_palette(palette) for palette in PALETTES.values()),
        Action("plain_colors", "Palette without custom colours", (), "Palette", _without_custom_colors),
        *(_span(seconds) for seconds in SPANS_S),
        *(_folding(folding, title) for folding, title in FOLDINGS.items()),
        Action("bucket_auto", "Bucket width by zoom", (), "Bucket", _bucket(None), lambda s: s.locked_lod is None),
        Action("bucket_wider", "Wider buckets, and lock them", (), "Bucket", _bucket(1), menus=("time axis",)),
        Action("bucket_narrower", "Narrower buckets, and lock them", (), "Bucket", _bucket(-1), menus=("time axis",)),
        *(_speed(speed) for speed in SPEEDS),
        Action("text_larger", "Larger text", ("ctrl+shift+up_arrow",), "Text size", resize_text(1)),
        Action("text_smaller", "Smaller text", ("ctrl+shift+down_arrow",), "Text size", resize_text(-1)),
        *(_text_size(size) for size in TEXT_SIZES),
    )


def _layer(name: str, title: str) -> Action:
    return Action(
        f"layer_{name}", f"Show {title}", (), "Layers", toggle_layer(name), lambda state: name in state.filters.layers
    )


def _layout(kind: Kind, title: str) -> Action:
    def run(context: Context) -> None:
        context.state.arrangement = Arrangement(kind)

    return Action(
        f"layout_{kind}", f"Charts {title}", (), "Layout", run, lambda state: state.arrangement.kind == kind, has_charts
    )


def next_layout(context: Context) -> None:
    """Arrange the charts in the next way."""
    kinds = list(KINDS)
    kind = kinds[(kinds.index(context.state.arrangement.kind) + 1) % len(kinds)]
    context.state.arrangement = Arrangement(kind)
    context.notes.append(f"charts {KINDS[kind]}")


def has_charts(frame: Frame) -> bool:
    """Whether there are several charts."""
    return frame.chart_count > 1


def _without_custom_colors(context: Context) -> None:
    context.state.custom_colors, context.state.color_problem = NO_COLORS, ""
    context.state.choose_palette(context.state.palette.name)


def _palette(palette: Palette) -> Action:
    def run(context: Context) -> None:
        context.state.choose_palette(palette.name)

    name = palette.name.replace("-", "_")
    title = f"Palette {palette.name}"
    return Action(f"palette_{name}", title, (), "Palette", run, lambda state: state.palette.name == palette.name)


def _span(seconds: int) -> Action:
    def run(context: Context) -> None:
        state, width = context.state, context.plot_width_px
        state.time.set_span(seconds * 1e9, width, context.event_ns, context.timeline)

    return Action(f"span_{seconds}", f"Span {words.span(seconds)}", (), "Span", run)


def _folding(folding: Folding, title: str) -> Action:
    def run(context: Context) -> None:
        context.state.folding = folding

    return Action(f"fold_{folding}", f"Fold {title}", (), "Fold", run, lambda state: state.folding == folding)


def _bucket(step: int | None) -> Run:
    def run(context: Context) -> None:
        state = context.state
        if step is None:
            state.lock_to(None)
        elif state.charts:
            shown = state.charts[context.focus or 0].lod if state.locked_lod is None else state.locked_lod
            index = context.focus or 0
            most = len(context.markets[index].widths_ns) - 1 if index < len(context.markets) else 0
            state.lock_to(min(max(shown + step, 0), most))

    return run


def _speed(speed: float) -> Action:
    def run(context: Context) -> None:
        context.state.speed, context.state.speed_asked_ns = speed, context.wall_ns
        context.commands.append(SetSpeed(speed=speed))

    name = "max" if speed == float("inf") else f"{speed:g}".replace(".", "_")
    title = f"Replay speed {words.speed(speed)}"
    return Action(f"speed_{name}", title, (), "Speed", run, is_available=is_replayed)


def _text_size(size: float) -> Action:
    def run(context: Context) -> None:
        context.state.text_size = size

    percent = round(100 * size)
    is_checked: Callable[[ViewState], bool] = lambda state: state.text_size == size  # noqa: E731
    return Action(f"text_{percent}", f"Text size {percent} %", (), "Text size", run, is_checked)
