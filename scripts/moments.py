"""Find when the demo's marks appear, so that pictures of them are taken while they are in view.

The demo's trades depend on its seed alone. The search aggregates them as fast as possible, without a window, and looks
for the first event of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from flow_gl.core import items
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.spec import DemoSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.synthetic.demo import HISTORY_S, OPEN_NS, SyntheticFeed

LIVE_NS = OPEN_NS + int(HISTORY_S * SECOND_NS)
"""The demo's live moment: what is earlier is history when the program starts."""
LIMIT_S = 600.0


class NotFoundError(Exception):
    """The demo has no such event within the limit."""


@dataclass(frozen=True)
class Moment:
    """An event that a picture shows.

    Attributes
    ----------
    symbol : whose chart it is on, as the demo names it
    t_ns : when it became known, ns
    """

    symbol: str
    t_ns: int

    @property
    def live_s(self) -> float:
        """Seconds from the live moment to the event."""
        return (self.t_ns - LIVE_NS) / SECOND_NS


def find_moments(
    sought: Mapping[str, tuple[EventKind, str]], spec: DemoSpec, *, limit_s: float = LIMIT_S
) -> dict[str, Moment]:
    """Return the first event after the live moment for each picture.

    Parameters
    ----------
    sought : by picture, the kind of its event and the symbol on whose chart it should be; another chart's event is
        taken if there is none
    limit_s : event seconds that are searched

    Raises
    ------
    NotFoundError : a kind has no event
    """
    charts: dict[int, Collector] = {}
    pipeline = Pipeline(sessions=SessionCalendar(), sink_for=lambda one: charts.setdefault(one, Collector()))
    feed = SyntheticFeed(msgspec.structs.replace(spec, length_s=limit_s, speed=None))
    symbols: dict[int, str] = {}
    while not feed.is_ended():
        for item in feed.poll(1):
            pipeline.take(item)
            if isinstance(item, items.Mapping):
                symbols[item.instrument_id] = item.requested.partition(".")[0]
    pipeline.advance(LIVE_NS + int(limit_s * SECOND_NS))
    events = [(symbols[one], row) for one, chart in charts.items() for row in chart.event_rows()]
    found = {}
    for picture, (kind, symbol) in sought.items():
        ours = [(one != symbol, int(row["ts_event"]), one) for one, row in events if row["kind"] == kind]
        first = min((one for one in ours if one[1] > LIVE_NS), default=None)
        if first is None:
            raise NotFoundError(f"the demo has no {kind.name.lower()} within {limit_s:g} s")
        found[picture] = Moment(first[2], first[1])
    return found
