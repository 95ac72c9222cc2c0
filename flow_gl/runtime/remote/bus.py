"""Keeps a bus open: connects to one of its servers, reads all charts, and reconnects with back-off.

Charts are those whose leases the bus lists. Each has its own task (`bus_chart`), so a chart whose stream elects
another leader does not hold up the others. A connection that is lost is replaced at once, and each chart is read on
from where it was; only an outage longer than `UNSEEN_S` is reported to the listener.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from flow_gl.core.bus_address import hosts_of
from flow_gl.core.clock import Clock
from flow_gl.core.errors import FeedError
from flow_gl.core.log import get_logger
from flow_gl.core.outside import plain
from flow_gl.core.schema import CHARTS
from flow_gl.core.spec import BusSpec
from flow_gl.core.system.tasks import end_if_cancelled
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chart, Lease, Topic
from flow_gl.protocol.bus_receiver import Update
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.messages import VERSION, Connected, Status
from flow_gl.protocol.messages import Command as ServerCommand
from flow_gl.runtime.remote.backoff import Backoff
from flow_gl.runtime.remote.bus_chart import BusChart, StaleError
from flow_gl.runtime.remote.bus_status import ChartStatus, merged
from flow_gl.runtime.remote.listener import Listener
from flow_gl.services.bus.connect import BusLoginError, connect, reason

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

REQUEST_S: Final = 2.0
"""Longest time for the answer to a request of JetStream."""
RETRY_S: Final = 0.25
"""Delay before a chart is retried, and between two attempts that are not reported."""
UNSEEN_S: Final = 4.0
"""An outage of up to this long, such as the election of a leader, is not reported."""
SILENT_S: Final = 5.0
"""A chart whose publisher has not been heard for this long has none."""
WATCH_S: Final = 0.25
SAY_S: Final = 1.5
"""Longest time between two statuses."""
LOOK_S: Final = 5.0
"""How often the bus is searched for new charts."""


class _FinalError(Exception):
    """Trying again does not help: the bus has another version, or refuses the login."""


class BusConnection:
    """The charts of a bus.

    Parameters
    ----------
    spec : its servers
    login : USER:PASSWORD or a token; "" for none
    listener : receives everything that arrives
    clock : the program's clock
    """

    def __init__(self, spec: BusSpec, login: str, listener: Listener, clock: Clock) -> None:
        self._spec: Final = spec
        self._login: Final = login
        self._listener: Final = listener
        self._clock: Final = clock
        self._hosts: Final = hosts_of(spec.bus.servers)
        self._may_try: Final = asyncio.Event()
        self._charts: Final[list[BusChart]] = []
        """In the order of the listener's charts."""
        self._holders: dict[Topic, str] = {}
        """Who publishes each chart of the bus, shown or not."""
        self._told = 0
        self._silent: frozenset[int] = frozenset()
        self._heard_s: float | None = None
        """When anything was last heard, loop time."""
        self._began_s = 0.0
        self._said_s = 0.0
        self._wanted: Final = list(spec.symbols)
        """The charts to show, in order; all if empty."""
        self._is_wanted_new: Final = asyncio.Event()
        self._more: tuple[str, ...] = ()
        """Servers of the cluster that the address does not name."""

    def retry(self) -> None:
        """End the wait before the next attempt."""
        self._may_try.set()

    def add(self, symbol: str) -> str:
        """Show another chart of the bus too. Returns "", or one line on why that is not possible."""
        known = self._known()
        if symbol not in known:
            return f"{symbol} is not on the bus; its charts: {', '.join(known) or 'none'}"
        if self._wanted and symbol not in self._wanted:
            self._wanted.append(symbol)
            self._is_wanted_new.set()
        return ""

    def _known(self) -> list[str]:
        """Return the symbols of the bus, shown or not."""
        return sorted({topic.symbol for topic in self._holders})

    async def send(self, _command: ServerCommand) -> str:
        """Return why a command cannot be sent: a bus leads to engines, but not back."""
        return "a bus accepts no commands"

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        loop, backoff = asyncio.get_running_loop(), Backoff()
        while True:
            began_s = loop.time()
            self._may_try.clear()
            try:
                await self._attend()
            except _FinalError as error:
                get_logger("remote").error("the bus cannot be used", extra={"reason": error})
                self._listener.stopped(str(error))
                await self._may_try.wait()
                continue
            except FeedError as error:
                why = str(error)
            if self._heard_s is not None and loop.time() - self._heard_s < UNSEEN_S:
                await asyncio.sleep(RETRY_S)
                continue
            delay_s = backoff.next(loop.time() - began_s)
            get_logger("remote").warning("no bus", extra={"reason": why, "attempt": backoff.attempt})
            self._listener.lost(why, backoff.attempt, delay_s)
            try:
                async with asyncio.timeout(delay_s):
                    await self._may_try.wait()
            except TimeoutError:
                continue

    async def _attend(self) -> None:
        """Use one connection until it ends. Always raises: FeedError, or _FinalError."""
        import nats.errors

        is_lost = asyncio.Event()

        async def closed() -> None:
            is_lost.set()

        try:
            client = await connect(self._spec.bus, self._login, name="flow_gl", closed=closed, more=self._more)
        except BusLoginError as error:
            raise _FinalError(str(error)) from None
        try:
            self._more = tuple(server.geturl() for server in client.discovered_servers)
            js = client.jetstream(timeout=REQUEST_S)
            await self._open(js, await self._find(js))
            self._began_s = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as tasks:
                for chart in self._charts:
                    tasks.create_task(self._follow(chart, js))
                tasks.create_task(self._look(js, tasks))
                tasks.create_task(self._watch(is_lost))
        except ExceptionGroup as group:  # of the tasks
            raise _first(group) from None
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise FeedError(f"{self._hosts}: {_why(error)}") from None
        finally:
            await self._close(client)

    async def _close(self, client: "Client") -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                await client.close()
        except Exception:  # the connection is abandoned, so its last errors do not matter
            get_logger("remote").debug("closing a connection", exc_info=True)

    async def _find(self, js: "JetStreamContext") -> list[Topic]:
        """Return the charts to show. Raises FeedError if there are none."""
        import nats.js.errors

        bucket = f"KV_{bus.LEASES}"
        try:
            info = await js.stream_info(bucket, subjects_filter=">")
        except nats.js.errors.NotFoundError:
            raise FeedError(f"{self._hosts}: no engine has published on this bus (flow-gl live --bus)") from None
        keys = sorted(subject.partition(f"{bus.LEASES}.")[2] for subject in info.state.subjects or {})
        found = []
        for key in keys:
            lease = await js.get_last_msg(bucket, f"$KV.{bus.LEASES}.{key}")
            try:
                topic = bus.topic_of(key)
                self._holders[topic] = bus.decode(lease.data or b"", Lease).holder
            except ProtocolError as error:
                get_logger("remote").debug("not a chart's lease", extra={"key": key, "reason": error})
            else:
                found.append(topic)
        if len(self._holders) != self._told:
            self._told = len(self._holders)
            self._listener.offered(tuple(self._known()))
        if wanted := self._wanted:
            known = ", ".join(topic.symbol for topic in found)
            found = [topic for symbol in wanted for topic in found if topic.symbol == symbol]
            if not found:
                raise FeedError(f"{self._hosts}: the bus has no chart {', '.join(wanted)}; it has: {known or 'none'}")
        if not found:
            raise FeedError(f"{self._hosts}: no engine has published on this bus (flow-gl live --bus)")
        return found

    async def _open(self, js: "JetStreamContext", topics: Sequence[Topic]) -> list[BusChart]:
        """Open the known charts and new ones; return the new ones. Raises if no chart can be opened."""
        known = {chart.topic for chart in self._charts}
        new = [BusChart(topic, self._take, self._clock) for topic in topics if topic not in known]
        every = [*self._charts, *new]
        failed: list[BaseException] = []
        for chart, result in zip(
            every, await asyncio.gather(*(chart.open(js) for chart in every), return_exceptions=True), strict=True
        ):
            if isinstance(result, ProtocolError):
                raise _FinalError(f"{self._hosts}: {result}") from None
            if isinstance(result, BaseException):
                failed.append(result)
                if chart in new:
                    new.remove(chart)  # found again later
        if failed and len(failed) == len(every):
            raise failed[0]
        if not self._wanted:
            new.sort(key=lambda chart: (str(chart.created), chart.topic))  # as their engine has them
        new = new[: CHARTS - len(self._charts)]
        for chart in new:
            chart.receiver.index = len(self._charts)
            self._charts.append(chart)
        self._announce()
        return new

    def _announce(self) -> None:
        """Describe the charts to the listener."""
        charts = [chart.chart for chart in self._charts if chart.chart is not None]
        first = charts[0]
        self._listener.connected(
            Connected(
                version=VERSION,
                server=first.server,
                dataset=", ".join(dict.fromkeys(chart.dataset for chart in charts)),
                source=", ".join(dict.fromkeys(chart.source for chart in charts)),
                tick_ms=0,
                scopes=("read",),
                instruments=tuple(chart.instrument for chart in charts),
                settings=first.settings,
            )
        )

    async def _follow(self, chart: BusChart, js: "JetStreamContext") -> None:
        """Read a chart that has been opened, until cancelled. Raises _FinalError."""
        import nats.errors

        log = get_logger("remote")
        while True:
            end_if_cancelled()
            try:
                await chart.follow(js)
            except StaleError:
                log.info("no message for a while", extra={"chart": chart.topic.key})
            except ProtocolError as error:
                # Rows are missing, so nothing received so far can be trusted to be complete.
                log.warning("the chart is read again", extra={"chart": chart.topic.key, "reason": error})
                chart.forget()
            except (nats.errors.Error, TimeoutError, OSError) as error:
                log.info("a chart cannot be read now", extra={"chart": chart.topic.key, "reason": reason(error)})
            await self._reopen(chart, js)

    async def _reopen(self, chart: BusChart, js: "JetStreamContext") -> None:
        import nats.errors

        while True:
            end_if_cancelled()
            await asyncio.sleep(RETRY_S)
            before = chart.chart
            try:
                await chart.open(js)
            except ProtocolError as error:
                raise _FinalError(f"{self._hosts}: {error}") from None
            except (nats.errors.Error, TimeoutError, OSError):
                continue
            if chart.chart != before:
                self._announce()
            return

    async def _look(self, js: "JetStreamContext", tasks: asyncio.TaskGroup) -> None:
        """Look for charts that are new on the bus."""
        import nats.errors

        while True:
            end_if_cancelled()
            self._is_wanted_new.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._is_wanted_new.wait()
            try:
                topics = await self._find(js)
                if {chart.topic for chart in self._charts}.issuperset(topics) or len(self._charts) == CHARTS:
                    continue
                for chart in await self._open(js, topics):
                    tasks.create_task(self._follow(chart, js))
            except (FeedError, nats.errors.Error, TimeoutError, OSError) as error:
                get_logger("remote").debug("no search for charts", extra={"reason": error})

    async def _watch(self, is_lost: asyncio.Event) -> None:
        """Report which charts have no publisher. Raises FeedError once the connection is lost."""
        loop = asyncio.get_running_loop()
        while not is_lost.is_set():
            if loop.time() - self._said_s >= SAY_S:
                self._say()  # nothing has arrived; the status shows the reason
            self._check_silence(loop.time())
            try:
                async with asyncio.timeout(WATCH_S):
                    await is_lost.wait()
            except TimeoutError:
                continue
        raise FeedError(f"{self._hosts}: the connection was lost")

    def _check_silence(self, now_s: float) -> None:
        silent = frozenset(
            chart.receiver.index for chart, status in self._statuses(now_s, self._began_s) if status.is_silent
        )
        if silent == self._silent:
            return
        came_back, self._silent = self._silent - silent, silent
        get_logger("remote").info("charts without an engine", extra={"charts": sorted(silent)})
        if came_back:
            self._announce()
        self._listener.silent(silent)
        self._say()

    def _statuses(self, now_s: float, since_s: float) -> list[tuple[BusChart, ChartStatus]]:
        """Return the publishers' statuses. A publisher that was never heard has one once it is certain to be silent."""
        found = []
        for chart in self._charts:
            is_live = now_s - max(chart.heard_s or 0.0, since_s) < SILENT_S
            if chart.status is None or (chart.heard_s is None and is_live):
                continue
            status = ChartStatus(
                symbol=chart.topic.symbol,
                holder=self._holders.get(chart.topic, chart.topic.key),
                status=chart.status if is_live else chart.ending or chart.status,
                is_live=is_live,
            )
            found.append((chart, status))
        return found

    def _say(self) -> None:
        self._said_s = now_s = asyncio.get_running_loop().time()
        if found := self._statuses(now_s, self._began_s):
            self._listener.status(merged([status for _, status in found]))

    def _take(self, updates: list[Update]) -> None:
        """Pass on a chart's received rows."""
        self._heard_s = asyncio.get_running_loop().time()
        for update in updates:
            if isinstance(update, Chart):
                self._announce()
            elif isinstance(update, Status):
                self._say()
            else:
                self._listener.rows(update)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    found: Exception = group
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    return found


def _why(error: BaseException) -> str:
    """Return why requests of JetStream fail, one line."""
    import nats.errors
    import nats.js.errors

    if isinstance(error, nats.js.errors.ServiceUnavailableError | nats.errors.NoRespondersError):
        return "the server has no JetStream now: it is not enabled (nats-server -js), or has no majority"
    if isinstance(error, nats.js.errors.NotFoundError):
        return "a stream of the bus is missing: its engine has to publish again"
    return plain(reason(error), 200)
