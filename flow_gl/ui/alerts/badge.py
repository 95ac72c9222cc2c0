"""The newest alert, as the header shows it."""

from dataclasses import dataclass
from typing import Final

SHOWN_EVENT_S: Final = 60.0
"""How long an alert stays in the header, in event time."""
SHOWN_WALL_S: Final = 8.0
"""Minimum time a new alert stays in the header, in wall time, for fast replays."""
PULSE_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class Badge:
    """A recent alert of a rule that flashes."""

    text: str
    """The alert's text; the time is added."""
    ts_event: int
    direction: int
    """+1 bullish, -1 bearish, 0 neither."""
    seen_ns: int
    """Wall time at which the view read it."""
    is_new: bool
    """Whether it fired while the view was running, rather than in the history it opened with."""

    def is_shown(self, wall_ns: int, event_ns: int) -> bool:
        """Return whether the header shows it at a wall time and an event time, ns."""
        is_recent = 0 <= event_ns - self.ts_event < SHOWN_EVENT_S * 1e9
        return is_recent or (self.is_new and wall_ns - self.seen_ns < SHOWN_WALL_S * 1e9)
