"""A layer that has nothing of its own on the GPU: it adds rectangles and labels to the chart's batches."""

from typing import Final

from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart


class SketchLayer:
    """Base of layers whose `update` adds to `chart.under`, `chart.over` and `chart.text` and draw nothing else."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart

    def setup(self) -> None:
        """The batches are the chart's."""

    def update(self, scene: Scene) -> None:
        """Add what is to be seen this frame."""
        raise NotImplementedError

    def draw(self, scene: Scene) -> None:
        """The batches are drawn by the stack."""

    def release(self) -> None:
        """The batches are the chart's."""
