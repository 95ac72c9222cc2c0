"""Deduplicate trades where two sources overlap, so that each trade counts once.

History is filtered on `ts_recv`, the live gateway's replay on `ts_event`, and a recording ends where it was cut off, so
the same trade may be in both sources, and they need not break at the same trade. No field identifies a trade uniquely:
`sequence` is shared by the fills of one sweep, and in real files hundreds of records equal another one byte for byte.
So records are compared as a multiset: if one source holds a record twice, it must come twice in the other before a
third one is new. Only fields set by the exchange are compared; `ts_recv`, `ts_in_delta` and flags belong to the capture
and may differ between sources.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE
from flow_gl.core.units import MINUTE_NS

OVERLAP_NS: Final = MINUTE_NS
"""How far before the end of history live data is requested: a trade reaches the capture in well under a second."""

_KEY: Final = np.dtype(
    [
        ("ts_event", "<i8"),
        ("price", "<i8"),
        ("instrument_id", "<u4"),
        ("size", "<u4"),
        ("sequence", "<u4"),
        ("action", "u1"),
        ("side", "u1"),
        ("pad", "u1", (2,)),
    ]
)


class CountedTrades:
    """Trades already counted, each of which cancels one equal trade of another source.

    Parameters
    ----------
    rows : dtype TRADE, any order
    """

    def __init__(self, rows: NDArray[np.void]) -> None:
        order = np.argsort(rows["ts_event"], kind="stable")
        self._keys = _keys_of(rows[order])
        self._times: NDArray[np.int64] = rows["ts_event"][order]
        self._is_left = np.ones(len(rows), np.bool_)
        self._used: NDArray[np.int64] = np.empty(0, np.int64)

    @property
    def last_ts(self) -> int:
        """Newest `ts_event` held, in ns; -1 if there are no trades. Later trades are always new."""
        return int(self._times[-1]) if len(self._times) else -1

    @property
    def left(self) -> int:
        """Number of trades not yet cancelled."""
        return int(np.count_nonzero(self._is_left))

    def left_from(self, ts_event: int) -> int:
        """Return the number of trades at or after a time (ns) that are not yet cancelled."""
        return int(np.count_nonzero(self._is_left[np.searchsorted(self._times, ts_event) :]))

    def are_new(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Find out which trades are new; each of the others cancels one equal trade held.

        Parameters
        ----------
        rows : dtype TRADE, arrival order

        Returns
        -------
        bool, shape (len(rows),) : True if no equal trade is left
        """
        is_new = np.ones(len(rows), np.bool_)
        self._used = np.empty(0, np.int64)
        if not len(rows) or not len(self._times):
            return is_new
        order = np.argsort(rows["ts_event"], kind="stable")
        times = rows["ts_event"][order]
        start = int(np.searchsorted(self._times, times[0], side="left"))
        stop = int(np.searchsorted(self._times, times[-1], side="right"))
        held = np.flatnonzero(self._is_left[start:stop]) + start
        keys = _keys_of(rows)[order]
        # Repeated trades usually come in the same order, so the common beginning needs no sorting.
        count = min(len(held), len(keys))
        is_same = self._keys[held[:count]] == keys[:count]
        same = count if is_same.all() else int(is_same.argmin())
        is_new[order[:same]] = False
        is_used = np.arange(len(held)) < same
        if same < count:
            is_new[order[same:]], is_used[same:] = _cancel(self._keys[held[same:]], keys[same:])
        self._used = held[is_used]
        self._is_left[self._used] = False
        return is_new

    def undo(self) -> None:
        """Undo the last `are_new`, because its trades will be checked again."""
        self._is_left[self._used] = True
        self._used = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of joining a history and live data."""

    rows: NDArray[np.void]
    """Live trades that are not in the history, in arrival order, to be appended to it."""
    shared: int
    """Number of live trades that are in the history."""
    missing: int
    """Number of trades of the history, from the first live trade on, that live lacks: 0 unless a source lost trades."""
    is_proven: bool
    """True if the sources overlap and agree in the overlap, so nothing was lost between them."""


def live_start_ns(history_end_ns: int, *, overlap_ns: int = OVERLAP_NS) -> int:
    """Return the `ts_event` from which to request live data that continues a history with `ts_recv` < `history_end_ns`.

    A trade that happened before the end but was captured after it is not in the history. Live data requested from the
    end on would not contain it either.
    """
    return history_end_ns - overlap_ns


def join(history: NDArray[np.void], live: NDArray[np.void]) -> Joined:
    """Join a history (filtered on `ts_recv`) and a live replay (filtered on `ts_event`) exactly.

    Parameters
    ----------
    history : dtype TRADE, in the order of `ts_recv`
    live : dtype TRADE, arrival order, requested from `live_start_ns` of the history's end

    Returns
    -------
    Joined : `numpy.concatenate([history, joined.rows])` holds every trade once, in arrival order
    """
    if not len(live):
        return Joined(rows=live, shared=0, missing=0, is_proven=False)
    from_ts = int(live["ts_event"].min())
    until_ts = int(live["ts_event"].max())
    seen = CountedTrades(history[(history["ts_event"] >= from_ts) & (history["ts_event"] <= until_ts)])
    is_new = seen.are_new(live)
    shared = int(len(live) - np.count_nonzero(is_new))
    missing = seen.left
    return Joined(rows=live[is_new], shared=shared, missing=missing, is_proven=shared > 0 and missing == 0)


def _keys_of(rows: NDArray[np.void]) -> NDArray[np.void]:
    if rows.dtype != TRADE:
        raise TypeError(f"expected rows of dtype TRADE, got {rows.dtype}")
    keys = np.zeros(len(rows), _KEY)
    for name in ("ts_event", "price", "instrument_id", "size", "sequence", "action", "side"):
        keys[name] = rows[name]
    plain: NDArray[np.void] = keys.view(f"V{_KEY.itemsize}")  # compared as bytes: faster than field by field
    return plain


def _cancel(held: NDArray[np.void], keys: NDArray[np.void]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pair equal keys of two sources, each once; return which of `keys` are unpaired and which of `held` are paired."""
    ids = np.unique(np.concatenate([held, keys]), return_inverse=True)[1]
    held_ids, key_ids = ids[: len(held)], ids[len(held) :]
    count = int(ids.max()) + 1
    is_new = _rank(key_ids) >= np.bincount(held_ids, minlength=count)[key_ids]
    is_used = _rank(held_ids) < np.bincount(key_ids, minlength=count)[held_ids]
    return is_new, is_used


def _rank(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each id, the number of equal ids before it."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.flatnonzero(is_first)
    rank = np.empty(len(ids), np.int64)
    rank[order] = np.arange(len(ids)) - starts[np.cumsum(is_first) - 1]
    return rank
