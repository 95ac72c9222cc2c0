"""Sums what traded in a time range at each price, from the footprints that the engine keeps by bucket.

The middle of the range is read at the coarsest level of detail whose buckets fit and the ends at finer ones, so that
even a long range needs few rows. Rows are summed as whole arrays, never one by one in Python.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT, SUMMED, FootprintSums, added_up
from flow_gl.store.market import MarketReader

EMPTY: Final[NDArray[np.void]] = np.zeros(0, SUMMED)


@dataclass(frozen=True, slots=True)
class Footprint(FootprintSums):
    """The contracts traded in a time range.

    Attributes
    ----------
    start_ns, end_ns : the range that was summed, in whole base buckets. It is shorter than the requested one if rows at
        its ends are no longer kept at a fine enough level of detail
    rows : SUMMED, shape (prices,), by ascending price
    """

    start_ns: int
    end_ns: int
    rows: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class _Part:
    """Base buckets [start, end) that are whole buckets of a lod."""

    lod: int
    start: int
    end: int


def footprint_of(reader: MarketReader, start_ns: int, end_ns: int) -> Footprint:
    """Return what traded in the base buckets that begin in [start_ns, end_ns), at each price.

    Parameters
    ----------
    reader : the chart, as of its last refresh. The open bubble is included
    start_ns, end_ns : rounded up to whole base buckets. In a chart that has rolled, both must lie in one contract
    """
    base_ns = reader.bucket_ns
    start, end = -(-start_ns // base_ns), -(-end_ns // base_ns)
    end = max(start, end)
    if reader.footprint_version == 0:
        return Footprint(start * base_ns, start * base_ns, EMPTY)  # nothing is known yet
    open_bucket = int(reader.footprint["bucket"])
    closed = max(start, min(end, open_bucket))
    while True:
        known = _known_from(reader)
        parts = _longest_run(_cover(reader, known, len(known) - 1, start, closed))
        rows = [_read(reader, part) for part in parts]
        if _known_from(reader) == known:
            break  # otherwise the engine has overwritten rows while they were read
    first, last = (parts[0].start, parts[-1].end) if parts else (closed, closed)
    if last == closed and known[0] <= open_bucket:
        last = end
        if start <= open_bucket < end:
            # A bucket with very many prices has parts in the ring before it closes.
            rows += [
                _read(reader, _Part(0, open_bucket, open_bucket + 1)),
                reader.footprint["row"][: int(reader.footprint["count"])],
            ]
    found = added_up(np.concatenate([np.zeros(0, FOOTPRINT), *rows]), is_by_bubble=False)
    return Footprint(first * base_ns, last * base_ns, found)


class Steps(NamedTuple):
    """The contracts traded bucket by bucket: closed buckets without a gap between them, oldest first.

    Attributes
    ----------
    start, end : base buckets [start, end) that the rows cover
    parts : per run of buckets of one width, that width in ns and its FOOTPRINT rows, ordered by bucket
    open_rows : FOOTPRINT rows of the open base bucket
    """

    start: int
    end: int
    parts: tuple[tuple[int, NDArray[np.void]], ...]
    open_rows: NDArray[np.void]


def steps_of(reader: MarketReader, start_ns: int, end_ns: int, *, lod: int) -> Steps:
    """Return what traded in the base buckets that begin in [start_ns, end_ns), bucket by bucket.

    Parameters
    ----------
    reader : the chart, as of its last refresh
    start_ns, end_ns : rounded up to whole base buckets. In a chart that has rolled, both must lie in one contract
    lod : buckets have its width, finer ones at the ends, coarser ones where it is no longer kept
    """
    base_ns = reader.bucket_ns
    start, end = -(-start_ns // base_ns), -(-end_ns // base_ns)
    if reader.footprint_version == 0 or end <= start:
        return Steps(start, start, (), EMPTY)
    open_bucket = int(reader.footprint["bucket"])
    closed = max(start, min(end, open_bucket))
    while True:
        known = _known_from(reader)
        parts = _longest_run(_cover(reader, known, lod, start, closed))
        if parts and parts[0].start > start:
            older = _longest_run(_cover(reader, known, len(known) - 1, start, parts[0].start))
            parts = [*older, *parts] if older and older[-1].end == parts[0].start else parts
        rows = [(reader.widths_ns[part.lod], _read(reader, part)) for part in parts]
        if _known_from(reader) == known:
            break  # otherwise the engine has overwritten rows while they were read
    first, last = (parts[0].start, parts[-1].end) if parts else (closed, closed)
    open_rows = EMPTY
    if last == closed and start <= open_bucket < end and known[0] <= open_bucket:
        begun = _read(reader, _Part(0, open_bucket, open_bucket + 1))
        open_rows = np.concatenate([begun, reader.footprint["row"][: int(reader.footprint["count"])]])
    return Steps(first, last, tuple(rows), open_rows)


def _known_from(reader: MarketReader) -> list[int]:
    """Return, per lod, the first bucket whose rows are complete; 0 if no row was ever missing or overwritten."""
    known = []
    for lod in range(len(reader.widths_ns)):
        ring = reader.store.footprints[lod]
        oldest = ring.oldest
        row = ring.row(oldest) if oldest else None
        known.append(int(reader.footprint["known"][lod]) if row is None else int(row["id"]) + 1)
    return known


def _cover(reader: MarketReader, known: list[int], lod: int, start: int, end: int) -> Iterator[_Part]:
    """Split base buckets [start, end) into whole buckets of a lod and of finer ones, in time order.

    Buckets that are not kept at any lod are left out.
    """
    if start >= end or lod < 0:
        return
    ratio = reader.widths_ns[lod] // reader.bucket_ns
    first, stop = max(-(-start // ratio), known[lod]) * ratio, end // ratio * ratio
    if first >= stop:
        yield from _cover(reader, known, lod - 1, start, end)
        return
    yield from _cover(reader, known, lod - 1, start, first)
    yield _Part(lod, first, stop)
    yield from _cover(reader, known, lod - 1, stop, end)


def _longest_run(parts: Iterable[_Part]) -> list[_Part]:
    """Return the longest run of parts without a gap between them."""
    runs: list[list[_Part]] = []
    for part in parts:
        if not runs or runs[-1][-1].end != part.start:
            runs.append([])
        runs[-1].append(part)
    return max(runs, key=lambda run: run[-1].end - run[0].start, default=[])


def _read(reader: MarketReader, part: _Part) -> NDArray[np.void]:
    """Copy the rows of a part."""
    ring, head = reader.store.footprints[part.lod], int(reader.footprint["head"][part.lod])
    ratio = reader.widths_ns[part.lod] // reader.bucket_ns
    return ring.read(ring.position_of(part.start // ratio, head), ring.position_of(part.end // ratio, head))[1]
