"""Subscribe again on a new connection: when a session opens, since a continuous symbol may then mean another contract,
and when symbols were added.

The running connection is kept: a second one is opened beside it and takes over once it streams. If an account
does not allow two connections, the first is given up after some attempts.
"""

from collections.abc import Callable
from typing import Final

from flow_gl.core.units import SECOND_NS
from flow_gl.feed.live.connection import Connection, Phase

PAUSE_NS: Final = 30 * SECOND_NS
TRIES: Final = 3


class Renewal:
    """The second connection, while there is one. Times are monotonic, ns."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.is_wanted = self.is_session_new = False
        self._due_ns = 0
        self._tries = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether it has failed too often."""
        return self._tries >= TRIES

    def want(self, now_ns: int, *, is_session_new: bool) -> None:
        """Open the second connection from now on; `is_session_new` if it must bring the session from its open."""
        self.is_wanted, self.is_session_new = True, is_session_new or self.is_session_new
        self._due_ns = now_ns
        self._tries = 0

    def cancel(self) -> Connection | None:
        """Cancel the renewal. Returns the connection to close, if there is one."""
        connection, self.connection = self.connection, None
        self.is_wanted = self.is_session_new = False
        self._tries = 0
        return connection

    def advance(self, now_ns: int, *, open_one: Callable[[], Connection], limit_ns: int) -> Connection | None:
        """Open the second connection when it is due, and give it up when it takes too long.

        Parameters
        ----------
        open_one : opens the second connection
        limit_ns : longest time until it must stream, ns

        Returns
        -------
        A failed connection that the caller must close, or None
        """
        second = self.connection
        if second is None:
            if now_ns >= self._due_ns:
                self.connection = open_one()
                self._due_ns = now_ns + limit_ns
        elif second.phase is Phase.ENDED or now_ns >= self._due_ns:
            self.connection = None
            self._due_ns = now_ns + PAUSE_NS
            self._tries += 1
            return second
        return None

    def take(self) -> Connection | None:
        """Return the second connection once it streams, which ends the renewal; None before. The caller owns it."""
        second = self.connection
        if second is None or second.phase is not Phase.STREAMING or not second.waiting:
            return None
        self.cancel()
        return second
