"""CVD zero crosses: a vertical line through both panes labelled with the price, and a flash at the edges of the chart.

Each event is read once. Only an event that has just happened at the live edge flashes, not history that is loaded at
the start or skipped by a fast replay.
"""

from bisect import bisect_left
from typing import Final

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import CVD_SCALE, TIME
from flow_gl.layers.labels.words import price_text
from flow_gl.store.row_log import FrozenLog, RowCursor

FLASH_S: Final = 1.5
_FRESH_NS: Final = 3 * SECOND_NS
"""Maximum age of an event that flashes, event time."""
_KEPT: Final = 4096
_MAX_READ: Final = 4096
_MAX_SHOWN: Final = 40
_LABEL_PX: Final = 13.0
_FLASH_PX: Final = 90.0


class EventsLayer(CachedLayer):
    """Adds rectangles above the bubbles, and labels."""

    avoids = True
    follows = TIME | CVD_SCALE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._log: FrozenLog | None = None
        self._cursor: RowCursor | None = None
        self._times: list[int] = []
        self._crosses: list[tuple[int, int]] = []
        self._flash_from_s = -FLASH_S
        self._flash_direction = 0

    def key(self, scene: Scene) -> tuple[object, ...] | None:
        self._read(scene)
        if "events" not in scene.style.is_visible:
            return ()
        if 0.0 <= scene.wall_s - self._flash_from_s < FLASH_S:
            return None
        first, last = self._seen(scene)
        if first == last:
            return ()
        view, cvd = scene.price_view, scene.cvd_view
        places = tuple(_line_x(scene, t_ns) for t_ns in self._times[first:last])
        zero = round(cvd.screen_y(0.0))
        panes = view.rect, cvd.rect, view.scale
        return (*self._crosses[first:last], places, zero, *panes, self._chart.shown.tick_size, scene.style)

    def build(self, scene: Scene) -> None:
        if "events" not in scene.style.is_visible:
            return
        first, last = self._seen(scene)
        free_from = scene.price_view.rect.x
        for index in range(first, last):
            free_from = self._add_cross(scene, self._times[index], *self._crosses[index], free_from)
        age = scene.wall_s - self._flash_from_s
        if 0.0 <= age < FLASH_S and not scene.style.is_muted:
            self._add_flash(scene, 1.0 - age / FLASH_S)

    def _seen(self, scene: Scene) -> tuple[int, int]:
        """Return the range of crosses in view, half-open."""
        view = scene.price_view
        first = bisect_left(self._times, max(view.t_left_ns, scene.hidden_before_ns))
        last = max(first, bisect_left(self._times, min(view.t_right_ns, scene.until_ns)))
        return max(first, last - _MAX_SHOWN), last

    def _read(self, scene: Scene) -> None:
        if scene.reader.events is not self._log or self._cursor is None:
            self._log = scene.reader.events
            self._cursor = RowCursor(self._log)
            self._times.clear()
            self._crosses.clear()
        is_renewed = self._cursor.renewed() is not None
        if is_renewed:
            self._times.clear()
            self._crosses.clear()
        if self._cursor.behind == 0:
            return
        events = self._cursor.read(_MAX_READ)
        self._chart.counters.rows_copied += len(events)
        for event in events[events["kind"] == EventKind.ZERO_CROSS]:
            self._times.append(int(event["ts_event"]))
            self._crosses.append((int(event["price"]), int(event["direction"])))
            is_fresh = abs(scene.now_ns - int(event["ts_event"])) < _FRESH_NS
            if is_fresh and scene.is_live and not is_renewed:
                self._flash_from_s, self._flash_direction = scene.wall_s, int(event["direction"])
        del self._times[:-_KEPT], self._crosses[:-_KEPT]

    def _add_cross(self, scene: Scene, t_ns: int, price: int, direction: int, free_from: float) -> float:
        """Add a line and, if there is room, a label. Returns the x from which labels are free."""
        chart, view, palette = self._chart, scene.price_view, scene.style.palette
        scale, rect, cvd = view.scale, view.rect, scene.cvd_view.rect
        color = palette.buy if direction > 0 else palette.sell
        line = max(1.0, round(scale))
        x = _line_x(scene, t_ns)
        for pane in (rect, cvd):
            chart.batches.over.dashed(x, pane.y, line, pane.height, color, alpha=0.55, period=6 * scale, dash=3 * scale)
        zero = round(scene.cvd_view.screen_y(0.0))
        half = 5 * scale
        if cvd.y + half < zero < cvd.bottom - half:
            chart.batches.over.triangle(
                x - half + 0.5 * line, zero - half, 2 * half, 2 * half, color, points_up=direction > 0
            )
        size = _LABEL_PX * scale
        text = f"CVD {'> 0' if direction > 0 else '< 0'}  {price_text(price, chart.shown.tick_size)}"
        width = chart.batches.text.width(text, size) + size
        left = min(max(x - 0.5 * width, rect.x), rect.right - width)
        if left < free_from:
            return free_from
        if not chart.batches.take(Rect(left, rect.y, width, 2.6 * size), rect):
            return free_from
        chart.batches.text.add(
            text,
            round(left + 0.5 * size),
            round(rect.y + 1.4 * size),
            TextStyle(size, color),
            plate=Plate(palette.ground),
        )
        return left + width + 4 * scale

    def _add_flash(self, scene: Scene, strength: float) -> None:
        rect, cvd, palette = scene.price_view.rect, scene.cvd_view.rect, scene.style.palette
        color = palette.buy if self._flash_direction > 0 else palette.sell
        depth = min(_FLASH_PX * scene.price_view.scale, 0.2 * rect.width)
        alpha, height, over = 0.45 * strength * strength, cvd.bottom - rect.y, self._chart.batches.over
        right = rect.right + scene.price_axis_px
        over.fade(rect.x, rect.y, depth, height, color, alpha=alpha, towards=(-1, 0))
        over.fade(right - depth, rect.y, depth, height, color, alpha=alpha, towards=(1, 0))
        over.fade(rect.x, rect.y, right - rect.x, 0.5 * depth, color, alpha=alpha, towards=(0, -1))
        over.fade(rect.x, cvd.bottom - 0.5 * depth, right - rect.x, 0.5 * depth, color, alpha=alpha, towards=(0, 1))


def _line_x(scene: Scene, t_ns: int) -> float:
    """Return the x of a cross's line, snapped to a whole pixel."""
    return scene.price_view.pixel_x(t_ns)
