"""Trading sessions of the exchange: open, close, regular hours and trade date.

The calendar is `CME_Equity` of pandas_market_calendars (holidays, early closes), with its known errors corrected
(`calendar_fixes`). It imports pandas, so each year's sessions are computed once and cached as JSON in the user's cache
folder, under the package's version; later starts only read them. Times are int64 nanoseconds since the epoch, UTC; the
time zone's rules come from the calendar and `zoneinfo`.

The market takes precedence over the calendar: a trade outside every session opens an unscheduled session for its Globex
day, 18:00 to 17:00 ET, and is never assigned to a session that has ended (`SessionCalendar.session_of_trade`).
"""

import bisect
import datetime as dt
import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from flow_gl.core.errors import DataError
from flow_gl.core.market.calendar_fixes import GLOBEX_OPEN, ZONE, local_ns, mended, number
from flow_gl.core.system.files import write_whole
from flow_gl.core.system.folders import cache_dir
from flow_gl.core.units import SECOND_NS

CALENDAR: Final = "CME_Equity"
RTH_OPEN: Final = dt.time(9, 30)
RTH_CLOSE: Final = dt.time(16, 0)
GLOBEX_CLOSE: Final = dt.time(17, 0)
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100
_PACKAGE: Final = "pandas_market_calendars"


@dataclass(frozen=True, slots=True)
class Session:
    """One session, `open <= ts < close`; times in ns."""

    open: int
    close: int
    rth_open: int
    rth_close: int
    """16:00 ET, or the session's close if that is earlier."""
    trade_date: int
    """Date of the close, YYYYMMDD."""
    next_open: int
    """Open of the next session in the calendar."""
    is_scheduled: bool = True
    """False if the calendar has no session at that time, but something traded."""


