"""Reads one trade from its six words, with the pipeline's rule for what counts as a trade."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.engine.kernels.jit import kernel

_TRADE: Final = ord("T")


@kernel
def trade_nb(words: NDArray[np.int64], i: int) -> tuple[int, int, int, int, bool]:
    """Return ts_event (ns), price (1e-9), contracts, side, and whether record `i` counts as a trade.

    The rule is that of `kernels.aggregate`, here without branches. Compiled into its caller, it costs no call.
    """
    ts, price, tail = words[6 * i + 1], words[6 * i + 2], words[6 * i + 3]
    contracts = tail & 0xFFFFFFFF
    is_trade = ((tail >> 32) & 0xFF == _TRADE) & (contracts != 0) & (price != UNDEF_PRICE) & (ts >= 0)
    return ts, price, contracts, (tail >> 40) & 0xFF, is_trade
