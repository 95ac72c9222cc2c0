"""The legend of the marks: an entry for each kind in view, with how many crowding hides."""

import math
from collections.abc import Callable
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.palette import Rgb
from flow_gl.gl.shapes import Hatch, ShapeBatch
from flow_gl.gl.text import TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radii, reference_of, tick_size_of, volumes
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.labels.words import contracts_text
from flow_gl.layers.marks.mark import KINDS
from flow_gl.layers.rows.hit import visible_rows

_LABEL_PX: Final = 11.0
_MARGIN_PX: Final = 14.0
_GLYPH_PX: Final = 16.0
_MIN_HEIGHT_PX: Final = 400.0
_MAX_TRIES: Final = 12
_LOOK_ZOOM: Final = math.log(1.1)
"""Natural logarithm of the change of scale after which it is looked at again."""
_LOOK_SHARE: Final = 0.05
"""The place is chosen again when the picture has moved by this share of the pane's width."""
_WIDTH_PX: Final = 480.0
_LOW_PX: Final = (90.0, 140.0)
_HIGH_PX: Final = (10.0, 60.0)
"""Position of the legend: its width, and its distance from the pane's lower and upper border, at scale 1."""
_Draw = Callable[[ShapeBatch, float, float, float, Rgb], None]


def _ring(batch: ShapeBatch, x: float, y: float, size: float, color: Rgb) -> None:
    batch.ring(x + 0.5 * size, y, 0.42 * size, 1.5, color, dashes=8)


def _zone(batch: ShapeBatch, x: float, y: float, size: float, color: Rgb) -> None:
    batch.hatched(x, y - 0.25 * size, size, 0.5 * size, color, hatch=Hatch(5.0, 2.0), alpha=0.9)


def _line(batch: ShapeBatch, x: float, y: float, size: float, color: Rgb) -> None:
    a, b = (x + 0.1 * size, y + 0.25 * size), (x + 0.9 * size, y - 0.25 * size)
    batch.line(a, b, 1.5, color)
    for at_x, at_y in (a, b):
        batch.plate(at_x - 2.5, at_y - 2.5, 5.0, 5.0, color, radius=2.5)


def _stack(batch: ShapeBatch, x: float, y: float, size: float, color: Rgb) -> None:
    batch.rect(x, y - 0.3 * size, size, 0.6 * size, color, alpha=0.25)
    batch.rect(x, y - 0.3 * size, 3.0, 0.6 * size, color)


_GLYPHS: Final[dict[int, tuple[str, _Draw]]] = {
    EventKind.LARGE_TRADE: ("large trade", _ring),
    EventKind.ABSORPTION: ("absorption", _zone),
    EventKind.DIVERGENCE: ("divergence", _line),
    EventKind.STACKED_IMBALANCE: ("stacked imbalance", _stack),
}


def entries(scene: Scene) -> list[tuple[int, str]]:
    """Return kind and text of each entry: the kinds of which a mark is in view, and how many of them are hidden."""
    hidden, view, tick_size = dict(scene.marks.hidden), scene.price_view, tick_size_of(scene)
    low, high = view.y_bottom * tick_size, view.y_top * tick_size
    seen = {mark.kind for mark in scene.marks.shown if mark.low <= high and mark.high >= low}
    found = []
    for kind in KINDS:
        if kind in seen:
            count = hidden.get(kind, 0)
            more = f", {contracts_text(count)} weaker hidden" if count else ""
            found.append((int(kind), _GLYPHS[kind][0] + more))
    return found


class MarksLegendLayer(CachedLayer):
    """Adds a row of glyphs and texts at the lower left of the price pane, above the size legend.

    Where it would cover bubbles there, and fewer at the upper left, it is there. It is looked at again when the picture
    has moved by a part of the pane, so it does not jump about.
    """

    avoids = True
    follows = TIME | PRICE_SCALE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._is_high = False
        self._looked: Final[Cached[None]] = Cached()
        self._entries: Final[Cached[tuple[tuple[int, str], ...]]] = Cached()

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.price_view
        axis = scene.marks, view.rect, view.y_top, view.y_per_px, tick_size_of(scene)
        found = self._entries.get(axis, lambda: tuple(entries(scene)))
        if not found:
            return ()
        step_ns = max(1, round(_LOOK_SHARE * view.rect.width * view.ns_per_px))
        # In steps, for an automatic axis that glides changes the scale in every frame.
        zoom = round(math.log(view.y_per_px) / _LOOK_ZOOM)
        step_y = _LOOK_SHARE * view.rect.height * math.exp(zoom * _LOOK_ZOOM)
        place = view.t_left_ns // step_ns, zoom, view.y_top // step_y
        moved = view.rect, view.scale, place, len(found), scene.lod
        self._looked.get(moved, lambda: self._look(scene))
        return found, view.rect, view.scale, scene.style.palette, self._is_high

    def _look(self, scene: Scene) -> None:
        """Choose the place that covers fewer bubbles; if both are equal, the legend stays."""
        view, scale = scene.price_view, scene.price_view.scale
        rows = visible_rows(scene)
        xs = view.bubble_xs(rows["id"], scene.reader.widths_ns[scene.lod])
        ys = view.rect.y + (view.y_top - rows["price"] / tick_size_of(scene)) / view.y_per_px
        reach = radii(volumes(rows), reference_of(scene), scene.style, scale)
        is_left = xs - reach < view.rect.x + _WIDTH_PX * scale
        low, high = (
            int((is_left & (ys + reach > top) & (ys - reach < bottom)).sum())
            for top, bottom in (
                (view.rect.bottom - _LOW_PX[1] * scale, view.rect.bottom - _LOW_PX[0] * scale),
                (view.rect.y + _HIGH_PX[0] * scale, view.rect.y + _HIGH_PX[1] * scale),
            )
        )
        self._is_high = high <= low if self._is_high else high < low

    def build(self, scene: Scene) -> None:
        chart, palette = self._chart, scene.style.palette
        rect, scale = scene.price_view.rect, scene.price_view.scale
        found = entries(scene)
        if not found or rect.height < _MIN_HEIGHT_PX * scale:
            return
        size, glyph = _LABEL_PX * scale, _GLYPH_PX * scale
        widths = [glyph + 5 * scale + chart.batches.text.width(text, size) + 14 * scale for _, text in found]
        height, left = 1.9 * size, rect.x + (_MARGIN_PX - 6) * scale
        box = self._take(rect, left, sum(widths), height)
        if box is None:
            return
        chart.batches.over.plate(box.x, box.y, box.width, height, palette.ground, radius=6 * scale)
        x, y = box.x + 6 * scale, round(box.y + 0.5 * height)
        for (kind, text), width in zip(found, widths, strict=True):
            _GLYPHS[kind][1](chart.batches.over, x, y, glyph, palette.quiet)
            chart.batches.text.add(text, round(x + glyph + 5 * scale), y, TextStyle(size, palette.quiet))
            x += width

    def _take(self, rect: Rect, left: float, width: float, height: float) -> Rect | None:
        """Reserve the lowest free row at the left, or the highest one."""
        for number in range(_MAX_TRIES):
            low, high = rect.bottom - _MARGIN_PX - (number + 1) * height, rect.y + _MARGIN_PX + number * height
            box = Rect(left, round(high if self._is_high else low), width, height)
            if self._chart.batches.take(box, rect):
                return box
        return None
