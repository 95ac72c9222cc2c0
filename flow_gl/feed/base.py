"""The feed protocol: the engine polls a feed for new items.

A feed hands over items in the order in which they became known: batches of trades, and the rare notices between them.
It never calls back. If it needs threads (as the live client does), it manages them itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flow_gl.core.items import Item, KnownSpan
from flow_gl.core.schema import FeedState


@dataclass(frozen=True, slots=True)
class FeedClock:
    """Event time as a function of wall time: `anchor_event + (wall - anchor_wall) * rate`. Times in ns."""

    anchor_wall: int
    anchor_event: int
    rate: float


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """A feed's state, for the header and the feed panel."""

    state: FeedState
    message: str = ""
    """One line for the user: damage found, an error, or the reason for waiting."""
    progress: float = float("nan")
    speed: float = 1.0
    attempt: int = 0
    retry_at: int = 0
    reconnects: int = 0
    """Connections that took over from a lost one, since the start."""
    lost: int = 0
    """Records known to be lost."""
    dataset: str = ""
    source: str = ""
    next_open: int = 0
    """When the exchange opens again, ns; 0 while it is open or if unknown."""
    not_found: tuple[str, ...] = ()
    """Requested symbols that the source does not know."""
    known_until: int = 0
    """Event time (ns) up to which everything has been handed over: no earlier record can still arrive, not even after a
    reconnection. A live feed takes it from its newest record or heartbeat. 0: unknown."""
    known_from: int = 0
    """Event time (ns) from which on everything was or will be handed over. 0: unknown."""
    known_spans: Mapping[int, KnownSpan] = field(default_factory=dict)
    """Instruments to which `known_from`, `known_until` and gaps of the whole feed do not apply, by id."""


class Feed(Protocol):
    """A source of trades."""

    def start(self) -> None:
        """Open the source. Raises FlowError with one clear line if that fails."""

    def poll(self, wall_ns: int) -> list[Item]:
        """Return the items that have arrived, [] if there are none. Never blocks longer than a few milliseconds."""

    def clock(self) -> FeedClock:
        """Return the current event clock: live 1:1 with the wall, in replay at its speed, stopped after the end."""

    def status(self) -> FeedStatus: ...

    def is_ended(self) -> bool:
        """Whether no further item will come."""

    def close(self) -> None:
        """Close files, threads and connections. Idempotent."""
