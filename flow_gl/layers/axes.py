"""Labels of the axes: prices, CVD values and times, the last price and CVD on plates, the crosshair's readings.

Labels never meet: a tick's label that would touch a plate is left out, and the crosshair's plate is drawn last.
"""

from typing import Final

from flow_gl.core.palette import Rgb
from flow_gl.layers import ticks
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import mix
from flow_gl.layers.sketch import SketchLayer
from flow_gl.layers.words import contracts_text, price_text

LABEL_PX: Final = 13.0
_PLATE_PX: Final = 14.0
_LEFT_PX: Final = 12.0
_HOUR_NS: Final = 3600 * 1_000_000_000


class AxesLayer(SketchLayer):
    """Adds labels, and the crosshair's lines above the bubbles."""

    def update(self, scene: Scene) -> None:
        taken_x = self._crosshair_x(scene)
        self._price_axis(scene)
        self._cvd_axis(scene)
        self._time_axis(scene, taken_x)
        self._crosshair(scene)

    def _price_axis(self, scene: Scene) -> None:
        chart, rect, palette = self._chart, scene.price_view.rect, scene.style.palette
        scale = scene.price_view.scale
        size, x = LABEL_PX * scale, round(rect.right + _LEFT_PX * scale)
        plate_y = self._last_price_y(scene)
        for price, y in chart.price_ticks:
            is_free = plate_y is None or abs(y - plate_y) > 1.7 * size
            if rect.y + 0.7 * size < y < rect.bottom - 0.7 * size and is_free:
                chart.text.add(price_text(price, chart.tick_size), x, y, size_px=size, color=palette.quiet)
        if plate_y is not None:
            self._plate(
                scene, price_text(chart.last_price, chart.tick_size), plate_y, palette.plate, palette.plate_text
            )

    def _last_price_y(self, scene: Scene) -> float | None:
        if not self._chart.last_price or "price" not in scene.style.is_visible:
            return None
        rect, half = scene.price_view.rect, 0.75 * _PLATE_PX * scene.price_view.scale
        y = self._chart.y_of_price(scene, self._chart.last_price)
        if not rect.y <= y < rect.bottom:
            return None
        return round(min(max(y, rect.y + half), rect.bottom - half))

    def _cvd_axis(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, x = LABEL_PX * scale, round(rect.right + _LEFT_PX * scale)
        half = 0.75 * _PLATE_PX * scale
        y_value = scene.cvd_view.screen_y(chart.cvd)
        plate_y = round(min(max(y_value, rect.y + half), rect.bottom - half)) if chart.has_trades else None
        for value, y in chart.cvd_ticks:
            is_free = plate_y is None or abs(y - plate_y) > 1.7 * size
            if rect.y + 0.7 * size < y < rect.bottom - 0.7 * size and is_free:
                chart.text.add(contracts_text(value), x, y, size_px=size, color=palette.quiet)
        if plate_y is not None:
            color = palette.buy if chart.cvd > 0 else palette.sell if chart.cvd < 0 else palette.plate
            self._plate(scene, contracts_text(chart.cvd), plate_y, color, palette.ground)
        at = round(rect.x + 14 * scale), round(rect.y + 1.3 * size)
        chart.text.add("CVD", *at, size_px=size, color=palette.quiet, plate=palette.ground, plate_alpha=0.7)

    def _plate(self, scene: Scene, text: str, y: float, plate: Rgb, color: Rgb) -> None:
        scale = scene.price_view.scale
        size = _PLATE_PX * scale
        x = round(scene.price_view.rect.right + _LEFT_PX * scale)
        width = min(
            scene.price_axis_px - 8 * scale, max(74 * scale, self._chart.text.width(text, size, is_bold=True) + size)
        )
        self._chart.text.add(
            text, x, y, size_px=size, color=color, plate=plate, is_bold=True, plate_width_px=round(width)
        )

    def _time_axis(self, scene: Scene, taken_x: float | None) -> None:
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size = LABEL_PX * scale
        y = round(rect.bottom + 0.5 * scene.time_axis_px)
        for _, x, text, is_day in chart.time_ticks:
            half = 0.5 * chart.text.width(text, size)
            is_free = taken_x is None or abs(x - taken_x) > half + 3.2 * size
            if rect.x + half <= x <= rect.right - half - 4 * scale and is_free:
                color = palette.text if is_day else palette.quiet
                chart.text.add(text, x, y, size_px=size, color=color, align="center")
        zone = ticks.zone_name(scene.zone, scene.now_ns // _HOUR_NS)
        chart.text.add(zone, round(rect.right + _LEFT_PX * scale), y, size_px=size, color=palette.quiet, alpha=0.8)

    def _crosshair_x(self, scene: Scene) -> float | None:
        if scene.crosshair_px is None:
            return None
        x, y = scene.crosshair_px
        price, cvd = scene.price_view.rect, scene.cvd_view.rect
        return x if price.x <= x < price.right and price.y <= y < cvd.bottom else None

    def _crosshair(self, scene: Scene) -> None:
        x = self._crosshair_x(scene)
        if x is None or scene.crosshair_px is None:
            return
        chart, palette, scale = self._chart, scene.style.palette, scene.price_view.scale
        price, cvd = scene.price_view, scene.cvd_view
        y = scene.crosshair_px[1]
        line = max(1.0, round(scale))
        for pane in (price.rect, cvd.rect):
            chart.over.dashed(
                round(x), pane.y, line, pane.height, palette.quiet, alpha=0.8, period=6 * line, dash=3 * line
            )
        chart.over.dashed(
            price.rect.x, round(y), price.rect.width, line, palette.quiet, alpha=0.8, period=6 * line, dash=3 * line
        )
        ground = mix(palette.ground, palette.quiet, 0.35)
        if y < price.rect.bottom:
            tick = round(price.y_at(y))
            self._plate(scene, price_text(tick * chart.tick_size, chart.tick_size), round(y), ground, palette.text)
        else:
            self._plate(scene, contracts_text(round(cvd.y_at(y))), round(y), ground, palette.text)
        size = LABEL_PX * scale
        text = ticks.clock_text(price.time_at(x), scene.zone)
        half = 0.5 * chart.text.width(text, size) + size
        x = min(max(x, price.rect.x + half), price.rect.right - half)
        y = round(cvd.rect.bottom + 0.5 * scene.time_axis_px)
        chart.text.add(text, round(x), y, size_px=size, color=palette.text, align="center", plate=ground)
