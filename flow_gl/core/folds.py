"""Folds of the time axis: intervals without trades that are drawn as a band of a fixed width.

A `Folds` lists the intervals and the width of a band in pixels. At a scale it gives a `FoldedTime`, which maps times to
positions on the axis: both are nanoseconds, but a fold takes `kept_ns` on the axis regardless of its length. The map is
piecewise linear, rises with time, and can be inverted. An interval shorter than a band keeps its length.

Shaders apply the same map to buckets (`shaders/include/view.glsl`).
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray


class FoldedTime:
    """Maps times to positions on the axis at one scale.

    Parameters
    ----------
    starts, ends : folded intervals [start, end), ns, ascending and disjoint; those not longer than `kept_ns` stay as
        they are
    kept_ns : length of a fold on the axis
    """

    __slots__ = ("_key", "_removed", "_start_positions", "ends", "kept_ns", "starts")

    def __init__(self, starts: Sequence[int] = (), ends: Sequence[int] = (), kept_ns: int = 0) -> None:
        folded = [(start, end) for start, end in zip(starts, ends, strict=True) if end - start > kept_ns]
        self.kept_ns: Final = kept_ns if folded else 0
        self.starts: Final = tuple(start for start, _ in folded)
        self.ends: Final = tuple(end for _, end in folded)
        removed = [0]
        for start, end in folded:
            removed.append(removed[-1] + end - start - kept_ns)
        self._removed: Final = removed
        """Time removed before each fold, and in total; ns."""
        self._start_positions: Final = [start - cut for start, cut in zip(self.starts, removed, strict=False)]
        self._key: Final = (self.kept_ns, self.starts, self.ends)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, FoldedTime) and self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def position(self, t_ns: int) -> int:
        """Return the position of a time, ns."""
        at = bisect_right(self.starts, t_ns) - 1
        if at < 0:
            return t_ns
        start, end = self.starts[at], self.ends[at]
        if t_ns >= end:
            return t_ns - self._removed[at + 1]
        return self._start_positions[at] + (t_ns - start) * self.kept_ns // (end - start)

    def time(self, position_ns: int) -> int:
        """Return the earliest time at a position, ns: `position(time(p)) == p` for every p."""
        at = bisect_right(self._start_positions, position_ns) - 1
        if at < 0:
            return position_ns
        inside = position_ns - self._start_positions[at]
        if inside >= self.kept_ns:
            return position_ns + self._removed[at + 1]
        start, end = self.starts[at], self.ends[at]
        return start - (-inside * (end - start) // self.kept_ns)

    def shifted(self, t_ns: int, by_ns: int) -> int:
        """Return the time that lies `by_ns` further on the axis than a time."""
        return self.time(self.position(t_ns) + by_ns) if self.starts else t_ns + by_ns

    def between(self, first_ns: int, last_ns: int) -> int:
        """Return the length of [first, last) on the axis, ns."""
        return self.position(last_ns) - self.position(first_ns) if self.starts else last_ns - first_ns

    def within(self, first_ns: int, last_ns: int) -> range:
        """Return the indices of the folds that overlap [first, last)."""
        first = bisect_right(self.ends, first_ns)
        return range(first, max(first, bisect_right(self.starts, last_ns - 1)))

    def positions(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions of times: int64, same shape, ns."""
        if not self.starts:
            return times_ns
        starts, ends = np.array(self.starts), np.array(self.ends)
        at = np.searchsorted(starts, times_ns, side="right") - 1
        fold = np.maximum(at, 0)
        # In floating point, because the product may overflow an int64; a band is only a few pixels wide.
        share = (times_ns - starts[fold]) / (ends[fold] - starts[fold])
        inside = np.array(self._start_positions)[fold] + (share * self.kept_ns).astype(np.int64)
        behind = times_ns - np.array(self._removed)[fold + 1]
        return np.where(at < 0, times_ns, np.where(times_ns >= ends[fold], behind, inside))

    def fold_buckets(self, at: int, width_ns: int) -> tuple[int, int]:
        """Return the buckets [first, stop) whose middles lie in a fold."""
        half = width_ns // 2
        return -((half - self.starts[at]) // width_ns), -((half - self.ends[at]) // width_ns)

    def bubble_times(self, ids: NDArray[np.int64], width_ns: int) -> NDArray[np.int64]:
        """Return the times (ns) at which the bubbles of buckets are drawn: int64, same shape.

        That is the middle of the bucket. If it lies in a fold, in which nothing trades, it is the fold's nearer end.
        """
        middles = ids * width_ns + width_ns // 2
        for at in self.within(int(middles.min()), int(middles.max()) + 1) if len(ids) and self.starts else ():
            first, stop = self.fold_buckets(at, width_ns)
            is_inside = (ids >= first) & (ids < stop)
            middles[is_inside] = np.where(2 * ids[is_inside] < first + stop, self.starts[at], self.ends[at])
        return middles

    def bubble_time(self, bubble_id: int, width_ns: int) -> int:
        """Return the time (ns) at which the bubble of one bucket is drawn."""
        return int(self.bubble_times(np.array([bubble_id]), width_ns)[0])


UNFOLDED: Final = FoldedTime()


class Folds:
    """Intervals to fold, and the width of a band.

    Parameters
    ----------
    starts, ends : intervals [start, end), ns, ascending; one that overlaps the one before it is left out
    band_px : width of a band, framebuffer pixels
    """

    def __init__(self, starts: Sequence[int] = (), ends: Sequence[int] = (), band_px: float = 0.0) -> None:
        kept: list[tuple[int, int]] = []
        for start, end in zip(starts, ends, strict=True):
            if end > start and (not kept or start >= kept[-1][1]):
                kept.append((start, end))
        self.starts: Final = tuple(start for start, _ in kept)
        self.ends: Final = tuple(end for _, end in kept)
        self.band_px: Final = band_px
        self._key: Final = (self.band_px, self.starts, self.ends)
        self._scale = 0.0
        self._folded = UNFOLDED

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Folds) and self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def at(self, ns_per_px: float) -> FoldedTime:
        """Return the map at a scale."""
        if self.starts and ns_per_px != self._scale:
            self._scale = ns_per_px
            folded = FoldedTime(self.starts, self.ends, max(1, int(self.band_px * ns_per_px)))
            self._folded = folded if folded.starts else UNFOLDED
        return self._folded


NO_FOLDS: Final = Folds()
