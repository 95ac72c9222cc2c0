"""Format numbers and times for headers, panels and tooltips. Times are in the exchange's zone (New York)."""

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, format_price, price_decimals
from flow_gl.layers.labels.words import signed_text

ZONE: Final = ZoneInfo("America/New_York")
ZONE_NAME: Final = "ET"
MINUS: Final = "\u2212"
"""Minus sign, as wide as the plus sign: with tabular figures, columns stay aligned."""
signed: Final = signed_text
NONE: Final = "\u2013"
"""Placeholder for a missing value."""


def decimals(tick_size: int) -> int:
    """Return the number of decimals of an instrument's prices from its tick size (1e-9 units); 2 if it is unknown."""
    return _decimals(tick_size) if tick_size > 0 else 2


_decimals = lru_cache(maxsize=64)(price_decimals)


def price(value: int, tick_size: int) -> str:
    """Format a price (1e-9 units) with the instrument's decimals and thousands separators. Exact: no float is used."""
    if value == UNDEF_PRICE:
        return NONE
    return format_price(value, decimals(tick_size)).replace("-", MINUS)


def points(value: float, tick_size: int, *, extra: int = 0) -> str:
    """Format a computed price in points, such as VWAP, with at least two decimals."""
    if not math.isfinite(value):
        return NONE
    return number(value, max(2, decimals(tick_size)) + extra)


def number(value: float, places: int = 0) -> str:
    text = f"{abs(value):,.{places}f}"
    is_zero = not text.strip("0.,")
    return MINUS + text if value < 0 and not is_zero else text


def price_gap(value: int, tick_size: int) -> str:
    """Format a price difference (1e-9 units) with its sign."""
    text = price(value, tick_size)
    return f"+{text}" if value > 0 else text


@lru_cache(maxsize=512)
def _offset_ns(hour: int) -> int:
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZONE).utcoffset()
    return int(offset.total_seconds()) * SECOND_NS if offset else 0


def local_ns(t_ns: int) -> int:
    """Convert UTC nanoseconds to the exchange's local time. The zone's offset changes only on whole hours."""
    return t_ns + _offset_ns(t_ns // HOUR_NS)


def clock(t_ns: int, *, seconds: bool = True, milliseconds: bool = False) -> str:
    """Format the time of day at the exchange: 09:32:40."""
    of_day = local_ns(t_ns) % DAY_NS
    hour, rest = divmod(of_day, HOUR_NS)
    minute, rest = divmod(rest, MINUTE_NS)
    text = f"{hour:02d}:{minute:02d}"
    if not seconds:
        return text
    text += f":{rest // SECOND_NS:02d}"
    return f"{text}.{rest % SECOND_NS // 1_000_000:03d}" if milliseconds else text


def since(start_ns: int, now_ns: int) -> str:
    """Format a time: clock only within the last 24 hours, with the date if older. Fractions of a second are dropped."""
    text = clock(start_ns, seconds=start_ns // SECOND_NS % 60 != 0)
    return text if now_ns - start_ns < DAY_NS else f"{day(start_ns)} {text}"


def day(t_ns: int) -> str:
    """Format weekday and date at the exchange: Fri 28 Nov 2025."""
    moment = datetime.fromtimestamp(local_ns(t_ns) // SECOND_NS, UTC)
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def age(seconds: float) -> str:
    """Format an age: 0.2 s, 14 s, 3:05 min, 2:10 h."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d} h" if hours < 48 else f"{hours / 24:.0f} days"


def span(seconds: float) -> str:
    """Format the length of a bucket or a span: 0.5 s, 8 s, 17 min, 2.3 h."""
    for unit, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit or seconds == unit:
            count = seconds / unit
            word = "day" if name == "days" and count == 1 else name
            return f"{count:.0f} {word}" if count >= 10 or count == int(count) else f"{count:.1f} {word}"
    return f"{seconds:.0f} s" if seconds == int(seconds) or seconds >= 10 else f"{seconds:.3g} s"


@lru_cache(maxsize=16)
def speed(value: float) -> str:
    """Format a replay speed: x10, x0.5, max."""
    return "max" if math.isinf(value) else f"x{value:,.10g}"


def megabytes(nbytes: float) -> str:
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 1e5 else f"{nbytes / 1e3:.1f} kB"
