"""The core of a worker: reads the stores once per tick and sends updates to all clients.

Each stream is read and encoded once. Clients that follow the same streams form a group and receive the same bytes in
one write per tick. What a single client needs (a snapshot, missed rows, history) is sent between ticks within a time
budget, so that it does not delay the others.
"""

import time
from collections.abc import Sequence
from typing import Final

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import APPENDED, FORMS, Cause
from flow_gl.protocol.messages import VERSION, Connected, Error, Instrument, Position, ServerMessage
from flow_gl.server.charts import Charts
from flow_gl.server.client import Client, Stream, Subscription
from flow_gl.server.encoding import Cache, close_frame, encode_blocks, encode_message
from flow_gl.server.metrics.counts import WorkerCounts
from flow_gl.server.outbox import Advance
from flow_gl.server.spec import EngineLine
from flow_gl.server.status import StatusFrames
from flow_gl.streams.appended import AppendedStream, Key
from flow_gl.streams.chart import Chart
from flow_gl.streams.tables import make_table

TICK_S: Final = 0.04
"""Mean time between two updates of a stream in a busy market: 25 per second."""
OWN_S: Final = 0.015
"""Time budget per tick for what single clients need."""
TOO_SLOW: Final = 4008
GOING_AWAY: Final = 1001
"""WebSocket close codes."""


class _News:
    """A stream's update for this tick."""

    def __init__(self, blocks: Sequence[Rows], advance: Advance | None) -> None:
        self.blocks: Final = blocks
        self.advance: Final = advance
        self.encoded: Final[dict[bool, bytes]] = {}


