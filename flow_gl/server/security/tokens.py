"""Checks clients' tokens against the token file, which is reloaded when it changes.

While the file cannot be used (damaged, deleted, readable by others), new clients are refused, so that a mistake does
not open the server. Connected clients stay.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import FlowError
from flow_gl.core.log import get_logger
from flow_gl.core.system.files import stamp
from flow_gl.core.units import SECOND_NS
from flow_gl.server.security import token_file
from flow_gl.server.security.token_file import Scope, TokenEntry

LOOK_NS: Final = SECOND_NS
"""Minimum time between checks of the file for changes."""
_LONGEST: Final = 512
"""Longer tokens are rejected unchecked, because clients can send text of any length."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A client's identity and scopes."""

    name: str
    scopes: frozenset[Scope]
    hash: str = ""
    """Hash of its token; "" if none is required."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


ANYBODY: Final = Identity("local", frozenset(token_file.SCOPES))
"""Every client of a server that requires no token: one that only its own machine can reach, or one with --insecure."""


class Tokens:
    """The tokens of a file, checked in constant time.

    Parameters
    ----------
    path : the token file
    clock : the program's clock

    Raises
    ------
    FlowError : the file cannot be used (`token_file.read`)
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM) -> None:
        self._path: Final = path
        self._clock: Final = clock
        self._log: Final = get_logger("tokens")
        self._seen = stamp(path)
        self._looked_ns = clock.monotonic_ns()
        self._entries = token_file.read(path)
        self.problem = ""
        """Why new clients are refused, one line; "" if the file is valid."""

    def __len__(self) -> int:
        self._refresh()
        return len(self._entries)

    def check(self, token: str) -> Identity | None:
        """Return a token's identity; None if it is unknown, revoked or expired, or while the file cannot be used."""
        self._refresh()
        if self.problem or len(token) > _LONGEST:
            return None
        asked, found = token_file.digest(token), None
        for entry in self._entries:  # always compare all of them, so that timing reveals nothing
            if hmac.compare_digest(entry.hash, asked):
                found = entry
        if found is None or found.is_expired(self._clock.wall_ns()):
            return None
        return _identity(found)

    def is_valid(self, identity: Identity) -> bool:
        """Return whether a connected client may stay: False once its token was revoked or replaced, or has expired."""
        self._refresh()
        for entry in self._entries:
            if entry.hash == identity.hash:
                return not entry.is_expired(self._clock.wall_ns()) and _identity(entry) == identity
        return False

    def _refresh(self) -> None:
        now = self._clock.monotonic_ns()
        if now - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now
        seen = stamp(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._entries, self.problem = token_file.read(self._path), ""
        except FlowError as error:
            self.problem = str(error)
            self._log.error("tokens cannot be used", extra={"reason": self.problem})
        else:
            self._log.info("tokens read", extra={"tokens": len(self._entries)})


def _identity(entry: TokenEntry) -> Identity:
    return Identity(entry.name, frozenset(entry.scopes), entry.hash)
