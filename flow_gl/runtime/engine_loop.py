"""The engine's loop: feed -> tape -> pipeline -> stores, in turns of a few milliseconds.

A turn applies commands, polls the feed, aggregates for at most `TURN_NS`, and publishes the tables and the status.
Items that have arrived but are not aggregated yet wait in order. The feed is polled again only when nothing waits, so
memory stays within the feed's bounds during a burst, and every trade is counted once. Trades are appended to the tape
before they are aggregated, and never more of them than the tape's readers (the recorder) have room for.

A bucket closes when a later trade of its instrument arrives and, on a live feed, also by the clock, but only up to the
event time up to which the feed guarantees completeness (`FeedStatus.known_until`). A connection that stalls within a
bucket looks like a quiet market; closing that bucket would make its remaining trades late once they are replayed. If a
feed gives no such guarantee, the clock stays well behind anything that could still arrive. When a feed ends, all
buckets are closed.
"""

import math
import queue
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flow_gl.core.clock import Clock
from flow_gl.core.commands import Command
from flow_gl.core.items import FeedGap, FileEnd, Item, Trades
from flow_gl.core.log import get_logger
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.spec import Answer
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.summary import Summary
from flow_gl.feed.base import Feed, FeedStatus
from flow_gl.runtime.charts import Candidates, Charts
from flow_gl.runtime.command_handling import REPLAY_DISORDER_NS, CommandHandling
from flow_gl.runtime.feed_controls import Extensible, HasHistory, Resumable
from flow_gl.runtime.meters import Rate, StatusBoard
from flow_gl.runtime.persistence import Persistence
from flow_gl.runtime.replay_snapshots import Note, ReplaySnapshots
from flow_gl.runtime.seek.transport import Transport
from flow_gl.runtime.totals import Totals
from flow_gl.store.ring import Ring

TAPE_CAPACITY: Final = 1 << 20
BATCH: Final = 1 << 14
"""Trades aggregated between two checks of the clock."""
TURN_NS: Final = 8_000_000
"""Longest time spent aggregating before tables and status are published."""
NOTICES_NS: Final = 40_000_000
"""Notices that follow trades are processed in the same turn, for up to this long past its end."""
BRIEF_NS: Final = 900_000
"""The open bubble and the session's running numbers are published at most this often ..."""
PUBLISH_NS: Final = 8_000_000
"""... a chart's profile and levels, which cost ten times as much, at most this often and for one chart per turn ..."""
STATUS_NS: Final = 20_000_000
"""... and the status at least this often."""
COUNT_NS: Final = 500_000_000
"""Instruments are counted at most this often."""
BUSY_SLEEP_S: Final = 0.001
QUIET_SLEEP_S: Final = 0.010
STANDING_SLEEP_S: Final = 0.05
"""Pauses between turns: while trades arrive, after none arrived recently, and when none can arrive (the feed has ended,
failed or is closed). A command ends any of them."""
QUIET_AFTER_NS: Final = 2 * SECOND_NS
ADVANCE_NS: Final = 10_000_000
"""The pipeline's clock is advanced at most this often."""
UNDETECTED_NS: Final = 45 * SECOND_NS
"""A lost connection is detected within this time at the latest; a shorter silence proves nothing."""
UNSETTLED_TRADES: Final = 2_000_000
"""Most trades that may wait until a parent symbol is settled (96 MB)."""

_NOT_YET: Final = frozenset({FeedState.STARTING, FeedState.CONNECTING, FeedState.CATCHING_UP})
_STANDING: Final = frozenset({FeedState.ENDED, FeedState.FAILED, FeedState.CLOSED})


@dataclass(frozen=True, slots=True)
class InitialState:
    """The initial state of an engine's loop."""

    note: str = ""
    """One line to show the user from the start."""
    snapshots: ReplaySnapshots | None = None
    """The replay's snapshots, after the stored ones were restored; None if none are kept."""
    known: Note | None = None
    """The loop's own state in the last restored snapshot."""
    transport: Transport | None = None
    """The transport of a replay of files."""


