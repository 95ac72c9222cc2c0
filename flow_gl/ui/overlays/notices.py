"""Notices over a chart: alarms, the empty state, chips for hidden or missing data, and the button "Go live".

Also draws short notes that confirm what a key did and then fade. Notices lie over the chart and behind the panels.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from flow_gl.core.market import rejections
from flow_gl.core.palette import Palette, Rgb, mix, readable
from flow_gl.gl.view import Rect
from flow_gl.layers.discs import radius_range
from flow_gl.layers.labels.legend import MIN_HEIGHT_PX
from flow_gl.store.market import MarketReader
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.status import RETRIES, Condition, Tone
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import tone_color
from flow_gl.ui.state.view_state import ViewState

NOTE_S: Final = 3.5
WARNING_S: Final = 12.0
UNKEPT: Final = "not everything is recorded or archived"
_FADE_S: Final = 0.4
_CHIP_PX: Final = 12.0
_LEGEND_WIDTH_PX: Final = 560.0
"""Most width of the size legend, which is at the lower left."""


@dataclass(slots=True)
class Notes:
    """Short notes for the user that fade out."""

    _lines: list[tuple[float, str]] = field(default_factory=list)

    def add(self, text: str, now_s: float, *, lasts_s: float = NOTE_S) -> None:
        self._lines = [line for line in self._lines if line[1] != text][-3:]
        self._lines.append((now_s + lasts_s, text))

    def lines(self, now_s: float) -> list[tuple[str, float]]:
        """Return the current texts with their opacity (0 to 1), oldest first, and drop expired ones."""
        self._lines = [line for line in self._lines if line[0] > now_s]
        return [(text, min(1.0, (until - now_s) / _FADE_S)) for until, text in self._lines]

    @property
    def is_empty(self) -> bool:
        return not self._lines


class _Pane:
    """A price pane while its notices are placed: none reaches out of it or covers another.

    Attributes
    ----------
    taken : where notices have been placed
    """

    def __init__(self, rect: Rect, taken: list[Rect]) -> None:
        self.rect: Final = rect
        self.taken: Final = [*taken]

    def take(self, box: Rect) -> bool:
        """Reserve a place if it is free; return whether it was."""
        if not self.rect.encloses(box) or any(box.overlaps(other) for other in self.taken):
            return False
        self.taken.append(box)
        return True


def draw(painter: Painter, chart: ChartFrame, frame: Frame, state: ViewState, *, taken: list[Rect]) -> tuple[Rect, ...]:
    """Draw all notices of one chart, the most important first.

    Parameters
    ----------
    taken : where notes are drawn

    Returns
    -------
    covered : where notes and notices are: labels avoid these places
    """
    palette, pane = state.palette, _Pane(chart.layout.price, taken)
    pill = go_live_pill(painter, chart, frame, state)
    if pill is not None and pane.take(pill[0]):
        rect, text = pill
        _plate(painter, rect, palette.information, palette)
        painter.text_middle(rect.x + 10 * frame.scale, rect.y + rect.height / 2, text, palette.text, 13.0, bold=True)
    if chart.waiting:
        _middle(painter, pane, _with_retry_key(chart.waiting, state), chart.condition, palette)
    elif not chart.condition.is_live and chart.condition.tone in (Tone.ALARM, Tone.ATTENTION):
        condition = replace(chart.condition, detail=_with_retry_key(chart.condition.detail, state))
        _banner(painter, pane, condition, palette)
    elif frame.engine is not None and frame.engine.status["unkept"]:
        _unkept(painter, pane, frame.engine.text("keeping"), key_label(state.keys, "feed"), palette)
    _chips(painter, pane, chart, frame, state)
    return tuple(pane.taken)


def go_live_pill(painter: Painter, chart: ChartFrame, frame: Frame, state: ViewState) -> tuple[Rect, str] | None:
    """Return place and text of the button "Go live", beside the live edge; None at the live edge."""
    if state.time.is_live or not frame.event_ns:
        return None
    pane, scale = chart.layout.price, frame.scale
    back_s = (frame.event_ns - state.time.edge_ns(frame.event_ns)) / 1e9
    verb = "Go live" if state.pause is None else "Back to the pause"
    for text in (f"{verb}   F   {words.age(back_s)} back", f"{verb}   F", verb):
        width = painter.width(text, 13.0, bold=True) + 20 * scale
        if width + 24 * scale <= pane.width:
            break
    height = 28 * scale
    return Rect(pane.right - width - 12 * scale, pane.bottom - height - 12 * scale, width, height), text


def _middle(painter: Painter, pane: _Pane, text: str, condition: Condition, palette: Palette) -> None:
    """Draw the empty-state message in the middle of the pane, wrapped to its width."""
    color = tone_color(palette, condition.tone) if condition.tone is Tone.ALARM else palette.quiet
    rect = pane.rect
    for size, margin in ((15.0, 48.0), (12.0, 16.0), (11.0, 8.0)):
        lines = _wrap(painter, text, rect.width - margin * painter.scale, size)
        step = painter.line(size) * 1.25
        width = max(painter.width(line, size) for line in lines)
        box = Rect(rect.x + (rect.width - width) / 2, rect.y + (rect.height - step * len(lines)) / 2, width, 0.0)
        if not pane.take(box._replace(height=step * len(lines))):
            continue
        for row, line in enumerate(lines):
            x = rect.x + (rect.width - painter.width(line, size)) / 2
            painter.text(x, box.y + row * step, line, color, size)
        return


def _banner(painter: Painter, pane: _Pane, condition: Condition, palette: Palette) -> None:
    """Repeat the state and its reason in a banner over the chart, as far as there is room."""
    # The user caused a pause: a small banner without the reason is enough.
    is_pause = condition.tone is Tone.ATTENTION
    title_px = 15.0 if is_pause else 20.0
    detail, short = "" if is_pause else condition.detail, condition.short or condition.text
    forms = (condition.text, title_px, detail), (condition.text, 15.0, detail), (condition.text, 15.0, "")
    for form in (*forms, (short, 13.0, ""), (short, 11.0, "")):
        if _draw_banner(painter, pane, form, tone_color(palette, condition.tone), palette):
            return


def _draw_banner(painter: Painter, pane: _Pane, form: tuple[str, float, str], color: Rgb, palette: Palette) -> bool:
    """Draw a banner in one form (title, its size, detail); return whether there was room."""
    title, size, detail = form
    scale, rect = painter.scale, pane.rect
    margin = (24.0 if rect.height > 200 * scale else 4.0) * scale
    pad = 12.0 * scale if size > 13.0 else 4.0 * scale
    room = rect.width - 2 * margin - 3 * pad
    lines = [(text, size, True) for text in _wrap(painter, title, room, size, bold=True)]
    lines += [(text, 14.0, False) for text in (_wrap(painter, detail, room, 14.0) if detail else [])]
    heights = [painter.line(px) * (1.0 if bold else 1.15) for _, px, bold in lines]
    width = max(painter.width(text, px, bold=bold) for text, px, bold in lines) + 3 * pad
    height = sum(heights) + 2 * pad
    box = Rect(rect.x + (rect.width - width) / 2, rect.y + margin, width, height)
    if not pane.take(box):
        return False
    _plate(painter, box, color, palette)
    title_color = readable(color, _behind(color, palette), palette.text)
    y = box.y + pad
    for (text, px, bold), step in zip(lines, heights, strict=True):
        x = box.x + (width - painter.width(text, px, bold=bold)) / 2
        painter.text(x, y + step - painter.line(px), text, title_color if bold else palette.text, px, bold=bold)
        y += step
    return True


def _unkept(painter: Painter, pane: _Pane, reason: str, key: str, palette: Palette) -> None:
    """Warn in one line that data cannot be recorded or archived. The chart itself is correct, so no banner."""
    scale, size, rect = painter.scale, 13.0, pane.rect
    for text in (reason, f"{UNKEPT}  \u00b7  {key} shows why" if key else UNKEPT):
        width, height = painter.width(text, size) + 20 * scale, 26 * scale
        box = Rect(rect.x + (rect.width - width) / 2, rect.y + 12 * scale, width, height)
        if width <= rect.width - 28 * scale and pane.take(box):
            _plate(painter, box, palette.attention, palette)
            painter.text_middle(box.x + 10 * scale, box.y + box.height / 2, text, palette.text, size)
            return


def _chips(painter: Painter, board: _Pane, chart: ChartFrame, frame: Frame, state: ViewState) -> None:
    """List what is hidden or missing, so that the user does not take the chart for complete."""
    own = state.charts[chart.index]
    texts = []
    if own.cleared_before_ns:
        hidden = f"bubbles before {words.clock(own.cleared_before_ns)} hidden"
        texts.append((_with_key(hidden, "clear", "shows them", state), hidden))
    if not own.price.is_auto:
        texts.append((_with_key("price scale fixed", "scale", "automatic", state), "price scale fixed"))
    if chart.market is not None:
        texts += _limits(chart.market, is_low=chart.layout.price.height < MIN_HEIGHT_PX * frame.scale)
    pane, scale, palette = chart.layout.price, frame.scale, state.palette
    room = pane.width - 32 * scale
    fitting = [text if painter.width(text, _CHIP_PX) <= room else short for text, short in texts]
    widths = [painter.width(text, _CHIP_PX) + 16 * scale for text in fitting]
    y = pane.bottom - 12 * scale
    is_near_legend = (pane.width - max(widths, default=0)) / 2 < _LEGEND_WIDTH_PX * scale
    if is_near_legend and pane.height >= MIN_HEIGHT_PX * scale:
        y -= 2 * radius_range(state.style(own), scale)[1] + 14 * scale  # above the size legend
    for text, width in zip(fitting, widths, strict=True):
        height = 22 * scale
        x = pane.x + (pane.width - width) / 2
        y -= height
        if not board.take(Rect(x, y, width, height)):
            continue
        painter.box(x, y, width, height, palette.raised, alpha=0.95, rounding=4.0)
        painter.text_middle(x + 8 * scale, y + height / 2, text, palette.quiet, _CHIP_PX)
        y -= 4 * scale


def _with_retry_key(text: str, state: ViewState) -> str:
    """Show the user's key in place of the usual one."""
    if RETRIES not in text:
        return text
    key = key_label(state.keys, "retry") or f"\u201c{BY_NAME['retry'].title}\u201d"
    return text.replace(RETRIES, f"{key} retries")


