"""Until when a symbol's price holds: a gap, closed hours, a session's open and a roll each end it.

A cut at a time c separates what was traded until c from what comes after c.
"""

from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import NOT_YET, GapKind
from flow_gl.layers.sessions import Session, sessions_of
from flow_gl.store.market import MarketReader


class Cuts(NamedTuple):
    """The cuts of a symbol.

    Attributes
    ----------
    times : ns, rising, int64, shape (n,)
    kinds : kind of the gap that begins there (`GapKind`); 0 at a session's open and at a roll
    """

    times: NDArray[np.int64]
    kinds: NDArray[np.int64]

    def before(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many cuts are earlier than each time: two times are on the same side of all cuts where equal."""
        found: NDArray[np.int64] = np.searchsorted(self.times, times_ns)
        return found

    def between(self, traded_ns: int, now_ns: int) -> int | None:
        """Return the kind of the first cut after a trade and before now; None if there is none."""
        first, last = self.before(np.array([traded_ns, now_ns])).tolist()
        return int(self.kinds[first]) if first < last else None


_known: Final[WeakKeyDictionary[MarketReader, tuple[tuple[object, list[Session]], Cuts]]] = WeakKeyDictionary()
"""The cuts of each reader, with the gaps, rolls and sessions that they were found for."""


def cuts_of(reader: MarketReader) -> Cuts:
    """Return the cuts of a symbol; found again only when its gaps, rolls or sessions change."""
    version, sessions = reader.breaks_version, sessions_of(reader)
    known = _known.get(reader)
    # The list of sessions is the same object while nothing in it has changed.
    if known is None or known[0][0] != version or known[0][1] is not sessions:
        known = _known[reader] = (version, sessions), _cuts_of(reader, sessions)
    return known[1]


def _cuts_of(reader: MarketReader, sessions: list[Session]) -> Cuts:
    gaps, rolls = reader.gaps, reader.rolls[reader.rolls["first_ts"] != NOT_YET]
    # The trade at which a gap begins is before it. A mark of no length, an open and a roll begin with the trade there.
    is_mark = gaps["kind"] == int(GapKind.UNSCHEDULED)
    opens = np.array([session.start_ns for session in sessions if session.start_ns], np.int64)
    times = np.concatenate([np.where(is_mark, gaps["start"] - 1, gaps["start"]), rolls["last_ts"], opens - 1])
    kinds = np.zeros(len(times), np.int64)
    kinds[: len(gaps)] = np.where(is_mark, 0, gaps["kind"])
    order = np.argsort(times, kind="stable")
    return Cuts(times[order], kinds[order])
