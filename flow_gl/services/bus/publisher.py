"""The publisher: keeps the connection to the bus, and publishes the engine's charts whose leases it holds.

It runs in a separate process, so nothing that it does (encoding, the client's event loop, waiting for a bus that does
not answer) competes for the engine's interpreter. It reads the stores as a view does. Rows that are not published yet
stay in the rings for days, so no queue can grow or overflow while the bus is away.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError
from nats.js.kv import KeyValue

from flow_gl.core.bus_address import hosts_of
from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import FeedError
from flow_gl.core.log import get_logger
from flow_gl.core.schema import FeedState
from flow_gl.core.system.tasks import cancel, end_if_cancelled
from flow_gl.core.units import SECOND_NS
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Topic
from flow_gl.protocol.errors import ProtocolError
from flow_gl.services.bus.chart import ChartPublisher, Source
from flow_gl.services.bus.connect import BusLoginError, connect, reason
from flow_gl.services.bus.lease import EVERY_S, LeaseKeeper
from flow_gl.services.bus.lines import ChartsLine, PublisherSpec, StateLine
from flow_gl.services.bus.rows import ChartRows
from flow_gl.services.bus.writer import REPLICAS, FencedError, UnsureError
from flow_gl.store.market import EngineReader, EngineStore, MarketStore
from flow_gl.store.shm import SharedMemoryError
from flow_gl.streams.chart import Chart

TICK_S: Final = 0.04
"""Interval at which a chart is checked for news: rows are published up to 25 times a second."""
ANSWER_S: Final = 2.0
"""Longest time for an answer of the bus."""
AGAIN_S: Final = (0.1, 2.0)
"""Shortest and longest delay between two attempts to connect, or to find out what the bus holds."""
REPORT_S: Final = 0.25
ENGINE_SILENT_NS: Final = 3 * SECOND_NS
"""An engine without a heartbeat for this long cannot lead."""
END_S: Final = 2.0
"""How long publishing the last rows may take."""
_NOT_READY: Final = frozenset({FeedState.STARTING, FeedState.CONNECTING})
_NOT_CLUSTERED: Final = 10074
_ERRORS: Final = (NatsError, TimeoutError, OSError)
"""Exceptions that the client raises if the bus does not answer or answers with an error."""


class _LeasedChart:
    """One chart of the engine: its store, its lease, and its publisher while it leads."""

    def __init__(self, source: Source, store: MarketStore, holder: str) -> None:
        self.source: Final = source
        self.store: Final = store
        self._holder: Final = holder
        self.lease: LeaseKeeper | None = None
        """None until the chart has a name."""
        self.publisher: ChartPublisher | None = None
        self.problem = ""
        self.is_released = False
        """The chart has another store."""
        self.is_ending = False

    def _now_s(self) -> float:
        return self.source.clock.monotonic_ns() / SECOND_NS

    def _may_lead(self) -> bool:
        engine = self.source.engine
        silent_ns = self.source.clock.wall_ns() - int(engine.status["heartbeat"])
        return silent_ns < ENGINE_SILENT_NS and self.source.state not in _NOT_READY

    async def keep_lease(self, leases: KeyValue) -> None:
        """Hold the chart's lease or compete for it, for as long as the connection lasts."""
        while not self.is_released:
            self.source.engine.refresh()
            if self.lease is None and self._may_lead():
                self.source.chart.refresh()
                if self.source.chart.symbol:
                    self.lease = LeaseKeeper(self.source.topic, self._holder, self._now_s)
            if self.lease is not None:
                try:
                    await self.lease.step(leases, may_lead=self._may_lead())
                except _ERRORS as error:
                    get_logger("bus").warning("no lease", extra={"reason": reason(error)})
            end_if_cancelled()
            await asyncio.sleep(EVERY_S)

    async def publish(self, js: JetStreamContext, on_rows: Callable[[int], None]) -> None:
        """Publish whenever this publisher leads, for as long as the connection lasts."""
        pause_s = AGAIN_S[0]
        while not self.is_released and not self.is_ending:
            end_if_cancelled()
            if self.lease is None or not self.lease.is_leader:
                self.publisher, self.problem = None, ""
                await asyncio.sleep(TICK_S)
                continue
            try:
                await self._work(js, self.lease.topic, on_rows)
                pause_s = AGAIN_S[0]
            except FencedError:
                get_logger("bus").warning("another engine has published", extra={"chart": self.lease.topic.key})
                self._doubt("another engine publishes this chart")
                await asyncio.sleep(pause_s)
            except (*_ERRORS, UnsureError, ProtocolError) as error:
                self._doubt(reason(error))
                get_logger("bus").warning("not published", extra={"reason": self.problem})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_S[1])

    def _doubt(self, problem: str) -> None:
        self.problem = problem
        if self.publisher is not None:
            self.publisher.is_synced = False

    async def _work(self, js: JetStreamContext, topic: Topic, on_rows: Callable[[int], None]) -> None:
        if self.publisher is None or self.publisher.js is not js:
            self.publisher = ChartPublisher(self.source, topic, js, on_rows)
        if not self.publisher.is_synced and not await self.publisher.sync():
            self.problem = "waiting until the engine has reached the rows that were published"
            await asyncio.sleep(AGAIN_S[0])
            return
        self.problem = ""
        if not await self.publisher.tick():
            await asyncio.sleep(TICK_S)

    async def end(self, leases: KeyValue, how: str) -> None:
        """Publish what is left and release the lease."""
        if self.lease is None or not self.lease.is_leader:
            return
        with suppress(*_ERRORS, FencedError, UnsureError):
            if self.publisher is not None and (self.publisher.is_synced or await self.publisher.sync()):
                await self.publisher.end(how)
        with suppress(*_ERRORS):
            await self.lease.release(leases)

    @property
    def waiting(self) -> int:
        """Rows that this publisher has yet to publish: all of them, before it knows of another publisher."""
        if self.publisher is not None:
            return self.publisher.rows.waiting
        return ChartRows(self.source.chart).total if self.lease is None else 0

    def close(self) -> None:
        self.store.close()


