"""One chart's header: contract, price, CVD and levels on the left; feed state, bucket width and fps on the right.

`items` lists the items without drawing, and `header_fit.fit` chooses those for which there is room. `Header` lays them
out and draws them. Price and CVD are drawn with the chart instead (`header_numbers`), in every frame: they show the
same moment as the plates on the axes.
"""

from dataclasses import replace
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.jobs import Jobs
from flow_gl.core.palette import Palette, mix
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.view import Rect
from flow_gl.layers.base import HeaderBar
from flow_gl.layers.labels.words import bucket_text
from flow_gl.store.market import MarketReader
from flow_gl.ui.alerts.zero_cross import PULSE_S, Badge
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.header_fit import Item, before, fit
from flow_gl.ui.overlays.header_numbers import number_text, numbers, shape
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import sign_color, tone_color
from flow_gl.ui.state.view_state import ViewState

_GAP_PX: Final = 16.0
_PAD_PX: Final = 12.0
_GLYPH_PX: Final = 16.0
"""Width reserved for an arrow or a dot beside its text."""
_TREND_BUCKETS: Final = 10
"""The arrow beside CVD shows the change over this many closed buckets."""
MENU_PX: Final = 34.0


def items(chart: ChartFrame, frame: Frame, state: ViewState) -> list[Item]:
    """List all items of the header from left to right, before `fit` drops any."""
    palette = state.palette
    left: list[Item] = []
    if frame.chart_count > 1:
        left.append(Item(str(chart.index + 1), palette.quiet, 12.0, keep=33, glyph="pill"))
    market = chart.market
    if market is not None:
        requested, symbol = market.requested, market.symbol
        if requested and requested != symbol:
            is_mapped = bool(symbol)
            left.append(Item(requested, palette.quiet, 17.0, is_bold=not is_mapped, keep=35 if is_mapped else 70))
        if symbol:
            left.append(Item(symbol, palette.text, 17.0, is_bold=True, keep=70))
        elif len(market.rolls):  # no raw symbol is known: show the id of the current contract
            left.append(
                Item(f"id {int(market.instrument['instrument_id'])}", palette.text, 17.0, is_bold=True, keep=70)
            )
        if market.session["trade_count"]:
            left += _numbers(chart, state)
            left += _limits(market, state)
    right = [_state_item(chart, palette)]
    if chart.badge is not None:
        right.insert(0, _badge_item(chart.badge, frame, state))
    if chart.scene is not None:
        bucket = bucket_text(chart.scene.reader.widths_ns[chart.scene.lod])
        lock = " locked" if state.locked_lod is not None else ""
        right.append(Item(f"{bucket} bubbles{lock}", palette.quiet, keep=30, short=f"{bucket}{lock}", shorten=12))
    if frame.figures.fps:
        right.append(Item(f"{frame.figures.fps:.0f} fps", palette.quiet, keep=5))
    return left + [replace(item, is_right=True) for item in right]


def _numbers(chart: ChartFrame, state: ViewState) -> list[Item]:
    palette = state.palette
    assert chart.market is not None
    market, session, profile = chart.market, chart.market.session, chart.market.profile
    tick, reference = market.tick_size, state.charts[chart.index].cvd_reference(market)
    price, *cvds = numbers(market, reference, palette)
    found = [price, replace(cvds[0], glyph=_trend(chart))]
    since = reference.at_ns if reference is not None else int(session["cvd_since"])
    if since:
        text = f"since {words.since(since, int(session['last_ts']))}{',' * len(cvds[1:])}"
        found.append(Item(text, palette.quiet, keep=10, joins=True))
    found += cvds[1:]
    found.append(Item(f"VWAP {words.points(float(session['vwap']), tick)}", palette.quiet, keep=20))
    if int(profile["poc"]) != UNDEF_PRICE and profile["total"]:
        low, high = words.price(int(profile["val"]), tick), words.price(int(profile["vah"]), tick)
        poc = words.price(int(profile["poc"]), tick)
        found.append(Item(f"POC {poc}", mix(palette.quiet, palette.attention, 0.7), keep=25))
        between = " to " if words.MINUS in low + high else "\u2013"
        found.append(Item(f"VA {low}{between}{high}", mix(palette.quiet, palette.information, 0.7), keep=15))
    return found


def _limits(market: MarketReader, state: ViewState) -> list[Item]:
    """Warn if the session's data are partial or the session is not in the exchange's calendar."""
    session, color = market.session, state.palette.attention
    if session["unscheduled"]:
        return [Item("unscheduled session", color, keep=52, short="unscheduled", shorten=32)]
    if session["partial"]:
        return [Item(f"data from {words.since(int(session['first_ts']), int(session['last_ts']))}", color, keep=52)]
    return []


