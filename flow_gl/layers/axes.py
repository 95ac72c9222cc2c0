"""Labels of the axes: prices, CVD values and times, the last price and CVD on plates.

Labels never meet: a tick's label that would touch a plate is left out.
"""

from typing import Final

from flow_gl.core.palette import Rgb
from flow_gl.layers import ticks
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.sketch import SketchLayer
from flow_gl.layers.words import contracts_text, price_text

LABEL_PX: Final = 13.0
PLATE_PX: Final = 14.0
LEFT_PX: Final = 12.0
"""From the pane's right border to the labels."""
_HOUR_NS: Final = 3600 * 1_000_000_000


def add_plate(chart: Chart, scene: Scene, text: str, y: float, *, plate: Rgb, color: Rgb) -> None:
    """Add a value on a plate to the right axis."""
    scale = scene.price_view.scale
    size = PLATE_PX * scale
    x = round(scene.price_view.rect.right + LEFT_PX * scale)
    needed = max(76 * scale, chart.text.width(text, size, is_bold=True) + size)
    width = round(min(scene.price_axis_px - 6 * scale, needed))
    chart.text.add(text, x, y, size_px=size, color=color, plate=plate, is_bold=True, plate_width_px=width)


def _within(y: float, top: float, bottom: float, scale: float) -> int:
    half = 0.75 * PLATE_PX * scale
    return round(min(max(y, top + half), bottom - half))


class PriceAxisLayer(SketchLayer):
    """Prices at the grid's lines and the last price."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart = self._chart
        plate = self._last_price_y(scene), chart.last_price
        return (
            *plate,
            chart.has_trades,
            chart.price_ticks,
            scene.price_view.rect,
            scene.price_view.scale,
            chart.tick_size,
            scene.style,
        )

    def _last_price_y(self, scene: Scene) -> int | None:
        if not self._chart.last_price or "price" not in scene.style.is_visible:
            return None
        rect = scene.price_view.rect
        y = self._chart.y_of_price(scene, self._chart.last_price)
        return _within(y, rect.y, rect.bottom, scene.price_view.scale) if rect.y <= y < rect.bottom else None

    def sketch(self, scene: Scene) -> None:
        chart, rect, palette = self._chart, scene.price_view.rect, scene.style.palette
        scale = scene.price_view.scale
        size, x = LABEL_PX * scale, round(rect.right + LEFT_PX * scale)
        plate_y = self._last_price_y(scene)
        for price, y in chart.price_ticks if chart.has_trades else ():
            is_free = plate_y is None or abs(y - plate_y) > 1.7 * size
            if rect.y + 0.7 * size < y < rect.bottom - 0.7 * size and is_free:
                chart.text.add(price_text(price, chart.tick_size), x, y, size_px=size, color=palette.quiet)
        if plate_y is not None:
            text = price_text(chart.last_price, chart.tick_size)
            add_plate(chart, scene, text, plate_y, plate=palette.plate, color=palette.plate_text)


class CvdAxisLayer(SketchLayer):
    """CVD values at the grid's lines and the newest one, coloured by its sign."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.cvd_view
        return self._plate_y(scene), chart.cvd, chart.cvd_ticks, view.rect, view.scale, chart.has_trades, scene.style

    def _plate_y(self, scene: Scene) -> int | None:
        if not self._chart.has_trades:
            return None
        view = scene.cvd_view
        return _within(view.screen_y(self._chart.cvd), view.rect.y, view.rect.bottom, view.scale)

    def sketch(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, x = LABEL_PX * scale, round(rect.right + LEFT_PX * scale)
        plate_y = self._plate_y(scene)
        for value, y in chart.cvd_ticks if chart.has_trades else ():
            is_free = plate_y is None or abs(y - plate_y) > 1.7 * size
            if rect.y + 0.7 * size < y < rect.bottom - 0.7 * size and is_free:
                chart.text.add(contracts_text(value), x, y, size_px=size, color=palette.quiet)
        if plate_y is not None:
            plate = palette.buy if chart.cvd > 0 else palette.sell if chart.cvd < 0 else palette.plate
            color = palette.plate_text if chart.cvd == 0 else palette.ground
            add_plate(chart, scene, contracts_text(chart.cvd), plate_y, plate=plate, color=color)
        at = round(rect.x + 14 * scale), round(rect.y + 1.3 * size)
        chart.text.add("CVD", *at, size_px=size, color=palette.quiet, plate=palette.ground, plate_alpha=0.7)


class TimeAxisLayer(SketchLayer):
    """Times at the grid's lines in the exchange's zone, which is named once at the right."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        zone = ticks.zone_name(scene.zone, scene.now_ns // _HOUR_NS)
        taken = crosshair_x(scene)
        style = scene.style.palette, scene.cvd_view.scale, scene.time_axis_px
        return self._chart.time_ticks, scene.cvd_view.rect, zone, taken, *style

    def sketch(self, scene: Scene) -> None:
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, taken = LABEL_PX * scale, crosshair_x(scene)
        y = round(rect.bottom + 0.5 * scene.time_axis_px)
        for _, x, text, is_day in chart.time_ticks:
            half = 0.5 * chart.text.width(text, size)
            is_free = taken is None or abs(x - taken) > half + 3.4 * size
            if rect.x + half <= x <= rect.right - half - 4 * scale and is_free:
                color = palette.text if is_day else palette.quiet
                chart.text.add(text, x, y, size_px=size, color=color, align="center")
        zone = ticks.zone_name(scene.zone, scene.now_ns // _HOUR_NS)
        chart.text.add(zone, round(rect.right + LEFT_PX * scale), y, size_px=size, color=palette.quiet, alpha=0.8)


def crosshair_x(scene: Scene) -> float | None:
    """Where the crosshair stands in this chart; None where it does not."""
    if scene.crosshair_px is None:
        return None
    x, y = scene.crosshair_px
    price, cvd = scene.price_view.rect, scene.cvd_view.rect
    return x if price.x <= x < price.right and price.y <= y < cvd.bottom else None
