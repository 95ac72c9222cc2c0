"""The delays between attempts to connect."""

import random
from typing import Final

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
"""Delay between two attempts. It doubles, with jitter so that clients do not all reconnect at once."""
STEADY_S: Final = 10.0
"""The back-off is reset after a connection that lasted this long."""


class Backoff:
    """Counts attempts.

    Attributes
    ----------
    attempt : attempts since the last steady connection
    """

    def __init__(self) -> None:
        self.attempt = 0

    def next(self, lasted_s: float) -> float:
        """Count an attempt by its duration; return the delay before the next one, seconds."""
        if lasted_s >= STEADY_S:
            self.attempt = 0
        self.attempt += 1
        longest_s = FIRST_DELAY_S * 2.0 ** min(self.attempt - 1, 16)
        return min(LONGEST_DELAY_S, longest_s) * random.uniform(0.5, 1.0)
