"""Formats numbers and durations for the chart."""

from functools import lru_cache
from typing import Final

from flow_gl.core.units import SECOND_NS, format_price, price_decimals

MINUS: Final = "\u2212"
_LENGTHS: Final = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


@lru_cache(maxsize=4096)
def price_text(price: int, tick_size: int) -> str:
    """Format a price (1e-9) with the instrument's decimals and thousands separators."""
    return format_price(price, price_decimals(tick_size)).replace("-", MINUS)


@lru_cache(maxsize=4096)
def contracts_text(count: int) -> str:
    """Format contracts with thousands separators: 1,250."""
    return f"{count:,}".replace("-", MINUS)


def signed_text(value: int) -> str:
    """Format an integer with its sign: +12, -3 (with `MINUS`), 0."""
    return f"+{contracts_text(value)}" if value > 0 else contracts_text(value)


def length_text(length_ns: int) -> str:
    """Format a duration in its two largest units, rounded: 42 s, 3 min 20 s, 10 h 46 min, 2 d 3 h."""
    seconds = (max(0, length_ns) + SECOND_NS // 2) // SECOND_NS
    for name, size, smaller_name, smaller in _LENGTHS:
        if seconds >= size:
            whole, rest = divmod((seconds + smaller // 2) // smaller, size // smaller)
            return f"{whole} {name} {rest} {smaller_name}" if rest else f"{whole} {name}"
    return f"{seconds} s"


def bucket_text(bucket_ns: int) -> str:
    """Format a bucket width: 0.1 s, 1 s, 30 s, 5 min, 4 h."""
    for name, size in (("h", 3600), ("min", 60)):
        if bucket_ns >= size * SECOND_NS and bucket_ns % (size * SECOND_NS) == 0:
            return f"{bucket_ns // (size * SECOND_NS)} {name}"
    return f"{bucket_ns / SECOND_NS:.9g} s"


@lru_cache(maxsize=64)
def percent(share: float) -> str:
    """Format a share with two significant digits: 15 %, 5.4 %, 0 %, 100 %."""
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
