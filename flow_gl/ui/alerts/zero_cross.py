"""Selects the CVD zero cross that the header shows, from the ring of events. Also works while the chart is paused."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.schema import EventKind
from flow_gl.store.market import MarketReader

SHOWN_EVENT_S: Final = 60.0
"""How long a cross stays in the header, in event time."""
SHOWN_WALL_S: Final = 8.0
"""Minimum time a new cross stays in the header, in wall time, for fast replays."""
PULSE_S: Final = 1.5
_TAIL: Final = 1024
"""Newest events that are looked at; other kinds are among them."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A recent zero cross."""

    ts_event: int
    price: int
    direction: int
    """+1: CVD crossed zero upwards (bullish); -1: downwards (bearish)."""
    seen_ns: int
    """Wall time at which the view read it."""
    is_new: bool
    """Whether it occurred while the view was running, rather than in the history it opened with."""


class AlertWatch:
    """Watches one chart's events for zero crosses."""

    def __init__(self) -> None:
        self._market: MarketReader | None = None
        self._head = self._epoch = 0
        self._badge: Badge | None = None

    def look(self, market: MarketReader, *, wall_ns: int, event_ns: int) -> Badge | None:
        """Return the cross to show now, or None. Reads only new events."""
        log = market.store.events
        head, epoch = log.head, log.in_force.epoch
        is_first = market is not self._market or epoch != self._epoch
        if is_first:
            self._market, self._head, self._badge, self._epoch = market, 0, None, epoch
        if head != self._head:
            _, rows = log.read(max(self._head, log.oldest, head - _TAIL), head)
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
