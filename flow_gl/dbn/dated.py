"""Notices with a date among trades: each is handed over before the first trade that has reached its time.

A trade counts by when it was received, as Databento cuts its files and looks up its names; by its own time where the
two lie far apart, for then one of them is wrong.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Item, Mapping, Trades

_APART_NS: Final = 60_000_000_000


def dates_of(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """By which time of theirs trades (TRADE) are looked up: int64, ns."""
    ts_event, ts_recv = rows["ts_event"], rows["ts_recv"]
    delay = ts_recv - ts_event
    dates: NDArray[np.int64] = np.where((ts_recv > 0) & (delay >= 0) & (delay <= _APART_NS), ts_recv, ts_event)
    return dates


class Dated:
    """Notices that wait for their time.

    Parameters
    ----------
    notices : in the order of their `ts_event`
    """

    def __init__(self, notices: Iterable[Mapping | Definition] = ()) -> None:
        self._waiting: Final = deque(notices)

    def add(self, notice: Mapping | Definition) -> None:
        """Let one more wait, of whatever time."""
        later = [one for one in self._waiting if one.ts_event > notice.ts_event]
        for _ in later:
            self._waiting.pop()
        self._waiting.extend([notice, *later])

    def first_day(self) -> Iterator[Item]:
        """Hand over those of the first date: in force from the start."""
        first = self._waiting[0].ts_event if self._waiting else 0
        while self._waiting and self._waiting[0].ts_event == first:
            yield self._waiting.popleft()

    def place(self, trades: Trades) -> Iterator[Item]:
        """Hand over trades, and before each what its time has reached."""
        rows = trades.rows
        if not self._waiting:
            yield trades
            return
        dates = dates_of(rows)
        while self._waiting and len(rows) and int(dates.max()) >= self._waiting[0].ts_event:
            split = int(np.argmax(dates >= self._waiting[0].ts_event))
            if split:
                yield Trades(rows[:split])
            rows, dates = rows[split:], dates[split:]
            yield self._waiting.popleft()
        if len(rows):
            yield Trades(rows)
