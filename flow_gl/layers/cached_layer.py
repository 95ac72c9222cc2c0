"""Base of layers without GPU buffers of their own: they add rectangles and labels to the chart's batches.

The output of such a layer depends only on its `key`. While the key is unchanged, the previous output is reused, so a
frame pays only for what changes. The key itself is found only if something has moved that the layer follows.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, NamedTuple

from flow_gl.gl.batch import Batch
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import ALL


class _Built(NamedTuple):
    """The output of a layer."""

    rows: list[tuple[Batch, bytes]]
    placed: list[Rect]
    """Boxes that its labels take."""
    drawn: list[LabelBox]
    """Boxes of the labels it drew, where a test collects them."""


_NOTHING: Final = _Built([], [], [])


class CachedLayer(ABC):
    """Base of layers whose `build` adds to `chart.batches`.

    A layer that also draws something itself sets `draws` and overrides `draw`.
    """

    draws: ClassVar[bool] = False
    avoids: ClassVar[bool] = False
    """Whether `build` places labels with `batches.take`: then it depends on all labels placed before."""
    follows: ClassVar[int] = ALL
    """What moves it: bits of `labels.layout`. OTHER moves every layer."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._key: tuple[object, ...] | None = None
        """What `_built` was made for; None to make it again."""
        self._built = _NOTHING

    def setup(self) -> None:  # noqa: B027 - what most layers need
        """Do nothing: the batches belong to the chart."""

    @abstractmethod
    def key(self, scene: Scene) -> tuple[object, ...] | None:
        """Return everything that `build` depends on; None to run it in every frame."""

    @abstractmethod
    def build(self, scene: Scene) -> None:
        """Add rectangles and labels to the chart's batches."""

    def update(self, scene: Scene) -> None:
        chart = self._chart
        if self.follows & chart.moved or (self.avoids and chart.has_moved_labels):
            self._refresh(scene)
        built = self._built
        for batch, packed in built.rows:
            batch.add_rows(packed)
        if built.placed:
            chart.batches.placed.extend(built.placed)
        if built.drawn and (boxes := chart.batches.text.boxes) is not None:
            boxes.extend(built.drawn)

    def _refresh(self, scene: Scene) -> None:
        """Build again if something has changed."""
        chart, key, before = self._chart, self.key(scene), self._built.placed
        if key is None:
            chart.animate()
            self._key, self._built = None, self._build(scene)
        else:
            # In place of a `Cached`: some forty layers come here in a layout of everything.
            taken = tuple(chart.batches.placed) if self.avoids else ()
            whole = key, taken, chart.kit.atlas.generation, chart.batches.text.boxes is not None
            if whole == self._key:
                return
            self._key = None
            self._built, self._key = self._build(scene), whole
        if self._built.placed != before:
            chart.has_moved_labels = True

    def draw(self, scene: Scene) -> None:  # noqa: B027 - likewise
        """Do nothing: the stack draws the batches."""

    def release(self) -> None:  # noqa: B027 - likewise
        """Do nothing: the batches belong to the chart."""

    def _build(self, scene: Scene) -> _Built:
        batches = self._chart.batches
        first_box, drawn = len(batches.placed), batches.text.boxes
        first_drawn = 0 if drawn is None else len(drawn)
        self.build(scene)
        placed, boxes = batches.placed[first_box:], [] if drawn is None else drawn[first_drawn:]
        del batches.placed[first_box:]
        if drawn is not None:
            del drawn[first_drawn:]
        taken = [(batch, batch.take()) for batch in (batches.under, batches.over, batches.marks, batches.text)]
        return _Built([(batch, rows) for batch, rows in taken if rows], placed, boxes)
