"""Lines of time and price behind everything, the panes' borders and the live edge."""

from flow_gl.layers.base import Scene
from flow_gl.layers.chart import mix
from flow_gl.layers.sketch import SketchLayer


class GridLayer(SketchLayer):
    """Adds to the rectangles below the bubbles."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart = self._chart
        ticks = chart.time_ticks, chart.price_ticks, chart.cvd_ticks
        return (
            *ticks,
            scene.price_view.rect,
            scene.cvd_view.rect,
            round(scene.live_x_px),
            chart.has_trades,
            scene.style,
        )

    def sketch(self, scene: Scene) -> None:
        under, palette = self._chart.under, scene.style.palette
        price, cvd = scene.price_view.rect, scene.cvd_view.rect
        line = max(1.0, round(scene.price_view.scale))
        border = mix(palette.grid, palette.quiet, 0.25)
        if "grid" in scene.style.is_visible:
            for _, x, _, is_day in self._chart.time_ticks:
                color = border if is_day else palette.grid
                under.rect(x, price.y, line, price.height, color)
                under.rect(x, cvd.y, line, cvd.height, color)
            for _, y in self._chart.price_ticks if self._chart.has_trades else ():
                under.rect(price.x, y, price.width, line, palette.grid)
            if "cvd" in scene.style.is_visible:
                for value, y in self._chart.cvd_ticks if self._chart.has_trades else ():
                    if value:
                        under.rect(cvd.x, y, cvd.width, line, palette.grid)
        if price.x < scene.live_x_px < price.right:
            x = round(scene.live_x_px)
            under.rect(x, price.y, line, price.height, border)
            under.rect(x, cvd.y, line, cvd.height, border)
        under.rect(price.x, cvd.y, price.width + scene.price_axis_px, line, border)
        under.rect(price.x, cvd.bottom, price.width + scene.price_axis_px, line, border)
        under.rect(price.right, price.y, line, cvd.bottom - price.y, border)
