"""The layers of the comparison pane: grid, line, axis values, caption with the newest value.

The line breaks where a price ceases to be valid. Gaps of the other symbol are hatched in this pane only.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.comparison import value_text
from flow_gl.core.palette import Palette, Rgb, mix, readable, rgb
from flow_gl.core.schema import GapKind
from flow_gl.gl.shapes import Hatch
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.layers.base import Scene, once
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.comparison.points import (
    compare_view,
    decimals,
    newest_value,
    points_in_view,
    shown_width_ns,
    state_of,
    title,
)
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.axes import LABEL_PX, LEFT_PX, add_plate, comparison_y, crosshair_y, free_ticks
from flow_gl.layers.labels.axis_ticks import VALUE_LABEL_PX
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.lines.layer import LinesLayer, place_of

_VIOLET: Final = rgb("#c792ea")
_WIDTH_PX: Final = 1.5
_MARGIN_PX: Final = 14.0
_DIGITS: Final = 9
_MAX_GAPS: Final = 64


def compare_color(palette: Palette) -> Rgb:
    """Return the colour of the line and its plate, readable on the chart's background."""
    return readable(_VIOLET, palette.ground, palette.text)


@once
def value_ticks(scene: Scene) -> list[tuple[int, float]]:
    """Return the grid values (1e-9) and their screen y, lowest value first."""
    view = compare_view(scene)
    least = view.y_per_px * VALUE_LABEL_PX * view.scale
    # Not finer than the printed decimals.
    step = ticks.value_step(max(least, 10.0 ** (_DIGITS - decimals(scene))), 1.0)
    values = ticks.value_ticks(view.y_bottom, view.y_top, step)
    return [(value, round(view.screen_y(value))) for value in values]


def shown_text(scene: Scene) -> str:
    """Return the newest value as text; "" if there is none."""
    now, comparison = newest_value(scene), scene.comparison
    return "" if now.reason or comparison is None else comparison.rule.text(now.own, now.other, decimals(scene))


class ComparisonGridLayer(CachedLayer):
    """Adds the grid, the zero line and the gaps of the other symbol, all below the line."""

    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        comparison = scene.comparison
        if comparison is None:
            return ()
        other = comparison.other
        # Without gaps, as usual, nothing in this layer moves with time.
        gaps = () if other is None or not len(other.gaps) else (other.breaks_version, place_of(compare_view(scene)))
        return comparison, gaps, value_ticks(scene), scene.style, scene.price_axis_px, scene.until_ns

    def build(self, scene: Scene) -> None:
        if scene.comparison is None:
            return
        view, palette, under = compare_view(scene), scene.style.palette, self._chart.batches.under
        rect, line = view.rect, max(1.0, round(view.scale))
        self._add_gaps(scene)
        if "grid" in scene.style.is_visible and scene.comparison.has_scale:
            for _, y in value_ticks(scene):
                under.rect(rect.x, y, rect.width, line, palette.grid)
        zero = round(view.screen_y(0.0))
        if scene.comparison.rule.kind == "difference" and rect.y <= zero < rect.bottom:
            color = mix(palette.grid, palette.quiet, 0.55)
            under.dashed(rect.x, zero, rect.width, line, color, period=6 * line, dash=3 * line)
        border = mix(palette.grid, palette.quiet, 0.25)
        under.rect(rect.x, rect.y, rect.width + scene.price_axis_px, line, border)

    def _add_gaps(self, scene: Scene) -> None:
        """Hatch the gaps of the other symbol; those of the chart's symbol are drawn over all panes."""
        comparison, view = scene.comparison, compare_view(scene)
        if comparison is None or comparison.other is None or "gaps" not in scene.style.is_visible:
            return
        if not len(comparison.other.gaps):
            return
        gaps, palette, rect = comparison.other.gaps, scene.style.palette, view.rect
        gaps = gaps[np.isin(gaps["kind"], (int(GapKind.FEED), int(GapKind.NO_TRADES)))]
        now_ns = min(scene.now_ns, scene.until_ns)
        ends = np.where(gaps["open"] == 1, np.maximum(gaps["end"], now_ns), gaps["end"])
        seen = (ends > view.t_left_ns) & (gaps["start"] < min(view.t_right_ns, scene.until_ns))
        for gap, end in zip(gaps[seen][-_MAX_GAPS:], ends[seen][-_MAX_GAPS:].tolist(), strict=True):
            left, right = max(view.screen_x(int(gap["start"])), rect.x), min(view.screen_x(end), rect.right)
            is_feed = int(gap["kind"]) == GapKind.FEED
            color = palette.attention if is_feed else palette.quiet
            hatch = Hatch((7 if is_feed else 12) * view.scale, view.scale, 0.0)
            if right > left:
                alpha = 0.30 if is_feed else 0.14
                self._chart.batches.under.hatched(
                    left, rect.y, right - left, rect.height, color, hatch=hatch, alpha=alpha
                )


