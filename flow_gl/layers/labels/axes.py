"""Axis labels: prices, CVD values and times, with the last price and CVD on plates.

Labels never overlap: a tick label that would touch a plate is omitted. A last price outside the view stays on its plate
at the edge of the axis, with an arrow towards it.
"""

from typing import Final

import numpy as np

from flow_gl.core.palette import Rgb
from flow_gl.core.units import HOUR_NS
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.comparison.points import compare_view, newest_value
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.labels.words import price_text, signed_text

LABEL_PX: Final = 13.0
PLATE_PX: Final = 14.0
LEFT_PX: Final = 12.0
"""Distance from the right border of the pane to the labels."""
_PLATE_STEP_PX: Final = 22.0
"""Least distance between the middles of two plates."""
ARROW_PX: Final = 12.0
"""Room for the arrow above or below the plate of a price outside the view."""


def add_plate(chart: Chart, scene: Scene, text: str, y: float, *, plate: Rgb, color: Rgb) -> None:
    """Add a value on a plate to the right axis; a chart without one has no plates."""
    if not scene.price_axis_px:
        return
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


def free_ticks(
    ticks_px: list[tuple[int, float]], rect: Rect, size: float, plates_y: tuple[float | None, ...]
) -> list[tuple[int, float]]:
    """Return the ticks whose labels are inside the pane and touch no plate."""
    low, high = rect.y + 0.7 * size, rect.bottom - 0.7 * size
    free, gap = [one for one in ticks_px if low < one[1] < high], 1.7 * size
    for plate in plates_y:
        if plate is not None:
            free = [one for one in free if abs(one[1] - plate) > gap]
    return free


def crosshair_y(chart: Chart, scene: Scene) -> float | None:
    """Return the y of the crosshair's plate; None if it is not over this chart."""
    if scene.crosshair_px is None or crosshair_x(scene) is None:
        return None
    if not scene.price_view.rect.y <= scene.crosshair_px[1] < scene.cvd_view.rect.bottom:
        return None
    return clear_of_plates(chart, scene, scene.crosshair_px[1])


def price_direction(scene: Scene, price: float, tick_size: int) -> int:
    """Return where a price (1e-9) lies: 0 in view, 1 above it, -1 below it."""
    rect, y = scene.price_view.rect, scene.price_view.screen_y(price / tick_size)
    return 1 if y < rect.y else 0 if y < rect.bottom else -1


def lost_price_box(scene: Scene) -> Rect | None:
    """Return the place of the arrow and the plate of a last price outside the view; None while it is in view."""
    price = int(scene.reader.session["last_price"])
    if not price or "price" not in scene.style.is_visible or not scene.price_axis_px:
        return None
    direction = price_direction(scene, price, tick_size_of(scene))
    if direction == 0:
        return None
    rect, height = scene.price_view.rect, (ARROW_PX + 2.0 * PLATE_PX) * scene.price_view.scale
    return Rect(rect.right, rect.y if direction > 0 else rect.bottom - height, scene.price_axis_px, height)


def _last_price_y(chart: Chart, scene: Scene) -> tuple[int, int] | None:
    """Return the y of the last price's plate and its direction from the view; None if there is no plate."""
    if not chart.shown.last_price or "price" not in scene.style.is_visible or not scene.price_axis_px:
        return None
    rect, scale, price = scene.price_view.rect, scene.price_view.scale, chart.shown.last_price
    direction = price_direction(scene, price, chart.shown.tick_size)
    room = ARROW_PX * scale if direction else 0.0
    y = chart.shown.y_of_price(scene, price)
    return _within(y, rect.y + room, rect.bottom - room, scale), direction


def has_cvd_pane(scene: Scene) -> bool:
    """Whether the chart is high enough for a CVD pane (`layers.room`)."""
    return scene.cvd_view.rect.height > 2.0 * LABEL_PX * scene.cvd_view.scale


def _last_cvd_y(chart: Chart, scene: Scene) -> int | None:
    if not chart.has_trades or not has_cvd_pane(scene) or "cvd" not in scene.style.is_visible:
        return None
    view = scene.cvd_view
    return _within(view.screen_y(chart.shown.cvd), view.rect.y, view.rect.bottom, view.scale)


def comparison_y(scene: Scene) -> int | None:
    """Return the y of the plate of the comparison's newest value; None if there is none."""
    comparison = scene.comparison
    if comparison is None or not scene.price_axis_px or (now := newest_value(scene)).reason:
        return None
    value = comparison.rule.values(np.array([now.own]), np.array([now.other])).item()
    view = compare_view(scene)
    return _within(view.screen_y(value), view.rect.y, view.rect.bottom, view.scale)


def clear_of_plates(chart: Chart, scene: Scene, y: float) -> int:
    """Return the y next to a given one at which a plate of the crosshair covers no plate of a newest value."""
    scale, last = scene.price_view.scale, _last_price_y(chart, scene)
    top, bottom = scene.price_view.rect.y, scene.cvd_view.rect.bottom
    step = _PLATE_STEP_PX * scale
    for plate in (last[0] if last else None, comparison_y(scene), _last_cvd_y(chart, scene)):
        if plate is not None and abs(y - plate) < step:
            above, below = plate - step, plate + step
            is_above = (y < plate or below + 0.5 * step > bottom) and above - 0.5 * step >= top
            return round(above if is_above else below)
    return round(min(max(y, top + 0.5 * step), bottom - 0.5 * step))


