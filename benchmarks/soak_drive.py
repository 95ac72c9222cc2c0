"""The soak test's market and clock: time runs at the requested speed, but waits for whatever takes real time.

The engine, the live feed and the client are the program's; only the clock is replaced. While a connection streams, and
between attempts to connect, it runs at the requested speed. While a connection is being made it runs at
`CONNECTING_SPEED`, because a handshake takes real milliseconds. It never runs ahead of trades in transit.
"""

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.local_gateway import Gateway
from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import FlowError
from flow_gl.core.schema import FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live.supervisor import LiveFeed
from flow_gl.runtime.engine_loop import Engine

STEP_NS: Final = 4 * SECOND_NS
"""Largest step of event time: less than a silence that the feed would notice."""
CONNECTING_SPEED: Final = 50
PATIENCE_S: Final = 30.0
"""Longest real time to wait for an arrival."""
_LATE_NS: Final = 1_000_000
"""Longest real time for which trades are in transit."""
_HEARTBEAT_NS: Final = 5 * SECOND_NS
_LONG_PAUSE_NS: Final = 600 * SECOND_NS
_STREAMING: Final = frozenset({FeedState.LIVE, FeedState.CLOSED})


class SoakClock(ManualClock):
    """A manual clock that can also simulate a sleep of the machine."""

    def sleep_machine(self, ns: int) -> None:
        """Advance wall time but not monotonic time."""
        self._wall_ns += ns


