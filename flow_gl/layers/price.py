"""The price path behind the bubbles (closes joined, low-high ranges), and a dotted line at the last price."""

from typing import Final

from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.roll_places import contract_left

_QUADS: Final = 2
"""Per bubble: the line to the next one, and its range."""


class PriceLayer(CachedLayer):
    """Draws the path from bubble rows; the line at the last price is a rectangle of the batch."""

    draws = True
    follows = TIME | PRICE

    def setup(self) -> None:
        self._program = self._chart.resources.shaders.program("path")

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.price_view
        return self._line_y(scene), contract_left(scene), view.rect, view.scale, scene.style.palette

    def build(self, scene: Scene) -> None:
        y = self._line_y(scene)
        if y is None:
            return
        left, line = contract_left(scene), max(1.0, round(scene.price_view.scale))
        self._chart.batches.under.dashed(
            *(left, y, scene.price_view.rect.right - left, line, scene.style.palette.plate),
            alpha=0.7,
            period=4 * line,
            dash=line,
        )

    def _line_y(self, scene: Scene) -> int | None:
        """Position of the last price's line; None if it is not in the pane."""
        if "price" not in scene.style.is_visible or self._chart.shown.last_price == 0:
            return None
        rect, y = scene.price_view.rect, round(self._chart.shown.y_of_price(scene, self._chart.shown.last_price))
        return y if rect.y <= y < rect.bottom else None

    def draw(self, scene: Scene) -> None:
        if "price" not in scene.style.is_visible:
            return
        self._program.use()
        for block, rows in self._chart.rows.for_lines():
            self._chart.rows.use_block(block)
            self._chart.resources.row_drawing.ring_quads(
                rows.bubbles.rows, rows.start, rows.stop, self._chart.counters, quads_per_row=_QUADS
            )
