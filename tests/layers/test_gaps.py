"""Names of gaps."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from flow_gl.core.schema import GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.gaps import gap_text

ZONE = "America/New_York"


@pytest.mark.parametrize(
    ("kind", "start", "end", "text"),
    [
        (GapKind.CLOSED, (2025, 11, 24, 17, 0), (2025, 11, 24, 18, 0), "closed 1 h"),
        (GapKind.CLOSED, (2025, 11, 27, 13, 0), (2025, 11, 27, 18, 0), "closed 5 h"),
        (GapKind.CLOSED, (2025, 11, 28, 13, 15), (2025, 11, 30, 18, 0), "weekend"),
        (GapKind.CLOSED, (2025, 11, 21, 17, 0), (2025, 11, 23, 18, 0), "weekend"),
        (GapKind.CLOSED, (2024, 3, 28, 17, 0), (2024, 3, 31, 18, 0), "closed 3 d 1 h, holiday 29 Mar"),
        (GapKind.CLOSED, (2024, 12, 24, 13, 15), (2024, 12, 25, 18, 0), "closed 1 d 5 h, holiday 25 Dec"),
        (GapKind.CLOSED, (2025, 11, 27, 13, 0), (2025, 11, 28, 9, 30), "closed 20 h 30 min"),
        (GapKind.NO_TRADES, (2025, 11, 27, 21, 44), (2025, 11, 28, 8, 30), "no trades 10 h 46 min"),
        (GapKind.FEED, (2025, 11, 28, 12, 0), (2025, 11, 30, 19, 0), "feed gap 2 d 7 h"),
    ],
)
def test_a_gap_is_named_by_kind_and_length(
    kind: GapKind, start: tuple[int, ...], end: tuple[int, ...], text: str
) -> None:
    start_ns, end_ns = (int(datetime(*at, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND_NS for at in (start, end))
    assert gap_text(kind, start_ns, end_ns, ZONE) == text
