"""Rolls: where the chart went on with another contract, a line through both panes with the names of both."""

from typing import Final

from flow_gl.core.market.instrument import roll_label
from flow_gl.core.schema import NOT_YET
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer

_LABEL_PX: Final = 13.0
_MOST_LINES: Final = 40


class RollsLayer(CachedLayer):
    """Adds rectangles above the bubbles, and labels."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        lines = self._lines(scene)
        return (lines, scene.price_view.rect, scene.cvd_view.rect, scene.price_view.scale, scene.style.palette)

    def build(self, scene: Scene) -> None:
        free_until = scene.price_view.rect.right
        for x, label in reversed(self._lines(scene)):
            free_until = self._add_line(scene, x, label, free_until)

    def _lines(self, scene: Scene) -> list[tuple[float, str]]:
        """Where lines stand, whole pixels, and what they say, left to right."""
        reader, view = scene.reader, scene.price_view
        bucket_ns = reader.widths_ns[scene.level]
        found = []
        for roll in reader.rolls[-_MOST_LINES:]:
            first_ts = int(roll["first_ts"])
            if first_ts == NOT_YET or first_ts > scene.until_ns:
                continue
            start_ns = first_ts // bucket_ns * bucket_ns  # no bubble of the new contract lies before its line
            x = view.rect.right - round((view.t_right_ns - start_ns) / view.ns_per_px)
            if view.rect.x <= x < view.rect.right:
                names = (bytes(roll[field]).decode("ascii", "replace") for field in ("from_symbol", "to_symbol"))
                found.append((x, roll_label(next(names), int(roll["from_id"]), next(names), int(roll["to_id"]))))
        return found

    def _add_line(self, scene: Scene, x: float, label: str, free_until: float) -> float:
        """Add a line and, where it meets no label to its right, a label; up to where labels are free from then on."""
        chart, palette, rect, scale = self._chart, scene.style.palette, scene.price_view.rect, scene.price_view.scale
        width = max(1.0, round(2 * scale))
        for pane in (rect, scene.cvd_view.rect):
            chart.over.rect(x, pane.y, width, pane.height, palette.information, alpha=0.85)
        size = _LABEL_PX * scale
        length = chart.text.width(label, size) + size
        left = min(max(x - 0.5 * length, rect.x), rect.right - length)
        if left + length > free_until:
            return free_until
        y = rect.bottom - 1.4 * size
        chart.taken.append(Rect(left, y - 1.3 * size, length, 2.6 * size))
        chart.text.add(
            label,
            round(left + 0.5 * size),
            round(y),
            size_px=size,
            color=palette.information,
            plate=palette.ground,
            plate_alpha=0.9,
        )
        return left - 4 * scale
