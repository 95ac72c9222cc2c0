"""The live feed: Databento's gateway, supervised so that every trade arrives once, through every fault.

A connection is used until something is wrong with it, then thrown away; a fresh one asks for a replay from where the
ledger stands, and the ledger drops what was handed over before. At the start that is the session's open: catching up
and going on live are one stream without a seam. `poll` does all the work, on the caller's thread and with the caller's
clock: it takes what has come, watches over the connection, and makes the next one when a pause is over.

When a session opens, symbols are asked for again on a second connection, which takes over once it streams.
"""

import random
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import FeedError
from flow_gl.core.log import get_logger, mask, masked, protect
from flow_gl.core.schema import FeedState
from flow_gl.feed.base import FeedClock, FeedGap, FeedStatus, Item
from flow_gl.feed.live_backoff import Backoff
from flow_gl.feed.live_connection import DEFAULT_PORT, Connection, Phase, Request, Subscription
from flow_gl.feed.live_errors import Fault, Trouble, from_connecting
from flow_gl.feed.live_hours import Hours, replayable_from
from flow_gl.feed.live_intake import Intake
from flow_gl.feed.live_wire import DamagedStreamError

BATCH: Final = 1 << 13
"""Most records handed over by one poll: a few milliseconds of work."""
CONNECT_LIMIT_NS: Final = 15_000_000_000
"""Longest time from the first try to a running session."""
GRACE_NS: Final = 10_000_000_000
"""Silence beyond the heartbeat's interval that a connection is allowed."""
JUMP_NS: Final = 5_000_000_000
"""Wall time that passes without monotonic time: the machine slept, and connections do not survive that."""
LOOK_NS: Final = 1_000_000_000
"""How often the calendar is looked at."""
SECOND_PAUSE_NS: Final = 30_000_000_000
SECOND_TRIES: Final = 3
"""A second connection is tried so often, with these pauses; then the first is given up for it."""


class Reach(Enum):
    """How much a new connection is asked to replay."""

    WANTED = auto()
    EVERYTHING = auto()
    """What is wanted is older than the gateway's memory: all it has."""
    NOTHING = auto()
    """It refuses that too."""


