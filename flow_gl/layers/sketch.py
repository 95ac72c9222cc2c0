"""Layers that have nothing of their own on the GPU: they add rectangles and labels to the chart's batches.

What such a layer adds depends on few things, its `key`. While the key stays the same, what it added last is added
again as it is, so a frame pays only for what moves.
"""

from typing import ClassVar, Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart


class SketchLayer:
    """Base of layers whose `sketch` adds to `chart.under`, `chart.over`, `chart.text` and `chart.taken`.

    One that has something of its own on the GPU besides says so by `draws` and brings its `draw`.
    """

    draws: ClassVar[bool] = False

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._last_key: tuple[object, ...] | None = None
        self._last_rows: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        self._last_boxes: list[Rect] = []

    def setup(self) -> None:
        """The batches are the chart's."""

    def key(self, scene: Scene) -> tuple[object, ...] | None:
        """All that `sketch` depends on; None where it must be done every frame."""
        raise NotImplementedError

    def sketch(self, scene: Scene) -> None:
        """Add what is to be seen this frame."""
        raise NotImplementedError

    def update(self, scene: Scene) -> None:
        chart = self._chart
        own_key = self.key(scene)
        if own_key is None:
            self._last_key = None
            self.sketch(scene)
            return
        key = (*own_key, chart.kit.atlas.generation)
        if key == self._last_key:
            under, over, text = self._last_rows
            if under:
                chart.under.repeat(under)
            if over:
                chart.over.repeat(over)
            if text:
                chart.text.repeat(text)
            chart.taken += self._last_boxes
            return
        starts = chart.under.mark(), chart.over.mark(), chart.text.mark()
        first_box = len(chart.taken)
        self.sketch(scene)
        self._last_key = key
        self._last_rows = chart.under.since(starts[0]), chart.over.since(starts[1]), chart.text.since(starts[2])
        self._last_boxes = chart.taken[first_box:]

    def draw(self, scene: Scene) -> None:
        """The batches are drawn by the stack."""

    def release(self) -> None:
        """The batches are the chart's."""
