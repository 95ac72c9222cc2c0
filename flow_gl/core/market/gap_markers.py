"""Gap markers: records in a recording that say where trades are missing, stored as the text of a DBN SystemMsg.

Databento's tools ignore them; our replay shows them as gaps. There are two kinds: trades that the feed lost for good,
and trades that arrived but could not be recorded.
"""

import re
from dataclasses import dataclass
from typing import Final

_PATTERN: Final = re.compile(
    r"flow_gl: (?P<what>lost by the feed|not recorded): (?P<lost>\d{1,18}) trades,"
    r" ts_event (?P<start>\d{1,19}) to (?P<end>\d{1,19})",
    re.ASCII,
)
_MAX_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class GapMarker:
    """An interval in which trades are missing; times are `ts_event` in ns."""

    start: int
    end: int
    lost: int = 0
    """Number of missing trades; 0 if unknown."""
    is_recorders: bool = False
    """True if the trades arrived but were not recorded."""

    def text(self) -> str:
        """Format the marker for `parse_marker`."""
        what = "not recorded" if self.is_recorders else "lost by the feed"
        return f"flow_gl: {what}: {self.lost} trades, ts_event {self.start} to {self.end}"


def parse_marker(text: str) -> GapMarker | None:
    """Parse a SystemMsg's text; return None if it is not a marker."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    start, end, lost = (int(match[name]) for name in ("start", "end", "lost"))
    return GapMarker(start, end, lost, match["what"] == "not recorded") if start <= end <= _MAX_NS else None
