"""Packed frames: a 64-byte header, then the columns of the rows.

| offset | type | field |
|---|---|---|
| 0 | u8 | version of the packed form: 1 |
| 1 | u8 | kind |
| 2 | u8 | part |
| 3 | u8 | cause |
| 4 | u8 | symbol: its index among the instruments of `Connected` |
| 5 | u8 | level |
| 6 | u16 | number of columns |
| 8 | i64 | epoch |
| 16 | i64 | sequence of the first row |
| 24 | i64 | oldest: sequence of the oldest row that will follow as history |
| 32 | u32 | number of rows |
| 36 | u32 | revision |
| 40 | u32 | missed |
| 44 | u32 | flags; bit 0: column `price` of bubbles holds sums |
| 48 | i64 | price unit, 1e-9 |
| 56 | i64 | time unit, ns |
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol import chart_rows, columns
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.kinds import BUBBLES, FORMS, Cause, Kind, Part

PACKED_VERSION: Final = 1
MAX_ROWS: Final = 1 << 16
"""Maximum number of rows in a frame."""
_HEADER: Final = struct.Struct("<BBBBBBHqqqIIIIqq")
HEADER_BYTES: Final = _HEADER.size
_IS_SUM: Final = 1
_MAX_MISSED: Final = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of one kind, with their position in their stream.

    Attributes
    ----------
    symbol : index among the instruments of `Connected`
    level : level of detail; 0 for kinds that have none
    epoch : identifies the engine's run
    sequence : position of the first row; for a record that changes, its version
    rows : rows of the kind's type, `FORMS[kind].dtype`
    revision : number of times that the engine replaced the rows of this log
    oldest : position of the oldest row of the history
    missed : number of rows that the client has not received
    """

    kind: Kind
    symbol: int
    level: int
    epoch: int
    sequence: int
    rows: NDArray[np.void]
    part: Part = Part.INCREMENT
    cause: Cause = Cause.NONE
    revision: int = 0
    oldest: int = 0
    missed: int = 0

    @property
    def next(self) -> int:
        """Position after the last row."""
        return self.sequence + len(self.rows)


def encode(block: Rows, *, tick_size: int = 1, width_ns: int = 1) -> bytes:
    """Encode rows as a packed frame.

    Parameters
    ----------
    tick_size : the instrument's tick size, 1e-9; affects only the size of the frame
    width_ns : bucket width of the level, ns; affects only the size of the frame
    """
    form, rows, flags = FORMS[block.kind], block.rows, 0
    price_unit, time_unit = max(1, tick_size), max(1, width_ns)
    if block.kind in BUBBLES:
        body, is_sum = chart_rows.to_columns(rows, tick_size=price_unit, width_ns=time_unit)
        units, flags = chart_rows.UNITS, _IS_SUM if is_sum else 0
    else:
        time_unit = form.time_unit
        body = columns.to_columns(rows)
        units = _units(block.kind)
    head = _HEADER.pack(
        PACKED_VERSION,
        block.kind,
        block.part,
        block.cause,
        block.symbol,
        block.level,
        len(body),
        block.epoch,
        block.sequence,
        block.oldest,
        len(rows),
        block.revision,
        min(block.missed, _MAX_MISSED),
        flags,
        price_unit,
        time_unit,
    )
    return head + columns.pack(body, units, (price_unit, time_unit))


def decode(data: bytes) -> Rows:
    """Decode a packed frame. Raises ProtocolError for data that `encode` does not produce."""
    if len(data) < HEADER_BYTES:
        raise ProtocolError(f"expected a packed frame of at least {HEADER_BYTES} bytes, got {len(data)}")
    version, number, part, cause, symbol, level, count, *rest = _HEADER.unpack_from(data)
    epoch, sequence, oldest, length, revision, missed, flags, price_unit, time_unit = rest
    if version != PACKED_VERSION:
        raise ProtocolError(f"expected packed version {PACKED_VERSION}, got {version}: update the older of the two")
    try:
        kind, part, cause = Kind(number), Part(part), Cause(cause)
    except ValueError as error:
        raise ProtocolError(f"damaged frame: {error}") from None
    form = FORMS[kind]
    is_chart = kind in BUBBLES
    expected = len(chart_rows.NAMES) if is_chart else len(_units(kind))
    if count != expected or length > MAX_ROWS or price_unit < 1 or time_unit < 1:
        raise ProtocolError(f"damaged frame: {form.name} with {count} columns of {length} rows, expected {expected}")
    body = columns.unpack(memoryview(data)[HEADER_BYTES:], count, length, (price_unit, time_unit))
    if is_chart:
        rows = chart_rows.to_rows(body, is_sum=bool(flags & _IS_SUM), tick_size=price_unit, width_ns=time_unit)
    else:
        rows = columns.to_rows(body, form.dtype)
    return Rows(
        kind=kind,
        symbol=symbol,
        level=level,
        epoch=epoch,
        sequence=sequence,
        rows=rows,
        part=part,
        cause=cause,
        revision=revision,
        oldest=oldest,
        missed=missed,
    )


@cache
def _units(kind: Kind) -> NDArray[np.uint8]:
    form = FORMS[kind]
    found = [
        columns.PRICE if name in form.prices else columns.TIME if name == "ts_event" else columns.ONE
        for name in columns.flat(form.dtype).names or ()
    ]
    return np.array(found, np.uint8)
