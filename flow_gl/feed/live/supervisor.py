"""The live feed: Databento's gateway, supervised so that every trade arrives exactly once, whatever fails.

A connection is used until something is wrong with it and then discarded. A new one requests a replay from where the
ledger needs it, and the ledger drops what was already handed over. At the start that is the session's open, so catching
up and live trading are one continuous stream. `poll` does all the work, on the caller's thread and with the caller's
clock: it takes what has arrived, monitors the connection, and opens the next one when a pause is over.

When a session opens, symbols are requested again on a second connection, which takes over once it streams.
"""

import random
from collections.abc import Callable
from typing import Final

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.items import Item
from flow_gl.core.log import get_logger, mask, masked, protect
from flow_gl.core.outside import plain
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.feed.base import FeedClock, FeedStatus
from flow_gl.feed.live.backoff import Backoff
from flow_gl.feed.live.connection import Connection, Phase
from flow_gl.feed.live.errors import Fault, Trouble, from_connecting
from flow_gl.feed.live.gap import Gap
from flow_gl.feed.live.hours import Hours, replayable_from
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.renewal import Renewal
from flow_gl.feed.live.request import DEFAULT_PORT, Request, checked_key, checked_symbols
from flow_gl.feed.live.resume_request import ResumeRequests

BATCH: Final = 1 << 13
MIN_BATCH: Final = 64
"""Most records taken by one poll; halved down to `MIN_BATCH` while polls take longer than `LONG_NS`."""
LONG_NS: Final = 8_000_000
CONNECT_LIMIT_NS: Final = 15 * SECOND_NS
"""Longest time from the first try to a running session."""
GRACE_NS: Final = 10 * SECOND_NS
"""Silence beyond the heartbeat's interval that a connection is allowed."""
JUMP_NS: Final = 5 * SECOND_NS
"""Wall time that passes without monotonic time: the machine slept, and connections do not survive that."""
LOOK_NS: Final = SECOND_NS
"""How often the calendar is looked at."""
NAMES_TOLD: Final = 5
"""Symbols that are named in one message, at most."""
_AT_ONCE: Final = frozenset({Fault.RENEW, Fault.SKIPPED, Fault.AGED_OUT, Fault.NO_DEFINITIONS})
"""Troubles whose cause is gone with the connection: no pause before the next one."""


