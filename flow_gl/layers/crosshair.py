"""The crosshair: lines through all panes, and their values on the axes."""

from flow_gl.core.comparison import value_text
from flow_gl.core.palette import mix
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.comparison.points import compare_view, decimals
from flow_gl.layers.labels.axes import LABEL_PX, add_plate, clear_of_plates, crosshair_time, crosshair_x
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.labels.words import price_text, signed_text


class CrosshairLayer(CachedLayer):
    """Drawn last, because its plates cover the axis labels."""

    follows = TIME | PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        x = crosshair_x(scene)
        if x is None:
            return ()
        price, cvd = scene.price_view, scene.cvd_view
        place = price.rect, cvd.rect, price.scale, scene.price_axis_px, scene.time_axis_px, scene.style.palette
        plate_y = clear_of_plates(self._chart, scene, scene.crosshair_px[1]) if scene.crosshair_px else 0
        return (*place, scene.crosshair_px, plate_y, self._value(scene), crosshair_time(self._chart, scene, x))

    def build(self, scene: Scene) -> None:
        x = crosshair_x(scene)
        if x is None or scene.crosshair_px is None:
            return
        chart, palette, scale = self._chart, scene.style.palette, scene.price_view.scale
        price, cvd = scene.price_view, scene.cvd_view
        y = scene.crosshair_px[1]
        line = max(1.0, round(scale))
        dashes = {"alpha": 0.8, "period": 6 * line, "dash": 3 * line}
        height = cvd.rect.bottom - price.rect.y
        chart.batches.over.dashed(round(x), price.rect.y, line, height, palette.quiet, **dashes)
        ground = mix(palette.ground, palette.quiet, 0.35)
        value = self._value(scene)
        if value:
            chart.batches.over.dashed(price.rect.x, round(y), price.rect.width, line, palette.quiet, **dashes)
            add_plate(chart, scene, value, clear_of_plates(chart, scene, y), plate=ground, color=palette.text)
        if not scene.time_axis_px:
            return
        size, (text, middle, _) = LABEL_PX * scale, crosshair_time(chart, scene, x)
        axis_y = round(cvd.rect.bottom + 0.5 * scene.time_axis_px)
        chart.batches.text.add(
            text, middle, axis_y, TextStyle(size, palette.text, align="center"), plate=Plate(ground), is_fleeting=True
        )

    def _value(self, scene: Scene) -> str:
        """Return the price, the comparison's value or CVD at the horizontal line; "" if there is none."""
        assert scene.crosshair_px is not None
        price, tick_size, y = scene.price_view, self._chart.shown.tick_size, scene.crosshair_px[1]
        if y < price.rect.y:
            return ""
        if y < price.rect.bottom:
            return price_text(round(price.y_at(y)) * tick_size, tick_size)
        if scene.comparison is not None and scene.comparison.rect.y <= y < scene.comparison.rect.bottom:
            value = round(compare_view(scene).y_at(y))
            return value_text(value, decimals(scene)) if scene.comparison.has_scale else ""
        cvd = scene.cvd_view.rect
        return signed_text(round(scene.cvd_view.y_at(y))) if cvd.y <= y < cvd.bottom else ""
