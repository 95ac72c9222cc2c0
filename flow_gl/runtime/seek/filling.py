"""Fills the rings of a chart's store with the rows of a replay's index.

A ring position has the same row in every run over the same files, so rows that a store already has are not written
again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import MAX_LODS
from flow_gl.store.market import MarketStore
from flow_gl.store.ring import Ring, missing
from flow_gl.store.row_log import RowLog

if TYPE_CHECKING:
    from flow_gl.runtime.seek.segment_store import SegmentStore


@dataclass(frozen=True, slots=True)
class End:
    """The position up to which a ring is filled."""

    head: int
    """Position after the last row."""
    segment: int
    """Number of the segment that contains this position; a position at a segment's end belongs to that segment."""


def rings_of(store: MarketStore) -> list[Ring | RowLog]:
    """Return a chart's rings in the order of a checkpoint's positions; CVD points have the positions of bubbles."""
    return [*store.bubbles, *store.footprints, *store.logs]


def fill(
    segments: "SegmentStore",
    store: MarketStore,
    chart: int,
    number: int,
    end: End,
    *,
    held: int = 0,
    is_hidden: bool = False,
) -> set[int]:
    """Fill a ring of a chart's store with the rows before a position; with bubbles also the ring of their CVD points.

    Parameters
    ----------
    segments : provides the rows
    number : the ring's number, in the order of `rings_of`
    held : position up to which the ring is already filled
    is_hidden : only write the rows, without publishing them to readers

    Returns
    -------
    used : numbers of the segments whose rows were read

    Raises
    ------
    DataError
        A segment cannot be read.
    """
    rings = rings_of(store)
    ring = rings[number]
    first, last = missing(end.head, ring.capacity, held)
    places = [number, number + len(rings)] if number < MAX_LODS else [number]
    parts: list[list[NDArray[np.void]]] = [[] for _ in places]
    wanted, at, used = (end.head - first if last > first else 0), end.segment, set[int]()
    while wanted > 0:
        used.add(at)
        rows = segments.rows(at, chart)
        count = len(rows[number])
        if at == end.segment:
            count = end.head - segments.segment(at).points[0].heads[chart][number]
        for one, found in zip(places, parts, strict=True):
            found.insert(0, rows[one][:count])
        wanted, at = wanted - count, at - 1
    # CVD first: a reader that sees a bubble at a position must find its CVD point there.
    if number < MAX_LODS:
        _put(store.cvd[number], end.head, parts[1], held, is_hidden=is_hidden)
    _put(ring, end.head, parts[0], held, is_hidden=is_hidden)
    return used


def _put(ring: Ring | RowLog, head: int, parts: Sequence[NDArray[np.void]], held: int, *, is_hidden: bool) -> None:
    if is_hidden:
        ring.place(head, parts, held)
    else:
        ring.restore(head, parts, held)
