"""Supervises the engine process for the view: starts it, attaches its stores, detects its death, restarts it.

`EngineLink` is the program's `ui.link.Link`. `poll` never blocks: output is read without waiting, and a death is found
by polling the process. The engine runs in its own session, so that Ctrl-C reaches only the view. It ends when its
standard input closes, so a killed view takes its engine with it.

After a death the old readers stay, and so does the chart, until the next engine has caught up. An engine that reports
why it cannot run is not restarted; the number of restarts after crashes is limited.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Self

from msgspec import structs

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.commands import AddSymbol, Command, SetReleasable, SetSpeed, Stop, encode
from flow_gl.core.errors import EXIT_FAULT, EXIT_RESOURCE
from flow_gl.core.log import get_logger
from flow_gl.core.schema import CHARTS, FeedState
from flow_gl.core.spec import BusSpec, DemoSpec, EngineSpec, FilesSpec, LiveSpec, RemoteSpec
from flow_gl.core.spec import encode as encode_spec
from flow_gl.core.system import children
from flow_gl.core.system.platform.processes import describe_end
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.store.shm import remove_stale
from flow_gl.ui.link import LinkFields, LinkState
from flow_gl.view.engine_link.process import EngineProcess
from flow_gl.view.engine_link.requested_symbols import RequestedSymbols
from flow_gl.view.engine_link.stores import requested_of
from flow_gl.view.engine_link.symbol_use import FULL, SymbolUse

COMMAND: Final = children.command("flow_gl.runtime")
MAX_RESTARTS: Final = 5
"""Maximum number of restarts within `RESTART_WINDOW_NS`; after that the link has failed."""
RESTART_WINDOW_NS: Final = MINUTE_NS
FIRST_DELAY_NS: Final = 200_000_000
"""Delay between a death and the next start; doubles with each further death within the window."""
_HURRY: Final = 8.0
"""An engine that is to take over from a running one replays this many times faster until it has caught up, ..."""
_MIN_HURRY: Final = 20.0
"""... and at least at this speed."""
_TOP_SPEED: Final = 10_000.0
"""Highest finite speed of a feed."""
TAKE_OVER_NS: Final = 120 * SECOND_NS
"""Longest time that the old charts stay while a new engine catches up."""


class EngineLink(LinkFields):
    """An engine process as the view's `Link`.

    Parameters
    ----------
    spec : the engine's feed and settings
    environment : variables added to this process's own for the engine, such as the key
    clock : the program's clock
    command : the engine's command line; tests replace it
    """

    def __init__(
        self,
        spec: EngineSpec,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM,
        command: Sequence[str] = COMMAND,
    ) -> None:
        super().__init__()
        self._spec = self._before_plan = spec
        self._environment: Final = dict(environment or {})
        self._clock: Final = clock
        self._command: Final = list(command)
        self._log: Final = get_logger("link")
        self._shown: EngineProcess | None = None
        """The engine whose stores are shown; it may be dead."""
        self._next: EngineProcess | None = None
        """The engine that is starting or catching up."""
        self._requested: Final = RequestedSymbols()
        self._use: Final = SymbolUse()
        self._is_planned = False
        """The next engine is to take over from one that still runs, because another market was asked for."""
        self._is_hurrying = False
        """Whether it has been asked to run faster than that one."""
        self._ending: Final[list[EngineProcess]] = []
        """Engines that have been asked to stop after another one took over."""
        self._deaths: Final[deque[int]] = deque()
        """Monotonic times of the deaths within `RESTART_WINDOW_NS`."""
        self._start_at_ns: int | None = None
        self._is_closed = False

    @classmethod
    def start(
        cls,
        spec: EngineSpec,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM,
        command: Sequence[str] = COMMAND,
    ) -> Self:
        """Start an engine and return without waiting for it."""
        link = cls(spec, environment=environment, clock=clock, command=command)
        link._launch()
        return link

    @property
    def pid(self) -> int | None:
        """Process id of the running engine; None if there is none."""
        engine = self._running
        return engine.process.pid if engine is not None and engine.process.returncode is None else None

    @property
    def remote_settings(self) -> dict[str, Any]:
        """The settings of the engine behind remote charts; empty for an engine of this machine."""
        return {} if self._shown is None else self._shown.remote_settings

    def poll(self) -> LinkState:
        """Update the fields without blocking."""
        if self._is_closed or self.state in (LinkState.ENDED, LinkState.FAILED):
            return self.state
        if self._start_at_ns is not None and self._clock.monotonic_ns() >= self._start_at_ns:
            self._launch()
        self._release_ended()
        if self._is_planned and self._shown is not None:
            self._follow_shown(self._shown)
        engine = self._running
        if engine is None:
            return self.state
        exit_status = engine.process.poll()  # checked before the last answers are read, so that none is missed
        engine.read_answers()
        is_replaced = engine.attach_markets(self._use.is_needed)
        self.offered, self.addable_stype = engine.offered or self.offered, engine.addable_stype or self.addable_stype
        self.timeline = self.timeline if self._is_planned else engine.timeline
        if engine is self._next:
            self._maybe_take_over(engine)
        elif is_replaced:
            self.generation += 1
        if self._requested.symbols:
            self._requested.update(engine, self.markets)
            if self._requested.symbols and self._next is None and exit_status is None:
                self._plan(self._requested.symbols[0])
        if exit_status is not None:
            self._on_death(engine, exit_status)
        return self.state

    def failure_within(self, seconds: float) -> str:
        """Wait until the engine is ready or has failed, for at most `seconds`; return its failure's message, or "".

        For a program that is about to end for another reason: an error in the input is reported first.
        """
        deadline = self._clock.monotonic_ns() + int(seconds * 1e9)
        while self._clock.monotonic_ns() < deadline and self.poll() not in (LinkState.FAILED, LinkState.RESTARTING):
            if self.engine is not None:
                self.engine.refresh()
                if self.engine.status["state"] not in (FeedState.STARTING, FeedState.FAILED):
                    return ""
            self._clock.sleep(0.01)
        return self.message if self.state is LinkState.FAILED else ""

    def send(self, command: Command) -> None:
        """Send a command to the engine. Dropped if no engine runs."""
        if self._is_planned and self._shown is not None:
            self._shown.write(encode(command))
        engine = self._running
        if engine is not None and engine.process.returncode is None:
            engine.write(encode(command))

    def add(self, symbol: str) -> str:
        """Request a market for a symbol. Returns "", or one line on why that is not possible.

        A replay and a demo are repeatable, so another engine with the additional symbol is started, and takes over
        once it has caught up; the running engine continues until then. A live feed and a bus add the symbol
        themselves. If all places are taken, it gets that of a symbol that no window needs.
        """
        feed = self._spec.feed
        there = [*map(requested_of, self.markets), *self._requested.symbols]
        if symbol in there:
            return ""
        if isinstance(feed, RemoteSpec):
            return f"{symbol} is not on the server; its charts: {', '.join(there) or 'none'}"
        if self._shown is None or self._shown.reader is None or self._start_at_ns is not None:
            return f"{symbol}: the engine is starting; try again in a moment"
        if len(there) >= CHARTS and (problem := self._why_full(symbol)):
            return problem
        self._requested.symbols.append(symbol)
        self._send_releasable()
        if isinstance(feed, LiveSpec | BusSpec):
            self.send(AddSymbol(symbol))
        return ""

    def need(self, symbols: Collection[str], *, window: int = 0) -> None:
        self._use.set(window, symbols)
        if self._requested.symbols:
            self._send_releasable()

    @property
    def _keeps_all(self) -> bool:
        """Whether other programs may show any of the charts, so that none may be released."""
        return self._spec.publish is not None

    def _why_full(self, symbol: str) -> str:
        can_release = not isinstance(self._spec.feed, BusSpec)
        return self._use.why_full(symbol, can_release=can_release, is_shared=self._keeps_all)

    def _send_releasable(self) -> None:
        """Tell a live engine which charts an added symbol may replace; another engine is planned without them."""
        if isinstance(self._spec.feed, LiveSpec) and not self._keeps_all:
            self.send(SetReleasable(self._use.releasable([*map(requested_of, self.markets)])))

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the refused symbols with the reason in one line."""
        return self._requested.take_refusals()

    def _plan(self, symbol: str) -> None:
        """Start another engine with the additional symbol, unless the feed adds symbols itself."""
        feed, shown = self._spec.feed, self._shown
        if not isinstance(feed, DemoSpec | FilesSpec) or shown is None or shown.reader is None:
            return
        symbols = self._use.with_symbol([*map(requested_of, self.markets)], symbol)
        if symbol not in symbols:
            if self._use.is_needed(symbol):
                self._requested.refuse([symbol], f"{symbol}: {FULL}")
            self._requested.forget([symbol])
            return
        self._before_plan = self._spec
        more = {"is_held": bool(shown.reader.status["is_held"])} if isinstance(feed, FilesSpec) else {}
        self._spec = structs.replace(self._spec, feed=structs.replace(feed, symbols=symbols, **more))
        self._is_planned = True
        self._launch()

    def close(self) -> None:
        """End the engine and release its stores. Idempotent; waits until the engine has written what is left.

        If the engine reports a failure at its end, such as data it could not write, `message` and `exit_code` are set.
        """
        if self._is_closed:
            return
        self._is_closed = True
        for engine in (self._next, self._shown):
            if engine is not None:
                engine.end()
                with suppress(OSError):
                    engine.read_answers()
                if engine.failure is not None and self.state is not LinkState.FAILED:
                    self.message, self.exit_code = engine.failure.error, engine.failure.exit_code
                engine.release()
        self._next = self._shown = None
        for engine in self._ending:
            engine.end()
            engine.release()
        self._ending.clear()
        remove_stale()
        if self.state is not LinkState.FAILED:
            self.state = LinkState.ENDED

    @property
    def _running(self) -> EngineProcess | None:
        return self._next or (None if self._start_at_ns is not None else self._shown)

    def _launch(self) -> None:
        self._start_at_ns = None
        spec = structs.replace(self._spec, resume_ns=self._resume_ns())
        if isinstance(spec.feed, LiveSpec | BusSpec) and spec.feed.symbols and self.markets:
            spec = structs.replace(spec, feed=self._requested.continued(spec.feed, self.markets))
        try:
            self._next = EngineProcess(
                self._command,
                encode_spec(spec),
                environment=self._environment,
                started_ns=self._clock.monotonic_ns(),
            )
        except OSError as error:
            self._fail(f"cannot start the engine: {error}", EXIT_FAULT)

    def _resume_ns(self) -> int:
        """Return the event time that the charts have reached."""
        if self._shown is None or self._shown.reader is None:
            return self._spec.resume_ns
        reader = self._shown.reader
        return max(self._spec.resume_ns, reader.event_now(int(reader.status["heartbeat"])))

    def _maybe_take_over(self, engine: EngineProcess) -> None:
        """Show the next engine: the first one as soon as it is up, a later one once it has caught up."""
        if engine.reader is None:
            return
        old = self._shown
        if old is not None:
            waited_ns = self._clock.monotonic_ns() - engine.started_ns
            if not engine.has_caught_up(old.markets):
                if self._is_planned:
                    self._hurry(engine, old, waited_ns)
                    return
                if waited_ns < TAKE_OVER_NS:
                    return
            self._log.info("taken over", extra={"pid": engine.process.pid, "waited_ms": waited_ns // 1_000_000})
        self._shown, self._next = engine, None
        self.engine, self.markets = engine.reader, engine.markets
        self.generation += 1
        self.state, self.message = LinkState.RUNNING, ""
        if self._is_planned and old is not None:
            if self._is_hurrying:
                engine.write(encode(SetSpeed(old.speed)))
            if (loop := old.loop).end_ns:
                engine.write(encode(loop))
            self._is_planned = self._is_hurrying = False
            self._requested.forget(self._requested.symbols[:1])
            old.write(encode(Stop()))
            self._ending.append(old)
        elif old is not None:
            self.restarts += 1
            old.release()

    def _hurry(self, engine: EngineProcess, old: EngineProcess, waited_ns: int) -> None:
        """Let the next engine run faster than the one that is shown until it has caught up. That one continues."""
        if waited_ns > TAKE_OVER_NS:
            engine.write(encode(Stop()))
            self._ending.append(engine)
            self._forget_plan(f"it did not catch up within {TAKE_OVER_NS // SECOND_NS} s")
        elif not self._is_hurrying and engine.is_running:
            speed = old.speed
            self._is_hurrying = True
            faster = None if speed is None or speed > _TOP_SPEED / _HURRY else max(_MIN_HURRY, _HURRY * speed)
            engine.write(encode(SetSpeed(faster)))

    def _follow_shown(self, shown: EngineProcess) -> None:
        """Read on from the engine that is shown while the next one catches up; without it the plan is a restart."""
        shown.read_answers()
        if shown.attach_markets(self._use.is_needed):
            self.generation += 1
        self.timeline = shown.timeline
        self._is_planned = shown.process.poll() is None

    def _give_up_plan(self, engine: EngineProcess, reason: str) -> None:
        """Continue without the requested market."""
        self._forget_plan(reason)
        engine.release()

    def _forget_plan(self, reason: str) -> None:
        self._log.warning("the market was not added", extra={"reason": reason})
        self._requested.refuse(self._requested.symbols[:1], reason)
        self._spec, self._is_planned, self._is_hurrying, self._next = self._before_plan, False, False, None

    def _release_ended(self) -> None:
        """Release the engines that have stopped."""
        for engine in [one for one in self._ending if one.has_ended]:
            engine.release()
            self._ending.remove(engine)

    def _on_death(self, engine: EngineProcess, exit_status: int) -> None:
        """Record the reason of a death, then schedule a restart or fail."""
        remove_stale()
        failure = engine.failure
        if self._is_planned and engine is self._next:
            self._give_up_plan(engine, failure.error if failure else _describe(exit_status, engine.last_words()))
            return
        if not isinstance(self._spec.feed, DemoSpec | FilesSpec):
            self._requested.refuse(self._requested.symbols, "the engine was restarted: add the symbol again")
        if failure is not None and failure.exit_code != EXIT_FAULT:
            self._fail(failure.error, failure.exit_code)
            return
        reason = failure.error if failure else _describe(exit_status, engine.last_words())
        self._log.error("engine died", extra={"pid": engine.process.pid, "reason": reason})
        now = self._clock.monotonic_ns()
        self._deaths.append(now)
        while now - self._deaths[0] > RESTART_WINDOW_NS:
            self._deaths.popleft()
        if len(self._deaths) > MAX_RESTARTS:
            message = f"the engine crashed {len(self._deaths)} times within a minute; last error: {reason}"
            self._fail(message, EXIT_RESOURCE if "SIGBUS" in reason else EXIT_FAULT)
            return
        self._start_at_ns = now + (FIRST_DELAY_NS << (len(self._deaths) - 1))
        if engine is self._next:
            self._next = None
            engine.release()
        self.state = LinkState.RESTARTING
        self.message = reason

    def _fail(self, message: str, exit_code: int) -> None:
        self.state, self.message, self.exit_code = LinkState.FAILED, message, exit_code


_KILLERS: Final = {
    "SIGBUS": ": shared memory is full (in a container: --shm-size=1g)",
}
"""Causes of an engine's death, by signal name."""


def _describe(exit_status: int, last_words: str) -> str:
    """Describe in one line how the engine ended."""
    end = f"the engine {describe_end(exit_status)}"
    if exit_status < 0:
        return end + next((meaning for name, meaning in _KILLERS.items() if f"({name})" in end), "")
    return end + (f": {last_words}" if last_words else "")
