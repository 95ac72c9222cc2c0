"""The exchange's hours, and the time from which the live feed requests trades."""

from typing import Final

from flow_gl.core.errors import UsageError
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import DAY_NS, MINUTE_NS

MEMORY_NS: Final = DAY_NS
"""How far back the gateway replays."""
_MARGIN_NS: Final = MINUTE_NS
"""Safety margin at the end of the gateway's memory: connecting takes time, and clocks differ."""


class Hours:
    """The start of the requested trades.

    Parameters
    ----------
    start : "session open", ns since the epoch, or None for live data only
    calendar : None: the exchange's
    """

    def __init__(self, start: int | str | None = "session open", *, calendar: SessionCalendar | None = None) -> None:
        if isinstance(start, str) and start != "session open":
            raise UsageError(f'start: expected "session open", a time in ns or None, got "{start}"')
        self._start: Final = start
        self._calendar: Final = calendar if calendar is not None else SessionCalendar()

    @property
    def is_live_only(self) -> bool:
        return self._start is None

    def origin(self, wall_ns: int) -> int:
        """Return the `ts_event` from which trades are wanted, ns; now, if only live data are wanted."""
        if self._start is None:
            return wall_ns
        if isinstance(self._start, int):
            return self._start
        return self._calendar.session_at(wall_ns).open

    def session_open(self, wall_ns: int) -> int:
        """Return when the session at this time opened, ns."""
        return self._calendar.session_at(wall_ns).open

    def is_open(self, wall_ns: int) -> bool:
        """Return whether the exchange is open."""
        return self._calendar.is_open(wall_ns)

    def next_open(self, wall_ns: int) -> int:
        """Return when the next session opens, ns."""
        return self._calendar.session_at(wall_ns).next_open

    def open_between(self, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Return the parts of [start, end) in which the exchange is open, ns, in order."""
        if start_ns >= end_ns:
            return []
        edges = [start_ns]
        for closed, opened in self._calendar.closed_between(start_ns, end_ns):
            edges += [closed, opened]
        edges.append(end_ns)
        return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def replayable_from(wanted_ns: int, wall_ns: int) -> int:
    """Return the earliest time from the wanted one on from which the gateway can still replay, ns."""
    return max(wanted_ns, wall_ns - MEMORY_NS + _MARGIN_NS)