def _trend(chart: ChartFrame) -> str:
    """Return the glyph for the change of CVD over the last `_TREND_BUCKETS` buckets."""
    assert chart.market is not None
    market = chart.market
    ring, head = market.store.cvd[0], market.heads[0]
    before = ring.row(max(0, head - _TREND_BUCKETS))
    if head == 0 or before is None:
        return "flat"
    change = int(market.session["cvd"]) - int(before["close"])
    return "up" if change > 0 else "down" if change < 0 else "flat"


def _state_item(chart: ChartFrame, palette: Palette) -> Item:
    said = chart.said
    color = tone_color(palette, said.tone)
    return Item(said.text, color, is_bold=True, glyph="dot", short=said.short or said.text, shorten=50)


def _badge_item(badge: Badge, frame: Frame, state: ViewState) -> Item:
    palette = state.palette
    way = "bullish" if badge.direction > 0 else "bearish"
    text = f"CVD zero cross, {way} {words.clock(badge.ts_event)}"
    since_s = (frame.wall_ns - badge.seen_ns) / 1e9
    is_pulsing = badge.is_new and not state.is_muted and since_s < PULSE_S
    # Two pulses, then steady: a badge that keeps blinking is hard to read.
    alpha = 1.0 if not is_pulsing or since_s * 4 / PULSE_S % 2 < 1 else 0.55
    color = palette.quiet if state.is_muted else sign_color(palette, badge.direction)
    short = f"cross {words.clock(badge.ts_event, seconds=False)}"
    return Item(text, color, 13.0, is_bold=True, keep=55, short=short, shorten=40, glyph="pill", alpha=alpha)


class Header:
    """Lays out and draws one chart's header.

    The texts are updated when the header's job runs, and laid out again only if they changed. A change of its place or
    of the feed's state is shown immediately, and so is a number that needs more or less room.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._job: Final = jobs.add("header")
        self._place: tuple[object, ...] = ()
        self._laid_out: Final[Cached[list[tuple[Item, float]]]] = Cached()
        self._items: list[tuple[Item, float]] = []
        """What it shows, each with its x."""
        self._numbers: Final[Cached[list[Item]]] = Cached()
        self._bar: Final[Cached[HeaderBar]] = Cached()

    def refresh(self, painter: Painter, chart: ChartFrame, frame: Frame, state: ViewState, *, has_menu: bool) -> None:
        """Update the numbers, and the texts if place or state changed or if the header's job runs in this frame."""
        said, rect = chart.said, chart.layout.header
        size = (rect, frame.scale, frame.gui_scale)
        fresh = self._fresh_numbers(chart, state)
        shapes = tuple(shape(item) for item in fresh)
        place = (chart.index, said.tone, said.is_live, size, has_menu, state.palette, chart.badge, shapes)
        is_moved = place != self._place
        if is_moved or self._job.may_run("time"):
            if is_moved:
                self._job.run_now("state")
            self._place = place
            self._items = self._laid_out.get(
                (*_key(chart, frame, state), *place),
                lambda: _lay_out(painter, items(chart, frame, state), rect, has_menu=has_menu),
            )
        if chart.scene is not None:
            chart.header = self._bar_of(fresh, rect, frame.scale, state.palette)

    def draw(self, painter: Painter, chart: ChartFrame, frame: Frame, state: ViewState, *, has_menu: bool) -> None:
        """Draw what the last `refresh` laid out, without what the chart draws."""
        _draw(painter, self._items, chart, state.palette, has_menu=has_menu)
        _progress(painter, chart, frame, state.palette)

    def _fresh_numbers(self, chart: ChartFrame, state: ViewState) -> list[Item]:
        market = chart.market
        if market is None or not market.session["trade_count"]:
            return []
        session, reference = market.session, state.charts[chart.index].cvd_reference(market)
        key = (session["last_price"], session["cvd"], market.tick_size, reference, state.palette)
        return self._numbers.get(key, lambda: numbers(market, reference, state.palette))

    def _bar_of(self, fresh: list[Item], rect: Rect, scale: float, palette: Palette) -> HeaderBar:
        """Put the numbers of this frame where the layout has room for them."""
        placed = [(item, x) for item, x in self._items if item.number]
        return self._bar.get(
            (fresh, placed, rect, scale, palette),
            lambda: HeaderBar(rect, palette, tuple(number_text(fresh, *one, rect, scale) for one in placed)),
        )


