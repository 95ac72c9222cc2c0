"""Limits per client and per address: rates over a window, and counts at one time.

The package `limits` counts rates in fixed windows, so with `60/minute` up to 120 can pass across the boundary of two
windows. Each worker process counts separately.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final, get_type_hints

import limits
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import UsageError
from flow_gl.core.units import SECOND_NS

PRUNE_NS: Final = 10 * SECOND_NS
"""Expired windows are removed this often."""
_MAX_AMOUNT: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server. Each can be set by name with `--limit NAME=VALUE`."""

    connections: Annotated[int, "open connections per worker"] = 2_000
    address_connections: Annotated[int, "open connections per address"] = 200
    subscriptions: Annotated[int, "streams per client"] = 512
    message_bytes: Annotated[int, "length of a client message"] = 16_384
    handshake_seconds: Annotated[int, "time to receive a complete request, and for a client to authenticate"] = 10
    requests: Annotated[str, "HTTP requests per address; opening a WebSocket is one"] = "12000/minute"
    new_connections: Annotated[str, "WebSockets opened per address"] = "300/minute"
    messages: Annotated[str, "messages per client"] = "600/minute"
    address_messages: Annotated[str, "messages per address"] = "6000/minute"
    snapshots: Annotated[str, "snapshots per client"] = "300/minute"
    address_snapshots: Annotated[str, "snapshots per address"] = "3000/minute"
    failures: Annotated[str, "wrong tokens per address"] = "20/minute"


def parse_limits(given: Sequence[str], base: Limits = Limits()) -> Limits:
    """Apply changes like "connections=5000" or "messages=100/10 seconds". Raises UsageError."""
    known = {field.name.replace("_", "-"): field for field in fields(Limits)}
    changes: dict[str, Any] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name not in known:
            raise UsageError(f"--limit: expected NAME=VALUE with one of {', '.join(known)}; got {text!r}")
        field = known[name]
        changes[field.name] = _rate(name, value) if isinstance(field.default, str) else _number(name, value)
    return replace(base, **changes)


def describe_limits() -> list[tuple[str, str, str]]:
    """Return name, default and meaning of each limit."""
    hints = get_type_hints(Limits, include_extras=True)
    return [(f.name.replace("_", "-"), str(f.default), hints[f.name].__metadata__[0]) for f in fields(Limits)]


def _rate(name: str, value: str) -> str:
    try:
        amount = limits.parse(value).amount
    except ValueError:
        amount = 0
    if not 0 < amount <= _MAX_AMOUNT:
        raise UsageError(f"--limit {name}: expected a rate like 60/minute or 100/10 seconds, got {value!r}")
    return value


def _number(name: str, value: str) -> int:
    if value.isascii() and value.isdecimal() and len(value) < 11 and 0 < int(value) <= _MAX_AMOUNT:
        return int(value)
    raise UsageError(f"--limit {name}: expected a number of at least 1, got {value!r}")


class Windows(Storage):
    """Counts hits in windows, in this process's memory.

    The in-memory storage of `limits` starts a thread on almost every hit to remove expired windows. This one removes
    them during hits.
    """

    STORAGE_SCHEME = None  # constructed directly, not from a URL

    def __init__(self, clock: Clock = SYSTEM) -> None:
        super().__init__()
        self._clock: Final = clock
        self._counts: Final[dict[str, tuple[int, int]]] = {}
        """Number of hits and end of the window (monotonic ns), by key."""
        self._pruned_ns = clock.monotonic_ns()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add hits to a key's window, which lasts `expiry` seconds from its first hit; return the number of hits."""
        now = self._clock.monotonic_ns()
        self._prune(now)
        count, end = self._counts.get(key, (0, 0))
        if end <= now:
            count, end = 0, now + expiry * SECOND_NS
        self._counts[key] = (count + amount, end)
        return count + amount

    def get(self, key: str) -> int:
        """Return the hits in a key's window."""
        count, end = self._counts.get(key, (0, 0))
        return count if end > self._clock.monotonic_ns() else 0

    def get_expiry(self, key: str) -> float:
        """Return the end of a key's window on the monotonic clock, s."""
        return self._counts.get(key, (0, self._clock.monotonic_ns()))[1] / SECOND_NS

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        """Remove all windows and return how many there were."""
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)

    def _prune(self, now: int) -> None:
        if now - self._pruned_ns < PRUNE_NS:
            return
        self._pruned_ns = now
        for key in [key for key, (_, end) in self._counts.items() if end <= now]:
            del self._counts[key]


class RateLimits:
    """The rates of `Limits`, counted per client and per address."""

    def __init__(self, chosen: Limits, *, clock: Clock = SYSTEM) -> None:
        self._clock: Final = clock
        self._items: Final = {
            field.name: limits.parse(value)
            for field in fields(Limits)
            if isinstance(value := getattr(chosen, field.name), str)
        }
        self._windows: Final = Windows(clock)
        self._limiter: Final = FixedWindowRateLimiter(self._windows)

    def hit(self, name: str, key: str, *, cost: int = 1) -> bool:
        """Count one use by a client or an address; return whether it is allowed."""
        return self._limiter.hit(self._items[name], name, key, cost=cost)

    def is_used_up(self, name: str, key: str) -> bool:
        """Return whether the next use would be refused, without counting one."""
        return not self._limiter.test(self._items[name], name, key)

    def has_just_run_out(self, name: str, key: str) -> bool:
        """Return whether the last use was the first one refused in its window (for uses that count once)."""
        item = self._items[name]
        return self._windows.get(item.key_for(name, key)) == item.amount + 1

    def wait_s(self, name: str, key: str) -> int:
        """Return the seconds until the limit allows uses again, at least 1."""
        reset = self._limiter.get_window_stats(self._items[name], name, key).reset_time
        return max(1, -int(-(reset - self._clock.monotonic_ns() / SECOND_NS) // 1))

    def text(self, name: str) -> str:
        """Return a limit in words, like "60 per 1 minute"."""
        return str(self._items[name])
