"""The price range of an automatic scale, and the trades it omits.

A single bad print may be thousands of points away from the market. Including it would flatten everything else, so the
scale covers most trades, and the few distant ones are described at the border of the pane instead
(`layers.labels.off_scale`). Prices within `_REACH` times the range of most trades are always shown, and so is any price
with more than a few trades: in a crash only the first trades are off the scale.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.layers.base import OffScale
from flow_gl.layers.rows import hit
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.market import MarketReader

_REACH: Final = 10
_MIN_TICKS: Final = 24
"""Minimum range of most trades."""
_FEW: Final = 20
"""At most this many trades count as few, ..."""
_FEW_OF: Final = 50
"""... and at most one trade in this many."""
_MAX_BUCKETS: Final = 1024
"""Limit of the rows that are searched for bad prints."""
_MAX_NAMED: Final = 32


@dataclass(frozen=True, slots=True)
class PriceScale:
    """An automatic scale: `low` to `high` in ticks above price 0, and the trades omitted at either end."""

    low: float
    high: float
    below: OffScale | None = None
    above: OffScale | None = None


def price_scale(
    reader: MarketReader,
    lod: int,
    t_left_ns: int,
    t_right_ns: int,
    *,
    hidden_before_ns: int = 0,
    until_ns: int = hit.END_OF_TIME,
) -> PriceScale | None:
    """Return the price scale of a time range; None if nothing traded. Reads at most about 2,000 rows."""
    cut = {"hidden_before_ns": hidden_before_ns, "until_ns": until_ns}
    found = hit.price_extent(reader, lod, t_left_ns, t_right_ns, **cut)
    if found is None or found[1] - found[0] <= _REACH * _MIN_TICKS:
        return found and PriceScale(*found)
    # Use finer rows than are drawn, in which a bad print shares its bubble with fewer good trades.
    times = max(t_left_ns, hidden_before_ns), min(t_right_ns, until_ns)
    fine = 0
    while fine < lod and hit.row_count(reader, fine, times) > _MAX_BUCKETS:
        fine += 1
    rows = hit.rows_within(reader, fine, times)
    if len(rows) == 0:
        return PriceScale(*found)
    return _scale_of(rows, reader.tick_size or UNKNOWN_TICK_SIZE, reader.widths_ns[fine])


def _scale_of(rows: NDArray[np.void], tick_size: int, bucket_ns: int) -> PriceScale:
    low, high = rows["low"], rows["high"]
    least, most = _bounds(rows, tick_size)
    prices = np.concatenate([low, high, rows["open"], rows["close"]])
    shown = prices[(prices >= least) & (prices <= most)]
    below, above = low < least, high > most
    return PriceScale(
        int(shown.min()) / tick_size,
        int(shown.max()) / tick_size,
        _named(rows, below, low, bucket_ns, sign=-1),
        _named(rows, above, high, bucket_ns, sign=1),
    )


def _bounds(rows: NDArray[np.void], tick_size: int) -> tuple[int, int]:
    """Return the lowest and highest price (1e-9) that still count as near most trades."""
    trades, opened, close = rows["trade_count"], rows["open"], rows["close"]
    budget = min(_FEW, int(trades.sum()) // _FEW_OF)
    middle = int(close[_first_beyond(trades, np.argsort(close), int(trades.sum()) // 2)])
    # Of the open and close of a bubble take the one nearer to the median: the other may be the bad print.
    own = np.where(np.abs(opened - middle) < np.abs(close - middle), opened, close)
    order = np.argsort(own)
    core_low = int(own[_first_beyond(trades, order, budget)])
    core_high = int(own[_first_beyond(trades, order[::-1], budget)])
    usual = int(np.sort(rows["high"] - rows["low"])[(len(rows) - 1) // 2])
    reach = _REACH * max(core_high - core_low, usual, _MIN_TICKS * tick_size)
    return core_low - reach, core_high + reach


def _first_beyond(trades: NDArray[np.int64], order: NDArray[np.intp], budget: int) -> int:
    """Return the first row, in the given order, at which the cumulative trades exceed `budget`."""
    passed = np.cumsum(trades[order])
    return int(order[min(int(passed.searchsorted(budget, "right")), len(order) - 1)])


def _named(
    rows: NDArray[np.void], is_out: NDArray[np.bool_], reached: NDArray[np.int64], bucket_ns: int, *, sign: int
) -> OffScale | None:
    out = np.flatnonzero(is_out)
    if len(out) == 0:
        return None
    furthest = int(out[np.argmax(sign * reached[out])])
    others = [at for at in out[-_MAX_NAMED:].tolist() if at != furthest]
    ids = rows["id"][[furthest, *others[1 - _MAX_NAMED :]]].tolist()
    is_one_trade = len(out) == 1 and bool(rows["trade_count"][furthest] == 1)
    times = tuple(bubble_id * bucket_ns + bucket_ns // 2 for bubble_id in ids)
    return OffScale(len(out), int(reached[furthest]), is_one_trade, times)