class SessionCalendar:
    """The sessions of an exchange calendar, loaded year by year when needed. Threads may share one.

    Parameters
    ----------
    cache : folder of the cached years; None uses the user's cache folder
    """

    def __init__(self, *, cache: Path | None = None) -> None:
        self._cache = cache if cache is not None else cache_dir() / "sessions"
        self._known: tuple[frozenset[int], list[list[int]], list[int]] = (frozenset(), [], [])
        """The loaded years, their sessions, and the sessions' opens; replaced as a whole, never changed."""

    def session_at(self, ts: int) -> Session:
        """Return the calendar's session at `ts` (ns), or the previous one in closed hours.

        Raises DataError outside the years 1990 to 2100.
        """
        year = _year_of(ts)
        if not FIRST_YEAR < year < LAST_YEAR:
            raise DataError(f"session calendar: expected a time in {FIRST_YEAR + 1}..{LAST_YEAR - 1}, was {ts} ns")
        sessions, opens = self._need(year - 1, year, year + 1)
        at = bisect.bisect_right(opens, ts) - 1
        opened, close, rth_open, rth_close, trade_date = sessions[at]
        return Session(opened, close, rth_open, rth_close, trade_date, opens[at + 1])

    def session_of_trade(self, ts: int) -> Session:
        """Return the session of a trade at `ts` (ns): the calendar's, or else an unscheduled one.

        An unscheduled session is the part of the Globex day (18:00 to 17:00 ET) in which the calendar has no session. A
        trade in the hour before 18:00 belongs to the day that opens next.

        Raises
        ------
        DataError
            The time lies outside the years 1990 to 2100.
        """
        session = self.session_at(ts)
        if ts < session.close:
            return session
        local = dt.datetime.fromtimestamp(ts // SECOND_NS, ZONE)
        day = local.date() if local.time() < GLOBEX_CLOSE else local.date() + dt.timedelta(days=1)
        before = day - dt.timedelta(days=1)
        opened = local_ns(before, GLOBEX_OPEN)
        opened = opened if ts >= opened else local_ns(before, GLOBEX_CLOSE)
        close = min(local_ns(day, GLOBEX_CLOSE), session.next_open)
        rth_open = local_ns(day, RTH_OPEN)
        rth_close = min(local_ns(day, RTH_CLOSE), close)
        opened = max(opened, session.close)
        return Session(opened, close, rth_open, rth_close, number(day), session.next_open, is_scheduled=False)

    def is_open(self, ts: int) -> bool:
        """Return whether the exchange is open at `ts` (ns)."""
        session = self.session_at(ts)
        return session.open <= ts < session.close

    def closed_between(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the intervals of [start, end) (ns) in which the exchange is closed, in order."""
        stretches = []
        session = self.session_at(start)
        while session.close < end:
            stretches.append((max(start, session.close), min(end, session.next_open)))
            if session.next_open >= end:
                break
            session = self.session_at(session.next_open)
        return stretches

    def closed_between_trades(self, start: int, end: int, *, is_end_traded: bool = True) -> list[tuple[int, int]]:
        """Return what `closed_between` returns, without the unscheduled sessions of the two times.

        Parameters
        ----------
        start, end : times of a trade and the next one, ns
        is_end_traded : False if there is no trade at `end`
        """
        stretches = self.closed_between(start, end)
        for ts in (start, end) if is_end_traded else (start,):
            session = self.session_of_trade(ts)
            if not session.is_scheduled:
                stretches = [
                    piece
                    for closed, opened in stretches
                    for piece in ((closed, min(opened, session.open)), (max(closed, session.close), opened))
                    if piece[0] < piece[1]
                ]
        return stretches

    def _need(self, *years: int) -> tuple[list[list[int]], list[int]]:
        """Return sessions, of these years among others, and their opens, in order."""
        known, sessions, opens = self._known
        missing = [year for year in years if year not in known]
        if missing:
            sessions = sorted(sessions + [row for year in missing for row in mended(self._load(year), year)])
            opens = [session[0] for session in sessions]
            self._known = (known.union(missing), sessions, opens)
        return sessions, opens

    def _load(self, year: int) -> list[list[int]]:
        path = self._cache / f"{CALENDAR}-{_package_version()}-{year}.json"
        with suppress(OSError, ValueError):
            rows = json.loads(path.read_text(encoding="ascii"))
            if _is_plausible(rows):
                return list(rows)
        rows = _compute(year)
        with suppress(OSError):  # without a cache, the next start is only slower
            write_whole(path, json.dumps(rows).encode("ascii"))
        return rows


def next_time_of_day(ts: int, times: tuple[dt.time, ...]) -> int:
    """Return the first instant after `ts` (ns) at which a New York clock shows one of `times`, in ns."""
    day = dt.datetime.fromtimestamp(ts // SECOND_NS, ZONE).date()
    moments = (local_ns(day + dt.timedelta(days=days), time) for days in range(3) for time in times)
    return min(moment for moment in moments if moment > ts)


def _year_of(ts: int) -> int:
    # Times of damaged records may be beyond the range of datetime; the mean length of a year is accurate enough.
    return 1970 + int(ts // (31_556_952 * SECOND_NS))


def _package_version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "none"


def _is_plausible(rows: object) -> bool:
    return (
        isinstance(rows, list)
        and len(rows) > 200
        and all(isinstance(row, list) and len(row) == 5 and all(type(word) is int for word in row) for row in rows)
    )


def _compute(year: int) -> list[list[int]]:
    """Compute the sessions whose trade date lies in a year from the calendar."""
    import pandas_market_calendars

    calendar = pandas_market_calendars.get_calendar(CALENDAR)
    schedule = calendar.schedule(f"{year}-01-01", f"{year}-12-31")
    opens = schedule["market_open"].astype("datetime64[ns, UTC]").astype("int64")
    closes = schedule["market_close"].astype("datetime64[ns, UTC]").astype("int64")
    rows = []
    for date, opened, close in zip(schedule.index, opens, closes, strict=True):
        day = date.date()
        rth_open = local_ns(day, RTH_OPEN)
        rth_close = min(local_ns(day, RTH_CLOSE), int(close))
        rows.append([int(opened), int(close), rth_open, rth_close, number(day)])
    return rows
