"""Execution of commands in the engine's loop, including a replay's seek to another instant."""

import logging
import math
import queue
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from flow_gl.core import commands
from flow_gl.core.clock import Clock
from flow_gl.core.commands import AddSymbol, Command, Configure, SetAlerts, SetReleasable, SetSpeed, Stop
from flow_gl.core.errors import FlowError, UsageError
from flow_gl.core.items import Item
from flow_gl.core.log import masked
from flow_gl.core.outside import plain
from flow_gl.core.schema import CHARTS
from flow_gl.core.spec import Answer, NotAdded
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.feed.base import Feed
from flow_gl.feed.files.replay import FilesFeed
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.feed_controls import Extensible, Paced, Retriable
from flow_gl.runtime.persistence import Persistence
from flow_gl.runtime.replay_snapshots import ReplaySnapshots
from flow_gl.runtime.seek.restoring import Restored, restore
from flow_gl.runtime.seek.transport import Transport
from flow_gl.runtime.totals import Totals
from flow_gl.store.market import MarketStore

MAX_REASON_CHARS: Final = 240
"""Longest reason why a symbol is not added, characters."""
REPLAY_DISORDER_NS: Final = 10 * SECOND_NS
"""Instruments interleave in a file in the order of arrival, so event times step back, but never by this much."""


