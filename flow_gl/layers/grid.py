"""Grid lines of time, price and CVD, the borders of the panes and the live edge."""

from flow_gl.core.palette import mix
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import CVD_SCALE, OTHER, PRICE_SCALE, TIME


class TimeGridLayer(CachedLayer):
    """Time lines. Adds rectangles below the bubbles."""

    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, style = self._chart, scene.style
        panes = scene.price_view.rect, scene.cvd_view.rect
        return chart.ticks.time, panes, "grid" in style.is_visible, style.palette

    def build(self, scene: Scene) -> None:
        under, palette = self._chart.batches.under, scene.style.palette
        price, cvd = scene.price_view.rect, scene.cvd_view.rect
        line = max(1.0, round(scene.price_view.scale))
        border = mix(palette.grid, palette.quiet, 0.25)
        if "grid" in scene.style.is_visible:
            for _, x, _, is_day in self._chart.ticks.time:
                under.rect(x, price.y, line, cvd.bottom - price.y, border if is_day else palette.grid)


class GridLayer(CachedLayer):
    """Price and CVD lines, and the borders of the panes. Adds rectangles below the bubbles."""

    follows = OTHER | CVD_SCALE | PRICE_SCALE

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart = self._chart
        panes = scene.price_view.rect, scene.cvd_view.rect, scene.price_axis_px
        return chart.ticks.prices, chart.ticks.cvd, panes, round(scene.live_x_px), chart.has_trades, scene.style

    def build(self, scene: Scene) -> None:
        under, palette = self._chart.batches.under, scene.style.palette
        price, cvd = scene.price_view.rect, scene.cvd_view.rect
        line = max(1.0, round(scene.price_view.scale))
        border = mix(palette.grid, palette.quiet, 0.25)
        if "grid" in scene.style.is_visible:
            for _, y in self._chart.ticks.prices if self._chart.has_trades else ():
                under.rect(price.x, y, price.width, line, palette.grid)
            if "cvd" in scene.style.is_visible:
                for value, y in self._chart.ticks.cvd if self._chart.has_trades else ():
                    if value:
                        under.rect(cvd.x, y, cvd.width, line, palette.grid)
        if price.x < scene.live_x_px < price.right:
            under.rect(round(scene.live_x_px), price.y, line, cvd.bottom - price.y, border)
        under.rect(price.x, cvd.y, price.width + scene.price_axis_px, line, border)
        under.rect(price.x, cvd.bottom, price.width + scene.price_axis_px, line, border)
        under.rect(price.right, price.y, line, cvd.bottom - price.y, border)
