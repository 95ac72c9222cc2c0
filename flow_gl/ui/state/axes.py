"""The two axes that a user moves: time, shared by all charts, and a value axis (price, CVD) per pane.

Pure arithmetic without a screen or a clock. Time is anchored explicitly: `Live` keeps the feed's now at the live edge,
`FixedTime` keeps a chosen time there. The edge is at a fixed share of the plot's width. A view that would show
the future follows the live edge instead, and zooming out ends where all data are in view.
"""

import math
from dataclasses import dataclass
from typing import Final

from flow_gl.core.units import DAY_NS, SECOND_NS
from flow_gl.ui.state.timeline import NO_TIMELINE, Timeline

EDGE_SHARE: Final = 0.92
"""Position of the live edge in the plot, 0 (left) to 1 (right)."""
MIN_NS_PER_PX: Final = 1e6
"""Closest zoom: a millisecond a pixel."""
MAX_NS_PER_PX: Final = 3.6e12
"""Farthest zoom: an hour a pixel."""
DEFAULT_SPAN_NS: Final = 180 * SECOND_NS
SNAP_PX: Final = 12.0
"""Released this near to the live edge, the chart follows again."""

_BEFORE_SHARE: Final = 0.01
"""Position in the plot at which the data begin when all of them are in view."""
_SLACK: Final = 0.03
"""All data still count as in view if this share of the plot's width has scrolled out since."""
_SEARCH_STEPS: Final = 40
_GROWTH: Final = 0.01
"""A span that grows with the data does so in steps of this share."""

EASE_S: Final = 0.11
"""Time constant of an eased axis."""
_REST_PX: Final = 0.2
"""An axis within this distance of its goal has arrived."""
_MIN_PER_PX: Final = 1e-6
"""Closest zoom of a value axis: a million pixels for a tick or a contract."""
MARGIN_SHARE: Final = 0.09
"""Room above and below what is visible, of the pane's height, ..."""
_MAX_MARGIN_SHARE: Final = 0.2
"""... and at most, where a low pane needs more for the discs at its borders."""
_SPARE: Final = 1.12
"""A new range of an automatic axis is this many times what is needed now."""
_LOOSE: Final = 1.9
"""An automatic axis tightens once it shows this many times what is needed."""


@dataclass(frozen=True, slots=True)
class Live:
    """The live edge shows the newest time of the feed."""


@dataclass(frozen=True, slots=True)
class FixedTime:
    """The position of the live edge shows `t_ns`, even as new trades arrive."""

    t_ns: int


Anchor = Live | FixedTime


