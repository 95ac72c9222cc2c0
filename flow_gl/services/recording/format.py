"""The format of a recording: a DBN file of mixed records (no schema, as in a live session) in many small zstd frames.

Every flush writes one complete frame with a checksum, so a file that was cut off anywhere holds all frames before the
cut and nothing of the frame that was being written. zstd readers, including the official client's, read across frames.
A frame's content fits into one zstd block (128 KiB), so a half-written frame decompresses to nothing instead of to a
part. The first frame holds the header and all names known by then, and is written atomically (temporary file, rename).

Where trades are missing the file holds a marker: a SystemMsg with the text of `core.market.gap_markers`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.market.gap_markers import GapMarker, parse_marker
from flow_gl.core.schema import F_BAD_TS_RECV, TRADE
from flow_gl.core.units import MINUTE_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.frames import BLOCK_HEADER_BYTES, RESERVED_BLOCK, RLE_BLOCK, header_bytes_after
from flow_gl.dbn.header import read_header
from flow_gl.dbn.layout import (
    DBN_MAGIC,
    DEFINITION_KIND,
    INSTRUMENT_ID,
    MAPPING_KIND,
    PRELUDE_BYTES,
    RECORD_HEADER_WORDS,
    RECORD_START,
    SYSTEM_KIND,
    TRADE_START,
    ZSTD_MAGIC,
)
from flow_gl.dbn.records import encode_marker, system_text

SUFFIX: Final = ".dbn.zst"
FRAME_CONTENT_BYTES: Final = 128 * 1024
ROWS_PER_PIECE: Final = 1024

_LARGEST_CONTENT: Final = 1 << 27
_FAR_NS: Final = MINUTE_NS
"""A trade whose `ts_recv` is further than this from its `ts_event` is ordered by `ts_event`."""
_SORTED_AT_ONCE: Final = 1 << 18


@dataclass(slots=True)
class Scan:
    """The contents of a recording, found by reading all of it."""

    path: Path
    size: int
    dataset: str = ""
    good_bytes: int = 0
    """Length of the undamaged beginning: a whole number of frames."""
    damage: str = ""
    """The damage after `good_bytes`; "" if the file is undamaged."""
    is_torn: bool = False
    """The only damage is a last frame that was not completely written."""
    header: bytes = b""
    """DBN metadata."""
    frames: int = 0
    placed_names: list[tuple[int, bytes]] = field(default_factory=list)
    """Mapping and definition records in file order, each with the number of trades before it."""
    markers: list[tuple[int, GapMarker]] = field(default_factory=list)
    """Gaps with missing trades, each with the offset of the frame that holds the marker, bytes."""
    trades: NDArray[np.void] = field(default_factory=lambda: np.empty(0, TRADE))
    """dtype TRADE, in file order."""

    @property
    def names(self) -> tuple[bytes, ...]:
        """Mapping and definition records, in file order."""
        return tuple(record for _, record in self.placed_names)

    @property
    def holes(self) -> list[tuple[int, GapMarker]]:
        """The markers of trades that arrived but were not recorded."""
        return [(offset, marker) for offset, marker in self.markers if marker.is_recorders]


def file_name(dataset: str, trade_date: int) -> str:
    """Return the name of a session's recording: ``GLBX.MDP3-20251128.dbn.zst``."""
    return f"{dataset}-{trade_date:08d}{SUFFIX}"


def frames_of(records: Sequence[bytes]) -> Iterator[bytes]:
    """Compress complete records to complete zstd frames of one block each."""
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
    pending: list[bytes] = []
    size = 0
    for record in records:
        if pending and size + len(record) > FRAME_CONTENT_BYTES:
            yield compressor.compress(b"".join(pending))
            pending, size = [], 0
        pending.append(record)
        size += len(record)
    if pending:
        yield compressor.compress(b"".join(pending))


