"""Makes trades as arrays of dtype TRADE, as input for tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE

NQZ5 = 158704
FILES_OPEN_NS = 1_763_938_800_000_000_000
"""2025-11-23 23:00 UTC, a Sunday evening's open."""
ONE_O_CLOCK_NS = 1_764_291_600_000_000_000
"""2025-11-28 01:00 UTC."""


def make_trades(
    count: int, *, seed: int = 1, start_ns: int = FILES_OPEN_NS, ids: tuple[int, ...] = (NQZ5,)
) -> NDArray[np.void]:
    """Make plausible trades (dtype TRADE): about 10 per second, including sweeps with equal times."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, TRADE)
    rows["length"] = 12
    rows["publisher_id"] = 1
    rows["instrument_id"] = rng.choice(ids, count)
    rows["ts_event"] = start_ns + np.cumsum(rng.choice([0, 1_000, 90_000_000, 400_000_000], count))
    rows["price"] = (98_000 + np.cumsum(rng.integers(-2, 3, count))) * 250_000_000
    rows["size"] = rng.integers(1, 30, count)
    rows["action"] = ord("T")
    rows["side"] = rng.choice(np.frombuffer(b"AABBN", np.uint8), count)
    rows["ts_recv"] = rows["ts_event"] + rng.integers(100_000, 200_000, count)
    rows["ts_in_delta"] = rng.integers(10_000, 20_000, count)
    rows["sequence"] = np.arange(count)
    # A capture is written in order of receipt.
    return rows[np.argsort(rows["ts_recv"], kind="stable")]


def make_tied_trades(
    count: int, *, seed: int = 1, start: int = ONE_O_CLOCK_NS, step_ns: int = 50_000_000
) -> NDArray[np.void]:
    """Make trades of two instruments in time order, some of them identical in every byte."""
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


def trades_of(rows: Sequence[tuple[Any, ...]]) -> NDArray[np.void]:
    """Make TRADE rows from tuples (instrument, ts_event, price, size, side), optionally with (action, flags)."""
    trades = np.zeros(len(rows), TRADE)
    for trade, (instrument_id, ts_event, price, size, side, *rest) in zip(trades, rows, strict=True):
        action, flags = rest or ("T", 0)
        trade["length"], trade["instrument_id"] = 12, instrument_id
        trade["ts_event"], trade["price"], trade["size"] = ts_event, price, size
        trade["side"], trade["action"], trade["flags"] = ord(side), ord(action), flags
        trade["ts_recv"] = ts_event + 100 if ts_event >= 0 else ts_event
    return trades
