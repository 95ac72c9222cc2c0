"""A row of the session's profile: its price, contracts by side, delta, and its share of the session."""

from collections.abc import Hashable
from typing import Final

from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.profile import FILL, merged_rows, rows_per_bar
from flow_gl.layers.rolls import contract_profile
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_NEAR_PX: Final = 6.0
"""A bar counts as pointed at up to this far from its end, ..."""
_LET_GO_PX: Final = 12.0
"""... and stays so while the mouse is no farther above or below it. At content scale 1."""


def find(spot: Spot) -> Hashable | None:
    """Return the number of the bar at a point, and how many rows of the price grid a bar has."""
    scene = spot.scene
    profile, rect = scene.reader.profile, contract_profile(scene)
    count = rows_per_bar(scene)
    if "profile" not in scene.style.is_visible or count == 0 or not rect.contains(spot.x, spot.y):
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
    return (number, count) if spot.x >= rect.right - length - _NEAR_PX * spot.scale else None


def tell(spot: Spot, key: Hashable) -> Tip | None:
    """Return the contracts of a bar, exactly as the engine has them."""
    assert isinstance(key, tuple)
    number, count = key
    scene = spot.scene
    if count != rows_per_bar(scene):
        return None
    profile, tick_size = scene.reader.profile, int(scene.reader.profile["tick_size"])
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
        ("Of the session", f"{100 * total / int(profile['total']):.2f} %", 0),
    ]
    return Tip("", lines)
