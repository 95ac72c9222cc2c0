"""Footprints by bucket: contracts bought, sold and without a side at each price, over exactly the bucket's trades."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE, Side
from flow_gl.engine.kernels.layout import NO_BUCKET, WORDS
from flow_gl.engine.sinks import Collector, TradeReader

FOOTPRINT: Final = np.dtype([(name, "<i8") for name in ("id", "price", "buy", "sell", "unsided")])
"""One price of one bucket: the bubble's id, the price (1e-9), contracts."""
_TRADE: Final = ord("T")
_SIZE: Final = 0xFFFFFFFF


class FootprintCollector(Collector, TradeReader):
    """Collects results like `Collector`, and the footprint of each bubble.

    Parameters
    ----------
    bucket_ns : width of the buckets
    """

    def __init__(self, bucket_ns: int) -> None:
        super().__init__()
        self._bucket_ns: Final = bucket_ns
        self._bucket = NO_BUCKET
        self._found: list[NDArray[np.void]] = []

    def trades(self, words: NDArray[np.int64]) -> None:
        ts, price, tail = words[1::WORDS], words[2::WORDS], words[3::WORDS]
        is_trade = ((tail >> 32) & 0xFF == _TRADE) & (tail & _SIZE != 0) & (price != UNDEF_PRICE) & (ts >= 0)
        if not is_trade.any():
            return
        ts, price, tail = ts[is_trade], price[is_trade], tail[is_trade]
        # A late trade counts in the open bubble, because closed ones never change.
        buckets = np.maximum.accumulate(np.maximum(ts // self._bucket_ns, self._bucket))
        self._bucket = int(buckets[-1])
        size, side = tail & _SIZE, (tail >> 40) & 0xFF
        rows: NDArray[np.void] = np.empty(len(ts), FOOTPRINT)
        rows["id"], rows["price"] = buckets, price
        rows["buy"] = np.where(side == Side.BUY, size, 0)
        rows["sell"] = np.where(side == Side.SELL, size, 0)
        rows["unsided"] = size - rows["buy"] - rows["sell"]
        self._found.append(added_up(rows))

    def footprint_rows(self) -> NDArray[np.void]:
        """Return the footprints of all bubbles (FOOTPRINT), by bubble and ascending price."""
        rows = added_up(np.concatenate([np.zeros(0, FOOTPRINT), *self._found]))
        self._found = [rows]
        return rows


def added_up(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return FOOTPRINT rows in order, with those of the same bubble and price added up."""
    if not len(rows):
        return rows
    rows = rows[np.lexsort((rows["price"], rows["id"]))]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = (rows["id"][1:] != rows["id"][:-1]) | (rows["price"][1:] != rows["price"][:-1])
    starts = np.flatnonzero(is_first)
    found: NDArray[np.void] = rows[starts]
    for name in ("buy", "sell", "unsided"):
        found[name] = np.add.reduceat(rows[name], starts)
    return found
