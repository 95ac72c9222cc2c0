"""The packed columns of bubbles with their CVD points: a lossless encoding relative to other fields.

Prices are stored relative to the row's low, the last trade's time relative to the bucket's start, and CVD relative to
its value before the bucket. A bubble's price is a volume-weighted average, so it is not a whole number of ticks. It is
the rounded quotient of two integers: the sum of ticks times contracts, and the contracts. The sum is stored if it
reproduces every price.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol.columns import ONE, PRICE, TIME, Columns
from flow_gl.protocol.kinds import CHART_FIELDS, CHART_ROW, words_of

NAMES: Final = (
    "ts_event",
    "low",
    "open - low",
    "high - low",
    "close - low",
    "price",
    "buy",
    "sell",
    "unsided",
    "trade_count",
    "ts_last - ts_event",
    "id - ts_event / width",
    "cvd_open",
    "cvd_high - cvd_open",
    "cvd_open - cvd_low",
    "cvd_close - cvd_open - (buy - sell)",
)
"""The columns, in order. `price`: see `to_columns`."""
UNITS: Final = np.array([TIME, *[PRICE] * 4, *[ONE] * 11], np.uint8)
_LARGEST: Final = 2**62


def to_columns(rows: NDArray[np.void], *, tick_size: int, width_ns: int) -> tuple[Columns, bool]:
    """Return the columns of CHART_ROW rows.

    Parameters
    ----------
    tick_size : 1e-9; 1 where unknown
    width_ns : width of the bucket, ns

    Returns
    -------
    columns : int64, shape (16, rows)
    is_sum : column `price` holds the sum of (price of a trade - low) / tick_size * contracts over the bubble's trades;
        otherwise price - low
    """
    row = dict(zip(CHART_FIELDS, words_of(rows, len(CHART_FIELDS)).T, strict=True))
    columns = np.empty((len(NAMES), len(rows)), np.int64)
    low, opened = row["low"], row["cvd_open"]
    columns[0], columns[1] = row["ts_event"], low
    for at, name in ((2, "open"), (3, "high"), (4, "close"), (5, "price")):
        np.subtract(row[name], low, out=columns[at])
    for at, name in ((6, "buy"), (7, "sell"), (8, "unsided"), (9, "trade_count"), (12, "cvd_open")):
        columns[at] = row[name]
    np.subtract(row["ts_last"], row["ts_event"], out=columns[10])
    np.subtract(row["id"], row["ts_event"] // width_ns, out=columns[11])
    np.subtract(row["cvd_high"], opened, out=columns[13])
    np.subtract(opened, row["cvd_low"], out=columns[14])
    columns[15] = row["cvd_close"] - opened - (row["buy"] - row["sell"])
    sums = _sums(columns, tick_size)
    if sums is not None:
        columns[5] = sums
    return columns, sums is not None


def _sums(columns: Columns, tick_size: int) -> NDArray[np.int64] | None:
    """Return the sums of ticks times contracts that reproduce every price; None if there are none."""
    above, sides = columns[5], columns[6:9]
    if not len(above) or above.min() < 0 or sides.min() < 0 or sides.max() > _LARGEST // 3:
        return None
    contracts = sides.sum(axis=0)
    if contracts.min() <= 0 or int(above.max()) * int(contracts.max()) > _LARGEST:
        return None
    sums = (above * contracts + tick_size // 2) // tick_size
    if int(sums.max()) * tick_size > _LARGEST:
        return None
    return sums if np.array_equal(_rounded(sums * tick_size, contracts), above) else None


def _rounded(total: NDArray[np.int64], contracts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Divide, rounding half to even."""
    quotient, rest = np.divmod(total, contracts)
    quotient += (2 * rest > contracts) | ((2 * rest == contracts) & (quotient & 1 == 1))
    return quotient


def to_rows(columns: Columns, *, is_sum: bool, tick_size: int, width_ns: int) -> NDArray[np.void]:
    """Return the CHART_ROW rows from the columns of `to_columns`."""
    rows = np.empty(columns.shape[1], CHART_ROW)
    low, ts_event, opened = columns[1], columns[0], columns[12]
    above = _rounded(columns[5] * tick_size, np.maximum(columns[6:9].sum(axis=0), 1)) if is_sum else columns[5]
    rows["id"], rows["ts_event"], rows["low"] = columns[11] + ts_event // width_ns, ts_event, low
    rows["price"], rows["ts_last"] = low + above, ts_event + columns[10]
    for at, name in ((2, "open"), (3, "high"), (4, "close")):
        rows[name] = low + columns[at]
    for at, name in ((6, "buy"), (7, "sell"), (8, "unsided"), (9, "trade_count"), (12, "cvd_open")):
        rows[name] = columns[at]
    rows["cvd_high"], rows["cvd_low"] = opened + columns[13], opened - columns[14]
    rows["cvd_close"] = opened + columns[15] + (columns[6] - columns[7])
    return rows
