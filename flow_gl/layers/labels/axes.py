"""Axis labels: prices, CVD values and times, with the last price and CVD on plates.

Labels never overlap: a tick label that would touch a plate is omitted.
"""

from typing import Final

from flow_gl.core.palette import Rgb
from flow_gl.core.units import HOUR_NS
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.words import contracts_text, price_text

LABEL_PX: Final = 13.0
PLATE_PX: Final = 14.0
LEFT_PX: Final = 12.0
"""Distance from the right border of the pane to the labels."""


def add_plate(chart: Chart, scene: Scene, text: str, y: float, *, plate: Rgb, color: Rgb) -> None:
    """Add a value on a plate to the right axis."""
    scale = scene.price_view.scale
    size = PLATE_PX * scale
    x = round(scene.price_view.rect.right + LEFT_PX * scale)
    needed = max(76 * scale, chart.batches.text.width(text, size, is_bold=True) + size)
    width = round(min(scene.price_axis_px - 6 * scale, needed))
    chart.batches.text.add(
        text, x, y, TextStyle(size, color, is_bold=True), plate=Plate(plate, width_px=width), is_fleeting=True
    )


def _within(y: float, top: float, bottom: float, scale: float) -> int:
    half = 0.75 * PLATE_PX * scale
    return round(min(max(y, top + half), bottom - half))


def _free_ticks(
    ticks_px: list[tuple[int, float]], rect: Rect, size: float, plate_y: int | None
) -> list[tuple[int, float]]:
    """Return the ticks whose labels are inside the pane and do not touch the plate."""
    low, high = rect.y + 0.7 * size, rect.bottom - 0.7 * size
    return [
        (value, y) for value, y in ticks_px if low < y < high and (plate_y is None or abs(y - plate_y) > 1.7 * size)
    ]


def _last_price_y(chart: Chart, scene: Scene) -> int | None:
    if not chart.shown.last_price or "price" not in scene.style.is_visible:
        return None
    rect = scene.price_view.rect
    y = chart.shown.y_of_price(scene, chart.shown.last_price)
    return _within(y, rect.y, rect.bottom, scene.price_view.scale) if rect.y <= y < rect.bottom else None


def _last_cvd_y(chart: Chart, scene: Scene) -> int | None:
    if not chart.has_trades or "cvd" not in scene.style.is_visible:
        return None
    view = scene.cvd_view
    return _within(view.screen_y(chart.shown.cvd), view.rect.y, view.rect.bottom, view.scale)


class PriceAxisLayer(CachedLayer):
    """Prices at the grid lines."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.price_view
        self._ticks: list[tuple[int, float]] = []
        if chart.has_trades:
            self._ticks = _free_ticks(chart.ticks.prices, view.rect, LABEL_PX * view.scale, _last_price_y(chart, scene))
        return self._ticks, view.rect.right, view.scale, chart.shown.tick_size, scene.style.palette

    def build(self, scene: Scene) -> None:
        chart, scale, color = self._chart, scene.price_view.scale, scene.style.palette.quiet
        size, x = LABEL_PX * scale, round(scene.price_view.rect.right + LEFT_PX * scale)
        for price, y in self._ticks:
            chart.batches.text.add(price_text(price, chart.shown.tick_size), x, y, TextStyle(size, color))


class PricePlateLayer(CachedLayer):
    """The last price on a plate."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.price_view
        y = _last_price_y(chart, scene)
        return (
            y,
            chart.shown.last_price,
            view.rect.right,
            view.scale,
            chart.shown.tick_size,
            scene.price_axis_px,
            scene.style.palette,
        )

    def build(self, scene: Scene) -> None:
        chart, palette = self._chart, scene.style.palette
        y = _last_price_y(chart, scene)
        if y is not None:
            text = price_text(chart.shown.last_price, chart.shown.tick_size)
            add_plate(chart, scene, text, y, plate=palette.plate, color=palette.plate_text)


class CvdAxisLayer(CachedLayer):
    """CVD values at the grid lines."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.cvd_view
        is_there = "cvd" in scene.style.is_visible
        self._ticks: list[tuple[int, float]] = []
        if is_there and chart.has_trades:
            self._ticks = _free_ticks(chart.ticks.cvd, view.rect, LABEL_PX * view.scale, _last_cvd_y(chart, scene))
        return is_there, self._ticks, view.rect, view.scale, scene.style.palette

    def build(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible:
            return
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, x = LABEL_PX * scale, round(rect.right + LEFT_PX * scale)
        for value, y in self._ticks:
            chart.batches.text.add(contracts_text(value), x, y, TextStyle(size, palette.quiet))
        at = round(rect.x + 14 * scale), round(rect.y + 1.3 * size)
        chart.batches.text.add("CVD", *at, TextStyle(size, palette.quiet), plate=Plate(palette.ground, alpha=0.7))


class CvdPlateLayer(CachedLayer):
    """The current CVD on a plate, coloured by sign."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.cvd_view
        y = _last_cvd_y(chart, scene)
        return y, chart.shown.cvd, view.rect.right, view.scale, scene.price_axis_px, scene.style.palette

    def build(self, scene: Scene) -> None:
        chart, palette = self._chart, scene.style.palette
        y = _last_cvd_y(chart, scene)
        if y is not None:
            plate = palette.buy if chart.shown.cvd > 0 else palette.sell if chart.shown.cvd < 0 else palette.plate
            color = palette.plate_text if chart.shown.cvd == 0 else palette.ground
            add_plate(chart, scene, contracts_text(chart.shown.cvd), y, plate=plate, color=color)


class TimeAxisLayer(CachedLayer):
    """Times at the grid lines in the exchange's time zone, which is named once at the right."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        zone = ticks.zone_name(scene.zone, scene.now_ns // HOUR_NS)
        taken = crosshair_x(scene)
        style = scene.style.palette, scene.cvd_view.scale, scene.time_axis_px
        return self._chart.ticks.time, scene.cvd_view.rect, zone, taken, *style

    def build(self, scene: Scene) -> None:
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, taken = LABEL_PX * scale, crosshair_x(scene)
        y = round(rect.bottom + 0.5 * scene.time_axis_px)
        for _, x, text, is_day in chart.ticks.time:
            half = 0.5 * chart.batches.text.width(text, size)
            is_free = taken is None or abs(x - taken) > half + 3.4 * size
            if rect.x + half <= x <= rect.right - half - 4 * scale and is_free:
                color = palette.text if is_day else palette.quiet
                chart.batches.text.add(text, x, y, TextStyle(size, color, align="center"))
        zone = ticks.zone_name(scene.zone, scene.now_ns // HOUR_NS)
        chart.batches.text.add(zone, round(rect.right + LEFT_PX * scale), y, TextStyle(size, palette.quiet, alpha=0.8))


def crosshair_x(scene: Scene) -> float | None:
    """Return the x of the crosshair; None if it is not over this chart."""
    if scene.crosshair_px is None:
        return None
    x, y = scene.crosshair_px
    price, cvd = scene.price_view.rect, scene.cvd_view.rect
    return x if price.x <= x < price.right and price.y <= y < cvd.bottom else None
