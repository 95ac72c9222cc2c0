"""Which discs get a number, and where: the rule of `layers.labels.count_places` for a first choice, disc by disc.

Numbers that already have a place are not covered; other tests check those.
"""

import math
from collections.abc import Sequence
from functools import partial

from flow_gl.gl.view import Rect
from flow_gl.layers.labels import count_places as rule
from flow_gl.layers.labels.count_boxes import Discs, Kind, Place

Box = tuple[float, float, float, float]
SIDES_FIRST = ((-1, 0), (-1, -1), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 1), (1, 0))
UP_FIRST = ((0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1), (-1, 0), (1, 0))


def box_of(discs: Discs, at: int, place: Place, grown: float = 0.0) -> Box:
    x, y = float(discs.x[at]) + place.dx, float(discs.y[at]) + place.dy
    wide, high = float(discs.half_width[at]) + grown, float(discs.half_height[at]) + grown
    return x - wide, y - high, x + wide, y + high


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def leader_of(discs: Discs, at: int, place: Place) -> Box:
    """Both ends of the line from a disc to its number."""
    x, y = float(discs.x[at]), float(discs.y[at])
    return x, y, x + place.dx, y + place.dy


def crosses(line: Box, box: Box) -> bool:
    """Whether a line has a point inside a box: cut at each border in turn (Sutherland and Hodgman)."""
    (ax, ay, bx, by), (left, top, right, bottom) = line, box
    for bound, sign, is_x in ((left, 1, True), (right, -1, True), (top, 1, False), (bottom, -1, False)):
        a, b = (ax, bx) if is_x else (ay, by)
        a_in, b_in = sign * (a - bound) > 0, sign * (b - bound) > 0
        if not a_in and not b_in:
            return False
        if a_in != b_in:
            share = (bound - a) / (b - a)
            x, y = ax + share * (bx - ax), ay + share * (by - ay)
            ax, ay, bx, by = (x, y, bx, by) if b_in else (ax, ay, x, y)
            if is_x:
                ax, bx = (bound + sign * 1e-12, bx) if b_in else (ax, bound + sign * 1e-12)
            else:
                ay, by = (bound + sign * 1e-12, by) if b_in else (ay, bound + sign * 1e-12)
    return True


def touches(discs: Discs, at: int, box: Box) -> bool:
    dx = max(box[0] - discs.x[at], 0.0, discs.x[at] - box[2])
    dy = max(box[1] - discs.y[at], 0.0, discs.y[at] - box[3])
    return bool(dx * dx + dy * dy < discs.radius[at] ** 2)


def crosses_ring(box: Box, ring: tuple[float, float, float], reach: float) -> bool:
    """Whether a box has a point at less than `reach` from a circle."""
    x, y, radius = ring
    nearest = math.dist((x, y), (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])))
    farthest = max(math.dist((x, y), corner) for corner in ((a, b) for a in box[::2] for b in box[1::2]))
    return nearest < radius + reach and farthest > radius - reach


def choose(
    discs: Discs, pane: Rect, *, taken: list[Rect], scale: float, rings: Sequence[tuple[float, float, float]] = ()
) -> dict[int, Place]:
    """Return the places of a first choice, by bucket id."""
    count = len(discs.x)
    order = sorted(range(count), key=lambda at: (-int(discs.volume[at]), at))
    margin = rule.MARGIN_PX * scale
    placed: dict[int, Place] = {}
    covered = 0
    for at in order:
        room = _room(discs, at, scale)
        if room < 0:
            continue
        places = [Place(Kind.MIDDLE, 0.0, 0.0)]
        is_visible = partial(_is_visible, discs, at, margin=margin, rings=rings, reach=rule.RING_PX * scale)
        if not is_visible(places[0]):
            covered += 1
            if covered > rule.MAX_COVERED:
                continue
            shares = [(share, way) for share in rule.INSIDE_SHARES for way in SIDES_FIRST]
            places = [
                Place(Kind.INSIDE, room * share * x / math.hypot(x, y), room * share * y / math.hypot(x, y))
                for share, (x, y) in shares
            ]
        found = next(filter(is_visible, places), None)
        if found is not None:
            placed[at] = found
    boxes = [(r.x, r.y, r.right, r.bottom) for r in taken]
    _choose_beside(discs, pane, order, placed, taken=boxes, scale=scale, rings=rings)
    return {int(discs.ids[at]): place for at, place in placed.items()}


