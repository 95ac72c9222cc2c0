"""The newest finished sessions of one chart: what each amounts to, its levels and its profile in at most 256 rows.

The next market of a chart takes the log over at a roll, so a chart shows the sessions of all its contracts, each with
its own levels.
"""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import FINISHED_ROWS, FINISHED_SESSION, FINISHED_SESSIONS
from flow_gl.engine.records import fill_rows
from flow_gl.engine.sinks import Finished


class SessionLog:
    """Finished sessions as FINISHED_SESSION rows, oldest first."""

    def __init__(self) -> None:
        self._rows: Final[deque[NDArray[np.void]]] = deque(maxlen=FINISHED_SESSIONS)
        self._total = 0
        self.is_changed = False

    def add(self, finished: Finished) -> None:
        """Add a session that has just ended."""
        self._rows.append(_row_of(finished))
        self._total += 1
        self.is_changed = True

    def follow(self, other: "SessionLog") -> None:
        """Take over the sessions of the previous instrument on the chart."""
        own = list(self._rows)
        self._rows.clear()
        self._rows.extend([*other._rows, *own])
        self._total += other._total
        self.is_changed = True

    def forget(self) -> None:
        """Forget all sessions, because a new chart begins."""
        self._rows.clear()
        self._total = 0
        self.is_changed = True

    def keep(self) -> list[bytes]:
        """Return the rows, for a checkpoint."""
        return [row.tobytes() for row in self._rows]

    def resume(self, kept: list[bytes]) -> None:
        """Restore what `keep` returned."""
        self.forget()
        self._rows.extend(np.frombuffer(row, FINISHED_SESSION) for row in kept)
        self._total = len(kept)

    def write(self, record: NDArray[np.void]) -> None:
        """Fill a FINISHED_LIST record (shape (1,))."""
        row = record[0]
        row["count"], row["total"] = len(self._rows), self._total
        for at, finished in enumerate(self._rows):
            row["session"][at] = finished[0]
        self.is_changed = False


def _row_of(finished: Finished) -> NDArray[np.void]:
    row = np.zeros(1, FINISHED_SESSION)
    row["instrument_id"] = finished.instrument["instrument_id"]
    row["numbers"] = finished.session
    row["poc"], row["vah"], row["val"] = finished.poc, finished.vah, finished.val
    row["is_regular"] = finished.is_regular
    for name in ("rth_open", "initial_high", "initial_low", "opening_high", "opening_low"):
        row[name] = finished.levels[name]
    contracts = np.stack([finished.buy, finished.sell, finished.unsided], axis=1)
    tick_size = int(finished.instrument["tick_size"][0]) or 1
    row["tick_size"] = tick_size
    if not len(finished.price):
        return row
    numbers, held = fill_rows(row[0], finished.price, contracts, tick_size=tick_size, most=FINISHED_ROWS)
    row["count"], row["row"][0, : len(numbers)] = len(numbers), numbers
    for column, name in enumerate(("buy", "sell", "unsided")):
        row[name][0, : len(numbers)] = held[:, column]
    return row
