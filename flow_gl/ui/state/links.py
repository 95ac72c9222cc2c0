"""Links between the charts of all windows: time, the unit and the axes of linked prices, the crosshair.

All windows share one board with a record per window (`view.windows.link_board`). A window writes its own record and
reads those of the others. Whatever the user changes gets a stamp that is higher than all stamps on the board; the
highest one is in force. A window takes over what another one has changed, and does not count that as a change of its
own, so nothing is sent back.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from flow_gl.ui.state.axes import FixedTime, Live
from flow_gl.ui.state.link_groups import GROUPS, UNITS
from flow_gl.ui.state.timeline import FOLDINGS
from flow_gl.ui.state.view_state import ViewState

MAX_SLOTS: Final = 16
"""Maximum number of records on the board: one per window, and those of windows that are closing."""
_NEARLY: Final = 1e-6
"""Relative difference up to which two spans are the same."""


class TimeLink(NamedTuple):
    """The time axis.

    Attributes
    ----------
    stamp : of the change that set it; 0 where the window's time is not linked
    edge_ns : time at the live edge's position; 0 while it follows the live edge
    folding : index in `FOLDINGS`
    """

    stamp: int = 0
    span_ns: float = 0.0
    edge_ns: int = 0
    is_growing: bool = False
    folding: int = 0


class UnitLink(NamedTuple):
    """The unit of linked prices, an index in `UNITS`."""

    stamp: int = 0
    unit: int = 0


class CrosshairLink(NamedTuple):
    """The crosshair under a window's mouse.

    Attributes
    ----------
    at_ns : its time; 0 where the window has none
    group : link group of its chart; 0: none
    height : its distance from the top of the price pane as a share of the pane's height; -1 outside of that pane
    """

    stamp: int = 0
    at_ns: int = 0
    group: int = 0
    height: float = -1.0


class GroupLink(NamedTuple):
    """A window's charts in one link group. Prices are moves from each chart's reference, in the unit of the window.

    Attributes
    ----------
    stamp : when the user last moved one of their axes, or made it automatic again
    has_charts : whether there are any
    is_fixed : the user has fixed the axis of one of them
    low, high : of what is in view in all of them
    middle, span : of the price panes
    """

    stamp: int = 0
    has_charts: bool = False
    is_fixed: bool = False
    low: float = 0.0
    high: float = 0.0
    middle: float = 0.0
    span: float = 0.0


NO_TIME: Final = TimeLink()
NO_GROUPS: Final = (GroupLink(),) * len(GROUPS)


class WindowLinks(NamedTuple):
    """A window's record on the board."""

    time: TimeLink = NO_TIME
    unit: UnitLink = UnitLink()
    crosshair: CrosshairLink = CrosshairLink()
    groups: tuple[GroupLink, ...] = NO_GROUPS

    @property
    def stamp(self) -> int:
        """The highest of its stamps."""
        return max(self.time.stamp, self.unit.stamp, self.crosshair.stamp, *(group.stamp for group in self.groups))


class _Part:
    """A part of the view's state that has one value in all windows: the newest.

    Parameters
    ----------
    read : returns the value as a tuple
    make : makes a link of a stamp and a value
    write : applies a link
    is_same : whether two values are the same
    """

    def __init__(
        self,
        read: Callable[[ViewState], tuple[Any, ...]],
        make: Callable[..., Any],
        write: Callable[[ViewState, Any], None],
        is_same: Callable[[Any, Any], bool],
    ) -> None:
        self._read: Final = read
        self._make: Final = make
        self._write: Final = write
        self._is_same: Final = is_same
        self._known: tuple[Any, ...] = ()
        """The value when it was last published or taken over."""
        self.newest: Any = None
        """The newest link of another window."""

    def exchange(self, state: ViewState, own: Any, stamp: Callable[[], int]) -> Any:
        """Take over the newest link of the other windows, or make one of a change here. Returns this window's."""
        newest = self.newest
        if newest is not None and newest.stamp > own.stamp:
            self._write(state, newest)
            # Read back: a value that does not fit into this window is no change by its user.
            self._known = self._read(state)
            return newest
        value = self._read(state)
        if own.stamp and self._is_same(value, self._known):
            return own
        self._known = value
        return self._make(stamp(), *value)


