"""The size legend: three discs with their contracts, at the lower left of the price pane.

Discs and plates are opaque: under text, a bubble that shines through is neither seen nor read.
"""

from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.market.lod import full_at, threshold_at
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radius_of
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.labels.words import bucket_text, contracts_text, percent
from flow_gl.layers.rows.hit import hidden_count

_LABEL_PX: Final = 11.0
_MARGIN_PX: Final = 14.0
MIN_HEIGHT_PX: Final = 400.0
"""A lower price pane has no legend."""


def legend_sizes(reference: int) -> list[int]:
    """Return the contracts of the legend's discs: the reference and round numbers near 1/4 and 1/16 of it."""
    sizes = {max(1, _round(reference / 16)), max(1, _round(reference / 4)), reference}
    return sorted(sizes)


def _round(value: float) -> int:
    """Round to 1, 2 or 5 times a power of ten."""
    if value < 1:
        return 1
    scale = int(10 ** (len(str(int(value))) - 1))
    return min((factor * scale for factor in (1, 2, 5, 10)), key=lambda near: abs(near - value))


class LegendLayer(CachedLayer):
    """Adds rings and labels. Hidden bubbles are counted again only when the rows in view change."""

    avoids = True
    follows = TIME | PRICE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._hidden: Final[Cached[int]] = Cached()

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view = self._chart, scene.price_view
        bucket_ns = chart.rows.series.current.base.bucket_ns
        hidden = self._hidden_in(scene) if scene.style.size_floor > 0 else 0
        is_regular = bool(scene.reader.profile["is_regular"])
        numbers = chart.shown.reference_goal, bucket_ns, chart.has_trades, hidden, is_regular
        return view.rect, view.scale, scene.style, *numbers

    def build(self, scene: Scene) -> None:
        rect, scale = scene.price_view.rect, scene.price_view.scale
        if "bubbles" not in scene.style.is_visible or not self._chart.has_trades:
            return
        if rect.height < MIN_HEIGHT_PX * scale:
            return
        style, palette, chart, over = scene.style, scene.style.palette, self._chart, self._chart.batches.over
        reference = chart.shown.reference_goal
        size = _LABEL_PX * scale
        sizes = legend_sizes(reference)
        radii = [radius_of(contracts, reference, style, scale) for contracts in sizes]
        texts = [contracts_text(contracts) for contracts in sizes]
        widths = [chart.batches.text.width(text, size) for text in texts]
        has_room = [width + 4 * scale < 1.8 * radius for width, radius in zip(widths, radii, strict=True)]
        captions = self._captions(scene)
        left, bottom = rect.x + _MARGIN_PX * scale, rect.bottom - _MARGIN_PX * scale
        middle = round(bottom - radii[-1])
        parts = zip(widths, radii, has_room, strict=True)
        steps = [2 * radius + (10 * scale if inside else width + 12 * scale) for width, radius, inside in parts]
        discs = Rect(
            left - 6 * scale, middle - radii[-1] - 6 * scale, sum(steps) + 8 * scale, 2 * radii[-1] + 12 * scale
        )
        # Without room for a caption the discs alone still say what the sizes mean.
        for caption in (*captions, ""):
            room = chart.batches.text.width(caption, size) + 8 * scale if caption else 0.0
            box = discs._replace(width=discs.width + room)
            if chart.batches.take(box, rect):
                break
        else:
            return
        x = left
        for text, width, radius, inside, step in zip(texts, widths, radii, has_room, steps, strict=True):
            disc_x, look = round(x + radius), TextStyle(size, palette.quiet, align="center")
            if not inside:
                beside = disc_x, middle - 0.8 * size, radius + width + 6 * scale, 1.6 * size
                over.plate(*beside, palette.ground, radius=0.25 * size)
            over.plate(disc_x - radius, middle - radius, 2 * radius, 2 * radius, palette.ground, radius=radius)
            over.ring(disc_x, middle, radius, max(1.0, scale), palette.quiet, alpha=0.75)
            at = x + radius if inside else x + 2 * radius + 3 * scale + 0.5 * width
            chart.batches.text.add(text, round(at), middle, look)
            x += step
        if caption:
            chart.batches.text.add(
                caption, round(x), middle, TextStyle(size, palette.quiet), plate=Plate(palette.ground)
            )

    def _captions(self, scene: Scene) -> tuple[str, str]:
        """Return the caption in full and in brief."""
        bucket_ns = self._chart.rows.series.current.base.bucket_ns
        least = threshold_at(scene.style.threshold, bucket_ns)
        caption = f"contracts in {bucket_text(bucket_ns)} \u00b7 coloured above {percent(least)}"
        rest = ""
        if scene.style.size_floor > 0:
            hidden, size_floor = contracts_text(self._hidden_in(scene)), contracts_text(scene.style.size_floor)
            rest = f" \u00b7 {hidden} below {size_floor} hidden"
        if scene.reader.profile["is_regular"]:
            rest += " \u00b7 profile of regular hours (RTH)"
        return f"{caption}, strongest from {percent(full_at(least))}{rest}", f"{caption}{rest}"

    def _hidden_in(self, scene: Scene) -> int:
        rows = self._chart.rows.series.current
        key = (rows.start, rows.stop, rows.lod, scene.style.size_floor, id(scene.reader))
        return self._hidden.get(key, lambda: hidden_count(scene))
