"""The kernels' state of an instrument between batches: row types and codes.

`STATE` is one record per instrument, `PENDING` one per level of detail: the bubble and CVD point that are still open
there. The profile is a flat int64 array, `COLUMNS` per tick row (buy, sell, unsided, one to align), row 0 at tick
`row0` of the grid (price = tick number * tick_size). A trade is read as six int64 words, its 48 bytes as they are.

Sums of size * tick number are kept modulo 2**64. They are read relative to the bubble's low
(`rollup.average_price_nb`), so they are exact while contracts times the bubble's range in ticks stay below 2**63: a
bubble that spans 1,000 ticks may hold 9e15 contracts.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT, FOOTPRINT_ROWS
from flow_gl.core.schema import BUBBLE, CVD_POINT, MAX_LODS

WORDS: Final = 6
"""int64 words per trade: header and instrument, ts_event, price, size to depth, ts_recv, ts_in_delta and sequence."""
COLUMNS: Final = 4
"""int64 values per profile row: buy, sell, unsided, and one of padding, so that a row fills half a cache line."""
CAPACITY: Final = 4096
"""Maximum number of base bubbles per kernel call: enough that a call of the sink is cheap compared with its rows."""
BULK: Final = 512
"""Rows that a coarser lod collects before they are passed on, in a long run of trades: this saves calls of the sink and
keeps the rows in the processor's caches."""
ROOM: Final = CAPACITY + BULK + MAX_LODS
"""Capacity of the row arrays per lod, in rows."""
MAX_RUN: Final = 4096
"""Maximum number of trades per run."""
SETTLE: Final = 128
"""Number of base bubbles priced and merged at a time: few enough to stay in the L1 cache."""
CLOSE_DELAY_NS: Final = 250_000_000
"""On a live feed, a bucket (and a second, bar or minute of a detector) closes this long after its end, ns."""
NO_BUCKET: Final = -(2**62)
FAR_AHEAD: Final = 2**62
"""A time that is never reached."""
BINS: Final = 5120
"""Bins of the histogram of bubble volumes: exact up to 255 contracts, then 128 per doubling, up to 2**40."""

# The reasons for which the aggregating kernel returns.
DONE: Final = 0
FOREIGN: Final = 1
"""The next trade belongs to another instrument."""
FULL: Final = 2
"""The output arrays are nearly full."""
BOUNDARY: Final = 3
"""The next trade is at or after `stop_ts`: a session's open, 09:30, a CVD reset."""
MISFIT: Final = 4
"""The next trade's price is off the grid or outside the profile's rows."""

STATE: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "instrument_id",
            "bucket_ns",
            "lods",
            "tick_size",  # 1e-9; 0 before the first price
            "row0",  # tick number of the profile's row 0
            "bucket",  # number of the open bucket; trades before it are late
            "stop_ts",  # the kernel stops at trades from this time on (BOUNDARY)
            "silence_ns",
            "last_ts",  # newest ts_event, 0 before the first trade
            "last_recv",
            "last_price",
            "cvd",
            "cvd_high",
            "cvd_low",
            "first_ts",  # of the session, like all fields down to bubble_count
            "open",
            "high",
            "low",
            "buy",
            "sell",
            "unsided",
            "trade_count",
            "bubble_count",
            "reference_step",
            "above",  # bubbles of the session above the reference
            "above_lower",  # bubbles of the session above the volume that decides whether the reference steps down
            "rejected",  # since the start, like all below; the total, then by reason (`core.market.rejections`)
            "rejected_action",
            "rejected_no_price",
            "rejected_no_size",
            "rejected_time",
            "rejected_price",
            "late",
            "maybe_bad_book",
            "total_trades",
            "total_volume",
        )
    ]
    + [
        ("width_ns", "<i8", (MAX_LODS,)),  # bucket width of each level of detail in use, ns
        ("step", "<i8", (MAX_LODS,)),  # number of buckets of the next finer lod in one bucket of this lod
    ]
)


def empty_state(instrument_id: int, widths_ns: Sequence[int]) -> NDArray[np.void]:
    """Return the STATE, shape (1,), of an instrument without trades.

    Parameters
    ----------
    widths_ns : bucket widths of the levels of detail, the base bucket first
    """
    state: NDArray[np.void] = np.zeros(1, STATE)
    s, lods = state[0], len(widths_ns)
    s["instrument_id"], s["bucket"], s["bucket_ns"], s["lods"] = instrument_id, NO_BUCKET, widths_ns[0], lods
    s["width_ns"][:lods] = widths_ns
    s["step"][:lods] = steps_of(widths_ns)
    return state


def steps_of(widths_ns: Sequence[int]) -> list[int]:
    """Return, per level of detail, the number of buckets of the next finer one in a bucket; 1 for the base."""
    return [1, *(wider // width for width, wider in pairwise(widths_ns))]


PENDING: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "id",
            "open",
            "high",
            "low",
            "close",
            "buy",
            "sell",
            "unsided",
            "trade_count",  # 0: no bubble is pending
            "ts_last",
            "weighted",  # sum of size * tick number, modulo 2**64
            "cvd_open",
            "cvd_high",
            "cvd_low",
            "cvd_close",
        )
    ]
)

SILENCE: Final = np.dtype([("start", "<i8"), ("end", "<i8")])
"""The times (ns) of two consecutive trades more than `silence_ns` apart."""


BASE_ROWS: Final = 4 * FOOTPRINT_ROWS
"""Most rows of footprints per kernel call at the base lod. A coarser lod may have `FOOTPRINT_ROWS` more than the next
finer one."""


class Scratch:
    """Output buffers of the kernels, emptied after each call; one set for all instruments.

    Attributes
    ----------
    bubbles, cvd, weights : BUBBLE, CVD_POINT and int64, shape (MAX_LODS, ROOM); `weights` holds the rows' sums of
        size * tick number. If the sink provides space, the base lod's bubbles and points are written there instead.
    rows : the three arrays above
    base : BUBBLE and CVD_POINT arrays of the base lod, shape (CAPACITY,)
    silences : SILENCE, shape (CAPACITY,)
    counts : int64 (MAX_LODS + 1,): rows in use per lod, then silences
    footprints : FOOTPRINT (MAX_LODS, n), rows of buckets that have ended
    order : int32 (FOOTPRINT_ROWS,), working space
    """

    def __init__(self) -> None:
        self.bubbles: NDArray[np.void] = np.empty((MAX_LODS, ROOM), BUBBLE)
        self.cvd: NDArray[np.void] = np.empty((MAX_LODS, ROOM), CVD_POINT)
        self.weights: NDArray[np.int64] = np.empty((MAX_LODS, ROOM), np.int64)
        self.rows: Final = self.bubbles, self.cvd, self.weights
        self.base: Final = self.bubbles[0, :CAPACITY], self.cvd[0, :CAPACITY]
        self.silences: NDArray[np.void] = np.zeros(CAPACITY, SILENCE)
        self.counts: NDArray[np.int64] = np.zeros(MAX_LODS + 1, np.int64)
        self.footprints: NDArray[np.void] = np.empty((MAX_LODS, BASE_ROWS + MAX_LODS * FOOTPRINT_ROWS), FOOTPRINT)
        self.order: NDArray[np.int32] = np.empty(FOOTPRINT_ROWS, np.int32)
