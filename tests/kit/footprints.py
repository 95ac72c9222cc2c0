"""Footprints for the test kit's markets: each bubble's contracts and trades are divided evenly over its ticks."""

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT, OPEN_FOOTPRINT, SUMS, added_up
from flow_gl.core.schema import MAX_LODS
from flow_gl.store.market import MarketStore
from tests.kit.kept import kept

_MAX_TICKS = 1000


@kept
def footprints_of(rows: NDArray[np.void], tick: int) -> NDArray[np.void]:
    """Return FOOTPRINT rows that add up to BUBBLE rows; contracts of a bad print are all at the close."""
    ticks = (rows["high"] - rows["low"]) // tick + 1
    is_odd = ticks > _MAX_TICKS
    ticks, low = np.where(is_odd, 1, ticks), np.where(is_odd, rows["close"], rows["low"])
    number = np.arange(ticks.sum()) - np.repeat(np.cumsum(ticks) - ticks, ticks)
    found = np.zeros(len(number), FOOTPRINT)
    found["id"], found["price"] = np.repeat(rows["id"], ticks), np.repeat(low, ticks) + number * tick
    for name in SUMS:
        whole, rest = np.divmod(rows[name], ticks)
        found[name] = np.repeat(whole, ticks) + (number < np.repeat(rest, ticks))
    return found[found["trade_count"] + found["buy"] + found["sell"] + found["unsided"] > 0]


class FootprintFeed:
    """Publishes footprints as an engine would: closed buckets to the rings, the open one to the table.

    Parameters
    ----------
    rows : BUBBLE rows of the base lod
    widths_s : bucket widths of all lods
    """

    def __init__(self, rows: NDArray[np.void], tick: int, widths_s: tuple[int, ...]) -> None:
        self._widths_s = widths_s
        base = footprints_of(rows, tick)
        self._lods = [_merged(base, width) for width in widths_s]
        self._closed = [0] * len(widths_s)

    def publish(self, store: MarketStore, newest: int, *, is_open: bool = True) -> None:
        """Close the buckets before second `newest`, or that one too, and publish it as the open one."""
        record = np.zeros(1, OPEN_FOOTPRINT)
        for lod, rows in enumerate(self._lods):
            stop = int(np.searchsorted(rows["id"], (newest + (not is_open)) // self._widths_s[lod]))
            store.footprints[lod].append(rows[self._closed[lod] : stop])
            self._closed[lod] = max(stop, self._closed[lod])
        rows = self._lods[0]
        inside = rows[rows["id"] == newest] if is_open else rows[:0]
        record["bucket"], record["count"] = newest + (not is_open), len(inside)
        record["row"][0, : len(inside)] = inside
        record["head"][0] = [store.footprints[lod].head for lod in range(MAX_LODS)]
        store.footprint.write(record)


@kept
def _merged(base: NDArray[np.void], width: int) -> NDArray[np.void]:
    rows = base.copy()
    rows["id"] //= width
    return added_up(rows, is_by_bubble=True).astype(FOOTPRINT)
