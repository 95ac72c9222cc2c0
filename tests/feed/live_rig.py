"""A live feed against the local gateway, with a clock that the test moves."""

import time
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

import numpy as np

from flow_gl.core.items import Definition, FeedGap, Item, Mapping, Trades
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.sessions import Session
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live.bounds import BoundedProtocol
from flow_gl.feed.live.connection import Connection, Phase
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.supervisor import LiveFeed
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, KEY, OPEN_NS
from tests.kit.waiting import PATIENCE_S

_opened: Final[WeakSet[Connection]] = WeakSet()
_received: Final[dict[str, int]] = {}
"""Bytes that each connection has received, by its port."""


def _watch() -> None:
    """Note each connection of this process, and what it has received."""
    open_one, made, updated = Connection.open, BoundedProtocol.connection_made, BoundedProtocol.buffer_updated

    def noted_open(self: Connection) -> None:
        _opened.add(self)
        open_one(self)

    def noted_made(self: BoundedProtocol, transport: Any) -> None:
        self.port = str(transport.get_extra_info("sockname")[1])  # type: ignore[attr-defined]
        _received[self.port] = 0  # type: ignore[attr-defined]
        made(self, transport)

    def noted_update(self: BoundedProtocol, nbytes: int) -> None:
        updated(self, nbytes)
        _received[self.port] += nbytes  # type: ignore[attr-defined]

    Connection.open = noted_open  # type: ignore[method-assign]
    BoundedProtocol.connection_made = noted_made  # type: ignore[method-assign]
    BoundedProtocol.buffer_updated = noted_update  # type: ignore[method-assign]


_watch()


def has_arrived(gateway: GatewayProcess) -> bool:
    """Whether no connection is being made, and all that the gateway has sent has been received."""
    if any(one.phase is Phase.CONNECTING for one in _opened):
        return False
    return all(_received.get(port, 0) >= sent for port, sent in gateway("sent").items())


class FakeCalendar:
    """A calendar of consecutive 23-hour sessions, from the tape's open on."""

    def __init__(self, *opens: int) -> None:
        self.opens = opens or (OPEN_NS,)

    def session_at(self, ts: int) -> Session:
        opened = max((start for start in self.opens if start <= ts), default=self.opens[0])
        later = min((start for start in self.opens if start > opened), default=opened + 86_400 * SECOND_NS)
        close = min(opened + 82_800 * SECOND_NS, later)
        return Session(opened, close, opened, close, 20251128, later)

    def is_open(self, ts: int) -> bool:
        session = self.session_at(ts)
        return session.open <= ts < session.close

    def closed_between(self, start: int, end: int) -> list[tuple[int, int]]:
        session = self.session_at(start)
        return [(max(start, session.close), end)] if session.close < end else []


class TestClock:
    """A clock that moves only when set; real time only lets threads run."""

    __test__ = False

    def __init__(self, wall_ns: int) -> None:
        self.wall = wall_ns
        self.monotonic = 1_000 * SECOND_NS

    def wall_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND_NS)
        self.monotonic += int(seconds * SECOND_NS)


class Rig:
    """A feed, the items it has delivered, and the clock."""

    def __init__(
        self, gateway: GatewayProcess, /, *, wall_ns: int, calendar: FakeCalendar | None = None, **options
    ) -> None:
        self.gateway = gateway
        self.clock = TestClock(wall_ns)
        calendar = calendar or FakeCalendar()
        start = options.pop("start", "session open")
        asked = {"gateway": "127.0.0.1", "port": gateway.port, "dataset": DATASET}
        asked |= {name: options.pop(name) for name in LiveSpec.__struct_fields__ if name in options}
        self.feed = LiveFeed(
            LiveSpec(**asked),
            hours=Hours(start, calendar=calendar),  # type: ignore[arg-type]
            clock=self.clock,
            draw=lambda: 0.5,
            **({"api_key": KEY} | options),
        )
        self.items: list[Item] = []
        self.states: list[FeedState] = []
        self.messages: list[str] = []

    def start(self) -> None:
        self.feed.start()

    def poll(self) -> None:
        items = self.feed.poll(self.clock.wall)
        self.items += items
        status = self.feed.status()
        if not self.states or self.states[-1] is not status.state:
            self.states.append(status.state)
        if status.message and (not self.messages or self.messages[-1] != status.message):
            self.messages.append(status.message)

    def until(self, condition: Callable[[], bool], *, what: str, skipping: bool = True) -> None:
        """Poll until `condition()` is true; pauses between tries are skipped by moving the clock."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.poll()
            if condition():
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for: {what}; {self.feed.status()}, {len(self.trades)} trades")
            status = self.feed.status()
            if skipping and status.retry_at > self.clock.wall:
                self.clock.advance((status.retry_at - self.clock.wall) / SECOND_NS + 0.001)
            time.sleep(0.001)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock, unless something is on its way: a slow connection must not look like a silent gateway."""
        if has_arrived(self.gateway):
            self.clock.advance(seconds)

    def settle(self) -> None:
        """Poll until every connection streams or has ended, and all that the gateway has sent is handed over.

        The clock is stopped meanwhile, so a busy machine does not look like a silent gateway.
        """

        def is_settled() -> bool:
            if not has_arrived(self.gateway):
                return False
            self.poll()
            return all(one.phase is Phase.ENDED or not one.waiting for one in _opened)

        self.until(is_settled, what="all that was sent", skipping=False)

    def until_state(self, *states: FeedState, skipping: bool = True) -> None:
        names = " or ".join(state.name for state in states)
        self.until(lambda: self.feed.status().state in states, what=names, skipping=skipping)

    def until_trades(self, count: int) -> None:
        self.until(lambda: self.count >= count, what=f"{count} trades")

    @property
    def count(self) -> int:
        return sum(len(item.rows) for item in self.items if isinstance(item, Trades))

    @property
    def trades(self) -> np.ndarray:
        rows = [item.rows for item in self.items if isinstance(item, Trades)]
        return np.concatenate(rows) if rows else np.empty(0, TRADE)

    def of(self, kind: type) -> list:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def mappings(self) -> list[Mapping]:
        return self.of(Mapping)

    @property
    def gaps(self) -> list[FeedGap]:
        return self.of(FeedGap)

    @property
    def definitions(self) -> list[Definition]:
        return self.of(Definition)

    def close(self) -> None:
        self.feed.close()
