"""Optional capabilities of feeds; the engine's loop checks whether a feed implements them."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from flow_gl.runtime.recovered import Recorded


@runtime_checkable
class Paced(Protocol):
    """A feed whose speed can be changed."""

    def set_speed(self, speed: float) -> None:
        """Set the speed, event seconds per second. Raises UsageError if it is out of range."""


@runtime_checkable
class Retriable(Protocol):
    """A feed that can retry at once on request."""

    def retry(self) -> None:
        """Reconnect at once, after a fatal error or during a pause."""


@runtime_checkable
class Extensible(Protocol):
    """A feed to which symbols can be added while it runs."""

    def add(self, symbol: str) -> None:
        """Request a symbol. Its name and its trades from the session's open arrive as items. Raises UsageError."""

    def release(self, symbol: str) -> None:
        """Note that a symbol has no chart any more. Its trades still come; `add` asks for its session again."""

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the symbols that cannot be delivered, with a reason of one line."""


@runtime_checkable
class Resumable(Protocol):
    """A feed that begins with the session's earlier recording."""

    def resume(self, recorded: Callable[[], Recorded | None]) -> None:
        """Begin with a recording.

        Parameters
        ----------
        recorded : returns the recording, or None while it is still being read
        """


@runtime_checkable
class HasHistory(Protocol):
    """A feed that begins with earlier sessions."""

    def is_history(self) -> bool:
        """Return whether the items of the last poll belong to earlier sessions and are therefore recorded already."""
