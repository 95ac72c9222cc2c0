"""The layout of the charts' area: it is divided into charts (`arrangement`), and each chart into panes.

A chart, from the top: header 40 px, price pane, comparison pane and delta ribbon on request, CVD pane, time axis 24 px;
at the right the price axis 110 px, narrower where the chart is, wider where its numbers are. Comparison and CVD take a
fifth each by default, their borders can be dragged. A narrow chart has a header of two lower rows, and a small one
leaves out axes and panes (`layers.room`). Lengths are at content scale 1. Every border lies on a whole pixel, so that
lines are crisp and the panes of a chart share their time axis exactly.
Where the panels are is decided before, in `panel_layout`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.ribbon import ROW_PX as RIBBON_ROW_PX
from flow_gl.layers.room import Part, has_room
from flow_gl.ui.state.arrangement import AUTO, Arrangement, cells

HEADER_PX: Final = 40.0
HEADER_ROW_PX: Final = 27.0
"""Height of a row where the header has two, ..."""
SMALL_ROW_PX: Final = 19.0
"""... and in a chart of less than `_SMALL_PX`."""
_TWO_ROWS_PX: Final = 700.0
"""Charts narrower than this have two rows in their header."""
_SMALL_PX: Final = 230.0
TIME_AXIS_PX: Final = 24.0
PRICE_AXIS_PX: Final = 110.0
CVD_SHARE: Final = 0.2
"""Height of the CVD pane, as a share of the height without header and time axis."""
COMPARISON_SHARE: Final = 0.2
"""The same of the comparison pane."""
CVD_SHARE_RANGE: Final = (0.08, 0.6)
SPLITTER_PX: Final = 8.0
"""Height of the draggable border between the panes."""
PROFILE_SHARE: Final = 0.14
"""Maximum width of the profile, as a share of the plot."""
_MIN_AXIS_PX: Final = 88.0
"""Room for a price of seven figures."""
_MAX_AXIS_SHARE: Final = 0.5
_MAX_COMPARISON: Final = 0.6
"""The comparison pane leaves the rest of its and the price pane's height to the latter."""
_RIBBON_ROWS: Final = 3
_RIBBON_SHARE: Final = 0.2
"""The ribbon takes at most this share of the height of both panes; in lower charts it is left out."""


@dataclass(frozen=True, slots=True)
class ChartLayout:
    """The panes of one chart, framebuffer pixels."""

    outer: Rect
    header: Rect
    price: Rect
    cvd: Rect
    time_axis: Rect
    price_axis: Rect
    cvd_axis: Rect
    profile: Rect
    splitter: Rect
    comparison: Rect
    """Without a comparison, or without room for it, its height is 0."""
    comparison_axis: Rect
    comparison_splitter: Rect
    header_rows: int = 1

    @property
    def has_cvd_pane(self) -> bool:
        """Whether CVD is shown in a pane; in a small chart it is only in the header."""
        return self.cvd.height > 1.0

    @property
    def plot(self) -> Rect:
        """All panes together, down to the time axis."""
        return Rect(self.price.x, self.price.y, self.price.width, self.cvd.bottom - self.price.y)


@lru_cache(maxsize=4)
def arrange(
    area: Rect,
    count: int,
    *,
    scale: float = 1.0,
    cvd_share: float = CVD_SHARE,
    comparison_share: float = COMPARISON_SHARE,
    comparison: tuple[bool, ...] = (),
    axis_px: float = 0.0,
    has_ribbon: bool = False,
    arrangement: Arrangement = AUTO,
) -> tuple[ChartLayout, ...]:
    """Divide `area` into `count` charts, in reading order.

    The price axis of each is at least `axis_px` wide: what its numbers need. With `has_ribbon`, the delta ribbon has
    its place above the CVD pane. `comparison` says which charts have a comparison pane; () means none.

    The same arguments give the same objects, because what depends on a pane is compared in every frame.
    """
    outers = cells(area, count, arrangement, scale)
    shares = [comparison_share if at < len(comparison) and comparison[at] else 0.0 for at in range(count)]
    return tuple(
        _chart(outer, scale, (cvd_share, share), axis_px, has_ribbon)
        for outer, share in zip(outers, shares, strict=True)
    )