class CommandHandling:
    """The half of `runtime.engine_loop.Engine` that executes commands; the engine owns the state."""

    _feed: Feed
    _extensible: Extensible | None
    _pipeline: Pipeline
    _charts: Charts
    _clock: Clock
    _commands: "queue.SimpleQueue[Command]"
    _log: logging.Logger
    _persistence: Persistence | None
    _snapshots: ReplaySnapshots | None
    _transport: Transport | None
    _waiting: deque[tuple[Item, int]]
    _taken: int
    _behind: int
    _totals: Totals
    _advanced_to: int
    _advanced_ns: int
    _polled_wall: int
    _oldest_unpublished: int | None
    _is_finished: bool
    _needs_publish: bool
    _must_stop: bool
    _refusal: str
    _refusals: int
    _answer: Callable[[Answer], None]

    if TYPE_CHECKING:

        def _show_charts(self) -> None: ...
        def _publish_status(self, now: int) -> None: ...

    def _apply_commands(self) -> None:
        while not self._commands.empty():
            self._apply(self._commands.get_nowait())

    def _apply(self, command: Command) -> None:
        self._log.info("command", extra={"command": command})
        self._needs_publish = True
        try:
            self._execute(command)
            self._refusal = ""
        except FlowError as error:
            self._refuse(command, error)

    def _refuse(self, command: object, error: FlowError) -> None:
        self._refusal, self._refusals = str(error), self._refusals + 1
        self._log.warning("refused", extra={"command": command, "error": error})

    def _execute(self, command: Command) -> None:
        feed, transport = self._feed, self._transport
        if isinstance(command, Stop):
            self._must_stop = True
        elif isinstance(command, Configure | SetAlerts):
            self._snapshots = None  # from here on, the numbers do not follow from the files alone
            if isinstance(command, Configure):
                self._pipeline.configure(command.changes)
                if self._persistence:
                    self._persistence.configure(self._pipeline.settings)
            else:
                self._pipeline.set_alerts(command.rules)
            if transport is not None:
                transport.change(self._pipeline, self._clock.monotonic_ns())
        elif isinstance(command, SetSpeed):
            if isinstance(feed, Paced):
                feed.set_speed(math.inf if command.speed is None else command.speed)
        elif isinstance(command, commands.Transport):
            if transport is None:
                raise UsageError("only a replay of files can be paused, stepped and sought in")
            transport.handle(command)
        elif isinstance(command, AddSymbol | SetReleasable):
            self._change_charts(command)
        elif isinstance(feed, Retriable):
            feed.retry()

    def _change_charts(self, command: AddSymbol | SetReleasable) -> None:
        """Request another symbol from the feed; its chart appears once the feed names its instrument."""
        if isinstance(command, SetReleasable):
            self._charts.releasable = command.symbols
            return
        symbol = command.symbol
        try:
            if self._extensible is None:
                raise UsageError(f"{symbol}: this feed cannot add symbols while it runs")
            self._charts.expect(symbol)
            try:
                self._extensible.add(symbol)
            except UsageError as error:
                self._charts.forget(symbol)
                raise UsageError(f"{symbol}: {error}") from None
        except UsageError as error:
            self._not_added(symbol, str(error))

    def _follow_charts(self) -> None:
        """Tell the feed which charts were removed, and the view which symbol found no place."""
        if self._extensible is None:
            return
        for symbol in self._charts.take_released():
            self._log.info("released", extra={"symbol": symbol})
            self._extensible.release(symbol)
        for symbol in self._charts.take_without_slot():
            self._extensible.release(symbol)
            self._not_added(symbol, f"{symbol}: at most {CHARTS} symbols are possible")

    def _look_for_refusals(self) -> None:
        if self._extensible is None:
            return
        for symbol, why in self._extensible.refusals():
            self._charts.forget(symbol)
            self._not_added(symbol, f"{symbol}: {why}")

    def _not_added(self, symbol: str, reason: str) -> None:
        self._log.warning("not added", extra={"symbol": symbol, "reason": reason})
        self._answer(NotAdded(symbol=symbol, reason=plain(masked(reason), MAX_REASON_CHARS)))

    def _wait(self, seconds: float) -> None:
        try:
            self._apply(self._commands.get(timeout=seconds))
        except queue.Empty:
            return

    def _follow_transport(self) -> None:
        """Go where the transport is to go."""
        if self._transport is None:
            return
        try:
            target = self._transport.due(self._clock.monotonic_ns())
            if target is not None:
                self._go_to(self._transport, target)
        except FlowError as error:
            self._refuse("seek", error)

    def _go_to(self, transport: Transport, target: int) -> None:
        """Bring the numbers to an instant of the replay (event time, ns). Raises DataError, SharedMemoryError."""
        began = self._clock.monotonic_ns()
        feed = self._feed
        assert isinstance(feed, FilesFeed)
        index = transport.index
        place = index.place_before(target)
        point = index.point(place)
        self._snapshots = None
        transport.arrived(target)
        totals = self._totals
        is_near = point.trades <= totals.trades and totals.newest_event <= target and feed.position <= target
        if is_near and not self._waiting and not self._is_finished and totals.trades:
            here = Restored(self._pipeline, self._charts, totals)
            self._publish_status(began)  # before any row: alerts that the seek passes over are silent
            for item in feed.hand_over_until(target):
                here.take(item)
            self._take_up(here)
            self._show(target)
        else:
            new = restore(index, place, self._make_store)
            feed.go_on_from(index.source(place), point.newest_event)
            old, self._charts = self._charts, new.charts
            self._pipeline = new.pipeline
            try:
                for item in feed.hand_over_until(target):
                    new.take(item)
            finally:
                self._take_up(new)
                self._show(target)
                old.close()
        took_ms = (self._clock.monotonic_ns() - began) / 1e6
        self._log.info("seek", extra={"to": target, "near": is_near, "ms": round(took_ms, 1)})

    def _show(self, target: int) -> None:
        """Publish all that is known at an instant, and last the status, which names the charts' stores."""
        self._pipeline.advance(target - REPLAY_DISORDER_NS)
        self._pipeline.publish()
        self._show_charts()
        self._publish_status(self._clock.monotonic_ns())

    def _take_up(self, at: Restored) -> None:
        """Continue from another point of the replay."""
        self._totals = at.totals
        self._waiting.clear()
        self._taken = self._behind = self._advanced_to = 0
        self._advanced_ns = -(1 << 62)
        self._oldest_unpublished = None
        self._is_finished = False
        self._needs_publish = True

    def _make_store(self, tag: str) -> MarketStore:
        transport = self._transport
        assert transport is not None
        return MarketStore.create(f"s{transport.seeks}{tag}")
