"""Converts rows of the store to the GPU's format: integers relative to a base, exact at any distance.

A bubble takes 32 bytes: its bucket, its average price in ticks and 1/1024 ticks, its close, high and low in ticks,
whether a gap precedes it, its contracts and its imbalance. A CVD point takes 32 bytes; its close is split in two so
that any sum fits, and open, high and low are differences from it. The shader derives the look of a bubble from these
fields and from uniforms. Values further from the base than `FARTHEST` are clipped. They are never in view, because a
chart changes its base before it shows anything beyond `REACH`.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PARTS_PER_TICK: Final = 1024
FARTHEST: Final = (1 << 30) - 1
"""Largest distance from the base, in buckets or ticks; differences of two such numbers still fit an int32."""
REACH: Final = 1 << 28
"""A view further from the base than this, in buckets or ticks, gets a new base."""
_HALF_BITS: Final = 24
"""Bits of the lower part of a CVD value, exact in a float32."""
UNKNOWN_TICK_SIZE: Final = 10_000_000
"""Tick size (1e-9) used while the instrument's is unknown: 0.01."""

BUBBLE_ROW: Final = np.dtype(
    [
        ("bucket", "<i4"),
        ("tick", "<i4"),  # of the average price, rounded down
        ("part", "<i2"),
        ("is_after_gap", "<i2"),
        ("close", "<i4"),  # ticks
        ("high", "<i4"),
        ("low", "<i4"),
        ("volume", "<f4"),  # contracts of the dominant side, unsided ones where there is none
        ("imbalance", "<f4"),  # delta / (buy + sell)
    ]
)
CVD_ROW: Final = np.dtype(
    [
        ("bucket", "<i4"),
        ("cvd", "<i4", (2,)),  # the close
        ("is_broken", "<i4"),
        ("open", "<i4"),  # contracts above the close
        ("high", "<i4"),
        ("low", "<i4"),
        ("pad", "<i4"),
    ]
)

_ONE_BUBBLE: Final = struct.Struct("<2i2h3i2f")
_ONE_POINT: Final = struct.Struct("<7i4x")


