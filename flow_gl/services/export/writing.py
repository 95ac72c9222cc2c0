"""Write tables as Parquet or CSV, atomically: a temporary file, then a rename, so no reader sees a partial one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.outside import cell
from flow_gl.core.schema import PRICE_SCALE

Format = Literal["parquet", "csv"]
_FEW_VALUES: Final = [
    *("instrument", "symbol", "trade_date", "buy", "sell", "unsided", "delta", "dominant", "volume", "trade_count"),
]
"""Columns that Parquet stores as a dictionary; for columns of mostly distinct values that costs time and space."""


def points(price: NDArray[np.int64]) -> NDArray[np.float64]:
    """Convert prices (int64, 1e-9 units) to points (float64), correctly rounded for prices up to nine million."""
    return price / float(PRICE_SCALE)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it on success and is removed on failure."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_table(path: Path, tables: Iterator[dict[str, Any]], fmt: Format) -> None:
    """Write tables of the same columns, one after the other, into one file.

    Parameters
    ----------
    path : the file to write
    tables : arrays by column; a column of one word is the word and its number of rows. NaN is written as no value
    fmt : "parquet" (zstd) or "csv"
    """
    import pyarrow as pa
    from pyarrow import csv, parquet

    writer: Any = None
    try:
        for columns in tables:
            arrays = {name: _arrow(pa, column, fmt) for name, column in columns.items()}
            table = pa.table(arrays)
            if writer is None and fmt == "parquet":
                # The other integers as differences: half the time to compress, and a third less room.
                steps = {
                    field.name: "DELTA_BINARY_PACKED"
                    for field in table.schema
                    if field.type == pa.int64() and field.name not in _FEW_VALUES
                }
                writer = parquet.ParquetWriter(
                    path, table.schema, compression="zstd", use_dictionary=_FEW_VALUES, column_encoding=steps
                )
            elif writer is None:
                writer = csv.CSVWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _arrow(pa: Any, column: Any, fmt: Format) -> Any:
    if isinstance(column, tuple):
        word, count = column
        if fmt == "csv":
            return pa.repeat(pa.scalar(cell(word)), count)
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([word]))
    if column.dtype.kind == "U":
        words, index = np.unique(column, return_inverse=True)
        if fmt == "csv":
            return pa.array(column)
        return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int8)), pa.array(words))
    # A number that there is none of, NaN here, is null in Parquet and empty in CSV.
    return pa.array(np.ascontiguousarray(column), from_pandas=True)
