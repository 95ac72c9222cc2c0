"""Draws the transport bar of a replay."""

import math
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.commands import Command, OpenTimeline
from flow_gl.core.palette import Rgb, mix, readable
from flow_gl.core.schema import FeedState, GapKind
from flow_gl.gl.view import Rect
from flow_gl.store.market import EngineReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.transport.places import BarPlaces, places_of
from flow_gl.ui.overlays.transport.seek_bar import COLUMN_PX, SeekBar, make, session_index, spans_of
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.state.view_state import ViewState

_HANDLE_PX: Final = 2.0
_MARK_PX: Final = 7.0
_AHEAD_ALPHA: Final = 0.38
"""Of volume that has not been played yet."""
ACTION_OF: Final = {"play": "pause", "clock": "go_to_time", "speed": "faster"}
"""Parts of the bar whose action has another name than the part."""
_TIPS: Final = {
    "session_back": "Previous session",
    "bubble_back": "Previous bubble",
    "play": "Play or pause",
    "bubble_on": "Next bubble",
    "session_on": "Next session",
    "event_back": "Previous event",
    "event_on": "Next event",
    "trade_on": "Next large trade",
    "loop": "Loop: mark its start, mark its end, end it",
    "speed": "Speed: click or wheel",
    "clock": "Go to a time",
}


