"""The price range that an automatic scale shows, and what it leaves out.

One bad print may lie thousands of points from the market. A scale that went there would press everything else onto one
line, so it shows what most trades say, and the few that are far away are named at the pane's border instead
(`layers.labels.off_scale`). Everything within `_REACH` times the range of most trades is always shown, and so is
everything as soon as more than a few trades are there: a crash is off the scale for its first trades only.
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
_LEAST_TICKS: Final = 24
"""The range of most trades is taken to be at least this."""
_FEW: Final = 20
"""At most so many trades are few, ..."""
_FEW_OF: Final = 50
"""... and at most one in so many."""
_MOST_BUCKETS: Final = 1024
_MOST_NAMED: Final = 32


@dataclass(frozen=True, slots=True)
class PriceScale:
    """What an automatic scale shows: `low` to `high` in ticks above price 0; what it leaves out at either end."""

    low: float
    high: float
    below: OffScale | None = None
    above: OffScale | None = None


def price_scale(
    reader: MarketReader,
    level: int,
    t_left_ns: int,
    t_right_ns: int,
    *,
    hidden_before_ns: int = 0,
    until_ns: int = hit.END_OF_TIME,
) -> PriceScale | None:
    """Find the prices to show for a stretch of time; None where nothing traded. Looks at some 2,000 rows at most."""
    cut = {"hidden_before_ns": hidden_before_ns, "until_ns": until_ns}
    found = hit.price_extent(reader, level, t_left_ns, t_right_ns, **cut)
    if found is None or found[1] - found[0] <= _REACH * _LEAST_TICKS:
        return found and PriceScale(*found)
    # Finer rows than are drawn: there a bad print shares its bubble with fewer good ones.
    times = max(t_left_ns, hidden_before_ns), min(t_right_ns, until_ns)
    fine = 0
    while fine < level and (times[1] - times[0]) // reader.widths_ns[fine] > _MOST_BUCKETS:
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
    """Lowest and highest price (1e-9) that is not far away from most trades."""
    trades, opened, close = rows["trade_count"], rows["open"], rows["close"]
    budget = min(_FEW, int(trades.sum()) // _FEW_OF)
    middle = int(close[_first_beyond(trades, np.argsort(close), int(trades.sum()) // 2)])
    # Of a bubble's first and last price the one that is nearer to the others: its own bad print may be the other one.
    own = np.where(np.abs(opened - middle) < np.abs(close - middle), opened, close)
    order = np.argsort(own)
    core_low = int(own[_first_beyond(trades, order, budget)])
    core_high = int(own[_first_beyond(trades, order[::-1], budget)])
    usual = int(np.sort(rows["high"] - rows["low"])[(len(rows) - 1) // 2])
    reach = _REACH * max(core_high - core_low, usual, _LEAST_TICKS * tick_size)
    return core_low - reach, core_high + reach


def _first_beyond(trades: NDArray[np.int64], order: NDArray[np.intp], budget: int) -> int:
    """The first row in an order with which more than `budget` trades have been passed."""
    passed = np.cumsum(trades[order])
    return int(order[min(int(passed.searchsorted(budget, "right")), len(order) - 1)])


def _named(
    rows: NDArray[np.void], is_out: NDArray[np.bool_], reached: NDArray[np.int64], bucket_ns: int, *, sign: int
) -> OffScale | None:
    out = np.flatnonzero(is_out)
    if len(out) == 0:
        return None
    furthest = int(out[np.argmax(sign * reached[out])])
    others = [at for at in out[-_MOST_NAMED:].tolist() if at != furthest]
    ids = rows["id"][[furthest, *others[1 - _MOST_NAMED :]]].tolist()
    is_one_trade = len(out) == 1 and bool(rows["trade_count"][furthest] == 1)
    times = tuple(bubble_id * bucket_ns + bucket_ns // 2 for bubble_id in ids)
    return OffScale(len(out), int(reached[furthest]), is_one_trade, times)
