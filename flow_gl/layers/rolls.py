"""Rolls: a line through all panes where the chart switched contracts, labelled with both names.

The line at the last price belongs to the newest contract: it starts at `roll_places.contract_left`, so that it does not
extend across the roll into the prices of the previous contract. Levels and profiles belong to sessions
(`layers.sessions`).
"""

from typing import Final

from flow_gl.core.market.instrument import roll_label
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import TIME
from flow_gl.layers.panes import panes_of
from flow_gl.layers.roll_places import is_shown, line_x

_LABEL_PX: Final = 13.0
_MAX_LINES: Final = 40


class RollsLayer(CachedLayer):
    """Adds rectangles above the bubbles, and labels."""

    avoids = True
    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        lines = self._lines(scene)
        return (lines, panes_of(scene), scene.price_view.scale, scene.style.palette)

    def build(self, scene: Scene) -> None:
        free_until = scene.price_view.rect.right
        for x, label in reversed(self._lines(scene)):
            free_until = self._add_line(scene, x, label, free_until)

    def _lines(self, scene: Scene) -> list[tuple[float, str]]:
        """Return x (whole pixels) and label of each line in view, left to right."""
        rect, found = scene.price_view.rect, []
        for roll in scene.reader.rolls[-_MAX_LINES:]:
            x = line_x(scene, roll)
            if is_shown(scene, roll) and rect.x <= x < rect.right:
                names = (bytes(roll[field]).decode("ascii", "replace") for field in ("from_symbol", "to_symbol"))
                found.append((x, roll_label(next(names), int(roll["from_id"]), next(names), int(roll["to_id"]))))
        return found

    def _add_line(self, scene: Scene, x: float, label: str, free_until: float) -> float:
        """Add a line and, if there is room, a label. Returns the x up to which labels are free."""
        chart, palette, rect, scale = self._chart, scene.style.palette, scene.price_view.rect, scene.price_view.scale
        width = max(1.0, round(2 * scale))
        for pane in panes_of(scene):
            chart.batches.over.rect(x, pane.y, width, pane.height, palette.information, alpha=0.85)
        size = _LABEL_PX * scale
        length = chart.batches.text.width(label, size) + size
        left = min(max(x - 0.5 * length, rect.x), rect.right - length)
        if left + length > free_until:
            return free_until
        y = rect.bottom - 1.4 * size
        if not chart.batches.take(Rect(left, y - 1.3 * size, length, 2.6 * size), rect):
            return free_until
        chart.batches.text.add(
            label,
            round(left + 0.5 * size),
            round(y),
            TextStyle(size, palette.information),
            plate=Plate(palette.ground),
        )
        return left - 4 * scale
