"""Marks a chart that does not follow a running market: a dimmed background and a hatched frame.

A frozen chart must not be mistaken for a quiet market.
"""

from typing import Final

from flow_gl.core.palette import Rgb, mix
from flow_gl.gl.api import GL
from flow_gl.gl.shapes import Hatch
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import OTHER

_BAND_PX: Final = 7.0
_DIM: Final = 0.4
"""How far the background is mixed towards the grid's colour."""


def dimmed_ground(scene: Scene) -> Rgb:
    palette = scene.style.palette
    return mix(palette.ground, palette.grid, _DIM)


class StaleFrameLayer(CachedLayer):
    """Dims the background and adds the frame; nothing while the market runs."""

    draws = True
    follows = OTHER

    def key(self, scene: Scene) -> tuple[object, ...]:
        return scene.is_live, _panes(scene), scene.style.palette

    def build(self, scene: Scene) -> None:
        if scene.is_live:
            return
        rect, over, color = _panes(scene), self._chart.batches.over, scene.style.palette.attention
        scale = scene.price_view.scale
        band = round(_BAND_PX * scale)
        sides = (
            (rect.x, rect.y, rect.width, band),
            (rect.x, rect.bottom - band, rect.width, band),
            (rect.x, rect.y + band, band, rect.height - 2 * band),
            (rect.right - band, rect.y + band, band, rect.height - 2 * band),
        )
        for x, y, width, height in sides:
            hatch = Hatch(period=9 * scale, stripe=3 * scale, phase=(x + y) % 1e6)
            over.hatched(x, y, width, height, color, hatch=hatch, alpha=0.5)

    def draw(self, scene: Scene) -> None:
        if not scene.is_live:
            self._chart.clip(_panes(scene))
            GL.glClearColor(*dimmed_ground(scene), 1.0)
            GL.glClear(GL.GL_COLOR_BUFFER_BIT)
            self._chart.clip(scene.price_view.rect)


def _panes(scene: Scene) -> Rect:
    price, cvd = scene.price_view.rect, scene.cvd_view.rect
    return Rect(price.x, price.y, price.width, cvd.bottom - price.y)
