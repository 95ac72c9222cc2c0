"""Check that files follow each other in time.

They are ordered by `ts_recv`, as Databento's own files are (their `ts_event` may step back where instruments
interleave), or by `ts_event` where `ts_recv` is missing, flagged as bad, or too far from `ts_event` to be plausible.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.schema import F_BAD_TS_RECV
from flow_gl.core.units import MINUTE_NS, format_time
from flow_gl.dbn.trade_checks import EARLIEST_NS, LATEST_NS

NEAR_NS: Final = MINUTE_NS
"""Largest distance from `ts_event` at which `ts_recv` still orders a trade; on a real day it is at most 0.2 s."""


def event_times(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return an event time for every trade: `ts_event`, else `ts_recv`, else the previous trade's.

    Parameters
    ----------
    rows : dtype TRADE

    Returns
    -------
    int64, shape (len(rows),), ns since the epoch; 0 if none of the trades has a time
    """
    ts_event = np.ascontiguousarray(rows["ts_event"])
    if not len(rows) or _is_time(ts_event).all():
        return ts_event
    ts_recv = np.where(_is_time(rows["ts_recv"]), rows["ts_recv"], 0)
    times = np.where(_is_time(ts_event), ts_event, ts_recv)
    known = np.flatnonzero(times)
    if not len(known):
        return times
    place = np.searchsorted(known, np.arange(len(times)), side="right") - 1
    filled: NDArray[np.int64] = times[known[np.maximum(place, 0)]]
    return filled


def _is_time(times: NDArray[np.int64]) -> NDArray[np.bool_]:
    is_time: NDArray[np.bool_] = (times >= EARLIEST_NS) & (times < LATEST_NS)
    return is_time


def order_keys(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the times that order trades (dtype TRADE): int64, shape (len(rows),), ns since the epoch."""
    ts_event, ts_recv = event_times(rows), rows["ts_recv"]
    is_near = (ts_recv > 0) & (np.abs(ts_recv - ts_event) <= NEAR_NS) & (rows["flags"] & F_BAD_TS_RECV == 0)
    keys: NDArray[np.int64] = np.where(is_near, ts_recv, ts_event)
    return keys


def order_range(rows: NDArray[np.void]) -> tuple[int, int]:
    """Return the lowest and the highest of the times that order trades (dtype TRADE, at least one), ns."""
    ts_recv = np.ascontiguousarray(rows["ts_recv"])
    first, last = int(ts_recv.min()), int(ts_recv.max())
    if first >= EARLIEST_NS and last < LATEST_NS and not np.bitwise_or.reduce(rows["flags"]) & F_BAD_TS_RECV:
        delay = ts_recv - rows["ts_event"]
        if delay.min() >= -NEAR_NS and delay.max() <= NEAR_NS:
            return first, last  # usual: each trade is ordered by its own `ts_recv`
    keys = order_keys(rows)
    return int(keys.min()), int(keys.max())


class FileOrder:
    """Checks that files, in the order given, do not overlap."""

    def __init__(self) -> None:
        self._begun: tuple[int, Path] | None = None
        self._ended: tuple[int, Path] | None = None

    def begin(self, first: int, path: Path) -> None:
        """Begin a file at `first` (ns). Raises DataError if that is before the end of an earlier file."""
        if self._begun is not None and self._ended is not None:
            (begun, before), (ended, ending) = self._begun, self._ended
            if first < begun:
                raise DataError(
                    f"{path} begins at {_time(first)}, before {before} at {_time(begun)}:"
                    " give the files in chronological order"
                )
            if first < ended:
                raise DataError(
                    f"{path} begins at {_time(first)}, before {ending} ends at {_time(ended)}: they overlap"
                )
        self._begun = (first, path)

    def reach(self, last: int, path: Path) -> None:
        """Extend the current file to `last` (ns)."""
        if self._ended is None or last > self._ended[0]:
            self._ended = (last, path)


def _time(ts_ns: int) -> str:
    return format_time(ts_ns, zone="UTC", decimals=3)
