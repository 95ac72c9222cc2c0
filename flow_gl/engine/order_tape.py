"""Puts orders together for the tape: consecutive records of equal `ts_event` and side are one order."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import ORDER, UNDEF_PRICE
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS, WORDS
from flow_gl.store.ring import Ring

_TRADE: Final = ord("T")


class OrderTape:
    """Writes the orders of one instrument into a ring.

    The newest order is written once a record of another order arrives, or the clock has passed it.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring: Final = ring
        self._open: Final[NDArray[np.void]] = np.zeros(1, ORDER)
        self._rows: NDArray[np.void] = np.zeros(1024, ORDER)

    def take(self, words: NDArray[np.int64]) -> None:
        """Process trades that have been aggregated: int64 words of TRADE rows."""
        count = len(words) // WORDS
        if count >= len(self._rows):
            self._rows = np.zeros(2 * count, ORDER)
        ended = orders_nb(words, self._open, self._rows)
        if ended:
            self._ring.append(self._rows[:ended])

    def pass_time(self, now_ns: int) -> None:
        """Advance the clock to `now_ns` (event time), up to which all trades are known."""
        if self._open["size"][0] and self._open["ts_event"][0] < now_ns - CLOSE_DELAY_NS:
            self.end()

    def end(self) -> None:
        """Write the order that is still open."""
        if self._open["size"][0]:
            self._ring.append(self._open)
            self._open["size"] = 0


@kernel
def orders_nb(words: NDArray[np.int64], newest: NDArray[Any], rows: NDArray[Any]) -> int:
    """Put the orders of trades together; records without an action, price or size are left out.

    Parameters
    ----------
    words : int64, shape (n * 6,); TRADE records viewed as words
    newest : ORDER, shape (1,): the order that may go on; `size` 0 where there is none
    rows : ORDER, at least n rows, filled with the orders that ended

    Returns
    -------
    count : number of rows filled
    """
    count = 0
    order = newest[0]
    for i in range(len(words) // WORDS):
        ts, price, tail = words[6 * i + 1], words[6 * i + 2], words[6 * i + 3]
        contracts, side = tail & 0xFFFFFFFF, (tail >> 40) & 0xFF
        if (tail >> 32) & 0xFF != _TRADE or contracts == 0 or price == UNDEF_PRICE or ts < 0:
            continue
        if order["size"] != 0 and (ts != order["ts_event"] or side != order["side"]):
            rows[count]["ts_event"], rows[count]["first"] = order["ts_event"], order["first"]
            rows[count]["last"], rows[count]["size"] = order["last"], order["size"]
            rows[count]["trade_count"], rows[count]["side"] = order["trade_count"], order["side"]
            count += 1
            order["size"] = 0
        if order["size"] == 0:
            order["ts_event"], order["first"], order["side"], order["trade_count"] = ts, price, side, 0
        order["last"] = price
        order["size"] += contracts
        order["trade_count"] += 1
    return count
