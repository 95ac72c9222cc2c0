"""The segments of a replay's index: stored in the file cache, or in memory if caching is off, and decoded on demand.

Decoded rows stay in memory: all of them if they are few; otherwise those of the current segment and of the segments
before it, as far back as the charts' rings reach.
"""

import threading
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.items import Item
from flow_gl.core.schema import MAX_LODS, ORDER
from flow_gl.engine import checkpoint
from flow_gl.runtime.seek.blocks import Blocks
from flow_gl.services.replay_cache.file_cache import FileCache
from flow_gl.services.replay_cache.rows import RowsError
from flow_gl.services.replay_cache.segment import (
    Contents,
    Point,
    decode_block,
    decode_contents,
    decode_orders,
    unpack,
)
from flow_gl.services.replay_cache.snapshot_file import Snapshot, SnapshotError, SnapshotFile, encode

_SUFFIX: Final = ".seek"
LOADED: Final = 4
"""Number of segments whose encoded bytes are kept in memory."""
_MAX_DECODED: Final = 1 << 30
"""Size of a replay's decoded rows, in bytes, up to which all of them are kept."""


class Segment:
    """A stored segment.

    Parameters
    ----------
    data : the stored bytes
    key : the key under which it was stored
    charts : number of charts

    Attributes
    ----------
    contents : everything except the rows
    nbytes : size of the stored bytes

    Raises
    ------
    SnapshotError
        It is damaged or belongs to another replay.
    """

    def __init__(self, data: bytes, *, key: str, charts: int) -> None:
        self.nbytes: Final = len(data)
        self.file: Final = SnapshotFile(data, key=key, charts=charts, lods=MAX_LODS)
        try:
            self.contents: Final[Contents] = decode_contents(self.file.state())
        except msgspec.MsgspecError as error:
            raise SnapshotError(f"its contents cannot be read: {error}") from None
        self._columns: dict[tuple[int, int], list[bytes]] = {}

    @property
    def points(self) -> list[Point]:
        return self.contents.points

    def rows(self, chart: int) -> list[NDArray[np.void]]:
        """Return a chart's rows in the order of `positions_of`: bubbles, footprints, logs; then CVD points."""
        lods = range(MAX_LODS)
        pairs = [self.file.bubbles(chart, lod) for lod in lods]
        footprints = [self.file.footprints(chart, lod) for lod in lods]
        return [*(one for one, _ in pairs), *footprints, *self.file.logs(chart), *(other for _, other in pairs)]

    def state(self, point: int) -> checkpoint.PipelineState:
        """Return the pipeline's state at a point. Raises SnapshotError."""
        try:
            state = checkpoint.decode(unpack(self.points[point].state))
            markets = [*state.markets]
            for columns in self.points[point].columns:
                market = markets[columns.market]
                # As they were added, because joining three million trades takes longer than all else.
                detectors = [*market.detectors, *self._parts(point, columns.market)]
                markets[columns.market] = msgspec.structs.replace(market, detectors=detectors)
            tapes = [
                msgspec.structs.replace(tape, rows=self._orders(point, chart)) for chart, tape in enumerate(state.tapes)
            ]
        except (checkpoint.CheckpointError, zstandard.ZstdError, RowsError, LookupError) as error:
            raise SnapshotError(f"a checkpoint cannot be read: {error}") from None
        return msgspec.structs.replace(state, markets=markets, tapes=tapes)

    def _parts(self, point: int, market: int) -> list[bytes]:
        """Return the trades that a market's detectors hold at a point, as the parts in which they were added."""
        known = self._columns.get((point, market))
        if known is None:
            columns = next(one for one in self.points[point].columns if one.market == market)
            before = self._parts(point - 1, columns.before) if columns.before >= 0 else []
            known = self._columns[point, market] = [*before, unpack(columns.data)]
        return known

    def _orders(self, point: int, chart: int) -> bytes:
        """Return the orders that a chart's tape holds at a point: ORDER rows, oldest first."""
        held = missing = self.points[point].orders[chart].held
        parts: list[bytes] = []
        while missing > 0:
            added = self.points[point].orders[chart]
            parts.insert(0, decode_orders(added).tobytes())
            missing, point = missing - added.added, point - 1
        return b"".join(parts)[-held * ORDER.itemsize :] if held else b""

    def items(self, block: int) -> list[Item]:
        """Return the items of a block. Raises SnapshotError."""
        try:
            return decode_block(self.contents.blocks[block])
        except (msgspec.MsgspecError, zstandard.ZstdError) as error:
            raise SnapshotError(f"a block of trades cannot be read: {error}") from None


