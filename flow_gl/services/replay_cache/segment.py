"""A segment of a replay's index: checkpoints at most `POINT_TRADES` trades apart, and what lies between them.

A segment is a part of one file of trades (or of files that are merged). It is stored as a snapshot file
(`snapshot_file`): the rows are those that the charts took from the segment, the state is `Contents`. So an instant in
the segment needs the rows before it, one checkpoint, and the items of one block.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.items import Definition, FeedGap, FileStart, Item, Mapping, Trades
from flow_gl.core.schema import ORDER, TRADE
from flow_gl.services.replay_cache import rows as packed_rows

POINT_TRADES: Final = 1 << 16
"""Trades between two checkpoints at most: they take some 25 ms to aggregate."""
SEGMENT_TRADES: Final = 1 << 21
"""Trades of a segment at most."""
_BLOCK_LEVEL: Final = 1
_NOTICES: Final = (Mapping, Definition, FeedGap, FileStart)
_TRADES: Final = len(_NOTICES)

COLUMN_BYTES: Final = (8, 4, 4, 1)
"""Bytes per trade of the columns that detectors keep of a session (`engine.detectors.trades`)."""


class Columns(msgspec.Struct, frozen=True, array_like=True):
    """The trades of the session that a checkpoint adds to those that a market's detectors hold."""

    market: int
    """Place of the market in the checkpoint."""
    before: int
    """Place of the same market in the previous checkpoint, whose trades continue; -1: these are all."""
    data: bytes
    """The added trades, column by column, compressed."""


class Orders(msgspec.Struct, frozen=True, array_like=True):
    """The orders that a checkpoint adds to a chart's tape."""

    held: int
    """Orders that the tape holds at the checkpoint. Where fewer are added, the previous checkpoint has the others."""
    added: int
    columns: list[packed_rows.Column]
    data: bytes
    """The added orders, compressed."""


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint between two trades."""

    trades: int
    """Trades before it, since the beginning of the replay."""
    newest_event: int
    """Their latest `ts_event`, ns; 0 where there are none."""
    gap_starts: list[int]
    heads: list[list[int]]
    """By chart: the positions that its rings had reached, in the order of `positions_of`."""
    state: bytes
    """State of the pipeline without the trades that detectors keep and the orders of the tapes, compressed."""
    columns: list[Columns]
    orders: list[Orders]
    """By chart."""


class Contents(msgspec.Struct, frozen=True, array_like=True):
    """A segment, without its rows."""

    points: list[Point]
    """In order; the first is at the segment's beginning, the last at its end."""
    blocks: list[bytes]
    """Items between each two points, compressed."""
    tables: list[list[bytes]]
    """By chart: the records GAP_LIST, FINISHED_LIST, SESSION and OPEN at its end, compressed."""
    is_last: bool
    """It ends where its file ends."""


_decoder: Final = msgspec.msgpack.Decoder(Contents)
_entries: Final = msgspec.msgpack.Decoder(list[tuple[int, msgspec.Raw]])
_notice_decoders: Final[list[msgspec.msgpack.Decoder[Mapping | Definition | FeedGap | FileStart]]] = [
    msgspec.msgpack.Decoder(kind) for kind in _NOTICES
]


def encode_contents(contents: Contents) -> bytes:
    """Encode the contents of a segment other than rows."""
    return msgspec.msgpack.encode(contents)


def decode_contents(data: bytes) -> Contents:
    """Decode the contents of a segment other than rows. Raises msgspec.MsgspecError."""
    return _decoder.decode(data)


def encode_block(items: Sequence[Item]) -> bytes:
    """Encode the items between two points; the ends of files are left out."""
    entries: list[tuple[int, object]] = []
    for item in items:
        if isinstance(item, Trades):
            entries.append((_TRADES, np.ascontiguousarray(item.rows).tobytes()))
        elif isinstance(item, _NOTICES):
            entries.append((_NOTICES.index(type(item)), item))
    return pack(msgspec.msgpack.encode(entries), level=_BLOCK_LEVEL)


def decode_block(data: bytes) -> list[Item]:
    """Decode what `encode_block` returned. Raises msgspec.MsgspecError or zstandard.ZstdError."""
    items: list[Item] = []
    for kind, payload in _entries.decode(unpack(data)):
        if kind == _TRADES:
            items.append(Trades(np.frombuffer(msgspec.msgpack.decode(payload, type=memoryview), TRADE)))
        else:
            items.append(_notice_decoders[kind].decode(payload))
    return items


def encode_orders(held: bytes, added: int) -> Orders:
    """Encode the orders of a tape that a checkpoint adds.

    Parameters
    ----------
    held : ORDER rows that the tape holds, oldest first
    added : orders written since the previous checkpoint, possibly more than the tape holds
    """
    rows = np.frombuffer(held, ORDER)
    new = rows[max(0, len(rows) - added) :]
    columns, data = packed_rows.pack(new)
    return Orders(len(rows), len(new), columns, pack(data))


def decode_orders(orders: Orders) -> NDArray[np.void]:
    """Return the orders that a checkpoint adds (ORDER). Raises RowsError or zstandard.ZstdError."""
    return packed_rows.unpack(orders.columns, unpack(orders.data), ORDER, orders.added)


def pack(data: bytes | memoryview, *, level: int = 3) -> bytes:
    """Compress bytes."""
    return zstandard.ZstdCompressor(level=level).compress(data)


def unpack(data: bytes) -> bytes:
    """Return the bytes that `pack` compressed. Raises zstandard.ZstdError."""
    return zstandard.ZstdDecompressor().decompress(data)


def added_columns(now: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> tuple[bool, bytes]:
    """Find what has been added to a session's kept trades since the previous checkpoint.

    Parameters
    ----------
    now, before : uint8, the trades column by column; None without a previous checkpoint

    Returns
    -------
    goes_on : they begin with the earlier ones
    data : the added trades, or all, column by column
    """
    width = sum(COLUMN_BYTES)
    count, known = len(now) // width, len(before) // width if before is not None else 0
    goes_on = before is not None and 0 < known <= count
    parts, start, old = [], 0, 0
    for nbytes in COLUMN_BYTES:
        column = now[start : start + count * nbytes]
        if goes_on and before is not None:
            goes_on = bool((column[: known * nbytes] == before[old : old + known * nbytes]).all())
        parts.append(column)
        start, old = start + count * nbytes, old + known * nbytes
    skipped = known if goes_on else 0
    return goes_on, b"".join(
        part[skipped * nbytes :].tobytes() for part, nbytes in zip(parts, COLUMN_BYTES, strict=True)
    )
