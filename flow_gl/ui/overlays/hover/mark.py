"""The marks of the detectors: the numbers of an event and one sentence on why it was found.

A ring, a line and the left edge of a zone are found before a bubble there, what they surround after it.
"""

import math
from collections.abc import Callable, Hashable
from typing import Final

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.settings import AggregationSettings
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import reference_of, tick_size_of
from flow_gl.layers.marks import absorption, divergence, large_trade, stacked_imbalance
from flow_gl.layers.marks.mark import NEVER, Mark
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Line, Spot, Tip

_NEAR_PX: Final = 5.0
"""A ring or a line counts as pointed at up to this far from it, ..."""
_LET_GO_PX: Final = 24.0
"""... and a mark stays so while it is no farther from the mouse. At content scale 1."""
_Explanation = tuple[str, list[Line], str]


def find_line(spot: Spot) -> Hashable | None:
    """Return the mark whose ring, line or left edge passes through a point; None if none does."""
    return _nearest(spot, _to_line, _NEAR_PX)


def find_area(spot: Spot) -> Hashable | None:
    """Return the mark whose ring or zone surrounds a point; None if none does."""
    return _nearest(spot, _to_area, 0.0)


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return why a mark is there, while it is shown and near."""
    mark = next((one for one in spot.scene.marks.shown if _key(one) == key), None)
    if mark is None or min(_to_line(spot, mark), _to_area(spot, mark)) > _LET_GO_PX * spot.scale:
        return None
    title, lines, reason = REASONS[mark.kind](mark, tick_size_of(spot.scene), spot.settings)
    way = "bullish" if mark.direction > 0 else "bearish"
    first: list[Line] = [("Known at", f"{words.clock(mark.t_ns, milliseconds=True)} {words.ZONE_NAME}", 0)]
    return Tip(f"{title}, {way}", first + lines, [reason])


def _key(mark: Mark) -> tuple[int, int, int, int]:
    return mark.kind, mark.t_ns, mark.price, mark.direction


def _nearest(spot: Spot, distance: Callable[[Spot, Mark], float], reach_px: float) -> Hashable | None:
    near = [(distance(spot, mark), -mark.strength, _key(mark)) for mark in spot.scene.marks.shown]
    found = min(near, default=(math.inf, 0.0, None))
    return found[2] if found[0] <= reach_px * spot.scale else None


def _to_line(spot: Spot, mark: Mark) -> float:
    """Return the distance of a point from a mark's ring, line or left edge, px."""
    scene, at = spot.scene, (spot.x, spot.y)
    if mark.kind == EventKind.LARGE_TRADE and scene.price_view.rect.contains(*at):
        x, y, radius = large_trade.ring_of(scene, mark, reference_of(scene))
        return abs(math.dist((x, y), at) - radius)
    lines = divergence.lines_of(scene, mark)
    if lines is None:
        box = _box_of(scene, mark)
        return math.inf if box is None else _to_segment(at, (box.x, box.y), (box.x, box.bottom))
    line = lines[0] if scene.price_view.rect.contains(*at) else lines[1]
    return _to_segment(at, *line)


def _to_area(spot: Spot, mark: Mark) -> float:
    """Return the distance of a point from what a mark surrounds, px: 0 inside, infinite where nothing is surrounded."""
    scene = spot.scene
    if not scene.price_view.rect.contains(spot.x, spot.y):
        return math.inf
    if mark.kind == EventKind.LARGE_TRADE:
        x, y, radius = large_trade.ring_of(scene, mark, reference_of(scene))
        return max(0.0, math.dist((x, y), (spot.x, spot.y)) - radius)
    box = _box_of(scene, mark)
    if box is None:
        return math.inf
    dx = max(box.x - spot.x, 0.0, spot.x - box.right)
    return math.hypot(dx, max(box.y - spot.y, 0.0, spot.y - box.bottom))


def _box_of(scene: Scene, mark: Mark) -> Rect | None:
    """Return the zone of a mark; None if it has none, or none in view."""
    if mark.kind == EventKind.ABSORPTION:
        return absorption.box_of(scene, mark)
    return stacked_imbalance.box_of(scene, mark) if mark.kind == EventKind.STACKED_IMBALANCE else None