class ComparisonLayer(LinesLayer):
    """Adds the line, clipped to the pane."""

    follows = TIME | PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        comparison = scene.comparison
        if comparison is None or comparison.other is None:
            return ()
        width_ns = shown_width_ns(scene)
        newest = state_of(scene.reader, width_ns), state_of(comparison.other, width_ns)
        return (
            *(comparison, newest, place_of(compare_view(scene)), width_ns),
            *(scene.hidden_before_ns, scene.until_ns, scene.style.palette),
        )

    def build(self, scene: Scene) -> None:
        if scene.comparison is None:
            return
        view, points = compare_view(scene), points_in_view(scene)
        xs, ys = places_of(scene)
        color, width = compare_color(scene.style.palette), _WIDTH_PX * view.scale
        self.shapes.segments(xs, ys, points.joined, width, color)
        # A point without a line would be invisible, so it gets a box.
        alone = np.append(True, ~points.joined) & np.append(~points.joined, True) if len(xs) else np.zeros(0, bool)
        size = 2.0 * width
        boxes = xs[alone] - 0.5 * size, ys[alone] - 0.5 * size, np.full(alone.sum(), size), np.full(alone.sum(), size)
        self.shapes.boxes(boxes, color, 1.0)


@once
def places_of(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return screen x and y of the points in view: float64, shape (n,)."""
    assert scene.comparison is not None
    view, points = compare_view(scene), points_in_view(scene)
    xs = view.bubble_xs(points.ids, shown_width_ns(scene))
    values = scene.comparison.rule.values(points.own, points.other)
    return xs, view.rect.y + (view.y_top - values) / view.y_per_px


class ComparisonAxisLayer(CachedLayer):
    """Adds the values of the grid lines, and the newest value on a plate."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if scene.comparison is None:
            return ()
        place = comparison_y(scene), shown_text(scene), crosshair_y(self._chart, scene), scene.price_axis_px
        return scene.comparison, value_ticks(scene), place, decimals(scene), scene.price_view.scale, scene.style.palette

    def build(self, scene: Scene) -> None:
        if scene.comparison is None or not scene.price_axis_px:
            return
        chart, palette, scale, rect = self._chart, scene.style.palette, scene.price_view.scale, scene.comparison.rect
        y, text = comparison_y(scene), shown_text(scene)
        size, x = LABEL_PX * scale, round(rect.right + LEFT_PX * scale)
        if scene.comparison.has_scale:
            plates = y, crosshair_y(chart, scene)
            for value, at in free_ticks(value_ticks(scene), rect, size, plates):
                chart.batches.text.add(value_text(value, decimals(scene)), x, at, TextStyle(size, palette.quiet))
        if y is not None:
            add_plate(chart, scene, text, y, plate=compare_color(palette), color=palette.ground)


class ComparisonCaptionLayer(CachedLayer):
    """Adds the caption at the upper left: the name and the newest value, or why there is none."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if scene.comparison is None:
            return ()
        return scene.comparison, title(scene), newest_value(scene), decimals(scene), scene.price_view.scale, scene.style

    def build(self, scene: Scene) -> None:
        if scene.comparison is None:
            return
        texts, palette, rect, scale = (
            *(self._chart.batches.text, scene.style.palette),
            *(scene.comparison.rect, scene.price_view.scale),
        )
        size = LABEL_PX * scale
        room = rect.width - 2 * _MARGIN_PX * scale
        text = next((one for one in captions(scene) if texts.width(one, size) <= room), "")
        place = round(rect.x + _MARGIN_PX * scale), round(rect.y + 1.3 * size)
        style = TextStyle(size, compare_color(palette))
        texts.add(text, *place, style, plate=Plate(palette.ground), is_fleeting=True)


def captions(scene: Scene) -> tuple[str, ...]:
    """Return the caption's alternative texts, longest first."""
    name, now = title(scene), newest_value(scene)
    if now.reason:
        return f"{name}   no value: {now.reason}", f"{name}   no value", name
    return f"{name}   {shown_text(scene)}", name
