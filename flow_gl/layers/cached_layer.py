"""Layers that have nothing of their own on the GPU: they add rectangles and labels to the chart's batches.

What such a layer adds depends on few things, its `key`. While the key stays the same, what it added last is added
again as it is, so a frame pays only for what moves.
"""

from typing import ClassVar, Final

from flow_gl.gl.batch import Batch
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart


class CachedLayer:
    """Base of layers whose `build` adds to `chart.under`, `chart.over`, `chart.text` and `chart.taken`.

    One that has something of its own on the GPU besides says so by `draws` and brings its `draw`.
    """

    draws: ClassVar[bool] = False

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._last_key: tuple[object, ...] | None = None
        self._generation = -1
        """The atlas's, when labels were added last."""
        self._last_rows: list[tuple[Batch, bytes]] = []
        """What was added to which batch; batches that got nothing are left out."""
        self._last_boxes: list[Rect] = []

    def setup(self) -> None:
        """The batches are the chart's."""

    def key(self, scene: Scene) -> tuple[object, ...] | None:
        """All that `build` depends on; None where it must be done every frame."""
        raise NotImplementedError

    def build(self, scene: Scene) -> None:
        """Add what is to be seen this frame."""
        raise NotImplementedError

    def update(self, scene: Scene) -> None:
        chart = self._chart
        key = self.key(scene)
        if key is None:
            self._last_key = None
            chart.move()
            self.build(scene)
            return
        generation = chart.kit.atlas.generation
        if key == self._last_key and generation == self._generation:
            for batch, rows in self._last_rows:
                batch.repeat(rows)
            if self._last_boxes:
                chart.taken += self._last_boxes
            return
        batches = chart.under, chart.over, chart.text
        starts = [batch.mark() for batch in batches]
        first_box = len(chart.taken)
        self.build(scene)
        self._last_key, self._generation = key, generation
        added = [(batch, batch.since(start)) for batch, start in zip(batches, starts, strict=True)]
        self._last_rows = [(batch, rows) for batch, rows in added if rows]
        self._last_boxes = chart.taken[first_box:]

    def draw(self, scene: Scene) -> None:
        """The batches are drawn by the stack."""

    def release(self) -> None:
        """The batches are the chart's."""
