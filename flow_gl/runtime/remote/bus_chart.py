"""Reads one chart from the bus with ordered consumers: its history, then its rows and its state as they arrive.

A consumer can be lost with the server that held it; the client's library creates another one when heartbeats are
missing. If the publisher's status, or rows that its state refers to, are missing for longer than that, this reader
creates new consumers at its current positions and keeps the received rows.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flow_gl.core.clock import Clock
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chart, Log, Topic
from flow_gl.protocol.bus_receiver import BusReceiver, Update
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.messages import Status

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.client import JetStreamContext as Context

HEARTBEAT_S: Final = 0.5
"""Heartbeats of a consumer. Without two of them, the library makes another one."""
STALE_S: Final = 3.0
"""Without a status, or without rows that are known to exist, for this long, the consumers are created again."""
_LARGEST_QUEUE: Final = 1 << 30
"""Bytes that may wait to be read: a session's history arrives faster than it is read."""

Take = Callable[[list[Update]], None]


class StaleError(Exception):
    """Nothing has arrived for a while: the chart has no publisher, or its consumers are gone."""


class BusChart:
    """One chart of the bus.

    Parameters
    ----------
    topic : dataset and symbol
    take : receives what arrives
    clock : the program's clock

    Attributes
    ----------
    created : when the chart's stream was created
    heard_s : when the newest live status arrived, loop time; None before the first
    status : the newest status, live or not
    ending : how the publisher has ended; None while it runs
    """

    def __init__(self, topic: Topic, take: Take, clock: Clock) -> None:
        self.topic: Final = topic
        self.receiver: Final = BusReceiver()
        self.created: datetime | None = None
        self.heard_s: float | None = None
        self.status: Status | None = None
        self.ending: Status | None = None
        self._take: Final = take
        self._clock: Final = clock
        self._arrived: asyncio.Queue[tuple[Log, Msg]] = asyncio.Queue()
        self._subscriptions: Final[list[Context.PushSubscription]] = []
        self._history_last = self._state_last = 0
        """The streams' last messages when the chart was opened."""
        self._status_seq = 0

    @property
    def chart(self) -> Chart | None:
        return self.receiver.chart

    def forget(self) -> None:
        """Read everything again from the next `open` on."""
        self.created = None

    async def open(self, js: "JetStreamContext") -> None:
        """Find out where to read on. Raises ProtocolError for another version of the bus, and the errors of NATS."""
        topic, receiver = self.topic, self.receiver
        newest = await js.get_last_msg(topic.stream(Log.STATE), topic.subject(Log.STATE, bus.CHART))
        chart = bus.decode(newest.data or b"", Chart)
        self._state_last = (await js.stream_info(topic.stream(Log.STATE))).state.last_seq
        rows = await js.stream_info(topic.stream(Log.ROWS))
        is_same = self.created == rows.created and receiver.chart is not None
        self.created = rows.created
        if is_same and rows.state.first_seq <= receiver.rows_next <= rows.state.last_seq + 1:
            return
        history = await js.stream_info(topic.stream(Log.HISTORY))
        self._history_last = history.state.last_seq if history.state.messages else 0
        self._status_seq = 0
        receiver.join(chart, rows_last=rows.state.last_seq)

    async def follow(self, js: "JetStreamContext") -> None:
        """Read until cancelled. Raises StaleError, ProtocolError, and the errors of NATS."""
        self._arrived = asyncio.Queue()
        receiver, topic = self.receiver, self.topic
        try:
            if not receiver.is_whole and receiver.history_next <= self._history_last:
                await self._subscribe(js, Log.HISTORY, receiver.history_next)
                while receiver.history_next <= self._history_last:
                    await self._read(STALE_S)
                await self._unsubscribe()
            await self._subscribe(js, Log.ROWS, receiver.rows_next)
            await self._subscribe(js, Log.STATE)
            self._take(receiver.settle())
            loop = asyncio.get_running_loop()
            heard_s = dict.fromkeys((Log.ROWS, Log.STATE), loop.time())
            while True:
                log = await self._read(STALE_S)
                heard_s[log] = now_s = loop.time()
                if not receiver.is_behind:
                    heard_s[Log.ROWS] = now_s  # no rows are outstanding
                if now_s - min(heard_s.values()) > STALE_S:
                    raise StaleError(topic.symbol)
        finally:
            await self._unsubscribe()

    async def _subscribe(self, js: "JetStreamContext", log: Log, begin: int = 0) -> None:
        """Subscribe to a stream from a sequence on; without one, to the newest message of each subject."""
        from nats.js.api import ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(inactive_threshold=30.0)
        if begin:
            config.deliver_policy, config.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, begin
        else:
            config.deliver_policy = DeliverPolicy.LAST_PER_SUBJECT

        async def arrived(message: "Msg") -> None:
            self._arrived.put_nowait((log, message))

        subscription = await js.subscribe(
            self.topic.subjects(log),
            stream=self.topic.stream(log),
            cb=arrived,
            config=config,
            ordered_consumer=True,
            idle_heartbeat=HEARTBEAT_S,
            pending_bytes_limit=_LARGEST_QUEUE,
        )
        self._subscriptions.append(subscription)

    async def _unsubscribe(self) -> None:
        import nats.errors

        while self._subscriptions:
            try:
                await self._subscriptions.pop().unsubscribe()
            except nats.errors.Error:
                continue  # the connection is closed: so is the subscription

    async def _read(self, timeout_s: float) -> Log:
        """Take one message. Raises StaleError if none comes."""
        if self._arrived.empty():
            try:
                async with asyncio.timeout(timeout_s):  # not wait_for, which may lose a cancellation in Python 3.11
                    log, message = await self._arrived.get()
            except TimeoutError:
                raise StaleError(self.topic.symbol) from None
        else:
            log, message = self._arrived.get_nowait()
            await asyncio.sleep(0)  # a long history must not keep others waiting
        sequence = message.metadata.sequence.stream
        last = message.subject.removeprefix(self.topic.subject(log, ""))
        if log is Log.HISTORY:
            self.receiver.history(sequence, last, message.data)
        elif log is Log.ROWS:
            self._take(self.receiver.rows(sequence, last, message.data))
        else:
            self._take(self._state(last, message))
        return log

    def _state(self, last: str, message: "Msg") -> list[Update]:
        headers: dict[str, Any] = message.headers or {}
        try:
            after = int(headers.get(bus.AFTER, 0))
        except ValueError:
            raise ProtocolError(f"{self.topic.symbol}: expected a number in {bus.AFTER}") from None
        found = self.receiver.state(last, message.data, after=after)
        if last == bus.STATUS:
            (status,) = found
            assert isinstance(status, Status)
            self._hear(status, message)
        return found

    def _hear(self, status: Status, message: "Msg") -> None:
        """Note a status: a live one, or the last one of a publisher that has ended."""
        sequence, is_running = message.metadata.sequence.stream, status.engine == "running"
        if sequence <= self._status_seq:
            return  # delivered again by a new consumer
        self._status_seq = sequence
        if sequence <= self._state_last:
            # Sent before this connection: only its difference from the time of storage shows the publisher's clock.
            stored_ns = int(message.metadata.timestamp.timestamp() * 1e6) * 1000
            status = msgspec.structs.replace(status, sent_ns=self._clock.wall_ns() - (stored_ns - status.sent_ns))
        elif is_running:
            self.heard_s = asyncio.get_running_loop().time()
        # Another engine may take over from one that ends, so its end is not reported before it is certain.
        self.ending = None if is_running else status
        if is_running or self.status is None:
            self.status = status
