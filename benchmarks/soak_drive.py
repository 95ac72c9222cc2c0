"""The soak's market and its clock: time moves as fast as asked for, and stands still for what takes real time.

The engine, the live feed and the client are the program's. Only the clock is the soak's own: while a connection
streams and in the pauses between tries it runs at the speed that was asked for; while a connection is being made it
runs at `CONNECTING_SPEED`, for a handshake takes real milliseconds; and it never runs ahead of trades on their way.
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
"""Event time moves by so much at a time, at most: less than a silence that would be noticed."""
CONNECTING_SPEED: Final = 50
PATIENCE_S: Final = 30.0
"""Real time that something may take to come."""
_LATE_NS: Final = 1_000_000
"""Trades are on their way for less."""
_HEARTBEAT_NS: Final = 5 * SECOND_NS
_LONG_PAUSE_NS: Final = 600 * SECOND_NS
_STREAMING: Final = frozenset({FeedState.LIVE, FeedState.CLOSED})


class SoakClock(ManualClock):
    """A clock that can also let the machine sleep."""

    def sleep_machine(self, ns: int) -> None:
        """Wall time passes, monotonic time does not."""
        self._wall_ns += ns


class Drive:
    """Moves the market on, and lets the engine take its turns.

    Parameters
    ----------
    gateway : has the tape too
    tape : dtype TRADE, in order of arrival
    is_charted : of each trade of the tape, whether it was asked for
    published : trades that have happened
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
        """All of the tape has happened."""
        return self.published == len(self._arrivals)

    @property
    def expected(self) -> int:
        """Trades that the engine must have had by now."""
        return int(self._expected[self.published])

    @property
    def is_settled(self) -> bool:
        """The feed is live, and every trade has come."""
        return self._feed.status().state in _STREAMING and self._engine.trades == self.expected

    def step(self) -> None:
        """Let some time pass."""
        status = self._feed.status()
        wall = self._clock.wall_ns()
        if self._away_how:
            # What is sent into a silence is lost: it ends when the feed has given the connection up.
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
        """Go on until everything that has happened is in. Raises FlowError where it does not come."""
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
                    f"{self._engine.trades:,} of {self.expected:,} trades came, and no more within {PATIENCE_S:.0f} s: "
                    f"{status.state.name} {status.message}"
                )

    def publish(self, count: int, *, do: str = "publish", **arguments: object) -> None:
        """Let trades happen at once."""
        count = min(count, len(self._arrivals) - self.published)
        if count:
            self._gateway(do, count=count, **arguments)
            self.published += count
            self._told_ns = max(self._told_ns, int(self._arrivals[self.published - 1]))
            self._clock.advance(max(self._told_ns - self._clock.wall_ns(), 0))

    def away(self, seconds: float, how: str) -> None:
        """For so long nothing comes; `how` is the gateway's command that has to be taken back."""
        self._away_until, self._away_how = self._clock.wall_ns() + int(seconds * SECOND_NS), how

    def sleep(self, seconds: float) -> None:
        """The machine sleeps, and the market goes on."""
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
        """Let event time pass, at the speed that was asked for."""
        self._clock.advance(ns)
        self._catch_up_market()
        self._turn()
        due_s = self._real_s + ns / SECOND_NS / self._speed
        now_s = time.monotonic()
        if due_s > now_s:
            time.sleep(due_s - now_s)
        self._real_s = max(due_s, now_s - 0.1)  # what was missed is not made up for

    def _catch_up_market(self) -> None:
        wall = self._clock.wall_ns()
        count = int(np.searchsorted(self._arrivals, wall, "right")) - self.published
        if count > 0:
            self.publish(count)
        elif wall - self._told_ns >= _HEARTBEAT_NS and self._away_how != "mute":
            self._gateway("heartbeat", ts=wall - _LATE_NS)
            self._told_ns = wall

    def _wait_for_trades(self) -> None:
        """Let the engine take turns until what was published has come, or something is wrong with the connection."""
        start = time.monotonic()
        while not self._away_how and self._feed.status().state in _STREAMING:
            if self._engine.trades >= self.expected:
                break
            waited_s = time.monotonic() - start
            self.longest_wait_s = max(self.longest_wait_s, waited_s)
            if waited_s > PATIENCE_S:
                raise FlowError(f"trades did not come: {self._engine.trades:,} of {self.expected:,}")
            if waited_s > 0.2:
                self._clock.advance(CONNECTING_SPEED * 1_000_000)  # a watchdog may have to see it
            time.sleep(0.0002)
            self._turn()

    def _skip_long_pause(self, wall: int) -> None:
        """Sleep through a weekend, with some minutes on either side."""
        session = self._calendar.session_at(wall)
        left_ns = session.next_open - wall
        if wall > session.close + _LONG_PAUSE_NS and left_ns > 2 * _LONG_PAUSE_NS:
            self.sleep((left_ns - _LONG_PAUSE_NS) / SECOND_NS)

    def _turn(self) -> None:
        self._engine.turn()
        self.turns += 1
