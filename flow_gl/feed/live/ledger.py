"""The trades delivered so far: decides which part a new connection must replay, and which of its trades are repeats.

A replay repeats trades. Per instrument, trades older than `RESUME_OVERLAP_NS` before the newest one handed over are
dropped as known; those within the overlap are compared as a multiset (`core.market.dedup`), because no field identifies
a trade uniquely. An instrument's trades arrive in the order of `ts_event`, give or take that overlap. Instruments are
tracked separately: on one connection, one may run milliseconds ahead of another.
"""

from collections.abc import Callable, Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.dedup import CountedTrades
from flow_gl.core.units import HOUR_NS, SECOND_NS

RESUME_OVERLAP_NS: Final = 5 * SECOND_NS
"""How far before an instrument's newest trade a replay is requested; the overlap is compared trade by trade.

It bounds the disorder in arrival that is still deduplicated exactly. A restart from a recording uses it too."""
SILENCE_NS: Final = HOUR_NS
"""If an instrument is silent for longer than this while others trade, it did not trade: no older replay is needed."""
_KEPT_ROWS: Final = 1 << 16
"""Rows kept before those outside the overlap are dropped."""


class Ledger:
    """The trades handed over that a later replay may repeat."""

    def __init__(self) -> None:
        self._since: dict[int, int] = {}  # instrument: ts_event from which it is wanted and received
        self._newest: dict[int, int] = {}  # instrument: newest ts_event handed over
        self._newest_of_all = 0
        self._recent: list[NDArray[np.void]] = []
        self._recent_rows = 0
        self._room = _KEPT_ROWS
        self._cut: dict[int, int] = {}  # instrument: earlier trades are known or not wanted
        self._highest_cut = 0
        self._seen: CountedTrades | None = None
        self.repeated = 0
        """Repeated trades that were dropped."""

    @property
    def newest_ts(self) -> int:
        """Newest `ts_event` handed over, ns; 0 before the first trade."""
        return self._newest_of_all

    def need_from(self, instrument_id: int) -> int | None:
        """Return the `ts_event` (ns) from which a new connection must bring an instrument; None if never received."""
        since = self._since.get(instrument_id)
        if since is None:
            return None
        known_until = max(self._newest.get(instrument_id, since), self._newest_of_all - SILENCE_NS)
        return max(since, known_until - RESUME_OVERLAP_NS)

    def cover(self, instrument_id: int, from_ns: int, *, is_replayed: bool = True) -> None:
        """Record that the current connection brings an instrument from here on; earlier trades are not wanted.

        Nothing changes for an instrument that is already received. Without a replay everything that arrives is wanted:
        it is live, however far this machine's clock is ahead.
        """
        if instrument_id not in self._since:
            cut = from_ns if is_replayed else 0
            self._since[instrument_id], self._cut[instrument_id] = from_ns, cut
            self._highest_cut = max(self._highest_cut, cut)

    def take_over(self) -> None:
        """Start a new connection, which may repeat trades."""
        self._cut = {instrument_id: self._need(instrument_id) for instrument_id in self._since}
        self._highest_cut = max(self._cut.values(), default=0)
        rows = self._compact()
        self._seen = CountedTrades(rows) if rows is not None else None

    def absorb(self, other: "Ledger", instruments: Collection[int]) -> None:
        """Record what another ledger's connections brought of some instruments. Call this before `take_over`.

        Parameters
        ----------
        instruments : none of them is in this ledger; nothing of them may be missing so far
        """
        for instrument_id in other._since.keys() & set(instruments):
            self._since[instrument_id] = other._since[instrument_id]
            if instrument_id in other._newest:
                self._newest[instrument_id] = other._newest[instrument_id]
                self._newest_of_all = max(self._newest_of_all, other._newest[instrument_id])
        rows = other._compact()
        if rows is not None:
            rows = rows[np.isin(rows["instrument_id"], list(instruments))]
            self._recent.append(rows)
            self._recent_rows += len(rows)
        self.repeated += other.repeated

    def split_off(self, instruments: Collection[int]) -> "Ledger":
        """Forget some instruments; return a ledger of them, which takes no further trades but knows repeats."""
        own = Ledger()
        own.absorb(self, instruments)
        own.repeated = 0
        own.take_over()
        for instrument_id in instruments:
            for of_each in (self._since, self._newest, self._cut):
                of_each.pop(instrument_id, None)
        self._recent = [rows[~np.isin(rows["instrument_id"], list(instruments))] for rows in self._recent]
        self._recent_rows = sum(map(len, self._recent))
        self._highest_cut = max(self._cut.values(), default=0)
        return own

    def are_repeats(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Return which trades were handed over before: bool, shape (len(rows),). Those of other instruments were not.

        Parameters
        ----------
        rows : dtype TRADE, arrival order, from before the first one handed over; each is given once
        """
        found: NDArray[np.bool_] = rows["ts_event"] < _per_row(rows, lambda one: self._cut.get(one, 0))
        if self._seen is not None:
            found[~found] = ~self._seen.are_new(rows[~found])
        return found

    def admit(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Return those trades, all of covered instruments, that have not been handed over yet.

        Parameters
        ----------
        rows : dtype TRADE, arrival order

        Returns
        -------
        dtype TRADE, arrival order; they count as handed over from now on
        """
        if len(rows) and rows["ts_event"].min() < self._highest_cut:
            rows = self._keep(rows, rows["ts_event"] >= _per_row(rows, self._cut.__getitem__))
        if self._seen is not None and len(rows):
            oldest = rows["ts_event"].min()
            rows = self._keep(rows, self._seen.are_new(rows))
            if self._seen.left == 0 or oldest > self._seen.last_ts + RESUME_OVERLAP_NS:
                self._seen = None
        if len(rows):
            self._note(rows)
        return rows

    def _keep(self, rows: NDArray[np.void], is_new: NDArray[np.bool_]) -> NDArray[np.void]:
        if is_new.all():
            return rows
        kept: NDArray[np.void] = rows[is_new]
        self.repeated += len(rows) - len(kept)
        return kept

    @property
    def recent_rows(self) -> int:
        """Number of trades kept for comparison with a replay."""
        return self._recent_rows

    def _note(self, rows: NDArray[np.void]) -> None:
        for instrument_id in np.unique(rows["instrument_id"]).tolist():
            newest = int(rows["ts_event"][rows["instrument_id"] == instrument_id].max())
            self._newest[instrument_id] = max(newest, self._newest.get(instrument_id, 0))
            self._newest_of_all = max(newest, self._newest_of_all)
        self._recent.append(rows)
        self._recent_rows += len(rows)
        if self._recent_rows > self._room:
            self._compact()

    def _compact(self) -> NDArray[np.void] | None:
        """Drop trades outside the overlap and return the others."""
        if not self._recent:
            return None
        rows = np.concatenate(self._recent)
        rows = rows[rows["ts_event"] >= _per_row(rows, self._need)]
        self._recent = [rows]
        self._recent_rows = len(rows)
        self._room = max(2 * len(rows), _KEPT_ROWS)
        return rows

    def _need(self, instrument_id: int) -> int:
        return self.need_from(instrument_id) or 0


def _per_row(rows: NDArray[np.void], value_of: Callable[[int], int]) -> NDArray[np.int64]:
    """Look up a number by instrument for each row: int64, shape (len(rows),)."""
    instruments, index = np.unique(rows["instrument_id"], return_inverse=True)
    return np.array([value_of(instrument_id) for instrument_id in instruments.tolist()], np.int64)[index]
