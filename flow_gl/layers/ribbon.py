"""The delta ribbon between the price and the CVD pane: a row each for 1, 5 and 15 minutes, a cell for each that closed.

The rows are those of the levels of detail of the same width, so a base bucket wider than a row leaves the row empty.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.ribbon import WIDTHS_NS
from flow_gl.core.palette import mix
from flow_gl.gl.text import TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.labels.words import bucket_text, signed_text
from flow_gl.store.market import MarketReader

ROW_PX: Final = 15.0
"""Height of a row at content scale 1."""
_TEXT_PX: Final = 10.5
_MIN_CELL_PX: Final = 3.0
"""A row with narrower cells is left out, at content scale 1."""
_TEXT_PAD_PX: Final = 8.0
_FAINT, _STRONG = 0.10, 0.50
"""Share of the side's colour in the weakest and the strongest cell of a row."""


def ribbon_rect(scene: Scene) -> Rect:
    """Return the ribbon's place; it has no height where the ribbon is not shown."""
    above = scene.price_view.rect if scene.comparison is None else scene.comparison.rect
    return Rect(above.x, above.bottom, above.width, max(0.0, scene.cvd_view.rect.y - above.bottom))


def row_at(scene: Scene, y_px: float) -> int | None:
    """Return the width (ns) of the row at a screen y; None outside of the ribbon."""
    rect = ribbon_rect(scene)
    if not rect.height or not rect.y <= y_px < rect.bottom:
        return None
    return WIDTHS_NS[min(int((y_px - rect.y) * len(WIDTHS_NS) / rect.height), len(WIDTHS_NS) - 1)]


def closed_cells(reader: MarketReader, width_ns: int, start_ns: int, end_ns: int) -> NDArray[np.void]:
    """Return the closed BUBBLE rows of a width that begin in [start, end), widened to whole buckets.

    Empty where the chart has no bubbles of that width.
    """
    if width_ns not in reader.widths_ns:
        return reader.store.bubbles[0].read(0, 0)[1]
    lod = reader.widths_ns.index(width_ns)
    ring, head = reader.store.bubbles[lod], reader.heads[lod]
    start, stop = (ring.position_of(at, head) for at in (start_ns // width_ns, -(-end_ns // width_ns)))
    return ring.read(start, stop)[1]


def shown_cells(scene: Scene, width_ns: int) -> NDArray[np.void]:
    """Return the BUBBLE rows of a row's cells in view."""
    view = scene.price_view
    rows = closed_cells(scene.reader, width_ns, view.t_left_ns, view.t_right_ns)
    starts = rows["ts_event"]
    return rows[(starts >= scene.hidden_before_ns) & (starts + width_ns <= scene.until_ns)]


class RibbonLayer(CachedLayer):
    """Adds cells and their numbers above the bubbles."""

    follows = TIME | PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        rect, view = ribbon_rect(scene), scene.price_view
        if not rect.height:
            return ()
        reader = scene.reader
        heads = tuple(reader.heads[reader.widths_ns.index(one)] for one in WIDTHS_NS if one in reader.widths_ns)
        # Whole pixels: a chart that follows the market is laid out again only when it has moved by one.
        place = view.pixel_x(scene.now_ns // WIDTHS_NS[0] * WIDTHS_NS[0]), scene.now_ns // WIDTHS_NS[0]
        time = place, view.ns_per_px, view.folded
        cut = scene.hidden_before_ns, scene.until_ns
        return (id(reader), heads, time, cut, rect, view.scale, scene.price_axis_px, scene.style.palette)

    def build(self, scene: Scene) -> None:
        rect = ribbon_rect(scene)
        if not rect.height:
            return
        batches, palette, scale = self._chart.batches, scene.style.palette, scene.price_view.scale
        line = max(1.0, round(scale))
        border = mix(palette.grid, palette.quiet, 0.25)
        batches.under.rect(rect.x, rect.y, rect.width + scene.price_axis_px, line, border)
        height = rect.height / len(WIDTHS_NS)
        for number, width_ns in enumerate(WIDTHS_NS):
            top, bottom = round(rect.y + number * height), round(rect.y + (number + 1) * height)
            row = Rect(rect.x, top + line, rect.width, bottom - top - line)
            if width_ns / scene.price_view.ns_per_px >= _MIN_CELL_PX * scale:
                self._add_row(scene, row, width_ns)
            label, size = f"\u0394 {bucket_text(width_ns)}", _TEXT_PX * scale
            if batches.text.width(label, size) + 12 * scale <= scene.price_axis_px:
                y = round(row.y + 0.5 * row.height)
                batches.text.add(label, round(rect.right + 8 * scale), y, TextStyle(size, palette.quiet))

    def _add_row(self, scene: Scene, row: Rect, width_ns: int) -> None:
        batches, palette, view = self._chart.batches, scene.style.palette, scene.price_view
        cells = shown_cells(scene, width_ns)
        deltas = cells["buy"] - cells["sell"]
        most = max(1, int(np.abs(deltas).max(initial=0)))
        size, gap, y = _TEXT_PX * view.scale, max(1.0, round(view.scale)), round(row.y + 0.5 * row.height)
        for start_ns, delta in zip(cells["ts_event"].tolist(), deltas.tolist(), strict=True):
            left = max(view.pixel_x(start_ns), row.x)
            right = min(view.pixel_x(start_ns + width_ns) - gap, row.right)
            if right <= left:
                continue
            side = palette.buy if delta > 0 else palette.sell if delta < 0 else palette.balanced
            ground = mix(palette.ground, side, _FAINT + (_STRONG - _FAINT) * abs(delta) / most)
            batches.under.rect(left, row.y, right - left, row.height, ground)
            text = signed_text(delta)
            if right - left >= batches.text.width(text, size) + _TEXT_PAD_PX * view.scale:
                style = TextStyle(size, palette.text, align="center")
                batches.text.add(text, round(0.5 * (left + right)), y, style, is_fleeting=True)
