"""When price first traded at or beyond a price, found with the levels of detail: tens of rows, not the history.

Searches for many prices go through the levels of detail together. Each step is one operation on arrays, because a seek
needs the ends of all zones in view at once, and a loop over them took longer than all other work of its first frame.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.layers.marks.mark import NEVER
from flow_gl.store.market import MarketReader

_NONE: Final = -1
_FEW: Final = 8
"""Rows that are compared for all searches at once; longer ranges continue search by search."""

Ints = NDArray[np.int64]


def first_passages(reader: MarketReader, start_ns: Ints, price: Ints, is_up: NDArray[np.bool_]) -> Ints:
    """Return the start (ns) of the first bucket from a time on in which price reached a price, for many searches.

    Buckets that had begun before the time are not looked at: which of their trades came later is not known.

    Parameters
    ----------
    start_ns, price : int64 (n,); ns and 1e-9
    is_up : bool (n,): reached from below (a high at or above it); else from above

    Returns
    -------
    reached_ns : int64 (n,), ns; NEVER where price has not reached it
    """
    search = _Search(reader, price, is_up)
    search.look_for(start_ns)
    reached_ns = search.refined()
    bubble = reader.open_bubble(0)
    if bubble is not None:
        opened_ns, high, low = (int(bubble[name]) for name in ("ts_event", "high", "low"))
        is_reached = np.where(is_up, high >= price, low <= price)
        reached_ns[(search.lod == _NONE) & (start_ns <= opened_ns) & is_reached] = opened_ns
    return reached_ns


class _Search:
    """Searches for prices.

    Attributes
    ----------
    lod, bucket : int64 (n,): the closed bucket in which each price was reached, of the level of detail that was
        searched; _NONE where there is none
    """

    def __init__(self, reader: MarketReader, price: Ints, is_up: NDArray[np.bool_]) -> None:
        self._reader: Final = reader
        self._widths: Final = reader.widths_ns
        self._price: Final = price
        self._is_up: Final = is_up
        self.lod: Final[Ints] = np.full(len(price), _NONE)
        self.bucket: Final[Ints] = np.full(len(price), _NONE)

    def look_for(self, start_ns: Ints) -> None:
        """Find a closed bucket for each price."""
        widths, t_ns = self._widths, start_ns.copy()
        closed_ns = [_closed_until(self._reader, lod) for lod in range(len(widths))]
        left: Ints = np.arange(len(t_ns))
        stopped: Ints = np.zeros(len(t_ns), np.int64)
        """The level at which closed buckets ended."""
        for lod, closed in enumerate(closed_ns):
            # Finer buckets up to where a coarser one begins, as long as all of them have closed.
            is_coarsest = lod + 1 == len(widths)
            until_ns = np.full(len(left), NEVER) if is_coarsest else _up_to(t_ns[left], widths[lod + 1])
            is_open = ~self._scan(lod, left, t_ns[left], until_ns)
            left, until_ns = left[is_open], until_ns[is_open]
            goes_on = until_ns <= closed
            ended = left[~goes_on]
            stopped[ended], t_ns[ended] = lod, np.maximum(t_ns[ended], closed)
            left = left[goes_on]
            t_ns[left] = until_ns[goes_on]
            if not len(left):
                break
        for lod in range(len(widths) - 2, -1, -1):  # what coarse buckets have not closed yet
            left = np.flatnonzero((stopped > lod) & (self.lod == _NONE))
            if len(left):
                self._scan(lod, left, t_ns[left], np.full(len(left), NEVER))
                t_ns[left] = np.maximum(t_ns[left], closed_ns[lod])

    def refined(self) -> Ints:
        """Return the start (ns) of the finest bucket within each one that was found; NEVER where none was."""
        starts_ns: Ints = np.full(len(self._price), NEVER)
        lods, buckets = self.lod.copy(), self.bucket.copy()
        for lod in range(len(self._widths) - 1, -1, -1):
            at, width = np.flatnonzero(lods == lod), self._widths[lod]
            starts_ns[at] = buckets[at] * width
            if lod == 0 or not len(at):
                continue
            ids = self._ids(lod - 1, at, starts_ns[at], starts_ns[at] + width)
            is_kept = ids != _NONE  # else the finer rows were overwritten
            at, ids = at[is_kept], ids[is_kept]
            lods[at], buckets[at] = lod - 1, ids
        return starts_ns

    def _scan(self, lod: int, at: Ints, begin_ns: Ints, end_ns: Ints) -> NDArray[np.bool_]:
        """Note the first closed bucket in [begin, end) that reaches each price; return which ones were found."""
        ids = self._ids(lod, at, begin_ns, end_ns)
        is_found: NDArray[np.bool_] = ids != _NONE
        self.lod[at[is_found]], self.bucket[at[is_found]] = lod, ids[is_found]
        return is_found

    def _ids(self, lod: int, at: Ints, begin_ns: Ints, end_ns: Ints) -> Ints:
        """Return the id of the first closed bucket that reaches a price, of those that begin in [begin, end)."""
        reader, width = self._reader, self._widths[lod]
        ring, head = reader.store.bubbles[lod], reader.heads[lod]
        first, stop = (ring.positions_of(-(-t_ns // width), head) for t_ns in (begin_ns, end_ns))
        found: Ints = np.full(len(at), _NONE)
        count = stop - first
        longest = int(count.max(initial=0))
        if longest <= 0:
            return found
        offset: Ints = np.arange(min(longest, _FEW))
        position = first[:, None] + offset
        price, is_up = self._price[at, None], self._is_up[at, None]
        is_reached = np.where(is_up, ring.column("high", position) >= price, ring.column("low", position) <= price)
        is_reached &= offset < count[:, None]
        is_found = is_reached.any(axis=1)
        found[is_found] = ring.column("id", first[is_found] + is_reached[is_found].argmax(axis=1))
        for one in np.flatnonzero(~is_found & (count > _FEW)).tolist():
            for rows in ring.segments(int(first[one]) + _FEW, int(stop[one])):
                is_beyond = rows["high"] >= price[one] if is_up[one] else rows["low"] <= price[one]
                if is_beyond.any():
                    found[one] = rows["id"][is_beyond.argmax()]
                    break
        return found


def _up_to(t_ns: Ints, width_ns: int) -> Ints:
    """Return the next boundary (ns) of buckets at or after each time."""
    return -(-t_ns // width_ns) * width_ns


def _closed_until(reader: MarketReader, lod: int) -> int:
    """Return the end (ns) of the newest closed bucket of a level of detail; 0 if there is none."""
    newest = reader.store.bubbles[lod].row(reader.heads[lod] - 1)
    return 0 if newest is None else (int(newest["id"]) + 1) * reader.widths_ns[lod]