@dataclass(slots=True)
class TimeAxis:
    """Time scale and anchor, shared by all charts.

    What is folded, and where the data begin, may differ between charts: methods that depend on it take the `Timeline`
    of the chart that they are about.
    """

    ns_per_px: float = 0.0
    """Outside of folds. 0 until the first plot width is known."""
    anchor: Anchor = Live()
    span_ns: float = float(DEFAULT_SPAN_NS)
    """The span of the axis when it is reset."""
    is_growing: bool = False
    """`span_ns` is from an earlier run: until the user changes the scale, the plot shows no more of it than there are
    data, but at least a day."""
    _width_px: float = 0.0
    _known: Timeline = NO_TIMELINE
    """The data as of the last frame."""
    _is_given: bool = False
    """The scale is that of another window, which has fitted it to what is folded."""
    _grown: tuple[float, int] = 0.0, 0
    """Time over the plot as of the last growth, and the length of the data then; ns."""

    @property
    def is_live(self) -> bool:
        return isinstance(self.anchor, Live)

    def edge_ns(self, now_ns: int) -> int:
        """Return the time at the live edge's position, ns."""
        return now_ns if isinstance(self.anchor, Live) else self.anchor.t_ns

    def right_ns(self, now_ns: int, width_px: float, timeline: Timeline = NO_TIMELINE) -> int:
        """Time at the plot's right border."""
        return self.time_at(width_px, now_ns, width_px, timeline)

    def time_at(self, x_px: float, now_ns: int, width_px: float, timeline: Timeline = NO_TIMELINE) -> int:
        """Time at `x_px` from the plot's left border."""
        folded = timeline.folds.at(self.ns_per_px)
        return folded.shifted(self.edge_ns(now_ns), int((x_px - EDGE_SHARE * width_px) * self.ns_per_px))

    def ends_ns(self, now_ns: int, width_px: float, timeline: Timeline = NO_TIMELINE) -> tuple[int, int]:
        """Return the times at the plot's left and right border, ns."""
        folded, edge_ns, per_px = timeline.folds.at(self.ns_per_px), self.edge_ns(now_ns), self.ns_per_px
        left = folded.shifted(edge_ns, int(-EDGE_SHARE * width_px * per_px))
        return left, folded.shifted(edge_ns, int((width_px - EDGE_SHARE * width_px) * per_px))

    @property
    def shown_ns(self) -> float:
        """Time over the plot's width outside of folds, ns; 0 before the first frame."""
        return self.ns_per_px * self._width_px

    def fit(self, width_px: float, now_ns: int = 0, timeline: Timeline = NO_TIMELINE) -> None:
        """Set the plot's width of this frame; the visible span stays the same, or grows with the data."""
        if width_px <= 0.0:
            return
        if self.ns_per_px <= 0.0:
            self.ns_per_px = _clamp(self.span_ns / width_px, MIN_NS_PER_PX, MAX_NS_PER_PX)
        elif self._width_px and width_px != self._width_px:
            self.ns_per_px = _clamp(self.ns_per_px * self._width_px / width_px, MIN_NS_PER_PX, MAX_NS_PER_PX)
        self._width_px = width_px
        if timeline.folding != self._known.folding and not self._is_given:
            self._refold(now_ns, timeline)
        self._known, self._is_given = timeline, False
        if self.is_growing and timeline.first_ns is not None:
            self._grow(now_ns - timeline.first_ns, now_ns, timeline)

    def _refold(self, now_ns: int, timeline: Timeline) -> None:
        """Adjust to changed folds: if all data were in view, fit them into the plot again."""
        before, width_px = self._known, self._width_px
        if before.first_ns is None or timeline.first_ns is None:
            return
        if self.is_growing:
            self._grown = 0.0, 0
        elif not self.is_live:
            self._end_at_data(now_ns, width_px, timeline)
        elif _holds_all(self.ns_per_px, now_ns, width_px, before, slack=_SLACK):
            lengths = (one.folds.at(self.ns_per_px).between(timeline.first_ns, now_ns) for one in (before, timeline))
            if next(lengths) != next(lengths):
                nearest = DEFAULT_SPAN_NS / width_px
                self.ns_per_px = _farthest(nearest, MAX_NS_PER_PX, now_ns, width_px, timeline)

    def _grow(self, length_ns: int, now_ns: int, timeline: Timeline) -> None:
        """Show as much of the wanted span as there are data, at least a day, until the user has changed the scale."""
        shown_ns, grown_at_ns = self._grown
        if self.span_ns <= DAY_NS or (shown_ns and abs(self.shown_ns - shown_ns) > 1e-6 * shown_ns):
            self.is_growing = False
        elif self.is_live and abs(length_ns - grown_at_ns) > _GROWTH * grown_at_ns:
            width_px = self._width_px
            wanted = _clamp(self.span_ns / width_px, MIN_NS_PER_PX, MAX_NS_PER_PX)
            self.ns_per_px = _farthest(DAY_NS / width_px, wanted, now_ns, width_px, timeline)
            self._grown = self.shown_ns, length_ns

    def recall(self, span_ns: float) -> None:
        """Show the span of an earlier run, as far as there are data."""
        self.span_ns, self.is_growing, self._grown = span_ns, True, (0.0, 0)

    def show(self, span_ns: float, anchor: Anchor, *, is_growing: bool) -> None:
        """Show the span and the anchor of another window's axis."""
        if is_growing:
            self.recall(span_ns)
        else:
            self.is_growing = False
        self.ns_per_px = _clamp(span_ns / self._width_px, MIN_NS_PER_PX, MAX_NS_PER_PX) if self._width_px else 0.0
        self.anchor, self._is_given = anchor, True

    def set_span(self, span_ns: float, width_px: float, now_ns: int = 0, timeline: Timeline = NO_TIMELINE) -> None:
        """Show `span_ns` over the plot, or all data if they are shorter; the time at the live edge's position stays."""
        if width_px > 0.0 and span_ns > 0.0:
            wanted = _clamp(span_ns / width_px, MIN_NS_PER_PX, MAX_NS_PER_PX)
            self.ns_per_px, self.is_growing = _farthest(self.ns_per_px, wanted, now_ns, width_px, timeline), False
            self._end_at_data(now_ns, width_px, timeline)

    def zoom(self, factor: float, x_px: float, now_ns: int, width_px: float, timeline: Timeline = NO_TIMELINE) -> None:
        """Multiply the scale by `factor` (below 1 zooms in); the time under the cursor stays there.

        Right of the live edge there is nothing to look at, so a zoom from there keeps following. A zoom out that
        would look into the future follows as well, and a zoom out ends when all data are in view.
        """
        edge_px = EDGE_SHARE * width_px
        fixed_ns = self.time_at(x_px, now_ns, width_px, timeline)
        wanted = _clamp(self.ns_per_px * factor, MIN_NS_PER_PX, MAX_NS_PER_PX)
        self.ns_per_px, self.is_growing = _farthest(self.ns_per_px, wanted, now_ns, width_px, timeline), False
        if self.is_live and x_px >= edge_px:
            return
        folded = timeline.folds.at(self.ns_per_px)
        self._anchor_at(folded.shifted(fixed_ns, int((edge_px - x_px) * self.ns_per_px)), now_ns)
        if factor > 1.0:
            self._end_at_data(now_ns, width_px, timeline)

    def pan(self, dx_px: float, now_ns: int, timeline: Timeline = NO_TIMELINE) -> None:
        """Drag the picture by `dx_px` to the right (back in time where positive), at most until the data's beginning
        is in the middle of the plot."""
        if not dx_px:
            return
        folded = timeline.folds.at(self.ns_per_px)
        edge_ns = self.edge_ns(now_ns)
        wanted = folded.shifted(edge_ns, -int(dx_px * self.ns_per_px))
        if dx_px > 0 and timeline.first_ns is not None:
            beyond_ns = int((EDGE_SHARE - 0.5) * self._width_px * self.ns_per_px)
            wanted = max(wanted, min(folded.shifted(timeline.first_ns, beyond_ns), edge_ns))
        self._anchor_at(wanted, now_ns)

    def settle(self, now_ns: int, snap_px: float = SNAP_PX, timeline: Timeline = NO_TIMELINE) -> None:
        """After a gesture, follow the live edge again if it is (nearly) back in its position."""
        if isinstance(self.anchor, FixedTime):
            behind_ns = timeline.folds.at(self.ns_per_px).between(self.anchor.t_ns, now_ns)
            if behind_ns <= snap_px * self.ns_per_px:
                self.anchor = Live()

    def follow(self) -> None:
        self.anchor = Live()

    def go_to(self, edge_ns: int, now_ns: int) -> None:
        """Show a time at the live edge's position, or follow the live edge if that is not later."""
        self._anchor_at(edge_ns, now_ns)

    def stop_following(self, now_ns: int) -> None:
        """Stop following at the current position."""
        self.anchor = FixedTime(self.edge_ns(now_ns))

    def reset(self, width_px: float) -> None:
        """Return to the default scale and follow the live edge."""
        self.ns_per_px, self._grown = 0.0, (0.0, 0)
        self.fit(width_px)
        self.follow()

    def _anchor_at(self, edge_ns: int, now_ns: int) -> None:
        self.anchor = Live() if edge_ns >= now_ns else FixedTime(edge_ns)

    def _end_at_data(self, now_ns: int, width_px: float, timeline: Timeline) -> None:
        """Shift to a later time if the plot would begin before the data."""
        if timeline.first_ns is None or self.is_live:
            return
        folded = timeline.folds.at(self.ns_per_px)
        least = folded.shifted(timeline.first_ns, int((EDGE_SHARE - _BEFORE_SHARE) * width_px * self.ns_per_px))
        self._anchor_at(max(self.edge_ns(now_ns), least), now_ns)


