"""Prepares the comparison pane of a chart in a frame: its other market, its automatic axis, its part of the scene."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from flow_gl.layers.comparison.compared import Compared
from flow_gl.layers.comparison.points import points_between, width_of
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.compared import ComparedState
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.ui.state.view_state import ViewState

_MIN_TICKS: Final = 24.0
"""Minimum span of an automatic axis, in ticks of the chart's price."""


def layout_parts(state: ViewState, visible: Sequence[int], markets: Sequence[MarketReader]) -> dict[str, Any]:
    """Return what `layout.arrange` must know of the comparisons; each gets its other market for this frame.

    Parameters
    ----------
    visible : indices of the charts that are shown
    markets : those of the feed
    """
    compared = tuple(at < len(state.charts) and state.charts[at].compared.rule is not None for at in visible)
    if not any(compared):
        return {}
    _find_others(state.charts, markets)
    return {"compared": compared, "compared_share": state.compared_share}


def has_pane(layout: ChartLayout) -> bool:
    """Whether the chart has a comparison and room for it."""
    return layout.compared.height > 1.0


def _find_others(charts: Sequence[ChartState], markets: Sequence[MarketReader]) -> None:
    for own in charts:
        if (rule := own.compared.rule) is not None:
            found = (market for market in markets if rule.symbol in (symbol_of(market), market.symbol))
            own.compared.other = next(found, None)


def search(
    market: MarketReader,
    own: ChartState,
    seen_ns: Sequence[int],
    cut: dict[str, int],
    *,
    ns_per_px: float,
    scale: float,
) -> None:
    """Find the range of the values in view.

    Parameters
    ----------
    seen_ns : left and right border of the pane
    cut : `hidden_before_ns` and `until_ns`
    """
    compared = own.compared
    compared.is_due = False
    if compared.rule is None or compared.other is None:
        compared.seen = None
        return
    width_ns = width_of(market, own.lod, ns_per_px, scale)
    first, last = max(seen_ns[0], cut["hidden_before_ns"]), min(seen_ns[1], cut["until_ns"])
    points = points_between(market, compared.other, compared.rule, width_ns, (first // width_ns, last // width_ns))
    if len(points.ids):
        values = compared.rule.values(points.own, points.other)
        step = compared.rule.min_step(market.tick_size, int(points.other[-1]))
        compared.seen = float(np.min(values)), float(np.max(values)), _MIN_TICKS * step


def fit(compared: ComparedState, height_px: float, dt_s: float) -> None:
    """Move the automatic axis towards the range in view."""
    if compared.seen is not None:
        low, high, least = compared.seen
        compared.axis.fit(low, high, height_px=height_px, least_span=least, dt_s=dt_s)


def frozen_part(own: ChartState, layout: ChartLayout) -> Compared | None:
    """Return the comparison as a part of the scene; None without one, or without room."""
    rule, axis = own.compared.rule, own.compared.axis
    if rule is None or not has_pane(layout):
        return None
    rect = layout.compared
    return Compared(rule, own.compared.other, rect, axis.top(rect.height), axis.per_px or 1.0, axis.per_px > 0.0)
