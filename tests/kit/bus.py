"""Publishes a chart on a bus by hand, and a JetStream in memory that behaves as the real one as far as readers see."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import nats.js.errors
import numpy as np

from flow_gl import __version__
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chapter, Chart, Lease, Log, Topic
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import FORMS, Kind
from flow_gl.protocol.messages import Instrument, Status

TOPIC = Topic("GLBX.MDP3", "NQ.v.0")
EPOCH = 7
WIDTHS_NS = (10**9, 5 * 10**9)


def description(topic: Topic = TOPIC, *, epoch: int = EPOCH, **fields: Any) -> Chart:
    """Return a chart's description."""
    instrument = Instrument(
        topic.symbol, "NQZ5", 42, epoch, 250_000_000, 1, 20.0, WIDTHS_NS[0], WIDTHS_NS, (0.15,) * len(WIDTHS_NS)
    )
    values: dict[str, Any] = {
        "server": f"flow_gl {__version__}",
        "dataset": topic.dataset,
        "source": "test",
        "feed": "live",
        "instrument": instrument,
        "settings": {"bucket_ns": WIDTHS_NS[0], "arm": 123},
        "rows_begin": 1,
        "history_begin": 1,
    }
    return Chart(**(values | fields))


def block(kind: Kind, first: int, count: int, **fields: Any) -> Rows:
    """Return numbered rows."""
    rows = np.zeros(count, FORMS[kind].dtype)
    name = "id" if "id" in (rows.dtype.names or ()) else (rows.dtype.names or ("",))[0]
    rows[name] = np.arange(first, first + count)
    values: dict[str, Any] = {"symbol": 0, "level": 0, "epoch": EPOCH, "sequence": first, "rows": rows}
    return Rows(kind=kind, **(values | fields))


