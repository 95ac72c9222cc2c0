"""What is missing while a connection is lost, and what stays missing when the replay cannot bring it."""

from enum import Enum, auto

from flow_gl.core.items import FeedGap
from flow_gl.feed.live.hours import Hours


class Reach(Enum):
    """How much a new connection is asked to replay."""

    WANTED = auto()
    EVERYTHING = auto()
    """What is wanted is older than the gateway's memory: all it has."""
    NOTHING = auto()
    """It refuses that too."""


class Gap:
    """The stretch that is missing; at most one at a time.

    Parameters
    ----------
    hours : when the exchange is closed nothing is missing
    """

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._start: int | None = None
        self._missing_from = 0  # what of it has come meanwhile is not missing any more
        self._holes: list[tuple[int, int]] = []  # of what has come, nobody has these stretches
        self._is_first = True
        self.reach = Reach.WANTED
        self.is_lost = False
        """A part of the session cannot be had any more."""
        self.known_from = 0
        """Event time (ns) from which on everything is in hand, apart from the gap; 0 before the first connection."""

    def open(self, *, asked_from: int | None, first_ts: int, known_until: int, wanted_from: int) -> FeedGap | None:
        """A connection is lost, live or in its replay; the same as for `close`. Nothing is told of a gap twice."""
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
        """The gateway does not replay as far back as it was asked to."""
        self.reach = Reach.EVERYTHING if self.reach is Reach.WANTED else Reach.NOTHING

    def close(self, *, asked_from: int | None, first_ts: int, known_until: int, wanted_from: int) -> list[FeedGap]:
        """The replay is over: what has become of the gap.

        Parameters
        ----------
        asked_from : from where it was asked for, ns; 0 for everything, None for nothing
        first_ts : first trade that came, ns; 0 for none
        known_until : everything up to here is in hand now, ns
        wanted_from : where the session begins, ns

        Returns
        -------
        The gap filled, or what remains of it while the exchange was open; nothing where nothing was missing
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
        self.reach = Reach.WANTED
        self.is_lost = self.is_lost or bool(remains)
        notices = [FeedGap(*stretch) for stretch in remains]
        if start is not None and all(notice.start != start for notice in notices):
            notices.insert(0, FeedGap(start, known_until, filled=True))
        return notices

    def _is_cut_short(self, asked_from: int | None) -> bool:
        """Less may have been asked for than is wanted."""
        return bool(asked_from) or self.reach is not Reach.WANTED
