"""One run of an engine: prepare (scan the files, import, compile), then open the feed and run its loop."""

import queue
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from flow_gl.core.clock import Clock
from flow_gl.core.commands import Command
from flow_gl.core.errors import DataError
from flow_gl.core.log import get_logger
from flow_gl.core.spec import Answer, EngineSpec, FilesSpec, LiveSpec
from flow_gl.core.system import garbage
from flow_gl.runtime import urgency
from flow_gl.runtime.meters import StatusBoard

if TYPE_CHECKING:
    from flow_gl.runtime.chart_setup import ChartSetup
    from flow_gl.runtime.engine_loop import Engine
    from flow_gl.runtime.feeds import Plan
    from flow_gl.runtime.persistence import Persistence
    from flow_gl.runtime.seek.transport import Transport

LOADING_NS: Final = 1_500_000_000
"""If loading the kernels takes longer, they are being compiled."""


class Session:
    """Turns a spec into a running engine.

    `prepare` may run on another thread than the rest; `run` raises its errors.
    """

    def __init__(
        self, spec: EngineSpec, clock: Clock, board: StatusBoard, answer: Callable[[Answer], None] = lambda _: None
    ) -> None:
        self._spec = spec
        self._clock = clock
        self._board = board
        self._answer: Final = answer
        self._owned = ExitStack()
        self._plan: Plan | None = None
        self._error: BaseException | None = None
        self._doing = "starting"
        self._persistence: Persistence | None = None
        self._kernel = ""
        self._loading_ns: int | None = None
        """When loading or compiling the kernels began; None if it has not, or is done."""

    def prepare(self) -> None:
        """Do the slow work that needs no shared memory."""
        try:
            self._prepare()
        except BaseException as error:
            self._error = error

    def _prepare(self) -> None:
        from flow_gl.runtime.feeds import make_plan

        # Errors of the user's first: a missing file should be reported before a compilation, not after it.
        if isinstance(self._spec.feed, FilesSpec):
            self._doing = "scanning the files"

        def report_progress(share: float) -> None:
            self._doing = f"scanning the files: {share:.0%}"

        self._plan = make_plan(self._spec, report_progress)
        self._doing = "loading the engine"
        if self._spec.aggregation.sessions or isinstance(self._spec.feed, LiveSpec):
            self._learn_sessions(self._plan.begins_ns or self._clock.wall_ns())
        from flow_gl.engine.warm import warm_up

        self._loading_ns = self._clock.monotonic_ns()

        def show(kernel: str, done: int, of: int) -> None:
            self._kernel = f"{done} of {of} ({kernel})"

        warm_up(show)
        self._loading_ns = None

    def _learn_sessions(self, ts: int) -> None:
        """Compute the exchange's calendar of these years, which takes seconds the first time and is then cached."""
        from flow_gl.core.sessions import SessionCalendar

        with suppress(DataError):  # times outside the calendar are reported where they occur
            SessionCalendar().session_at(ts)

    @property
    def is_compiling(self) -> bool:
        """Whether kernels are being compiled; loading them from the cache is fast and does not count."""
        since = self._loading_ns
        return since is not None and self._clock.monotonic_ns() - since > LOADING_NS

    @property
    def progress(self) -> str:
        """The current activity, one line."""
        return f"compiling the engine, only this once: {self._kernel}" if self.is_compiling else self._doing

    @property
    def offered(self) -> tuple[str, ...]:
        """Symbols that the feed can chart; known after `prepare`."""
        return self._plan.offered if self._plan is not None else ()

    @property
    def addable_stype(self) -> str:
        """Type (`stype_in`) of the other symbols that can be requested; "" if none can be."""
        return self._plan.addable_stype if self._plan is not None else ""

    def run(self, commands: "queue.SimpleQueue[Command]") -> None:
        """Run the engine's loop until stopped. Raises FlowError, including that of `prepare`."""
        engine = self.open(commands)
        garbage.settle()
        urgency.ask_for_short_slices()
        engine.run()

    def open(self, commands: "queue.SimpleQueue[Command]") -> "Engine":
        """Create the engine, restore the snapshots of its files, and start its feed. Raises as `run` does."""
        if self._error is not None:
            raise self._error
        assert self._plan is not None
        from flow_gl.runtime.chart_setup import ChartSetup
        from flow_gl.runtime.engine_loop import Engine, InitialState
        from flow_gl.runtime.persistence import Persistence
        from flow_gl.runtime.publishing import Publishing

        spec, plan = self._spec, self._plan
        self._board.row["damaged"] = len(plan.damage)
        for line in plan.damage:
            get_logger("engine").warning("damaged file", extra={"damage": line})
        setup = ChartSetup(spec, plan)
        pipeline, charts = setup.make()
        self._owned.callback(charts.close)
        publishing = Publishing(spec, self._clock, self._board.name) if spec.publish else None
        live = spec.feed if isinstance(spec.feed, LiveSpec) else None
        persistence = self._persistence = Persistence(live, self._clock, publishing) if live or publishing else None
        if persistence:
            self._owned.callback(persistence.close)
        known = None
        if plan.snapshots:
            self._owned.callback(plan.snapshots.close)
            self._board.markets(charts.names)
            known = plan.snapshots.restore(pipeline, charts.stores(), self._show_opening)
            charts.resume([pipeline.on_chart(store) for store in charts.stores()])
        engine = Engine(
            feed=plan.feed,
            pipeline=pipeline,
            charts=charts,
            board=self._board,
            clock=self._clock,
            commands=commands,
            persistence=persistence,
            initial=InitialState(plan.note, plan.snapshots, known, self._transport_of(setup)),
            answer=self._answer,
        )
        self._owned.callback(engine.close_charts)
        self._owned.callback(plan.feed.close)
        plan.feed.start()
        return engine

    def _transport_of(self, setup: "ChartSetup") -> "Transport | None":
        """Return the transport of a replay of files; None for another feed."""
        from flow_gl.feed.files.replay import FilesFeed

        plan = setup.plan
        if plan.files is None or not isinstance(plan.feed, FilesFeed):
            return None
        from flow_gl.runtime.seek.transport import Transport

        transport = Transport(plan.feed, setup, plan.files)
        self._owned.callback(transport.close)
        return transport

    def _show_opening(self, share: float) -> None:
        """Publish a heartbeat while snapshots are restored, which may take a second."""
        self._board.text("message", f"loading the files' cache: {share:.0%}")
        self._board.publish(self._clock.wall_ns())

    def close(self) -> str:
        """Close the feed and remove the charts' memory. Idempotent.

        Returns
        -------
        str : what recorder and archive could not write, one line; "" if everything was written
        """
        self._owned.close()
        return self._persistence.lost() if self._persistence else ""