def _holds_all(ns_per_px: float, now_ns: int, width_px: float, timeline: Timeline, *, slack: float = 0.0) -> bool:
    """Return whether a plot that follows the live edge shows all data at a scale, but for a share of its width."""
    room_px = (EDGE_SHARE - _BEFORE_SHARE + slack) * width_px
    return timeline.folds.at(ns_per_px).between(timeline.first_ns or 0, now_ns) <= room_px * ns_per_px


def _farthest(now_per_px: float, wanted: float, now_ns: int, width_px: float, timeline: Timeline) -> float:
    """Return the scale to zoom to: the wanted one, but no farther out than where all data are in view.

    The default span may be shown in any case, and what is shown already is not zoomed in.
    """
    if timeline.first_ns is None or wanted <= now_per_px or width_px <= 0.0:
        return wanted

    def holds_all(ns_per_px: float) -> bool:
        return _holds_all(ns_per_px, now_ns, width_px, timeline)

    low, high = max(now_per_px, min(DEFAULT_SPAN_NS / width_px, wanted)), wanted
    if not holds_all(high):
        return high
    for _ in range(_SEARCH_STEPS if high > low and not holds_all(low) else 0):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if holds_all(middle) else (middle, high)
    return high if not holds_all(low) else low


@dataclass(slots=True)
class ValueAxis:
    """A vertical scale, automatic (fitted to what is visible, eased, with hysteresis) or fixed by the user."""

    is_auto: bool = True
    middle: float = 0.0
    """World y at the pane's middle."""
    per_px: float = 0.0
    """World y that one pixel spans; 0 until the first fit."""
    most_span: float = 2.0**53
    """World y that the pane spans at most."""
    resets: int = 0
    """How often it was made automatic again."""
    _goal_middle: float = 0.0
    _goal_span: float = 0.0
    _rest: tuple[float, ...] = ()
    """Inputs of `fit` for which the axis has come to rest."""

    def top(self, height_px: float) -> float:
        """World y at the pane's upper border."""
        return self.middle + 0.5 * height_px * self.per_px

    def value_at(self, y_px: float, height_px: float) -> float:
        """World y at `y_px` below the pane's upper border."""
        return self.top(height_px) - y_px * self.per_px

    def fit(
        self, low: float, high: float, *, height_px: float, least_span: float, dt_s: float, margin_px: float = 0.0
    ) -> None:
        """Bring [low, high] into view with a margin: immediately the first time, eased over `dt_s` later.

        A new goal is taken only when something visible leaves the current goal, or when that has become far too
        wide: a chart that breathes with every print cannot be read. A single value keeps the span.

        Parameters
        ----------
        margin_px : least margin in a low pane, as far as `_MAX_MARGIN_SHARE` allows
        """
        fitted = (low, high, height_px, least_span, margin_px)
        if (
            fitted == self._rest
            or not self.is_auto
            or height_px <= 0.0
            or not (math.isfinite(low) and math.isfinite(high))
        ):
            return
        self._rest = ()  # until this goal is reached: back at the old range before, the axis must move again
        margin = max(MARGIN_SHARE, min(margin_px / height_px, _MAX_MARGIN_SHARE))
        wanted = max(high - low, least_span) / (1.0 - 2.0 * margin)
        if low == high:
            wanted = max(wanted, self._goal_span / _SPARE)
        # In a high pane half of the margin may be used up before the axis moves, in a low one little of it.
        half = 0.5 * self._goal_span * (1.0 - 0.5 * MARGIN_SHARE - 3.0 * (margin - MARGIN_SHARE))
        is_outside = low < self._goal_middle - half or high > self._goal_middle + half
        if self._goal_span <= 0.0 or is_outside or self._goal_span > _LOOSE * wanted:
            # A little more than is needed now: the next tick further does not move the axis again.
            self._goal_middle, self._goal_span = 0.5 * (low + high), _SPARE * wanted
        if self.per_px <= 0.0:
            self.middle, self.per_px = self._goal_middle, self._goal_span / height_px
            return
        share = 1.0 - math.exp(-max(0.0, dt_s) / EASE_S)
        goal_per_px = self._goal_span / height_px
        is_there = abs(self._goal_span - self.per_px * height_px) < _REST_PX * goal_per_px
        if is_there and abs(self._goal_middle - self.middle) < _REST_PX * goal_per_px:
            # Snap the last part of a pixel: it is invisible but would cause a new layout in each of many frames.
            self.middle, self.per_px = self._goal_middle, goal_per_px
            self._rest = fitted
            return
        self.middle += (self._goal_middle - self.middle) * share
        self.per_px *= (goal_per_px / self.per_px) ** share

    def zoom(self, factor: float, y_px: float, height_px: float) -> None:
        """Multiply the scale; the value under the cursor stays there. Fixes the axis."""
        if self.per_px <= 0.0:
            return
        fixed = self.value_at(y_px, height_px)
        factor = _clamp(self.per_px * factor, _MIN_PER_PX, self.most_span / height_px) / self.per_px
        self.middle = fixed + (self.middle - fixed) * factor
        self.per_px *= factor
        self.is_auto, self._rest = False, ()

    def pan(self, dy_px: float) -> None:
        """Drag the picture down by `dy_px`. Fixes the axis."""
        if dy_px and self.per_px > 0.0:
            self.middle += dy_px * self.per_px
            self.is_auto, self._rest = False, ()

    @property
    def fixed(self) -> tuple[float, float] | None:
        """Middle and scale that the user has fixed; None while the axis is automatic."""
        return None if self.is_auto else (self.middle, self.per_px)

    def set(self, middle: float, per_px: float) -> None:
        """Fix the axis at a middle and a scale."""
        self.middle, self.per_px = middle, per_px
        self.is_auto, self._rest = False, ()

    def follow(self, middle: float, per_px: float) -> None:
        """Take over the middle and scale of another axis; the axis stays automatic, and fits itself once it is free."""
        self.middle, self.per_px = middle, _clamp(per_px, _MIN_PER_PX, self.most_span)
        self.is_auto, self._rest, self._goal_span = True, (), 0.0

    def reset(self) -> None:
        """Make the axis automatic again, starting from its current range."""
        self.is_auto = True
        self.resets += 1
        self._goal_span = 0.0


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
