"""Checks of settings that a range cannot express: each takes the user's input and returns the setting's value.

A check raises ValueError with a message that says what was expected; without a message, the setting's help says it.
Modules that import numpy are imported inside the functions, because the command line's help needs only the
declarations.
"""

import math
import re
from collections.abc import Callable
from datetime import time
from typing import Final

from flow_gl.core.errors import UsageError
from flow_gl.core.event_kinds import EVENT_NAMES
from flow_gl.core.market.lod import BASES_NS
from flow_gl.core.palette import is_hex
from flow_gl.core.panels import PANEL_NAMES

BUCKETS: Final = "100ms, 200ms, 500ms, 1s, 2s, 5s, 10s, 15s, 30s, 1m, 5m, 15m, 30m, 1h"
"""The base buckets (`core.market.lod.BASES_NS`) in the user's notation."""
SPEED_LOW: Final = 0.1
SPEED_HIGH: Final = 10_000.0
SIZE_LOW: Final = 300
SIZE_HIGH: Final = 16_384
_DATASET: Final = re.compile(r"[A-Z0-9]+\.[A-Z0-9]+")


def not_empty(value: str) -> str:
    """Check that a text is not empty."""
    if not value:
        raise ValueError
    return value


def symbols(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the symbols of a live feed, one chart each."""
    from flow_gl.core.schema import CHARTS

    if not 1 <= len(value) <= CHARTS:
        raise ValueError(f"expected 1 to {CHARTS} symbols, got {len(value)}")
    for symbol in value:
        if not symbol.isascii() or not symbol.isprintable() or " " in symbol or len(symbol) > 31:
            raise ValueError(f"expected a symbol like NQ.v.0 or NQZ5, got {symbol!r}")
    if len(set(value)) < len(value):
        raise ValueError("each symbol may be given only once")
    return value


def dataset(value: str) -> str:
    """Check the name of a Databento dataset, like GLBX.MDP3."""
    if not _DATASET.fullmatch(value):
        raise ValueError
    return value


def color(value: str) -> str:
    """Check a colour like #2ec27e; an empty text keeps the palette's."""
    if value and not is_hex(value):
        raise ValueError(f"expected a colour like #2ec27e, got {value!r}")
    return value.lower()


def panels(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of panels."""
    for name in value:
        if name not in PANEL_NAMES:
            raise ValueError(f"expected some of {', '.join(PANEL_NAMES)}, got {name!r}")
    return value


def marks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of kinds of events, or `none` alone."""
    if value == ("none",):
        return ()
    for name in value:
        if name not in EVENT_NAMES:
            raise ValueError(f"expected none or some of {', '.join(EVENT_NAMES)}, got {name!r}")
    return value


def archive(value: str) -> str:
    """Check an archive: a database's URL, a file name, or `off`."""
    scheme, is_url, _ = not_empty(value).partition("://")
    if is_url and scheme.split("+", 1)[0] not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("expected sqlite:///FILE, postgresql://USER@HOST/DATABASE, a file name or off")
    return value


def bus(value: str) -> str:
    """Check the address of a bus."""
    from flow_gl.core.bus_address import parse_bus

    try:
        parse_bus(value)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return value


def duration(low_ns: int, high_ns: int) -> Callable[[str], str]:
    """Return a check for a duration from `low_ns` to `high_ns`, both included."""

    def check(value: str) -> str:
        from flow_gl.core.units import parse_duration_ns

        try:
            parse_duration_ns(value, low_ns=low_ns, high_ns=high_ns)
        except UsageError as error:
            raise ValueError(str(error).removeprefix("duration: ").partition(", got ")[0]) from None
        return value

    return check


def bucket_ns(value: str) -> int:
    """Convert one of the base buckets to ns."""
    from flow_gl.core.units import parse_duration_ns

    try:
        width_ns = parse_duration_ns(value)
    except UsageError:
        width_ns = 0
    if width_ns not in BASES_NS:
        raise ValueError(f"expected one of {BUCKETS}")
    return width_ns


def monitor(value: int | str) -> str:
    """Check a monitor's name, or its number, 0 or more."""
    text = str(value)
    if not text or not text.isprintable() or (text.lstrip("+-").isdecimal() and not text.isdecimal()):
        raise ValueError
    return text


def size(value: str) -> str:
    """Check a width and a height in pixels."""
    width, times, height = value.lower().partition("x")
    if not (times and width.isdecimal() and height.isdecimal()):
        raise ValueError("expected WIDTHxHEIGHT in pixels, like 1600x900")
    if not all(SIZE_LOW <= int(side) <= SIZE_HIGH for side in (width, height)):
        raise ValueError(f"expected {SIZE_LOW} to {SIZE_HIGH} pixels per side")
    return f"{int(width)}x{int(height)}"


def speed(value: float) -> float:
    """Check a replay speed; inf means as fast as possible."""
    if not (SPEED_LOW <= value <= SPEED_HIGH or value == math.inf):
        raise ValueError(f"expected {SPEED_LOW} to {SPEED_HIGH:.0f}, or max")
    return value


def times_of_day(value: tuple[str, ...]) -> tuple[time, ...]:
    """Convert times of day."""
    found = []
    for text in value:
        try:
            found.append(time.fromisoformat(text))
        except ValueError:
            raise ValueError(f"expected times of day like 09:30,16:00, got {text!r}") from None
    return tuple(found)


def odd(value: int) -> int:
    """Check that a number is odd."""
    if value % 2 == 0:
        raise ValueError("expected an odd number, so that the mean has a middle")
    return value
