"""A connected client: its subscriptions, the data it was sent, and the data to send next."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import PER_LEVEL, Cause, Kind
from flow_gl.protocol.messages import Position
from flow_gl.server.outbox import Advance, Outbox
from flow_gl.server.places import Place
from flow_gl.streams.appended import AppendedStream, Key
from flow_gl.streams.tables import TableStream

STALL_S: Final = 10.0
"""A client that reads nothing for this long is disconnected."""
MAX_DROPS: Final = 6
"""Maximum number of times a client's queue is dropped within `DROPS_S` before it is disconnected."""
DROPS_S: Final = 60.0
_PACKED: Final = (4096, 1024)
_JSON: Final = (1024, 512)
"""Rows in a block of history, and roughly in the first block."""

Stream = AppendedStream | TableStream
Encode = Callable[[Sequence[Rows]], bytes]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A client's subscription to one chart at one level."""

    chart: int
    level: int
    kinds: frozenset[Kind]
    span_ns: int | None

    @property
    def keys(self) -> Iterable[Key]:
        """Keys of its streams."""
        return [Key(self.chart, kind, self.level if kind in PER_LEVEL else 0) for kind in sorted(self.kinds)]


class Client:
    """One client.

    Parameters
    ----------
    transport : its socket's transport
    is_packed : whether it receives binary frames

    Attributes
    ----------
    is_welcome : data may be sent to the client; until then only errors are sent
    needs_hello : `Connected` and `Status` must be sent (again)
    """

    __slots__ = (
        "__weakref__",
        "_dropped_s",
        "_stale",
        "_turn",
        "is_packed",
        "is_welcome",
        "needs_hello",
        "outbox",
        "places",
        "scopes",
        "subscriptions",
        "tables",
    )

    def __init__(self, transport: asyncio.WriteTransport, *, is_packed: bool) -> None:
        self.outbox: Final = Outbox(transport)
        self.is_packed: Final = is_packed
        self.is_welcome = self.needs_hello = False
        self.scopes: tuple[str, ...] = ()
        self.subscriptions: Final[dict[tuple[int, int], Subscription]] = {}
        self.places: Final[dict[Key, Place]] = {}
        self.tables: Final[dict[Key, TableStream]] = {}
        self._stale: Final[set[Key]] = set()
        """Tables that must be sent in full."""
        self._dropped_s: list[float] = []
        """When its queue was dropped, within the last `DROPS_S`."""
        self._turn = 0

    @property
    def live_keys(self) -> frozenset[Key]:
        """Keys of the streams whose updates this client receives on each tick."""
        places = (key for key, place in self.places.items() if place.is_live)
        return frozenset((*places, *(key for key in self.tables if key not in self._stale)))

    @property
    def has_work(self) -> bool:
        """Whether there is something to send to this client alone."""
        return (
            self.needs_hello
            or bool(self._stale)
            or self.outbox.is_waiting
            or any(not place.is_live or place.has_history for place in self.places.values())
        )

    def follow(self, stream: Stream, span_ns: int | None, position: Position | None, cause: Cause) -> None:
        """Start following a stream, from the newest rows or from a position."""
        key = stream.key
        if isinstance(stream, TableStream):
            self.tables[key] = stream
            self._stale.add(key)
            return
        chunk, screen = _PACKED if self.is_packed else _JSON
        self.places[key] = place = Place(stream, span_ns=span_ns, chunk=chunk, screen=screen)
        place.restart(cause)
        if position is not None:
            place.resume(position)

    def leave(self, key: Key) -> None:
        """Stop following a stream."""
        self.places.pop(key, None)
        self.tables.pop(key, None)
        self._stale.discard(key)

    def deliver(self, data: bytes, advances: tuple[Advance, ...], now_s: float) -> int | None:
        """Send the updates of a tick.

        Returns
        -------
        dropped : the rows in the client's queue if it was dropped, so the client is no longer live; otherwise None
        """
        if self.outbox.send(data, advances) or not self.outbox.is_full:
            return None
        dropped = self.outbox.drop()
        for advance in dropped:
            place = self.places.get(advance.stream.key)
            if place is not None and place.stream is advance.stream:
                place.fall_behind(advance.start)
        self._stale.update(self.tables)
        self.needs_hello = self.is_welcome
        self._dropped_s = [when for when in self._dropped_s if when >= now_s - DROPS_S] + [now_s]
        return sum(advance.stop - advance.start for advance in dropped)

    def is_too_slow(self, now_s: float) -> bool:
        """Return whether the client must be disconnected. Call on every tick in which it has work."""
        # If possible, send it the reason, once it has read the data already in its socket.
        is_slow = len(self._dropped_s) >= MAX_DROPS and self.outbox.is_idle
        return is_slow or self.outbox.stalled_s(now_s) > STALL_S

    def next_blocks(self) -> Sequence[Rows]:
        """Return the blocks to send next to this client alone; empty if there are none.

        Newest rows go first, then missed rows, then history, which alternates between the streams.
        """
        if self._stale:
            whole = [block for key in sorted(self._stale) for block in self.tables[key].whole()]
            self._stale.clear()
            if whole:
                return whole
        places = list(self.places.values())
        for place in sorted(places, key=lambda one: one.is_resuming):
            if (block := place.catch_up()) is not None:
                return [block]
        self._turn += 1
        for at in range(len(places)):
            if (block := places[(at + self._turn) % len(places)].history()) is not None:
                return [block]
        return []

    def keys_of(self, subscriptions: Iterable[Subscription]) -> frozenset[Key]:
        """Return the stream keys of subscriptions."""
        return frozenset(key for one in subscriptions for key in one.keys)
