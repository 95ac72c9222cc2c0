"""The only place that reads the time.

Programs hold a `Clock` and ask it; tests and replays hand in one of their own. Wall time is what the world calls now
(it may jump: a laptop's sleep, a corrected clock); monotonic time only measures how long something took.
"""

import time
from typing import Final, Protocol


class Clock(Protocol):
    """Where a program's time comes from."""

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch, UTC."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed instant; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait; a clock of a test moves on instead."""


class SystemClock:
    """The machine's clock."""

    def wall_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that stands until it is moved.

    Parameters
    ----------
    wall_ns : time at which it starts, ns since the epoch
    """

    def __init__(self, wall_ns: int = 0) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = 0

    def wall_ns(self) -> int:
        return self._wall_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def sleep(self, seconds: float) -> None:
        self.advance(int(seconds * 1e9))

    def advance(self, ns: int) -> None:
        """Let time pass. A negative step sets only the wall back: monotonic time never goes back."""
        self._wall_ns += ns
        self._monotonic_ns += max(ns, 0)


SYSTEM: Final[Clock] = SystemClock()
