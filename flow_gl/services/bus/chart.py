"""Publishes one chart while its engine holds the lease.

`sync` reads the newest rows on the bus and looks for them among the engine's own rows. If they are there, publishing
continues after them; if they cannot be there (another replay, other settings), a new epoch begins. After any doubt (no
answer, another publisher has written) it is called again, so there is one way to resynchronise and nothing to undo.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from nats.js.client import JetStreamContext

from flow_gl import __version__
from flow_gl.core.clock import Clock
from flow_gl.core.log import get_logger
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Chart as Description
from flow_gl.protocol.bus import Log, Topic
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.json_rows import fields
from flow_gl.protocol.kinds import Kind
from flow_gl.protocol.messages import Status
from flow_gl.services.bus.chapters import Chapters
from flow_gl.services.bus.positions import Absence
from flow_gl.services.bus.rows import ChartRows
from flow_gl.services.bus.state import ChartState
from flow_gl.services.bus.writer import ChartWriter, Message
from flow_gl.store.market import EngineReader
from flow_gl.streams.chart import Chart

STATUS_S: Final = 1.0
"""Longest time between two messages with the status."""
DESCRIBE_S: Final = 1.0
"""Interval at which the description is checked for changes."""
PATIENCE_S: Final = 30.0
"""How long an engine that is behind the published rows may take to reach them; after that its rows are published."""
_AT_ONCE: Final = ("state", "speed", "rate", "message", "not_found")
"""Fields of the status whose changes are published at once."""
_CATCHING_UP: Final = frozenset({FeedState.STARTING, FeedState.CONNECTING, FeedState.CATCHING_UP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A chart to be published: its store, its status, and its description on the bus."""

    chart: Chart
    engine: EngineReader
    feed: str
    settings: dict[str, Any]
    threshold: float
    clock: Clock

    @property
    def topic(self) -> Topic:
        return Topic(self.engine.text("dataset") or "none", self.chart.symbol)

    @property
    def state(self) -> FeedState:
        return FeedState(int(self.engine.status["state"]))


