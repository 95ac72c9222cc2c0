"""The bubbles: one instanced draw of discs, oldest first, the open one last with its white ring.

What a disc looks like follows in the shader from the bubble's contracts and from uniforms. A change of threshold,
size, colours, hover, zoom or position uploads nothing.
"""

from typing import Final

from flow_gl.gl.api import GL
from flow_gl.gl.buffers import Attribute, InstanceLayout
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.rows import BUBBLE_INSTANCE


class BubblesLayer:
    """Draws the chart's rows as discs."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart

    def setup(self) -> None:
        self._program = self._chart.kit.shaders.program("bubble")
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
        self._program.use()
        for block, rows in self._chart.levels():
            self._chart.use_block(block)
            self._layout.draw_ring(rows.bubbles.rows, rows.start, rows.stop, mode=GL.GL_TRIANGLE_STRIP, vertices=4)

    def release(self) -> None:
        self._layout.release()
