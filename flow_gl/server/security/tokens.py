"""Checks the tokens that clients send against the token file, which is read again when it changes.

If the file cannot be read any more (damaged, deleted, readable by others), nobody new is let in until it can: a mistake
must not open the door, and clients that are connected stay.
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
"""The file is looked at for changes at most this often."""
_LONGEST: Final = 512
"""A longer token is wrong without a look: it is text of any length from outside."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a client is, and what it may do."""

    name: str
    scopes: frozenset[Scope]
    hash: str = ""
    """Hash of its token; "" where none is asked for."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


ANYBODY: Final = Identity("local", frozenset(token_file.SCOPES))
"""Everybody, where no token is asked for: a server that only its own machine reaches, or one with --insecure."""


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
        """Why nobody new is let in, one line; "" if the file is in order."""

    def __len__(self) -> int:
        self._refresh()
        return len(self._entries)

    def check(self, token: str) -> Identity | None:
        """Return whose token this is; None if it is unknown, revoked or expired, or while the file is not in order."""
        self._refresh()
        if self.problem or len(token) > _LONGEST:
            return None
        asked, found = token_file.digest(token), None
        for entry in self._entries:  # all of them, so that the time tells nothing
            if hmac.compare_digest(entry.hash, asked):
                found = entry
        if found is None or found.is_expired(self._clock.wall_ns()):
            return None
        return _identity(found)

    def is_valid(self, identity: Identity) -> bool:
        """Return whether a connected client may stay: False once its token is revoked, changed or expired."""
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