def _with_key(text: str, action: str, does: str, state: ViewState) -> str:
    """Add to a text what an action's key does."""
    key = key_label(state.keys, action)
    return f"{text}  \u00b7  {key} {does}" if key else text


def _limits(market: MarketReader, *, is_low: bool) -> list[tuple[str, str]]:
    """Describe rejected trades and what the session's numbers lack, in full and, for a narrow chart, in brief.

    A low chart has no room for it between its bubbles: there the sign in the header and the `*` must do.
    """
    session, texts = market.session, []
    counts = rejections.counts_of(session)
    if line := rejections.describe(counts):
        texts.append((line, f"not charted: {sum(counts.values()):,}"))
    if is_low:
        return texts
    if session["partial"]:
        since = words.since(int(session["first_ts"]), int(session["last_ts"]))
        text = (
            f"partial session: data from {since} {words.ZONE_NAME}  \u00b7  levels marked * lack the trades before that"
        )
        texts.append((text, f"* data from {since}"))
    elif session["prior_partial"]:
        texts.append(("levels marked * are from a session whose beginning is missing", "* partial session"))
    if session["unscheduled"]:
        first_ts = int(session["first_ts"])
        when = f"{words.day(first_ts)} {words.clock(first_ts, seconds=False)} {words.ZONE_NAME}"
        texts.append((f"unscheduled session from {when}: not in the exchange's calendar", "unscheduled session"))
    return texts