def share_from_drag(layout: ChartLayout, pane: Rect, y_px: float) -> float:
    """Return the share of the CVD or comparison pane if its upper border is dragged to `y_px`; all stay usable."""
    height = layout.cvd.bottom - layout.price.y
    low, high = CVD_SHARE_RANGE
    return min(max((pane.bottom - y_px) / height, low), high) if height > 0 else CVD_SHARE


def _chart(outer: Rect, scale: float, shares: tuple[float, float], axis_px: float, has_ribbon: bool) -> ChartLayout:
    """Lay out one chart. `shares` are those of the CVD and of the comparison pane."""
    cvd_share, comparison_share = shares
    size = outer.width, outer.height, scale
    header_h, rows = _header(*size)
    axis_h = TIME_AXIS_PX * scale if has_room(Part.TIME_AXIS, *size) else 0.0
    axis_w = 0.0
    if has_room(Part.PRICE_AXIS, *size):
        # A narrow chart keeps its plot: the axis gives way down to what a price needs.
        axis_w = min(PRICE_AXIS_PX * scale, max(_MIN_AXIS_PX * scale, 0.12 * outer.width))
        axis_w = round(min(max(axis_w, axis_px), _MAX_AXIS_SHARE * outer.width))
    header = Rect(outer.x, outer.y, outer.width, round(header_h))
    top, bottom = header.bottom, outer.bottom - round(axis_h)
    cvd_h = round((bottom - top) * cvd_share) if has_room(Part.CVD_PANE, *size) else 1
    width = max(1.0, outer.width - axis_w)
    ribbon_h = round(_RIBBON_ROWS * RIBBON_ROW_PX * scale) if has_ribbon and cvd_h > 1 else 0
    if ribbon_h > _RIBBON_SHARE * (bottom - top):
        ribbon_h = 0
    left_h = max(1.0, bottom - top - cvd_h - ribbon_h)
    comparison_h = round(min((bottom - top) * comparison_share, _MAX_COMPARISON * left_h))
    if not has_room(Part.COMPARISON_PANE, *size):
        comparison_h = 0
    price = Rect(outer.x, top, width, left_h - comparison_h)
    comparison = Rect(outer.x, price.bottom, width, comparison_h)
    cvd_y = comparison.bottom + ribbon_h
    cvd = Rect(outer.x, cvd_y, width, max(1.0, bottom - cvd_y))
    profile_w = round(width * PROFILE_SHARE)
    grip = SPLITTER_PX * scale if cvd_h > 1 else 0.0
    return ChartLayout(
        outer=outer,
        header=header,
        price=price,
        cvd=cvd,
        time_axis=Rect(outer.x, bottom, width, outer.bottom - bottom),
        price_axis=Rect(price.right, top, axis_w, price.height),
        cvd_axis=Rect(price.right, cvd.y, axis_w, cvd.height),
        profile=Rect(price.right - profile_w, top, profile_w, price.height),
        splitter=Rect(outer.x, cvd.y - grip / 2, outer.width, grip),
        comparison=comparison,
        comparison_axis=Rect(price.right, comparison.y, axis_w, comparison.height),
        comparison_splitter=Rect(outer.x, comparison.y - grip / 2, outer.width, grip if comparison_h else 0.0),
        header_rows=rows,
    )


def _header(width: float, height: float, scale: float) -> tuple[float, int]:
    """Return height and rows of a chart's header."""
    if width >= _TWO_ROWS_PX * scale:
        return min(HEADER_PX * scale, 0.4 * height), 1
    row = HEADER_ROW_PX if height >= _SMALL_PX * scale else SMALL_ROW_PX
    return min(2 * row * scale, 0.5 * height), 2
