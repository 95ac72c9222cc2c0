"""Conversion of prices, durations and times between integers and text.

Nothing here passes through a float: a price is an int64 in 1e-9 units, a time or a duration an int64 in nanoseconds,
and every digit that a user types is kept or rejected. Invalid input raises a UsageError that says what was expected and
what was given. Imports nothing heavy, because `flow-gl --help` needs it.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flow_gl.core.errors import UsageError

PRICE_SCALE: Final = 1_000_000_000
"""Price units in one point."""
UNDEF_PRICE: Final = 2**63 - 1
"""The price that means "none given"."""
SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS
EXCHANGE_ZONE: Final = "America/New_York"

_PRICE_DIGITS: Final = 9
_UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": SECOND_NS,
    "m": MINUTE_NS,
    "min": MINUTE_NS,
    "h": HOUR_NS,
    "d": DAY_NS,
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s|min|m|h|d)", re.ASCII)
_TIME: Final = re.compile(
    r"(?:(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?=\d)|$))?"
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?)?"
    r"(?P<offset>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


@lru_cache(maxsize=64)
def price_decimals(tick_size: int) -> int:
    """Return the number of decimals of a tick size's multiples: 0.25 -> 2, 0.1 -> 1, 1 -> 0, 1/32 -> 5.

    Parameters
    ----------
    tick_size : 1e-9 units; 0 (unknown) gives 2
    """
    if tick_size <= 0:
        return 2
    digits = _PRICE_DIGITS
    while digits and tick_size % 10 == 0:
        tick_size //= 10
        digits -= 1
    return digits


def format_price(price: int, decimals: int = 2) -> str:
    """Format a price with thousands separators: ``format_price(25_415_250_000_000)`` is ``"25,415.25"``.

    Parameters
    ----------
    price : 1e-9 units; UNDEF_PRICE gives "-"
    decimals : 0 to 9; further digits are rounded half to even
    """
    price = int(price)  # a NumPy integer could overflow
    if price == UNDEF_PRICE:
        return "-"
    unit = 10 ** (_PRICE_DIGITS - decimals)
    whole, rest = divmod(abs(price), unit)
    whole += 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    points, fraction = divmod(whole, 10**decimals)
    sign = "-" if price < 0 and whole else ""
    return f"{sign}{points:,}.{fraction:0{decimals}d}" if decimals else f"{sign}{points:,}"


def price_from_text(text: str) -> int:
    """Parse a decimal price exactly: ``"25415.25"`` is 25_415_250_000_000. Raises UsageError."""
    try:
        scaled = Decimal(text.replace(",", "")) * PRICE_SCALE
        price = int(scaled)
    except (ArithmeticError, ValueError):
        raise UsageError(f"expected a price like 25415.25, got {text!r}") from None
    if price != scaled or not -UNDEF_PRICE < price < UNDEF_PRICE:
        raise UsageError(f"expected a price with at most 9 decimals, below 9.2 billion, got {text!r}")
    return price


def format_time(ts_ns: int, *, zone: str = EXCHANGE_ZONE, decimals: int = 0) -> str:
    """Format a time with its date and zone: ``2025-11-28 09:30:00 EST``.

    Parameters
    ----------
    ts_ns : ns since the epoch, UTC
    decimals : digits of the second's fraction, 0 to 9 (cut, not rounded: a label never names a later moment)
    """
    seconds, nanoseconds = divmod(int(ts_ns), SECOND_NS)
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
    fraction = f".{nanoseconds:09d}"[: decimals + 1] if decimals else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {moment:%Z}"


def format_duration(duration_ns: int) -> str:
    """Format a duration exactly in the largest unit that divides it: ``1s``, ``500ms``, ``90s``, ``10m``."""
    for unit in ("h", "m", "s", "ms", "us"):
        if duration_ns and duration_ns % _UNITS_NS[unit] == 0:
            return f"{duration_ns // _UNITS_NS[unit]}{unit}"
    return f"{duration_ns}ns"


def parse_duration_ns(text: str, *, low_ns: int = 1, high_ns: int = 366 * DAY_NS, name: str = "duration") -> int:
    """Parse ``500ms``, ``1s``, ``1.5s``, ``10m``, ``1h`` (also ns, us, min, d).

    Parameters
    ----------
    low_ns, high_ns : allowed range, both ends included
    name : name of the value in error messages

    Raises
    ------
    UsageError
        Not a duration, finer than a nanosecond, or out of range.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}: expected a number with its unit, like 500ms, 1s, 10m or 1h, got {text!r}")
    number = Decimal(match[1]) * _UNITS_NS[match[2]]
    if number != number.to_integral_value():
        raise UsageError(f"{name}: expected a whole number of nanoseconds, got {text!r}")
    if not low_ns <= number <= high_ns:
        allowed = f"{format_duration(low_ns)} to {format_duration(high_ns)}"
        raise UsageError(f"{name}: expected {allowed}, got {text!r}")
    return int(number)


def parse_time_ns(text: str, *, after_ns: int | None = None, zone: str = EXCHANGE_ZONE) -> int:
    """Parse a moment: ``09:30``, ``09:30:15.5``, ``2025-11-28``, ``2025-11-28T14:30``, also with ``Z`` or ``-05:00``.

    Parameters
    ----------
    after_ns : a time of day without a date means its first occurrence at or after this time. A replay passes the time
        of its first trade, so that in a session that opened at 18:00, 09:30 means the next morning
    zone : time zone of times without an offset

    Raises
    ------
    UsageError
        Not a time, a time of day where no day is known, or a time that the zone's clocks skip.
    """
    stripped = text.strip()
    match = _TIME.fullmatch(stripped)
    if match is None or not (match["date"] or match["hour"]):
        raise UsageError(f"expected a time like 09:30 or 2025-11-28T14:30, got {text!r}")
    fraction_ns = int((match["fraction"] or "").ljust(9, "0"))
    clock = (int(match["hour"] or 0), int(match["minute"] or 0), int(match["second"] or 0))
    try:
        place = _zone(match["offset"], zone)
        if match["date"]:
            day = date.fromisoformat(match["date"])
            return _moment_ns(day, clock, place, text) + fraction_ns
        if after_ns is None:
            raise UsageError(f"expected a time with its date, like 2025-11-28T09:30, got {text!r}")
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=after_ns // SECOND_NS)).astimezone(place).date()
        moment = _moment_ns(day, clock, place, text) + fraction_ns
        if moment < after_ns:
            moment = _moment_ns(day + timedelta(days=1), clock, place, text) + fraction_ns
        return moment
    except (ValueError, OverflowError) as error:
        raise UsageError(f"expected a time like 09:30 or 2025-11-28T14:30, got {text!r}: {error}") from None


def _zone(offset: str | None, zone: str) -> tzinfo:
    if offset is None:
        try:
            return ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UsageError(f"expected a time zone like {EXCHANGE_ZONE}, got {zone!r}") from None
    if offset == "Z":
        return UTC
    away = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return timezone(-away if offset[0] == "-" else away)


def _moment_ns(day: date, clock: tuple[int, int, int], place: tzinfo, text: str) -> int:
    moment = datetime(day.year, day.month, day.day, *clock, tzinfo=place)
    utc = moment.astimezone(UTC)
    if utc.astimezone(place).replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise UsageError(f"{text!r}: the clocks of {place} skip this time on {day}")
    since = utc - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS
