"""A live feed that begins with the contents of a recording.

At a start, the running session's recording is handed over first. The gateway is then asked only for the rest, from
shortly before each instrument's last recorded trade; trades that its replay repeats are recognised and dropped. So
after a restart the session is complete even if the gateway cannot be reached or no longer holds it.

Only instruments whose recording goes back to the session's open are handed over: older trades after newer ones would be
too late for their bubbles. If a requested symbol has no such instrument, or now means another contract, the gateway is
asked for the whole session, and what was already delivered is dropped in the same way.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import UsageError
from flow_gl.core.items import FeedGap, Item, Mapping, Trades
from flow_gl.core.log import get_logger
from flow_gl.core.market.dedup import CountedTrades
from flow_gl.core.schema import FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import MINUTE_NS
from flow_gl.feed.base import Feed, FeedClock, FeedStatus
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.ledger import RESUME_OVERLAP_NS
from flow_gl.runtime.recovered import Recorded

BULK: Final = 1 << 16
"""Recorded trades handed over per poll."""
BEGIN_NS: Final = 15 * MINUTE_NS
"""An instrument whose first trade came later than this after the open (in open hours) may lack the beginning."""
COVERED_NS: Final = MINUTE_NS
"""A recording covers a session from its open if one of its instruments traded within this time of it."""


class LiveFeed(Feed, Protocol):
    """A live feed that can retry on request."""

    def retry(self) -> None: ...

    def add(self, symbol: str) -> None: ...

    def release(self, symbol: str) -> None: ...

    def refusals(self) -> list[tuple[str, str]]: ...


class ResumingHours(Hours):
    """The exchange's hours, with the first connection starting where the recording ends."""

    def __init__(self, calendar: SessionCalendar | None = None) -> None:
        super().__init__(calendar=calendar)
        self.resume_ns = 0
        """`ts_event` from which trades are requested, ns; 0 for the session's open."""

    def origin(self, wall_ns: int) -> int:
        return max(super().origin(wall_ns), self.resume_ns)


