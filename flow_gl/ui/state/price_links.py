"""Linked price axes: charts of a group show the same range, in percent or in ticks, around the price at the live edge.

One chart of a group leads: the one whose axis the user moved last, otherwise the first. The others take over its range
every frame, so equal heights mean equal moves. An automatic leader fits the visible prices of all charts in its group.
Making the axis of any of them automatic does so for the group.

With several windows, one window leads a group (`links.leading_axis`), and the charts of the others follow its record.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.link_groups import GROUPS, UNITS, LinkUnit
from flow_gl.ui.state.links import GroupLink, Links, leading_axis


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


def follow(charts: Sequence[Linked], unit: LinkUnit, links: Links | None = None) -> None:
    """Synchronise the price axes of all groups. Called once per frame, after each axis has moved."""
    for group in range(1, len(GROUPS) + 1):
        members = [one for one in charts if one.own.link == group and one.reference > 0.0]
        if links is not None:
            links.groups[group - 1] = _follow_windows(members, unit, links, group)
        elif len(members) > 1:
            _follow(members, unit)
        elif members:
            members[0].own.linked_seen = None


def _follow(members: list[Linked], unit: LinkUnit, seen_elsewhere: Sequence[tuple[float, float]] = ()) -> Linked:
    """Let the charts of this window follow one of them; return that one.

    Parameters
    ----------
    seen_elsewhere : lowest and highest move in view in each other window
    """
    leader = _leader(members)
    axis = leader.own.price
    if _was_reset(members) and axis.fixed == leader.own.link_known:
        axis.reset()
    _note_resets(members)
    leader.own.link_known = axis.fixed
    lows, highs = [], []
    for one in members:
        if one.own.price_seen is not None:
            factor = _factor(one, leader, unit)
            lows.append(leader.reference + (one.own.price_seen.low - one.reference) * factor)
            highs.append(leader.reference + (one.own.price_seen.high - one.reference) * factor)
    per_move = _ticks_per_move(leader, unit)
    for low, high in seen_elsewhere:
        lows.append(leader.reference + low * per_move)
        highs.append(leader.reference + high * per_move)
    leader.own.linked_seen = (min(lows), max(highs)) if lows else None
    if axis.per_px <= 0.0:
        return leader
    for one in members:
        if one is not leader:
            factor = _factor(leader, one, unit)
            per_px = axis.per_px * factor * leader.height_px / max(1.0, one.height_px)
            one.own.price.follow(one.reference + (axis.middle - leader.reference) * factor, per_px)
            one.own.linked_seen, one.own.link_known = None, None
    return leader


def _follow_windows(members: list[Linked], unit: LinkUnit, links: Links, group: int) -> GroupLink:
    """Let the charts of this window follow the window that leads their group; return the record of this one."""
    if not members:
        return GroupLink()
    others = links.axes(group, UNITS.index(unit))
    own = _leader(members).own
    fixed, was_reset = own.price.fixed, _was_reset(members)
    has_moved = fixed is not None and fixed != own.link_known
    stamp = links.stamp() if has_moved or was_reset else links.groups[group - 1].stamp
    is_fixed = has_moved or (fixed is not None and not was_reset)
    low, high = _seen(members, unit)
    mine = GroupLink(stamp, True, is_fixed, low, high)
    all_axes = [(links.slot, mine), *others]
    slot, lead = leading_axis(all_axes)
    if slot != links.slot:
        _note_resets(members)
        for one in members:
            per_move = _ticks_per_move(one, unit)
            if lead.span > 0.0:
                per_px = lead.span * per_move / max(1.0, one.height_px)
                one.own.price.follow(one.reference + lead.middle * per_move, per_px)
            one.own.linked_seen, one.own.link_known = None, None
        return mine._replace(is_fixed=False, middle=lead.middle, span=lead.span)
    if is_fixed and max(all_axes, key=lambda one: one[1].stamp)[1] is not mine:
        own.price.reset()  # the user has made the group automatic in another window
    leader = _follow(members, unit, [(axis.low, axis.high) for _, axis in others if axis.low <= axis.high])
    axis, per_move = leader.own.price, _ticks_per_move(leader, unit)
    return mine._replace(
        is_fixed=not axis.is_auto,
        middle=(axis.middle - leader.reference) / per_move,
        span=axis.per_px * leader.height_px / per_move,
    )


def _leader(members: list[Linked]) -> Linked:
    """Return the chart whose axis the user moved last, otherwise the first."""
    fixed = [one for one in members if one.own.price.fixed is not None]
    moved = [one for one in fixed if one.own.price.fixed != one.own.link_known]
    return (moved or fixed or members)[0]


def _was_reset(members: list[Linked]) -> bool:
    """Return whether the user has made one of the axes automatic again."""
    return any(one.own.price.resets != one.own.link_resets for one in members)


def _note_resets(members: list[Linked]) -> None:
    for one in members:
        one.own.link_resets = one.own.price.resets


def _seen(members: list[Linked], unit: LinkUnit) -> tuple[float, float]:
    """Return the lowest and highest move in view; 0 and -1 if nothing is."""
    lows, highs = [], []
    for one in members:
        if one.own.price_seen is not None:
            per_move = _ticks_per_move(one, unit)
            lows.append((one.own.price_seen.low - one.reference) / per_move)
            highs.append((one.own.price_seen.high - one.reference) / per_move)
    return (min(lows), max(highs)) if lows else (0.0, -1.0)


def _factor(source: Linked, target: Linked, unit: LinkUnit) -> float:
    """Return how many ticks of the target correspond to one tick of the source."""
    return target.reference / source.reference if unit == "percent" else 1.0


def _ticks_per_move(one: Linked, unit: LinkUnit) -> float:
    """Return the ticks of a chart in a move of 1: 100 percent, or one tick."""
    return one.reference if unit == "percent" else 1.0
