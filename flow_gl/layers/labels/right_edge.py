"""Places labels of levels at the right edge, before the bars of the profile.

A label that would overlap another steps to the left, and is left out where there is no room.
"""

import math
from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.sessions import current_profile

_GAP_PX: Final = 8.0
_STEP_PX: Final = 16.0
"""Labels move by such steps as the bars of the profile grow."""
_COLUMNS: Final = 3
_LIVE_PX: Final = 14.0
"""Least distance of a label from the live edge, at scale 1, so that it covers no new bubble."""


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
    """Return the x from which a label covers no bubble of a live chart: right of the live edge, or the pane's left."""
    rect = scene.price_view.rect
    is_in_view = rect.x <= scene.live_x_px < rect.right
    return scene.live_x_px + _LIVE_PX * scene.price_view.scale if is_in_view else rect.x


def take_place(chart: Chart, scene: Scene, box: Rect, least: float) -> Rect | None:
    """Reserve a free place for a label on its line: where the box is, or further left.

    Parameters
    ----------
    least : left end of the room for labels, px

    Returns
    -------
    place : None if there is no room
    """
    rect, right = scene.price_view.rect, box.right
    for _ in range(_COLUMNS):
        place = Rect(right - box.width, box.y, box.width, box.height)
        met = [other.x for other in chart.batches.placed if place.overlaps(other)]
        if not met and place.x >= least and chart.batches.take(place, rect):
            return place
        right = min(met, default=rect.x) - _GAP_PX * scene.price_view.scale
    return None