class PriceAxisLayer(CachedLayer):
    """Prices at the grid lines."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.price_view
        self._ticks: list[tuple[int, float]] = []
        if chart.has_trades and scene.price_axis_px:
            place = _last_price_y(chart, scene)
            size = LABEL_PX * view.scale
            plates = place[0] if place else None, crosshair_y(chart, scene)
            self._ticks = free_ticks(chart.ticks.prices, view.rect, size, plates)
        return self._ticks, view.rect.right, view.scale, chart.shown.tick_size, scene.style.palette

    def build(self, scene: Scene) -> None:
        chart, scale, color = self._chart, scene.price_view.scale, scene.style.palette.quiet
        size, x = LABEL_PX * scale, round(scene.price_view.rect.right + LEFT_PX * scale)
        for price, y in self._ticks:
            chart.batches.text.add(price_text(price, chart.shown.tick_size), x, y, TextStyle(size, color))


class PricePlateLayer(CachedLayer):
    """The last price on a plate, with an arrow where it lies outside the view."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.price_view
        return (
            _last_price_y(chart, scene),
            chart.shown.last_price,
            view.rect,
            view.scale,
            chart.shown.tick_size,
            scene.price_axis_px,
            scene.style.palette,
        )

    def build(self, scene: Scene) -> None:
        chart, palette = self._chart, scene.style.palette
        place = _last_price_y(chart, scene)
        if place is None:
            return
        y, direction = place
        text = price_text(chart.shown.last_price, chart.shown.tick_size)
        add_plate(chart, scene, text, y, plate=palette.plate, color=palette.plate_text)
        if direction:
            scale, rect = scene.price_view.scale, scene.price_view.rect
            size, x = round(0.8 * ARROW_PX * scale), round(rect.right + LEFT_PX * scale)
            top = rect.y + 2 * scale if direction > 0 else rect.bottom - 2 * scale - size
            chart.batches.over.triangle(x, top, 2 * size, size, palette.attention, points_up=direction > 0)


class CvdAxisLayer(CachedLayer):
    """CVD values at the grid lines."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.cvd_view
        is_there = "cvd" in scene.style.is_visible and has_cvd_pane(scene)
        self._ticks: list[tuple[int, float]] = []
        if is_there and chart.has_trades and scene.price_axis_px:
            plates = _last_cvd_y(chart, scene), crosshair_y(chart, scene)
            self._ticks = free_ticks(chart.ticks.cvd, view.rect, LABEL_PX * view.scale, plates)
        return is_there, self._ticks, view.rect, view.scale, scene.style.palette

    def build(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible or not has_cvd_pane(scene):
            return
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, x = LABEL_PX * scale, round(rect.right + LEFT_PX * scale)
        for value, y in self._ticks:
            chart.batches.text.add(signed_text(value), x, y, TextStyle(size, palette.quiet))


class CvdPlateLayer(CachedLayer):
    """The current CVD on a plate, coloured by sign."""

    follows = PRICE

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
            add_plate(chart, scene, signed_text(chart.shown.cvd), y, plate=plate, color=color)


class TimeAxisLayer(CachedLayer):
    """Times at the grid lines in the exchange's time zone, which is named once at the right."""

    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        zone = ticks.zone_name(scene.zone, scene.now_ns // HOUR_NS)
        x = crosshair_x(scene)
        taken = None if x is None else crosshair_time(self._chart, scene, x)[1:]
        style = scene.style.palette, scene.cvd_view.scale, scene.time_axis_px
        return self._chart.ticks.time, scene.cvd_view.rect, zone, taken, *style

    def build(self, scene: Scene) -> None:
        chart, rect, palette = self._chart, scene.cvd_view.rect, scene.style.palette
        scale = scene.cvd_view.scale
        size, x_crosshair = LABEL_PX * scale, crosshair_x(scene)
        y = round(rect.bottom + 0.5 * scene.time_axis_px)
        if not scene.time_axis_px:
            return
        left, right = rect.right, rect.right
        if x_crosshair is not None:
            _, middle, plate_half = crosshair_time(chart, scene, x_crosshair)
            left, right = middle - plate_half, middle + plate_half
        for _, x, text, is_day in chart.ticks.time:
            half = 0.5 * chart.batches.text.width(text, size)
            is_free = x + half + 0.4 * size < left or x - half - 0.4 * size > right
            if rect.x + half <= x <= rect.right - half - 4 * scale and is_free:
                color = palette.text if is_day else palette.quiet
                chart.batches.text.add(text, x, y, TextStyle(size, color, align="center"))
        zone = ticks.zone_name(scene.zone, scene.now_ns // HOUR_NS)
        if scene.price_axis_px:
            chart.batches.text.add(zone, round(rect.right + LEFT_PX * scale), y, TextStyle(size, palette.quiet))


def crosshair_time(chart: Chart, scene: Scene, x: float) -> tuple[str, int, float]:
    """Return the time at the crosshair's line, dated where the axis is, with middle and half width of its plate.

    Parameters
    ----------
    x : of the vertical line, px
    """
    view, size = scene.price_view, LABEL_PX * scene.price_view.scale
    is_dated = ticks.needs_date(view.t_left_ns, view.t_right_ns, scene.now_ns, scene.zone)
    text = ticks.clock_text(view.time_at(x), scene.zone, is_dated=is_dated)
    half = 0.5 * chart.batches.text.width(text, size) + size
    return text, round(min(max(x, view.rect.x + half), view.rect.right - half)), half


def crosshair_x(scene: Scene) -> float | None:
    """Return the x of the crosshair's vertical line; None if there is none in this chart."""
    if scene.crosshair_px is None:
        return None
    x, rect = scene.crosshair_px[0], scene.price_view.rect
    return x if rect.x <= x < rect.right else None
