"""The bubbles: one instanced draw of discs, oldest first, the open one last with its white ring.

What a disc looks like follows in the shader from the bubble's contracts and from uniforms. A change of threshold,
size, colours, hover, zoom or position uploads nothing. Where discs are too crowded to glow, all but the open one are
drawn by a shader that knows no glow and no ring: filling discs is most of what such a frame costs.
"""

from typing import Final

from flow_gl.gl.api import GL
from flow_gl.gl.buffers import Attribute, InstanceLayout
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.rows import BUBBLE_INSTANCE
from flow_gl.layers.series import NO_INDEX, LevelRows

_VERTICES: Final = 4


class BubblesLayer:
    """Draws the chart's rows as discs."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart

    def setup(self) -> None:
        self._program = self._chart.kit.shaders.program("bubble")
        self._plain = self._chart.kit.shaders.program("bubble", "disc")
        self._layout = InstanceLayout(
            [Attribute(0, 2, GL.GL_INT, 0, is_integer=True), Attribute(1, 3, GL.GL_FLOAT, 16)],
            BUBBLE_INSTANCE.itemsize,
            self._chart.counters,
        )

    def update(self, scene: Scene) -> None:
        """The rows are brought in by the chart's series."""

    def draw(self, scene: Scene) -> None:
        if "bubbles" not in scene.style.is_visible:
            return
        is_pointed_at = scene.hover_id is not None or scene.pinned_id is not None
        for block, rows in self._chart.levels():
            self._chart.use_block(block)
            plain_stop = rows.start
            if not is_pointed_at and not self._chart.has_glow(scene, rows):
                plain_stop = rows.stop - (rows.open_index != NO_INDEX)
                self._plain.use()
                self._draw(rows, rows.start, plain_stop)
            if plain_stop < rows.stop:
                self._program.use()
                self._draw(rows, plain_stop, rows.stop)

    def _draw(self, rows: LevelRows, start: int, stop: int) -> None:
        self._layout.draw_ring(rows.bubbles.rows, start, stop, mode=GL.GL_TRIANGLE_STRIP, vertices=_VERTICES)

    def release(self) -> None:
        self._layout.release()
