"""Stacked imbalances: a zone over their prices, to the right until price has traded through all of it."""

from typing import Final

from flow_gl.core.event_kinds import EventKind
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.marks.heights import HeightsInView
from flow_gl.layers.marks.mark import Mark

_FILL: Final = 0.13
_EDGE: Final = 0.8
_MIN_HEIGHT_PX: Final = 4.0


def box_of(scene: Scene, mark: Mark) -> Rect | None:
    """Return the place of a zone in the price pane, cut at its borders; None if nothing of it is in view.

    It begins with the minute of its trades and reaches from half a tick below its lowest to half a tick above its
    highest price.
    """
    height = _height_of(scene, mark)
    return None if height is None else _box_of(scene, mark, height)


def _height_of(scene: Scene, mark: Mark) -> tuple[float, float] | None:
    """Return the upper and the lower border of a zone, px; None if it lies above or below the view."""
    view, tick_size = scene.price_view, tick_size_of(scene)
    rect, least = view.rect, _MIN_HEIGHT_PX * view.scale
    top, bottom = view.screen_y(int(mark.inputs[0]) / tick_size + 0.5), view.screen_y(mark.price / tick_size - 0.5)
    if bottom - top < least:
        middle = 0.5 * (top + bottom)
        top, bottom = middle - 0.5 * least, middle + 0.5 * least
    top, bottom = max(round(top), rect.y), min(round(bottom), rect.bottom)
    return None if bottom <= top else (top, bottom)


def _box_of(scene: Scene, mark: Mark, height: tuple[float, float]) -> Rect | None:
    """Return the place of a zone with the given borders; None if none of its time is in view."""
    view, rect, (top, bottom) = scene.price_view, scene.price_view.rect, height
    end_ns = min(mark.end_ns, scene.now_ns, scene.until_ns)
    left = max(view.pixel_x(mark.start_ns), rect.x)
    right = min(view.pixel_x(max(end_ns, mark.t_ns)), rect.right)
    return Rect(left, top, right - left, bottom - top) if right > left else None


class StackedImbalanceLayer(CachedLayer):
    """Adds zones below the bubbles."""

    follows = TIME | PRICE_SCALE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._boxes: list[tuple[Mark, Rect, float]] = []
        self._heights: Final[HeightsInView[tuple[float, float]]] = HeightsInView(_height_of)

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.price_view
        heights = self._heights.of(scene, EventKind.STACKED_IMBALANCE)
        found = ((mark, _box_of(scene, mark, height)) for mark, height in heights)
        self._boxes = [(mark, box, view.pixel_x(mark.t_ns)) for mark, box in found if box is not None]
        return (self._boxes, view.scale, scene.style.palette) if self._boxes else ()

    def build(self, scene: Scene) -> None:
        under, palette, scale = self._chart.batches.under, scene.style.palette, scene.price_view.scale
        line = max(1.0, round(scale))
        for mark, box, known_x in self._boxes:
            color = palette.buy if mark.direction > 0 else palette.sell
            under.rect(box.x, box.y, box.width, box.height, color, alpha=_FILL)
            for y in (box.y, box.bottom - line):
                under.rect(box.x, y, box.width, line, color, alpha=0.45)
            if box.x <= known_x < box.right:  # solid where the imbalance was traded
                under.rect(box.x, box.y, known_x - box.x, box.height, color, alpha=_FILL)
            under.rect(box.x, box.y, max(2.0, 3 * scale), box.height, color, alpha=_EDGE)
