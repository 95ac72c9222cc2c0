"""A developing line: POC, VAH or VAL as it was at the end of a minute, and since when."""

from collections.abc import Hashable
from typing import Final

import numpy as np

from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.lines.book import DEVELOPING, MINUTE_COLUMNS
from flow_gl.layers.lines.developing import minutes_of
from flow_gl.layers.sessions import sessions_in_view
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.level import RULES
from flow_gl.ui.overlays.hover.tip import Spot, Tip

_NEAR_PX: Final = 3.0
"""A line counts as pointed at up to this far from it, ..."""
_LET_GO_PX: Final = 14.0
"""... and stays so while it is no farther from the mouse. At content scale 1."""


def find(spot: Spot) -> Hashable | None:
    """Return the column of the line nearest to a point; None if none is near."""
    row = _row_at(spot)
    if row is None:
        return None
    distances = [_distance(spot, int(price)) for price in row[2]]
    nearest = int(np.argmin(distances))
    return MINUTE_COLUMNS[nearest] if distances[nearest] <= _NEAR_PX * spot.scale else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return what a line showed at the mouse's time."""
    row = _row_at(spot)
    if row is None:
        return None
    end_ns, since_ns, values = row
    column = MINUTE_COLUMNS.index(str(key))
    price, name = int(values[column]), str(key).upper()
    if _distance(spot, price) > _LET_GO_PX * spot.scale:
        return None
    rule = RULES[name](spot.settings)
    lines = [
        ("Value", words.price(price, tick_size_of(spot.scene)), 0.0),
        ("At", f"{words.since(end_ns, spot.scene.now_ns)} {words.ZONE_NAME}", 0.0),
        ("Since", f"{words.since(int(since_ns[column]), spot.scene.now_ns)} {words.ZONE_NAME}", 0.0),
    ]
    until = "From the trades up to the end of that minute; it never changes afterwards."
    return Tip(f"Developing {name}", lines, [f"{rule[0].upper()}{rule[1:]}.", until])


def _row_at(spot: Spot) -> tuple[int, np.ndarray, np.ndarray] | None:
    """Return the minute's end at a point (ns), since when each of its values applies (ns), and the values (1e-9)."""
    scene = spot.scene
    if DEVELOPING not in scene.style.is_visible or not scene.price_view.rect.contains(spot.x, spot.y):
        return None
    t_ns = scene.price_view.time_at(spot.x)
    session = next((one for one, left, right in sessions_in_view(scene) if left <= spot.x < right), None)
    if session is None or t_ns > min(scene.now_ns, scene.until_ns):
        return None
    times, values = minutes_of(scene, session, session.start_ns, t_ns)
    if not len(times) or times[0] > t_ns:
        return None
    changed = values[1:] != values[:-1]
    last = (
        np.where(changed.any(axis=0), len(changed) - np.argmax(changed[::-1], axis=0), 0) if len(changed) else [0] * 3
    )
    return int(times[-1]), times[last], values[-1]


def _distance(spot: Spot, price: int) -> float:
    return abs(spot.scene.price_view.screen_y(price / tick_size_of(spot.scene)) - spot.y)