class Publisher:
    """A chart's publisher without an engine: the test says what it publishes.

    Parameters
    ----------
    js : JetStream, real or `FakeJetStream`
    """

    def __init__(self, js: Any, topic: Topic = TOPIC, *, holder: str = "one") -> None:
        self.js = js
        self.topic = topic
        self.holder = holder
        self.chart = description(topic)
        self.after = 0

    async def begin(self, chart: Chart | None = None) -> None:
        """Make the streams, describe the chart and publish a first state."""
        for log in Log:
            most = 1 if log is Log.STATE else -1
            with suppress(nats.js.errors.BadRequestError):  # it is there
                await self.js.add_stream(
                    name=self.topic.stream(log), subjects=[self.topic.subjects(log)], max_msgs_per_subject=most
                )
        await self.lease()
        await self.describe(chart or self.chart)
        await self.state(block(Kind.LEVELS, 0, 1, epoch=self.chart.instrument.epoch))

    async def lease(self) -> None:
        bucket = f"KV_{bus.LEASES}"
        with suppress(nats.js.errors.BadRequestError):  # it is there
            await self.js.add_stream(name=bucket, subjects=[f"$KV.{bus.LEASES}.>"], max_msgs_per_subject=1)
        lease = Lease(holder=self.holder, dataset=self.topic.dataset, symbol=self.topic.symbol, renewed=1, every_ms=500)
        await self.js.publish(f"$KV.{bus.LEASES}.{self.topic.key}", bus.encode(lease))

    async def describe(self, chart: Chart) -> None:
        """Publish a description, into *rows* and *state*."""
        self.chart = chart
        await self._publish(Log.ROWS, self.topic.subject(Log.ROWS, bus.CHART), bus.encode(chart))
        await self._publish(Log.STATE, self.topic.subject(Log.STATE, bus.CHART), bus.encode(chart))

    async def rows(self, *blocks: Rows, log: Log = Log.ROWS) -> None:
        """Publish rows of one kind."""
        first = blocks[0]
        await self._publish(log, self.topic.subject_of(log, first.kind, first.level), self._packed(blocks))

    async def chapter(self) -> None:
        """Say that *history* has all rows so far."""
        subject = self.topic.subject(Log.HISTORY, bus.CHAPTER)
        await self._publish(Log.HISTORY, subject, bus.encode(Chapter(self.chart.instrument.epoch, self.after + 1)))

    async def state(self, *blocks: Rows, after: int | None = None) -> None:
        """Publish state; by default it belongs to the rows so far."""
        subject = self.topic.subject_of(Log.STATE, blocks[0].kind)
        headers = {bus.AFTER: str(self.after if after is None else after)}
        await self._publish(Log.STATE, subject, self._packed(blocks), headers)

    async def status(self, state: str = "live", *, engine: str = "running", **numbers: Any) -> None:
        """Publish a status."""
        wall_ns = int(datetime.now(UTC).timestamp() * 1e9)
        message = Status(state, engine, "", wall_ns, {"anchor_wall": wall_ns, "rate": 1.0} | numbers)
        await self._publish(Log.STATE, self.topic.subject(Log.STATE, bus.STATUS), bus.encode(message))

    def _packed(self, blocks: Iterable[Rows]) -> bytes:
        return bus.pack(blocks, tick_size=250_000_000, widths_ns=WIDTHS_NS)

    async def _publish(self, log: Log, subject: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        found = await self.js.publish(subject, data, headers=headers)
        if log is Log.ROWS:
            self.after = found.seq


@dataclass
class _Message:
    subject: str
    data: bytes
    headers: dict[str, str] | None
    seq: int
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def metadata(self) -> SimpleNamespace:
        return SimpleNamespace(sequence=SimpleNamespace(stream=self.seq), timestamp=self.timestamp)


@dataclass
class _Stream:
    subjects: str
    most: int
    created: datetime
    messages: list[_Message] = field(default_factory=list)
    last_seq: int = 0
    readers: list["_Reader"] = field(default_factory=list)


class _Reader:
    """An ordered consumer: delivers one message after another."""

    def __init__(self, cb: Callable[[_Message], Awaitable[None]]) -> None:
        self._cb = cb
        self._queue: asyncio.Queue[_Message] = asyncio.Queue()
        self._task = asyncio.create_task(self._deliver())
        self.is_dead = False

    def put(self, message: _Message) -> None:
        if not self.is_dead:
            self._queue.put_nowait(message)

    async def _deliver(self) -> None:
        while True:
            await self._cb(await self._queue.get())

    async def unsubscribe(self) -> None:
        self.is_dead = True
        self._task.cancel()


class FakeJetStream:
    """Streams in memory.

    Attributes
    ----------
    opened : how often a consumer was made
    first_seqs : where consumers of *rows* began
    error : raised by every request while it is set
    """

    def __init__(self) -> None:
        self.streams: dict[str, _Stream] = {}
        self.opened = 0
        self.first_seqs: list[int] = []
        self.error: Exception | None = None

    async def add_stream(self, *, name: str, subjects: list[str], max_msgs_per_subject: int) -> None:
        if name not in self.streams:
            self.streams[name] = _Stream(subjects[0][:-1], max_msgs_per_subject, datetime.now(UTC))

    async def publish(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> Any:
        stream = next(one for one in self.streams.values() if subject.startswith(one.subjects))
        stream.last_seq += 1
        message = _Message(subject, data, headers, stream.last_seq)
        if stream.most == 1:
            stream.messages = [one for one in stream.messages if one.subject != subject]
        stream.messages.append(message)
        for reader in stream.readers:
            reader.put(message)
        return SimpleNamespace(seq=message.seq)

    def remove(self, name: str, before: int) -> None:
        """Remove the messages before a sequence."""
        stream = self.streams[name]
        stream.messages = [one for one in stream.messages if one.seq >= before]

    def kill_readers(self) -> None:
        """Lose all consumers, as with the server that had them."""
        for stream in self.streams.values():
            for reader in stream.readers:
                reader.is_dead = True

    async def stream_info(self, name: str, subjects_filter: str | None = None) -> Any:
        self._check()
        if name not in self.streams:
            raise nats.js.errors.NotFoundError(code=404, description="stream not found")
        stream = self.streams[name]
        first = stream.messages[0].seq if stream.messages else stream.last_seq + 1
        subjects = {one.subject: 1 for one in stream.messages} if subjects_filter else None
        state = SimpleNamespace(
            first_seq=first, last_seq=stream.last_seq, messages=len(stream.messages), subjects=subjects
        )
        return SimpleNamespace(created=stream.created, state=state)

    async def get_last_msg(self, name: str, subject: str) -> Any:
        self._check()
        found = [one for one in self.streams[name].messages if one.subject == subject]
        if not found:
            raise nats.js.errors.NotFoundError(code=404, description="no message found")
        return found[-1]

    async def subscribe(self, subject: str, *, stream: str, cb: Any, config: Any, **_: Any) -> _Reader:
        self._check()
        found = self.streams[stream]
        assert subject[:-1] == found.subjects
        reader = _Reader(cb)
        self.opened += 1
        if config.opt_start_seq is not None:
            waiting = [one for one in found.messages if one.seq >= config.opt_start_seq]
            if ".rows." in subject:
                self.first_seqs.append(config.opt_start_seq)
        else:
            last = {one.subject: one for one in found.messages}
            waiting = sorted(last.values(), key=lambda one: one.seq)
        for message in waiting:
            reader.put(message)
        found.readers.append(reader)
        return reader

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


class FakeBus:
    """What `services.bus.connect.connect` is replaced by.

    Attributes
    ----------
    refusal : raised by the next attempts while it is set
    """

    def __init__(self) -> None:
        self.js = FakeJetStream()
        self.refusal: Exception | None = None
        self.attempts = 0
        self._closed: Callable[[], Awaitable[None]] | None = None

    async def connect(self, *_: Any, closed: Callable[[], Awaitable[None]], **__: Any) -> Any:
        self.attempts += 1
        if self.refusal is not None:
            raise self.refusal
        self._closed = closed
        return SimpleNamespace(jetstream=lambda **_: self.js, discovered_servers=[], close=self._close)

    async def _close(self) -> None:
        self.js.kill_readers()

    async def lose(self) -> None:
        """Lose the connection."""
        self.js.kill_readers()
        assert self._closed is not None
        await self._closed()
