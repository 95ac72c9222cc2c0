"""A chart: its layers in draw order, bottom to top.

`update` uploads and `draw` draws, both in the order of the table below. Rectangles and labels are collected in three
batches: below the bubbles, above them, and text on top.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.jobs import Jobs
from flow_gl.gl.api import GL
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.shapes import ShapeBatch
from flow_gl.gl.text import TextBatch
from flow_gl.gl.timing import LayerTimer
from flow_gl.gl.view import Rect
from flow_gl.layers.base import HeaderBar, Layer, Scene
from flow_gl.layers.bubbles import BubblesLayer
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.comparison.layers import (
    ComparisonAxisLayer,
    ComparisonCaptionLayer,
    ComparisonGridLayer,
    ComparisonLayer,
)
from flow_gl.layers.crosshair import CrosshairLayer
from flow_gl.layers.cvd import CvdLayer
from flow_gl.layers.drawings.levels import CustomLevelsLayer
from flow_gl.layers.drawings.shapes import ShapesLayer
from flow_gl.layers.events import EventsLayer
from flow_gl.layers.gaps import GapsLayer
from flow_gl.layers.grid import GridLayer, TimeGridLayer
from flow_gl.layers.header import HeaderLayer
from flow_gl.layers.labels.axes import CvdAxisLayer, CvdPlateLayer, PriceAxisLayer, PricePlateLayer, TimeAxisLayer
from flow_gl.layers.labels.counts import CountsLayer
from flow_gl.layers.labels.cvd_pane import CvdCaptionLayer, CvdReferenceLayer, CvdZeroLayer
from flow_gl.layers.labels.fixed_levels import FixedLevelsLayer
from flow_gl.layers.labels.layout import ALL
from flow_gl.layers.labels.legend import LegendLayer
from flow_gl.layers.labels.levels import LevelsLayer
from flow_gl.layers.labels.off_scale import OffScaleLayer
from flow_gl.layers.labels.session_axis import SessionAxisLayer
from flow_gl.layers.labels.session_levels import SessionLevelsLayer
from flow_gl.layers.labels.session_names import SessionNamesLayer
from flow_gl.layers.lines.developing import DevelopingLayer
from flow_gl.layers.lines.order_sizes import OrderSizesLayer, OrderSizesLegendLayer
from flow_gl.layers.lines.vwap import VwapLayer
from flow_gl.layers.marks.absorption import AbsorptionLayer
from flow_gl.layers.marks.divergence import DivergenceLayer
from flow_gl.layers.marks.large_trade import LargeTradeLayer
from flow_gl.layers.marks.legend import MarksLegendLayer
from flow_gl.layers.marks.stacked_imbalance import StackedImbalanceLayer
from flow_gl.layers.price import PriceLayer
from flow_gl.layers.profile import FinishedProfilesLayer, ProfileLayer
from flow_gl.layers.ranges.band import RangeBandLayer, RangeLevelsLayer
from flow_gl.layers.ranges.bars import RangeProfileLayer, ViewProfileLayer
from flow_gl.layers.ribbon import RibbonLayer
from flow_gl.layers.rolls import RollsLayer
from flow_gl.layers.rows.chart_rows import ChartRows
from flow_gl.layers.stale_frame import StaleFrameLayer


class Batch(Enum):
    """A batch of rectangles or labels, as a step of the draw order."""

    UNDER = "under"
    MARKS = "marks"
    OVER = "over"
    TEXT = "text"


class Pane(Enum):
    """The area that a layer is clipped to."""

    WHOLE = 0
    PRICE = 1
    CVD = 2
    HEADER = 3
    COMPARISON = 4


DRAW_ORDER: Final[tuple[tuple[str, Callable[[Chart], Layer] | Batch, Pane], ...]] = (
    ("stale_frame", StaleFrameLayer, Pane.PRICE),
    ("finished_profiles", FinishedProfilesLayer, Pane.PRICE),
    ("profile", ProfileLayer, Pane.PRICE),
    ("view_profile", ViewProfileLayer, Pane.PRICE),
    ("range_band", RangeBandLayer, Pane.WHOLE),
    ("gaps", GapsLayer, Pane.WHOLE),
    ("time_grid", TimeGridLayer, Pane.WHOLE),
    ("grid", GridLayer, Pane.WHOLE),
    ("comparison_grid", ComparisonGridLayer, Pane.WHOLE),
    ("rolls", RollsLayer, Pane.WHOLE),
    ("ribbon", RibbonLayer, Pane.WHOLE),
    ("session_names", SessionNamesLayer, Pane.WHOLE),
    ("events", EventsLayer, Pane.WHOLE),
    ("range_levels", RangeLevelsLayer, Pane.WHOLE),
    ("legend", LegendLayer, Pane.WHOLE),
    ("off_scale", OffScaleLayer, Pane.WHOLE),
    ("marks_legend", MarksLegendLayer, Pane.WHOLE),
    ("stacked_imbalance", StackedImbalanceLayer, Pane.WHOLE),
    ("absorption", AbsorptionLayer, Pane.WHOLE),
    ("divergence", DivergenceLayer, Pane.WHOLE),
    ("large_trade", LargeTradeLayer, Pane.WHOLE),
    ("custom_levels", CustomLevelsLayer, Pane.WHOLE),
    ("drawings", ShapesLayer, Pane.WHOLE),
    ("levels", LevelsLayer, Pane.WHOLE),
    ("session_levels", SessionLevelsLayer, Pane.WHOLE),
    ("fixed_levels", FixedLevelsLayer, Pane.WHOLE),
    ("under", Batch.UNDER, Pane.WHOLE),
    ("range_profile", RangeProfileLayer, Pane.PRICE),
    ("vwap", VwapLayer, Pane.PRICE),
    ("developing", DevelopingLayer, Pane.PRICE),
    ("price", PriceLayer, Pane.PRICE),
    ("bubbles", BubblesLayer, Pane.PRICE),
    ("marks", Batch.MARKS, Pane.PRICE),
    ("counts", CountsLayer, Pane.PRICE),
    ("cvd_reference", CvdReferenceLayer, Pane.WHOLE),
    ("cvd", CvdLayer, Pane.CVD),
    ("order_sizes", OrderSizesLayer, Pane.CVD),
    ("comparison", ComparisonLayer, Pane.COMPARISON),
    ("price_axis", PriceAxisLayer, Pane.WHOLE),
    ("price_plate", PricePlateLayer, Pane.WHOLE),
    ("comparison_axis", ComparisonAxisLayer, Pane.WHOLE),
    ("comparison_caption", ComparisonCaptionLayer, Pane.WHOLE),
    ("cvd_axis", CvdAxisLayer, Pane.WHOLE),
    ("cvd_plate", CvdPlateLayer, Pane.WHOLE),
    ("cvd_zero", CvdZeroLayer, Pane.WHOLE),
    ("cvd_caption", CvdCaptionLayer, Pane.WHOLE),
    ("order_sizes_legend", OrderSizesLegendLayer, Pane.WHOLE),
    ("time_axis", TimeAxisLayer, Pane.WHOLE),
    ("session_axis", SessionAxisLayer, Pane.WHOLE),
    ("crosshair", CrosshairLayer, Pane.WHOLE),
    ("over", Batch.OVER, Pane.WHOLE),
    ("text", Batch.TEXT, Pane.WHOLE),
    ("header", HeaderLayer, Pane.HEADER),
)
"""Bottom to top. Layers update in the same order, which also orders rectangles and labels within a batch."""


class ChartStack:
    """One chart on the GPU.

    Parameters
    ----------
    resources : programs and fonts of the current context, shared by its charts
    jobs : scheduler of the layers' jobs
    rows : buffers that another chart gave up, to be used again

    Attributes
    ----------
    counters : cost of the frame so far; the caller calls `counters.reset()` before `update`
    """

    def __init__(self, resources: SharedResources, jobs: Jobs, rows: ChartRows | None = None) -> None:
        self.chart: Final = Chart(resources, jobs, rows)
        self.counters: Final[FrameCounters] = self.chart.counters
        self._layers: Final[list[Layer]] = []
        self._masks: Final[list[int]] = []
        """What each layer follows, as bits of `labels.layout`; -1: it updates in every frame."""
        self._followers: Final[dict[int, list[Layer]]] = {}
        """Layers to update, by the changes that moved lines and labels in the frame: bits of `labels.layout`."""
        self._boxes: Final[Cached[list[tuple[int, int, int, int]]]] = Cached()
        self._draws: Final[list[tuple[int, list[str], list[Callable[[Scene], None]]]]] = []
        """The steps of drawing, bottom to top: runs of those that are clipped to one `Pane`, with their names."""
        for name, step, pane in DRAW_ORDER:
            if isinstance(step, Batch):
                self._add_draw(name, self._batch_draw(step), pane)
                continue
            layer = step(self.chart)
            self._layers.append(layer)
            self._masks.append(_mask_of(layer))
            if not isinstance(layer, CachedLayer) or layer.draws:
                self._add_draw(name, layer.draw, pane)

    def _add_draw(self, name: str, draw: Callable[[Scene], None], pane: Pane) -> None:
        if not self._draws or self._draws[-1][0] != pane.value:
            self._draws.append((pane.value, [], []))
        self._draws[-1][1].append(name)
        self._draws[-1][2].append(draw)

    def _batch_draw(self, batch: Batch) -> Callable[[Scene], None]:
        chart = self.chart
        batches: dict[Batch, ShapeBatch | TextBatch] = {
            Batch.UNDER: chart.batches.under,
            Batch.MARKS: chart.batches.marks,
            Batch.OVER: chart.batches.over,
            Batch.TEXT: chart.batches.text,
        }
        rows = batches[batch]
        return lambda _: rows.draw(*chart.screen_px)

    def setup(self) -> None:
        """Compile shaders and create buffers. A GL context must be current. Raises ShaderError."""
        for layer in self._layers:
            layer.setup()

    def collect_labels(self, boxes: list[LabelBox] | None) -> None:
        """Add the boxes of all labels of the next updates to a list, for tests; None ends it."""
        self.chart.batches.text.boxes = boxes
        self.chart.animate()

    def update(self, scene: Scene, header: HeaderBar | None = None) -> None:
        """Bring the GPU in step with the scene. Nothing else in the frame uploads.

        Parameters
        ----------
        header : ground and numbers of the header; None where the chart has none
        """
        chart = self.chart
        chart.header = header
        chart.begin(scene)
        boxes = chart.batches.text.boxes
        moved = ALL if boxes is not None and chart.moved else chart.moved
        for layer in self._followers.get(moved) or self._find_followers(moved):
            layer.update(scene)
        if chart.is_layout_due:
            chart.batches.upload()
        else:
            chart.batches.text.pin()
        if boxes is not None:
            areas = (_outer(scene),) if header is None else (_outer(scene), header.rect)
            boxes[:] = [box.clipped_to(*areas) for box in boxes]

    def _find_followers(self, moved: int) -> list[Layer]:
        """Return the layers that depend on these changes, in order.

        Those that place labels are among them in each layout: they say where theirs are, and give way to others.
        """
        layers = zip(self._layers, self._masks, strict=True)
        found = self._followers[moved] = [layer for layer, mask in layers if mask < 0 or mask & moved]
        return found

    def draw(self, scene: Scene, *, timer: LayerTimer | None = None) -> None:
        """Draw onto the bound framebuffer, which the caller has cleared."""
        GL.glEnable(GL.GL_SCISSOR_TEST)
        self.chart.begin_draw()
        boxes = self._boxes_of(scene)
        for pane, names, draws in self._draws:
            GL.glScissor(*boxes[pane])
            if timer is None:
                for draw in draws:
                    draw(scene)
                continue
            for name, draw in zip(names, draws, strict=True):
                timer.begin(name)
                draw(scene)
                timer.end()
        GL.glDisable(GL.GL_SCISSOR_TEST)

    def _boxes_of(self, scene: Scene) -> list[tuple[int, int, int, int]]:
        """Return the scissor box of each `Pane`."""
        price, cvd, size = scene.price_view.rect, scene.cvd_view.rect, self.chart.screen_px
        header = price if self.chart.header is None else self.chart.header.rect
        comparison = price if scene.comparison is None else scene.comparison.rect
        key = price, cvd, header, comparison, scene.price_axis_px, scene.time_axis_px, size
        panes = price, cvd, header, comparison
        return self._boxes.get(key, lambda: [*map(self.chart.scissor_box, (_outer(scene), *panes))])

    def release(self) -> None:
        """Free the GPU resources of this chart, not those it shares."""
        self.give_up_rows().release()

    def give_up_rows(self) -> ChartRows:
        """Free the GPU resources of this chart except for its rows, and return these for another one."""
        for layer in self._layers:
            layer.release()
        self.chart.batches.release()
        return self.chart.rows


def _mask_of(layer: Layer) -> int:
    """Return what a layer follows, as bits of `labels.layout`; -1 if it updates in every frame."""
    if isinstance(layer, CountsLayer | HeaderLayer):
        return -1  # numbers on discs and in the header change in frames of their own
    if isinstance(layer, CachedLayer) and layer.avoids:
        return ALL
    mask: int = getattr(layer, "follows", ALL)
    return mask


def _outer(scene: Scene) -> Rect:
    """Return the area of panes and axes, so that no label spills into the next chart."""
    price, cvd = scene.price_view.rect, scene.cvd_view.rect
    height = cvd.bottom + scene.time_axis_px - price.y
    return Rect(price.x, price.y, price.width + scene.price_axis_px, height)
