"""A line of CVD by order size: its value at a time, the orders that it counts, and since when."""

from collections.abc import Hashable
from typing import Final

import numpy as np

from flow_gl.layers.lines.book import SIZE_COLUMNS
from flow_gl.layers.lines.order_sizes import is_shown, points_in_view, ranges_of
from flow_gl.layers.sessions import sessions_of
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_NEAR_PX: Final = 3.0
"""A line counts as pointed at up to this far from it, ..."""
_LET_GO_PX: Final = 14.0
"""... and stays so while it is no farther from the mouse. At content scale 1."""


def find(spot: Spot) -> Hashable | None:
    """Return the index of the line nearest to a point; None if none is near."""
    heights = _heights(spot)
    if heights is None:
        return None
    distances = np.abs(heights - spot.y)
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] <= _NEAR_PX * spot.scale else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return what a line showed at the mouse's time."""
    heights, scene = _heights(spot), spot.scene
    assert isinstance(key, int)
    if heights is None or abs(heights[key] - spot.y) > _LET_GO_PX * spot.scale:
        return None
    sizes, t_ns = scene.lines.sizes, scene.cvd_view.time_at(spot.x)
    at = max(int(np.searchsorted(sizes.times, t_ns, side="right")) - 1, 0)
    end_ns, value = int(sizes.times[at]), int(sizes.values[at, key])
    started = [one for one in sessions_of(scene.reader) if one.start_ns < end_ns]
    lines: list[Line] = [
        ("Value", words.signed(value), value),
        ("At", f"{words.since(end_ns, scene.now_ns)} {words.ZONE_NAME}", 0),
    ]
    since_ns = int(started[-1].numbers["cvd_since"]) if started else 0
    if 0 < since_ns <= end_ns:
        lines.append(("Since", f"{words.since(since_ns, scene.now_ns)} {words.ZONE_NAME}", 0))
    contracts = ranges_of(scene.order_sizes)[key]
    name = SIZE_COLUMNS[key]
    rule = f"Contracts bought minus contracts sold by {name} orders, those of {contracts} contracts"
    order = "An order is all consecutive trades of the same time and side. The three lines add up to CVD."
    return Tip(f"CVD of {name} orders, {contracts}", lines, [f"{rule}.", order])


def _heights(spot: Spot) -> np.ndarray | None:
    """Return the screen y of the three lines at a point's x; None where there are none."""
    scene, view = spot.scene, spot.scene.cvd_view
    if not is_shown(scene) or not view.rect.contains(spot.x, spot.y):
        return None
    if view.time_at(spot.x) > min(scene.now_ns, scene.until_ns):
        return None
    xs, ys, joined = points_in_view(scene)
    if not len(xs) or spot.x < xs[0]:
        return None
    at = int(np.searchsorted(xs, spot.x, side="right")) - 1
    if at == len(xs) - 1 or not joined[at]:
        return np.asarray(ys[at])
    share = (spot.x - xs[at]) / (xs[at + 1] - xs[at])
    return np.asarray(ys[at] + share * (ys[at + 1] - ys[at]))