def _key(chart: ChartFrame, frame: Frame, state: ViewState) -> tuple[object, ...]:
    """Return a cheap cache key of everything the items depend on."""
    own, market = state.charts[chart.index], chart.market
    numbers: tuple[object, ...] = ()
    if market is not None:
        session = market.session
        numbers = (market, session["last_ts"], session["trade_count"], session["cvd"], market.profile_version)
        numbers += (market.instrument["symbol"], market.heads[0], len(market.rolls))
    badge = chart.badge and _badge_item(chart.badge, frame, state)
    shown = None if chart.scene is None else chart.scene.lod
    reference = own.cvd_references[-1] if own.cvd_references else None
    rest = (state.palette, state.locked_lod, reference, frame.chart_count, round(frame.figures.fps))
    return (chart.index, chart.said, badge, shown, *numbers, *rest)


def _draw(
    painter: Painter, placed: list[tuple[Item, float]], chart: ChartFrame, palette: Palette, *, has_menu: bool
) -> None:
    scale, rect, is_in_chart = painter.scale, chart.layout.header, chart.scene is not None
    if not is_in_chart:
        painter.box(rect.x, rect.y, rect.width, rect.height, palette.raised)
        painter.box(rect.x, rect.bottom - 1, rect.width, 1, mix(palette.grid, palette.quiet, 0.2))
    if has_menu:
        painter.bars(rect.x + 0.5 * MENU_PX * scale, rect.y + 0.5 * rect.height, 14.0, palette.quiet)
    middle = rect.y + 0.5 * rect.height
    painter.clip(rect.x, rect.y, rect.width, rect.height)
    for item, x in placed:
        _put(painter, item, x, middle, palette, has_text=not (is_in_chart and item.number))
    painter.unclip()


def _lay_out(painter: Painter, wanted: list[Item], rect: Rect, *, has_menu: bool) -> list[tuple[Item, float]]:
    """Choose the items that fit into the header; return each with its left edge in pixels."""
    gap = _GAP_PX * painter.scale
    left = rect.x + (MENU_PX if has_menu else _PAD_PX) * painter.scale
    right = rect.right - _PAD_PX * painter.scale

    def measure(item: Item) -> float:
        extra = {"": 0.0, "pill": 14.0}.get(item.glyph, _GLYPH_PX) * painter.scale
        return painter.width(item.text, item.size, bold=item.is_bold) + extra

    kept = fit(wanted, right - left, measure, gap)
    placed = []
    x = left
    for item, width in kept:
        if not item.is_right:
            x -= gap - before(item, gap)
            placed.append((item, x))
            x += width + gap
    x = right
    for item, width in reversed(kept):
        if item.is_right:
            x -= width
            placed.append((item, x))
            x -= gap
    return placed


def menu_rect(header: Rect, scale: float) -> Rect:
    """Return the rectangle of the menu button in a header."""
    return Rect(header.x, header.y, MENU_PX * scale, header.height)


def _put(painter: Painter, item: Item, x: float, middle: float, palette: Palette, *, has_text: bool) -> None:
    scale = painter.scale
    if item.glyph == "pill":
        width = painter.width(item.text, item.size, bold=item.is_bold) + 14.0 * scale
        height = painter.line(item.size) + 6.0 * scale
        painter.box(x, middle - height / 2, width, height, item.color, alpha=0.22 * item.alpha, rounding=4.0)
        painter.text_middle(x + 7 * scale, middle, item.text, mix(item.color, palette.text, 0.25), item.size, bold=True)
        return
    if item.glyph == "dot":
        painter.dot(x + 5 * scale, middle, 4.0, item.color)
        x += _GLYPH_PX * scale
    y = middle - 0.5 * painter.line(item.size)
    if has_text:
        painter.text(x, y, item.text, item.color, item.size, bold=item.is_bold, alpha=item.alpha)
    if item.glyph in ("up", "down", "flat"):
        width = painter.width(item.text, item.size, bold=item.is_bold)
        direction = {"up": 1, "down": -1, "flat": 0}[item.glyph]
        painter.arrow(x + width + 10 * scale, middle, 9.0, direction, sign_color(palette, direction))


def _progress(painter: Painter, chart: ChartFrame, frame: Frame, palette: Palette) -> None:
    """Draw the progress of a catch-up or a file as a thin bar along the header's lower edge."""
    if frame.engine is None:
        return
    share = float(frame.engine.status["progress"])
    if not 0.0 < share < 1.0:
        return
    rect = chart.layout.header
    thick = max(1.0, round(2 * frame.scale))
    painter.box(rect.x, rect.bottom - thick, rect.width * share, thick, palette.information, alpha=0.8)
