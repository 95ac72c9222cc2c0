"""What a feed is: something that the engine asks, turn by turn, what has arrived.

A feed hands over items in the order in which they became known: batches of trades, and the rare notices between
them. It never calls back. Threads that it needs (the live client's) are its own affair.
"""

from dataclasses import dataclass
from typing import Protocol

from flow_gl.core.items import Item
from flow_gl.core.schema import FeedState


@dataclass(frozen=True, slots=True)
class FeedClock:
    """Event time as a function of wall time: `anchor_event + (wall - anchor_wall) * rate`; rate 0 stands still."""

    anchor_wall: int
    anchor_event: int
    rate: float


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """Where a feed stands, for the header and the feed panel."""

    state: FeedState
    message: str = ""
    """One line for the user: damage found, an error, what is awaited."""
    progress: float = float("nan")
    speed: float = 1.0
    attempt: int = 0
    retry_at: int = 0
    lost: int = 0
    """Records known to be lost."""
    dataset: str = ""
    source: str = ""
    next_open: int = 0
    """When the exchange opens again, ns; 0 while it is open, and where that is not known."""
    not_found: tuple[str, ...] = ()
    """Symbols that were asked for and that the source does not know."""
    known_until: int = 0
    """Event time (ns) up to which everything has been handed over: no record before it can still come, not even
    after a reconnection. A live feed takes it from its newest record or heartbeat. 0: the feed does not say."""
    known_from: int = 0
    """Event time (ns) from which on everything was or will be handed over. 0: the feed does not say."""


class Feed(Protocol):
    """A source of trades."""

    def start(self) -> None:
        """Open it. Raises FlowError (one clear line) where it cannot."""

    def poll(self, wall_ns: int) -> list[Item]:
        """Hand over what has arrived by now; never waits longer than a few milliseconds. [] where nothing has."""

    def clock(self) -> FeedClock:
        """The event clock in force: live 1:1 with the wall, replay at its speed, standing once ended."""

    def status(self) -> FeedStatus: ...

    def is_ended(self) -> bool:
        """No item will come any more."""

    def close(self) -> None:
        """Let go of files, threads, connections. Idempotent."""
