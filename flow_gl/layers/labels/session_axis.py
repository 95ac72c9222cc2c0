"""Sessions on the time axis: a bar over regular hours, and a stroke at each open and close."""

from typing import Final

from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import TIME
from flow_gl.layers.session_hours import regular_hours
from flow_gl.layers.sessions import sessions_in_view

_BAR_PX: Final = 3.0
_STROKE_PX: Final = 7.0
_MIN_PX: Final = 3.0
"""Shorter bars are left out, at content scale 1."""
_Bar = tuple[float, float]


class SessionAxisLayer(CachedLayer):
    """Adds rectangles at the upper edge of the time axis."""

    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        return (*self._found(scene), scene.cvd_view.rect, scene.cvd_view.scale, scene.style.palette)

    def _found(self, scene: Scene) -> tuple[tuple[_Bar, ...], tuple[float, ...]]:
        """Return left and right of the bars, and the x of the strokes, whole pixels."""
        bars: list[_Bar] = []
        strokes: list[float] = []
        if "sessions" not in scene.style.is_visible or not self._chart.has_trades or not scene.time_axis_px:
            return (), ()
        view, least = scene.price_view, _MIN_PX * scene.price_view.scale
        for session, _, _ in sessions_in_view(scene):
            numbers, hours = session.numbers, regular_hours(session.numbers)
            if hours is not None:
                left, right = (min(max(view.pixel_x(at), view.rect.x), view.rect.right) for at in hours)
                if right - left >= least:
                    bars.append((left, right))
            ends = [int(numbers[end]) for end in ("open_ts", "close_ts") if numbers["trade_date"] and numbers[end]]
            strokes += [x for x in map(view.pixel_x, ends) if view.rect.x <= x < view.rect.right]
        return tuple(bars), tuple(strokes)

    def build(self, scene: Scene) -> None:
        (bars, strokes), rect, scale = self._found(scene), scene.cvd_view.rect, scene.cvd_view.scale
        palette, over, line = scene.style.palette, self._chart.batches.over, max(1.0, round(scale))
        for left, right in bars:
            over.rect(left, rect.bottom, right - left, round(_BAR_PX * scale), palette.information, alpha=0.7)
        for x in strokes:
            over.rect(x, rect.bottom, line, round(_STROKE_PX * scale), palette.text, alpha=0.8)
