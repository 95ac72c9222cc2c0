"""Linked price axes: charts of a group show the same range, in percent or in ticks, around the price at the live edge.

One chart of a group leads: the one whose axis the user moved last, otherwise the first. The others take over its range
every frame, so equal heights mean equal moves. An automatic leader fits the visible prices of all charts in its group.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.link_groups import GROUPS, LinkUnit


class Linked(NamedTuple):
    """A chart that may be in a group.

    Attributes
    ----------
    own : the chart's state
    height_px : height of its price pane, px
    reference : price at the position of the live edge, in ticks; 0 if unknown
    """

    own: ChartState
    height_px: float
    reference: float


def follow(charts: Sequence[Linked], unit: LinkUnit) -> None:
    """Synchronise the price axes of all groups. Called once per frame, after each axis has moved."""
    for group in range(1, len(GROUPS) + 1):
        members = [one for one in charts if one.own.link == group and one.reference > 0.0]
        if len(members) > 1:
            _follow(members, unit)
        elif members:
            members[0].own.linked_seen = None


def _follow(members: list[Linked], unit: LinkUnit) -> None:
    leader = _leader(members)
    axis = leader.own.price
    leader.own.link_known = axis.fixed
    lows, highs = [], []
    for one in members:
        if one.own.price_seen is not None:
            factor = _factor(one, leader, unit)
            lows.append(leader.reference + (one.own.price_seen.low - one.reference) * factor)
            highs.append(leader.reference + (one.own.price_seen.high - one.reference) * factor)
    leader.own.linked_seen = (min(lows), max(highs)) if lows else None
    if axis.per_px <= 0.0:
        return
    for one in members:
        if one is not leader:
            factor = _factor(leader, one, unit)
            per_px = axis.per_px * factor * leader.height_px / max(1.0, one.height_px)
            one.own.price.follow(one.reference + (axis.middle - leader.reference) * factor, per_px)
            one.own.linked_seen, one.own.link_known = None, None


def _leader(members: list[Linked]) -> Linked:
    """Return the chart whose axis the user moved last, otherwise the first."""
    fixed = [one for one in members if one.own.price.fixed is not None]
    moved = [one for one in fixed if one.own.price.fixed != one.own.link_known]
    return (moved or fixed or members)[0]


def _factor(source: Linked, target: Linked, unit: LinkUnit) -> float:
    """Return how many ticks of the target correspond to one tick of the source."""
    return target.reference / source.reference if unit == "percent" else 1.0
