"""The live feed: Databento's gateway, supervised so that every trade arrives exactly once, whatever fails.

A connection is used until something is wrong with it and then discarded. A new one requests a replay from where the
ledger needs it, and the ledger drops trades that were already delivered. At the start that is the session's open, so
catching up and live trading are one continuous stream. `poll` does all the work, on the caller's thread and with the
caller's clock: it takes the received records, monitors the connection, and opens the next one when a pause is over.

When a session opens, symbols are requested again on a second connection, which takes over once it streams. An added
symbol has its own connection until one connection can deliver all symbols (`added_symbols`).
"""

import random
from collections.abc import Callable
from typing import Any, Final

from msgspec import structs

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.items import Item, KnownSpan
from flow_gl.core.log import get_logger, mask, masked, protect
from flow_gl.core.outside import plain
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.feed.live.added_symbols import AddedSymbols
from flow_gl.feed.live.adding import Adding
from flow_gl.feed.live.backoff import Backoff
from flow_gl.feed.live.connection import Connection, Phase
from flow_gl.feed.live.errors import Fault, Trouble, from_connecting
from flow_gl.feed.live.gap import Gap
from flow_gl.feed.live.hours import Hours, replayable_from
from flow_gl.feed.live.intake import Intake
from flow_gl.feed.live.renewal import Renewal
from flow_gl.feed.live.report import Reporting
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
"""How often the calendar is checked."""
_AT_ONCE: Final = frozenset({Fault.RENEW, Fault.SKIPPED, Fault.AGED_OUT, Fault.NO_DEFINITIONS})
"""Troubles whose cause is gone with the connection: no pause before the next one."""


class LiveFeed(Adding, Reporting):
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
        symbols = checked_symbols(spec.symbols)
        self._is_parent = spec.stype_in == "parent"
        self._request = Request(
            dataset=spec.dataset,
            subscriptions=(),
            gateway=spec.gateway,
            port=DEFAULT_PORT if spec.port is None else spec.port,
            heartbeat_s=heartbeat_s,
            compression=compression,
        )
        self._clock = clock
        self._hours = hours if hours is not None else Hours()
        self._requests = ResumeRequests(
            self._request, key=key, symbols=symbols, stype_in=spec.stype_in, hours=self._hours
        )
        self._intake = Intake(symbols, is_parent=self._is_parent, masked_key=self._masked_key)
        self._backoff = Backoff(draw)
        self._gap = Gap(self._hours)
        self._renewal = Renewal()
        same: dict[str, Any] = {"heartbeat_s": heartbeat_s, "compression": compression, "draw": draw}
        same |= {"api_key": key, "hours": self._hours, "clock": clock}
        self._added = AddedSymbols(
            lambda symbols: LiveFeed(structs.replace(spec, symbols=symbols), **same), take_from_others=self._hand_over
        )
        self._released: set[str] = set()
        self._known_spans: dict[int, KnownSpan] = {}
        """Added instruments of which this feed's connection has not yet brought everything."""
        self._log = get_logger("live")
        self._connection: Connection | None = None
        self._ending: list[Connection] = []
        self._session_open = 0
        self._has_streamed = self._is_streaming = self._is_live = self._is_ended = False
        self._is_relieved = False
        """A second connection has taken over and repeats known trades; the feed stays live."""
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
    def intake(self) -> Intake:
        """The data received so far."""
        return self._intake

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
        """Return the items that have arrived, at most `BATCH` records; never waits."""
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
            self._intake.elsewhere = self._added.instruments
            self._serve(self._connection, wall_ns, now_ns, out)
            self._renew(market_ns, now_ns, out)
        out += self._join(wall_ns, now_ns)
        return out

    def is_ended(self) -> bool:
        """Whether it was closed: a live feed has no end of its own."""
        return self._is_ended

    def retry(self) -> None:
        """Try again at once, after a fatal error or before the pause is over."""
        if self._connection is None and not self._is_ended:
            self._failure = ""
            self._backoff.now(self._clock.monotonic_ns())
        self._added.retry()

    def close(self) -> None:
        """Close the connections and wait for their threads. Idempotent."""
        for connection in self.abandon():
            connection.close(wait=True)

    def abandon(self) -> list[Connection]:
        """Abandon the connections; return those whose threads may still run."""
        self._is_ended = True
        self._added.abandon()
        self._drop(self._connection)
        self._drop(self._renewal.cancel())
        self._connection = None
        ending, self._ending = [*self._ending, *self._added.ended()], []
        return ending

    def _connect(self, wall_ns: int, now_ns: int) -> None:
        self._drop(self._renewal.cancel())  # this connection requests the symbols again anyway
        self._connection = self._open(wall_ns)
        self._opened_ns = now_ns
        self._begin(self._connection, wall_ns)

    def _open(self, wall_ns: int) -> Connection:
        added = self._added
        more = added.ready if self._has_streamed else ()
        connection = self._requests.make(
            (self._intake, added.intake) if more and added.intake else (self._intake,),
            wall_ns,
            extent=self._gap.extent,
            is_first=not self._has_streamed,
            is_session_new=self._renewal.is_session_new,
            more=more,
        )
        connection.open()
        request = connection.request
        self._log.info("connecting", extra={"gateway": request.where, "replay_from": request.trades_from})
        return connection

    def _begin(self, connection: Connection, wall_ns: int) -> None:
        """Take what this connection brings from here on."""
        request = connection.request
        self._absorb(request)
        earliest_ns = replayable_from(0, wall_ns)
        origin = self._requests.origin
        self._intake.begin(start=request.trades_from, origin=origin, earliest_ns=earliest_ns, replays=request.replays)
        self._is_live = self._is_streaming = False

    def _serve(self, connection: Connection, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        """Process the received records, then supervise the connection."""
        phase = connection.phase  # read first: everything that arrived before the connection ended is then in the queue
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
        self._is_live = self._is_streaming = self._is_relieved = False

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
        """Start live mode after the replay, and report whether the gap is filled or permanent."""
        self._is_live = True
        self._is_relieved, self._known_spans = False, {}
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
                self._renewal.want(now_ns, is_session_new=True)

    def _renew(self, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        """Let a second connection take over, at a session's open and after symbols were added."""
        renewal = self._renewal
        if not (renewal.is_wanted and self._is_live):
            return
        is_session_new = renewal.is_session_new
        second = renewal.take() if self._may_take_over(renewal.connection) else None
        if second is not None:
            self._is_relieved = not is_session_new
            self._drop(self._connection)
            self._connection = second
            self._begin(second, wall_ns)
            self._is_streaming = True
            self._heard_ns = now_ns
            return
        self._drop(renewal.advance(now_ns, open_one=lambda: self._open(wall_ns), limit_ns=CONNECT_LIMIT_NS))
        if renewal.is_hopeless:
            self._act_on(Trouble(Fault.RENEW, "requesting all symbols again"), now_ns, out)
