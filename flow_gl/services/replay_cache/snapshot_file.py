"""The file format of a snapshot: the rows that charts took from one file of trades, and the engine's state after it.

`MAGIC`, the head's length and a digest of everything after it; the head, as JSON; then the blocks, each a zstd frame at
the offset that the head gives. A file that does not match its digest, key or sizes is refused when it is opened, so
that no error can occur while rings are being filled.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT
from flow_gl.core.market.footprint import FOOTPRINT
from flow_gl.core.schema import BUBBLE, CVD_POINT, EVENT, MINUTE_LEVELS, ORDER_CVD
from flow_gl.services.replay_cache.rows import Column, RowsError, is_whole, pack, unpack

MAGIC: Final = b"flow_gl snapshot 2\n"
_DIGEST_BYTES: Final = 16
_LENGTH: Final = struct.Struct("<I")
_HEAD_AT: Final = len(MAGIC) + _LENGTH.size + _DIGEST_BYTES
_LEVEL: Final = 3
_DTYPES: Final = {"bubbles": BUBBLE, "cvd": CVD_POINT, "footprints": FOOTPRINT}

Kind = Literal["bubbles", "cvd", "footprints", "events", "minutes", "order_cvd", "alerts", "state"]
_LOGS: Final[dict[Kind, np.dtype]] = {
    "events": EVENT,
    "minutes": MINUTE_LEVELS,
    "order_cvd": ORDER_CVD,
    "alerts": ALERT,
}


class SnapshotError(ValueError):
    """The file is not a complete snapshot with this key."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a chart received from a file at one level of detail."""

    bubbles: NDArray[np.void]
    """BUBBLE and CVD_POINT, of the same buckets; where a ring could not hold them all, the newest."""
    cvd: NDArray[np.void]
    footprints: NDArray[np.void]
    """FOOTPRINT, the newest that the ring held."""


@dataclass(slots=True)
class Snapshot:
    """The result of aggregating one file of trades."""

    note: str
    """The caller's own JSON."""
    state: bytes
    """The engine's state after the file."""
    rows: list[list[Rows]] = field(default_factory=list)
    """By chart and level of detail."""
    logs: list[list[NDArray[np.void]]] = field(default_factory=list)
    """Rows of the logs by chart: EVENT, MINUTE_LEVELS and ORDER_CVD."""


class _Block(msgspec.Struct, frozen=True):
    kind: Kind
    chart: int
    lod: int
    count: int
    """Rows; of a state, bytes."""
    columns: list[Column]
    nbytes: int
    """In the file."""


class _Head(msgspec.Struct, frozen=True):
    key: str
    note: str
    blocks: list[_Block]


_decoder: Final = msgspec.json.Decoder(_Head)


def encode(key: str, snapshot: Snapshot) -> bytes:
    """Encode a snapshot with its key."""
    blocks: list[_Block] = []
    frames: list[bytes] = []
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    for kind, chart, lod, rows in _arrays(snapshot):
        columns, data = pack(rows) if kind in _DTYPES else ([], rows.tobytes())
        frames.append(compressor.compress(data))
        blocks.append(_Block(kind, chart, lod, len(rows), columns, len(frames[-1])))
    head = msgspec.json.encode(_Head(key, snapshot.note, blocks))
    body = b"".join((head, *frames))
    return b"".join((MAGIC, _LENGTH.pack(len(head)), _digest(body), body))


def _arrays(snapshot: Snapshot) -> Iterator[tuple[Kind, int, int, NDArray[Any]]]:
    yield "state", 0, 0, np.frombuffer(snapshot.state, np.uint8)
    for chart, lods in enumerate(snapshot.rows):
        for lod, rows in enumerate(lods):
            yield "bubbles", chart, lod, rows.bubbles
            yield "cvd", chart, lod, rows.cvd
            yield "footprints", chart, lod, rows.footprints
    for chart, logs in enumerate(snapshot.logs):
        for kind, log in zip(_LOGS, logs, strict=True):
            yield kind, chart, 0, log


