"""Rolls: a line through both panes where the chart switched contracts, labelled with both names.

Levels, the line at the last price and the profile belong to the newest contract. They start at `contract_left`, so that
none of them extends across the roll into the prices of the previous contract.
"""

from typing import Final

import numpy as np

from flow_gl.core.market.instrument import roll_label
from flow_gl.core.schema import NOT_YET
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer

_LABEL_PX: Final = 13.0
_MOST_LINES: Final = 40


def contract_left(scene: Scene) -> float:
    """Screen x from which the price pane shows the newest contract: its left border where no roll is in view.

    The pane's right border where the view shows earlier contracts only.
    """
    rect = scene.price_view.rect
    for roll in reversed(scene.reader.rolls):
        if _is_shown(scene, roll):
            return min(max(_line_x(scene, roll), rect.x), rect.right)
    return rect.x


def contract_profile(scene: Scene) -> Rect:
    """The part of the profile's place in which the newest contract is shown; it may have no width."""
    place = scene.profile_rect
    left = min(max(contract_left(scene), place.x), place.right)
    return Rect(left, place.y, place.right - left, place.height)


def _is_shown(scene: Scene, roll: np.void) -> bool:
    return int(roll["first_ts"]) <= min(scene.until_ns, NOT_YET - 1)


def _line_x(scene: Scene, roll: np.void) -> float:
    """Where a roll's line stands: a whole pixel, at the start of the bucket in which the new contract begins.

    Where the old contract ends in that same bucket, in the bucket's middle: both have a bubble there.
    """
    view, bucket_ns = scene.price_view, scene.reader.widths_ns[scene.lod]
    last, first = int(roll["last_ts"]) // bucket_ns, int(roll["first_ts"]) // bucket_ns
    start_ns = first * bucket_ns + (bucket_ns // 2 if last == first else 0)
    return view.pixel_x(start_ns)


class RollsLayer(CachedLayer):
    """Adds rectangles above the bubbles, and labels."""

    avoids = True

    def key(self, scene: Scene) -> tuple[object, ...]:
        lines = self._lines(scene)
        return (lines, scene.price_view.rect, scene.cvd_view.rect, scene.price_view.scale, scene.style.palette)

    def build(self, scene: Scene) -> None:
        free_until = scene.price_view.rect.right
        for x, label in reversed(self._lines(scene)):
            free_until = self._add_line(scene, x, label, free_until)

    def _lines(self, scene: Scene) -> list[tuple[float, str]]:
        """Return x (whole pixels) and label of each line in view, left to right."""
        rect, found = scene.price_view.rect, []
        for roll in scene.reader.rolls[-_MOST_LINES:]:
            x = _line_x(scene, roll)
            if _is_shown(scene, roll) and rect.x <= x < rect.right:
                names = (bytes(roll[field]).decode("ascii", "replace") for field in ("from_symbol", "to_symbol"))
                found.append((x, roll_label(next(names), int(roll["from_id"]), next(names), int(roll["to_id"]))))
        return found

    def _add_line(self, scene: Scene, x: float, label: str, free_until: float) -> float:
        """Add a line and, if there is room, a label. Returns the x up to which labels are free."""
        chart, palette, rect, scale = self._chart, scene.style.palette, scene.price_view.rect, scene.price_view.scale
        width = max(1.0, round(2 * scale))
        for pane in (rect, scene.cvd_view.rect):
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
            plate=Plate(palette.ground, alpha=0.9),
        )
        return left - 4 * scale
