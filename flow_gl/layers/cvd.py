"""The CVD pane: line and area coloured by the sign of each stretch, cut exactly at zero; broken at gaps and resets."""

from typing import Final

from flow_gl.gl.api import GL
from flow_gl.gl.buffers import Attribute, InstanceLayout
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import mix
from flow_gl.layers.rows import CVD_INSTANCE
from flow_gl.layers.sketch import SketchLayer

_AREA_VERTICES: Final = 5
_LINE_VERTICES: Final = 4


class CvdLayer(SketchLayer):
    """Each instance reads a point and the next one: n points make n - 1 stretches. The line at zero is a sketch."""

    draws = True

    def setup(self) -> None:
        shaders = self._chart.kit.shaders
        area, line = shaders.program("cvd_area"), shaders.program("cvd_line")
        self._programs = (area, _AREA_VERTICES), (line, _LINE_VERTICES)
        self._layout = InstanceLayout(
            [
                Attribute(0, 3, GL.GL_INT, 0, is_integer=True),
                Attribute(1, 3, GL.GL_INT, 0, is_integer=True, rows_ahead=1),
            ],
            CVD_INSTANCE.itemsize,
            self._chart.counters,
        )

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.cvd_view
        return round(view.screen_y(0.0)), view.rect, view.scale, scene.style

    def sketch(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        view, palette = scene.cvd_view, scene.style.palette
        line = max(1.0, round(view.scale))
        y = round(view.screen_y(0.0))
        if view.rect.y <= y < view.rect.bottom:
            color = mix(palette.grid, palette.quiet, 0.55)
            self._chart.under.dashed(view.rect.x, y, view.rect.width, line, color, period=6 * line, dash=3 * line)

    def draw(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        for program, vertices in self._programs:
            program.use()
            for block, rows in self._chart.line_levels():
                self._chart.use_block(block)
                self._layout.draw_ring(
                    rows.cvd.rows, rows.start, rows.stop - 1, mode=GL.GL_TRIANGLE_STRIP, vertices=vertices
                )

    def release(self) -> None:
        self._layout.release()
