"""The bubbles: discs drawn in one call, oldest first, the open one last with a white ring.

The shader derives the look of a disc from its contracts and from uniforms, so a change of threshold, size, colour,
hover, zoom or position uploads nothing. Where discs are too crowded to glow, all but the open one are drawn as points
by a simpler shader without glow and ring, because filling discs is most of the cost of such a frame.
"""

from typing import Final

from flow_gl.gl.api import GL, largest_point_px
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radius_range
from flow_gl.layers.rows.series import NO_INDEX, LodRows


class BubblesLayer:
    """Draws bubble rows as discs."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart

    def setup(self) -> None:
        self._program = self._chart.resources.shaders.program("bubble")
        self._points = self._chart.resources.shaders.program("disc")
        self._largest_px = largest_point_px()

    def update(self, scene: Scene) -> None:
        """Do nothing: `ChartRows` uploads the rows."""

    def draw(self, scene: Scene) -> None:
        if "bubbles" not in scene.style.is_visible:
            return
        radius_px = radius_range(scene.style, scene.price_view.scale)[1] + 1.0
        is_pointed_at = scene.hover_id is not None or scene.pinned_id is not None
        are_points = not is_pointed_at and 2.0 * radius_px <= self._largest_px
        for block, rows in self._chart.rows.for_discs():
            self._chart.rows.use_block(block)
            points_stop = rows.start
            if are_points and not self._chart.rows.has_glow(scene, rows):
                points_stop = rows.stop - (rows.open_index != NO_INDEX)
                self._draw_points(rows, points_stop, int(radius_px) + 1)
            if points_stop < rows.stop:
                self._program.use()
                self._chart.resources.row_drawing.ring_quads(
                    rows.bubbles.rows, points_stop, rows.stop, self._chart.counters
                )

    def _draw_points(self, rows: LodRows, stop: int, margin_px: int) -> None:
        # OpenGL drops points whose centre is outside the viewport, so the viewport is enlarged by the radius of a disc.
        width, height = self._chart.screen_px
        wide, high = width + 2 * margin_px, height + 2 * margin_px
        GL.glViewport(-margin_px, -margin_px, wide, high)
        self._points.use()
        self._points.set_vec2("u_narrowed", width / wide, height / high)
        self._chart.resources.row_drawing.ring_vertices(
            rows.bubbles.rows, rows.start, stop, self._chart.counters, mode=GL.GL_POINTS, per_row=1
        )
        GL.glViewport(0, 0, width, height)

    def release(self) -> None:
        """Do nothing: programs and rows belong to the chart."""