@dataclass(frozen=True, slots=True)
class Base:
    """The origin of GPU rows.

    Attributes
    ----------
    bucket_id : id of bucket 0
    price : price of tick 0, 1e-9, on the tick grid
    tick_size : 1e-9
    bucket_ns : bucket width of the lod
    """

    bucket_id: int
    price: int
    tick_size: int
    bucket_ns: int

    def index(self, bucket_id: int) -> int:
        """Return the bucket index on the GPU."""
        return _clipped(bucket_id - self.bucket_id)

    def reaches(self, bucket_id: int, tick: float) -> bool:
        """Return whether a view around a bucket and a tick (price // tick_size) can be drawn with this base."""
        return abs(bucket_id - self.bucket_id) < REACH and abs(tick - self.price // self.tick_size) < REACH


def split_contracts(count: int) -> tuple[int, int]:
    """Split contracts into an upper and a lower part: upper * 2**24 + lower."""
    return _clipped(count >> _HALF_BITS), count & ((1 << _HALF_BITS) - 1)


def is_after_gap(
    previous_id: NDArray[np.int64], ids: NDArray[np.int64], gaps: NDArray[np.void], bucket_ns: int
) -> NDArray[np.bool_]:
    """Return which rows are preceded by a gap that spans from the previous row's bucket to theirs.

    `gaps` are GAP rows, oldest first; `ids` are int64 bucket ids of width `bucket_ns`. Two rows of one bucket belong to
    two instruments, with a roll between them, and count as separated.
    """
    if len(gaps) == 0:
        return np.zeros(len(ids), np.bool_)
    starts, ends = gaps["start"], gaps["end"]
    # The last gap that starts no later than this bucket does: does it end after the previous bucket has ended?
    found = np.searchsorted(starts, ids * bucket_ns, side="right") - 1
    broken: NDArray[np.bool_] = (found >= 0) & (ends[found] >= (previous_id + 1) * bucket_ns) | (previous_id == ids)
    return broken


def first_change_ns(before: NDArray[np.void], after: NDArray[np.void]) -> int | None:
    """Return the time (ns) of the first GAP row in which two lists, oldest first, differ; None if they are equal."""
    count = min(len(before), len(after))
    one, other = before[:count], after[:count]
    differs = np.flatnonzero((one["start"] != other["start"]) | (one["end"] != other["end"]))
    at = int(differs[0]) if len(differs) else count
    starts = [int(gaps["start"][at]) for gaps in (before, after) if at < len(gaps)]
    return min(starts, default=None)


def _previous_ids(ids: NDArray[np.int64], previous: int | None) -> NDArray[np.int64]:
    before = np.empty_like(ids)
    before[1:] = ids[:-1]
    before[:1] = ids[:1] - 1 if previous is None else previous
    return before


def pack_bubbles(
    rows: NDArray[np.void], base: Base, gaps: NDArray[np.void], previous: NDArray[np.void] | None
) -> NDArray[np.void]:
    """Convert BUBBLE rows; `previous` is the row before the first one (shape (1,)), None where there is none."""
    packed = np.zeros(len(rows), BUBBLE_ROW)
    ids = rows["id"]
    packed["bucket"] = _all_clipped(ids - base.bucket_id)
    tick, rest = np.divmod(rows["price"] - base.price, base.tick_size)
    packed["tick"] = _all_clipped(tick)
    # In floating point, because remainder times 1,024 may overflow an int64. A part may be one too low.
    packed["part"] = rest * (PARTS_PER_TICK / base.tick_size)
    for field in ("close", "high", "low"):
        packed[field] = _all_clipped((rows[field] - base.price) // base.tick_size)
    before = _previous_ids(ids, None if previous is None else int(previous["id"][0]))
    packed["is_after_gap"] = is_after_gap(before, ids, gaps, base.bucket_ns)
    buy, sell = rows["buy"], rows["sell"]
    sided = buy + sell
    packed["volume"] = np.where(sided > 0, np.maximum(buy, sell), rows["unsided"])
    packed["imbalance"] = (buy - sell) / np.maximum(sided, 1)
    return packed


def pack_cvd(
    rows: NDArray[np.void], base: Base, gaps: NDArray[np.void], previous: NDArray[np.void] | None
) -> NDArray[np.void]:
    """Convert CVD_POINT rows. The line breaks at a gap and where CVD was reset."""
    packed = np.zeros(len(rows), CVD_ROW)
    ids, close, opened = rows["id"], rows["close"], rows["open"]
    packed["bucket"] = _all_clipped(ids - base.bucket_id)
    packed["cvd"][:, 0] = _all_clipped(close >> _HALF_BITS)
    packed["cvd"][:, 1] = close & ((1 << _HALF_BITS) - 1)
    for field in ("open", "high", "low"):
        packed[field] = _all_clipped(rows[field] - close)
    before = _previous_ids(ids, None if previous is None else int(previous["id"][0]))
    is_broken = is_after_gap(before, ids, gaps, base.bucket_ns)
    is_broken[1:] |= opened[1:] != close[:-1]
    if previous is not None and len(rows):
        is_broken[0] |= bool(opened[0] != previous["close"][0])
    packed["is_broken"] = is_broken
    return packed


def _is_gap_between(previous_id: int, row_id: int, gaps: NDArray[np.void], bucket_ns: int) -> bool:
    if len(gaps) == 0:
        return False
    found = int(gaps["start"].searchsorted(row_id * bucket_ns, "right")) - 1
    is_gap = found >= 0 and int(gaps["end"][found]) >= (previous_id + 1) * bucket_ns
    return is_gap or previous_id == row_id


def pack_bubble(row: np.void, base: Base, gaps: NDArray[np.void], previous: np.void | None) -> bytes:
    """Convert one BUBBLE row as `pack_bubbles` does, but without arrays: most frames have a single new row."""
    row_id, _, price, _, high, low, close, buy, sell, unsided, _, _ = row.item()
    origin, size = base.price, base.tick_size
    tick, rest = divmod(price - origin, size)
    before = row_id - 1 if previous is None else int(previous["id"])
    sided = buy + sell
    return _ONE_BUBBLE.pack(
        base.index(row_id),
        _clipped(tick),
        int(rest * (PARTS_PER_TICK / size)),
        _is_gap_between(before, row_id, gaps, base.bucket_ns),
        _clipped((close - origin) // size),
        _clipped((high - origin) // size),
        _clipped((low - origin) // size),
        max(buy, sell) if sided else unsided,
        (buy - sell) / max(sided, 1),
    )


def pack_point(row: np.void, base: Base, gaps: NDArray[np.void], previous: np.void | None) -> bytes:
    """Convert one CVD_POINT row as `pack_cvd` does."""
    row_id, _, opened, high, low, close = row.item()
    before = row_id - 1 if previous is None else int(previous["id"])
    is_broken = _is_gap_between(before, row_id, gaps, base.bucket_ns)
    if previous is not None:
        is_broken = is_broken or opened != int(previous["close"])
    others = _clipped(opened - close), _clipped(high - close), _clipped(low - close)
    return _ONE_POINT.pack(base.index(row_id), *split_contracts(close), is_broken, *others)


def _clipped(distance: int) -> int:
    return min(max(distance, -FARTHEST), FARTHEST)


def _all_clipped(distances: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(distances, -FARTHEST, FARTHEST)
