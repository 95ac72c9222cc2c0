"""Trades and sessions that the tests of recorder, archive and download share."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE
from flow_gl.core.sessions import Session

DAY_NS = 86_400_000_000_000
DAY_START = 1_764_288_000_000_000_000  # 2025-11-28 00:00 UTC


def utc_day(ts: int) -> Session:
    """Sessions that are plain UTC days: simple enough for a test to know them without a calendar."""
    start = ts // DAY_NS * DAY_NS
    date = int(f"{datetime.fromtimestamp(start // 1_000_000_000, UTC):%Y%m%d}")
    return Session(start, start + DAY_NS, start, start + DAY_NS, date, start + DAY_NS)


def make_trades(
    count: int, *, seed: int = 1, start: int = DAY_START + 3_600_000_000_000, step_ns: int = 50_000_000
) -> NDArray[np.void]:
    """Trades of two instruments in the order of time, some of them equal in every byte."""
    random = np.random.default_rng(seed)
    rows: NDArray[np.void] = np.zeros(count, TRADE)
    rows["length"], rows["action"] = 12, ord("T")
    rows["publisher_id"] = 1
    rows["instrument_id"] = random.choice([158704, 42005804], count, p=[0.9, 0.1])
    rows["ts_event"] = start + np.sort(random.integers(0, count * step_ns, count)) // 1_000_000 * 1_000_000
    rows["ts_recv"] = rows["ts_event"] + 200_000
    rows["price"] = 25_000_000_000_000 + random.integers(-40, 40, count) * 250_000_000
    rows["size"] = random.integers(1, 4, count)
    rows["side"] = random.choice([ord("B"), ord("A"), ord("N")], count)
    rows["sequence"] = np.arange(count) // 3
    repeated = random.integers(0, count, count // 20)
    rows[repeated] = rows[np.maximum(repeated - 1, 0)]
    return rows
