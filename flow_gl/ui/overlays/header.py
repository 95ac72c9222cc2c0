"""One chart's header: contract, price and CVD on the left; feed state, bucket width and fps on the right.

`header_items.items` lists the items without drawing, and `header_fit.fit` chooses those of a row for which there is
room. `Header` lays them out, in one row or two, and draws them. Price and CVD are drawn with the chart instead
(`header_numbers`), in every frame: they show the same moment as the plates on the axes.
"""

from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.jobs import Jobs
from flow_gl.core.palette import Palette, mix, readable
from flow_gl.gl.view import Rect
from flow_gl.layers.base import HeaderBar
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.header_fit import Item, PlacedItem, before, fit
from flow_gl.ui.overlays.header_items import badge_item, items
from flow_gl.ui.overlays.header_numbers import number_text, numbers, shape
from flow_gl.ui.paint.painter import Painter
from flow_gl.ui.paint.theme import sign_color
from flow_gl.ui.state.layout import HEADER_PX, ChartLayout
from flow_gl.ui.state.view_state import ViewState

_GAP_PX: Final = 16.0
_PAD_PX: Final = 12.0
_GLYPH_PX: Final = 16.0
"""Width reserved for an arrow or a dot beside its text."""
_DOT_PX: Final = 10.0
"""Width of a dot or an arrow without a text."""
_PILL_PX: Final = 14.0
"""Padding of a plate, both sides together."""
_PILL_ALPHA: Final = 0.22
_MIN_TEXT_PX: Final = 11.0
MENU_PX: Final = 34.0
_SMALL_MENU_PX: Final = 20.0
_SMALL_PX: Final = 260.0
"""A header narrower than this has a smaller menu button, gaps and margins."""


class Header:
    """Lays out and draws one chart's header.

    The texts are updated when the header's job runs, and laid out again only if they changed. A change of its place or
    of the feed's state is shown immediately, and so is a number that needs more or less room.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._job: Final = jobs.add("header")
        self._place: tuple[object, ...] = ()
        self._laid_out: Final[Cached[list[PlacedItem]]] = Cached()
        self._items: list[PlacedItem] = []
        """What it shows."""
        self._numbers: Final[Cached[tuple[list[Item], tuple[tuple[str, str], ...]]]] = Cached()
        """Those of this frame, and their shapes."""
        self._bar: Final[Cached[HeaderBar]] = Cached()

    def refresh(self, painter: Painter, chart: ChartFrame, frame: Frame, state: ViewState, *, has_menu: bool) -> None:
        """Update the numbers, and the texts if place or state changed or if the header's job runs in this frame."""
        condition, rect = chart.condition, chart.layout.header
        size = (chart.layout, frame.scale, frame.gui_scale)
        fresh, shapes = self._fresh_numbers(chart, state)
        place = (chart.index, condition.tone, condition.is_live, size, has_menu, state.palette, chart.badge, shapes)
        is_moved = place != self._place
        if is_moved or self._job.may_run("time"):
            if is_moved:
                self._job.run_now("state")
            self._place = place
            self._items = self._laid_out.get(
                (*_key(chart, frame, state), *place),
                lambda: _lay_out(painter, items(chart, frame, state), chart.layout, has_menu=has_menu),
            )
        if chart.scene is not None:
            chart.header = self._bar_of(fresh, rect, frame.scale, state.palette)

    def draw(self, painter: Painter, chart: ChartFrame, frame: Frame, state: ViewState, *, has_menu: bool) -> None:
        """Draw what the last `refresh` laid out, without what the chart draws."""
        _draw(painter, self._items, chart, state.palette, has_menu=has_menu)
        _progress(painter, chart, frame, state.palette)

    def _fresh_numbers(self, chart: ChartFrame, state: ViewState) -> tuple[list[Item], tuple[tuple[str, str], ...]]:
        market = chart.market
        if market is None or not market.session["trade_count"]:
            return [], ()
        session, reference = market.session, state.charts[chart.index].cvd_reference(market)
        key = (session["last_price"], session["cvd"], market.tick_size, reference, state.palette)
        return self._numbers.get(key, lambda: _with_shapes(numbers(market, reference, state.palette)))

    def _bar_of(self, fresh: list[Item], rect: Rect, scale: float, palette: Palette) -> HeaderBar:
        """Put the numbers of this frame where the layout has room for them."""
        items = self._items
        return self._bar.get(
            (fresh, items, rect, scale, palette),
            lambda: HeaderBar(rect, palette, tuple(number_text(fresh, one, scale) for one in items if one.item.number)),
        )


def _with_shapes(found: list[Item]) -> tuple[list[Item], tuple[tuple[str, str], ...]]:
    return found, tuple(shape(item) for item in found)


