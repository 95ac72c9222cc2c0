"""Absorption: a hatched zone at its price that fades with age and ends when price trades through it."""

from typing import Final

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.shapes import Hatch
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.labels.words import contracts_text
from flow_gl.layers.marks.heights import HeightsInView
from flow_gl.layers.marks.mark import FADE_NS, Mark

_STEPS: Final = 8
_MIN_HEIGHT_PX: Final = 8.0
_LABEL_PX: Final = 12.0
_ALPHA: Final = 0.8


def box_of(scene: Scene, mark: Mark) -> Rect | None:
    """Return the place of a zone in the price pane; None if nothing of it is in view."""
    height = _height_of(scene, mark)
    return None if height is None else _box_of(scene, mark, height)


def _height_of(scene: Scene, mark: Mark) -> tuple[float, float] | None:
    """Return the upper border and the height of a zone, px; None if it lies above or below the view."""
    view = scene.price_view
    height = max(_MIN_HEIGHT_PX * view.scale, 1.0 / view.y_per_px)
    y = round(view.screen_y(mark.price / tick_size_of(scene)) - 0.5 * height)
    return None if y < view.rect.y or y + height > view.rect.bottom else (y, round(height))


def _box_of(scene: Scene, mark: Mark, height: tuple[float, float]) -> Rect | None:
    """Return the place of a zone with the given border and height; None if none of its time is in view."""
    view = scene.price_view
    end_ns = min(mark.shown_until_ns, max(scene.now_ns, mark.t_ns + SECOND_NS), scene.until_ns)
    left, right = (view.pixel_x(t_ns) for t_ns in (mark.start_ns, end_ns))
    left, right = max(left, view.rect.x), min(max(right, left + 6 * view.scale), view.rect.right)
    return Rect(left, height[0], right - left, height[1]) if right > left else None


def label_of(mark: Mark) -> str:
    """Return how many contracts were absorbed: "54 absorbed"."""
    return f"{contracts_text(abs(int(mark.inputs[0])))} absorbed"


class AbsorptionLayer(CachedLayer):
    """Adds zones below the bubbles, and labels."""

    avoids = True
    follows = TIME | PRICE_SCALE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._boxes: list[tuple[Mark, Rect, float]] = []
        self._heights: Final[HeightsInView[tuple[float, float]]] = HeightsInView(_height_of)

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.price_view
        heights = self._heights.of(scene, EventKind.ABSORPTION)
        found = ((mark, _box_of(scene, mark, height)) for mark, height in heights)
        self._boxes = [(mark, box, view.pixel_x(mark.t_ns)) for mark, box in found if box is not None]
        return (self._boxes, view.rect, view.scale, view.ns_per_px, scene.style) if self._boxes else ()

    def build(self, scene: Scene) -> None:
        for mark, box, born_x in sorted(self._boxes, key=lambda one: -one[0].strength):
            self._add_zone(scene, mark, box, born_x)

    def _add_zone(self, scene: Scene, mark: Mark, box: Rect, born_x: float) -> None:
        chart, palette, view = self._chart, scene.style.palette, scene.price_view
        scale, under = view.scale, chart.batches.under
        color = palette.buy if mark.direction > 0 else palette.sell
        step = max(2.0, FADE_NS / view.ns_per_px / _STEPS)
        left = box.x
        for number in range(_STEPS):
            right = min(born_x + (number + 1) * step, box.right)
            if right > left:
                alpha = _ALPHA * (1.0 - number / _STEPS)
                hatch = Hatch(6 * scale, 2 * scale, phase=left - born_x)
                under.rect(left, box.y, right - left, box.height, color, alpha=0.22 * alpha)
                under.hatched(left, box.y, right - left, box.height, color, hatch=hatch, alpha=0.7 * alpha)
                left = right
        under.rect(box.x, box.y, max(1.0, 2 * scale), box.height, color, alpha=_ALPHA)
        size = _LABEL_PX * scale
        text = label_of(mark)
        width, height = chart.batches.text.width(text, size) + 0.9 * size, 1.6 * size
        above, below = box.y - height - scale, box.bottom + scale
        for y in (above, below) if mark.direction < 0 else (below, above):
            place = Rect(round(box.x), round(y), width, height)
            if chart.batches.take(place, view.rect):
                at = round(place.x + 0.45 * size), round(place.y + 0.5 * height)
                chart.batches.text.add(text, *at, TextStyle(size, color), plate=Plate(palette.ground))
                return
