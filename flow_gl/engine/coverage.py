"""The time from which all trades of a session are known, for all instruments of a stream.

A first trade long after the open does not mean that trades are missing: a quiet instrument trades late. Its session is
complete if the feed states that it delivers everything from before the open, or if another instrument of the same
file, or of the same live stream, traded at the open. A file covers the instruments that its header names, from the day
on which it names them.
"""

from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.items import FileStart, Item, Spans, Trades
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.sessions import Session, SessionCalendar

_ALWAYS: Final = ((0, 2**63 - 1),)
_KEPT: Final = 4
"""Most sessions in a checkpoint."""


class Coverage:
    """Tracks which sessions are complete; shared by all instruments of a pipeline."""

    def __init__(self) -> None:
        self.known_from = 0
        """Event time (ns) from which the feed delivers all trades; 0 if it does not say."""
        self.own: dict[int, int] = {}
        """The same for instruments that were added to a running feed, by id."""
        self._files: list[Spans] = [{}]
        self._first: dict[int, list[tuple[Spans, int]]] = {}
        """By the session's open (ns): the earliest trade (ns) of each file, with the file's coverage."""

    def start(self, file: FileStart) -> None:
        """Begin a file: later trades are from it, or from one of the files that it is read together with."""
        self._files = [*self._files, file.covers] if file.is_joined else [file.covers]

    def begin(self, session: Session | None, ts: int, instrument_id: int) -> None:
        """Record an instrument's first trade of a session, at `ts` (ns)."""
        if session is not None:
            alone: Spans = {instrument_id: _ALWAYS}
            covers = next((one for one in self._files if not one or instrument_id in one), alone)
            self._record(session, ts, covers)

    def take(self, item: Item, calendar: SessionCalendar) -> None:
        """Process an item, in stream order, in place of `start` and `begin`."""
        match item:
            case FileStart():
                self.start(item)
            case Trades():
                self._see_all(item.rows, calendar)

    def _see_all(self, trades: NDArray[np.void], calendar: SessionCalendar) -> None:
        is_trade = (trades["price"] != UNDEF_PRICE) & (trades["size"] > 0) & (trades["ts_event"] > 0)
        trades = trades[is_trade & (trades["action"] == ord("T"))]
        for covers in self._files:
            is_ours = np.isin(trades["instrument_id"], list(covers)) if covers else np.ones(len(trades), np.bool_)
            self._see(trades["ts_event"][is_ours], calendar, covers)
            trades = trades[~is_ours]
        for instrument_id in np.unique(trades["instrument_id"]).tolist():
            its = trades["ts_event"][trades["instrument_id"] == instrument_id]
            self._see(its, calendar, {instrument_id: _ALWAYS})

    def of(self, session: Session | None, instrument_id: int) -> int:
        """Return the event time (ns) from which all trades of a session are known; 0 if unknown."""
        if instrument_id in self.own:
            return self.own[instrument_id]
        known = [self.known_from] if self.known_from else []
        if session is not None:
            for covers, first in self._first.get(session.open, ()):
                spans = covers.get(instrument_id, ()) if covers else _ALWAYS
                known += [max(first, since) for since, until in spans if until > session.open]
        return min(known, default=0)

    def keep(self) -> list[tuple[int, Spans, int]]:
        """Return the coverage of the latest sessions, for a checkpoint."""
        latest = sorted(self._first)[-_KEPT:]
        return [(opened, covers, first) for opened in latest for covers, first in self._first[opened]]

    def resume(self, kept: list[tuple[int, Spans, int]]) -> None:
        """Restore what `keep` returned."""
        self._first.clear()
        for opened, covers, first in kept:
            self._first.setdefault(opened, []).append((covers, first))

    def _see(self, times: NDArray[np.int64], calendar: SessionCalendar, covers: Spans) -> None:
        with suppress(DataError):  # a time that no calendar covers: no later one is covered either
            while len(times):
                first = int(times.min())
                session = calendar.session_of_trade(first)
                self._record(session, first, covers)
                times = times[times >= session.close]

    def _record(self, session: Session, ts: int, covers: Spans) -> None:
        firsts = self._first.setdefault(session.open, [])
        for at, (others, first) in enumerate(firsts):
            if others == covers:
                firsts[at] = covers, min(ts, first)
                return
        firsts.append((covers, ts))