class ChartPublisher:
    """One chart and its streams on one connection.

    Parameters
    ----------
    source : the engine's side
    on_rows : called with the number of rows that the bus has acknowledged
    """

    def __init__(self, source: Source, topic: Topic, js: JetStreamContext, on_rows: Callable[[int], None]) -> None:
        self.js: Final = js
        self._source: Final = source
        self._topic: Final = topic
        self._on_rows: Final = on_rows
        self._writer: Final = ChartWriter(js, topic)
        self.rows: Final = ChartRows(source.chart)
        self._state: Final = ChartState(source.chart, self.rows, self._now_s)
        self._chapters: Final = Chapters(self._writer)
        self._description: Description | None = None
        self._described_s = self._status_s = -1e9
        self._watched: tuple[bytes, ...] = ()
        self._waits_since_s: float | None = None
        self.settings = source.settings
        """The current settings."""
        self.is_synced = False

    def _now_s(self) -> float:
        return self._source.clock.monotonic_ns() / SECOND_NS

    async def sync(self) -> bool:
        """Read the newest rows on the bus. Returns False if the engine has not reached them yet: call again.

        Raises
        ------
        FencedError, UnsureError, nats.errors.Error, TimeoutError : call again
        """
        await self._writer.open()
        known = await self._newest_description()
        absence: Absence | None = Absence.DIFFERENT
        if known is not None and self._continues(known):
            published = await self._newest_rows(known.instrument.epoch)
            newest_ns = int(self._source.chart.reader.session["last_ts"])
            absence = self.rows.resume(published, newest_ns=newest_ns)
        if absence is Absence.NOT_YET and self._is_patient():
            return False
        self._waits_since_s = None
        if known is not None and absence is None:
            await self._continue(known)
        else:
            await self._begin(known, absence)
        self._state.renew()
        self._status_s = -1e9
        self.is_synced = True
        return True

    def _is_patient(self) -> bool:
        """Return whether to wait until the engine has reached the published rows."""
        now_s = self._now_s()
        if self._waits_since_s is None:
            self._waits_since_s = now_s
        return self._source.state in _CATCHING_UP or now_s - self._waits_since_s < PATIENCE_S

    async def _newest_description(self) -> Description | None:
        """Return the newest description; that in *rows* may have been removed by age."""
        found = []
        for log in (Log.ROWS, Log.STATE):
            message = await self._writer.newest(log, self._topic.subject(log, bus.CHART))
            if message is not None:
                try:
                    found.append(bus.decode(message[1], Description))
                except ProtocolError as error:
                    get_logger("bus").warning("description not understood", extra={"error": error})
        return max(found, key=lambda one: one.instrument.epoch, default=None)

    def _continues(self, known: Description) -> bool:
        """Return whether rows of this description may be continued by this engine."""
        reader = self._source.chart.reader
        return known.settings == self._plain_settings() and known.instrument.widths_ns == reader.widths_ns

    def _plain_settings(self) -> dict[str, Any]:
        """Return the settings with the types that they have after a round trip through JSON."""
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.settings))
        return found

    async def _newest_rows(self, epoch: int) -> dict[tuple[Kind, int], Rows]:
        async def last(kind: Kind, level: int) -> Rows | None:
            message = await self._writer.newest(Log.ROWS, self._topic.subject_of(Log.ROWS, kind, level))
            blocks = bus.unpack(message[1]) if message else []
            return blocks[-1] if blocks and blocks[-1].epoch == epoch and len(blocks[-1].rows) else None

        keys = list(self.rows.streams)
        found = await asyncio.gather(*(last(*key) for key in keys))
        return {key: block for key, block in zip(keys, found, strict=True) if block is not None}

    async def _continue(self, known: Description) -> None:
        get_logger("bus").info("continuing an epoch", extra={"chart": self._topic.key, "epoch": known.instrument.epoch})
        await self._chapters.resume(known.instrument.epoch, known.rows_begin, known.history_begin)
        message = await self._writer.newest(Log.STATE, self._topic.subject_of(Log.STATE, Kind.ORDER))
        orders = bus.unpack(message[1]) if message else []
        ours = orders and orders[-1].epoch == known.instrument.epoch
        self._state.orders.resume(orders[-1] if ours else None)
        self._description = known
        await self._describe()

    async def _begin(self, known: Description | None, absence: Absence | None) -> None:
        """Begin a new epoch."""
        before = known.instrument.epoch if known else 0
        epoch = max(self._source.clock.wall_ns() // 1_000_000, before + 1)
        reason = absence.value if known and absence else "new"
        get_logger("bus").info("new epoch", extra={"chart": self._topic.key, "epoch": epoch, "reason": reason})
        self.rows.begin()
        self._state.orders.resume(None)
        rows_begin, history_begin = self._writer.last[Log.ROWS] + 1, self._writer.last[Log.HISTORY] + 1
        self._chapters.begin(epoch, rows_begin)
        description = self._describe_now(epoch, rows_begin, history_begin)
        await self._publish_description(description)
        for log, first in ((Log.ROWS, rows_begin), (Log.HISTORY, history_begin)):
            await self._writer.forget(log, first)

    def _describe_now(self, epoch: int, rows_begin: int, history_begin: int) -> Description:
        source = self._source
        instrument = source.chart.instrument(source.threshold)
        return Description(
            server=f"flow_gl {__version__}",
            dataset=self._topic.dataset,
            source=source.engine.text("source"),
            feed=source.feed,
            instrument=msgspec.structs.replace(instrument, epoch=epoch),
            settings=self._plain_settings(),
            rows_begin=rows_begin,
            history_begin=history_begin,
        )

    async def _describe(self) -> None:
        """Publish the description if it has changed."""
        known = self._description
        assert known is not None
        new = self._describe_now(known.instrument.epoch, known.rows_begin, known.history_begin)
        if new != known:
            await self._publish_description(new)

    async def _publish_description(self, new: Description) -> None:
        payload = bus.encode(new)
        for log in (Log.ROWS, Log.STATE):
            subject = self._topic.subject(log, bus.CHART)
            identity = bus.message_id(new.instrument.epoch, subject, self._writer.last[log])
            after = self._writer.last[Log.ROWS] if log is Log.STATE else None
            await self._writer.send(log, [Message(subject, payload, identity, after)])
        self._description, self._described_s = new, self._now_s()

    async def tick(self, *, at_once: bool = False) -> bool:
        """Publish new rows. Returns whether more are waiting.

        Parameters
        ----------
        at_once : also publish records that were published a short while ago, for the last time

        Raises
        ------
        FencedError, UnsureError, nats.errors.Error, TimeoutError : call `sync` again
        """
        assert self._description is not None
        epoch, reader = self._description.instrument.epoch, self._source.chart.reader
        # Records are read before rows, so a record is never newer than the rows that are published before it.
        self._source.chart.refresh()
        if self._now_s() - self._described_s >= DESCRIBE_S:
            self._described_s = self._now_s()
            await self._describe()
        blocks = self.rows.blocks(epoch)
        if blocks:
            messages = [
                Message(
                    self._topic.subject_of(Log.ROWS, block.kind, block.level),
                    self._pack([block]),
                    bus.row_id(block),
                )
                for block in blocks
            ]
            await self._writer.send(Log.ROWS, messages)
            self.rows.commit(blocks)
            self._on_rows(sum(len(block.rows) for block in blocks))
        if self.rows.waiting > 0 and not at_once:
            return True
        await self._writer.send(Log.STATE, self._records(epoch, at_once=at_once))
        if self._chapters.is_due:
            await self._chapters.write(tick_size=reader.tick_size, widths_ns=reader.widths_ns)
        return False

    def _records(self, epoch: int, *, at_once: bool) -> list[Message]:
        version = self._writer.last[Log.STATE] + 1
        found = [
            (
                self._topic.subject_of(Log.STATE, kind),
                self._pack(blocks),
            )
            for kind, blocks in self._state.due(epoch, version, at_once=at_once)
        ]
        if status := self._new_status():
            found.append((self._topic.subject(Log.STATE, bus.STATUS), bus.encode(status)))
        after, last = self._writer.last[Log.ROWS], self._writer.last[Log.STATE]
        return [
            Message(subject, payload, bus.message_id(epoch, subject, last + at), after)
            for at, (subject, payload) in enumerate(found)
        ]

    def _pack(self, blocks: list[Rows]) -> bytes:
        reader = self._source.chart.reader
        return bus.pack(blocks, tick_size=reader.tick_size, widths_ns=reader.widths_ns)

    def _new_status(self) -> Status | None:
        """Return the status if it is due or something important has changed."""
        status, now_s = self._source.engine.status, self._now_s()
        watched = tuple(status[name].tobytes() for name in _AT_ONCE)
        if watched == self._watched and now_s - self._status_s < STATUS_S:
            return None
        self._watched, self._status_s = watched, now_s
        return self._status("running")

    def _status(self, engine: str) -> Status:
        found = self._source.engine
        return Status(
            self._source.state.name.lower(),
            engine,
            found.text("message"),
            self._source.clock.wall_ns(),
            fields(found.status),
        )

    async def end(self, engine: str) -> None:
        """Publish what is left, and how the engine ended: "ended" or "restarting". Raises as `tick` does."""
        while await self.tick():
            pass
        await self.tick(at_once=True)
        assert self._description is not None
        subject, last = self._topic.subject(Log.STATE, bus.STATUS), self._writer.last[Log.STATE]
        identity = bus.message_id(self._description.instrument.epoch, subject, last)
        status = Message(subject, bus.encode(self._status(engine)), identity, self._writer.last[Log.ROWS])
        await self._writer.send(Log.STATE, [status])
