"""Put dated notices among trades: each notice is yielded before the first trade at or after its time.

A trade's time here is `ts_recv`, by which Databento splits its files and resolves its names. If `ts_recv` and
`ts_event` are far apart, one of them is wrong, and `ts_event` is used.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Item, Mapping, Trades
from flow_gl.core.market.instrument import is_parent_symbol
from flow_gl.core.units import MINUTE_NS

_APART_NS: Final = MINUTE_NS


def dates_of(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the time at which each trade's names are looked up.

    Parameters
    ----------
    rows : dtype TRADE

    Returns
    -------
    int64, shape (len(rows),), ns since the epoch
    """
    ts_event, ts_recv = rows["ts_event"], rows["ts_recv"]
    delay = ts_recv - ts_event
    dates: NDArray[np.int64] = np.where((ts_recv > 0) & (delay >= 0) & (delay <= _APART_NS), ts_recv, ts_event)
    return dates


class Dated:
    """A queue of notices, each waiting for its time.

    Parameters
    ----------
    notices : ordered by `ts_event`
    """

    def __init__(self, notices: Iterable[Mapping | Definition] = ()) -> None:
        self._waiting: Final = deque(notices)

    def add(self, notice: Mapping | Definition) -> None:
        """Add a notice of any time to the queue."""
        later = [one for one in self._waiting if one.ts_event > notice.ts_event]
        for _ in later:
            self._waiting.pop()
        self._waiting.extend([notice, *later])

    def first_day(self) -> Iterator[Item]:
        """Yield the notices of the earliest date, which apply from the start."""
        first = self._waiting[0].ts_event if self._waiting else 0
        while self._waiting and self._waiting[0].ts_event == first:
            yield self._waiting.popleft()

    def in_force(self, first: NDArray[np.void]) -> Iterator[Item]:
        """Yield the notices in force at the first trade (shape (1,)): for each name the last one that it has reached.

        A file's header may cover more days than its trades: an earlier meaning of a name must not be taken for a roll.
        """
        date = int(dates_of(first)[0])
        if not self._waiting or date < self._waiting[0].ts_event:
            yield from self.first_day()
            return
        yield from self._due(date)

    def place(self, trades: Trades) -> Iterator[Item]:
        """Yield trades, each preceded by the notices whose time it has reached."""
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
            # A notice that another one of its name follows before the next trade would be a roll without a trade.
            yield from self._due(int(dates[0]))
        if len(rows):
            yield Trades(rows)

    def _due(self, date: int) -> Iterator[Item]:
        """Remove the notices up to a date (ns), and yield the last one of each name."""
        last: dict[tuple[str, str, int], Mapping | Definition] = {}
        while self._waiting and self._waiting[0].ts_event <= date:
            notice = self._waiting.popleft()
            last.pop(_key(notice), None)
            last[_key(notice)] = notice
        yield from last.values()


def _key(notice: Mapping | Definition) -> tuple[str, str, int]:
    """Return the key under which a later notice replaces an earlier one; a parent has many instruments at once."""
    if isinstance(notice, Definition):
        return "", "", notice.instrument_id
    return notice.symbol, notice.requested, notice.instrument_id if is_parent_symbol(notice.requested) else 0