def _choose_beside(
    discs: Discs,
    pane: Rect,
    order: list[int],
    placed: dict[int, Place],
    *,
    taken: list[Box],
    scale: float,
    rings: Sequence[tuple[float, float, float]],
) -> None:
    margin, gap = rule.MARGIN_PX * scale, rule.GAP_PX * scale
    inside = [box_of(discs, at, place) for at, place in placed.items()]
    beside: list[Box] = []
    leaders: list[Box] = []
    in_pane = [at for at in order if pane.contains(float(discs.x[at]), float(discs.y[at]))]
    always = min(math.ceil(len(in_pane) / rule.ALWAYS_SHARE), rule.MAX_ALWAYS)
    without = 0
    for rank, at in enumerate(in_pane):
        if at in placed:
            continue
        without += 1
        is_large = discs.radius[at] >= rule.MIN_BESIDE_PX * scale
        is_large &= discs.volume[at] >= rule.MIN_BESIDE_SHARE * discs.volume[in_pane[0]]
        if rank >= always and (without > rule.MAX_BESIDE or not is_large):
            continue

        def is_free(place: Place, at: int = at) -> bool:
            grown = box_of(discs, at, place, margin)
            return (
                _is_within(grown, pane)
                and not any(overlap(grown, box) for box in taken)
                and not any(crosses_ring(grown, ring, rule.RING_PX * scale) for ring in rings)
                and not any(touches(discs, other, grown) for other in range(len(discs.x)))
                and not any(overlap(box_of(discs, at, place, gap), box) for box in beside)
                and not any(crosses(line, box_of(discs, at, place)) for line in leaders)  # noqa: B023  # called at once
            )

        def is_nearly_free(place: Place, at: int = at) -> bool:
            box = box_of(discs, at, place)
            grown = box_of(discs, at, place, gap)
            return (
                _is_within(box, pane)
                and not any(overlap(box, other) for other in taken)
                and not any(crosses_ring(box, ring, rule.RING_PX * scale) for ring in rings)
                and not any(overlap(grown, other) for other in (*beside, *inside))
            )

        found = next(
            (place for place in _around(discs, at, rule.LEADERS_PX, Kind.BESIDE, scale) if is_free(place)), None
        )
        if found is None and rank < always:
            over = [one for one in _around(discs, at, rule.LONG_LEADERS_PX, Kind.OVER, scale) if is_nearly_free(one)]
            numbers = (*beside, *inside)
            clear = (
                one
                for one in over
                if not any(crosses(leader_of(discs, at, one), box) for box in numbers)
                and not any(crosses(line, box_of(discs, at, one)) for line in leaders)
            )
            found = next(clear, over[0] if over else None)
        if found is not None:
            placed[at] = found
            beside.append(box_of(discs, at, found))
            leaders += [leader_of(discs, at, found)] if found.kind is Kind.OVER else []


def _room(discs: Discs, at: int, scale: float) -> float:
    reach = math.hypot(float(discs.half_width[at]), float(discs.half_height[at]))
    return float(discs.radius[at]) - reach - rule.RIM_PX * scale


def _is_visible(
    discs: Discs,
    at: int,
    place: Place,
    *,
    margin: float,
    rings: Sequence[tuple[float, float, float]],
    reach: float,
) -> bool:
    box = box_of(discs, at, place, margin)
    if any(crosses_ring(box, ring, reach) for ring in rings):
        return False
    return not any(touches(discs, newer, box) for newer in range(at + 1, len(discs.x)))


def _is_within(box: Box, pane: Rect) -> bool:
    return box[0] >= pane.x and box[1] >= pane.y and box[2] <= pane.right and box[3] <= pane.bottom


def _around(discs: Discs, at: int, leaders_px: tuple[float, ...], kind: Kind, scale: float) -> list[Place]:
    places = []
    for leader in leaders_px:
        reach = float(discs.radius[at]) + leader * scale
        for x, y in UP_FIRST:
            unit = math.hypot(x, y)
            dx, dy = (
                reach * x / unit + x * float(discs.half_width[at]),
                reach * y / unit + y * float(discs.half_height[at]),
            )
            places.append(Place(kind, dx, dy))
    return places
