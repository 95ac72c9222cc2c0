"""Puts orders together for the tape: consecutive records of equal `ts_event` and side are one order."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import ORDER
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS, WORDS
from flow_gl.engine.kernels.trade_words import trade_nb
from flow_gl.store.ring import Ring

_I64: Any = np.int64
_COLUMNS: Final = ORDER.itemsize // 8
_SIDE: Final = 32
"""An order as int64 words: time, first and last price, contracts, then number of trades and the side at this bit."""


class OrderTape:
    """Writes the orders of one instrument into a ring.

    The newest order is written once a record of another order arrives, or the clock has passed it.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring: Final = ring
        self._newest: Final[NDArray[np.void]] = np.zeros(1, ORDER)
        self._newest_words: Final = self._newest.view(np.int64)
        self._make_room(1024)

    def take(self, words: NDArray[np.int64]) -> None:
        """Process trades that have been aggregated: int64 words of TRADE rows."""
        count = len(words) // WORDS
        if count >= len(self._rows):
            self._make_room(2 * count)
        ended = orders_nb(words, self._newest_words, self._words)
        if ended:
            self._ring.append(self._rows[:ended])

    def pass_time(self, now_ns: int) -> None:
        """Advance the clock to `now_ns` (event time), up to which all trades are known."""
        if self._newest["size"][0] and self._newest["ts_event"][0] < now_ns - CLOSE_DELAY_NS:
            self.end()

    def end(self) -> None:
        """Write the order that may still go on."""
        if self._newest["size"][0]:
            self._ring.append(self._newest)
            self._newest["size"] = 0

    def _make_room(self, count: int) -> None:
        self._rows: NDArray[np.void] = np.zeros(count, ORDER)
        self._words = self._rows.view(np.int64)


@kernel
def orders_nb(words: NDArray[np.int64], newest: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    """Put the orders of trades together; records without an action, price or size are left out.

    Parameters
    ----------
    words : int64, shape (n * 6,); TRADE records viewed as words
    newest : int64 words of one ORDER row: the order that may go on; `size` 0 where there is none
    rows : int64 words of ORDER rows, one more than there are trades; filled with the orders that ended

    Returns
    -------
    count : number of rows filled
    """
    at = 0
    time, first, last, size, tail = newest[0], newest[1], newest[2], newest[3], newest[4]
    for i in range(len(words) // WORDS):
        ts, price, contracts, side, is_trade = trade_nb(words, i)
        if not is_trade:
            continue
        # Without branches: the processor cannot predict where an order ends. Its row is written over until it does.
        is_next = _I64(ts != time) | _I64(side != tail >> _SIDE) | _I64(size == 0)
        rows[at], rows[at + 1], rows[at + 2], rows[at + 3], rows[at + 4] = time, first, last, size, tail
        at += _COLUMNS * (is_next & _I64(size != 0))
        goes_on = is_next - 1
        time, last = ts, price
        first = price ^ ((first ^ price) & goes_on)
        size = contracts + (size & goes_on)
        tail = (side << _SIDE) + (tail & 0xFFFFFFFF & goes_on) + 1
    newest[0], newest[1], newest[2], newest[3], newest[4] = time, first, last, size, tail
    return at // _COLUMNS
