"""The gap of a lost connection, and what remains of it if the replay cannot fill it."""

from enum import Enum, auto

from flow_gl.core.items import FeedGap
from flow_gl.feed.live.hours import Hours


class ReplayExtent(Enum):
    """The extent of the replay that a new connection must request."""

    WANTED = auto()
    EVERYTHING = auto()
    """All that the gateway has, because the requested start is older than its memory."""
    NOTHING = auto()
    """No replay, because the gateway refuses that too."""


class Gap:
    """The time range with missing trades; at most one at a time.

    Parameters
    ----------
    hours : the exchange's hours; nothing is missing while it is closed
    """

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._start: int | None = None
        self._missing_from = 0  # start of the part that is still missing
        self._holes: list[tuple[int, int]] = []  # ranges that can no longer be filled
        self._is_first = True
        self.extent = ReplayExtent.WANTED
        self.is_lost = False
        """Part of the session is permanently missing."""
        self.known_from = 0
        """Event time (ns) from which everything except the gap was received; 0 before the first connection."""

    def open(self, *, asked_from: int | None, first_ts: int, known_until: int, wanted_from: int) -> FeedGap | None:
        """Open a gap when a connection is lost, live or during its replay. Parameters as for `close`.

        Returns
        -------
        The gap, if it is new; None if it was reported already
        """
        if not known_until:
            return None
        is_new = self._start is None
        if first_ts and not is_new:
            self._holes += self._hours.open_between(self._missing_from, asked_from or first_ts)
        elif first_ts and self._is_first and self._is_cut_short(asked_from):
            self._holes += self._hours.open_between(wanted_from, asked_from or first_ts)
        if first_ts:
            if self._is_first:
                self.known_from = asked_from or first_ts
            self._is_first = False
        if first_ts or is_new:
            self._missing_from = known_until
        if not is_new:
            return None
        self._start = known_until
        return FeedGap(known_until)

    def reach_further(self) -> None:
        """Request more next time, because the gateway does not replay as far back as it was asked to."""
        self.extent = ReplayExtent.EVERYTHING if self.extent is ReplayExtent.WANTED else ReplayExtent.NOTHING

    def close(self, *, asked_from: int | None, first_ts: int, known_until: int, wanted_from: int) -> list[FeedGap]:
        """Close the gap at the end of a replay.

        Parameters
        ----------
        asked_from : start of the replay requested, ns; 0 for everything, None for no replay
        first_ts : `ts_event` of the first trade received, ns; 0 for none
        known_until : event time up to which everything was received, ns
        wanted_from : start of the session, ns

        Returns
        -------
        The filled gap, or what remains of it in open hours; empty if nothing was missing
        """
        begins = asked_from or first_ts or known_until
        start, self._start = self._start, None
        remains, self._holes = self._holes, []
        if start is not None:
            remains += self._hours.open_between(self._missing_from, begins)
        elif self._is_first and self._is_cut_short(asked_from):
            remains += self._hours.open_between(wanted_from, begins)
        if self._is_first:
            self.known_from = begins
        if remains:
            self.known_from = remains[-1][1]
        self._is_first = False
        self.extent = ReplayExtent.WANTED
        self.is_lost = self.is_lost or bool(remains)
        notices = [FeedGap(*stretch) for stretch in remains]
        if start is not None and all(notice.start != start for notice in notices):
            notices.insert(0, FeedGap(start, known_until, filled=True))
        return notices

    def _is_cut_short(self, asked_from: int | None) -> bool:
        """Whether less may have been requested than is wanted."""
        return bool(asked_from) or self.extent is not ReplayExtent.WANTED
