"""Store rows as the GPU holds them: integers relative to a base, exact at any distance.

A bubble is 32 bytes: its bucket and its price in 1/1024 tick, its close, high and low in whole ticks from its price's
tick, whether a gap lies before it, and its contracts by side. A CVD point is 16. What a bubble looks like follows from
these in the shader: thresholds, scales and colours are uniforms.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNITS_PER_TICK: Final = 1024
UNKNOWN_TICK_SIZE: Final = 10_000_000
"""Tick size (1e-9) that a chart is drawn with while the instrument's is not known: 0.01."""

BUBBLE_ROW: Final = np.dtype([("place", "<i4", (2,)), ("span", "<i2", (4,)), ("sides", "<f4", (3,)), ("unused", "<i4")])
CVD_ROW: Final = np.dtype([("point", "<i4", (3,)), ("unused", "<i4")])

_INT16_MAX: Final = 32767
_ONE_BUBBLE: Final = struct.Struct("<2i4h3f4x")
_ONE_POINT: Final = struct.Struct("<3i4x")


@dataclass(frozen=True, slots=True)
class Base:
    """What GPU rows are relative to.

    Attributes
    ----------
    bucket_id : id of bucket 0
    price : price of tick 0, 1e-9, on the tick grid
    tick_size : 1e-9
    bucket_ns : bucket of the level
    """

    bucket_id: int
    price: int
    tick_size: int
    bucket_ns: int

    def index(self, bucket_id: int) -> int:
        """Bucket index on the GPU; out of int32's range it is clipped (nothing stands there)."""
        return min(max(bucket_id - self.bucket_id, -(2**31) + 1), 2**31 - 2)


def is_after_gap(
    previous_id: NDArray[np.int64], ids: NDArray[np.int64], gaps: NDArray[np.void], bucket_ns: int
) -> NDArray[np.bool_]:
    """Tell before which rows a gap lies: one that reaches from the previous row's bucket to this one's.

    `gaps` are GAP rows, oldest first; ids are those of the level with buckets of `bucket_ns`.
    """
    if len(gaps) == 0:
        return np.zeros(len(ids), np.bool_)
    starts, ends = gaps["start"], gaps["end"]
    # The last gap that starts no later than this bucket does: does it end after the previous bucket has ended?
    found = np.searchsorted(starts, ids * bucket_ns, side="right") - 1
    return (found >= 0) & (ends[found] >= (previous_id + 1) * bucket_ns)


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
    place = packed["place"]
    place[:, 0] = ids - base.bucket_id
    price = (rows["price"] - base.price) * UNITS_PER_TICK // base.tick_size
    place[:, 1] = price
    tick = price // UNITS_PER_TICK
    span = packed["span"]
    for column, field, sign in ((0, "close", 1), (1, "high", 1), (2, "low", -1)):
        ticks = ((rows[field] - base.price) // base.tick_size - tick) * sign
        span[:, column] = np.clip(ticks, -_INT16_MAX, _INT16_MAX)
    before = _previous_ids(ids, None if previous is None else int(previous["id"][0]))
    span[:, 3] = is_after_gap(before, ids, gaps, base.bucket_ns)
    sides = packed["sides"]
    for column, field in enumerate(("buy", "sell", "unsided")):
        sides[:, column] = rows[field]
    return packed


def pack_cvd(
    rows: NDArray[np.void], base: Base, gaps: NDArray[np.void], previous: NDArray[np.void] | None
) -> NDArray[np.void]:
    """Convert CVD_POINT rows. The line breaks at a gap and where CVD was reset."""
    packed = np.zeros(len(rows), CVD_ROW)
    point = packed["point"]
    ids, close, opened = rows["id"], rows["close"], rows["open"]
    point[:, 0] = ids - base.bucket_id
    point[:, 1] = close
    before = _previous_ids(ids, None if previous is None else int(previous["id"][0]))
    is_broken = is_after_gap(before, ids, gaps, base.bucket_ns)
    is_broken[1:] |= opened[1:] != close[:-1]
    if previous is not None and len(rows):
        is_broken[0] |= bool(opened[0] != previous["close"][0])
    point[:, 2] = is_broken
    return packed


def _is_gap_between(previous_id: int, row_id: int, gaps: NDArray[np.void], bucket_ns: int) -> bool:
    if len(gaps) == 0:
        return False
    found = int(gaps["start"].searchsorted(row_id * bucket_ns, "right")) - 1
    return found >= 0 and int(gaps["end"][found]) >= (previous_id + 1) * bucket_ns


def pack_bubble(row: np.void, base: Base, gaps: NDArray[np.void], previous: np.void | None) -> bytes:
    """Convert one BUBBLE row as `pack_bubbles` does: without arrays, for what is new in a frame is mostly one row."""
    row_id, _, price, _, high, low, close, buy, sell, unsided, _, _ = row.item()
    origin, size = base.price, base.tick_size
    units = (price - origin) * UNITS_PER_TICK // size
    tick = units // UNITS_PER_TICK
    before = row_id - 1 if previous is None else int(previous["id"])
    return _ONE_BUBBLE.pack(
        row_id - base.bucket_id,
        units,
        _clipped((close - origin) // size - tick),
        _clipped((high - origin) // size - tick),
        _clipped(tick - (low - origin) // size),
        _is_gap_between(before, row_id, gaps, base.bucket_ns),
        buy,
        sell,
        unsided,
    )


def pack_point(row: np.void, base: Base, gaps: NDArray[np.void], previous: np.void | None) -> bytes:
    """Convert one CVD_POINT row as `pack_cvd` does."""
    row_id, _, opened, _, _, close = row.item()
    before = row_id - 1 if previous is None else int(previous["id"])
    is_broken = _is_gap_between(before, row_id, gaps, base.bucket_ns)
    if previous is not None:
        is_broken = is_broken or opened != int(previous["close"])
    return _ONE_POINT.pack(row_id - base.bucket_id, close, is_broken)


def _clipped(ticks: int) -> int:
    return min(max(ticks, -_INT16_MAX), _INT16_MAX)
