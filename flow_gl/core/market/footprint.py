"""The rows of footprints, their sums, and their imbalances."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import MAX_LODS

FOOTPRINT_ROWS: Final = 2048
"""Maximum number of rows in one part of a bucket's footprint. A bucket with more prices has several parts."""
FOOTPRINT: Final = np.dtype(
    [
        *((name, "<i8") for name in ("id", "price")),  # of the bubble; 1e-9
        *((name, "<u4") for name in ("buy", "sell", "unsided", "trade_count")),  # contracts, and trades
    ]
)
"""The contracts of a bubble at one price, 32 bytes. A price may have several rows, which add up: `FOOTPRINT_ROWS`."""

OPEN_FOOTPRINT: Final = np.dtype(
    [
        ("bucket", "<i8"),  # id of the open base bucket; NO_OPEN_BUCKET if there is none
        ("known", "<i8", (MAX_LODS,)),  # at each lod, the first id whose rows are complete; 0: from the beginning
        ("head", "<i8", (MAX_LODS,)),  # closed rows at each lod, as ring positions, ...
        ("count", "<i8"),
        ("row", FOOTPRINT, (FOOTPRINT_ROWS,)),  # ... and the rows of the open base bucket, which are not among them
    ]
)
"""The open bubble's footprint and the heads of the rings at the same moment: together, every trade so far."""
NO_OPEN_BUCKET: Final = 2**62

SUMS: Final = ("buy", "sell", "unsided", "trade_count")
SUMMED: Final = np.dtype([(name, "<i8") for name in ("id", "price", *SUMS)])
"""Like FOOTPRINT, with sums that cannot overflow."""


class FootprintSums:
    """The sums of a footprint's `rows`: SUMMED, by ascending price."""

    __slots__ = ()
    rows: NDArray[np.void]

    @property
    def buy(self) -> int:
        """Contracts."""
        return int(self.rows["buy"].sum())

    @property
    def sell(self) -> int:
        return int(self.rows["sell"].sum())

    @property
    def unsided(self) -> int:
        return int(self.rows["unsided"].sum())

    @property
    def trade_count(self) -> int:
        return int(self.rows["trade_count"].sum())


def totals(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the contracts of each of SUMMED rows: int64, same length."""
    found: NDArray[np.int64] = rows["buy"] + rows["sell"] + rows["unsided"]
    return found


def added_up(rows: NDArray[np.void], *, is_by_bubble: bool) -> NDArray[np.void]:
    """Sum FOOTPRINT rows of the same price; return SUMMED rows by ascending price.

    Parameters
    ----------
    is_by_bubble : keep bubbles separate and order rows by bubble first. Otherwise the ids are meaningless
    """
    order = np.argsort(rows["price"], kind="stable")
    if is_by_bubble:
        order = order[np.argsort(rows["id"][order], kind="stable")]
    price, bubble = rows["price"][order], rows["id"][order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = price[1:] != price[:-1]
    if is_by_bubble:
        is_first[1:] |= bubble[1:] != bubble[:-1]
    starts = np.flatnonzero(is_first)
    found: NDArray[np.void] = np.zeros(len(starts), SUMMED)
    found["id"], found["price"] = bubble[starts], price[starts]
    for name in SUMS if len(starts) else ():
        found[name] = np.add.reduceat(rows[name][order], starts, dtype=np.int64)
    return found


def on_ticks(rows: NDArray[np.void], tick_size: int) -> NDArray[np.void]:
    """Sum the SUMMED rows of one footprint by tick. A price between two ticks counts in the lower one.

    Parameters
    ----------
    tick_size : 1e-9 units, positive
    """
    ticks = rows["price"] // tick_size * tick_size
    if (ticks == rows["price"]).all():
        return rows
    moved = rows.copy()
    moved["price"] = ticks
    return added_up(moved, is_by_bubble=False)


def imbalances(
    rows: NDArray[np.void], tick_size: int, *, least: int, ratio: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which ticks are buy and which are sell imbalances.

    A tick is a buy imbalance if its buys are at least `least` contracts and at least `ratio` times the sells one tick
    lower; a sell imbalance if its sells are at least that many times the buys one tick higher. A tick without trades
    counts as 0.

    Parameters
    ----------
    rows : SUMMED, from `on_ticks`
    tick_size : 1e-9 units, positive
    """
    price, buy, sell = rows["price"], rows["buy"], rows["sell"]
    sell_below, buy_above = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    is_next = price[1:] - price[:-1] == tick_size
    sell_below[1:][is_next] = sell[:-1][is_next]
    buy_above[:-1][is_next] = buy[1:][is_next]
    return (buy >= least) & (buy >= ratio * sell_below), (sell >= least) & (sell >= ratio * buy_above)