class Links:
    """The links as one window sees them.

    Parameters
    ----------
    slot : number of this window's record, 0..MAX_SLOTS-1; of automatic axes that of the lowest slot leads

    Attributes
    ----------
    own : this window's record
    groups : this window's charts by link group, from group 1; written by `price_links`
    elsewhere : the crosshair in another window, if there is one
    """

    def __init__(self, slot: int) -> None:
        self.slot: Final = slot
        self.own = WindowLinks()
        self.groups: Final = [*self.own.groups]
        self.elsewhere: CrosshairLink | None = None
        self._published: list[GroupLink] = [*NO_GROUPS]
        """`groups` as of the last record."""
        self._others: dict[int, WindowLinks] = {}
        self._stamp = 0
        self._time: Final = _Part(_time_of, TimeLink, _show_time, _is_same_time)
        self._unit: Final = _Part(_unit_of, UnitLink, _set_unit, operator.eq)

    def stamp(self) -> int:
        """Return a stamp that is higher than all on the board. No two windows give the same one."""
        self._stamp = (self._stamp // MAX_SLOTS + 1) * MAX_SLOTS + self.slot
        return self._stamp

    def see(self, others: dict[int, WindowLinks]) -> None:
        """Take note of the other windows' records, by slot."""
        self._others = others
        self._stamp = max((self._stamp, *(one.stamp for one in others.values())))
        self.elsewhere = max((one.crosshair for one in others.values() if one.crosshair.at_ns), default=None)
        self._time.newest = max((one.time for one in others.values()), default=None)
        self._unit.newest = max((one.unit for one in others.values()), default=None)

    def axes(self, group: int, unit: int) -> list[tuple[int, GroupLink]]:
        """Return the other windows that have charts in a group, counted from 1, by slot."""
        found = ((slot, one.groups[group - 1]) for slot, one in self._others.items() if one.unit.unit == unit)
        return [(slot, axis) for slot, axis in found if axis.has_charts]

    def exchange(self, state: ViewState, crosshair: tuple[int, int, float]) -> WindowLinks:
        """Take over what other windows have changed; return this window's record.

        Parameters
        ----------
        crosshair : time, group and height of this window's crosshair (`CrosshairLink`)
        """
        own, time, shown = self.own, NO_TIME, self.own.crosshair
        if state.is_time_linked and state.time.shown_ns > 0.0:
            time = self._time.exchange(state, own.time, self.stamp)
        unit = self._unit.exchange(state, own.unit, self.stamp)
        if crosshair != shown[1:]:
            shown = CrosshairLink(self.stamp(), *crosshair)
        if not any(chart.link for chart in state.charts):
            self.groups[:] = NO_GROUPS
        groups = own.groups if self.groups == self._published else tuple(self.groups)
        if not (time is own.time and unit is own.unit and shown is own.crosshair and groups is own.groups):
            self._published = [*groups]
            self.own = WindowLinks(time, unit, shown, groups)
        return self.own


def leading_axis(axes: Sequence[tuple[int, GroupLink]]) -> tuple[int, GroupLink]:
    """Return the slot and the axis that lead a group, out of those of all windows with charts in it.

    It is the axis that a user moved last; if that was made automatic since, or none was moved, that of the lowest slot.
    """
    slot, axis = max(axes, key=lambda one: (one[1].stamp, one[1].is_fixed, -one[0]))
    return (slot, axis) if axis.is_fixed else min(axes, key=lambda one: one[0])


def _time_of(state: ViewState) -> tuple[float, int, bool, int]:
    time, anchor = state.time, state.time.anchor
    edge_ns = anchor.t_ns if isinstance(anchor, FixedTime) else 0
    span_ns = time.span_ns if time.is_growing else time.shown_ns
    return span_ns, edge_ns, time.is_growing, FOLDINGS.index(state.folding)


def _is_same_time(one: tuple[float, int, bool, int], two: tuple[float, int, bool, int]) -> bool:
    return one == two or (one[1:] == two[1:] and abs(one[0] - two[0]) <= _NEARLY * two[0])


def _show_time(state: ViewState, time: TimeLink) -> None:
    state.folding = FOLDINGS[time.folding]
    anchor = FixedTime(time.edge_ns) if time.edge_ns else Live()
    state.time.show(time.span_ns, anchor, is_growing=bool(time.is_growing))


def _unit_of(state: ViewState) -> tuple[int]:
    return (UNITS.index(state.link_unit),)


def _set_unit(state: ViewState, unit: UnitLink) -> None:
    state.link_unit = UNITS[unit.unit]
