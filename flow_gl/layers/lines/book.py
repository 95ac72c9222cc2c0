"""The rows of the session's lines, as far as one chart shows them: each row is copied from its log once."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.store.market import MarketReader
from flow_gl.store.row_log import FrozenLog, RowCursor, RowLog

MINUTE_COLUMNS: Final = ("poc", "vah", "val")
VWAP_COLUMNS: Final = ("vwap", "vwap_sd")
SIZE_COLUMNS: Final = ("small", "medium", "large")
DEVELOPING: Final = "developing"
ORDER_SIZES: Final = "order_cvd"
LEVELS: Final = "levels"
"""Names of the layers, as switches know them."""
_OWN_LAYERS: Final = frozenset({DEVELOPING, LEVELS, ORDER_SIZES})
_MAX_READ: Final = 1 << 16
"""Rows that are read in one frame."""
_MAX_SEARCHED: Final = 4096
_FIRST: Final = 1024


class LineRows:
    """Times and values of one log's rows, oldest first, in arrays that grow by doubling.

    Parameters
    ----------
    columns : fields of the log's rows that are kept
    dtype : of these fields
    """

    def __init__(self, columns: tuple[str, ...], dtype: type[np.generic] = np.int64) -> None:
        self._columns: Final = columns
        self._times: NDArray[np.int64] = np.zeros(_FIRST, np.int64)
        self._values: NDArray[Any] = np.zeros((_FIRST, len(columns)), dtype)
        self._count = 0
        self._log: RowLog | FrozenLog | None = None
        self._cursor: RowCursor | None = None
        self.version = 0
        """Changes with the rows."""

    @property
    def times(self) -> NDArray[np.int64]:
        """Int64, shape (n,), ns: rising."""
        return self._times[: self._count]

    @property
    def values(self) -> NDArray[Any]:
        """Shape (n, number of columns)."""
        return self._values[: self._count]

    def refresh(self, log: RowLog | FrozenLog) -> bool:
        """Read new rows; all again after a replacement or in another store. Returns whether none is left to read."""
        if log is not self._log or self._cursor is None:
            self._log, self._cursor = log, RowCursor(log)
            self._forget()
        if self._cursor.renewed() is not None:
            self._forget()
        if not self._cursor.behind:
            return True
        rows = self._cursor.read(_MAX_READ)
        keep = log.capacity
        if self._count + len(rows) > keep:
            self._drop(self._count + len(rows) - keep + keep // 4)
        end = self._count + len(rows)
        if end > len(self._times):
            room = max(2 * len(self._times), end)
            self._times = np.resize(self._times, room)
            self._values = np.resize(self._values, (room, len(self._columns)))
        self._times[self._count : end] = rows["ts_event"]
        for column, name in enumerate(self._columns):
            self._values[self._count : end, column] = rows[name]
        self._count = end
        self.version += 1
        return not self._cursor.behind

    def seen(self, left_ns: int, right_ns: int, most: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return times and values of the rows from the last one before a range to the first one after it.

        Of more than `most` rows every n-th is returned, the same ones wherever the range begins, and the newest.
        """
        first, last = np.searchsorted(self.times, [left_ns, right_ns])
        first, last = max(int(first) - 1, 0), min(int(last) + 1, self._count)
        step = -(-(last - first) // most) if last > first else 1
        if step <= 1:
            return self.times[first:last], self.values[first:last]
        at = np.arange(-(-first // step) * step, last, step)
        if at[-1] != last - 1:
            at = np.append(at, last - 1)
        return self.times[at], self.values[at]

    def extent(self, left_ns: int, right_ns: int, found: tuple[float, float]) -> tuple[float, float]:
        """Return a range (lowest, highest) extended by the values in a range of times."""
        _, values = self.seen(left_ns, right_ns, _MAX_SEARCHED)
        return (min(found[0], float(values.min())), max(found[1], float(values.max()))) if len(values) else found

    def _drop(self, count: int) -> None:
        count = min(count, self._count)
        self._times[: self._count - count] = self._times[count : self._count].copy()
        self._values[: self._count - count] = self._values[count : self._count].copy()
        self._count -= count

    def _forget(self) -> None:
        self._count = 0
        self.version += 1


class LineBook:
    """The lines of one chart.

    Attributes
    ----------
    minutes : POC, VAH and VAL (1e-9) at the end of each minute
    vwaps : VWAP and its standard deviation (float64, points) at the end of each minute
    sizes : CVD of small, medium and large orders (contracts) at the end of each second
    """

    def __init__(self) -> None:
        self.minutes: Final = LineRows(MINUTE_COLUMNS)
        self.vwaps: Final = LineRows(VWAP_COLUMNS, np.float64)
        self.sizes: Final = LineRows(SIZE_COLUMNS)
        self._seen: tuple[object, ...] = ()
        """The reader, its changes and the layers for which everything has been read."""

    def refresh(self, reader: MarketReader, shown: frozenset[str] | set[str]) -> None:
        """Read what the layers that are switched on draw."""
        seen = reader, reader.changes, _OWN_LAYERS & shown
        if seen == self._seen:
            return
        is_all = True
        for name, rows, log in (
            (DEVELOPING, self.minutes, reader.minutes),
            (LEVELS, self.vwaps, reader.minutes),
            (ORDER_SIZES, self.sizes, reader.order_cvd),
        ):
            if name in shown:
                is_all = rows.refresh(log) and is_all
        self._seen = seen if is_all else ()


NO_LINES: Final = LineBook()
"""For charts without lines: it has no rows."""
