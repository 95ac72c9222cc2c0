"""The state of one chart: value axes, what is in view, what is pointed at, what was cleared, CVD's reference points."""

from dataclasses import dataclass, field
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.market.limits import MAX_TICK
from flow_gl.layers.base import Style
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.drawings.shown import ShownShape
from flow_gl.layers.lines.book import LineBook
from flow_gl.layers.marks.mark import NO_MARKS, Marks
from flow_gl.layers.ranges.range_profile import RangeProfile
from flow_gl.layers.rows.extent import PriceScale
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.axes import ValueAxis
from flow_gl.ui.state.comparison import ComparisonState
from flow_gl.ui.state.pointed import Pointed
from flow_gl.ui.state.timeline import NO_TIMELINE, Timeline

_MAX_TICKS: Final = 2.0 * MAX_TICK
"""Largest span of a price pane, ticks: all possible prices."""


@dataclass(slots=True)
class ChartState:
    """The state of one chart."""

    symbol: str = ""
    """Of its market, as it was requested; "" where each market has a chart in the feed's order."""
    link: int = 0
    """Group of charts whose price axes are linked (`price_links`); 0: none."""
    linked_seen: tuple[float, float] | None = None
    """Lowest and highest price in view in all charts of the group, in this chart's ticks, if it leads them."""
    link_known: tuple[float, float] | None = None
    """The user's fixed axis when the group last followed it."""
    link_resets: int = 0
    """`price.resets` then: if there are more, the user made this axis automatic again, and with it the group."""
    is_closed: bool = False
    """The chart is removed with the next frame."""
    price: ValueAxis = field(default_factory=lambda: ValueAxis(most_span=_MAX_TICKS))
    cvd: ValueAxis = field(default_factory=ValueAxis)
    comparison: ComparisonState = field(default_factory=ComparisonState)
    lod: int = 0
    """Current level of detail."""
    price_seen: PriceScale | None = None
    """Lowest and highest price in view, ticks, as of the last search."""
    cvd_seen: tuple[float, float] | None = None
    """Lowest and highest CVD in view, contracts."""
    marks: Marks = NO_MARKS
    """Marks of this frame."""
    lines: LineBook = field(default_factory=LineBook, compare=False)
    """Developing levels and CVD by order size."""
    marked: RangeProfile | None = None
    """The volume traded in the marked range, and in view, as of the last reading."""
    in_view: RangeProfile | None = None
    is_zero_near: bool = False
    """The automatic CVD axis includes zero."""
    cleared_before_ns: int = 0
    cvd_references: list[CvdReference] = field(default_factory=list)
    """Reference points of CVD that were set, the newest last; the newest one counts."""
    must_check_references: bool = False
    """Whether the numbers of a new engine have yet to be compared with the reference points."""
    pointed: Pointed | None = None
    """The item under the mouse when it last moved."""
    pinned_id: int | None = None
    pinned_lod: int = 0
    card_px: tuple[float, float] | None = None
    """Position of the pinned bubble's window, framebuffer pixels; None before its first frame."""
    range_card_px: tuple[float, float] | None = None
    """Likewise for the window of the marked range."""
    size_floor_from_percentile: int = 0
    """`Filters.percentile` in contracts, for this chart now."""
    shapes: tuple[ShownShape, ...] = ()
    """The user's drawings in this frame."""
    style: Cached[Style] = field(default_factory=Cached, compare=False)
    timeline: Timeline = NO_TIMELINE

    def cvd_reference(self, market: MarketReader) -> CvdReference | None:
        """Return the reference point in force; None if there is none or the market has not reached it yet."""
        if not self.cvd_references:
            return None
        newest = self.cvd_references[-1]
        return newest if newest.belongs_to(market) and newest.is_reached(market) else None

    def drop_ended_references(self, market: MarketReader) -> None:
        """Drop the reference points that no longer hold: CVD restarted, or a new engine has other numbers."""
        found = self.cvd_references
        if not found or not found[-1].is_reached(market):
            return
        if not found[-1].belongs_to(market):
            found[:] = [one for one in found if one.belongs_to(market)]
        if self.must_check_references:
            self.must_check_references = False
            found[:] = [one for one in found if one.agrees_with(market)]
