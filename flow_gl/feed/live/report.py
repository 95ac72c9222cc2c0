"""The status of a live feed: its state, its clock, and one line for the user."""

from typing import Final

from flow_gl.core.clock import Clock
from flow_gl.core.items import KnownSpan
from flow_gl.core.schema import FeedState
from flow_gl.feed.base import FeedClock, FeedStatus
from flow_gl.feed.live.added_symbols import AddedSymbols
from flow_gl.feed.live.backoff import Backoff
from flow_gl.feed.live.connection import Connection
from flow_gl.feed.live.gap import Gap
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.request import Request

MAX_NAMES_SHOWN: Final = 5
"""Symbols that are named in one message, at most."""


class Reporting:
    """The reporting half of `feed.live.supervisor.LiveFeed`, which owns the state."""

    _clock: Clock
    _hours: Hours
    _intake: Intake
    _gap: Gap
    _added: AddedSymbols
    _backoff: Backoff
    _request: Request
    _connection: Connection | None
    _known_spans: dict[int, KnownSpan]
    _wall_ns: int
    _anchor_ns: int
    _reconnects: int
    _trouble: str
    _failure: str
    _has_streamed: bool
    _is_streaming: bool
    _is_live: bool
    _is_relieved: bool
    _is_open: bool
    _is_ended: bool
    faults: int

    def clock(self) -> FeedClock:
        """Live: event time is wall time, shifted where this machine's clock is seen to differ from the gateway's."""
        return FeedClock(self._anchor_ns, self._anchor_ns + self._intake.time.ahead_ns, 1.0)

    def status(self) -> FeedStatus:
        state = self._state()
        is_waiting = state is FeedState.RECONNECTING and self._connection is None
        pause_ns = self._backoff.due_ns - self._clock.monotonic_ns()
        return FeedStatus(
            state,
            message=self._words(state),
            progress=self._progress() if state is FeedState.CATCHING_UP else float("nan"),
            attempt=self._backoff.attempt,
            retry_at=self._wall_ns + max(pause_ns, 0) if is_waiting else 0,
            reconnects=self._reconnects,
            dataset=self._request.dataset,
            source=self._request.where,
            next_open=self._hours.next_open(self._wall_ns) if state is FeedState.CLOSED else 0,
            not_found=tuple(self._intake.not_found),
            known_until=self._intake.known_until,
            known_from=self._gap.known_from or (self._connection.request.trades_from if self._connection else 0) or 0,
            known_spans={**self._known_spans, **self._added.known_spans()},
        )

    def _state(self) -> FeedState:
        if self._is_ended:
            return FeedState.ENDED
        if self._failure:
            return FeedState.FAILED
        if not self._anchor_ns:
            return FeedState.STARTING
        if self._is_live or self._is_relieved:
            return FeedState.LIVE if self._is_open else FeedState.CLOSED
        if self._is_streaming:
            return FeedState.CATCHING_UP
        return FeedState.RECONNECTING if self._has_streamed or self._backoff.attempt else FeedState.CONNECTING

    def _progress(self) -> float:
        """Share of the replay's time that has come, 0..1."""
        begins = (self._connection.request.trades_from if self._connection else None) or self._intake.first_ts
        if not begins or self._wall_ns <= begins:
            return float("nan")
        return min(max((self._intake.newest_ts - begins) / (self._wall_ns - begins), 0.0), 1.0)

    def _words(self, state: FeedState) -> str:
        return words(
            self._failure or self._trouble,
            self._intake,
            self._gap,
            added=self._added.status_text(),
            live=self._connection if self._is_live else None,
            faults=self.faults + self._added.faults,
            is_calm=state in (FeedState.LIVE, FeedState.CLOSED),
        )


def words(
    trouble: str, intake: Intake, gap: Gap, *, added: str, live: Connection | None, faults: int, is_calm: bool
) -> str:
    """Return the line; "" if there is nothing to say.

    Parameters
    ----------
    trouble : why there is no connection; "" if there is one
    added : status of the symbols being added; "" if there is nothing to report
    live : the connection, if it is live
    faults : records lost inside the client
    is_calm : connected and caught up
    """
    parts = [trouble, intake.time_checks.words(), intake.time.words()]
    if intake.is_in_doubt:
        parts.append("records are ahead of this machine's clock: waiting for more records to see whether it is behind")
    if intake.not_found:
        names = list(intake.not_found)
        more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
        parts.append(f"symbol not found: {', '.join(names[:MAX_NAMES_SHOWN])}{more}")
    if gap.is_lost:
        parts.append("the gateway no longer has a part of this session: it is marked as a gap")
    if intake.held:
        parts.append(f"{intake.held:,} trades wait for their symbol")
    if live is not None and intake.is_slow:
        parts.append("the gateway reports that this machine reads too slowly")
    if live is not None and live.is_held_up:
        parts.append("records arrive faster than this machine processes them: the gateway waits")
    if faults:
        parts.append(f"records lost inside the client and requested again: {faults}")
    if is_calm and not intake.ledger.newest_ts:
        parts.append(f"connected; waiting for the first trade of {', '.join(intake.symbols)}")
    return "; ".join(part for part in (*parts, added) if part)
