"""Exponential back-off: pauses of 1, 2, 4 .. 30 seconds with jitter, reset by a successful connection."""

from collections.abc import Callable
from typing import Final

from flow_gl.core.units import SECOND_NS

FIRST_S: Final = 1.0
LONGEST_S: Final = 30.0
JITTER: Final = 0.2
"""Jitter: a pause is longer or shorter by up to this share, so that many programs do not reconnect at the same time."""
REFUSAL_TRIES: Final = 3
"""Attempts after a refusal that may be temporary."""


class Backoff:
    """Counts attempts and schedules the next one. Times are monotonic, ns.

    Parameters
    ----------
    draw : random numbers in [0, 1)
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._refusals = 0
        self.attempt = 0
        """Attempts since the last success; 0 while connected."""
        self.due_ns = 0
        """When the next attempt is due."""

    def all_is_well(self) -> None:
        self.attempt = self._refusals = 0

    def now(self, now_ns: int) -> None:
        """Schedule the next attempt at once, counted as the first."""
        self.all_is_well()
        self.due_ns = now_ns

    def fail(self, now_ns: int, *, at_once: bool = False) -> None:
        """Schedule the next attempt after a failure.

        Parameters
        ----------
        at_once : skip the pause if this is the first failure, since its cause is known and gone
        """
        pause_s = min(FIRST_S * 2.0 ** min(self.attempt, 10), LONGEST_S)
        pause_s *= 1.0 + JITTER * (2.0 * self._draw() - 1.0)
        self.due_ns = now_ns if at_once and self.attempt == 0 else now_ns + int(pause_s * SECOND_NS)
        self.attempt += 1

    def may_refusal_pass(self) -> bool:
        """Whether to retry after a refusal. Call it once per refusal."""
        self._refusals += 1
        return self._refusals <= REFUSAL_TRIES