class ResumedFeed:
    """A recording, then live. Implements `feed.base.Feed`.

    Parameters
    ----------
    symbols : requested symbols
    make_live : creates the live feed for given hours, not started
    calendar : None: the exchange's
    are_parents : each symbol denotes many instruments, so it is not known which of them the recording lacks

    Raises
    ------
    FlowError : raised by `make_live`
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        make_live: Callable[[Hours], LiveFeed],
        *,
        calendar: SessionCalendar | None = None,
        are_parents: bool = False,
    ) -> None:
        self._symbols: Final = symbols
        self._make_live: Final = make_live
        self._are_parents: Final = are_parents
        self._hours: Final = ResumingHours(calendar)
        self._live = make_live(self._hours)
        self._recorded: Callable[[], Recorded | None] | None = None
        self._reading: Recorded | None = None
        self._done = 0
        self._is_live_started = False
        self._handed: list[NDArray[np.void]] = []
        """All trades handed over until the feed is live for the first time."""
        self._instruments: frozenset[int] = frozenset()
        """The recorded instruments; any other one has not been requested from its open."""
        self._seen: CountedTrades | None = None
        self._is_joined = True
        self._newest_ts = 0
        self._gap_start = 0
        self._covered_from = self._asked_from = 0
        self._asked: Final[list[str]] = []
        """Symbols to be added once the feed is live for the first time."""
        self.repeated = 0
        """Trades that the gateway brought although the recording had them."""

    def resume(self, recorded: Callable[[], Recorded | None]) -> None:
        """Begin with a recording. Call this before the first poll.

        Parameters
        ----------
        recorded : returns the recording, or None while it is being read; called by each poll until then
        """
        self._recorded = recorded

    def start(self) -> None:
        """Do nothing: the first poll opens the feed."""

    def poll(self, wall_ns: int) -> list[Item]:
        """Return the items that have arrived, the recording first. Raises FlowError if the live feed cannot start."""
        if self._recorded is not None:
            found = self._recorded()
            if found is None:
                return []
            self._recorded = None
            return self._begin(found, wall_ns)
        if self._reading is not None:
            return self._read_on(self._reading)
        if not self._is_live_started:
            self._start_live()
        items = self._live.poll(wall_ns)
        if not self._is_joined:
            return self._join(items)
        while self._asked:
            self._live.add(self._asked.pop(0))
        return items

    def clock(self) -> FeedClock:
        return self._live.clock()

    def status(self) -> FeedStatus:
        if self._recorded is not None:
            return FeedStatus(FeedState.CATCHING_UP, message="scanning the recording")
        if self._reading is not None:
            return FeedStatus(
                FeedState.CATCHING_UP,
                message="reading the recording back",
                progress=self._done / max(len(self._reading.trades), 1),
                source=self._reading.name,
                known_from=self._covered_from,
            )
        status = self._live.status()
        is_joined_on = self._covered_from and status.known_from <= self._asked_from
        return replace(status, known_from=self._covered_from) if is_joined_on else status

    def is_ended(self) -> bool:
        return self._live.is_ended()

    def retry(self) -> None:
        """Reconnect at once, after a fatal error or during a pause."""
        self._live.retry()

    def add(self, symbol: str) -> None:
        """Ask for another symbol, once the feed is live for the first time. Raises UsageError."""
        if self._are_parents:
            raise UsageError("no symbol can be added to a feed of parent symbols")
        if self._is_joined and self._is_live_started:
            self._live.add(symbol)
        else:
            self._asked.append(symbol)

    def release(self, symbol: str) -> None:
        """Note that a symbol has no chart any more."""
        self._live.release(symbol)

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the added symbols that cannot be delivered, with the reasons."""
        return self._live.refusals()

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._live.close()

    def _begin(self, everything: Recorded, wall_ns: int) -> list[Item]:
        requested = everything.requested(self._symbols)
        newest = self._whole(everything, {instrument_id for _, instrument_id in requested}, wall_ns)
        found = everything.of(newest)
        if not len(found.trades):
            return []
        self._reading = found
        self._is_joined = False
        self._instruments = frozenset(newest)
        current = dict(requested)  # the last that a symbol denoted; two symbols may share it
        needs = [newest.get(current.get(symbol, 0)) for symbol in self._symbols]
        known = [need - RESUME_OVERLAP_NS for need in needs if need is not None]
        if len(known) == len(needs) and not self._are_parents:
            self._cover(everything, min(known), wall_ns)
        return list(found.names)

    def _cover(self, everything: Recorded, resume_ns: int, wall_ns: int) -> None:
        """Request only the rest from the gateway, unless the recording may lack the session's beginning.

        If the first recorded trade is late, either nothing traded at the open or the recorder was not running. A marked
        gap before it shows that the gateway does not have those trades either.
        """
        session_open, first_ts = self._hours.session_open(wall_ns), int(everything.trades["ts_event"].min())
        if first_ts <= session_open + COVERED_NS:
            self._covered_from = session_open
        elif any(gap.end <= first_ts for gap in everything.gaps):
            self._covered_from = first_ts
        else:
            return
        self._hours.resume_ns = self._asked_from = resume_ns

    def _whole(self, found: Recorded, instruments: Collection[int], wall_ns: int) -> dict[int, int]:
        """Return the newest time of each instrument that is recorded from the session's open on.

        A marked gap counts as covered: its trades cannot be recovered.
        """
        begins = [self._hours.session_open(wall_ns), *(gap.end for gap in found.gaps)]
        newest = {}
        for instrument_id in instruments:
            times = found.trades["ts_event"][found.trades["instrument_id"] == instrument_id]
            if len(times) and any(self._is_begin(begin, int(times.min())) for begin in begins):
                newest[instrument_id] = int(times.max())
        return newest

    def _is_begin(self, begin_ns: int, first_ts: int) -> bool:
        """Return whether so little time in open hours lies between the two that nothing need be missing."""
        stretches = self._hours.open_between(begin_ns, first_ts)
        return begin_ns <= first_ts and sum(end - start for start, end in stretches) <= BEGIN_NS

    def _read_on(self, found: Recorded) -> list[Item]:
        rows = found.trades[self._done : self._done + BULK]
        self._done += len(rows)
        items: list[Item] = [Trades(rows)]
        if self._done == len(found.trades):
            items += found.gaps
            self._reading = None
            self._handed = [found.trades]
            self._newest_ts = int(found.trades["ts_event"].max())
            self._seen = CountedTrades(found.trades[found.trades["ts_event"] >= self._hours.resume_ns])
            words = {"trades": self._done, "resume_from": self._hours.resume_ns}
            get_logger("live").info("recording read back", extra=words)
        return items

    def _start_live(self) -> None:
        self._live.start()
        self._is_live_started = True

    def _join(self, items: list[Item]) -> list[Item]:
        """Drop trades that were already handed over; once the feed is live, it is passed through."""
        if self._hours.resume_ns and any(self._is_another(item) for item in items):
            return self._ask_for_everything()
        out: list[Item] = []
        for item in items:
            kept = self._new_of(item) if isinstance(item, Trades) else item
            out += [kept] if kept is not None else []
        state = self._live.status().state
        if state in (FeedState.RECONNECTING, FeedState.FAILED) and not self._gap_start:
            self._gap_start = self._newest_ts
            out.append(FeedGap(self._gap_start))
        if state in (FeedState.LIVE, FeedState.CLOSED):
            out += self._settle()
        return out

    def _is_another(self, item: Item) -> bool:
        return isinstance(item, Mapping) and item.instrument_id not in self._instruments

    def _ask_for_everything(self) -> list[Item]:
        """Request the whole session: a symbol means a contract that the recording does not have."""
        get_logger("live").info("not the recording's contract: requesting the session from its open")
        self._live.close()
        self._hours.resume_ns = self._covered_from = 0
        self._seen = CountedTrades(np.concatenate(self._handed))
        self._live = self._make_live(self._hours)
        self._start_live()
        return []

    def _new_of(self, item: Trades) -> Trades | None:
        rows = item.rows
        if self._seen is not None:
            new = rows[self._seen.are_new(rows)]
            self.repeated += len(rows) - len(new)
            rows = new
        if not len(rows):
            return None
        self._handed.append(rows)
        self._newest_ts = max(self._newest_ts, int(rows["ts_event"].max()))
        return Trades(rows)

    def _settle(self) -> list[Item]:
        """End the join: the missing data have arrived, and the feed is now an ordinary live feed."""
        self._is_joined = True
        self._handed, self._seen = [], None
        self._hours.resume_ns = 0
        if not self._gap_start:
            return []
        return [FeedGap(self._gap_start, self._newest_ts, filled=True)]
