"""CVD by order size: a line each for small, medium and large orders in the CVD pane, and their legend."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.gl.text import TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.axes import has_cvd_pane
from flow_gl.layers.labels.layout import CVD_SCALE, LEVELS, LINES
from flow_gl.layers.labels.words import contracts_text, signed_text
from flow_gl.layers.lines.book import ORDER_SIZES
from flow_gl.layers.lines.layer import LinesLayer, pixel_xs, place_of

_LABEL_PX: Final = 11.0
_GLYPH_PX: Final = 16.0
_MAX_TRIES: Final = 5
_WIDTHS: Final = (1.0, 1.3, 1.8)
"""Thickness of the lines at content scale 1, the small orders' first."""


def colors_of(palette: Palette) -> tuple[Rgb, Rgb, Rgb]:
    """Return the colours of small, medium and large orders: none of them is a side's."""
    return palette.quiet, palette.information, mix(palette.attention, palette.text, 0.1)


def is_shown(scene: Scene) -> bool:
    return {ORDER_SIZES, "cvd"} <= scene.style.is_visible and has_cvd_pane(scene)


def ranges_of(order_sizes: tuple[int, int]) -> tuple[str, str, str]:
    """Return the contracts of small, medium and large orders: 1-9, 10-49, 50+."""
    medium, large = order_sizes
    return _range(1, medium), _range(medium, large), f"{contracts_text(large)}+"


def _range(first: int, stop: int) -> str:
    low, high = contracts_text(first), contracts_text(stop - 1)
    return "none" if stop <= first else low if stop == first + 1 else f"{low}\u2013{high}"


class OrderSizesLayer(LinesLayer):
    """Draws above CVD."""

    follows = LEVELS | LINES | CVD_SCALE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if not is_shown(scene) or not len(scene.lines.sizes.times):
            return ()
        versions = scene.lines, scene.lines.sizes.version, scene.reader.breaks_version
        return (*place_of(scene.cvd_view), *versions, scene.until_ns, scene.style.palette)

    def build(self, scene: Scene) -> None:
        view, palette = scene.cvd_view, scene.style.palette
        xs, ys, joined = points_in_view(scene)
        for column, color in enumerate(colors_of(palette)):
            self.shapes.segments(xs, ys[:, column], joined, _WIDTHS[column] * view.scale, color, alpha=0.9)


def points_in_view(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the points of the lines: screen x, shape (n,), and y, shape (n, 3); whether each is joined to the next."""
    view = scene.cvd_view
    last_ns = min(view.t_right_ns, scene.until_ns)
    times, values = scene.lines.sizes.seen(view.t_left_ns, last_ns, 2 * max(1, round(view.rect.width)))
    times, values = times[times <= scene.until_ns], values[times <= scene.until_ns]
    ys = np.float64(view.rect.y) + (view.y_top - values.astype(np.float64)) / view.y_per_px
    return pixel_xs(view, times), ys, _joined(times, scene.reader.breaks)


def _joined(times: NDArray[np.int64], breaks: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return whether each point is joined to the next one: not over a gap or a roll. Shape (n - 1,)."""
    if len(times) < 2:
        return np.zeros(0, bool)
    before = np.searchsorted(breaks["start"], times)
    joined: NDArray[np.bool_] = before[1:] == before[:-1]
    return joined


class OrderSizesLegendLayer(CachedLayer):
    """Adds a row of names and newest values at the top of the CVD pane."""

    avoids = True
    follows = LINES

    def key(self, scene: Scene) -> tuple[object, ...]:
        if not is_shown(scene):
            return ()
        view, chart = scene.cvd_view, self._chart
        return scene.order_sizes, self._newest(scene), view.rect, view.scale, scene.style.palette, chart.has_trades

    def _newest(self, scene: Scene) -> tuple[int, ...]:
        sizes = scene.lines.sizes
        count = int(np.searchsorted(sizes.times, scene.until_ns, side="right"))
        return tuple(sizes.values[count - 1].tolist()) if count else ()

    def build(self, scene: Scene) -> None:
        if not is_shown(scene):
            return
        chart, palette = self._chart, scene.style.palette
        rect, scale = scene.cvd_view.rect, scene.cvd_view.scale
        size, glyph, newest = _LABEL_PX * scale, _GLYPH_PX * scale, self._newest(scene)
        names = ranges_of(scene.order_sizes)
        texts = (
            [f"{name}  {signed_text(value)}" for name, value in zip(names, newest, strict=True)] if newest else names
        )
        widths = [glyph + 5 * scale + chart.batches.text.width(text, size) + 14 * scale for text in texts]
        box = self._take(rect, sum(widths), 1.9 * size, scale)
        if box is None:
            return
        chart.batches.over.plate(box.x, box.y, box.width, box.height, palette.ground, alpha=0.75, radius=6 * scale)
        x, y = box.x + 6 * scale, round(box.y + 0.5 * box.height)
        for text, width, color, line in zip(texts, widths, colors_of(palette), _WIDTHS, strict=True):
            chart.batches.over.rect(x, y, glyph, max(1.0, round(line * scale)), color)
            chart.batches.text.add(
                text, round(x + glyph + 5 * scale), y, TextStyle(size, palette.text), is_fleeting=True
            )
            x += width

    def _take(self, rect: Rect, width: float, height: float, scale: float) -> Rect | None:
        """Reserve a free row at the left of the pane, beside or below its caption."""
        left = rect.x + 60 * scale
        for number in range(_MAX_TRIES):
            box = Rect(left, round(rect.y + 4 * scale + number * height), width, height)
            if self._chart.batches.take(box, rect):
                return box
        return None