def _to_segment(at: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    length = math.dist(a, b)
    share = 0.0 if length == 0 else ((at[0] - a[0]) * (b[0] - a[0]) + (at[1] - a[1]) * (b[1] - a[1])) / length**2
    share = min(max(share, 0.0), 1.0)
    return math.dist(at, (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))


def _large_trade(mark: Mark, tick_size: int, _settings: AggregationSettings) -> _Explanation:
    ticks, contracts = large_trade.slippage_ticks(mark, tick_size), words.number(int(mark.strength))
    done = "bought" if mark.direction > 0 else "sold"
    moved = f" and moved the price {_ticks(ticks)}" if ticks else ""
    lines: list[Line] = [
        ("Contracts", contracts, mark.direction),
        ("First price", words.price(int(mark.inputs[0]), tick_size), 0),
        ("Last price", words.price(mark.price, tick_size), 0),
        ("Slippage", _ticks(ticks), 0),
        ("Threshold", words.number(int(mark.inputs[1])), 0),
    ]
    return "Large trade", lines, f"One aggressive order {done} {contracts} contracts{moved}."


def _absorption(mark: Mark, tick_size: int, settings: AggregationSettings) -> _Explanation:
    delta, move, span, least = mark.inputs
    done, undone, other = ("bought", "sold", "sellers") if delta > 0 else ("sold", "bought", "buyers")
    lines: list[Line] = [
        ("Price", words.price(mark.price, tick_size), 0),
        ("Delta", words.signed(int(delta)), delta),
        ("At least", words.number(least, 1), 0),
        ("Price moved", _ticks(int(move)), 0),
        ("Range", _ticks(int(span)), 0),
        ("Strength", f"{mark.strength:.2f}", 0),
        ("Traded through", _end(mark), 0),
    ]
    reason = (
        f"Within {settings.absorption_window_s} s, {words.number(abs(int(delta)))} more contracts were {done} than "
        f"{undone}, yet price moved by only {_ticks(abs(int(move)))}: {other} absorbed them."
    )
    return "Absorption", lines, reason


def _divergence(mark: Mark, tick_size: int, _settings: AggregationSettings) -> _Explanation:
    assert mark.pivots is not None
    earlier, later = mark.pivots
    price, cvd = ("higher high", "lower high") if mark.direction < 0 else ("lower low", "higher low")
    difference = words.number(mark.strength)
    lines: list[Line] = [
        ("Pivots", f"{words.clock(earlier.t_ns)}, {words.clock(later.t_ns)}", 0),
        ("Prices", f"{words.price(earlier.price, tick_size)}, {words.price(later.price, tick_size)}", 0),
        ("CVD differs by", difference, 0),
    ]
    return "Delta divergence", lines, f"Price made a {price} than at the previous pivot, CVD a {cvd}, by {difference}."


def _stacked(mark: Mark, tick_size: int, settings: AggregationSettings) -> _Explanation:
    low, high = words.price(mark.price, tick_size), words.price(int(mark.inputs[0]), tick_size)
    side, other, where = ("bought", "sold", "lower") if mark.direction > 0 else ("sold", "bought", "higher")
    lines: list[Line] = [
        ("Prices", f"{low} \u2013 {high}", 0),
        ("Adjacent ticks", words.number(int(mark.strength)), 0),
        ("Traded through", _end(mark), 0),
    ]
    reason = (
        f"Within one minute, each of {words.number(int(mark.strength))} adjacent prices had at least "
        f"{settings.stacked_imbalance_contracts} contracts {side}, and at least "
        f"{settings.stacked_imbalance_ratio:g} times as many as were {other} one tick {where}."
    )
    return "Stacked imbalance", lines, reason


REASONS: Final[dict[int, Callable[[Mark, int, AggregationSettings], _Explanation]]] = {
    EventKind.LARGE_TRADE: _large_trade,
    EventKind.ABSORPTION: _absorption,
    EventKind.DIVERGENCE: _divergence,
    EventKind.STACKED_IMBALANCE: _stacked,
}
"""Title, lines and reason of a mark, by its kind."""


def _ticks(count: int) -> str:
    return f"{words.number(count)} tick{'' if abs(count) == 1 else 's'}"


def _end(mark: Mark) -> str:
    return "not yet" if mark.end_ns == NEVER else words.clock(mark.end_ns)