def draw_notes(painter: Painter, notes: Notes, frame: Frame, area: Rect, palette: Palette) -> list[Rect]:
    """Draw the fading notes, centred in the lower part of the window. Returns where they are."""
    scale, drawn = frame.scale, []
    y = area.bottom - 0.3 * area.height
    for text, alpha in reversed(notes.lines(frame.steady_s)):
        lines = _wrap(painter, text, area.width - min(64 * scale, 0.2 * area.width), 14.0)
        width = max(painter.width(line, 14.0) for line in lines) + 28 * scale
        height = len(lines) * painter.line(14.0) * 1.15 + 16 * scale
        x = area.x + (area.width - width) / 2
        if y - height < area.y:
            break
        drawn.append(Rect(x, y - height, width, height))
        painter.box(x, y - height, width, height, palette.plate, alpha=alpha, rounding=4.0)
        for row, line in enumerate(lines):
            top = y - height + 8 * scale + row * painter.line(14.0) * 1.15
            painter.text(x + 14 * scale, top, line, palette.plate_text, 14.0, alpha=alpha)
        y -= height + 6 * scale
    return drawn


def _plate(painter: Painter, rect: Rect, color: Rgb, palette: Palette) -> None:
    painter.box(rect.x, rect.y, rect.width, rect.height, _behind(color, palette), alpha=0.95, rounding=4.0)
    painter.frame(rect.x, rect.y, rect.width, rect.height, color, alpha=0.8, rounding=4.0)


def _behind(color: Rgb, palette: Palette) -> Rgb:
    """Colour of the plate of a notice."""
    return mix(palette.raised, color, 0.16)


def _wrap(painter: Painter, text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """Break a text at spaces into lines of at most `room` pixels; a longer word gets its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and painter.width(longer, size, bold=bold) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]
