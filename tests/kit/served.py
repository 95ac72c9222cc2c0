"""A server's hub over stores of this process, and clients without sockets that keep what they are sent."""

import asyncio
import json
import struct
from typing import Any

import numpy as np

from flow_gl.core.schema import STATUS, FeedState
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import DEFAULT_KINDS, FORMS, KIND_OF_NAME, Kind, Part
from flow_gl.protocol.messages import Connected, Error, Position, ServerMessage, Snapshot, Status
from flow_gl.protocol.receiver import Receiver
from flow_gl.server.charts import Charts
from flow_gl.server.client import Client, Subscription
from flow_gl.server.hub import TICK_S, Hub
from flow_gl.server.metrics.counts import CountsBoard, WorkerCounts
from flow_gl.store.market import EngineStore, MarketStore


def frames_of(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Split what a server has written into WebSocket frames (opcode, payload), and the rest."""
    found = []
    while len(data) >= 2:
        size, at = data[1], 2
        if size == 126:
            (size,), at = struct.unpack_from(">H", data, 2), 4
        elif size == 127:
            (size,), at = struct.unpack_from(">Q", data, 2), 10
        if len(data) < at + size:
            break
        found.append((data[0] & 0x0F, data[at : at + size]))
        data = data[at + size :]
    return found, data


class FakeTransport(asyncio.WriteTransport):
    """A socket that takes everything, or only `room` more bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.buffered = bytearray()
        self.room: int | None = None
        self.is_ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.buffered += data
        self.drain()

    def drain(self, more: int = 0) -> None:
        """Take what waits, as far as there is room."""
        if self.room is not None:
            self.room += more
        take = len(self.buffered) if self.room is None else min(self.room, len(self.buffered))
        self.written += self.buffered[:take]
        del self.buffered[:take]
        if self.room is not None:
            self.room -= take

    def get_write_buffer_size(self) -> int:
        return len(self.buffered)

    def is_closing(self) -> bool:
        return self.is_ended

    def close(self) -> None:
        self.is_ended = True

    def abort(self) -> None:
        self.is_ended = True


class TestClient:
    """A client: what it has been sent, put together as a client must."""

    __test__ = False

    def __init__(self, *, is_packed: bool = True, before: "TestClient | None" = None) -> None:
        self.transport = FakeTransport()
        self.client = Client(self.transport, is_packed=is_packed)
        self.receiver = before.receiver if before else Receiver()
        self.texts: list[ServerMessage] = []
        self.json: list[dict[str, Any]] = []
        self.blocks: list[Rows] = []
        self.close_code = 0
        self.rows: dict[tuple[Kind, int], np.ndarray] = dict(before.rows) if before else {}
        """Rows by kind and level, put together from the binary frames."""
        self._rest = b""

    def read(self) -> "TestClient":
        """Take what has been written since the last call. Raises ProtocolError for a hole."""
        data, self.transport.written = self._rest + bytes(self.transport.written), bytearray()
        found, self._rest = frames_of(data)
        for opcode, payload in found:
            if opcode == 1:
                self.json.append(json.loads(payload))
                self.texts.append(self.receiver.text(payload))
            elif opcode == 2:
                self._take(self.receiver.binary(payload))
            else:
                (self.close_code,) = struct.unpack_from(">H", payload)
        return self

    def _take(self, block: Rows) -> None:
        self.blocks.append(block)
        key = block.kind, block.level
        held = self.rows.get(key)
        if block.kind is Kind.PROFILE_ROWS and block.part is Part.INCREMENT:
            assert held is not None
            kept = held[~np.isin(held["row"], block.rows["row"])]
            joined = np.concatenate([kept, block.rows])
            self.rows[key] = joined[np.argsort(joined["row"])]
        elif block.kind in (Kind.GAP, Kind.ROLL, Kind.FINISHED_SESSION) and block.part is Part.INCREMENT:
            assert held is not None
            self.rows[key] = np.concatenate([held[: block.sequence], block.rows])
        elif block.part is Part.HISTORY:
            assert held is not None
            self.rows[key] = np.concatenate([block.rows, held])
        elif block.part is Part.NEWEST or block.kind in (Kind.OPEN, Kind.SESSION, Kind.LEVELS, Kind.PROFILE):
            self.rows[key] = block.rows
        else:
            before = np.zeros(0, block.rows.dtype) if held is None else held
            self.rows[key] = np.concatenate([before, block.rows])

    @property
    def received(self) -> int:
        """Messages received."""
        return len(self.blocks) + len(self.texts)

    @property
    def errors(self) -> list[Error]:
        return [one for one in self.texts if isinstance(one, Error)]

    @property
    def connected(self) -> list[Connected]:
        return [one for one in self.texts if isinstance(one, Connected)]

    @property
    def statuses(self) -> list[Status]:
        return [one for one in self.texts if isinstance(one, Status)]

    @property
    def snapshots(self) -> list[Snapshot]:
        return [one for one in self.texts if isinstance(one, Snapshot)]

    def position(self, kind: Kind = Kind.BUBBLE, level: int = 0) -> Position:
        """What it has of a kind."""
        from flow_gl.protocol.messages import Subscribe

        request = Subscribe(self.receiver.instruments[0].symbol, level=level)
        return next(one for one in self.receiver.resume(request).positions if one.of == FORMS[kind].name)


class HubRig:
    """A hub over stores of this process, and its time."""

    def __init__(self, *stores: MarketStore, epoch: int = 1000) -> None:
        self.charts = Charts()
        self.charts.state = "running"
        self.engine = EngineStore.local()
        self.status = np.zeros(1, STATUS)
        self.set_status(state=FeedState.LIVE, dataset=b"GLBX.MDP3", source=b"test", charts=len(stores))
        self.charts.set_engine(self.engine)
        for index, store in enumerate(stores):
            self.charts.set_chart(index, store, epoch + index)
        self.board = CountsBoard.local()
        self.counts = WorkerCounts(self.board, 0, pid=1)
        self.hub = Hub(self.charts, counts=self.counts, server="flow_gl test", threshold=0.15)
        self.now_s = 0.0

    def set_status(self, **fields: object) -> None:
        """Change the engine's status."""
        for name, value in fields.items():
            self.status[name] = value
        self.engine.status.write(self.status)

    def join(self, *, is_packed: bool = True, before: TestClient | None = None) -> TestClient:
        """Connect a client that may read, or one that was connected before."""
        one = TestClient(is_packed=is_packed, before=before)
        self.hub.add(one.client)
        self.hub.welcome(one.client, ["read"])
        return one

    def subscribe(
        self,
        one: TestClient,
        *,
        chart: int = 0,
        level: int = 0,
        kinds: tuple[str, ...] = DEFAULT_KINDS,
        span_s: float | None = None,
        positions: tuple[Position, ...] = (),
    ) -> TestClient:
        wanted = frozenset(KIND_OF_NAME[name] for name in kinds)
        span_ns = None if span_s is None else int(span_s * 1e9)
        self.hub.subscribe(one.client, Subscription(chart, level, wanted, span_ns), positions)
        return one

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now_s += TICK_S
            self.hub.tick(self.now_s)
