"""When price first traded at or beyond a price, found with the levels of detail: tens of rows, not the history."""

import numpy as np

from flow_gl.layers.marks.mark import NEVER
from flow_gl.store.market import MarketReader


def first_passage(reader: MarketReader, start_ns: int, price: int, *, is_up: bool) -> int | None:
    """Return the start (ns) of the first bucket from `start_ns` on in which price reached `price`; None if it has not.

    Buckets that had begun before `start_ns` are not looked at: which of their trades came later is not known.

    Parameters
    ----------
    price : 1e-9
    is_up : reached from below (a high at or above it); else from above
    """
    widths = reader.widths_ns
    lod, t_ns = 0, start_ns
    while True:  # finer buckets up to where a coarser one begins, as long as all of them have closed
        until_ns = -(-t_ns // widths[lod + 1]) * widths[lod + 1] if lod + 1 < len(widths) else NEVER
        found = _scan(reader, lod, (t_ns, until_ns), price, is_up=is_up)
        if found is not None:
            return _refine(reader, lod, found, price, is_up=is_up)
        closed_ns = _closed_until(reader, lod)
        if closed_ns < until_ns:
            break
        lod, t_ns = lod + 1, until_ns
    t_ns = max(t_ns, closed_ns)
    while lod > 0:  # what coarse buckets have not closed yet
        lod -= 1
        found = _scan(reader, lod, (t_ns, NEVER), price, is_up=is_up)
        if found is not None:
            return _refine(reader, lod, found, price, is_up=is_up)
        t_ns = max(t_ns, _closed_until(reader, lod))
    bubble = reader.open_bubble(0)
    if bubble is None or int(bubble["ts_event"]) < start_ns:
        return None
    is_reached = int(bubble["high"]) >= price if is_up else int(bubble["low"]) <= price
    return int(bubble["ts_event"]) if is_reached else None


def _closed_until(reader: MarketReader, lod: int) -> int:
    """Return the end (ns) of the newest closed bucket of a level of detail; 0 if there is none."""
    newest = reader.store.bubbles[lod].row(reader.heads[lod] - 1)
    return 0 if newest is None else (int(newest["id"]) + 1) * reader.widths_ns[lod]


def _scan(reader: MarketReader, lod: int, times_ns: tuple[int, int], price: int, *, is_up: bool) -> int | None:
    """Return the id of the first closed bucket that reaches a price, of those that begin in [start, end)."""
    ring, head, width = reader.store.bubbles[lod], reader.heads[lod], reader.widths_ns[lod]
    start, stop = (ring.position_of(-(-t_ns // width), head) for t_ns in times_ns)
    for rows in ring.segments(start, stop):
        reached = np.flatnonzero(rows["high"] >= price if is_up else rows["low"] <= price)
        if len(reached):
            return int(rows["id"][reached[0]])
    return None


def _refine(reader: MarketReader, lod: int, bucket_id: int, price: int, *, is_up: bool) -> int:
    """Return the start (ns) of the finest bucket within a bucket that reaches a price."""
    width = reader.widths_ns[lod]
    start_ns, end_ns = bucket_id * width, (bucket_id + 1) * width
    while lod > 0:
        found = _scan(reader, lod - 1, (start_ns, end_ns), price, is_up=is_up)
        if found is None:  # the finer rows were overwritten
            break
        lod -= 1
        width = reader.widths_ns[lod]
        start_ns, end_ns = found * width, (found + 1) * width
    return start_ns
