"""A row of a profile: its price, contracts by side, delta, and its share of the session or range."""

from collections.abc import Hashable
from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.profile_bars import FILL, ProfileRecord, merged_rows, rows_per_bar_of
from flow_gl.layers.ranges.places import marked_profile
from flow_gl.layers.sessions import current_profile, finished_profile, sessions_in_view
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_NEAR_PX: Final = 6.0
"""A bar counts as pointed at up to this far from its end, ..."""
_LET_GO_PX: Final = 12.0
"""... and stays so while the mouse is no farther above or below it. At content scale 1."""


_MARKED: Final = "Of the range"
_IN_VIEW: Final = "Of the visible range"
_SESSION: Final = "Of the session"


def _profiles(scene: Scene) -> list[tuple[tuple[str, int], ProfileRecord, Rect]]:
    """Return the profiles in view: what each is of, its profile, and the place it is drawn in.

    A session is named by its first trade (ns).
    """
    found: list[tuple[tuple[str, int], ProfileRecord, Rect]] = []
    if scene.marked is not None:
        found.append(((_MARKED, 0), scene.marked.as_profile(), marked_profile(scene)))
    if "profile" not in scene.style.is_visible:
        return found
    if scene.in_view is not None:
        found.append(((_IN_VIEW, 0), scene.in_view.as_profile(), scene.profile_rect))
    else:
        first_ts = int(scene.reader.session["first_ts"])
        found.append(((_SESSION, first_ts), scene.reader.profile, current_profile(scene)))
    if "earlier_profiles" in scene.style.is_visible:
        for session, left, right in sessions_in_view(scene):
            if session.is_finished:
                place = finished_profile(scene, left, right)
                found.append(((_SESSION, int(session.numbers["first_ts"])), session.levels, place))
    return found


def find(spot: Spot) -> Hashable | None:
    """Return what the profile is of, the number of the bar at a point, and how many rows of the price grid it has."""
    for name, profile, rect in _profiles(spot.scene):
        number = _bar_at(spot, profile, rect)
        if number is not None:
            return name, number, rows_per_bar_of(profile, spot.scene, tick_size_of(spot.scene))
    return None


def _bar_at(spot: Spot, profile: ProfileRecord, rect: Rect) -> int | None:
    """Return the number of a profile's bar at a point."""
    scene = spot.scene
    count = rows_per_bar_of(profile, scene, tick_size_of(scene))
    if count == 0 or not rect.contains(spot.x, spot.y):
        return None
    bar_size = int(profile["tick_size"]) * int(profile["ticks_per_row"]) * count
    price = scene.price_view.y_at(spot.y) * tick_size_of(scene)
    number = int((price + 0.5 * int(profile["tick_size"])) // bar_size)
    numbers, bars = merged_rows(profile, count)
    at = int(numbers.searchsorted(number))
    if at == len(numbers) or int(numbers[at]) != number:
        return None
    totals = bars.sum(axis=1)
    length = FILL * rect.width * int(totals[at]) / max(1, int(totals.max()))
    return number if spot.x >= rect.right - length - _NEAR_PX * spot.scale else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return the contracts of a bar, exactly as the engine has them."""
    assert isinstance(key, tuple)
    name, number, count = key
    scene = spot.scene
    profile = next((profile for one, profile, _ in _profiles(scene) if one == name), None)
    if profile is None or count != rows_per_bar_of(profile, scene, tick_size_of(scene)):
        return None
    tick_size = int(profile["tick_size"])
    bar_size = tick_size * int(profile["ticks_per_row"]) * count
    low, high = number * bar_size, (number + 1) * bar_size - tick_size
    axis, view = tick_size_of(scene), scene.price_view
    top, bottom = (view.screen_y((end + half * tick_size) / axis) for end, half in ((high, 0.5), (low, -0.5)))
    if not top - _LET_GO_PX * spot.scale <= spot.y <= bottom + _LET_GO_PX * spot.scale:
        return None
    numbers, bars = merged_rows(profile, count)
    at = int(numbers.searchsorted(number))
    if at == len(numbers) or int(numbers[at]) != number:
        return None
    buy, sell, unsided = (int(contracts) for contracts in bars[at])
    total = buy + sell + unsided
    price = words.price(low, axis)
    lines: list[Line] = [
        ("Price", price if low == high else f"{price} \u2013 {words.price(high, axis)}", 0),
        ("Total", words.number(total), 0),
        ("Buy", words.number(buy), 1),
        ("Sell", words.number(sell), -1),
        ("No side", words.number(unsided), 0),
        ("Delta", words.signed(buy - sell), buy - sell),
        (name[0], f"{100 * total / int(bars.sum()):.2f} %", 0),
    ]
    return Tip("", lines)
