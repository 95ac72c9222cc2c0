"""Groups trade records into orders: consecutive records of equal `ts_event` and side are one order.

`engine.order_tape` writes the orders that this finds. `detectors.run` finds orders in its own loop, because detectors
must know of an order's end before the next trade is read, and need no orders without a side.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import ORDER
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import WORDS
from flow_gl.engine.kernels.trade_words import trade_nb

_I64: Any = np.int64
_COLUMNS: Final = ORDER.itemsize // 8
_SIDE: Final = 32
"""An order as int64 words: time, first and last price, contracts, then number of trades and the side at this bit."""


@kernel
def orders_nb(words: NDArray[np.int64], newest: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    """Group trades into orders. Records that are not a trade, or lack a price or a size, are left out.

    Parameters
    ----------
    words : int64, shape (n * 6,); TRADE records viewed as words
    newest : int64 words of one ORDER row: the order that may continue; `size` 0 where there is none
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