class Publisher:
    """Publishes an engine's charts until it receives the command to stop.

    Parameters
    ----------
    spec : the bus, and how the charts are described
    login : USER:PASSWORD or a token; "" for none
    report : called with the state when it has changed
    """

    def __init__(
        self, spec: PublisherSpec, login: str, report: Callable[[StateLine], None], *, clock: Clock = SYSTEM
    ) -> None:
        self._spec: Final = spec
        self._login: Final = login
        self._report: Final = report
        self._clock: Final = clock
        self._holder: Final = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._engine: EngineStore | None = None
        self._charts: Final[list[_LeasedChart]] = []
        self._published = 0
        self._problem = "not connected yet"
        self._is_connected = False
        self._stop: Final = asyncio.Event()
        self._changed: Final = asyncio.Event()
        self._how = "ended"

    def stop(self, how: str = "ended") -> None:
        """End soon: "ended" if the engine has ended by itself, "restarting" if it has died."""
        if not self._stop.is_set():  # the engine announces its end before its pipe closes
            self._how = how
        self._stop.set()
        self._changed.set()

    def follow(self, line: ChartsLine) -> None:
        """Publish these charts from now on."""
        try:
            if self._engine is None or self._engine.name != line.engine:
                self._engine = EngineStore.attach(line.engine)
            reader = EngineReader(self._engine)
            reader.refresh()
            known = [chart.store.name for chart in self._charts]
            for index, name in enumerate(line.charts):
                if index < len(known) and known[index] == name:
                    self._charts[index].source.settings.update(line.settings)
                    continue
                store = MarketStore.attach(name)
                source = Source(
                    chart=Chart(index, store, 0),
                    engine=reader,
                    feed=self._spec.feed,
                    settings=dict(line.settings),
                    threshold=self._spec.threshold,
                    clock=self._clock,
                )
                chart = _LeasedChart(source, store, self._holder)
                if index < len(known):
                    self._charts[index].is_released = True
                    self._charts[index] = chart
                else:
                    self._charts.append(chart)
                self._changed.set()
        except SharedMemoryError as error:
            get_logger("bus").warning("no store", extra={"error": error})  # the next line names another one

    async def run(self) -> None:
        """Publish until stopped."""
        reporting = asyncio.create_task(self._keep_reporting())
        pause_s = AGAIN_S[0]
        more: tuple[str, ...] = ()
        try:
            while not self._stop.is_set():
                lost = asyncio.Event()
                try:
                    client = await self._connect(lost, more)
                except FeedError as error:
                    self._problem = str(error)
                    get_logger("bus").warning("not connected", extra={"reason": error})
                    await self._pause(10 * AGAIN_S[1] if isinstance(error, BusLoginError) else pause_s)
                    pause_s = min(2 * pause_s, AGAIN_S[1])
                    continue
                pause_s = AGAIN_S[0]
                more = tuple(server.geturl() for server in client.discovered_servers)
                try:
                    await self._serve(client, lost)
                finally:
                    self._is_connected = False
                    with suppress(Exception):  # a broken connection may raise anything
                        await client.close()
        finally:
            reporting.cancel()
            self._report_state()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _connect(self, lost: asyncio.Event, more: tuple[str, ...]) -> Client:
        async def closed() -> None:
            lost.set()
            self._changed.set()

        return await connect(self._spec.bus, self._login, name="flow_gl engine", closed=closed, more=more)

    async def _serve(self, client: Client, lost: asyncio.Event) -> None:
        """Publish until the connection is lost or the publisher is stopped."""
        js = client.jetstream(timeout=ANSWER_S)
        leases = await self._open_leases(js, lost)
        if leases is None:
            return
        self._is_connected, self._problem = True, ""
        tasks: dict[_LeasedChart, list[asyncio.Task[None]]] = {}
        try:
            while not self._stop.is_set() and not lost.is_set():
                self._changed.clear()
                for chart in self._charts:
                    if chart not in tasks:
                        tasks[chart] = [
                            asyncio.create_task(chart.keep_lease(leases)),
                            asyncio.create_task(chart.publish(js, self._count)),
                        ]
                for chart in [one for one in tasks if one.is_released]:
                    await cancel(*tasks.pop(chart))
                    chart.close()
                for task in [one for ours in tasks.values() for one in ours if one.done()]:
                    task.result()  # a fault of the program ends the publisher
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 1.0)
            if not lost.is_set():
                # Not cancelled, so that messages being published are still acknowledged.
                for chart in tasks:
                    chart.is_ending = True
                if tasks:
                    await asyncio.wait([publishing for _, publishing in tasks.values()], timeout=END_S)
        finally:
            await cancel(*(task for ours in tasks.values() for task in ours))
        if lost.is_set():
            self._problem = f"{hosts_of(self._spec.bus.servers)}: the connection was lost"
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await asyncio.gather(*(chart.end(leases, self._how) for chart in self._charts))

    async def _open_leases(self, js: JetStreamContext, lost: asyncio.Event) -> KeyValue | None:
        """Return the bucket of the leases once JetStream is ready; None if the connection was lost before."""
        while not self._stop.is_set() and not lost.is_set():
            try:
                return await _bucket(js)
            except _ERRORS as error:
                self._problem = f"{hosts_of(self._spec.bus.servers)}: {_why(error)}"
                await self._pause(AGAIN_S[1] / 4)
        return None

    def _count(self, rows: int) -> None:
        self._published += rows

    async def _keep_reporting(self) -> None:
        while True:
            self._report_state()
            await asyncio.sleep(REPORT_S)

    def _report_state(self) -> None:
        leading = [chart for chart in self._charts if chart.lease is not None and chart.lease.is_leader]
        problem = self._problem or next((chart.problem for chart in leading if chart.problem), "")
        waiting = sum(chart.waiting for chart in self._charts)
        rows = f"; {waiting:,} rows waiting" if waiting and problem else ""
        self._report(
            StateLine(
                is_connected=self._is_connected,
                leads=len(leading) if self._is_connected else 0,
                published=self._published,
                waiting=waiting,
                message=f"bus: {problem}{rows}" if problem else "",
            )
        )

    def close(self) -> None:
        """Release the stores."""
        for chart in self._charts:
            chart.close()
        if self._engine is not None:
            self._engine.close()


async def _bucket(js: JetStreamContext) -> KeyValue:
    """Open the bucket of the leases; create it if there is none."""
    with suppress(NotFoundError):
        return await js.key_value(bus.LEASES)
    try:
        return await js.create_key_value(bucket=bus.LEASES, history=1, replicas=REPLICAS)
    except APIError as error:
        if error.err_code != _NOT_CLUSTERED:
            raise
        return await js.create_key_value(bucket=bus.LEASES, history=1, replicas=1)


def _why(error: BaseException) -> str:
    if isinstance(error, ServiceUnavailableError) and error.err_code in (None, 10039, 10076):
        return "JetStream is not enabled, or not ready: start nats-server with --jetstream"
    return reason(error)