class Hub:
    """The clients of a worker and the streams that they follow.

    Parameters
    ----------
    charts : what to read
    counts : for the metrics
    server : name and version of the program
    threshold : imbalance above which a bubble of up to one second is significant
    """

    def __init__(
        self, charts: Charts, *, counts: WorkerCounts, server: str, threshold: float, clock: Clock = SYSTEM
    ) -> None:
        self.charts: Final = charts
        self.counts: Final = counts
        self._server: Final = server
        self._threshold: Final = threshold
        self._streams: Final[dict[Key, Stream]] = {}
        self._followers: Final[dict[Key, int]] = {}
        self._clients: Final[dict[Client, tuple[bool, frozenset[Key]]]] = {}
        """Each client with its group: the form and the streams whose updates it receives."""
        self._groups: Final[dict[tuple[bool, frozenset[Key]], dict[Client, None]]] = {}
        self._busy: Final[dict[Client, None]] = {}
        """Clients that have something to be sent to them alone, longest waiting first."""
        self._followed: set[int] = set()
        """Charts with followers, as of the newest tick."""
        self._cache: Final = Cache()
        self._instruments: tuple[Instrument, ...] = ()
        self._settings: dict[str, object] = {}
        self._status: Final = StatusFrames(charts, clock)
        self._sent_bytes = 0
        """Sent to clients that have disconnected."""
        self._look()

    # Clients

    def add(self, client: Client) -> None:
        """Add a client that has just connected."""
        self._clients[client] = (client.is_packed, frozenset())
        self._regroup(client)
        self.counts.clients += 1
        self.counts.connected += 1

    def remove(self, client: Client) -> None:
        """Remove a client whose connection has ended. Idempotent."""
        self._busy.pop(client, None)
        if client not in self._clients:
            return
        for key in (*client.places, *client.tables):
            self._release(key)
        self._drop_from_group(client)
        del self._clients[client]
        self.counts.clients -= 1
        self.counts.subscriptions -= len(client.subscriptions)
        self._sent_bytes += client.outbox.sent_bytes

    def welcome(self, client: Client, scopes: Sequence[str]) -> None:
        """Admit a client to the data: send `Connected` and `Status`."""
        client.is_welcome, client.scopes, client.needs_hello = True, tuple(scopes), True
        self._serve(client)

    def send(self, client: Client, message: ServerMessage) -> None:
        """Send one message to one client."""
        client.outbox.send(encode_message(message))
        self.counts.sent_messages += 1

    def end(self, client: Client, error: Error | None, code: int) -> None:
        """Send a last message and end the connection."""
        last = encode_message(error) if error else b""
        client.outbox.end(last + close_frame(code, error.code if error else "going_away"))
        self.remove(client)

    def count_bytes(self) -> None:
        """Update the count of bytes."""
        self.counts.sent_bytes = self._sent_bytes + sum(client.outbox.sent_bytes for client in self._clients)

    def end_all(self, error: Error) -> None:
        """End all connections, because the server is stopping."""
        for client in list(self._clients):
            self.end(client, error, GOING_AWAY)

    def subscribe(self, client: Client, subscription: Subscription, positions: Sequence[Position]) -> None:
        """Add a subscription, or replace the one of the same chart and level."""
        if client not in self._clients:
            return  # ended in the meantime
        place = subscription.chart, subscription.level
        replaced = client.subscriptions.pop(place, None)
        if replaced is not None:
            self._leave(client, replaced)
        else:
            self.counts.subscriptions += 1
        client.subscriptions[place] = subscription
        known = {position.of: position for position in positions}
        self._follow(client, subscription, known, Cause.SUBSCRIBED)
        self.counts.snapshots += 1
        self._serve(client)

    def unsubscribe(self, client: Client, chart: int, level: int) -> bool:
        """Remove a subscription; return False if there is none."""
        found = client.subscriptions.pop((chart, level), None) if client in self._clients else None
        if found is None:
            return False
        self.counts.subscriptions -= 1
        self._leave(client, found)
        self._regroup(client)
        return True

    def _follow(self, client: Client, subscription: Subscription, positions: dict[str, Position], cause: Cause) -> None:
        for key in subscription.keys:
            if key in client.places or key in client.tables:
                continue
            stream = self._streams.get(key)
            if stream is None:
                chart = self.charts.charts[key.chart]
                chart.refresh()
                stream = AppendedStream(key, chart) if key.kind in APPENDED else make_table(key, chart)
                self._streams[key] = stream
            self._followers[key] = self._followers.get(key, 0) + 1
            client.follow(stream, subscription.span_ns, positions.get(FORMS[key.kind].name), cause)

    def _leave(self, client: Client, subscription: Subscription) -> None:
        kept = client.keys_of(client.subscriptions.values())
        for key in subscription.keys:
            if key not in kept and (key in client.places or key in client.tables):
                client.leave(key)
                self._release(key)

    def _release(self, key: Key) -> None:
        self._followers[key] -= 1
        if not self._followers[key]:
            del self._followers[key], self._streams[key]

    # The engine

    def follow(self, line: EngineLine) -> None:
        """Apply the parent's report on the engine. Clients of a chart with a new store start again."""
        changed = set(self.charts.follow(line))
        self.restart(changed)

    def restart(self, changed: set[int]) -> None:
        """Restart the streams of charts that have a new store."""
        self._look()
        restarted = [
            (client, one) for client in self._clients for one in client.subscriptions.values() if one.chart in changed
        ]
        for client, one in restarted:
            for key in one.keys:
                if key in client.places or key in client.tables:
                    client.leave(key)
                    self._release(key)
        for client, one in restarted:
            if one.level < len(self.charts.charts[one.chart].reader.widths_ns):
                self._follow(client, one, {}, Cause.NEW_EPOCH)
            self._busy[client] = None
            self._regroup(client)

    def _look(self) -> None:
        """Send `Connected` if an instrument, an epoch or a setting has changed."""
        instruments = tuple(chart.instrument(self._threshold) for chart in self.charts.charts)
        if instruments == self._instruments and self.charts.settings == self._settings:
            return
        self._instruments, self._settings = instruments, dict(self.charts.settings)
        for client in self._clients:
            if client.is_welcome:
                self.send(client, self._hello(client))

    def _hello(self, client: Client) -> Connected:
        engine = self.charts.engine
        return Connected(
            version=VERSION,
            server=self._server,
            dataset=engine.text("dataset") if engine else "",
            source=engine.text("source") if engine else "",
            tick_ms=round(TICK_S * 1000),
            scopes=client.scopes,
            instruments=self._instruments,
            settings=self._settings,
        )

    # Ticks

    @property
    def has_news(self) -> bool:
        """Whether a trade has changed a chart that a client follows. Cheap: it reads two positions of each chart."""
        return any(chart.has_traded for chart in self.charts.charts if chart.index in self._followed)

    def tick(self, now_s: float) -> bool:
        """Send updates to all clients; return whether a group of clients got one.

        Parameters
        ----------
        now_s : monotonic time
        """
        is_sent = False
        for client in list(self._busy):
            client.outbox.flush()
        status = self._status.changes(now_s)
        news = self._read(is_second=status is not None)
        for (is_packed, keys), clients in list(self._groups.items()):
            parts = [self._encoded(news[key], key, is_packed) for key in sorted(keys) if key in news]
            if status is not None:
                parts.append(status)
            if not parts:
                continue
            data = b"".join(parts)
            advances = tuple(one.advance for key in keys if (one := news.get(key)) is not None and one.advance)
            for client in list(clients):
                self._deliver(client, data, advances, now_s)
            is_sent = True
        self._serve_some(now_s)
        return is_sent

    def _read(self, *, is_second: bool) -> dict[Key, _News]:
        """Read all streams that have followers.

        Parameters
        ----------
        is_second : also look at charts without followers; about once a second
        """
        self._followed = {key.chart for key in self._streams}
        for chart in self.charts.charts:
            # The state of a chart without followers matters only to clients that connect.
            if chart.index in self._followed or is_second:
                chart.refresh()
        self._look()
        news: dict[Key, _News] = {}
        for key, stream in list(self._streams.items()):
            if not isinstance(stream, AppendedStream):
                if blocks := stream.advance():
                    news[key] = _News(blocks, None)
                continue
            start = stream.position
            found = stream.advance()
            if isinstance(found, Rows):
                news[key] = _News([found], Advance(stream, start, stream.position))
            elif found is not None:
                self._start_again(stream, found, missed=stream.oldest - start if found is Cause.LAPPED else 0)
        return news

    def _start_again(self, stream: AppendedStream, cause: Cause, missed: int) -> None:
        for client in self._clients:
            place = client.places.get(stream.key)
            if place is not None:
                place.restart(cause, missed)
                self._busy[client] = None
                self._regroup(client)

    def _encoded(self, news: _News, key: Key, is_packed: bool) -> bytes:
        if is_packed not in news.encoded:
            chart = self.charts.charts[key.chart]
            news.encoded[is_packed] = encode_blocks(news.blocks, chart, is_packed=is_packed, threshold=self._threshold)
        return news.encoded[is_packed]

    def _deliver(self, client: Client, data: bytes, advances: tuple[Advance, ...], now_s: float) -> None:
        dropped = client.deliver(data, advances, now_s)
        if dropped is not None:
            self.counts.dropped_to_snapshot += 1
            self.counts.dropped_rows += dropped
            self._regroup(client)
        self.counts.sent_messages += 1
        if client.outbox.is_waiting or client.needs_hello:
            self._busy[client] = None

    def _serve_some(self, now_s: float) -> None:
        """Serve single clients in turn until the tick's time budget is used up."""
        end_s = time.perf_counter() + OWN_S
        for client in list(self._busy):
            if client.outbox.is_closed:
                self.remove(client)
            elif client.is_too_slow(now_s):
                self.counts.slow_disconnects += 1
                self.end(client, _TOO_SLOW_ERROR, TOO_SLOW)
            elif time.perf_counter() < end_s:
                # Back to the end of the queue, so that every client gets its turn.
                del self._busy[client]
                self._serve(client)

    def _serve(self, client: Client) -> None:
        """Send a client its next blocks while its socket accepts them, at most a few."""
        for _ in range(_MAX_BLOCKS):
            if not client.outbox.is_idle:
                break
            if client.needs_hello:
                client.needs_hello = False
                self.send(client, self._hello(client))
                if self._status.whole:
                    client.outbox.send(self._status.whole)
                continue
            blocks = client.next_blocks()
            if not blocks:
                break
            client.outbox.send(self._own(blocks, is_packed=client.is_packed))
            self.counts.sent_messages += 1
        if client.has_work:
            self._busy[client] = None
        self._regroup(client)

    def _own(self, blocks: Sequence[Rows], *, is_packed: bool) -> bytes:
        """Encode blocks for one client. Blocks of appended rows are cached for other clients."""
        block = blocks[0]
        chart: Chart = self.charts.charts[block.symbol]
        if len(blocks) > 1 or block.kind not in APPENDED:
            return encode_blocks(blocks, chart, is_packed=is_packed, threshold=self._threshold)
        what = block.kind, block.level, block.epoch, block.revision, block.sequence, len(block.rows)
        how = block.symbol, block.part, block.cause, block.oldest, block.missed, is_packed
        found = self._cache.get((what, how))
        if found is None:
            found = encode_blocks(blocks, chart, is_packed=is_packed, threshold=self._threshold)
            self._cache.put((what, how), found)
        return found

    # Groups

    def _regroup(self, client: Client) -> None:
        """Move a client to the group that receives updates of the same streams."""
        if client not in self._clients:
            return
        group = client.is_packed, client.live_keys
        if client.is_welcome and not client.needs_hello:
            if group == self._clients[client] and client in self._groups.get(group, ()):
                return
            self._drop_from_group(client)
            members = self._groups.setdefault(group, {})
            # Thousands of clients may follow the same streams, so they share one key.
            self._clients[client] = next((self._clients[other] for other in members), group)
            members[client] = None
        else:
            self._drop_from_group(client)

    def _drop_from_group(self, client: Client) -> None:
        members = self._groups.get(group := self._clients[client])
        if members is not None:
            members.pop(client, None)
            if not members:
                del self._groups[group]


_MAX_BLOCKS: Final = 4
_TOO_SLOW_ERROR: Final = Error(
    "too_slow", "this client reads more slowly than the market moves", "subscribe to less, or use the packed form"
)
