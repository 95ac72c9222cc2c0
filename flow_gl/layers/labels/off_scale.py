"""Trades outside an automatic price scale: arrows at the border of the pane, and a line that describes them."""

import math
from typing import Final

from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import OffScale, Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.labels.words import contracts_text, price_text

_LABEL_PX: Final = 13.0
_ARROW_PX: Final = 9.0
_MARGIN_PX: Final = 4.0
_TRIES: Final = 5
_LINE_PX: Final = 40.0
"""Height above the lower border that is reserved for the line about hidden bubbles."""


def off_scale_text(off: OffScale, tick_size: int, zone: str, *, is_below: bool) -> str:
    """Describe the trades outside the scale: how many, how far and when."""
    # All digits of a price that is off the tick grid: 0.000000001 is not 0.00.
    price = price_text(off.price, math.gcd(off.price, tick_size))
    at = ticks.clock_text(off.times_ns[0], zone)
    if off.count > 1:
        return f"{contracts_text(off.count)} bubbles off the scale, {'down' if is_below else 'up'} to {price} at {at}"
    return f"{'1 trade' if off.is_one_trade else 'price'} off the scale: {price} at {at}"


class OffScaleLayer(CachedLayer):
    """Adds arrows and a label above the bubbles."""

    avoids = True
    follows = TIME | PRICE_SCALE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if scene.below is None and scene.above is None:
            return ()
        places = tuple(
            tuple(round(scene.price_view.screen_x(t_ns)) for t_ns in off.times_ns) if off else ()
            for off in (scene.below, scene.above)
        )
        view, style = scene.price_view, scene.style.palette
        return (
            *places,
            scene.below,
            scene.above,
            view.rect,
            view.scale,
            style,
            self._chart.shown.tick_size,
            scene.zone,
        )

    def build(self, scene: Scene) -> None:
        for off, is_below in ((scene.below, True), (scene.above, False)):
            if off is not None:
                self._add(scene, off, is_below=is_below)

    def _add(self, scene: Scene, off: OffScale, *, is_below: bool) -> None:
        chart, view, palette = self._chart, scene.price_view, scene.style.palette
        rect, scale = view.rect, view.scale
        arrow, margin = _ARROW_PX * scale, _MARGIN_PX * scale
        y = rect.bottom - margin - arrow if is_below else rect.y + margin
        places = [round(view.screen_x(t_ns)) for t_ns in off.times_ns]
        for x in places:
            if rect.x <= x < rect.right:
                chart.batches.over.triangle(x - 0.5 * arrow, y, arrow, arrow, palette.attention, points_up=not is_below)
        size = _LABEL_PX * scale
        text = off_scale_text(off, chart.shown.tick_size, scene.zone, is_below=is_below)
        width = chart.batches.text.width(text, size) + size
        middle = rect.bottom - _LINE_PX * scale - size if is_below else y + arrow + 1.1 * size
        left = min(max(places[0] - 0.5 * width, rect.x + margin), rect.right - margin - width)
        box = Rect(left, middle - 0.8 * size, width, 1.6 * size)
        # Move past labels that are already placed: upwards at the lower border, downwards at the upper one.
        step = -1.7 * size if is_below else 1.7 * size
        for _ in range(_TRIES):
            if chart.batches.take(box, rect):
                break
            box = Rect(box.x, box.y + step, width, box.height)
        else:
            return
        chart.batches.text.add(
            text,
            round(box.x + 0.5 * size),
            round(box.y + 0.5 * box.height),
            TextStyle(size, palette.attention),
            plate=Plate(palette.ground),
        )
