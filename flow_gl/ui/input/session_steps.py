"""Steps to the previous and to the next session: its open comes to the left of the plot."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.units import EXCHANGE_ZONE
from flow_gl.layers.labels.session_names import session_names
from flow_gl.layers.sessions import sessions_of
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.axes import EDGE_SHARE, TimeAxis
from flow_gl.ui.state.timeline import Timeline

START_SHARE: Final = 0.04
"""Of the plot's width: there the open is shown."""
_NEAR_PX: Final = 3.0
"""A session whose open is this near to its place is the one that is shown."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """Event time at the live edge (ns), the plot's width, and what is folded."""

    event_ns: int
    width_px: float
    timeline: Timeline


def step(market: MarketReader, time: TimeAxis, direction: int, where: StepContext) -> str:
    """Show the session before (-1) or after (1) the one at the left of the plot. Returns the note for the user."""
    event_ns, width_px, timeline = where.event_ns, where.width_px, where.timeline
    if width_px <= 0.0 or not int(market.session["trade_count"]):
        return "no session yet"
    sessions = sessions_of(market)
    start_px = START_SHARE * width_px
    at_ns = [time.time_at(start_px + near, event_ns, width_px, timeline) for near in (-_NEAR_PX, _NEAR_PX)]
    if direction < 0:
        found = [one for one in sessions if one.start_ns < at_ns[0]]
        if not found:
            return "this is the oldest known session"
        shown = found[-1]
    else:
        found = [one for one in sessions if one.start_ns > at_ns[1]]
        if not found:
            time.follow()
            return "this is the newest session"
        shown = found[0]
    ahead_ns = int((EDGE_SHARE * width_px - start_px) * time.ns_per_px)
    time.go_to(timeline.folds.at(time.ns_per_px).shifted(shown.start_ns, ahead_ns), event_ns)
    names = session_names(shown, EXCHANGE_ZONE)
    return names[0] if names else "the first trade"
