"""Base of layers without their own GPU buffers: they add rectangles and labels to the chart's batches.

The output of such a layer depends only on its `key`. While the key is unchanged, the previous output is reused, so a
frame pays only for what changes. The key itself is found only if something has moved that the layer follows.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import ALL, LEVELS


class CachedLayer(ABC):
    """Base of layers whose `build` adds to `chart.batches`.

    A layer that also draws something itself sets `draws` and overrides `draw`.
    """

    draws: ClassVar[bool] = False
    avoids: ClassVar[bool] = False
    """Whether `build` places labels with `batches.take`: then it depends on all labels placed before."""
    follows: ClassVar[int] = ALL
    """The changes that move it, as bits of `labels.layout`. OTHER moves every layer. A layer that follows LEVELS avoids
    the labels that move with time, in a later frame."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._slot: Final = chart.batches.add_slot()
        self._key: tuple[object, ...] | None = None
        """The key for which its rows were made; None to make them again."""
        self._placed: list[Rect] = []
        """Boxes that its labels take."""
        self._drawn: list[LabelBox] = []
        """Boxes of the labels it drew, where a test collects them."""

    def setup(self) -> None:  # noqa: B027 - what most layers need
        """Do nothing: the batches belong to the chart."""

    @abstractmethod
    def key(self, scene: Scene) -> tuple[object, ...] | None:
        """Return everything that `build` depends on; () if it adds nothing, None to run it in every frame."""

    @abstractmethod
    def build(self, scene: Scene) -> None:
        """Add rectangles and labels to the chart's batches."""

    def update(self, scene: Scene) -> None:
        chart = self._chart
        if self.follows & chart.moved or (self.avoids and chart.has_moved_labels and not self._is_later):
            self._refresh(scene)
        if self._placed:
            chart.batches.placed.extend(self._placed)
        if self._drawn and (boxes := chart.batches.text.boxes) is not None:
            boxes.extend(self._drawn)

    @property
    def _is_later(self) -> bool:
        """Whether it is laid out in a later frame."""
        return bool(self.follows & LEVELS) and self.follows != ALL and self._chart.are_levels_due

    def _refresh(self, scene: Scene) -> None:
        """Build again if something has changed."""
        chart, batches, key = self._chart, self._chart.batches, self.key(scene)
        if key == ():
            if self._key != ():
                self._build(None)
                self._key = ()
            return
        # In place of a `Cached`: some forty layers come here in a layout of everything.
        taken = tuple(batches.placed) if self.avoids else ()
        whole = key, taken, chart.resources.atlas.generation, batches.text.boxes is None
        if key is None:
            chart.animate()
        elif whole == self._key:
            return
        self._key = None
        self._build(scene)
        if key is not None:
            self._key = whole

    def draw(self, scene: Scene) -> None:  # noqa: B027 - likewise
        """Do nothing: the stack draws the batches."""

    def release(self) -> None:  # noqa: B027 - likewise
        """Do nothing: the batches belong to the chart."""

    def _build(self, scene: Scene | None) -> None:
        chart, batches = self._chart, self._chart.batches
        placed, boxes = batches.placed, batches.text.boxes
        first_box, first_drawn = len(placed), 0 if boxes is None else len(boxes)
        if scene is not None:
            self.build(scene)
        batches.keep(self._slot)
        before, self._placed = self._placed, placed[first_box:]
        del placed[first_box:]
        if self._placed != before:
            chart.has_moved_labels = True
        self._drawn = []
        if boxes is not None:
            self._drawn = boxes[first_drawn:]
            del boxes[first_drawn:]
