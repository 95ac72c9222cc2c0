"""Compact encoding of closed rows: column by column, as differences.

A column is stored as differences from the previous row, or from another column of the same row (a high from its open).
The differences are divided by their greatest common divisor (a tick, a bucket) and stored in the narrowest integer type
that holds them. zstd compresses the result well, and decoding is about as fast as filling memory.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.footprint import FOOTPRINT
from flow_gl.core.schema import BUBBLE, CVD_POINT, ORDER

BEFORE: Final = "<"
"""The difference is from the previous row."""
PLAIN: Final = ""
"""The values are stored without differencing."""

_OF_BUBBLES: Final[Mapping[str, str]] = {
    "id": BEFORE,
    "ts_event": BEFORE,
    "open": BEFORE,
    **dict.fromkeys(("price", "high", "low", "close"), "open"),
    **dict.fromkeys(("buy", "sell", "unsided", "trade_count"), PLAIN),
    "ts_last": "ts_event",
}
_OF_POINTS: Final[Mapping[str, str]] = {
    "id": BEFORE,
    "ts_event": BEFORE,
    "open": BEFORE,
    **dict.fromkeys(("high", "low", "close"), "open"),
}
_OF_FOOTPRINTS: Final[Mapping[str, str]] = {
    "id": BEFORE,
    "price": BEFORE,
    **dict.fromkeys(("buy", "sell", "unsided", "trade_count"), PLAIN),
}
_OF_ORDERS: Final[Mapping[str, str]] = {
    "ts_event": BEFORE,
    "first": BEFORE,
    "last": "first",
    **dict.fromkeys(("size", "trade_count", "side"), PLAIN),
}
_RULES: Final[dict[np.dtype, Mapping[str, str]]] = {
    BUBBLE: _OF_BUBBLES,
    CVD_POINT: _OF_POINTS,
    FOOTPRINT: _OF_FOOTPRINTS,
    ORDER: _OF_ORDERS,
}
_WIDTHS: Final = (np.dtype("<i1"), np.dtype("<i2"), np.dtype("<i4"), np.dtype("<i8"))
_BY_BYTES: Final = {width.itemsize: width for width in _WIDTHS}


class Column(msgspec.Struct, frozen=True, array_like=True):
    """The encoding of one column."""

    width: int
    """Size of a stored difference, bytes."""
    factor: int
    """Factor by which the differences are multiplied."""
    start: int
    """Value of the first row, if the differences are from the previous row (the first one is then 0)."""


class RowsError(ValueError):
    """The bytes are not valid rows."""


def pack(rows: NDArray[np.void]) -> tuple[list[Column], bytes]:
    """Encode rows (BUBBLE, CVD_POINT, FOOTPRINT or ORDER).

    Returns the columns, in the order of the rules above, and their bytes.
    """
    columns: list[Column] = []
    parts: list[bytes] = []
    for name, rule in _RULES[rows.dtype].items():
        values = rows[name].astype(np.int64)
        start = 0
        if rule == BEFORE:
            start = int(values[0]) if len(values) else 0
            values = np.diff(values, prepend=start)
        elif rule != PLAIN:
            values -= rows[rule]
        factor = int(np.gcd.reduce(values)) or 1
        values //= factor
        width = _width(values)
        columns.append(Column(width.itemsize, factor, start))
        parts.append(values.astype(width).tobytes())
    return columns, b"".join(parts)


def is_whole(columns: Sequence[Column], nbytes: int, dtype: np.dtype, count: int) -> bool:
    """Check that `nbytes` bytes hold `count` rows of a dtype in these columns."""
    widths = [column.width for column in columns]
    are_known = len(widths) == len(_RULES[dtype]) and all(width in _BY_BYTES for width in widths)
    return are_known and count >= 0 and sum(widths) * count == nbytes


def unpack(columns: list[Column], data: bytes, dtype: np.dtype, count: int) -> NDArray[np.void]:
    """Decode `count` rows. Raises RowsError if the columns or the bytes do not fit the dtype."""
    if not is_whole(columns, len(data), dtype, count):
        raise RowsError(f"{len(data)} bytes are not {count} rows of {len(columns)} columns")
    rows: NDArray[np.void] = np.zeros(count, dtype)  # padding too
    at = 0
    for column, (name, rule) in zip(columns, _RULES[dtype].items(), strict=True):
        narrow = np.frombuffer(data, _BY_BYTES[column.width], count, at)
        at += narrow.nbytes
        values = narrow.astype(np.int64)
        if rule == BEFORE:
            np.cumsum(values, out=values)
        if column.factor != 1:
            values *= column.factor
        if rule == BEFORE:
            values += column.start
        elif rule != PLAIN:
            values += rows[rule]
        rows[name] = values
    return rows


def _width(values: NDArray[np.int64]) -> np.dtype:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    return next(width for width in _WIDTHS if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
