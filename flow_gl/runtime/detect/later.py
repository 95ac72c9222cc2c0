"""The price moves after an event, in event time.

The price at a time T is that of the session's trade with the latest `ts_event` up to T; of several, the last to arrive.
The move after d is the price at `ts_event + d` less the price at `ts_event`, in ticks. There is none if the session has
no trade at or after `ts_event + d`: the session, or the file, has ended by then.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import WORDS
from flow_gl.engine.kernels.trade_words import trade_nb

HORIZONS: Final = {"10s": 10 * SECOND_NS, "60s": 60 * SECOND_NS, "5m": 5 * MINUTE_NS}
"""How long after an event, in ns, by the name in the tables' columns."""
_I64: Any = np.int64


@kernel
def add_prices_nb(words: NDArray[np.int64], times: NDArray[np.int64], prices: NDArray[np.int64]) -> int:
    """Write the times and prices of trades, without records that the engine rejects. Returns their number.

    The columns have room for one trade more than `words` holds: a rejected record is written, then overwritten.
    It is not among `engine.kernels`, all of which an engine compiles before it starts: no engine runs this one.
    """
    at: int = _I64(0)
    for i in range(len(words) // WORDS):
        times[at], prices[at], _, _, is_trade = trade_nb(words, i)
        at += _I64(is_trade)
    return at


class Prices:
    """The times and prices of a session's trades, in the order of arrival."""

    def __init__(self) -> None:
        self._batches: Final[list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = []

    def add(self, words: NDArray[np.int64]) -> None:
        """Add trades (int64 words of TRADE rows); records that the engine rejects are left out."""
        room = len(words) // WORDS + 1
        times, prices = np.empty(room, np.int64), np.empty(room, np.int64)
        count = int(add_prices_nb(words, times, prices))
        self._batches.append((times[:count], prices[:count]))

    def taken(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return times (ns) and prices (1e-9 units) in the order of time, and begin again."""
        nothing = np.zeros(0, np.int64)
        times = np.concatenate([nothing, *(batch[0] for batch in self._batches)])
        prices = np.concatenate([nothing, *(batch[1] for batch in self._batches)])
        self._batches.clear()
        if (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            times, prices = times[order], prices[order]
        return times, prices


def moves(
    events: NDArray[np.void], times: NDArray[np.int64], prices: NDArray[np.int64], *, tick_size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what price did after each event.

    Parameters
    ----------
    events : EVENT rows of one session
    times, prices : all trades of the session in the order of time: ns and 1e-9 units
    tick_size : the instrument's tick, 1e-9 units

    Returns
    -------
    price : int64 (n,), price at each event's time, 1e-9 units
    moves : float64 (n, 3), ticks, by the horizons of HORIZONS; NaN where there is none
    """
    ts = events["ts_event"]
    at = np.searchsorted(times, ts, side="right") - 1
    then = prices[np.maximum(at, 0)] if len(times) else np.zeros(len(ts), np.int64)
    found = np.full((len(ts), len(HORIZONS)), np.nan)
    last = int(times[-1]) if len(times) else -1
    for column, horizon in enumerate(HORIZONS.values()):
        is_known = (ts + horizon <= last) & (at >= 0)
        later = prices[np.searchsorted(times, ts[is_known] + horizon, side="right") - 1]
        found[is_known, column] = (later - then[is_known]) / tick_size
    return then, found