class SegmentStore:
    """The segments of one replay. Used by the engine's thread and by the indexing thread.

    Parameters
    ----------
    cache : stores segments between runs; None keeps them in memory
    charts : number of charts
    """

    def __init__(self, cache: FileCache | None, *, charts: int) -> None:
        self._cache: Final = cache
        self._charts: Final = charts
        self._memory: Final[dict[str, bytes]] = {}
        self._names: Final[list[tuple[Path, str]]] = []
        self._loaded: Final[dict[int, Segment]] = {}
        self._rows: Final[dict[tuple[int, int], list[NDArray[np.void]]]] = {}
        self._ids: Final[dict[tuple[int, int, int], NDArray[np.int64]]] = {}
        self._lock: Final = threading.RLock()
        self.blocks: Final = Blocks(self._decode_block)
        """Trades and notices between checkpoints; a block that cannot be read raises DataError."""
        self.nbytes = 0
        """Stored bytes of all segments."""

    def __len__(self) -> int:
        return len(self._names)

    def find(self, path: Path, key: str) -> Segment | None:
        """Return a segment stored by an earlier run; None if there is no usable one."""
        data = self._cache.get(path, key + _SUFFIX) if self._cache else None
        if data is None:
            return None
        try:
            return Segment(data, key=key, charts=self._charts)
        except SnapshotError:
            return None

    def adopt(self, path: Path, key: str, segment: Segment) -> None:
        """Append a segment that was returned by `find`."""
        self._add(path, key, segment.nbytes)

    def put(self, path: Path, key: str, snapshot: Snapshot) -> None:
        """Store and append a segment."""
        data = encode(key, snapshot)
        if self._cache is None or not self._cache.put(path, key + _SUFFIX, data):
            self._memory[key] = data
        self._add(path, key, len(data))

    def segment(self, number: int) -> Segment:
        """Return a segment. Raises DataError if its file is gone or damaged."""
        with self._lock:
            segment = self._loaded.pop(number, None)
            if segment is None:
                path, key = self._names[number]
                data = self._memory.get(key) or (self._cache.get(path, key + _SUFFIX) if self._cache else None)
                if data is None:
                    raise DataError(f"{path}: its index is gone from the cache: open the replay again")
                try:
                    segment = Segment(data, key=key, charts=self._charts)
                except SnapshotError as error:
                    raise DataError(f"{path}: its index in the cache cannot be used: {error}") from None
            self._loaded[number] = segment
            while len(self._loaded) > LOADED:
                del self._loaded[next(iter(self._loaded))]
            return segment

    def rows(self, number: int, chart: int) -> list[NDArray[np.void]]:
        """Return a chart's rows of a segment, in the order of `Segment.rows`. Raises DataError."""
        with self._lock:
            if (number, chart) not in self._rows:
                try:
                    self._rows[number, chart] = self.segment(number).rows(chart)
                except SnapshotError as error:
                    path = self._names[number][0]
                    raise DataError(f"{path}: its index in the cache cannot be used: {error}") from None
            return self._rows[number, chart]

    def bubble_ids(self, number: int, chart: int, lod: int) -> NDArray[np.int64]:
        """Return the ids of a chart's closed bubbles in a segment: int64, shape (n,), ascending. Raises DataError."""
        with self._lock:
            if (number, chart) in self._rows:
                return self._rows[number, chart][lod]["id"]
            if (number, chart, lod) not in self._ids:
                while len(self._ids) > LOADED:
                    del self._ids[next(iter(self._ids))]
                self._ids[number, chart, lod] = self.segment(number).file.bubbles(chart, lod)[0]["id"]
            return self._ids[number, chart, lod]

    @property
    def rows_nbytes(self) -> int:
        """Size of all decoded rows, in bytes; estimated for segments that are not decoded yet."""
        with self._lock:
            known = {number for number, _ in self._rows}
            decoded = sum(rows.nbytes for arrays in self._rows.values() for rows in arrays)
            return decoded * len(self) // max(1, len(known))

    def forget_rows(self, used: set[int]) -> None:
        """Drop the decoded rows of all other segments if the rows are too large to keep."""
        with self._lock:
            if self.rows_nbytes <= _MAX_DECODED:
                return
            for key in [key for key in self._rows if key[0] not in used]:
                del self._rows[key]

    def close(self) -> None:
        """Drop everything decoded ahead. Idempotent."""
        self.blocks.close()

    def _decode_block(self, number: int, block: int) -> list[Item]:
        try:
            return self.segment(number).items(block)
        except SnapshotError as error:
            raise DataError(f"{self._names[number][0]}: its index in the cache cannot be used: {error}") from None

    def _add(self, path: Path, key: str, nbytes: int) -> None:
        self._names.append((path, key))
        self.nbytes += nbytes
