"""What is missing while a connection is lost, and what stays missing when the replay cannot bring it."""

from enum import Enum, auto

from flow_gl.feed.base import FeedGap
from flow_gl.feed.live_hours import Hours


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
        self._is_first = True
        self.reach = Reach.WANTED
        self.is_lost = False
        """A part of the session cannot be had any more."""

    def open(self, known_until: int) -> FeedGap | None:
        """The connection is lost: everything after `known_until` (ns) is missing; 0 where nothing was known yet."""
        if self._start is not None or not known_until:
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
        is_cut_short = bool(asked_from) or self.reach is not Reach.WANTED
        start, self._start = self._start, None
        missing_from = wanted_from if start is None and self._is_first and is_cut_short else start
        self._is_first = False
        self.reach = Reach.WANTED
        remains = [] if missing_from is None else self._hours.open_between(missing_from, begins)
        self.is_lost = self.is_lost or bool(remains)
        notices = [FeedGap(*stretch) for stretch in remains]
        if start is not None and all(notice.start != start for notice in notices):
            notices.insert(0, FeedGap(start, known_until, filled=True))
        return notices