class TransportBar:
    """The bar, with what its seek bar shows, which is rebuilt only if that has changed."""

    def __init__(self) -> None:
        self._seek: Final[Cached[SeekBar]] = Cached()
        self._session: Final[Cached[int]] = Cached()
        self._refusals = -1
        """Refusals of the engine as of the last build; -1 before the first."""

    def seek_bar(self, frame: Frame, state: ViewState) -> SeekBar | None:
        """Return what the seek bar shows in a frame; None where there is no bar."""
        engine, rect = frame.engine, state.transport.rect
        if engine is None or rect is None:
            return None
        status, store = engine.status, frame.link.timeline
        chart = _chart_of(frame)
        timeline = store.charts[chart] if store is not None else None
        at = state.transport.dragged_ns or position_of(frame)
        version = timeline.version if timeline is not None else ()
        replay = int(status["first_event"]), int(status["last_event"])
        columns = max(1, int(places_of(rect, frame.scale).seek.width / (COLUMN_PX * frame.scale)))
        is_complete = bool(status["indexed"] == 1.0)
        begins = self._session.get((version, chart, at // 1_000_000_000), lambda: session_index(spans_of(timeline), at))
        key = (store and store.name, version, chart, begins, columns, replay, is_complete)
        return self._seek.get(key, lambda: make(timeline, at, columns, replay=replay, is_complete=is_complete))

    def news(self, frame: Frame, state: ViewState) -> tuple[object, ...]:
        """Return what must be shown at once when it changes."""
        transport, engine = state.transport, frame.engine
        if transport.rect is None or engine is None:
            return ()
        fields = ("is_held", "seeks", "seeking", "loop_start", "loop_end", "speed", "state", "timeline", "refusals")
        values = tuple(engine.status[name].item() for name in fields)
        return (transport.rect, transport.dragged_ns, transport.loop_from_ns, transport.is_entering, *values)

    def refusal(self, frame: Frame) -> str:
        """Return why the engine refused a command of the transport, once: a step may lead nowhere; "" otherwise."""
        engine = frame.engine
        if engine is None:
            return ""
        before, self._refusals = self._refusals, int(engine.status["refusals"])
        return engine.text("refusal") if 0 <= before < self._refusals else ""

    def draw(self, painter: Painter, frame: Frame, state: ViewState, mouse: tuple[float, float]) -> list[Command]:
        """Draw the bar; return what it needs of the engine."""
        engine, rect, bar = frame.engine, state.transport.rect, self.seek_bar(frame, state)
        if engine is None or rect is None or bar is None:
            return []
        places, palette, scale = places_of(rect, frame.scale), state.palette, frame.scale
        painter.window = "transport"
        painter.box(rect.x, rect.y, rect.width, rect.height, palette.raised)
        painter.box(rect.x, rect.y, rect.width, max(1.0, round(scale)), mix(palette.grid, palette.quiet, 0.25))
        part = places.part_at(*mouse)
        _draw_buttons(painter, places, engine, state, part)
        _draw_clock(painter, places, frame, state, is_hot=part == "clock")
        _draw_seek(painter, places.seek, bar, frame, state)
        _draw_tip(painter, bar, frame, state, mouse)
        painter.window = ""
        if state.transport.asked_pid != int(engine.status["pid"]):
            state.transport.asked_pid = int(engine.status["pid"])
            return [OpenTimeline()]
        return []


def position_of(frame: Frame) -> int:
    """Return where the replay is or will be (ns): the target of a pending seek counts."""
    engine = frame.engine
    if engine is None:
        return 0
    status = engine.status
    return int(status["seeking"]) or min(max(frame.event_ns, int(status["first_event"])), int(status["last_event"]))


def _chart_of(frame: Frame) -> int:
    return frame.charts[0].index if frame.charts else 0


def _draw_buttons(painter: Painter, places: BarPlaces, engine: EngineReader, state: ViewState, part: str) -> None:
    palette, status = state.palette, engine.status
    is_standing = bool(status["is_held"]) or status["state"] == FeedState.ENDED
    has_loop = bool(status["loop_end"])
    for name, rect in places.buttons:
        is_on = name == "loop" and (has_loop or state.transport.loop_from_ns > 0)
        if name in (part, "play") or is_on:
            share = 0.30 if name == part else 0.16
            tint = palette.information if is_on or name == part else palette.quiet
            painter.box(rect.x, rect.y, rect.width, rect.height, mix(palette.raised, tint, share), rounding=4.0)
        color = palette.information if is_on else palette.text if name in (part, "play") else palette.quiet
        _icon(painter, name, rect, readable(color, palette.raised, palette.text), is_standing=is_standing)
    if places.speed is not None:
        rect = places.speed
        share = 0.30 if part == "speed" else 0.12
        tint = palette.information if part == "speed" else palette.quiet
        painter.box(rect.x, rect.y, rect.width, rect.height, mix(palette.raised, tint, share), rounding=4.0)
        text = words.speed(float(status["speed"]))
        x = rect.x + 0.5 * (rect.width - painter.width(text, 13.0, bold=True))
        painter.text_middle(x, rect.y + 0.5 * rect.height, text, palette.text, 13.0, bold=True)


def _icon(painter: Painter, name: str, rect: Rect, color: Rgb, *, is_standing: bool) -> None:
    """Draw a button's sign: triangles point in its direction, a bar means a session, a dot a large trade."""
    x, y, unit = rect.x + 0.5 * rect.width, rect.y + 0.5 * rect.height, painter.scale
    sign = -1 if name.endswith("_back") else 1
    match name:
        case "play" if is_standing:
            painter.triangle(x - 4 * unit, x + 7 * unit, y, 7 * unit, color)
        case "play":
            for left in (-6.0, 2.0):
                painter.box(x + left * unit, y - 7 * unit, 4 * unit, 14 * unit, color, rounding=1.0)
        case "bubble_back" | "bubble_on":
            painter.triangle(x - sign * 4 * unit, x + sign * 4 * unit, y, 5 * unit, color)
        case "session_back" | "session_on":
            painter.triangle(x - sign * 5 * unit, x + sign * 3 * unit, y, 5 * unit, color)
            painter.box(x + (sign * 5 - 1) * unit, y - 5 * unit, 2 * unit, 10 * unit, color)
        case "event_back" | "event_on":
            painter.triangle(x - sign * 5 * unit, x + sign * 1 * unit, y, 4 * unit, color)
            painter.arrow(x + sign * 6 * unit, y, 8.0, 1, color)
        case "trade_on":
            painter.triangle(x - 6 * unit, x, y, 4 * unit, color)
            painter.dot(x + 5 * unit, y, 3.5, color)
        case "loop":
            left, top, width, height, thick = x - 7 * unit, y - 5 * unit, 14 * unit, 10 * unit, max(1.0, 1.6 * unit)
            painter.box(left, top, width, thick, color)
            painter.box(left, top + height - thick, width, thick, color)
            painter.box(left, top + 3 * unit, thick, height - 3 * unit, color)
            painter.box(left + width - thick, top, thick, height - 3 * unit, color)
            painter.triangle(left + 4 * unit, left - 1 * unit, top + height - 0.5 * thick, 3.5 * unit, color)
            painter.triangle(left + width - 4 * unit, left + width + 1 * unit, top + 0.5 * thick, 3.5 * unit, color)


def _draw_clock(painter: Painter, places: BarPlaces, frame: Frame, state: ViewState, *, is_hot: bool) -> None:
    """Draw the time that the replay has reached, and below it the day, or what is still being done."""
    rect, palette, scale = places.clock, state.palette, frame.scale
    engine = frame.engine
    assert engine is not None
    if is_hot:
        ground = mix(palette.raised, palette.information, 0.2)
        painter.box(rect.x - 4 * scale, rect.y, rect.width + 8 * scale, rect.height, ground, rounding=4.0)
    at = state.transport.dragged_ns or position_of(frame)
    is_narrow = places.speed is None
    time = words.clock(at)
    painter.text(rect.x, rect.y + 3 * scale, time, palette.text, 16.0, bold=True)
    status = engine.status
    share = float(status["indexed"])
    if not is_narrow:
        x = rect.x + painter.width(time, 16.0, bold=True) + 5 * scale
        painter.text(x, rect.y + 7 * scale, words.ZONE_NAME, palette.quiet, 11.0)
    if status["seeking"]:
        below = "seeking" if is_narrow else f"seeking \u00b7 read {_percent(share)}"
        color = readable(palette.attention, palette.raised, palette.text)
    elif math.isfinite(share) and share < 1.0:
        below, color = f"read {_percent(share)}", palette.quiet
    else:
        below, color = "" if is_narrow else words.day(at), palette.quiet
    painter.text(rect.x, rect.y + 25 * scale, below, color, 11.0)


def _percent(share: float) -> str:
    return f"{int(100 * share)} %" if math.isfinite(share) else "0 %"


def _draw_seek(painter: Painter, rect: Rect, bar: SeekBar, frame: Frame, state: ViewState) -> None:
    palette, scale, engine = state.palette, frame.scale, frame.engine
    assert engine is not None
    status = engine.status
    at = bar.share_of(state.transport.dragged_ns or position_of(frame))
    lane = _MARK_PX * scale + 2 * scale  # events, above the volume
    top, height = rect.y + lane, rect.height - lane
    painter.box(rect.x, top, rect.width, height, mix(palette.raised, palette.ground, 0.6), rounding=2.0)
    for start, end, kind in bar.gaps:
        color = palette.sell if kind == GapKind.FEED else palette.attention
        x, width = rect.x + start * rect.width, max(scale, (end - start) * rect.width)
        painter.box(x, top, width, height, mix(palette.raised, color, 0.22))
    loop = int(status["loop_start"]), int(status["loop_end"])
    begun = state.transport.loop_from_ns
    if begun:
        loop = (begun, max(begun, state.transport.dragged_ns or position_of(frame)))
    if loop[1]:
        x, end_x = (rect.x + bar.share_of(ns) * rect.width for ns in loop)
        painter.box(x, top, max(scale, end_x - x), height, palette.information, alpha=0.22)
    columns = len(bar.heights)
    step = rect.width / max(1, columns)
    played, ahead = mix(palette.quiet, palette.text, 0.25), palette.quiet
    for column, share in enumerate(bar.heights):
        if share > 0.0:
            tall = max(scale, share * (height - 2 * scale))
            is_played = (column + 0.5) / columns <= at
            x = rect.x + column * step
            color, alpha = (played, 0.9) if is_played else (ahead, _AHEAD_ALPHA)
            painter.box(x, top + height - tall, max(1.0, step - scale), tall, color, alpha=alpha)
    for mark in bar.marks:
        color = palette.buy if mark.direction > 0 else palette.sell if mark.direction < 0 else palette.quiet
        x, y = rect.x + mark.share * rect.width, rect.y + 0.5 * _MARK_PX * scale
        if mark.is_large_trade:
            painter.dot(x, y, 2.2, color, alpha=0.9)
        else:
            painter.arrow(x, y, _MARK_PX, mark.direction, color)
    if loop[1]:
        for ns in loop:
            x = rect.x + bar.share_of(ns) * rect.width
            painter.box(x - 0.5 * scale, top, max(1.0, 1.5 * scale), height, palette.information)
    x, wide = rect.x + at * rect.width, _HANDLE_PX * scale
    painter.box(x - 0.5 * wide, rect.y, wide, rect.height, palette.text)
    painter.dot(x, rect.y + rect.height - 1 * scale, 4.0, palette.text)


def _draw_tip(painter: Painter, bar: SeekBar, frame: Frame, state: ViewState, mouse: tuple[float, float]) -> None:
    """Show above the bar what is under the mouse, or the time to which the handle is being dragged."""
    assert state.transport.rect is not None
    places = places_of(state.transport.rect, frame.scale)
    dragged, part = state.transport.dragged_ns, places.part_at(*mouse)
    rect = places.seek
    if dragged is not None or part == "seek":
        share = bar.share_of(dragged) if dragged is not None else (mouse[0] - rect.x) / max(1.0, rect.width)
        at = bar.instant_at(share)
        text = f"{words.clock(at)} {words.ZONE_NAME}"
        if bar.volumes:
            volume = bar.volumes[min(len(bar.volumes) - 1, int(share * len(bar.volumes)))]
            text += f"  \u00b7  {volume:,} contracts"
        x = rect.x + share * rect.width
    elif part in _TIPS:
        text, x = _TIPS[part], mouse[0]
        if key := _key(part, state):
            text += f"   {key}"
    else:
        return
    palette, scale = state.palette, frame.scale
    width, height = painter.width(text, 12.0) + 16 * scale, 24 * scale
    left = min(max(x - 0.5 * width, places.rect.x + 4 * scale), places.rect.right - width - 4 * scale)
    top = places.rect.y - height - 6 * scale
    painter.box(left, top, width, height, palette.plate, alpha=0.97, rounding=4.0)
    painter.text_middle(left + 8 * scale, top + 0.5 * height, text, palette.plate_text, 12.0)


def _key(part: str, state: ViewState) -> str:
    """Return the key of a part of the bar, as the user has chosen it; "" without one."""
    from flow_gl.ui.input.keymap import key_label  # it needs all actions, whose frame needs the overlays

    return key_label(state.keys, ACTION_OF.get(part, part))