class Drive:
    """Advances the market and runs the engine's turns.

    Parameters
    ----------
    gateway : publishes the same tape
    tape : dtype TRADE, shape (n,), in order of arrival
    is_charted : bool (n,): whether a trade's instrument has been subscribed to
    published : number of trades that the gateway has published
    engine, feed, clock : the program's
    speed : event seconds per second
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        tape: NDArray[np.void],
        is_charted: NDArray[np.bool_],
        published: int,
        engine: Engine,
        feed: LiveFeed,
        clock: SoakClock,
        speed: float,
    ) -> None:
        self.published = published
        self.turns = 0
        self.longest_wait_s = 0.0
        """Longest real time that trades took to arrive."""
        self._gateway: Final = gateway
        self._arrivals: Final = np.ascontiguousarray(tape["ts_recv"])
        self._expected: Final = np.concatenate([[0], np.cumsum(is_charted)])
        self._engine: Final = engine
        self._feed: Final = feed
        self._clock: Final = clock
        self._speed: Final = speed
        self._calendar: Final = SessionCalendar()
        self._told_ns = clock.wall_ns()
        self._away_until = 0
        self._away_how = ""
        self._real_s = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the whole tape has been published."""
        return self.published == len(self._arrivals)

    @property
    def expected(self) -> int:
        """Number of trades that the engine must have received by now."""
        return int(self._expected[self.published])

    @property
    def is_settled(self) -> bool:
        """Whether the feed is live and every trade has arrived."""
        return self._feed.status().state in _STREAMING and self._engine.trades == self.expected

    def step(self) -> None:
        """Advance time by one step."""
        status = self._feed.status()
        wall = self._clock.wall_ns()
        if self._away_how:
            # What is sent during a silence is lost. It ends once the feed has given up the connection.
            is_back = status.state not in _STREAMING if self._away_how == "mute" else wall >= self._away_until
            if is_back:
                self._come_back()
            self._pass(STEP_NS // 2)
        elif status.state in _STREAMING:
            self._skip_long_pause(wall)
            self._pass(STEP_NS)
            self._wait_for_trades()
        elif status.state is FeedState.RECONNECTING and status.retry_at > wall:
            self._pass(min(STEP_NS, status.retry_at - wall + 1_000_000))
        elif status.state is FeedState.FAILED:
            self._feed.retry()
            self._turn()
        else:
            self._pass(CONNECTING_SPEED * 1_000_000)
            time.sleep(0.001)

    def settle(self) -> None:
        """Continue until the engine has every published trade. Raises FlowError if trades do not arrive."""
        end = time.monotonic() + PATIENCE_S
        while not self.is_settled:
            while self._away_how:
                self.step()
            status, wall = self._feed.status(), self._clock.wall_ns()
            if status.state in _STREAMING:
                self._wait_for_trades()
            else:
                ns = max(status.retry_at - wall, 0) if status.state is FeedState.RECONNECTING else 0
                self._clock.advance(ns + CONNECTING_SPEED * 1_000_000)
                self._turn()
                time.sleep(0.001)
            if time.monotonic() > end:
                raise FlowError(
                    f"{self._engine.trades:,} of {self.expected:,} trades arrived, no more in {PATIENCE_S:.0f} s: "
                    f"{status.state.name} {status.message}"
                )

    def publish(self, count: int, *, do: str = "publish", **arguments: object) -> None:
        """Have the gateway publish trades at once."""
        count = min(count, len(self._arrivals) - self.published)
        if count:
            self._gateway(do, count=count, **arguments)
            self.published += count
            self._told_ns = max(self._told_ns, int(self._arrivals[self.published - 1]))
            self._clock.advance(max(self._told_ns - self._clock.wall_ns(), 0))

    def away(self, seconds: float, how: str) -> None:
        """Expect nothing to arrive for `seconds`; `how` is the gateway's command that is undone afterwards."""
        self._away_until, self._away_how = self._clock.wall_ns() + int(seconds * SECOND_NS), how

    def sleep(self, seconds: float) -> None:
        """Simulate a sleep of the machine, during which the market continues."""
        self._clock.sleep_machine(int(seconds * SECOND_NS))
        self._catch_up_market()
        self._turn()

    def _come_back(self) -> None:
        if self._away_how == "mute":
            self._gateway("mute", on=False)
            self._gateway("heartbeat")
        else:
            self._gateway("listen", on=True)
        self._away_how = ""

    def _pass(self, ns: int) -> None:
        """Advance event time at the requested speed."""
        self._clock.advance(ns)
        self._catch_up_market()
        self._turn()
        due_s = self._real_s + ns / SECOND_NS / self._speed
        now_s = time.monotonic()
        if due_s > now_s:
            time.sleep(due_s - now_s)
        self._real_s = max(due_s, now_s - 0.1)  # a delay is not caught up on

    def _catch_up_market(self) -> None:
        wall = self._clock.wall_ns()
        count = int(np.searchsorted(self._arrivals, wall, "right")) - self.published
        if count > 0:
            self.publish(count)
        elif wall - self._told_ns >= _HEARTBEAT_NS and self._away_how != "mute":
            self._gateway("heartbeat", ts=wall - _LATE_NS)
            self._told_ns = wall

    def _wait_for_trades(self) -> None:
        """Run the engine until it has what was published, or the connection has failed."""
        start = time.monotonic()
        while not self._away_how and self._feed.status().state in _STREAMING:
            if self._engine.trades >= self.expected:
                break
            waited_s = time.monotonic() - start
            self.longest_wait_s = max(self.longest_wait_s, waited_s)
            if waited_s > PATIENCE_S:
                raise FlowError(f"trades did not arrive: {self._engine.trades:,} of {self.expected:,}")
            if waited_s > 0.2:
                self._clock.advance(CONNECTING_SPEED * 1_000_000)  # so that a watchdog notices
            time.sleep(0.0002)
            self._turn()

    def _skip_long_pause(self, wall: int) -> None:
        """Skip a weekend, except for some minutes at either end."""
        session = self._calendar.session_at(wall)
        left_ns = session.next_open - wall
        if wall > session.close + _LONG_PAUSE_NS and left_ns > 2 * _LONG_PAUSE_NS:
            self.sleep((left_ns - _LONG_PAUSE_NS) / SECOND_NS)

    def _turn(self) -> None:
        self._engine.turn()
        self.turns += 1
