"""An event on the chart, and why it happened. A kind of event adds its sentence to `REASONS`."""

from bisect import bisect_left
from collections.abc import Callable, Hashable
from typing import Final

import numpy as np

from flow_gl.core.event_kinds import EventKind
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_NEAR_PX: Final = 4.0
_LET_GO_PX: Final = 30.0
"""The tooltip stays while the event is no farther from the mouse than this, at content scale 1."""


def _zero_cross(event: np.void) -> tuple[str, list[Line], str]:
    after, extreme, arm = int(event["value"][0]), int(event["value"][1]), int(event["strength"])
    is_up = int(event["direction"]) > 0
    title = f"CVD zero cross, {'bullish' if is_up else 'bearish'}"
    lines: list[Line] = [
        ("CVD", words.signed(after), after),
        ("Before", f"{words.signed(extreme)} at most", extreme),
    ]
    side, other = ("below", "above") if is_up else ("above", "below")
    reason = f"CVD had been at least {words.number(arm)} {side} zero; this trade was the first to take it {other} zero."
    return title, lines, reason


REASONS: Final[dict[int, Callable[[np.void], tuple[str, list[Line], str]]]] = {EventKind.ZERO_CROSS: _zero_cross}
"""Title, lines and reason of an event, by its kind. Kinds that are not here have no tooltip."""


def find(spot: Spot) -> Hashable | None:
    """Return time and kind of the event whose line is nearest to a point; None if none is near."""
    scene = spot.scene
    panes = scene.price_view.rect, scene.cvd_view.rect
    if "events" not in scene.style.is_visible or not any(pane.contains(spot.x, spot.y) for pane in panes):
        return None
    reach = _NEAR_PX * spot.scale
    near = [
        (abs(scene.price_view.screen_x(int(event["ts_event"])) - spot.x), int(event["ts_event"]), int(event["kind"]))
        for event in _between(scene, scene.price_view.time_at(spot.x - reach), scene.price_view.time_at(spot.x + reach))
        if int(event["kind"]) in REASONS
    ]
    return min(near)[1:] if near else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return an event's numbers and why it happened."""
    assert isinstance(key, tuple)
    at_ns, kind = key
    if abs(spot.scene.price_view.screen_x(at_ns) - spot.x) > _LET_GO_PX * spot.scale:
        return None
    event = next((one for one in _between(spot.scene, at_ns, at_ns) if int(one["kind"]) == kind), None)
    if event is None:
        return None
    title, lines, reason = REASONS[kind](event)
    tick_size = tick_size_of(spot.scene)
    place: list[Line] = [
        ("Date", words.day(at_ns), 0),
        ("Time", f"{words.clock(at_ns, milliseconds=True)} {words.ZONE_NAME}", 0),
        ("Price", words.price(int(event["price"]), tick_size), 0),
    ]
    return Tip(title, place + lines, [reason])


def _between(scene: Scene, start_ns: int, end_ns: int) -> list[np.void]:
    """Return the EVENT rows of a time range, both ends included, that the chart shows."""
    events = scene.reader.events

    def time_of(position: int) -> int:
        _, rows = events.read(position, position + 1)
        return int(rows["ts_event"][0]) if len(rows) else -1

    start_ns, end_ns = max(start_ns, scene.hidden_before_ns), min(end_ns, scene.until_ns)
    positions = range(events.oldest, events.head)
    start, stop = (positions.start + bisect_left(positions, t_ns, key=time_of) for t_ns in (start_ns, end_ns + 1))
    _, rows = events.read(start, max(start, stop))
    return list(rows)
