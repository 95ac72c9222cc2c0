"""Marks in a recording: where trades are missing, as the text of a DBN SystemMsg.

Databento's tools pass over them; a replay of ours shows them as the gaps that they were. Two kinds: what the feed lost
for good, and what arrived and could not be recorded, which is a fault of the recording alone.
"""

import re
from dataclasses import dataclass
from typing import Final

_PATTERN: Final = re.compile(
    r"flow_gl: (?P<what>lost by the feed|not recorded): (?P<lost>\d{1,18}) trades,"
    r" ts_event (?P<start>\d{1,19}) to (?P<end>\d{1,19})",
    re.ASCII,
)
_MOST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of which trades are missing; `ts_event` in ns."""

    start: int
    end: int
    lost: int = 0
    """Number of missing trades; 0 if unknown."""
    is_recorders: bool = False
    """They arrived, and were not recorded."""

    def text(self) -> str:
        """Write it as `read_mark` reads it."""
        what = "not recorded" if self.is_recorders else "lost by the feed"
        return f"flow_gl: {what}: {self.lost} trades, ts_event {self.start} to {self.end}"


def read_mark(text: str) -> Mark | None:
    """Understand a SystemMsg's text; None where it is no mark."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    start, end, lost = (int(match[name]) for name in ("start", "end", "lost"))
    return Mark(start, end, lost, match["what"] == "not recorded") if start <= end <= _MOST else None
