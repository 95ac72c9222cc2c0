"""The times at which a symbol's price ceases to be valid: gaps, closed hours, session opens and rolls.

A break at time t separates trades up to t from those after t.
"""

from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import NOT_YET, GapKind
from flow_gl.layers.sessions import Session, sessions_of
from flow_gl.store.market import MarketReader


class Breaks(NamedTuple):
    """The breaks of a symbol, in order of time.

    Attributes
    ----------
    times : event time, ns, ascending, int64, shape (n,)
    kinds : kind of the gap that begins there (`GapKind`), 0 at a session open or a roll; int64, shape (n,)
    """

    times: NDArray[np.int64]
    kinds: NDArray[np.int64]

    def before(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of breaks before each time. No break lies between two times with equal numbers."""
        found: NDArray[np.int64] = np.searchsorted(self.times, times_ns)
        return found

    def between(self, traded_ns: int, now_ns: int) -> int | None:
        """Return the kind of the first break after a trade and before now; None if there is none."""
        first, last = self.before(np.array([traded_ns, now_ns])).tolist()
        return int(self.kinds[first]) if first < last else None


_known: Final[WeakKeyDictionary[MarketReader, tuple[tuple[object, list[Session]], Breaks]]] = WeakKeyDictionary()
"""The breaks of each reader, with the versions of the gaps, rolls and sessions from which they were computed."""


def breaks_of(reader: MarketReader) -> Breaks:
    """Return the breaks of a symbol; recomputed only when its gaps, rolls or sessions change."""
    version, sessions = reader.breaks_version, sessions_of(reader)
    known = _known.get(reader)
    # The list of sessions is the same object while nothing in it has changed.
    if known is None or known[0][0] != version or known[0][1] is not sessions:
        known = _known[reader] = (version, sessions), _breaks_of(reader, sessions)
    return known[1]


def _breaks_of(reader: MarketReader, sessions: list[Session]) -> Breaks:
    gaps, rolls = reader.gaps, reader.rolls[reader.rolls["first_ts"] != NOT_YET]
    # A gap begins after the trade at its start. An unscheduled session, an open and a roll begin with the trade there.
    is_mark = gaps["kind"] == int(GapKind.UNSCHEDULED)
    opens = np.array([session.start_ns for session in sessions if session.start_ns], np.int64)
    times = np.concatenate([np.where(is_mark, gaps["start"] - 1, gaps["start"]), rolls["last_ts"], opens - 1])
    kinds = np.zeros(len(times), np.int64)
    kinds[: len(gaps)] = np.where(is_mark, 0, gaps["kind"])
    order = np.argsort(times, kind="stable")
    return Breaks(times[order], kinds[order])
