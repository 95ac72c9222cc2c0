"""Finds the rows that were published last among an engine's own.

Two engines compute the same rows, but number them differently: one may have started later. So the engine that takes
over looks for the rows themselves, and continues after them.
"""

from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.units import MINUTE_NS
from flow_gl.protocol import columns
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import Kind
from flow_gl.streams.appended import Source

COMPARED: Final = 64
"""Number of published rows that are compared, at most."""
CHUNK: Final = 4096
"""Rows that are searched at once, from the newest back."""
SETTLED_NS: Final = 2 * MINUTE_NS
"""An engine that has read trades this much later than a row must have computed that row."""
_BY_BUCKET: Final = frozenset({Kind.BUBBLE, Kind.FOOTPRINT})


class Absence(Enum):
    """Why published rows are not among an engine's own."""

    NOT_YET = "not yet"
    """The engine has not read that far."""
    DIFFERENT = "different"
    """It has, but its rows differ or begin later."""


def find(source: Source, published: Rows, *, newest_ns: int) -> int | Absence:
    """Return the position in `source` after the last published row.

    Parameters
    ----------
    source : the engine's own rows
    published : rows of the newest message of the stream, at least one
    newest_ns : event time up to which the engine has read trades
    """
    wanted = columns.to_columns(published.rows[-COMPARED:])
    last, key = published.rows[-1], "id" if published.kind in _BY_BUCKET else "ts_event"
    _, head = source.state
    stop = head
    while stop > source.oldest:
        first, rows = source.read(max(source.oldest, stop - CHUNK), stop)
        if not len(rows):
            break
        here = columns.to_columns(rows)
        for at in np.flatnonzero((here == wanted[:, -1:]).all(axis=0))[::-1]:
            position = first + int(at) + 1
            if _is_same(source, position, wanted):
                return position
        if published.kind in _BY_BUCKET and rows[key][0] < last[key]:
            break
        stop = first
    return _absence(source, published, head, newest_ns)


def _is_same(source: Source, position: int, wanted: NDArray[np.int64]) -> bool:
    """Return whether the rows before a position are the wanted ones, as far as they are kept."""
    _, rows = source.read(position - wanted.shape[1], position)
    here = columns.to_columns(rows)
    return bool((here == wanted[:, wanted.shape[1] - here.shape[1] :]).all())


def _absence(source: Source, published: Rows, head: int, newest_ns: int) -> Absence:
    last = published.rows[-1]
    if published.kind in _BY_BUCKET:
        _, newest = source.read(head - 1, head)
        is_past = bool(len(newest)) and newest["id"][0] >= last["id"]
    else:
        is_past = newest_ns > int(last["ts_event"]) + SETTLED_NS
    return Absence.DIFFERENT if is_past else Absence.NOT_YET
