"""Regular hours of a session, and holidays, from dates alone: the view does not load the exchange's calendar."""

from datetime import date, time, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from flow_gl.core.market.calendar_fixes import date_of, local_ns
from flow_gl.core.sessions import RTH_CLOSE, RTH_OPEN

_FRIDAY: Final = 4
_HALF_DAY: Final = time(13, 0), time(13, 15)
"""On days with a close at 13:15, regular hours are those of stocks, which close at 13:00."""


def regular_hours(numbers: np.void) -> tuple[int, int] | None:
    """Return open and close (ns) of a session's regular hours: 09:30 to 16:00 ET, or to an earlier close.

    None without a calendar, in an unscheduled session, and where the session closes before.

    Parameters
    ----------
    numbers : SESSION record
    """
    number, close_ns = int(numbers["trade_date"]), int(numbers["close_ts"])
    if not number or not close_ns or numbers["unscheduled"]:
        return None
    opened, closed, half_day, futures_half_day = _hours(number)
    closed = half_day if close_ns == futures_half_day else min(closed, close_ns)
    return (opened, closed) if opened < close_ns else None


@lru_cache(maxsize=256)
def _hours(number: int) -> tuple[int, ...]:
    day = date_of(number)
    return tuple(local_ns(day, at) for at in (RTH_OPEN, RTH_CLOSE, *_HALF_DAY))


def holidays_between(last: date, following: date) -> list[date]:
    """Return the weekdays between two trade dates that follow each other: the exchange had no session then."""
    days = (last + timedelta(days=count) for count in range(1, (following - last).days))
    return [day for day in days if day.weekday() <= _FRIDAY]
