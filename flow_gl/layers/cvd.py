"""The CVD pane: line and area coloured by sign, split exactly at zero, interrupted at gaps and resets; or candles."""

from typing import Final

from flow_gl.core.palette import mix
from flow_gl.gl.api import GL
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import CVD_SCALE, OTHER

_AREA_VERTICES: Final = 6
"""Two triangles per segment."""
_CANDLE_QUADS: Final = 2
"""Per bucket: the line from low to high, and the body."""


class CvdLayer(CachedLayer):
    """A line joins each point to the next one: n points make n - 1 segments. The zero line is in a batch."""

    draws = True
    follows = OTHER | CVD_SCALE

    def setup(self) -> None:
        shaders = self._chart.resources.shaders
        self._area, self._line = shaders.program("cvd_area"), shaders.program("cvd_line")
        self._candle = shaders.program("cvd_candle")

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.cvd_view
        return round(view.screen_y(0.0)), view.rect, view.scale, scene.style

    def build(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        view, palette = scene.cvd_view, scene.style.palette
        line = max(1.0, round(view.scale))
        y = round(view.screen_y(0.0))
        if view.rect.y <= y < view.rect.bottom:
            color = mix(palette.grid, palette.quiet, 0.55)
            self._chart.batches.under.dashed(
                view.rect.x, y, view.rect.width, line, color, period=6 * line, dash=3 * line
            )

    def draw(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        if scene.style.has_cvd_candles:
            self._draw_candles()
        else:
            self._draw_line()

    def _draw_candles(self) -> None:
        chart = self._chart
        self._candle.use()
        for block, rows in chart.rows.for_lines():
            chart.rows.use_block(block)
            chart.resources.row_drawing.ring_quads(
                rows.cvd.rows, rows.start, rows.stop, chart.counters, quads_per_row=_CANDLE_QUADS
            )

    def _draw_line(self) -> None:
        chart = self._chart
        drawing, counters = chart.resources.row_drawing, chart.counters
        self._area.use()
        for block, rows in chart.rows.for_lines():
            chart.rows.use_block(block)
            drawing.ring_vertices(
                rows.cvd.rows, rows.start, rows.stop - 1, counters, mode=GL.GL_TRIANGLES, per_row=_AREA_VERTICES
            )
        self._line.use()
        for block, rows in chart.rows.for_lines():
            chart.rows.use_block(block)
            drawing.ring_quads(rows.cvd.rows, rows.start, rows.stop - 1, counters)
