"""Rows as columns of integers, each column as narrow as its values allow.

A column is a base and one unsigned number per row: value = base + number * unit. Numbers take 0, 1, 2, 4 or 8 bytes,
and each column uses the narrowest width that fits. All sums are modulo 2**64, so every int64 is restored exactly. A
float is stored as the int64 with the same bits. A reader maps a whole column at once (`numpy.frombuffer`, a JavaScript
typed array), so neither side loops over rows.

Layout, little-endian: one descriptor byte per column, padded to 8 bytes; the bases that are not 0, 8 bytes each; the
columns of width > 0 in order, each padded to 8 bytes. A descriptor holds the width in bits 0-2 (0: no bytes, then 1, 2,
4 and 8 bytes), the unit in bits 3-4 (0: 1, 1: the price unit, 2: the time unit), and in bit 7 whether a base follows.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.protocol.errors import ProtocolError

ONE: Final = 0
PRICE: Final = 1
TIME: Final = 2
"""Units of a column."""
_WIDTHS: Final = (0, 1, 2, 4, 8)
_CODE_LIMITS: Final = np.array([0, 0xFF, 0xFFFF, 0xFFFFFFFF], np.uint64)
_TYPES: Final = tuple(np.dtype(name) for name in ("<u1", "<u1", "<u2", "<u4", "<u8"))
_HAS_BASE: Final = 0x80

Columns = NDArray[np.int64]
"""Shape (columns, rows)."""


def pack(columns: Columns, units: NDArray[np.uint8], unit_values: tuple[int, int]) -> bytes:
    """Write columns.

    Parameters
    ----------
    columns : int64, shape (columns, rows)
    units : ONE, PRICE or TIME for each column: the unit to use if all differences are multiples of it
    unit_values : the price unit and the time unit, at least 1
    """
    count, rows = columns.shape
    if rows == 0:
        return bytes(_padded(count))
    base = columns.min(axis=1)
    descriptors = np.where(base != 0, _HAS_BASE, 0).astype(np.uint8)
    parts: list[bytes] = []
    if rows > 1:
        # If a difference overflows int64, the sum modulo 2**64 still restores the value.
        numbers = columns.view(np.uint64) - base.view(np.uint64)[:, None]
        for unit in (PRICE, TIME):
            if unit_values[unit - 1] > 1:
                _divide(numbers, np.flatnonzero(units == unit), np.uint64(unit_values[unit - 1]), unit, descriptors)
        codes = np.searchsorted(_CODE_LIMITS, numbers.max(axis=1))
        descriptors |= codes.astype(np.uint8)
        for column in np.flatnonzero(codes):
            data = numbers[column].astype(_TYPES[codes[column]]).tobytes()
            parts += (data, bytes(-len(data) % 8))
    head = descriptors.tobytes() + bytes(_padded(count) - count)
    return b"".join((head, base[base != 0].astype("<i8").tobytes(), *parts))


def _divide(
    numbers: NDArray[np.uint64],
    of: NDArray[np.intp],
    unit_value: np.uint64,
    unit: int,
    descriptors: NDArray[np.uint8],
) -> None:
    """Divide by a unit the columns that hold only multiples of it."""
    if not len(of):
        return
    quotients, rests = np.divmod(numbers[of], unit_value)
    whole = ~rests.any(axis=1)
    numbers[of[whole]] = quotients[whole]
    descriptors[of[whole]] |= unit << 3


def unpack(data: memoryview, count: int, rows: int, unit_values: tuple[int, int]) -> Columns:
    """Read columns. Raises ProtocolError if the length of the data does not match the descriptors.

    Parameters
    ----------
    data : the result of `pack`
    count, rows : number of columns and of rows
    unit_values : the price unit and the time unit

    Returns
    -------
    columns : int64, shape (columns, rows)
    """
    descriptors = np.frombuffer(data[:count], np.uint8)
    if len(descriptors) != count:
        raise ProtocolError(f"expected {count} columns, the frame ends after {len(descriptors)}")
    has_base = np.flatnonzero(descriptors & _HAS_BASE)
    base = np.zeros(count, np.int64)
    at = _padded(count) + 8 * len(has_base)
    _check(at <= len(data), "the bases", len(data))
    base[has_base] = np.frombuffer(data, "<i8", len(has_base), _padded(count))
    columns = np.empty((count, rows), np.uint64)
    columns[:] = base.view(np.uint64)[:, None]
    codes, units = descriptors & 7, (descriptors >> 3) & 3
    _check(bool((codes < len(_WIDTHS)).all() and (units <= TIME).all()), "descriptors", len(data))
    for column in np.flatnonzero(codes):
        code, unit = codes[column], units[column]
        size = rows * _WIDTHS[code]
        _check(at + size <= len(data), f"column {column}", len(data))
        numbers = np.frombuffer(data, _TYPES[code], rows, at)
        columns[column] += numbers if unit == ONE else numbers * np.uint64(unit_values[unit - 1])
        at += _padded(size)
    _check(at == len(data), "the end", len(data))
    return columns.view(np.int64)


def column_bytes(data: bytes, count: int) -> list[int]:
    """Return each column's bytes per row, for measurements."""
    return [_WIDTHS[descriptor & 7] for descriptor in data[:count]]


def _padded(size: int) -> int:
    return (size + 7) & ~7


def _check(is_right: bool, what: str, size: int) -> None:
    if not is_right:
        raise ProtocolError(f"damaged frame: {what} does not fit its {size} bytes of columns")


@lru_cache(maxsize=64)
def flat(dtype: np.dtype) -> np.dtype:
    """Return a row type with only integer fields, one per column: floats as int64, strings as int64 of 8 bytes each.

    Fields whose names begin with `pad` are omitted.
    """
    found = list(_leaves(dtype, 0, ""))
    return np.dtype(
        {
            "names": [name for name, _, _ in found],
            "formats": [code for _, code, _ in found],
            "offsets": [offset for _, _, offset in found],
            "itemsize": dtype.itemsize,
        }
    )


def _leaves(dtype: np.dtype, offset: int, name: str) -> list[tuple[str, str, int]]:
    if dtype.subdtype is not None:
        inner, shape = dtype.subdtype
        length = int(np.prod(shape))
        return [leaf for at in range(length) for leaf in _leaves(inner, offset + at * inner.itemsize, f"{name}[{at}]")]
    if dtype.fields is not None:
        return [
            leaf
            for field, (inner, at, *_) in dtype.fields.items()
            if not field.startswith("pad")
            for leaf in _leaves(inner, offset + at, f"{name}.{field}" if name else field)
        ]
    if dtype.kind == "S":
        return [(f"{name}:{at}", "<i8", offset + at) for at in range(0, dtype.itemsize, 8)]
    return [(name, "<i8" if dtype.kind == "f" else dtype.str, offset)]


def to_columns(rows: NDArray[np.void]) -> Columns:
    """Return the columns of rows, in the order of `flat(rows.dtype)`."""
    form = flat(rows.dtype)
    names = form.names or ()
    columns = np.empty((len(names), len(rows)), np.int64)
    fields = np.ascontiguousarray(rows).view(form)
    for at, name in enumerate(names):
        columns[at] = fields[name]
    return columns


def to_rows(columns: Columns, dtype: np.dtype) -> NDArray[np.void]:
    """Return the rows from the columns of `to_columns`."""
    form = flat(dtype)
    rows = np.zeros(columns.shape[1], dtype)
    fields = rows.view(form)
    for at, name in enumerate(form.names or ()):
        fields[name] = columns[at]
    return rows
