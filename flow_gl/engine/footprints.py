"""The footprints of an instrument: contracts bought, sold and unsided at each price, by bucket and lod.

A trade counts in the bucket of its bubble, a late trade in the bubble that is open when it arrives. Rows are produced
only for sinks that request them (`sinks.FootprintReader`).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT, FOOTPRINT_ROWS, NO_OPEN_BUCKET, OPEN_FOOTPRINT, SUMS, added_up
from flow_gl.engine.kernels.footprint import LEVEL, SLOTS, add_nb, settle_nb, take_nb
from flow_gl.engine.kernels.layout import NO_BUCKET, WORDS, Scratch, steps_of
from flow_gl.engine.sinks import Collector, FootprintReader, Sink


class Footprints:
    """The open buckets of one instrument, one per level of detail.

    Parameters
    ----------
    widths_ns : bucket widths of the levels of detail, the base bucket first
    scratch : output buffers of the kernels, shared by all instruments
    """

    def __init__(self, widths_ns: Sequence[int], scratch: Scratch) -> None:
        self._widths_ns: Final = tuple(widths_ns)
        self._scratch: Final = scratch
        self._bucket = NO_BUCKET
        self._levels: NDArray[np.void] = np.zeros(0, LEVEL)
        self._record: Final[NDArray[np.void]] = np.zeros(1, OPEN_FOOTPRINT)

    def take(self, words: NDArray[np.int64], sink: Sink | None) -> None:
        """Process trades that have been aggregated: int64 words of TRADE rows."""
        if not isinstance(sink, FootprintReader) or not sink.footprint_lods:
            return
        if not len(self._levels):
            self._make(sink.footprint_lods)
        at, scratch = 0, self._scratch
        slots, places, rows = self._tables
        while at < len(words) // WORDS:
            base = slots[0], places[0], rows[0], scratch.order, scratch.footprints[0]
            at = take_nb(words, at, self._widths_ns[0], self._levels, *base)
            self._settle(int(self._levels["id"][0]), sink)

    def close(self, bucket: int, sink: Sink | None) -> None:
        """Open a base bucket unless a later one is already open."""
        self._bucket = max(self._bucket, bucket)
        if len(self._levels) and isinstance(sink, FootprintReader):
            self._settle(bucket, sink)

    def record(self) -> NDArray[np.void]:
        """Return the open base bucket as OPEN_FOOTPRINT, shape (1,), without the heads of the rings."""
        record = self._record
        record["bucket"], record["count"] = NO_OPEN_BUCKET, 0
        if len(self._levels) and self._levels["id"][0] != NO_BUCKET:
            level, count = self._levels[0], int(self._levels["count"][0])
            record["bucket"], record["count"] = level["id"], count
            rows = record["row"][0, :count]
            rows[:] = self._tables[2][0, :count]
            rows["id"] = level["id"]
        return record

    def keep(self) -> list[bytes]:
        """Return the open buckets for a checkpoint: their numbers, followed by each lod's rows."""
        if not len(self._levels):
            return []
        rows = [rows[:count] for rows, count in zip(self._tables[2], self._levels["count"], strict=True)]
        return [self._levels.tobytes(), *(part.tobytes() for part in rows)]

    def resume(self, kept: Sequence[bytes]) -> None:
        """Restore what `keep` returned."""
        if not kept:
            return
        levels, *parts = kept
        self._make(len(parts))
        self._levels[:] = np.frombuffer(levels, LEVEL)
        self._levels["count"] = 0
        for lod, part in enumerate(parts):
            slots, places, rows = (array[lod] for array in self._tables)
            found, level = np.frombuffer(part, FOOTPRINT), self._levels[lod]
            for price, *sums in zip(*(found[name].tolist() for name in ("price", *SUMS)), strict=True):
                add_nb(level, slots, places, rows, price, *sums)

    def _make(self, lods: int) -> None:
        widths = self._widths_ns[:lods]
        lods = len(widths)
        self._levels = np.zeros(lods, LEVEL)
        self._levels["id"] = NO_BUCKET
        self._levels["id"][0] = self._bucket
        self._levels["ratio"] = [width // widths[0] for width in widths]
        self._levels["step"] = steps_of(widths)
        self._tables = (
            np.zeros((lods, SLOTS), np.int32),
            np.zeros((lods, FOOTPRINT_ROWS), np.int32),
            np.zeros((lods, FOOTPRINT_ROWS), FOOTPRINT),
        )

    def _settle(self, bucket: int, sink: FootprintReader) -> None:
        scratch, levels = self._scratch, self._levels
        settle_nb(bucket, levels, *self._tables, scratch.order, scratch.footprints)
        for lod in np.flatnonzero(levels["out"]).tolist():
            sink.footprints(lod, scratch.footprints[lod, : int(levels["out"][lod])])
        levels["out"] = 0


class FootprintCollector(Collector, FootprintReader):
    """Collects results like `Collector`, and also the footprint of each base bubble."""

    footprint_lods = 1

    def __init__(self) -> None:
        super().__init__()
        self._found: list[NDArray[np.void]] = []

    def footprints(self, lod: int, rows: NDArray[np.void]) -> None:  # noqa: ARG002  # only the base lod exists
        self._found.append(rows.copy())

    def footprint_rows(self) -> NDArray[np.void]:
        """Return the footprints of all bubbles (SUMMED), by bubble and ascending price."""
        return added_up(np.concatenate([np.zeros(0, FOOTPRINT), *self._found]), is_by_bubble=True)