class Engine(CommandHandling):
    """One feed, its pipeline and its charts.

    Parameters
    ----------
    feed : started feed
    pipeline : with no chart attached yet
    charts : the requested charts
    board : the status
    clock : the program's clock
    commands : the view's commands; any thread may put one, Stop ends the loop
    persistence : recorder and archive of a live session, and the bus; None for none
    initial : the initial state
    answer : sends the view an answer
    """

    def __init__(
        self,
        *,
        feed: Feed,
        pipeline: Pipeline,
        charts: Charts,
        board: StatusBoard,
        clock: Clock,
        commands: queue.SimpleQueue[Command],
        persistence: Persistence | None = None,
        initial: InitialState = InitialState(),
        answer: Callable[[Answer], None] = lambda _: None,
    ) -> None:
        self._feed = feed
        self._pipeline = pipeline
        self._charts = charts
        self._board: Final = board
        self._clock = clock
        self._commands = commands
        self._answer = answer
        self._note: Final = initial.note
        self._persistence = persistence
        self._snapshots = initial.snapshots
        self._transport = initial.transport
        self._log = get_logger("engine")
        self.tape: Final = Ring(memoryview(bytearray(Ring.nbytes(TRADE, TAPE_CAPACITY))), TRADE, TAPE_CAPACITY)
        """Every trade once, in arrival order, except those of earlier sessions."""
        self._history: Final = feed if isinstance(feed, HasHistory) else None
        self._extensible = feed if isinstance(feed, Extensible) else None
        self._is_history = False  # what waits is of earlier sessions
        self._waiting: deque[tuple[Item, int]] = deque()
        self._taken = 0  # trades of the first waiting item that are aggregated already
        self._behind = 0
        self._totals = Totals.of(initial.known or Note())
        self._advanced_to = self._polled_wall = 0
        self._rate: Final = Rate()
        self._oldest_unpublished: int | None = None
        self._lag_ns = 0
        self._last_trade_ns = -QUIET_AFTER_NS
        self._published_ns = self._shown_ns = self._status_ns = self._advanced_ns = self._counted_ns = -(1 << 62)
        self._needs_publish, self._profile_rest_ns = True, 0
        self._unread = 0  # charts whose profile is out of date
        self._is_finished = False
        self._must_stop = False
        self._is_recomputing = False  # a changed parameter's events are not complete
        self._refusal, self._refusals = "", 0
        self._is_settled = charts.is_settled
        self._candidates: Final = Candidates()

    @property
    def instruments(self) -> dict[int, Summary]:
        """Summary of each instrument, charted or not."""
        return self._pipeline.instruments

    @property
    def trades(self) -> int:
        """Trades aggregated since the start, all instruments."""
        return self._totals.trades

    def run(self) -> None:
        """Run turns until a Stop command. Raises the feed's FlowErrors."""
        self._show_charts()
        if self._persistence:
            self._persistence.start(self.tape)
            if isinstance(self._feed, Resumable):
                self._feed.resume(self._persistence.recorded)
        while not self._must_stop:
            pause = self.turn()
            if pause > 0:
                self._wait(pause)
        self._pipeline.publish()
        self._publish_status(self._clock.monotonic_ns())

    def turn(self) -> float:
        """Do all work that is due. Returns the number of seconds until the next turn at the latest."""
        self._apply_commands()
        self._follow_transport()
        wall, now = self._clock.wall_ns(), self._clock.monotonic_ns()
        if not self._waiting or not self._is_settled:
            self._take(self._feed.poll(wall), now)
            self._is_history = self._history is not None and self._history.is_history()
            self._polled_wall = wall
        status = self._feed.status()
        if not self._is_settled:
            self._settle(status.state)
        self._look_for_refusals()
        self._pipeline.know_from(status.known_from)
        self._pipeline.set_known_spans(status.known_spans)
        if self._is_settled:
            self._work(now + TURN_NS)
            self._is_recomputing = self._pipeline.recompute()
            if not self._waiting:
                self._close_by_clock(status)
        now = self._clock.monotonic_ns()
        is_status_due = now - self._status_ns >= STATUS_NS
        self._publish(now, at_once=is_status_due)
        if is_status_due:
            self._publish_status(now)
        return self._pause(status.state, now)

    def _take(self, items: list[Item], now: int) -> None:
        for item in items:
            self._waiting.append((item, now))
            if isinstance(item, Trades):
                self._behind += len(item.rows)
            if not self._is_settled:
                self._candidates.take(item)

    def close_charts(self) -> None:
        """Remove the charts' memory. Idempotent."""
        self._charts.close()

    def _settle(self, state: FeedState) -> None:
        """Choose the parent symbols' contracts once the session so far has arrived; until then everything waits."""
        is_full = self._behind >= UNSETTLED_TRADES
        if state in _NOT_YET and not is_full:
            return
        self._charts.choose(self._candidates)
        self._is_settled = self._charts.is_settled or is_full

    def _work(self, deadline: int) -> None:
        """Process waiting items in order: trades until the deadline, and the notices that directly follow them."""
        is_late = False
        while self._waiting:
            item, arrived = self._waiting[0]
            if isinstance(item, Trades):
                rows = item.rows[self._taken : self._taken + min(BATCH, self._room())]
                if is_late or (len(rows) == 0 and len(item.rows)):
                    return  # continue in the next turn, or once the tape's readers have advanced
                if len(rows):
                    self._aggregate(Trades(rows, item.is_repeated), arrived)
                self._taken += len(rows)
                is_late = self._clock.monotonic_ns() >= deadline
                if self._taken < len(item.rows):
                    continue
            elif self._clock.monotonic_ns() >= deadline + NOTICES_NS:
                return  # very many of them: commands, and the view's exit, are handled between turns
            else:
                self._notice(item)
            self._waiting.popleft()
            self._taken = 0

    def _aggregate(self, trades: Trades, arrived: int) -> None:
        count = len(trades.rows)
        if not (self._is_history or trades.is_repeated):
            self.tape.append(trades.rows)
        self._process(trades)
        self._behind -= count
        self._last_trade_ns = self._clock.monotonic_ns()
        self._rate.add(count, self._last_trade_ns)
        if self._oldest_unpublished is None:
            self._oldest_unpublished = arrived

    def _notice(self, item: Item) -> None:
        """Process an item that is not trades."""
        self._process(item)
        if isinstance(item, FileEnd) and self._snapshots:
            self._snapshots.keep(item.index, self._pipeline, self._totals.note())
        elif isinstance(item, FeedGap):
            self._log.warning("feed gap", extra={"start": item.start, "end": item.end, "filled": item.filled})
        # A recording's gaps are of all its instruments; one that lacks its beginning is asked for again at a restart.
        is_of_one = isinstance(item, FeedGap) and item.instrument_id != 0
        if self._persistence and not self._is_history and not is_of_one:
            self._persistence.note(item)

    def _process(self, item: Item) -> None:
        self._pipeline.take(item)
        is_changed = self._charts.take(item)
        if self._charts.take_renewed() or is_changed:
            self._show_charts()
            self._follow_charts()
        self._totals.take(item)
        self._needs_publish = True

    def _room(self) -> int:
        """Return how many trades the tape can take before it overwrites rows that a reader still needs."""
        return TAPE_CAPACITY - (self._persistence.waiting() if self._persistence else 0)

    def _show_charts(self) -> None:
        self._board.markets(self._charts.names)
        if self._persistence:
            self._persistence.keep_charts(self._charts.stores())

    def _close_by_clock(self, status: FeedStatus) -> None:
        if self._feed.is_ended():
            if not self._is_finished:
                self._is_finished = True
                self._pipeline.advance(self._totals.newest_event)  # instruments that fell silent earlier get their gap
                self._pipeline.finish()
                self._needs_publish = True
            return
        clock = self._feed.clock()
        event_now = clock.anchor_event + int((self._polled_wall - clock.anchor_wall) * clock.rate)
        if status.known_until:
            known_until = status.known_until
        elif status.state is FeedState.LIVE:
            known_until = max(self._totals.newest_event, event_now - UNDETECTED_NS)
        elif status.state is FeedState.REPLAY and not math.isinf(status.speed):
            known_until = event_now - REPLAY_DISORDER_NS
        else:
            return
        now = self._clock.monotonic_ns()
        if known_until > self._advanced_to and now - self._advanced_ns >= ADVANCE_NS:
            self._advanced_to, self._advanced_ns = known_until, now
            self._snapshots = None
            self._pipeline.advance(known_until)
            self._needs_publish = True

    def _publish(self, now: int, *, at_once: bool) -> None:
        """Publish the data that are due: all charts' running numbers, then the profile of one chart.

        Before the status is published this happens at once: what the status says of the feed (live again, a gap) must
        already show in the numbers.
        """
        pipeline = self._pipeline
        if self._needs_publish and (at_once or now - self._shown_ns >= BRIEF_NS):
            pipeline.publish(is_brief=True)
            self._needs_publish, self._shown_ns, self._unread = False, now, pipeline.charted
            if self._oldest_unpublished is not None:
                self._lag_ns = self._clock.monotonic_ns() - self._oldest_unpublished
                self._oldest_unpublished = None
        if self._unread and now - self._published_ns >= max(PUBLISH_NS // pipeline.charted, self._profile_rest_ns):
            pipeline.publish_next()
            self._published_ns, self._unread = now, self._unread - 1
            # At most a fifth of the time, since a profile may have many rows.
            self._profile_rest_ns = 4 * (self._clock.monotonic_ns() - now)

    def _publish_status(self, now: int) -> None:
        self._status_ns = now
        status, board, row = self._feed.status(), self._board, self._board.row
        board.feed(status, self._feed.clock(), self._charts.requested)
        if status.state is FeedState.ENDED and not self._is_finished:
            row["state"] = FeedState.REPLAY  # the last trades are still being aggregated
        if self._persistence:
            self._persistence.publish(board)
        if self._transport:
            self._transport.publish(board)
        board.text("message", "; ".join(remark for remark in (self._refusal, status.message or self._note) if remark))
        board.text("refusal", self._refusal)
        row["refusals"] = self._refusals
        row["trades"] = self._totals.trades
        row["trades_per_second"] = self._rate.per_second(now)
        row["behind"] = self._behind
        row["lag_ns"] = self._lag_ns
        row["feed_gaps"] = len(self._totals.gap_starts)
        row["tape_used"] = 1.0 - self._room() / TAPE_CAPACITY
        if now - self._counted_ns >= COUNT_NS:
            self._counted_ns = now
            row["other_instruments"] = sum(not self._charts.is_charted(key) for key in self._pipeline.instruments)
        board.publish(self._clock.wall_ns())

    def _pause(self, state: FeedState, now: int) -> float:
        if self._is_recomputing:
            return 0.0
        if self._waiting and self._is_settled:
            return 0.0 if self._room() else BUSY_SLEEP_S
        if state in _STANDING:
            return STANDING_SLEEP_S
        return QUIET_SLEEP_S if now - self._last_trade_ns > QUIET_AFTER_NS else BUSY_SLEEP_S
