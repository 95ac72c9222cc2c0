"""One run of the process behind remote charts: the counterpart of `runtime.launch.Session`."""

import asyncio
import queue
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flow_gl.core.bus_address import hosts_of
from flow_gl.core.clock import Clock
from flow_gl.core.commands import AddSymbol, Command, OpenTimeline, Play, Retry, Seek, SetLoop, SetSpeed, Step, Stop
from flow_gl.core.errors import FlowError
from flow_gl.core.log import get_logger
from flow_gl.core.schema import CHARTS, STATUS, FeedState
from flow_gl.core.spec import Answer, AvailableSymbols, BusSpec, NotAdded, RemoteSettings, RemoteSpec
from flow_gl.core.system.tasks import cancel
from flow_gl.core.units import SECOND_NS
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.messages import Command as ServerCommand
from flow_gl.protocol.messages import Connected, Error, Status
from flow_gl.runtime.meters import StatusBoard
from flow_gl.runtime.remote.charts import RemoteChart
from flow_gl.store.market import MarketStore

if TYPE_CHECKING:
    from flow_gl.runtime.remote.bus import BusConnection
    from flow_gl.runtime.remote.connection import Connection

TICK_S: Final = 0.008
"""Minimum time between two rounds of publishing records and reading commands, while rows arrive ..."""
QUIET_S: Final = 0.02
"""... and the maximum time."""
_REFUSAL_NS: Final = 8 * SECOND_NS
"""How long a command's refusal is shown."""
_OWN: Final = frozenset({"pid", "state", "heartbeat", "anchor_wall", "attempt", "retry_at", "compiling", "charts"})
"""Fields of STATUS that this process sets itself."""
_STATES: Final = {state.name.lower(): state for state in FeedState}
_ENGINE_STATES: Final = {"failed": FeedState.FAILED, "ended": FeedState.ENDED, "restarting": FeedState.RECONNECTING}


