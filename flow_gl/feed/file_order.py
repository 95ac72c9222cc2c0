"""Whether files follow each other in time.

What orders them is `ts_recv`, as in Databento's own files (their `ts_event` may step back where instruments
interleave); `ts_event` where that is not given.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.units import format_time


def order_keys(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """What orders trades (TRADE): int64, ns."""
    ts_recv = rows["ts_recv"]
    keys: NDArray[np.int64] = np.where(ts_recv > 0, ts_recv, rows["ts_event"])
    return keys


class FileOrder:
    """Files in the order in which they were given, as far as they were looked at."""

    def __init__(self) -> None:
        self._begun: tuple[int, Path] | None = None
        self._ended: tuple[int, Path] | None = None

    def begin(self, first: int, path: Path) -> None:
        """A file begins at `first` (ns). Raises DataError where that is before the end of those before it."""
        if self._begun is not None and self._ended is not None:
            (begun, before), (ended, ending) = self._begun, self._ended
            if first < begun:
                raise DataError(
                    f"{path} begins at {_time(first)}, before {before} at {_time(begun)}: give files in order of time"
                )
            if first < ended:
                raise DataError(
                    f"{path} begins at {_time(first)}, before {ending} ends at {_time(ended)}: they overlap"
                )
        self._begun = (first, path)

    def reach(self, last: int, path: Path) -> None:
        """A file goes on to `last` (ns)."""
        if self._ended is None or last > self._ended[0]:
            self._ended = (last, path)


def _time(ts_ns: int) -> str:
    return format_time(ts_ns, zone="UTC", decimals=3)
