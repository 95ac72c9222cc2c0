"""The only place that reads the time.

Code is given a `Clock`; tests and replays pass their own. Wall time is the current date and time and may jump (a laptop
that slept, a corrected clock). Monotonic time only measures durations.
"""

import time
from typing import Final, Protocol


class Clock(Protocol):
    """A source of wall time and monotonic time."""

    def wall_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds since a fixed instant; never decreases."""

    def sleep(self, seconds: float) -> None:
        """Wait. A manual clock advances instead."""


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
    """A clock that changes only when `advance` or `sleep` is called.

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
        """Advance both times by `ns`. A negative step sets back only the wall time."""
        self._wall_ns += ns
        self._monotonic_ns += max(ns, 0)


SYSTEM: Final[Clock] = SystemClock()
