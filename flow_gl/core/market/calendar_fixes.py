"""Corrections of errors in the calendar `CME_Equity` of pandas_market_calendars.

Sources: CME Group's notices and holiday calendars for equity index futures.

- National days of mourning (2018-12-05 for G. H. W. Bush, 2025-01-09 for J. Carter): no regular hours, Globex traded
  from 18:00 until 09:30 ET. The calendar has no session.
- Good Friday: Globex opens only where the monthly employment report falls on it, which is the first Friday of the
  month, and closes at 09:15 ET (2010, 2012, 2015, 2021, 2023, 2026). Otherwise it is closed all day (2024-03-29,
  2025-04-18). The calendar opens until 09:15 in every year from 2023 on.
- Half days of the stock exchange (the day after Thanksgiving, 24 December, 3 July): it closes at 13:00 ET, the futures
  15 minutes later. The calendar closes both at 13:00. On holidays that fall on a weekday (Thanksgiving, 4 July and the
  others) the futures do close at 13:00.
"""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from flow_gl.core.units import MINUTE_NS, SECOND_NS

ZONE: Final = ZoneInfo("America/New_York")
GLOBEX_OPEN: Final = dt.time(18, 0)
SHORT_DAYS: Final = {dt.date(2018, 12, 5): dt.time(9, 30), dt.date(2025, 1, 9): dt.time(9, 30)}
"""Trading days missing from the calendar, with their closing time in New York."""
_RTH_OPEN: Final = dt.time(9, 30)
_GOOD_FRIDAY_CLOSE: Final = dt.time(9, 15)
_HALF_DAY_CLOSE: Final = dt.time(13, 0)
_AFTER_STOCKS_NS: Final = 15 * MINUTE_NS
_FIRST_WEEK: Final = 7

Row = list[int]
"""Open, close, open and close of regular hours (ns), trade date (YYYYMMDD)."""


def mended(rows: list[Row], year: int) -> list[Row]:
    """Correct the calendar's sessions of one year.

    Parameters
    ----------
    rows : the year's sessions, by trade date
    year : the year of their trade dates
    """
    known = {row[4] for row in rows}
    added = [
        _short_day(day, close) for day, close in SHORT_DAYS.items() if day.year == year and number(day) not in known
    ]
    return sorted([_with_close(row) for row in rows if not _is_closed_good_friday(row)] + added)


def number(day: dt.date) -> int:
    """Return a date as YYYYMMDD."""
    return day.year * 10_000 + day.month * 100 + day.day


def date_of(trade_date: int) -> dt.date:
    """Return a trade date (YYYYMMDD) as a date."""
    return dt.date(trade_date // 10_000, trade_date // 100 % 100, trade_date % 100)


def local_ns(day: dt.date, time: dt.time) -> int:
    """Return a New York time as ns since the epoch, UTC."""
    return int(dt.datetime.combine(day, time, ZONE).timestamp()) * SECOND_NS


def _short_day(day: dt.date, close: dt.time) -> Row:
    opened, closed = local_ns(day - dt.timedelta(days=1), GLOBEX_OPEN), local_ns(day, close)
    return [opened, closed, local_ns(day, _RTH_OPEN), closed, number(day)]


def _closes_at(row: Row, time: dt.time) -> bool:
    return row[1] == local_ns(date_of(row[4]), time)


def _is_closed_good_friday(row: Row) -> bool:
    day = date_of(row[4])
    is_friday = day.weekday() == 4 and day.month in (3, 4)
    return is_friday and _closes_at(row, _GOOD_FRIDAY_CLOSE) and not (day.month == 4 and day.day <= _FIRST_WEEK)


def _with_close(row: Row) -> Row:
    day = date_of(row[4])
    is_half_day = (
        (day.month == 11 and day.weekday() == 4)
        or (day.month == 12 and day.day == 24)
        or (day.month == 7 and day.day == 3 and day.weekday() < 4)
    )
    if not is_half_day or not _closes_at(row, _HALF_DAY_CLOSE):
        return row
    return [row[0], row[1] + _AFTER_STOCKS_NS, *row[2:]]
