"""Which CVD zero cross the header still shows. Read from the events' ring, also while the picture is paused."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.schema import EventKind
from flow_gl.store.market import MarketReader

SHOWN_EVENT_S: Final = 60.0
"""A cross stays in the header for so long of event time, and ..."""
SHOWN_WALL_S: Final = 8.0
"""... for so long of wall time at least, where a replay runs fast."""
PULSE_S: Final = 1.5
_TAIL: Final = 64


@dataclass(frozen=True, slots=True)
class Badge:
    """A recent zero cross."""

    ts_event: int
    price: int
    direction: int
    """+1: CVD came from below, bullish."""
    seen_ns: int
    """Wall time at which the view learnt of it."""
    is_new: bool
    """It came while the view was watching."""


class AlertWatch:
    """Watches one chart's events."""

    def __init__(self) -> None:
        self._market: MarketReader | None = None
        self._head = 0
        self._badge: Badge | None = None

    def look(self, market: MarketReader, *, wall_ns: int, event_ns: int) -> Badge | None:
        """The cross to show now, if there is one. Reads only what is new."""
        ring = market.store.events
        head = ring.head
        is_first = market is not self._market
        if is_first:
            self._market, self._head, self._badge = market, 0, None
        if head != self._head:
            _, rows = ring.read(max(self._head, head - _TAIL), head)
            self._head = head
            for row in rows[::-1]:
                if int(row["kind"]) == EventKind.ZERO_CROSS:
                    self._badge = Badge(
                        ts_event=int(row["ts_event"]),
                        price=int(row["price"]),
                        direction=int(row["direction"]),
                        seen_ns=wall_ns,
                        is_new=not is_first,
                    )
                    break
        badge = self._badge
        if badge is None:
            return None
        is_recent = 0 <= event_ns - badge.ts_event < SHOWN_EVENT_S * 1e9
        is_just_seen = badge.is_new and wall_ns - badge.seen_ns < SHOWN_WALL_S * 1e9
        return badge if is_recent or is_just_seen else None