def _key(chart: ChartFrame, frame: Frame, state: ViewState) -> tuple[object, ...]:
    """Return a cheap cache key of everything the items depend on."""
    own, market = state.charts[chart.index], chart.market
    numbers: tuple[object, ...] = ()
    if market is not None:
        session = market.session
        numbers = (market, session["last_ts"], session["trade_count"], session["cvd"], market.profile_version)
        numbers += (market.instrument["symbol"], market.heads[0], len(market.rolls))
    badge = chart.badge and badge_item(chart.badge, frame, state)
    shown = None if chart.scene is None else chart.scene.lod
    reference = own.cvd_references[-1] if own.cvd_references else None
    engine = frame.engine
    signs = (
        state.is_muted,
        frame.alerts.problem_sign,
        state.video_sign,
        engine and engine.status["unkept"],
        engine and engine.status["is_recording"],
        engine and engine.status["is_publishing"] > engine.status["on_bus"],
    )
    rest = (*signs, own.link, state.palette, state.locked_lod, reference, frame.chart_count, round(frame.figures.fps))
    return (chart.index, chart.condition, badge, shown, *numbers, *rest)


def _draw(painter: Painter, placed: list[PlacedItem], chart: ChartFrame, palette: Palette, *, has_menu: bool) -> None:
    rect, is_in_chart = chart.layout.header, chart.scene is not None
    if not is_in_chart:
        painter.box(rect.x, rect.y, rect.width, rect.height, palette.raised)
        painter.box(rect.x, rect.bottom - 1, rect.width, 1, mix(palette.grid, palette.quiet, 0.2))
    if has_menu:
        button = menu_rect(rect, painter.scale)
        size = min(14.0, 0.5 * button.width / painter.scale)
        painter.bars(button.x + 0.5 * button.width, rect.y + 0.5 * rect.height, size, palette.quiet)
    painter.clip(rect)
    for one in placed:
        _put(painter, one, palette, has_text=not (is_in_chart and one.item.number))
    painter.unclip()


def _lay_out(painter: Painter, wanted: list[Item], layout: ChartLayout, *, has_menu: bool) -> list[PlacedItem]:
    """Choose the items that fit into each row of the header, and place them."""
    rect, scale, rows = layout.header, painter.scale, layout.header_rows
    height = rect.height / rows
    is_small = rect.width < _SMALL_PX * scale
    gap, pad = (0.4 * _GAP_PX * scale, 0.5 * _PAD_PX * scale) if is_small else (_GAP_PX * scale, _PAD_PX * scale)
    if rows > 1 and not is_small:
        gap *= 0.75
    left = menu_rect(rect, scale).right if has_menu else rect.x + pad
    right = rect.right - pad
    # Two rows are lower than one: their texts are smaller.
    share = min(1.0, 0.5 + 0.5 * height / (HEADER_PX * scale))
    placed: list[PlacedItem] = []
    for row in range(rows):
        inside = [item for item in wanted if rows == 1 or item.row == row]
        kept = fit(inside, right - left, lambda item: _width(painter, item, _size(item, share)), gap)
        middle = rect.y + (row + 0.5) * height
        placed += [PlacedItem(item, x, middle, _size(item, share)) for item, x in _places(kept, left, right, gap)]
    return placed


def _places(kept: list[tuple[Item, float]], left: float, right: float, gap: float) -> list[tuple[Item, float]]:
    """Return items with their left ends: those of the left side, then those of the right side from the right."""
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


def _size(item: Item, share: float) -> float:
    """Return the size of an item's text at content scale 1."""
    return max(_MIN_TEXT_PX, round(share * item.size, 1))


def _width(painter: Painter, item: Item, size: float) -> float:
    """Width of an item with its glyph, framebuffer pixels."""
    scale = painter.scale
    if not item.shown:
        return _DOT_PX * scale
    extra = 0.0 if not item.glyph else _PILL_PX if item.glyph.startswith("pill") else _GLYPH_PX
    return painter.width(item.shown, size, bold=item.is_bold) + extra * scale


def menu_rect(header: Rect, scale: float) -> Rect:
    """Return the rectangle of the menu button in a header."""
    width = _SMALL_MENU_PX if header.width < _SMALL_PX * scale else MENU_PX
    return Rect(header.x, header.y, width * scale, header.height)


def _put(painter: Painter, placed: PlacedItem, palette: Palette, *, has_text: bool) -> None:
    item, x, middle, size, scale = placed.item, placed.x, placed.middle, placed.size, painter.scale
    text = item.shown
    if item.glyph.startswith("pill"):
        if not text:
            direction = 1 if item.glyph == "pill up" else -1
            painter.arrow(x + 0.5 * _DOT_PX * scale, middle, _DOT_PX, direction, item.color)
            return
        width = painter.width(text, size, bold=item.is_bold) + _PILL_PX * scale
        height = painter.line(size) + 4.0 * scale
        painter.box(x, middle - height / 2, width, height, item.color, alpha=_PILL_ALPHA * item.alpha, rounding=4.0)
        behind = mix(palette.raised, item.color, _PILL_ALPHA)
        color = readable(mix(item.color, palette.text, 0.25), behind, palette.text)
        painter.text_middle(x + 0.5 * _PILL_PX * scale, middle, text, color, size, bold=item.is_bold)
        return
    if item.glyph == "dot":
        painter.dot(x + 5 * scale, middle, 4.0, item.color)
        x += _GLYPH_PX * scale
    if has_text and text:
        y = middle - 0.5 * painter.line(size)
        painter.text(x, y, text, item.color, size, bold=item.is_bold, alpha=item.alpha)
    if item.glyph in ("up", "down", "flat"):
        width = painter.width(text, size, bold=item.is_bold)
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
