"""Delta divergences: a line between the two pivots on price, and one between CVD in their bars."""

from typing import Final

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.palette import Rgb, mix
from flow_gl.gl.shapes import ShapeBatch
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.layout import CVD_SCALE, PRICE_SCALE, TIME
from flow_gl.layers.marks.mark import Mark

_DOT_PX: Final = 4.0
_Line = tuple[tuple[float, float], tuple[float, float]]


def lines_of(scene: Scene, mark: Mark) -> tuple[_Line, _Line] | None:
    """Return the line on price and the line on CVD, px; None for a mark without pivots."""
    if mark.pivots is None:
        return None
    view, cvd, tick_size = scene.price_view, scene.cvd_view, tick_size_of(scene)
    xs = [view.pixel_x(pivot.t_ns) for pivot in mark.pivots]
    prices = [round(view.screen_y(pivot.price / tick_size)) for pivot in mark.pivots]
    values = [round(cvd.screen_y(pivot.cvd)) for pivot in mark.pivots]
    return ((xs[0], prices[0]), (xs[1], prices[1])), ((xs[0], values[0]), (xs[1], values[1]))


class DivergenceLayer(CachedLayer):
    """Adds lines above the bubbles and over the CVD pane."""

    follows = TIME | CVD_SCALE | PRICE_SCALE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._lines: list[tuple[int, tuple[_Line, _Line]]] = []

    def key(self, scene: Scene) -> tuple[object, ...]:
        found = ((mark.direction, lines_of(scene, mark)) for mark in scene.marks.of(EventKind.DIVERGENCE))
        rect = scene.price_view.rect
        self._lines = [
            (direction, lines)
            for direction, lines in found
            if lines is not None and lines[0][1][0] >= rect.x and lines[0][0][0] < rect.right
        ]
        return tuple(self._lines), rect, scene.cvd_view.rect, scene.price_view.scale, scene.style

    def build(self, scene: Scene) -> None:
        batches, palette, scale = self._chart.batches, scene.style.palette, scene.price_view.scale
        cvd = scene.cvd_view.rect
        for direction, (price, value) in self._lines:
            color = mix(palette.buy if direction > 0 else palette.sell, palette.text, 0.45)
            _add(batches.marks, price, color, scale)
            if "cvd" in scene.style.is_visible and all(cvd.contains(*end) for end in value):
                _add(batches.over, value, color, scale)


def _add(batch: ShapeBatch, line: _Line, color: Rgb, scale: float) -> None:
    """Add a line with a dot at either end."""
    batch.line(*line, max(1.5, 2.0 * scale), color)
    radius = _DOT_PX * scale
    for x, y in line:
        batch.plate(x - radius, y - radius, 2 * radius, 2 * radius, color, radius=radius)
