"""When a worker sends updates: at once after a quiet moment, 25 times a second in a busy market."""

from typing import Final

from flow_gl.server.hub import TICK_S

POLL_S: Final = 0.005
"""Interval at which a worker checks for new data, and the shortest time between two ticks."""
BURST: Final = 10
"""How many ticks may follow each other early after a quiet moment."""


class Pace:
    """A token bucket. A tick that sends takes a token, and `TICK_S` gives one back.

    Clients therefore get at most 25 updates a second over any longer time, but in a market that trades now and then
    each trade reaches them within a few milliseconds.
    """

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._looked_s = self._ticked_s = float("-inf")

    def is_due(self, now_s: float, *, has_news: bool) -> bool:
        """Return whether to tick now.

        Parameters
        ----------
        now_s : monotonic time, must not decrease between calls
        has_news : a trade has changed what clients see
        """
        self._tokens = min(BURST, self._tokens + (now_s - self._looked_s) / TICK_S)
        self._looked_s = now_s
        return self._tokens >= 1.0 if has_news else now_s - self._ticked_s >= TICK_S

    def ticked(self, now_s: float, *, is_sent: bool) -> None:
        """Note a tick, and whether it sent anything to the clients."""
        self._ticked_s = now_s
        if is_sent:
            self._tokens = max(0.0, self._tokens - 1.0)
