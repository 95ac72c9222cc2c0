"""Fills the rings of a chart's store with the rows of a replay's index.

A position of a ring has the same row in every run over the same files, so rows that a store already has are not written
again: only what is missing of the rows that the ring is to hold.
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
    from flow_gl.runtime.seek.library import Library


@dataclass(frozen=True, slots=True)
class End:
    """Where the rows of a ring are to end."""

    head: int
    """Position after the last row."""
    segment: int
    """The segment that has this position, counted from the first; its end counts as in it."""


def rings_of(store: MarketStore) -> list[Ring | RowLog]:
    """Return a chart's rings in the order of the positions of a checkpoint; CVD points go with bubbles."""
    return [*store.bubbles, *store.footprints, *store.logs]


def fill(
    library: "Library", store: MarketStore, chart: int, number: int, end: End, *, held: int = 0, is_hidden: bool = False
) -> set[int]:
    """Fill a ring of a chart's store, and that of CVD with bubbles, with the rows before a position.

    Parameters
    ----------
    library : has the rows
    number : of the ring, in the order of `rings_of`
    held : rows before this position are there already, as many as the ring holds
    is_hidden : only write rows: the ring still has none for its readers

    Returns
    -------
    used : segments whose rows were read

    Raises
    ------
    DataError
    """
    rings = rings_of(store)
    ring = rings[number]
    first, last = missing(end.head, ring.capacity, held)
    places = [number, number + len(rings)] if number < MAX_LODS else [number]
    parts: list[list[NDArray[np.void]]] = [[] for _ in places]
    wanted, at, used = (end.head - first if last > first else 0), end.segment, set[int]()
    while wanted > 0:
        used.add(at)
        rows = library.rows(at, chart)
        count = len(rows[number])
        if at == end.segment:
            count = end.head - library.segment(at).points[0].heads[chart][number]
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
