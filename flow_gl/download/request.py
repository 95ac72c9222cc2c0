"""A download request: symbols, a time range and a folder, split into one part per UTC day.

Databento filters history on `ts_recv`, so adjacent parts neither share nor omit a record. A part's name contains all
parameters of the request, so equal names mean equal data.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from flow_gl.core.errors import UsageError
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.units import DAY_NS, SECOND_NS, parse_time_ns

STYPES: Final = ("continuous", "parent", "raw_symbol", "instrument_id")
MAX_SYMBOLS: Final = 2000
_MAX_DAYS: Final = 3700
_LONGEST_NAME: Final = 60
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a download: all trades with start_ns <= ts_recv < end_ns."""

    start_ns: int
    end_ns: int
    path: Path


@dataclass(frozen=True, slots=True)
class Request:
    """A download request. Times in ns since the epoch; the end is exclusive."""

    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    out: Path
    dataset: str = DEFAULTS.dataset
    stype_in: str = DEFAULTS.stype_in

    def parts(self) -> list[Part]:
        """Return its files, in order of time."""
        parts = []
        start = self.start_ns
        while start < self.end_ns:
            end = min(start // DAY_NS * DAY_NS + DAY_NS, self.end_ns)
            parts.append(Part(start, end, self.out / self._name(start, end)))
            start = end
        return parts

    def _name(self, start: int, end: int) -> str:
        is_whole_day = end - start == DAY_NS
        span = _date(start) if is_whole_day else f"{_moment(start)}-{_moment(end)}"
        symbols = _NOT_IN_NAMES.sub("_", "+".join(self.symbols).replace("+", "-"))
        if len(symbols) > _LONGEST_NAME or symbols != "-".join(self.symbols):
            digest = sha256(",".join(self.symbols).encode()).hexdigest()[:8]
            symbols = f"{symbols[:40]}-{digest}"
        return f"{self.dataset}-{symbols}-{span}.trades.dbn.zst"


def parse_request(
    symbols: Sequence[str],
    *,
    start: str,
    end: str | None,
    out: Path,
    dataset: str = DEFAULTS.dataset,
    stype_in: str = DEFAULTS.stype_in,
) -> Request:
    """Validate a user's request.

    Parameters
    ----------
    symbols : NQ.v.0, ES.v.0 ...; each may hold several, separated by commas
    start, end : 2025-11-28 or 2025-11-28T14:30, UTC unless a zone is given; the end is exclusive. Without an end: to
        midnight of the start's day
    out : folder, created with the first file

    Raises
    ------
    UsageError
    """
    names = tuple(dict.fromkeys(name.strip() for text in symbols for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError("--symbols: expected at least one symbol, like NQ.v.0, got none")
    if len(names) > MAX_SYMBOLS:
        raise UsageError(f"--symbols: expected at most {MAX_SYMBOLS}, got {len(names)}")
    if stype_in not in STYPES:
        raise UsageError(f"--stype-in: expected one of {', '.join(STYPES)}, got {stype_in!r}")
    start_ns = _parse("--start", start)
    end_ns = _parse("--end", end) if end else start_ns // DAY_NS * DAY_NS + DAY_NS
    if end_ns <= start_ns:
        raise UsageError(f"--end: expected a time after --start ({start}), got {end}; the end is not included")
    if end_ns - start_ns > _MAX_DAYS * DAY_NS:
        raise UsageError(f"--end: expected at most {_MAX_DAYS} days, got {(end_ns - start_ns) // DAY_NS}")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: expected a folder, {out} is a file")
    return Request(names, start_ns, end_ns, out, dataset, stype_in)


def _parse(name: str, text: str) -> int:
    try:
        return parse_time_ns(text, zone="UTC")
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _date(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // SECOND_NS, UTC):%Y%m%d}"


def _moment(ts: int) -> str:
    fraction = ts % SECOND_NS
    return f"{datetime.fromtimestamp(ts // SECOND_NS, UTC):%Y%m%dT%H%M%S}" + (f".{fraction:09d}" if fraction else "")
