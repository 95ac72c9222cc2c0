"""Initial balance, opening range and naked POCs: the value, the rule, and since when it holds."""

from collections.abc import Hashable
from typing import Final

from flow_gl.core.settings import AggregationSettings
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.fixed_levels import EXTENSIONS, INITIAL, NAKED, FixedLevel, day_text, fixed_levels, line_left
from flow_gl.layers.labels.levels import PARTIAL_SUFFIX
from flow_gl.layers.labels.session_levels import ranges_of
from flow_gl.layers.sessions import sessions_in_view
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Spot, Tip

_NEAR_PX: Final = 3.0
"""A line counts as pointed at up to this far from it, ..."""
_LET_GO_PX: Final = 14.0
"""... and stays so while it is no farther from the mouse. At content scale 1."""


def find(spot: Spot) -> Hashable | None:
    """Return name and price of the level whose line is nearest to a point; None if none is near."""
    scene = spot.scene
    if not scene.price_view.rect.contains(spot.x, spot.y) or not int(scene.reader.session["trade_count"]):
        return None
    near = [
        (_distance(spot, one), rank, one)
        for rank, (one, left, right) in enumerate(_lines(scene))
        if left <= spot.x < right
    ]
    if not near:
        return None
    distance, _, one = min(near, key=lambda found: found[:2])
    return _key(one) if distance <= _NEAR_PX * spot.scale else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return what a level is."""
    one = next((one for one, _, _ in _lines(spot.scene) if _key(one) == key), None)
    if one is None or _distance(spot, one) > _LET_GO_PX * spot.scale:
        return None
    if not spot.scene.price_view.rect.contains(spot.x, spot.y):
        return None
    lines = [("Value", words.price(one.level.price, tick_size_of(spot.scene)), 0.0)]
    if one.kind == NAKED:
        lines.append(("Trade date", day_text(one.trade_date), 0.0))
    if one.since_ns:
        lines.append(("Since", f"{words.since(one.since_ns, spot.scene.now_ns)} {words.ZONE_NAME}", 0.0))
    notes = [rule_of(one, spot.settings)]
    if not one.is_frozen:
        notes.append("It is still forming.")
    if one.level.name.endswith(PARTIAL_SUFFIX):
        notes.append("The session's data begin after the open of regular hours.")
    return Tip(one.level.name.removesuffix(PARTIAL_SUFFIX), lines, notes)


def _key(one: FixedLevel) -> Hashable:
    return one.level.name, one.level.price, one.since_ns


def _lines(scene: Scene) -> list[tuple[FixedLevel, float, float]]:
    """Return the lines with their left and right ends (px), those of the running session first."""
    right = scene.price_view.rect.right
    found = [(one, line_left(scene, one), right) for one in fixed_levels(scene)]
    for session, left, end in sessions_in_view(scene):
        if session.is_finished:
            found += ranges_of(scene, session, left, end)
    return found


def rule_of(one: FixedLevel, settings: AggregationSettings) -> str:
    """Return the rule of a level as a sentence."""
    if one.kind == NAKED:
        return "The price with the most volume in an earlier session; nothing has traded there since its close."
    name = one.level.name.removesuffix(PARTIAL_SUFFIX)
    if one.kind == EXTENSIONS:
        end, sign = ("high", "above") if "+" in name else ("low", "below")
        times = {1: "one range", 2: "two ranges", 3: "three ranges"}[one.factor]
        return f"The initial balance extended by {times} {sign} its {end}."
    minutes = settings.initial_balance_minutes if one.kind == INITIAL else settings.opening_range_minutes
    length = "minute" if minutes == 1 else f"{minutes} minutes"
    end = "Highest" if name.endswith("high") else "Lowest"
    return f"{end} price of the first {length} of regular hours, from 09:30 ET."


def _distance(spot: Spot, one: FixedLevel) -> float:
    scene: Scene = spot.scene
    return abs(scene.price_view.screen_y(one.level.price / tick_size_of(scene)) - spot.y)
