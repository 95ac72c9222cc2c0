"""At a session's open the requesting symbols again: a continuous one may mean another contract now.

A running connection is never given up for that. A second one is made beside it and takes over once it streams; where
an account cannot have two, the first is given up for it after some tries.
"""

from collections.abc import Callable
from typing import Final

from flow_gl.feed.live.connection import Connection, Phase

PAUSE_NS: Final = 30_000_000_000
TRIES: Final = 3


class Renewal:
    """The second connection, while there is one. Times are monotonic, ns."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.is_wanted = False
        self._due_ns = 0
        self._tries = 0

    @property
    def is_hopeless(self) -> bool:
        """It has failed too often."""
        return self._tries >= TRIES

    def want(self, now_ns: int) -> None:
        self.is_wanted = True
        self._due_ns = now_ns
        self._tries = 0

    def cancel(self) -> Connection | None:
        """No longer wanted; the connection to be let go of, if there is one."""
        connection, self.connection = self.connection, None
        self.is_wanted = False
        self._tries = 0
        return connection

    def turn(self, now_ns: int, *, open_one: Callable[[], Connection], limit_ns: int) -> Connection | None:
        """Do what is due.

        Parameters
        ----------
        open_one : makes the second connection
        limit_ns : longest time until it streams

        Returns
        -------
        A connection that has failed and is to be let go of, or None
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
        """The second connection once it streams: it is the caller's then, and the renewal is done."""
        second = self.connection
        if second is None or second.phase is not Phase.STREAMING or not second.waiting:
            return None
        self.cancel()
        return second
