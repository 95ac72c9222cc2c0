"""Large trades: a dashed ring at time and price of the order, with its contracts and slippage in ticks."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.palette import mix
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radius_of, tick_size_of
from flow_gl.layers.labels.count_boxes import Rings
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.labels.words import contracts_text
from flow_gl.layers.marks.heights import HeightsInView
from flow_gl.layers.marks.mark import Mark

MIN_RADIUS_PX: Final = 8.0
_MARGIN_PX: Final = 4.0
_LABEL_PX: Final = 12.0
_DASHES: Final = 12


def ring_of(scene: Scene, mark: Mark, reference: float) -> tuple[float, float, float]:
    """Return centre and radius of a ring, px. It is a little larger than a disc of as many contracts."""
    view = scene.price_view
    y = round(view.screen_y(mark.price / tick_size_of(scene)))
    return view.pixel_x(mark.t_ns), y, _radius_of(scene, mark, reference)


def rings_in(scene: Scene, marks: Sequence[Mark], reference: float) -> Rings:
    """Return the rings of marks for the placement of numbers, px.

    Parameters
    ----------
    reference : contracts of the largest disc
    """
    view, tick_size = scene.price_view, tick_size_of(scene)
    return Rings(
        np.array([view.screen_x(mark.t_ns) for mark in marks]),
        np.array([view.screen_y(mark.price / tick_size) for mark in marks]),
        np.array([_radius_of(scene, mark, reference) for mark in marks]),
    )


def _radius_of(scene: Scene, mark: Mark, reference: float) -> float:
    scale = scene.price_view.scale
    radius = radius_of(int(mark.strength), max(1, round(reference)), scene.style, scale)
    return max(radius + _MARGIN_PX * scale, MIN_RADIUS_PX * scale)


def _y_of(scene: Scene, mark: Mark) -> int | None:
    """Return the y of a ring's centre, px; None if it lies above or below the view."""
    rect, y = scene.price_view.rect, round(scene.price_view.screen_y(mark.price / tick_size_of(scene)))
    return y if rect.y <= y < rect.bottom else None


def slippage_ticks(mark: Mark, tick_size: int) -> int:
    """Return how far the order moved the price against itself, in ticks."""
    return abs(mark.price - int(mark.inputs[0])) // tick_size


def label_of(mark: Mark, tick_size: int) -> str:
    """Return contracts, and slippage if there is any: "62", "62 \u00b7 3t"."""
    ticks = slippage_ticks(mark, tick_size)
    contracts = contracts_text(int(mark.strength))
    return f"{contracts} \u00b7 {ticks}t" if ticks else contracts


class LargeTradeLayer(CachedLayer):
    """Adds rings above the bubbles; the labels of the strongest go first."""

    avoids = True
    follows = TIME | PRICE_SCALE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._rings: list[tuple[Mark, tuple[float, float, float]]] = []
        self._heights: Final[HeightsInView[int]] = HeightsInView(_y_of)

    def key(self, scene: Scene) -> tuple[object, ...]:
        view, reference = scene.price_view, self._chart.shown.reference_goal
        heights = self._heights.of(scene, EventKind.LARGE_TRADE)
        found = ((mark, y, view.pixel_x(mark.t_ns)) for mark, y in heights)
        left, right = view.rect.x, view.rect.right
        self._rings = [(m, (x, y, _radius_of(scene, m, reference))) for m, y, x in found if left <= x < right]
        return (self._rings, view.rect, view.scale, scene.style, tick_size_of(scene)) if self._rings else ()

    def build(self, scene: Scene) -> None:
        for mark, place in sorted(self._rings, key=lambda one: -one[0].strength):
            self._add(scene, mark, *place)

    def _add(self, scene: Scene, mark: Mark, x: float, y: float, radius: float) -> None:
        chart, palette, view = self._chart, scene.style.palette, scene.price_view
        scale, rect = view.scale, view.rect
        color = mix(palette.buy if mark.direction > 0 else palette.sell, palette.text, 0.25)
        chart.batches.marks.ring(x, y, radius, max(1.5, 2.0 * scale), color, dashes=_DASHES)
        size = _LABEL_PX * scale
        text = label_of(mark, tick_size_of(scene))
        width, height = chart.batches.text.width(text, size, is_bold=True) + 0.9 * size, 1.6 * size
        right, left, middle = x + radius + 2 * scale, x - radius - 2 * scale - width, y - 0.5 * height
        above, below = y - radius - height - scale, y + radius + scale
        places = (right, middle), (left, middle), (x - 0.5 * width, above), (x - 0.5 * width, below)
        for at_x, at_y in places:
            box = Rect(round(at_x), round(at_y), width, height)
            if chart.batches.take(box, rect):
                style = TextStyle(size, color, is_bold=True)
                place = round(box.x + 0.45 * size), round(box.y + 0.5 * height)
                chart.batches.text.add(text, *place, style, plate=Plate(palette.ground))
                return
