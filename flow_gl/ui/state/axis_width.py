"""The width of the price axis: wide enough for the widest number that may appear on it."""

import math
from collections.abc import Iterable
from typing import Final

from flow_gl.core.comparison import value_text
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.fonts import FontAtlas
from flow_gl.layers.labels.axes import LEFT_PX, PLATE_PX
from flow_gl.layers.labels.words import contracts_text, price_text
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.chart_state import ChartState

_EDGE_PX: Final = 8.0
"""Right of the widest plate."""
_STEP_PX: Final = 8.0
"""The width changes in steps, not with every digit."""


Heights = tuple[float, float, float]
"""Of the price, CVD and comparison pane, px."""


def axis_texts(market: MarketReader, own: ChartState, heights_px: Heights) -> list[str]:
    """Return the widest numbers of a chart's axis: the ends of its panes, the last price, CVD."""
    session, tick_size = market.session, market.tick_size or UNKNOWN_TICK_SIZE
    prices = [int(session[name]) for name in ("last_price", "high", "low")] if session["trade_count"] else []
    counts = [int(session["cvd"])]
    for axis, height, found, unit in (
        (own.price, heights_px[0], prices, tick_size),
        (own.cvd, heights_px[1], counts, 1),
    ):
        if axis.per_px > 0.0:
            top = axis.top(height)
            # Whole ticks: what a crosshair names too.
            found += [round(top) * unit, round(top - height * axis.per_px) * unit]
    texts = [price_text(price, tick_size) for price in prices if price != UNDEF_PRICE]
    return texts + [contracts_text(count) for count in counts] + _comparison_texts(market, own, heights_px[2])


def _comparison_texts(market: MarketReader, own: ChartState, height_px: float) -> list[str]:
    """Return the values at both ends of the comparison's axis."""
    rule, other, axis = own.comparison.rule, own.comparison.other, own.comparison.axis
    if rule is None or other is None or axis.per_px <= 0.0:
        return []
    decimals = rule.decimals(market.tick_size, other.tick_size, int(other.session["last_price"]))
    top = axis.top(height_px)
    return [value_text(round(value), decimals) for value in (top, top - height_px * axis.per_px)]


def axis_texts_key(market: MarketReader, own: ChartState, heights_px: Heights) -> tuple[object, ...]:
    """Return everything that `axis_texts` depends on; cheap to compare."""
    session, price, cvd = market.session, own.price, own.cvd
    numbers = session["trade_count"] > 0, session["last_price"], session["high"], session["low"], session["cvd"]
    axes = price.middle, price.per_px, cvd.middle, cvd.per_px
    comparison = own.comparison
    if comparison.rule is None:
        return (*numbers, market.tick_size, *axes, heights_px)
    found = comparison.rule, comparison.other, comparison.axis.middle, comparison.axis.per_px
    return (*numbers, market.tick_size, *axes, *found, heights_px)


def axis_px(atlas: FontAtlas, texts: Iterable[str], scale: float) -> float:
    """Return the width of an axis on which all of these texts fit, framebuffer pixels."""
    widest = max((atlas.advance(text, PLATE_PX * scale, is_bold=True) for text in texts), default=0.0)
    needed = widest + (LEFT_PX + 0.5 * PLATE_PX + _EDGE_PX) * scale
    return math.ceil(needed / (_STEP_PX * scale)) * _STEP_PX * scale