class LiveFeed:
    """Trades of Databento's live gateway.

    Parameters
    ----------
    symbols : what to ask for
    dataset, stype_in : of the symbols; with "parent" each stands for many instruments
    api_key : Databento's key
    gateway, port : another gateway than the dataset's own
    start : "session open": the session so far is replayed first; ns since the epoch: from that `ts_event` on; None:
        live data only
    hours : when sessions open; None: the exchange's calendar
    clock : the program's clock
    heartbeat_s : seconds between heartbeats that the gateway is asked for, 5..1800
    compression : "none" or "zstd", of the stream
    draw : random numbers in [0, 1) for the pauses' jitter
    """

    def __init__(
        self,
        *,
        symbols: tuple[str, ...] = ("NQ.v.0", "ES.v.0"),
        dataset: str = "GLBX.MDP3",
        stype_in: str = "continuous",
        api_key: str | None,
        gateway: str | None = None,
        port: int | None = None,
        start: int | str | None = "session open",
        hours: Hours | None = None,
        clock: Clock = SYSTEM,
        heartbeat_s: int = 5,
        compression: str = "none",
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._key: Final = _checked_key(api_key)
        self._masked_key: Final = mask(self._key)
        protect(self._key)
        self._symbols: Final = _checked_symbols(symbols)
        self._dataset: Final = dataset
        self._stype_in: Final = stype_in
        self._gateway: Final = gateway
        self._port: Final = DEFAULT_PORT if port is None else port
        host = gateway or f"{dataset.lower().replace('.', '-')}.lsg.databento.com"
        self._where: Final = f"{host}:{self._port}"
        self._clock: Final = clock
        self._heartbeat_s: Final = heartbeat_s
        self._compression: Final = compression
        self._hours: Final = hours if hours is not None else Hours(start)
        self._intake: Final = Intake(self._symbols, is_parent=stype_in == "parent", masked_key=self._masked_key)
        self._backoff: Final = Backoff(draw)
        self._log: Final = get_logger("live")
        self._connection: Connection | None = None
        self._second: Connection | None = None
        self._second_due_ns = self._second_tries = self._look_ns = 0
        self._is_second_wanted = False
        self._ending: list[Connection] = []
        self._session_open = 0
        self._origin = 0
        self._reach = Reach.WANTED
        self._has_definitions = True
        self._has_streamed = self._is_streaming = self._is_live = self._is_ended = False
        self._is_first_replay = self._is_open = True
        self._opened_ns = self._heard_ns = 0
        self._gap_start: int | None = None
        self._wall_less_monotonic_ns: int | None = None
        self._wall_ns = self._anchor_ns = 0
        self._trouble = ""
        self._failure = ""
        self._lost = ""
        self.faults = 0
        """Exceptions inside the client: counted and told, never passed over."""

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
        """Hand over what has come by now, at most `BATCH` records of it; never waits."""
        out: list[Item] = []
        if self._is_ended or not self._anchor_ns:
            return out
        now_ns = self._clock.monotonic_ns()
        self._wall_ns = wall_ns
        self._look_for_sleep(wall_ns, now_ns, out)
        self._look_for_session(wall_ns, now_ns)
        if self._connection is None:
            if not self._failure and now_ns >= self._backoff.due_ns:
                self._connect(wall_ns, now_ns)
        else:
            self._serve(self._connection, wall_ns, now_ns, out)
            self._mind_second(wall_ns, now_ns, out)
        return out

    def clock(self) -> FeedClock:
        """Live: event time is wall time, set forward where this machine's clock is seen to be behind."""
        return FeedClock(self._anchor_ns, self._anchor_ns + self._intake.ahead_ns, 1.0)

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
            dataset=self._dataset,
            source=self._where,
            known_until=self._intake.known_until,
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
        for connection in (self._connection, self._second):
            if connection is not None:
                self._drop(connection)
        self._connection = self._second = None
        for connection in self._ending:
            connection.close(wait=True)
        self._ending.clear()

    def _connect(self, wall_ns: int, now_ns: int) -> None:
        self._connection = self._open(wall_ns)
        self._opened_ns = now_ns
        self._is_second_wanted = False  # this one asks for the symbols anew
        self._begin(self._connection, wall_ns)

    def _open(self, wall_ns: int) -> Connection:
        """Make a connection that brings all that is missing."""
        trades_from = self._trades_from(wall_ns)
        subscriptions = [Subscription("trades", self._symbols, self._stype_in, trades_from)]
        if self._has_definitions:
            subscriptions.insert(0, Subscription("definition", self._symbols, self._stype_in, 0))
        request = Request(
            dataset=self._dataset,
            subscriptions=tuple(subscriptions),
            gateway=self._gateway,
            port=self._port,
            heartbeat_s=self._heartbeat_s,
            compression=self._compression,
        )
        connection = Connection(request, key=self._key)
        connection.open()
        self._log.info("connecting", extra={"gateway": self._where, "replay_from": trades_from})
        return connection

    def _trades_from(self, wall_ns: int) -> int | None:
        """From which `ts_event` a new connection must replay, ns; 0 for all there is; None for nothing."""
        is_first = not self._has_streamed
        if is_first or not self._hours.is_live_only:
            self._origin = self._hours.origin(wall_ns)
        if self._reach is not Reach.WANTED:
            return 0 if self._reach is Reach.EVERYTHING else None
        if is_first and self._hours.is_live_only:
            return None
        need = self._intake.need_from()
        # At a session's open a symbol may get another contract: the new one is wanted from the open.
        wanted = self._origin if need is None else min(need, self._origin) if self._is_second_wanted else need
        if self._intake.wanted_from is not None:
            wanted = min(wanted, self._intake.wanted_from)
        return replayable_from(wanted, wall_ns)

    def _begin(self, connection: Connection, wall_ns: int) -> None:
        """Take what this connection brings from here on."""
        subscriptions = connection.request.subscriptions
        self._intake.begin(
            start=subscriptions[-1].start,
            origin=self._origin,
            floor=replayable_from(0, wall_ns),
            replays=sum(subscription.start is not None for subscription in subscriptions),
        )
        self._is_live = self._is_streaming = False

    def _serve(self, connection: Connection, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        """Take what has come, then look after the connection."""
        phase = connection.phase  # looked at first: what came before its end is all there
        if phase is not Phase.CONNECTING and connection.was_streaming and not self._is_streaming:
            self._is_streaming = self._has_streamed = True
            self._heard_ns = now_ns
        chunks = connection.drain(BATCH)
        if chunks:
            self._heard_ns = now_ns
            trouble = self._take(chunks, wall_ns, out)
            if trouble:
                self._act_on(trouble, now_ns, out)
                return
        if connection.waiting:
            return
        if phase is Phase.ENDED:
            self._act_on(self._why_ended(connection), now_ns, out)
        elif phase is Phase.CONNECTING:
            if now_ns - self._opened_ns > CONNECT_LIMIT_NS:
                words = f"the gateway {self._where} did not answer the authentication in time"
                self._act_on(Trouble(Fault.RETRY, words), now_ns, out)
        elif now_ns - self._heard_ns > self._heartbeat_s * 1_000_000_000 + GRACE_NS:
            silence_s = (now_ns - self._heard_ns) // 1_000_000_000
            self._act_on(Trouble(Fault.RETRY, f"the gateway has been silent for {silence_s} s"), now_ns, out)
        elif self._is_streaming and not self._is_live and self._intake.is_replayed:
            self._go_live(connection, out)

    def _take(self, chunks: list[bytes], wall_ns: int, out: list[Item]) -> Trouble | None:
        try:
            return self._intake.take(chunks, wall_ns, out)
        except DamagedStreamError as damage:
            return Trouble(Fault.RETRY, f"the gateway's stream is damaged ({damage}): what follows is asked for again")

    def _why_ended(self, connection: Connection) -> Trouble:
        failure = connection.failure
        if connection.was_streaming:
            return Trouble(Fault.RETRY, f"connection lost: {failure or 'ended by the gateway'}")
        if connection.is_refusal:
            return from_connecting(failure or "", gateway=self._where, masked_key=self._masked_key)
        return Trouble(Fault.RETRY, f"no connection to the gateway {self._where}: {failure or 'ended'}")

    def _act_on(self, trouble: Trouble, now_ns: int, out: list[Item]) -> None:
        """Give the connection up, and do what its trouble asks for."""
        self._log.warning("connection given up", extra={"fault": trouble.fault.name, "why": masked(trouble.message)})
        self._trouble = masked(trouble.message)
        match trouble.fault:
            case Fault.AGED_OUT:
                self._reach = Reach.EVERYTHING if self._reach is Reach.WANTED else Reach.NOTHING
            case Fault.NO_DEFINITIONS:
                self._has_definitions = False
            case _:
                pass
        is_limit = trouble.fault is Fault.LIMIT
        if trouble.fault is Fault.FATAL or (is_limit and not (self._has_streamed and self._backoff.may_retry_limit())):
            self._failure = self._trouble
        if self._gap_start is None and self._intake.known_until:
            self._gap_start = self._intake.known_until
            out.append(FeedGap(self._gap_start))
        at_once = trouble.fault in (Fault.RENEW, Fault.SKIPPED, Fault.AGED_OUT, Fault.NO_DEFINITIONS)
        self._backoff.fail(now_ns, at_once=at_once)
        for connection in (self._connection, self._second):
            if connection is not None:
                self._drop(connection)
        self._connection = self._second = None
        self._is_live = self._is_streaming = False

    def _drop(self, connection: Connection) -> None:
        self.faults += connection.faults
        connection.close()
        self._ending = [other for other in self._ending if not other.is_gone]
        self._ending.append(connection)

    def _go_live(self, connection: Connection, out: list[Item]) -> None:
        """The replay has brought what it could: say what became of the gap."""
        self._is_live = True
        self._backoff.all_is_well()
        self._trouble = ""
        start = connection.request.subscriptions[-1].start
        begins = start or self._intake.first_ts or self._wall_ns
        if self._gap_start is not None:
            missing_from = self._gap_start
        elif start is None and self._reach is Reach.WANTED:
            missing_from = begins  # live data only, as asked for
        else:
            missing_from = self._origin if self._is_first_replay else begins
        self._is_first_replay = False
        if begins > missing_from and not self._hours.is_closed_between(missing_from, begins):
            out.append(FeedGap(missing_from, begins))
            self._lost = "the gateway no longer holds a part of this session: it is marked as a gap"
        elif self._gap_start is not None:
            out.append(FeedGap(self._gap_start, self._intake.known_until, filled=True))
        self._gap_start = None
        self._reach = Reach.WANTED
        self._log.info("live", extra={"repeated": self.repeated})

    def _look_for_sleep(self, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        ahead_ns, before_ns = wall_ns - now_ns, self._wall_less_monotonic_ns
        self._wall_less_monotonic_ns = ahead_ns
        if before_ns is not None and ahead_ns - before_ns > JUMP_NS and self._connection is not None:
            self._intake.ahead_ns = 0
            slept_s = (ahead_ns - before_ns) // 1_000_000_000
            self._act_on(Trouble(Fault.RENEW, f"this machine slept for {slept_s} s"), now_ns, out)

    def _look_for_session(self, wall_ns: int, now_ns: int) -> None:
        if now_ns < self._look_ns:
            return
        self._look_ns = now_ns + LOOK_NS
        self._is_open = self._hours.is_open(wall_ns)
        session_open = self._hours.session_open(wall_ns)
        if session_open != self._session_open:
            self._session_open = session_open
            self._is_second_wanted = not self._hours.is_live_only
            self._second_due_ns = now_ns
            self._second_tries = 0
            self._lost = ""

    def _mind_second(self, wall_ns: int, now_ns: int, out: list[Item]) -> None:
        """At a session's open: ask for the symbols again on a second connection, which takes over once it streams."""
        second = self._second
        if second is None:
            if self._is_second_wanted and self._is_live and now_ns >= self._second_due_ns:
                self._second = self._open(wall_ns)
                self._second_due_ns = now_ns + CONNECT_LIMIT_NS
        elif second.phase is Phase.STREAMING and second.waiting:
            if self._connection is not None:
                self._drop(self._connection)
            self._connection, self._second = second, None
            self._is_second_wanted = False
            self._begin(second, wall_ns)
        elif second.phase is Phase.ENDED or now_ns >= self._second_due_ns:
            self._drop(second)
            self._second = None
            self._second_due_ns = now_ns + SECOND_PAUSE_NS
            self._second_tries += 1
            if self._second_tries >= SECOND_TRIES:  # an account that may have one connection only
                self._act_on(Trouble(Fault.RENEW, "the session has opened: symbols are asked for again"), now_ns, out)

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
        connection = self._connection
        start = connection.request.subscriptions[-1].start if connection else None
        begins = start or self._intake.first_ts
        if not begins or self._wall_ns <= begins:
            return float("nan")
        return min(max((self._intake.newest_ts - begins) / (self._wall_ns - begins), 0.0), 1.0)

    def _words(self, state: FeedState) -> str:
        """What the user should know, one line."""
        intake = self._intake
        words = [self._failure or self._trouble]
        if intake.not_found:
            words.append(f"symbol not found: {', '.join(intake.not_found)}")
        if self._lost:
            words.append(self._lost)
        if intake.held:
            words.append(f"{intake.held:,} trades wait for their symbol")
        if self.faults:
            words.append(f"{self.faults} faults in the client")
        if state in (FeedState.LIVE, FeedState.CLOSED) and not intake.ledger.newest_ts:
            words.append(f"connected; waiting for the first trade of {', '.join(self._symbols)}")
        return "; ".join(word for word in words if word)


def _checked_key(api_key: str | None) -> str:
    key = (api_key or "").strip()
    if not key:
        raise FeedError("no Databento API key: set DATABENTO_API_KEY in the environment or in .env, or pass --api-key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise FeedError("the Databento API key holds a space or a character that no key has: copy it again")
    return key


def _checked_symbols(symbols: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(symbol.strip() for symbol in symbols))
    if not kept or not all(kept):
        raise FeedError(f"symbols: at least one was expected, none of them empty, was {symbols!r}")
    return kept
