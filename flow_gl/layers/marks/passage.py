"""When price first traded at or beyond a price, found with the levels of detail: tens of rows, not the history."""

from typing import Final

import numpy as np

from flow_gl.store.market import MarketReader
from flow_gl.store.ring import Ring

_NONE: Final = -1


def first_passage(reader: MarketReader, start_ns: int, price: int, *, is_up: bool) -> int | None:
    """Return the start (ns) of the first bucket from `start_ns` on in which price reached `price`; None if it has not.

    Buckets that had begun before `start_ns` are not looked at: which of their trades came later is not known.

    Parameters
    ----------
    price : 1e-9
    is_up : reached from below (a high at or above it); else from above
    """
    widths = reader.widths_ns
    top, t_ns = len(widths) - 1, start_ns
    for lod in range(top):  # finer buckets up to where a coarser one begins
        until_ns = -(-t_ns // widths[lod + 1]) * widths[lod + 1]
        found = _scan(reader, lod, t_ns, until_ns, price, is_up=is_up)
        if found != _NONE:
            return _refine(reader, lod, found, price, is_up=is_up)
        t_ns = until_ns
    for lod in range(top, -1, -1):  # coarse buckets, then what they have not closed yet
        found = _scan(reader, lod, t_ns, None, price, is_up=is_up)
        if found != _NONE:
            return _refine(reader, lod, found, price, is_up=is_up)
        newest = reader.store.bubbles[lod].row(reader.heads[lod] - 1)
        if newest is not None:
            t_ns = max(t_ns, (int(newest["id"]) + 1) * widths[lod])
    bubble = reader.open_bubble(0)
    if bubble is None or int(bubble["ts_event"]) < start_ns:
        return None
    is_reached = int(bubble["high"]) >= price if is_up else int(bubble["low"]) <= price
    return int(bubble["ts_event"]) if is_reached else None


def _scan(reader: MarketReader, lod: int, from_ns: int, until_ns: int | None, price: int, *, is_up: bool) -> int:
    """Return the id of the first bucket that reaches a price among those that begin in a time range."""
    ring, head, width = reader.store.bubbles[lod], reader.heads[lod], reader.widths_ns[lod]
    start = ring.position_of(-(-from_ns // width), head)
    stop = head if until_ns is None else ring.position_of(-(-until_ns // width), head)
    return _first(ring, start, stop, price, is_up=is_up)


def _first(ring: Ring, start: int, stop: int, price: int, *, is_up: bool) -> int:
    for rows in ring.segments(start, stop):
        reached = np.flatnonzero(rows["high"] >= price if is_up else rows["low"] <= price)
        if len(reached):
            return int(rows["id"][reached[0]])
    return _NONE


def _refine(reader: MarketReader, lod: int, bucket_id: int, price: int, *, is_up: bool) -> int:
    """Return the start (ns) of the finest bucket within a bucket that reaches a price."""
    width = reader.widths_ns[lod]
    start_ns, end_ns = bucket_id * width, (bucket_id + 1) * width
    while lod > 0:
        found = _scan(reader, lod - 1, start_ns, end_ns, price, is_up=is_up)
        if found == _NONE:  # the finer rows were overwritten
            break
        lod -= 1
        width = reader.widths_ns[lod]
        start_ns, end_ns = found * width, (found + 1) * width
    return start_ns
