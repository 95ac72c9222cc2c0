"""Real workers on loopback over a market in shared memory, and clients with real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import aiohttp
import numpy as np

from flow_gl.core.schema import INSTRUMENT, STATUS, FeedState
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind, Part, join
from flow_gl.protocol.messages import PACKED_FORM, Connected, ServerMessage, Subscribe
from flow_gl.protocol.messages import encode as to_json
from flow_gl.protocol.receiver import Receiver
from flow_gl.server.spec import CommandLine, EngineLine, WorkerSpec
from flow_gl.server.workers import Workers
from flow_gl.store.market import EngineStore, MarketStore
from tests.kit import waiting
from tests.kit.markets import Market, make_market
from tests.kit.waiting import PATIENCE_S

_numbers = count()


class ServedMarket:
    """A market in shared memory and the workers that serve it."""

    def __init__(self, *, workers: int, published: int, seconds: int, **spec: Any) -> None:
        number = next(_numbers)
        self.engine = EngineStore.create(f"served{number}")
        self.store = MarketStore.create(f"served{number}_m0")
        self.status = np.zeros(1, STATUS)
        self.status["state"], self.status["charts"] = FeedState.REPLAY, 1
        self.engine.status.write(self.status)
        local = make_market(seconds, is_published=False)
        instrument = np.zeros(1, INSTRUMENT)
        local.store.instrument.read(instrument)
        self.store.instrument.write(instrument)
        self.market = Market(self.store, local.rows, local.points)
        self.market.advance(published)
        fields: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "threshold": 0.15, "feed": "replay"} | spec
        self.workers = Workers(WorkerSpec(workers=workers, **fields))
        self.commands: list[CommandLine] = []
        self.added: list[MarketStore] = []
        self.send_line()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.workers.port}"

    def send_line(self, state: str = "running", message: str = "", epoch: int = 1000) -> None:
        """Send the workers the state of the engine."""
        charts = ((self.store.name, epoch), *((store.name, epoch) for store in self.added))
        line = EngineLine(state, message, self.engine.name, charts, {"arm": 300})
        self.workers.send(line)

    def add(self, symbol: str) -> None:
        """Serve another chart, with the same rows under another symbol."""
        store = MarketStore.create(f"{self.store.name.rpartition('_')[2]}_{symbol.partition('.')[0]}")
        instrument = np.zeros(1, INSTRUMENT)
        self.store.instrument.read(instrument)
        instrument["requested"] = symbol.encode()
        store.instrument.write(instrument)
        Market(store, self.market.rows, self.market.points).advance(100)
        self.added.append(store)
        self.send_line()

    def poll(self) -> None:
        self.commands += self.workers.poll()

    def wait(self, until: Callable[[], bool]) -> None:
        """Look after the workers until something holds."""
        waiting.until(until, step=self.poll, pause_s=0.02)

    def stored(self, level: int = 0) -> np.ndarray:
        """All closed rows of a level."""
        head = self.store.bubbles[level].head
        return join(self.store.bubbles[level].read(0, head)[1], self.store.cvd[level].read(0, head)[1])

    def close(self) -> None:
        self.workers.close()
        for store in (self.store, *self.added):
            store.close()
        self.engine.close()


@contextmanager
def serve_market(
    *, workers: int = 1, published: int = 1500, seconds: int = 2000, **spec: Any
) -> Iterator[ServedMarket]:
    """Serve a market."""
    found = ServedMarket(workers=workers, published=published, seconds=seconds, **spec)
    try:
        found.wait(lambda: found.workers.is_ready)
        yield found
    finally:
        found.close()


class SocketClient:
    """A packed client over a real socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, receiver: Receiver) -> None:
        self.socket = socket
        self.receiver = receiver
        self.texts: list[ServerMessage] = []
        self.blocks: list[Rows] = []
        self.rows: dict[int, np.ndarray] = {}
        """Closed bubbles by level."""

    async def subscribe(self, request: Subscribe) -> None:
        """Ask for rows; those that it has from before are not sent again."""
        await self.socket.send_str(to_json(self.receiver.resume(request)).decode())

    async def read(self, until: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Read messages until something holds."""
        async with asyncio.timeout(timeout_s):
            while not until():
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.texts.append(self.receiver.text(message.data))
                elif message.type is aiohttp.WSMsgType.BINARY:
                    self._take(self.receiver.binary(message.data))
                else:
                    raise ConnectionError(f"closed with code {self.socket.close_code}")

    def _take(self, block: Rows) -> None:
        self.blocks.append(block)
        if block.kind is Kind.BUBBLE:
            held = self.rows.get(block.level, block.rows[:0])
            if block.part is Part.NEWEST:
                held = held[:0]
            pair = (block.rows, held) if block.part is Part.HISTORY else (held, block.rows)
            self.rows[block.level] = np.concatenate(pair)

    def last(self, kind: type) -> Any:
        """The newest message of a type; None if there is none."""
        return next((one for one in reversed(self.texts) if isinstance(one, kind)), None)


@asynccontextmanager
async def connect(
    served: ServedMarket, receiver: Receiver | None = None, **options: Any
) -> AsyncIterator[SocketClient]:
    """Connect to a served market; wait for its first message."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{served.url}/ws", protocols=(PACKED_FORM,), **options) as socket,
    ):
        found = SocketClient(socket, receiver or Receiver())
        await found.read(lambda: found.last(Connected) is not None and bool(found.last(Connected).instruments))
        yield found
