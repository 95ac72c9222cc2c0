"""Numbers and lengths of time as they are written on the chart."""

from functools import lru_cache
from typing import Final

from flow_gl.core.units import format_price, price_decimals

MINUS: Final = "\u2212"
_SECOND: Final = 1_000_000_000


@lru_cache(maxsize=4096)
def price_text(price: int, tick_size: int) -> str:
    """A price in 1e-9 units with the instrument's decimals and thousands separators."""
    return format_price(price, price_decimals(tick_size)).replace("-", MINUS)


@lru_cache(maxsize=4096)
def contracts_text(count: int) -> str:
    """Whole contracts with thousands separators: 1,250."""
    return f"{count:,}".replace("-", MINUS)


def length_text(length_ns: int) -> str:
    """A length of time in its two largest units: 42 s, 3 min 20 s, 10 h 46 min, 2 d 3 h."""
    seconds = max(0, length_ns) // _SECOND
    if seconds < 60:
        return f"{seconds} s"
    for big, small, size, unit in (("min", "s", 60, 1), ("h", "min", 3600, 60), ("d", "h", 86400, 3600)):
        if big == "d" or seconds < 24 * size or (big == "min" and seconds < 3600):
            if big == "min" and seconds >= 3600:
                continue
            whole, rest = divmod(seconds, size)
            return f"{whole} {big} {rest // unit} {small}" if rest // unit else f"{whole} {big}"
    return f"{seconds} s"


def bucket_text(bucket_ns: int) -> str:
    """A bucket's length: 0.1 s, 1 s, 8 s, 64 s, 4096 s."""
    return f"{bucket_ns / _SECOND:g} s"