class LiveFeed:
    """Trades of Databento's live gateway.

    Parameters
    ----------
    spec : symbols, dataset and gateway
    api_key : Databento's key
    hours : when sessions open and from where to replay; None: the session so far, by the exchange's calendar
    clock : the program's clock
    heartbeat_s : seconds between the gateway's heartbeats, 5..1800
    compression : "none" or "zstd", of the stream
    draw : random numbers in [0, 1) for the pauses' jitter
    """

    def __init__(
        self,
        spec: LiveSpec,
        *,
        api_key: str | None,
        hours: Hours | None = None,
        clock: Clock = SYSTEM,
        heartbeat_s: int = 5,
        compression: str = "none",
        draw: Callable[[], float] = random.random,
    ) -> None:
        key = checked_key(api_key)
        protect(key)
        self._masked_key: Final = mask(key)
        self._symbols: Final = checked_symbols(spec.symbols)
        self._request: Final = Request(
            dataset=spec.dataset,
            subscriptions=(),
            gateway=spec.gateway,
            port=DEFAULT_PORT if spec.port is None else spec.port,
            heartbeat_s=heartbeat_s,
            compression=compression,
        )
        self._clock: Final = clock
        self._hours: Final = hours if hours is not None else Hours()
        self._requests: Final = ResumeRequests(
            self._request, key=key, symbols=self._symbols, stype_in=spec.stype_in, hours=self._hours
        )
        self._intake: Final = Intake(self._symbols, is_parent=spec.stype_in == "parent", masked_key=self._masked_key)
        self._backoff: Final = Backoff(draw)
        self._gap: Final = Gap(self._hours)
        self._renewal: Final = Renewal()
        self._log: Final = get_logger("live")
        self._connection: Connection | None = None
        self._ending: list[Connection] = []
        self._session_open = 0
        self._has_streamed = self._is_streaming = self._is_live = self._is_ended = False
        self._is_open = True
        self._opened_ns = self._heard_ns = self._look_ns = 0
        self._wall_less_monotonic_ns: int | None = None
        self._wall_ns = self._anchor_ns = 0
        self._trouble = self._failure = ""
        self._piece = BATCH
        self._reconnects = 0
        self.faults = 0
        """Records that were lost inside the client, each requested again: counted and reported, never ignored."""

    @property
    def repeated(self) -> int:
        """Trades that a replay brought again and that were dropped."""
        return self._intake.ledger.repeated

    def start(self) -> None:
        """Begin to connect; returns at once. Raises DataError where the calendar knows no session for now."""
        self._wall_ns = self._anchor_ns = self._clock.wall_ns()
        self._session_open = self._hours.session_open(self._wall_ns)
        self._connect(self._wall_ns, self._clock.monotonic_ns())

    def poll(self, wall_ns: int) -> list[Item]:
        """Return what has arrived by now, at most `BATCH` records; never waits."""
        out: list[Item] = []
        if self._is_ended or not self._anchor_ns:
            return out
        now_ns = self._clock.monotonic_ns()
        self._wall_ns = wall_ns
        self._look_for_sleep(wall_ns, now_ns, out)
        market_ns = wall_ns + self._intake.time.offset_ns
        self._look_for_session(market_ns, now_ns)
        if self._connection is None:
            if not self._failure and now_ns >= self._backoff.due_ns:
                self._connect(market_ns, now_ns)
        else:
            self._serve(self._connection, wall_ns, now_ns, out)
            self._renew(market_ns, now_ns, out)
        return out

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
        )

    def is_ended(self) -> bool:
        """Whether it was closed: a live feed has no end of its own."""
        return self._is_ended

    def retry(self) -> None:
        """Try again at once, after a fatal error or before the pause is over."""
        if self._connection is None and not self._is_ended:
            self._failure = ""
            self._backoff.now(self._clock.monotonic_ns())

    def close(self) -> None:
        """Let go of the connections and their threads. Idempotent."""
        self._is_ended = True
        self._drop(self._connection)
        self._drop(self._renewal.cancel())
        self._connection = None
        for connection in self._ending:
            connection.close(wait=True)
        self._ending.clear()

    def _connect(self, wall_ns: int, now_ns: int) -> None:
        self._renewal.cancel()  # this connection requests the symbols again anyway
        self._connection = self._open(wall_ns)
        self._opened_ns = now_ns
        self._begin(self._connection, wall_ns)

    def _open(self, wall_ns: int) -> Connection:
        connection = self._requests.make(
            self._intake,
            wall_ns,
            reach=self._gap.reach,
            is_first=not self._has_streamed,
            is_session_new=self._renewal.is_wanted,
        )
        connection.open()
        request = connection.request
        self._log.info("connecting", extra={"gateway": request.where, "replay_from": request.trades_from})
        return connection

    def _begin(self, connection: Connection, wall_ns: int) -> None:
        """Take what this connection brings from here on."""
        request = connection.request
        earliest_ns = replayable_from(0, wall_ns)
        origin = self._requests.origin
        self._intake.begin(start=request.trades_from, origin=origin, earliest_ns=earliest_ns, replays=request.replays)
        self._is_live = self._is_streaming = False

    def _serve(self, connection: Connection, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        """Take what has come, then look after the connection."""
        phase = connection.phase  # looked at first: what came before its end is all there
        if connection.faults:
            words = f"a record was lost inside the client ({connection.failure}): requesting it again"
            self._act_on(Trouble(Fault.RETRY, words), now_ns, out)
            return
        chunks = [] if self._intake.is_full else connection.drain(self._piece)
        if chunks or (connection.was_streaming and not self._is_streaming):
            self._reconnects += self._has_streamed and not self._is_streaming
            self._is_streaming = self._has_streamed = True
            self._heard_ns = now_ns
        if chunks or self._intake.is_in_doubt:
            trouble = self._take(chunks, wall_ns, now_ns, out)
            if trouble:
                self._act_on(trouble, now_ns, out)
                return
        if self._is_streaming and not self._is_live and self._intake.is_replayed:
            self._go_live(connection, out)
        if connection.waiting:
            return
        if phase is Phase.ENDED:
            self._act_on(self._why_ended(connection), now_ns, out)
        elif not self._is_streaming:
            if now_ns - self._opened_ns > CONNECT_LIMIT_NS:
                words = f"the gateway {self._request.where} did not answer in time"
                self._act_on(Trouble(Fault.RETRY, words), now_ns, out)
        elif now_ns - self._heard_ns > self._request.heartbeat_s * SECOND_NS + GRACE_NS:
            silence_s = (now_ns - self._heard_ns) // SECOND_NS
            self._act_on(Trouble(Fault.RETRY, f"the gateway has been silent for {silence_s} s"), now_ns, out)

    def _take(self, chunks: list[bytes], wall_ns: int, now_ns: int, out: list[Item]) -> Trouble | None:
        """Take records, and find how many of them may be taken at a time: other kinds cost more than trades."""
        try:
            return self._intake.take(chunks, wall_ns, out, now_ns)
        except DamageError as damage:
            return Trouble(Fault.RETRY, f"the gateway's stream is damaged ({damage}): requesting what follows again")
        finally:
            is_long = self._clock.monotonic_ns() - now_ns > LONG_NS
            self._piece = max(self._piece // 2, MIN_BATCH) if is_long else min(self._piece * 2, BATCH)

    def _why_ended(self, connection: Connection) -> Trouble:
        failure = connection.failure
        if connection.was_streaming:
            return Trouble(Fault.RETRY, f"connection lost: {failure or 'ended by the gateway'}")
        where = self._request.where
        if connection.is_refusal:
            return from_connecting(failure or "", gateway=where, masked_key=self._masked_key)
        return Trouble(Fault.RETRY, f"no connection to the gateway {where}: {failure or 'ended'}")

    def _act_on(self, trouble: Trouble, now_ns: int, out: list[Item]) -> None:
        """Give up the connection, and respond to its fault."""
        fault = trouble.fault
        self._trouble = plain(masked(trouble.message))
        self._log.warning("connection closed", extra={"fault": fault.name, "why": self._trouble})
        if fault is Fault.AGED_OUT:
            self._gap.reach_further()
        elif fault is Fault.NO_DEFINITIONS:
            self._requests.has_definitions = False
        elif fault is Fault.FATAL or (fault is Fault.REFUSED and not self._may_refusal_pass()):
            self._failure = self._trouble
        opened = self._gap.open(
            asked_from=self._connection.request.trades_from if self._connection else None,
            first_ts=self._intake.first_ts,
            known_until=self._intake.known_until,
            wanted_from=self._requests.origin,
        )
        if opened:
            out.append(opened)
        self._backoff.fail(now_ns, at_once=fault in _AT_ONCE)
        self._drop(self._connection)
        self._drop(self._renewal.cancel())
        self._connection = None
        self._is_live = self._is_streaming = False

    def _may_refusal_pass(self) -> bool:
        """The key was good before, in this run."""
        return self._has_streamed and self._backoff.may_refusal_pass()

    def _drop(self, connection: Connection | None) -> None:
        if connection is None:
            return
        self.faults += connection.faults
        connection.close()
        self._ending = [other for other in self._ending if not other.is_gone]
        self._ending.append(connection)

    def _go_live(self, connection: Connection, out: list[Item]) -> None:
        """The replay has brought what it could: say what has become of the gap."""
        self._is_live = True
        self._backoff.all_is_well()
        self._trouble = ""
        out += self._gap.close(
            asked_from=connection.request.trades_from,
            first_ts=self._intake.first_ts,
            known_until=self._intake.known_until or self._wall_ns,
            wanted_from=self._requests.origin,
        )
        self._log.info("live", extra={"repeated": self.repeated})

    def _look_for_sleep(self, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        ahead_ns, before_ns = wall_ns - now_ns, self._wall_less_monotonic_ns
        self._wall_less_monotonic_ns = ahead_ns
        if before_ns is None or abs(ahead_ns - before_ns) <= JUMP_NS:
            return
        self._intake.time.forget()
        if ahead_ns > before_ns and self._connection is not None:
            slept_s = (ahead_ns - before_ns) // SECOND_NS
            self._act_on(Trouble(Fault.RENEW, f"this machine slept for {slept_s} s"), now_ns, out)

    def _look_for_session(self, wall_ns: int, now_ns: int) -> None:
        if now_ns < self._look_ns:
            return
        self._look_ns = now_ns + LOOK_NS
        self._is_open = self._hours.is_open(wall_ns)
        session_open = self._hours.session_open(wall_ns)
        if session_open != self._session_open:
            self._session_open = session_open
            self._gap.is_lost = False
            if not self._hours.is_live_only:
                self._renewal.want(now_ns)

    def _renew(self, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        """At a session's open: let a second connection take over."""
        renewal = self._renewal
        if not (renewal.is_wanted and self._is_live):
            return
        second = renewal.take()
        if second is not None:
            self._drop(self._connection)
            self._connection = second
            self._begin(second, wall_ns)
            self._is_streaming = True
            self._heard_ns = now_ns
            return
        self._drop(renewal.advance(now_ns, open_one=lambda: self._open(wall_ns), limit_ns=CONNECT_LIMIT_NS))
        if renewal.is_hopeless:
            self._act_on(Trouble(Fault.RENEW, "the session has opened: requesting symbols again"), now_ns, out)

    def _state(self) -> FeedState:
        if self._is_ended:
            return FeedState.ENDED
        if self._failure:
            return FeedState.FAILED
        if not self._anchor_ns:
            return FeedState.STARTING
        if self._is_live:
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
        """What the user should know, one line."""
        intake = self._intake
        words = [self._failure or self._trouble, intake.doubts.words(), intake.time.words()]
        if intake.is_in_doubt:
            words.append(
                "records are ahead of this machine's clock: waiting for more records to see whether it is behind"
            )
        if intake.not_found:
            names = list(intake.not_found)
            more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
            words.append(f"symbol not found: {', '.join(names[:NAMES_TOLD])}{more}")
        if self._gap.is_lost:
            words.append("the gateway no longer has a part of this session: it is marked as a gap")
        if intake.held:
            words.append(f"{intake.held:,} trades wait for their symbol")
        if self._is_live and intake.is_slow:
            words.append("the gateway reports that this machine reads too slowly")
        if self._is_live and self._connection is not None and self._connection.is_held_up:
            words.append("records arrive faster than this machine processes them: the gateway waits")
        if self.faults:
            words.append(f"records lost inside the client and requested again: {self.faults}")
        if state in (FeedState.LIVE, FeedState.CLOSED) and not intake.ledger.newest_ts:
            words.append(f"connected; waiting for the first trade of {', '.join(self._symbols)}")
        return "; ".join(word for word in words if word)
