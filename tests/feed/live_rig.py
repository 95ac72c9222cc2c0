"""A live feed against the local gateway, with a clock that the test moves."""

import time
from collections.abc import Callable

import numpy as np

from flow_gl.core.items import Definition, FeedGap, Item, Mapping, Trades
from flow_gl.core.schema import TRADE, FeedState
from flow_gl.core.sessions import Session
from flow_gl.core.spec import LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live.hours import Hours
from flow_gl.feed.live.supervisor import LiveFeed
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, KEY, OPEN_NS

PATIENCE_S = 20.0


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
        """Poll until `holds()` is true; pauses between tries are skipped by moving the clock."""
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

    def linger(self, seconds: float = 0.03) -> None:
        """Poll for a short real time, so that everything in transit arrives."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.poll()
            time.sleep(0.001)

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