class SnapshotFile:
    """A snapshot file in memory, decoded block by block.

    Attributes
    ----------
    note : the caller's JSON, as it was stored
    """

    def __init__(self, data: bytes, *, key: str, charts: int, lods: int) -> None:
        """Check a file's content.

        Parameters
        ----------
        data : the complete file
        key : expected key
        charts, lods : expected number of charts and of levels of detail

        Raises
        ------
        SnapshotError
        """
        self._data = memoryview(data)
        if data[: len(MAGIC)] != MAGIC or len(data) < _HEAD_AT:
            raise SnapshotError("it is not a snapshot of this version")
        (head_bytes,) = _LENGTH.unpack_from(data, len(MAGIC))
        if _digest(self._data[_HEAD_AT:]) != data[_HEAD_AT - _DIGEST_BYTES : _HEAD_AT]:
            raise SnapshotError("it is damaged: its digest does not match")
        try:
            head = _decoder.decode(self._data[_HEAD_AT : _HEAD_AT + head_bytes])
        except msgspec.MsgspecError as error:
            raise SnapshotError(f"its head cannot be read: {error}") from None
        if head.key != key:
            raise SnapshotError("it belongs to other files or settings")
        self.note: Final = head.note
        self._blocks: Final[dict[tuple[str, int, int], tuple[_Block, int]]] = {}
        at = _HEAD_AT + head_bytes
        for block in head.blocks:
            self._check(block, at)
            self._blocks[block.kind, block.chart, block.lod] = (block, at)
            at += block.nbytes
        wanted = {("state", 0, 0)} | {(kind, chart, 0) for chart in range(charts) for kind in _LOGS}
        wanted |= {(kind, chart, lod) for kind in _DTYPES for chart in range(charts) for lod in range(lods)}
        is_even = all(
            self.count(chart, lod) == self._blocks["cvd", chart, lod][0].count
            for kind, chart, lod in self._blocks.keys() & wanted
            if kind == "bubbles" and ("cvd", chart, lod) in self._blocks
        )
        if at != len(data) or not is_even or not wanted <= self._blocks.keys():
            raise SnapshotError("it has unexpected contents")

    def count(self, chart: int, lod: int) -> int:
        """Rows of a chart's lod."""
        return self._blocks["bubbles", chart, lod][0].count

    def footprint_count(self, chart: int, lod: int) -> int:
        """Rows of footprints of a chart's lod."""
        return self._blocks["footprints", chart, lod][0].count

    def state(self) -> bytes:
        """Return the engine's state after the file."""
        return self._unpacked("state", 0, 0)[1]

    def bubbles(self, chart: int, lod: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return the BUBBLE and CVD_POINT rows of a chart's lod."""
        return self._rows("bubbles", chart, lod), self._rows("cvd", chart, lod)

    def footprints(self, chart: int, lod: int) -> NDArray[np.void]:
        """Return the FOOTPRINT rows of a chart's lod."""
        return self._rows("footprints", chart, lod)

    def logs(self, chart: int) -> list[NDArray[np.void]]:
        """Return the rows of a chart's logs: EVENT, MINUTE_LEVELS and ORDER_CVD."""
        return [np.frombuffer(self._unpacked(kind, chart, 0)[1], dtype) for kind, dtype in _LOGS.items()]

    def _rows(self, kind: Kind, chart: int, lod: int) -> NDArray[np.void]:
        block, data = self._unpacked(kind, chart, lod)
        try:
            return unpack(block.columns, data, _DTYPES[kind], block.count)
        except RowsError as error:
            raise SnapshotError(str(error)) from None

    def _unpacked(self, kind: Kind, chart: int, lod: int) -> tuple[_Block, bytes]:
        block, at = self._blocks[kind, chart, lod]
        try:
            return block, zstandard.ZstdDecompressor().decompress(self._data[at : at + block.nbytes])
        except zstandard.ZstdError as error:
            raise SnapshotError(f"{kind} cannot be unpacked: {error}") from None

    def _check(self, block: _Block, at: int) -> None:
        """Check that a block's frame lies within the file and has the stated sizes."""
        try:
            size = zstandard.frame_content_size(self._data[at : at + block.nbytes])
        except zstandard.ZstdError:
            size = -1
        dtype = _DTYPES.get(block.kind)
        if dtype is not None:
            is_sound = is_whole(block.columns, size, dtype, block.count)
        else:
            is_sound = size == block.count * (_LOGS[block.kind].itemsize if block.kind in _LOGS else 1)
        if block.nbytes < 0 or at + block.nbytes > len(self._data) or not is_sound:
            raise SnapshotError(f"its {block.kind} of lod {block.lod} are incomplete")


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