def arrival_times(trades: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the times that order trades: `ts_recv`, or `ts_event` where `ts_recv` is missing or bad.

    Parameters
    ----------
    trades : dtype TRADE

    Returns
    -------
    int64, shape (len(trades),), ns since the epoch
    """
    delay = np.abs(trades["ts_recv"] - trades["ts_event"])
    is_sound = (trades["ts_recv"] > 0) & (trades["flags"] & F_BAD_TS_RECV == 0) & (delay <= _FAR_NS)
    times: NDArray[np.int64] = np.where(is_sound, trades["ts_recv"], trades["ts_event"])
    if len(times) and times.min() <= 0:  # a trade without a time stays after the trade before it
        times = times[np.maximum.accumulate(np.where(times > 0, np.arange(len(times)), 0))]
    return times


def by_arrival(trades: NDArray[np.void]) -> NDArray[np.void]:
    """Sort trades (dtype TRADE) by arrival, stably."""
    ordered: NDArray[np.void] = trades[np.argsort(arrival_times(trades), kind="stable")]
    return ordered


def in_order(found: Scan, *, has_markers: bool) -> bytes:
    """Encode a recording again, with its trades sorted by arrival, and its names and markers among them.

    A name keeps its place in time, so that a roll within the file stays a roll: it follows the trades that were
    recorded before it, but precedes all trades of an instrument that was recorded only after it.

    Parameters
    ----------
    found : the recording
    has_markers : keep the markers
    """
    trades = by_arrival(found.trades)
    times = arrival_times(trades)
    placed = _places_of_names(found, trades, times)
    for marker in sorted((marker for _, marker in found.markers if has_markers), key=lambda marker: marker.end):
        placed.append((int(np.searchsorted(times, marker.end)), encode_marker(marker)))
    records = [found.header]
    at = 0
    for place, record in sorted(placed, key=lambda one: one[0]):
        records += [*records_of(trades[at:place]), record]
        at = place
    return b"".join(frames_of(records + records_of(trades[at:])))


def _places_of_names(found: Scan, trades: NDArray[np.void], times: NDArray[np.int64]) -> list[tuple[int, bytes]]:
    """Return each name with the number of sorted trades that precede it; `times` are the sorted arrival times."""
    newest = np.maximum.accumulate(arrival_times(found.trades))
    first_in_file, first_sorted = _firsts(found.trades), _firsts(trades)
    placed: list[tuple[int, bytes]] = []
    least = 0
    for before, record in found.placed_names:
        place = int(np.searchsorted(times, newest[before - 1], side="right")) if before else 0
        instrument_id = int.from_bytes(record[INSTRUMENT_ID], "little")
        if first_in_file.get(instrument_id, 0) >= before:  # it is new here, or never trades
            place = min(place, first_sorted.get(instrument_id, place))
        least = max(least, place)  # names keep their order among themselves
        placed.append((least, record))
    return placed


def _firsts(trades: NDArray[np.void]) -> dict[int, int]:
    """Return the index of each instrument's first trade."""
    ids, firsts = np.unique(trades["instrument_id"], return_index=True)
    return dict(zip(ids.tolist(), firsts.tolist(), strict=True))


def records_of(trades: NDArray[np.void]) -> list[bytes]:
    """Split trades (dtype TRADE) into pieces of bytes that fit into a frame."""
    return [trades[at : at + ROWS_PER_PIECE].tobytes() for at in range(0, len(trades), ROWS_PER_PIECE)]


def scan(path: Path) -> Scan:
    """Read a recording and report its contents and any damage.

    Raises
    ------
    OSError
        The file cannot be read. Damage is not an error: see `Scan.damage`.
    """
    data = path.read_bytes()
    found = Scan(path=path, size=len(data))
    trades = bytearray()
    waiting: list[tuple[int, bytes]] = []  # complete frames: the offset at which each ends, and its content
    size = 0
    try:
        for start, end, content in _frames(data):
            records = content
            if start == 0:
                found.dataset, length = _read_header(content)
                found.header, records = content[:length], content[length:]
            waiting.append((end, records))
            size += len(records)
            if size >= _SORTED_AT_ONCE:
                _sort_frames(waiting, trades, found)
                waiting, size = [], 0
        _sort_frames(waiting, trades, found)
    except DamageError as damage:
        first: DamageError = damage
        # The records of an earlier frame may be damaged too, and that is then the first damage.
        try:
            _sort_frames([frame for frame in waiting if frame[0] > found.good_bytes], trades, found)
        except DamageError as earlier:
            first = earlier
        found.is_torn = first.is_truncated
        found.damage = f"the frame at byte {found.good_bytes} is {first if found.is_torn else f'damaged: {first}'}"
    found.trades = np.frombuffer(trades, TRADE)
    return found


def _frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield start, end and content of each frame; raises DamageError at the first that is damaged or incomplete."""
    decompressor = zstandard.ZstdDecompressor()
    at = 0
    while at < len(data):
        end = _frame_end(data, at)
        if end is None:
            raise DamageError("", "not written to its end", is_truncated=True)
        yield at, end, _content(decompressor, data[at:end])
        at = end


def _sort_frames(frames: list[tuple[int, bytes]], trades: bytearray, found: Scan) -> None:
    """Add the records of adjacent frames to `trades` and `found`; raises DamageError at the first damaged frame.

    Most of a session's hundreds of thousands of frames hold only trades: those are added together.
    """
    if not frames:
        return
    joined = b"".join([content for _, content in frames])
    is_whole = all(len(content) % TRADE.itemsize == 0 for _, content in frames)
    if is_whole and bool((np.frombuffer(joined, RECORD_START)["start"] == TRADE_START).all()):
        trades += joined
        found.good_bytes = frames[-1][0]
        found.frames += len(frames)
        return
    for end, content in frames:
        _sort_records(content, found.good_bytes, trades, found)
        found.good_bytes = end
        found.frames += 1


def _frame_end(data: bytes, start: int) -> int | None:
    """Return the offset just after the zstd frame at `start`; None if the data ends before it (RFC 8878, 3.1.1).

    `dbn.frames` decompresses a stream of any size block by block; here the file is in memory, and whole frames are cut
    out of it, so that a frame counts either completely or not at all.
    """
    magic = data[start : start + 4]
    if magic != ZSTD_MAGIC[: len(magic)]:
        raise DamageError("", "no zstd frame starts here")
    if len(data) < start + 5:
        return None
    descriptor = data[start + 4]
    at = start + 5 + header_bytes_after(descriptor)
    is_last = False
    while not is_last:
        if len(data) < at + BLOCK_HEADER_BYTES:
            return None
        block = int.from_bytes(data[at : at + BLOCK_HEADER_BYTES], "little")
        is_last = bool(block & 1)
        kind = block >> 1 & 3
        if kind == RESERVED_BLOCK:
            raise DamageError("", "a block of reserved type")
        at += BLOCK_HEADER_BYTES + (1 if kind == RLE_BLOCK else block >> 3)
    at += 4 * (descriptor >> 2 & 1)
    return at if at <= len(data) else None


def _content(decompressor: zstandard.ZstdDecompressor, frame: bytes) -> bytes:
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= _LARGEST_CONTENT:
            raise DamageError("", f"a frame of {size} bytes of content")
        return decompressor.decompress(frame)
    except zstandard.ZstdError as error:
        raise DamageError("", str(error)) from None


def _read_header(content: bytes) -> tuple[str, int]:
    """Return the dataset and the length of the DBN header, bytes."""
    if content[:3] != DBN_MAGIC or len(content) < PRELUDE_BYTES:
        raise DamageError("", "no DBN header")
    length = PRELUDE_BYTES + int.from_bytes(content[4:PRELUDE_BYTES], "little")
    return read_header(content[:length]).dataset, length


def _sort_records(content: bytes, offset: int, trades: bytearray, found: Scan) -> None:
    """Add a frame's records to `trades` and `found`; raises DamageError, and then none of them are added."""
    runs: list[bytes] = []
    names: list[tuple[int, bytes]] = []
    markers: list[GapMarker] = []
    count_before = len(trades) // TRADE.itemsize
    at = 0
    while at < len(content):
        count = (len(content) - at) // TRADE.itemsize
        is_trade = np.frombuffer(content, RECORD_START, count, at)["start"] == TRADE_START
        run = count if is_trade.all() else int(is_trade.argmin())
        if run:
            runs.append(content[at : at + run * TRADE.itemsize])
            at += run * TRADE.itemsize
            count_before += run
            continue
        length = content[at] * 4
        record = content[at : at + length]
        if length < RECORD_HEADER_WORDS * 4 or len(record) < length:
            raise DamageError("", f"a record of {length} bytes at byte {at} of its content")
        if record[1] in (MAPPING_KIND, DEFINITION_KIND):
            names.append((count_before, record))
        elif record[1] == SYSTEM_KIND:
            marker = parse_marker(system_text(record))
            markers += [marker] if marker else []
        at += length
    trades += b"".join(runs)
    found.placed_names += names
    found.markers += [(offset, marker) for marker in markers]
