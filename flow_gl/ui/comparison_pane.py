"""Prepares a chart's comparison pane for a frame: the other market, the automatic axis, its part of the scene."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from flow_gl.layers.comparison.pane import ComparisonPane
from flow_gl.layers.comparison.points import points_between, width_of
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.comparison import ComparisonState
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.ui.state.view_state import ViewState

_MIN_TICKS: Final = 24.0
"""Minimum span of an automatic axis, in ticks of the chart's price."""


def layout_parts(state: ViewState, visible: Sequence[int], markets: Sequence[MarketReader]) -> dict[str, Any]:
    """Find each comparison's other market for this frame, and return the keyword arguments for `layout.arrange`.

    Parameters
    ----------
    visible : indices of the visible charts
    markets : the feed's markets
    """
    comparison = tuple(at < len(state.charts) and state.charts[at].comparison.rule is not None for at in visible)
    if not any(comparison):
        return {}
    _find_others(state.charts, markets)
    return {"comparison": comparison, "comparison_share": state.comparison_share}


def has_pane(layout: ChartLayout) -> bool:
    """Return whether the chart has a comparison and enough height for its pane."""
    return layout.comparison.height > 1.0


def _find_others(charts: Sequence[ChartState], markets: Sequence[MarketReader]) -> None:
    for own in charts:
        if (rule := own.comparison.rule) is not None:
            found = (market for market in markets if rule.symbol in (symbol_of(market), market.symbol))
            own.comparison.other = next(found, None)


def search(
    market: MarketReader,
    own: ChartState,
    seen_ns: Sequence[int],
    clip: dict[str, int],
    *,
    ns_per_px: float,
    scale: float,
) -> None:
    """Find the range of the visible values, for the automatic axis.

    Parameters
    ----------
    seen_ns : times at the left and right border of the pane
    clip : `hidden_before_ns` and `until_ns`
    """
    comparison = own.comparison
    comparison.is_due = False
    if comparison.rule is None or comparison.other is None:
        comparison.seen = None
        return
    width_ns = width_of(market, own.lod, ns_per_px, scale)
    first, last = max(seen_ns[0], clip["hidden_before_ns"]), min(seen_ns[1], clip["until_ns"])
    points = points_between(market, comparison.other, comparison.rule, width_ns, (first // width_ns, last // width_ns))
    if len(points.ids):
        values = comparison.rule.values(points.own, points.other)
        step = comparison.rule.min_step(market.tick_size, int(points.other[-1]))
        comparison.seen = float(np.min(values)), float(np.max(values)), _MIN_TICKS * step


def fit(comparison: ComparisonState, height_px: float, dt_s: float) -> None:
    """Animate the automatic axis towards the range of the visible values."""
    if comparison.seen is not None:
        low, high, least = comparison.seen
        comparison.axis.fit(low, high, height_px=height_px, least_span=least, dt_s=dt_s)


def frozen_part(own: ChartState, layout: ChartLayout) -> ComparisonPane | None:
    """Return the pane for the scene; None if the chart has no comparison or not enough height."""
    rule, axis = own.comparison.rule, own.comparison.axis
    if rule is None or not has_pane(layout):
        return None
    rect = layout.comparison
    return ComparisonPane(
        rule, own.comparison.other, rect, axis.top(rect.height), axis.per_px or 1.0, axis.per_px > 0.0
    )
