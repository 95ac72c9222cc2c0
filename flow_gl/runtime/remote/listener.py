"""The receiver of a connection's events, the same for a server and a bus."""

from typing import Protocol

from flow_gl.protocol.frames import Rows
from flow_gl.protocol.messages import Connected, Error, Status


class Listener(Protocol):
    """Receives the events of a connection. All methods are called on the connection's thread."""

    def connected(self, message: Connected) -> None: ...

    def offered(self, symbols: tuple[str, ...]) -> None:
        """Handle the charts that there are, whether they are shown or not."""

    def status(self, message: Status) -> None: ...

    def rows(self, block: Rows) -> None: ...

    def refused(self, message: Error) -> None:
        """Handle the refusal of a command."""

    def silent(self, charts: frozenset[int]) -> None:
        """Handle that these charts, and no others, have no engine that publishes them now."""

    def lost(self, reason: str, attempt: int, delay_s: float) -> None:
        """Handle a lost connection or a failed attempt. The next attempt follows in `delay_s` seconds."""

    def stopped(self, reason: str) -> None:
        """Handle an error that retrying cannot fix: no attempt is made until the user requests one (`retry`)."""
