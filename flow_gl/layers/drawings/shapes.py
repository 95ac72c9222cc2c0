"""The user's shapes: rectangles, trend lines, rulers, notes, anchored VWAPs and profiles.

All of them are at points of event time and price, so a fold moves them as it moves the bubbles. Lines and fills are
below the bubbles, texts above them. A held or selected shape has its outline on top.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.drawings import ANCHORED, Shape
from flow_gl.core.palette import Rgb
from flow_gl.core.schema import PRICE_SCALE, UNDEF_PRICE
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.shapes import ShapeBatch
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.drawings.anchored_vwap import AnchoredVwap
from flow_gl.layers.drawings.geometry import HANDLE_PX, NOTE_PX, SHAPES, clipped, handles, place
from flow_gl.layers.drawings.levels import color_of
from flow_gl.layers.drawings.shown import ShownShape
from flow_gl.layers.labels.right_edge import label_right, take_place
from flow_gl.layers.labels.ticks import clock_text
from flow_gl.layers.labels.words import MINUS, contracts_text, length_text, price_text, signed_text
from flow_gl.layers.lines.layer import pixel_xs, place_of
from flow_gl.layers.lines.vwap import joined_points
from flow_gl.layers.profile_bars import merged_rows, rows_per_bar_of
from flow_gl.layers.ranges.range_profile import RangeProfile

_FILL: Final = 0.10
_LINE: Final = 0.9
_BARS: Final = 0.28
_LABEL_PX: Final = 12.0
_MIN_PX: Final = 48.0
"""Narrower rulers and anchored profiles have no numbers unless they are selected; px at content scale 1."""
_PAUSE_NS: Final = 180 * SECOND_NS
"""Shorter times without trades are drawn as slopes."""
_PROFILE_SHARE: Final = 0.3
"""Width of an anchored profile as a share of the visible part after its anchor, ..."""
_PROFILE_PX: Final = (64.0, 260.0)
"""... within these limits, at content scale 1."""


class ShapesLayer(CachedLayer):
    """Adds the shapes in view."""

    avoids = True

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._is_on_top = False

    def key(self, scene: Scene) -> tuple[object, ...]:
        if not scene.shapes or SHAPES not in scene.style.is_visible or not self._chart.has_trades:
            return ()
        now_px = scene.price_view.pixel_x(min(scene.now_ns, scene.until_ns))
        tick_size = self._chart.shown.tick_size
        return (*place_of(scene.price_view), scene.shapes, now_px, tick_size, scene.style.palette, scene.profile_rect)

    def build(self, scene: Scene) -> None:
        for shown in sorted(scene.shapes, key=lambda one: not (one.is_held or one.is_selected)):
            self._is_on_top = shown.is_held or shown.is_selected
            self._add(scene, shown)

    @property
    def _lines(self) -> ShapeBatch:
        return self._chart.batches.over if self._is_on_top else self._chart.batches.under

    def _add(self, scene: Scene, shown: ShownShape) -> None:
        shape, color = shown.shape, color_of(scene.style.palette, shown.shape.color)
        if shape.kind == "anchored_vwap":
            self._anchor(scene, shape, color, "VWAP")
            if isinstance(shown.figures, AnchoredVwap):
                self._vwap(scene, shown.figures, color)
        elif shape.kind == "anchored_profile":
            self._anchor(scene, shape, color, "profile")
            if isinstance(shown.figures, RangeProfile):
                self._profile(scene, shape, shown.figures, color)
        elif shape.kind == "note":
            self._note(scene, shape, color)
        elif shape.kind == "trend_line":
            self._line(scene, shape, color)
        else:
            self._box(scene, shape, color)
            if isinstance(shown.figures, RangeProfile):
                self._measure(scene, shape, shown.figures, color)
        if shown.is_selected:
            self._handles(scene, shape, color)

    def _box(self, scene: Scene, shape: Shape, color: Rgb) -> None:
        view, tick_size = scene.price_view, self._chart.shown.tick_size
        (x0, y0), (x1, y1) = place(view, shape.start, tick_size), place(view, shape.end, tick_size)
        left, right, top, bottom = min(x0, x1), max(x0, x1), round(min(y0, y1)), round(max(y0, y1))
        rect, line = view.rect, max(1.0, round(view.scale))
        seen = _cut(Rect(left, top, right - left, bottom - top), rect)
        if seen is None:
            return
        under = self._chart.batches.under
        under.rect(seen.x, seen.y, seen.width, seen.height, color, alpha=_FILL)
        for x in (left, right - line):
            if rect.x <= x < rect.right:
                self._lines.rect(x, seen.y, line, seen.height, color, alpha=_LINE)
        for y in (top, bottom - line):
            if rect.y <= y < rect.bottom:
                self._lines.rect(seen.x, y, seen.width, line, color, alpha=_LINE)
        if shape.kind == "ruler":
            self._line(scene, shape, color)
        elif shape.text:
            size = _LABEL_PX * view.scale
            self._label(scene, shape.text, (seen.x + 0.5 * size, seen.y + 1.1 * size), color)

    def _line(self, scene: Scene, shape: Shape, color: Rgb) -> None:
        view, tick_size = scene.price_view, self._chart.shown.tick_size
        ends = place(view, shape.start, tick_size), place(view, shape.end, tick_size)
        xs, ys = (np.array(values) for values in zip(*ends, strict=True))
        xs, ys, parts = clipped(xs, ys, np.ones(1, np.bool_), view.rect)
        width = (1.0 if shape.kind == "ruler" else 1.5) * view.scale
        self._lines.segments(xs, ys, parts, width, color, alpha=_LINE)
        if shape.kind == "trend_line" and shape.text and len(xs):
            size, last = _LABEL_PX * view.scale, int(np.argmax(xs))
            width = self._chart.batches.text.width(shape.text, size)
            self._label(scene, shape.text, (xs[last] - width, ys[last] - size), color)

    def _measure(self, scene: Scene, shape: Shape, found: RangeProfile, color: Rgb) -> None:
        """Add a ruler's numbers beside its end."""
        view, tick_size, text = scene.price_view, self._chart.shown.tick_size, self._chart.batches.text
        x, y = place(view, shape.end, tick_size)
        if abs(x - view.pixel_x(shape.start.t_ns)) < _MIN_PX * view.scale and not self._is_on_top:
            return
        size = _LABEL_PX * view.scale
        lines = measured(shape, found, tick_size)
        width = max(text.width(line, size) for line in lines)
        is_down = shape.end.price < shape.start.price
        is_left = shape.end.t_ns < shape.start.t_ns
        left = min(max(x if is_left else x - width, view.rect.x + size), view.rect.right - width - size)
        first = y + 1.1 * size if is_down else y - (1.5 * len(lines) - 0.4) * size
        for at, line in enumerate(lines):
            self._label(scene, line, (left, first + 1.5 * size * at), color)

    def _note(self, scene: Scene, shape: Shape, color: Rgb) -> None:
        view, size = scene.price_view, NOTE_PX * scene.price_view.scale
        x, y = place(view, shape.start, self._chart.shown.tick_size)
        if view.rect.contains(x, y):
            dot = round(0.25 * size)
            self._chart.batches.over.plate(x - dot, round(y) - dot, 2 * dot, 2 * dot, color, radius=dot)
            self._label(scene, shape.text or "note", (x + size, y), color)

    def _anchor(self, scene: Scene, shape: Shape, color: Rgb, name: str) -> None:
        view, size = scene.price_view, _LABEL_PX * scene.price_view.scale
        x, rect = view.pixel_x(shape.start.t_ns), scene.price_view.rect
        if rect.x <= x < rect.right:
            line = max(1.0, round(view.scale))
            self._lines.dashed(x, rect.y, line, rect.height, color, alpha=0.7, period=6 * view.scale, dash=0.5)
            text = f"{shape.text or name} from {clock_text(shape.start.t_ns, scene.zone)}"
            places = rect.bottom - 1.2 * size, rect.y + 1.2 * size, rect.bottom - 3.0 * size, rect.y + 3.0 * size
            any(self._label(scene, text, (x + 0.5 * size, y), color) for y in places)

    def _vwap(self, scene: Scene, found: AnchoredVwap, color: Rgb) -> None:
        """Add VWAP with its bands at one and two deviations."""
        view, rect, tick_size = scene.price_view, scene.price_view.rect, self._chart.shown.tick_size
        last_ns = min(scene.now_ns, scene.until_ns)
        first, stop = found.ends.searchsorted([view.t_left_ns, view.t_right_ns]).tolist()
        part = slice(max(0, first - 1), min(stop + 1, len(found.ends)))
        step = max(1, (part.stop - part.start) // max(1, int(rect.width)))
        at = np.unique(np.append(np.arange(part.start, part.stop, step), part.stop - 1))
        times, values = found.ends[at], np.stack([found.vwap[at], found.deviation[at]], axis=1)
        times = np.minimum(times, max(last_ns, int(found.starts[-1])))
        late = np.flatnonzero(found.starts[at][1:] - times[:-1] > _PAUSE_NS) + 1
        # VWAP is constant while nothing trades.
        times, values = (
            np.insert(times, late, found.starts[at][late]),
            np.insert(values, late, values[late - 1], axis=0),
        )
        if part.start == 0:
            times, values = np.insert(times, 0, found.starts[0]), np.insert(values, 0, values[0], axis=0)
        xs, joined = pixel_xs(view, times), joined_points(times, scene.reader.gaps)
        per_tick = PRICE_SCALE / tick_size
        for factor, alpha in ((0.0, 0.95), (1.0, 0.45), (-1.0, 0.45), (2.0, 0.3), (-2.0, 0.3)):
            ys = rect.y + (view.y_top - (values[:, 0] + factor * values[:, 1]) * per_tick) / view.y_per_px
            width = (1.0 if factor else 1.8) * view.scale
            self._lines.segments(*clipped(xs, ys, joined, rect), width, color, alpha=alpha)
        y, size = round(view.screen_y(found.price / tick_size)), _LABEL_PX * view.scale
        if part.stop == len(found.ends) and rect.y <= y < rect.bottom:
            text = f"aVWAP {price_text(found.price, tick_size)}"
            width = self._chart.batches.text.width(text, size) + size
            right = label_right(self._chart, scene, y, size)
            box = take_place(self._chart, scene, Rect(right - width, y - 0.75 * size, width, 1.5 * size), rect.x)
            if box is not None:
                self._text(scene, text, (box.x + 0.5 * size, y), color)

    def _profile(self, scene: Scene, shape: Shape, found: RangeProfile, color: Rgb) -> None:
        """Add the bars to the right of the anchor, and the lines of POC, VAH and VAL."""
        view, rect, tick_size = scene.price_view, scene.price_view.rect, self._chart.shown.tick_size
        left = max(rect.x, view.pixel_x(shape.start.t_ns))
        low, high = (value * view.scale for value in _PROFILE_PX)
        end_px = min(rect.right, view.screen_x(min(scene.now_ns, scene.until_ns, found.end_ns)))
        width = min(max(_PROFILE_SHARE * (end_px - left), low), high, rect.right - left)
        rows_per_bar = rows_per_bar_of(found.as_profile(), scene, tick_size) if len(found.rows) else 0
        if not rows_per_bar or width <= 0:
            return
        numbers, bars = merged_rows(found.as_profile(), rows_per_bar)
        bar_price, palette = found.tick_size * rows_per_bar, scene.style.palette
        height = bar_price / tick_size / view.y_per_px
        middle = numbers * bar_price + 0.5 * (bar_price - found.tick_size)
        tops: NDArray[np.float64] = view.rect.y + (view.y_top - middle / tick_size) / view.y_per_px - 0.5 * height
        tops, ends = np.maximum(np.round(tops), rect.y), np.minimum(np.round(tops + height), rect.bottom)
        seen = ends > tops
        per_contract = width / max(1, int(bars.sum(axis=1).max()))
        from_px = np.full(len(bars), float(left))
        for side, its_color in enumerate((palette.buy, palette.sell, palette.balanced)):
            lengths = (bars[:, side] * per_contract).astype(np.float64)
            boxes = from_px, tops, lengths, np.maximum(ends - tops - 1.0, 1.0)
            self._chart.batches.under.boxes(tuple(one[seen] for one in boxes), its_color, _BARS)
            from_px = from_px + lengths
        size, line = _LABEL_PX * view.scale, max(1.0, round(view.scale))
        for name in ("poc", "vah", "val"):
            price = getattr(found, name)
            y = round(view.screen_y(price / tick_size)) if price != UNDEF_PRICE else -1
            if rect.y <= y < rect.bottom and (end_px - left >= _MIN_PX * view.scale or self._is_on_top):
                self._lines.rect(left, y, width, line, color, alpha=_LINE if name == "poc" else 0.6)
                text = f"{name.upper()} {price_text(price, tick_size)}"
                self._label(scene, text, (left + width + 0.5 * size, y), color)

    def _handles(self, scene: Scene, shape: Shape, color: Rgb) -> None:
        view, over = scene.price_view, self._chart.batches.over
        half, line = round(0.5 * HANDLE_PX * view.scale), max(1.0, round(view.scale))
        for (x, at_y), _ in handles(view, shape, self._chart.shown.tick_size):
            inside = min(max(at_y, view.rect.y + half), view.rect.bottom - half)
            y = inside if shape.kind in ANCHORED else at_y
            if view.rect.contains(x, y):
                left, top = round(x) - half, round(y) - half
                over.rect(left, top, 2 * half, 2 * half, color)
                inner = 2 * (half - line)
                over.rect(left + line, top + line, inner, inner, scene.style.palette.ground)

    def _label(self, scene: Scene, text: str, at: tuple[float, float], color: Rgb) -> bool:
        """Add a text if there is room: left end and middle, px. Return whether there was."""
        size, (x, y) = _LABEL_PX * scene.price_view.scale, at
        width = self._chart.batches.text.width(text, size, is_bold=self._is_on_top) + size
        box = Rect(round(x) - 0.5 * size, y - 0.75 * size, width, 1.5 * size)
        is_free = self._chart.batches.take(box, scene.price_view.rect)
        if is_free:
            self._text(scene, text, at, color)
        return is_free

    def _text(self, scene: Scene, text: str, at: tuple[float, float], color: Rgb) -> None:
        style = TextStyle(_LABEL_PX * scene.price_view.scale, color, is_bold=self._is_on_top)
        plate = Plate(scene.style.palette.ground)
        self._chart.batches.text.add(text, round(at[0]), round(at[1]), style, plate=plate)


def measured(shape: Shape, found: RangeProfile, tick_size: int) -> list[str]:
    """Return the texts of a ruler: ticks and points, time, and the volume traded in that time."""
    moved, length_ns = shape.end.price - shape.start.price, found.end_ns - found.start_ns
    whole, rest = divmod(abs(moved), tick_size)
    ticks = (1 if moved > 0 else -1) * (whole + bool(rest))
    points = price_text(abs(moved), tick_size)
    sign = "+" if moved > 0 else MINUS if moved < 0 else ""
    first_ns, last_ns = shape.times_ns
    unit = "tick" if abs(ticks) == 1 else "ticks"
    lines = [
        f"{signed_text(ticks)} {unit} ({sign}{points})  {span_text(last_ns - first_ns)}",
        f"{contracts_text(found.volume)} contracts  \u0394 {signed_text(found.buy - found.sell)}",
    ]
    if found.is_cut:
        lines.append(f"trades of the last contract alone: {span_text(length_ns)}")
    elif not found.is_whole and found.volume:
        lines.append("older trades are no longer kept")
    return lines


def span_text(length_ns: int) -> str:
    """Format a time with the parts of a second that it has, below a minute."""
    if length_ns % SECOND_NS and length_ns < 60 * SECOND_NS:
        return f"{length_ns / SECOND_NS:.3f}".rstrip("0") + " s"
    return length_text(length_ns)


def _cut(box: Rect, rect: Rect) -> Rect | None:
    """Return the part of a box within a pane, at least one pixel wide and high; None if there is none."""
    left, right = max(box.x, rect.x), min(max(box.right, box.x + 1.0), rect.right)
    top, bottom = max(box.y, rect.y), min(max(box.bottom, box.y + 1.0), rect.bottom)
    return Rect(left, top, right - left, bottom - top) if right > left and bottom > top else None