class RemoteSession:
    """The charts of a server, with the interface of an engine's session.

    Parameters
    ----------
    spec : the address of the server or of the bus
    secret : access token of the server, or login of the bus; "" for none
    clock : the program's clock
    board : this process's status
    send : sends an answer to the parent process

    Attributes
    ----------
    charts : in the server's order
    """

    is_compiling = False
    progress = ""

    def __init__(
        self,
        spec: RemoteSpec | BusSpec,
        secret: str,
        clock: Clock,
        board: StatusBoard,
        send: Callable[[Answer], None] = lambda _: None,
    ) -> None:
        self._clock: Final = clock
        self._board: Final = board
        self._spec: Final = spec
        self._secret: Final = secret
        self._send: Final = send
        self._settings: dict[str, Any] = {}
        self._hosts: Final = hosts_of(spec.bus.servers) if isinstance(spec, BusSpec) else host_of(spec.url)
        self.charts: Final[list[RemoteChart]] = []
        self._stores = 0
        self._state = FeedState.CONNECTING
        self._message = f"connecting to {self._hosts}"
        self._refusal, self._refusal_until = "", 0
        self._clock_offset_ns: int | None = None
        self._is_away = False
        """This process has no connection: the server's own feed may be away without that."""
        self._silent: frozenset[int] = frozenset()
        """Charts that are connected, but that no engine publishes."""
        self._has_fewer = False
        """The server has fewer charts than are shown."""
        self._was_complete = False
        """All charts of the first description were shown."""
        self._has_arrived = asyncio.Event()

    def prepare(self) -> None:
        """Do nothing: there are no files to scan and no kernels to compile."""

    def run(self, commands: "queue.SimpleQueue[Command]") -> None:
        """Receive the server's charts until stopped. Raises FlowError."""
        asyncio.run(self._run(commands))

    def close(self) -> str:
        """Release the charts' memory. Returns "", because there is nothing to write."""
        for chart in self.charts:
            chart.close()
        self.charts.clear()
        return ""

    async def _run(self, commands: "queue.SimpleQueue[Command]") -> None:
        connection = self._connection()
        task = asyncio.create_task(connection.run())
        self._board.text("source", self._hosts)
        try:
            while not task.done():
                self._has_arrived.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._has_arrived.wait(), QUIET_S)
                if not await self._execute(commands, connection):
                    return
                self.publish()
                await asyncio.sleep(TICK_S)
            task.result()
        finally:
            await cancel(task)
            with suppress(asyncio.CancelledError, FlowError):
                task.result()

    def _connection(self) -> "Connection | BusConnection":
        if isinstance(self._spec, BusSpec):
            from flow_gl.runtime.remote.bus import BusConnection

            return BusConnection(self._spec, self._secret, self, self._clock)
        from flow_gl.runtime.remote.connection import Connection

        return Connection(self._spec, self._secret, self)

    async def _execute(self, commands: "queue.SimpleQueue[Command]", connection: "Connection | BusConnection") -> bool:
        """Apply the view's commands. Returns False after Stop."""
        while not commands.empty():
            command = commands.get_nowait()
            if isinstance(command, Stop):
                return False
            if isinstance(command, Retry):
                connection.retry()
            elif isinstance(command, SetSpeed):
                if why := await connection.send(ServerCommand("set_speed", command.speed)):
                    self._refuse(f"the speed was not changed: {why}")
            elif isinstance(command, Seek | Play | Step):
                if why := await connection.send(self._moved(command)):
                    self._refuse(f"the replay did not move: {why}")
            elif isinstance(command, AddSymbol):
                if why := self._add(command.symbol, connection):
                    self._send(NotAdded(symbol=command.symbol, reason=why))
            elif isinstance(command, SetLoop):
                self._refuse("loops work in a replay on this machine")
            elif not isinstance(command, OpenTimeline):
                get_logger("remote").info("not sent to the server", extra={"command": command})
                self._refuse("the server computes with its own settings and rules")
        return True

    def _add(self, symbol: str, connection: "Connection | BusConnection") -> str:
        """Show another chart too; return why that is not possible, one line, or ""."""
        if len(self.charts) >= CHARTS:
            return f"{symbol}: at most {CHARTS} symbols are possible"
        return connection.add(symbol)

    def _moved(self, command: Seek | Play | Step) -> ServerCommand:
        """Return the server's command for one that moves a replay."""
        match command:
            case Seek():
                return ServerCommand("seek", command.to_ns)
            case Play():
                return ServerCommand("play" if command.is_playing else "pause")
        symbol = self.charts[command.chart].symbol if command.chart < len(self.charts) else None
        return ServerCommand("step", command.by, to=command.to, symbol=symbol, level=command.lod)

    def _refuse(self, why: str) -> None:
        self._refusal, self._refusal_until = why, self._clock.monotonic_ns() + _REFUSAL_NS

    def connected(self, message: Connected) -> None:
        """Create charts for new instruments, and for those that restart with a new run of the engine."""
        self._is_away = False
        self._clock_offset_ns = None
        get_logger("remote").info("connected", extra={"server": message.server, "source": message.source})
        if message.settings != self._settings:
            self._settings = message.settings
            self._send(RemoteSettings(message.settings))
        self._board.text("dataset", message.dataset)
        self._board.text("source", f"{self._hosts} \u00b7 {message.source}")
        for at, instrument in enumerate(message.instruments[:CHARTS]):
            if at == len(self.charts):
                self.charts.append(RemoteChart(instrument, self._new_store))
            elif self.charts[at].epoch != instrument.epoch or self.charts[at].symbol != instrument.symbol:
                self.charts[at] = RemoteChart(instrument, self._new_store, before=self.charts[at])
            else:
                self.charts[at].describe(instrument)
        if message.instruments:  # none: the engine is starting
            for chart in self.charts[len(message.instruments) :]:
                chart.close()
                self._has_fewer = True
            del self.charts[len(message.instruments) :]

    def offered(self, symbols: tuple[str, ...]) -> None:
        """Tell the view which charts there are."""
        self._send(AvailableSymbols(symbols=symbols))

    def _new_store(self) -> MarketStore:
        self._stores += 1
        return MarketStore.create(f"r{self._stores}")

    def rows(self, block: Rows) -> None:
        """Apply rows of a chart."""
        if block.symbol < len(self.charts):
            chart = self.charts[block.symbol]
            if block.epoch == chart.epoch:
                chart.take(block)
                chart.mark_back()
                self._has_arrived.set()

    def status(self, message: Status) -> None:
        """Adopt the server's status, with times converted to this machine's clock."""
        wall = self._clock.wall_ns()
        offset = wall - message.sent_ns
        # The smallest offset had the least delay. One that is larger by a second means that a clock was set.
        known = self._clock_offset_ns
        if known is None or offset < known or offset - known > SECOND_NS:
            self._clock_offset_ns = offset
        row = self._board.row
        for name, value in message.numbers.items():
            if name in _SHARED:
                with suppress(TypeError, ValueError):
                    row[name] = _as_number(value)
        row["anchor_wall"] = int(message.numbers.get("anchor_wall") or 0) + (self._clock_offset_ns or 0)
        row["attempt"] = int(message.numbers.get("attempt") or 0)
        row["retry_at"] = int(message.numbers.get("retry_at") or 0) + (self._clock_offset_ns or 0)
        self._state = _ENGINE_STATES.get(message.engine, _STATES.get(message.state, FeedState.STARTING))
        self._message = message.message
        if message.engine in _ENGINE_STATES and not self._message:
            self._message = f"the server's engine: {message.engine}"

    def refused(self, message: Error) -> None:
        """Show why the server refused a command."""
        self._refuse(f"{message.text}; {message.advice}" if message.advice else message.text)

    def lost(self, reason: str, attempt: int, delay_s: float) -> None:
        """Show that the connection is lost, and mark a gap."""
        row, wall = self._board.row, self._clock.wall_ns()
        where = "" if reason.startswith(self._hosts) else f"{self._hosts}: "
        self._state, self._message = FeedState.RECONNECTING, where + reason
        row["attempt"], row["retry_at"] = attempt, wall + int(delay_s * SECOND_NS)
        self._is_away = True

    def silent(self, charts: frozenset[int]) -> None:
        """Mark gaps in charts that no engine publishes now, and only in those."""
        for index in self._silent - charts:
            if index < len(self.charts):
                self.charts[index].mark_back()
        self._silent = charts

    def stopped(self, reason: str) -> None:
        """Show that nothing will arrive until the user retries."""
        self._state, self._message = FeedState.FAILED, reason
        self._is_away = True

    def _mark_away(self) -> None:
        for index, chart in enumerate(self.charts):
            if chart.last_ts and (self._is_away or index in self._silent):
                chart.mark_away(chart.last_ts, self._event_now())

    def _event_now(self) -> int:
        row = self._board.row
        passed = self._clock.wall_ns() - int(row["anchor_wall"])
        return int(row["anchor_event"]) + int(passed * float(row["rate"]))

    def publish(self) -> None:
        """Publish the charts' records and the status."""
        if self._is_away or self._silent:
            self._mark_away()
        has_new = [chart.flush() for chart in self.charts]
        stores = [chart.shown for chart in self.charts if chart.shown is not None]
        if any(has_new) or self._has_fewer:
            self._has_fewer = False
            self._board.markets([store.name for store in stores])
        row, state, message = self._board.row, self._state, self._message
        is_complete = len(stores) == len(self.charts)
        self._was_complete = self._was_complete or (is_complete and bool(stores))
        is_away = state in (FeedState.RECONNECTING, FeedState.FAILED)
        if not is_complete and not self._was_complete and not is_away:  # a chart that is added later leaves the others
            state = FeedState.CATCHING_UP
            row["progress"] = min(chart.progress for chart in self.charts)
        if self._refusal and self._clock.monotonic_ns() < self._refusal_until:
            message = self._refusal
        row["state"] = state
        self._board.text("message", message)
        self._board.publish(self._clock.wall_ns())


def host_of(url: str) -> str:
    """Return host and port of an address, for the user."""
    return urlsplit(url).netloc


def _as_number(value: Any) -> Any:
    return float("nan") if value is None else value


_SHARED: Final = frozenset(
    name for name in STATUS.names or () if STATUS[name].kind in "if" and not STATUS[name].shape and name not in _OWN
)
"""Fields of STATUS that are taken from the server: single numbers."""
