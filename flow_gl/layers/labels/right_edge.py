"""Places labels of levels at the right edge, between the newest bubbles and the bars of the profile.

A label that would overlap another steps to the left. Where a newest bubble reaches into its place, or the bars leave no
room, the label is at the left end of its line instead, like those of POC and value area; it is left out where that is
taken, too. A label that has stepped aside for a bubble comes back only once that is well away, so it does not flicker.
"""

import math
from collections.abc import Sequence
from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radii, radius_range, reference_of, tick_size_of, volumes
from flow_gl.layers.labels.levels import first_px, free_place
from flow_gl.layers.rows.hit import rows_within, visible_ids
from flow_gl.layers.sessions import current_profile

_GAP_PX: Final = 8.0
_STEP_PX: Final = 16.0
"""Labels move by such steps as the bars of the profile grow."""
_COLUMNS: Final = 3
_LIVE_PX: Final = 14.0
"""Least distance of a label from the live edge, at scale 1."""
_RETURN_PX: Final = 24.0
"""A label comes back to the right edge once the newest bubbles are this far above or below it, at scale 1."""
_LEFT_SHARE: Final = 0.6
"""Labels that have stepped aside are in this share of the width, from the left end of their line."""


def label_right(chart: Chart, scene: Scene, y: int, size: float) -> int:
    """Return the x before which a label at some height covers no bar of the profile, in steps of some pixels.

    Parameters
    ----------
    y : middle of the label, px
    size : of its text, px
    """
    step = round(_STEP_PX * scene.price_view.scale)
    rect, bars, place = scene.price_view.rect, chart.current_bars, current_profile(scene)
    right = rect.right - 6 * scene.price_view.scale
    if bars is None or place.width <= 0 or "profile" not in scene.style.is_visible:
        return round(right)
    tick_size = chart.shown.tick_size
    heights = (y + part * 0.25 * size for part in range(-3, 4))
    prices = [int(scene.price_view.y_at(height) // 1) * tick_size for height in heights]
    longest = max(bars.length_px(price, place.width) for price in prices)
    return round(min(right, place.right - step * math.ceil((longest + 0.5 * size) / step)))


def newest_px(scene: Scene) -> float:
    """Return the x from which the room for labels begins: right of the live edge, or the pane's left."""
    rect = scene.price_view.rect
    is_in_view = rect.x <= scene.live_x_px < rect.right
    return scene.live_x_px + _LIVE_PX * scene.price_view.scale if is_in_view else rect.x


class NewestDiscs:
    """Says at which heights the newest bubbles reach into the room for labels right of the live edge."""

    def __init__(self) -> None:
        self._aside: set[int] = set()
        """Prices (1e-9) of the levels whose labels have stepped aside."""
        self._extents: list[tuple[float, float]] = []

    def read(self, scene: Scene) -> None:
        """Find the bubbles that reach into the room, with the open one; there is none while the live edge is away."""
        view, bucket_ns = scene.price_view, scene.reader.widths_ns[scene.lod]
        self._extents.clear()
        if not view.rect.x <= scene.live_x_px < view.rect.right or "bubbles" not in scene.style.is_visible:
            return
        least, (first, last) = newest_px(scene), visible_ids(scene)
        first = max(first, view.time_at(least - radius_range(scene.style, view.scale)[1]) // bucket_ns - 1)
        if first > last:
            return
        rows = rows_within(scene.reader, scene.lod, (first * bucket_ns, last * bucket_ns))
        volume = volumes(rows)
        radius = radii(volume, reference_of(scene), scene.style, view.scale)
        is_met = (view.bubble_xs(rows["id"], bucket_ns) + radius > least) & (volume >= scene.style.size_floor)
        ys = view.rect.y + (view.y_top - rows["price"] / tick_size_of(scene)) / view.y_per_px
        self._extents += zip((ys - radius)[is_met].tolist(), (ys + radius)[is_met].tolist(), strict=True)

    def meet(self, scene: Scene, price: int, y: float, size: float) -> bool:
        """Return whether the label of a level must step aside.

        Parameters
        ----------
        price : of the level, 1e-9
        y : middle of its label, px
        size : of its text, px
        """
        reach = 0.75 * size + (_RETURN_PX * scene.price_view.scale if price in self._aside else 0.0)
        is_met = any(top < y + reach and y - reach < bottom for top, bottom in self._extents)
        (self._aside.add if is_met else self._aside.discard)(price)
        return is_met


def place_label(
    chart: Chart, scene: Scene, widths: Sequence[float], box: Rect, *, line_left: float, is_aside: bool
) -> tuple[int, Rect] | None:
    """Reserve a place for the label of a level.

    Parameters
    ----------
    widths : of its texts, px, the longest first
    box : its place where nothing is in the way; of its width only the right end counts
    line_left : left end of its line, px
    is_aside : whether a newest bubble is in the way

    Returns
    -------
    place : index of the text that has room, and its box; None if none has
    """
    least = max(line_left, round(newest_px(scene)))
    for at, width in enumerate(() if is_aside else widths):
        place = take_place(chart, scene, Rect(box.right - width, box.y, width, box.height), least)
        if place is not None:
            return at, place
    rect, scale = scene.price_view.rect, scene.price_view.scale
    begin, placed = max(line_left, rect.x), [(one.x, one.y, one.right, one.bottom) for one in chart.batches.placed]
    for at, width in enumerate(widths):
        first = first_px(begin, rect.right, width, box.height / 1.5, scale)
        found = free_place(first, box.y + 0.5 * box.height, (width, box.height), placed, _GAP_PX * scale)
        if found is not None and found[2] <= begin + max(_LEFT_SHARE * (rect.right - begin), 0.0):
            place = Rect(found[0], found[1], width, box.height)
            if chart.batches.take(place, rect):
                return at, place
    return None


def take_place(chart: Chart, scene: Scene, box: Rect, least: float) -> Rect | None:
    """Reserve a free place on a line: where the box is, or further left; None if there is none right of `least`."""
    rect, right = scene.price_view.rect, box.right
    for _ in range(_COLUMNS):
        place = Rect(right - box.width, box.y, box.width, box.height)
        met = [other.x for other in chart.batches.placed if place.overlaps(other)]
        if not met and place.x >= least and chart.batches.take(place, rect):
            return place
        right = min(met, default=rect.x) - _GAP_PX * scene.price_view.scale
    return None
