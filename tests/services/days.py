"""Sessions shared by the tests of recorder, archive and download."""

from datetime import UTC, datetime

from flow_gl.core.sessions import Session
from flow_gl.core.units import DAY_NS, SECOND_NS

DAY_START = 1_764_288_000_000_000_000  # 2025-11-28 00:00 UTC


def utc_day(ts: int) -> Session:
    """Sessions that are plain UTC days, so that tests need no calendar."""
    start = ts // DAY_NS * DAY_NS
    date = int(f"{datetime.fromtimestamp(start // SECOND_NS, UTC):%Y%m%d}")
    return Session(start, start + DAY_NS, start, start + DAY_NS, date, start + DAY_NS)
