"""Convert blocks of CSV lines to trades, column by column, exactly.

pyarrow splits and converts the lines: ISO times to nanoseconds and decimals to 1e-9 units, without an intermediate
float. A column's notation (integers, or ISO times and decimals) is detected once, from the file's first lines, and
applies to the whole file. pyarrow is imported only here, and this module only when a CSV is read.
"""

import csv
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from flow_gl.core.outside import is_name
from flow_gl.core.schema import TRADE, UNDEF_PRICE, UNDEF_TS
from flow_gl.dbn.layout import TRADE_WORDS

REQUIRED: Final = ("ts_event", "price", "size", "side")
TIMES: Final = ("ts_event", "ts_recv")
_INTEGERS: Final = {
    "size": pa.uint32(),
    "instrument_id": pa.uint32(),
    "publisher_id": pa.uint16(),
    "flags": pa.uint8(),
    "depth": pa.uint8(),
    "rtype": pa.uint8(),
    "ts_in_delta": pa.int32(),
    "sequence": pa.uint32(),
}
_LETTERS: Final = {"action": b"TACMRFN", "side": b"ABN"}
"""The codes that each column may hold. Of the actions only T is a trade; the engine counts the others."""
KNOWN: Final = (*TIMES, "price", *_LETTERS, "symbol", *_INTEGERS)
_EXPECTED: Final = {
    "ts_event": "a time (ns since the epoch, or ISO-8601 with its zone)",
    "ts_recv": "a time (ns since the epoch, or ISO-8601 with its zone)",
    "price": "a price (an integer in 1e-9 units, or a decimal with at most 9 decimal places)",
    "action": "T, A, C, M, R, F or N",
    "side": "A, B or N",
    "symbol": "a symbol",
    "rtype": "0 (trades)",
}

_SAMPLED_LINES: Final = 1_000

Notation = Literal["integer", "text"]


class ColumnError(ValueError):
    """A line cannot be converted; the message names the column, what was expected, and what was found."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A file's columns and their notation, from its header line and first lines."""

    names: tuple[str, ...]
    notations: dict[str, Notation]
    """Those of `ts_event`, `ts_recv` and `price` that are written as text."""

    @property
    def used(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name in KNOWN)


@dataclass(frozen=True, slots=True)
class Block:
    """Converted lines."""

    rows: NDArray[np.void]
    """dtype TRADE; `instrument_id` is 0 if there is no such column."""
    symbol_index: NDArray[np.int64] | None
    """Index into `symbols` for each row; None without the column. An empty symbol is an instrument without a name."""
    symbols: tuple[str, ...]

    @classmethod
    def empty(cls) -> "Block":
        return cls(np.empty(0, TRADE), None, ())


def split_line(line: bytes) -> list[str]:
    """Split one line into its fields, without quotes."""
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
    try:
        return next(csv.reader([text]), [""]) if '"' in text else text.split(",")
    except csv.Error:  # not CSV
        return text.split(",")


def detect_columns(names: tuple[str, ...], lines: list[bytes]) -> Columns:
    """Detect each column's notation from the file's first lines: text if one in ten has a point or a colon."""
    notations: dict[str, Notation] = {}
    rows = [fields for line in lines[:_SAMPLED_LINES] if len(fields := split_line(line)) == len(names)]
    for name, characters in (("ts_event", ":"), ("ts_recv", ":"), ("price", ".eE")):
        if name in names:
            column = names.index(name)
            marked = sum(any(one in fields[column] for one in characters) for fields in rows)
            notations[name] = "text" if marked * 10 > len(rows) else "integer"
    return Columns(names, notations)


def convert(block: bytes, columns: Columns) -> Block:
    """Convert complete lines. Raises ColumnError without the line number; see `fault_of`."""
    try:
        table = _split(block, columns)
        rows = np.zeros(table.num_rows, TRADE)
        rows["length"] = TRADE_WORDS
        rows["action"] = ord("T")
        rows["ts_recv"] = UNDEF_TS
        for name in columns.used:
            if name != "symbol":
                rows[name] = _convert_column(table[name].combine_chunks(), name)
        if (rows["rtype"] != 0).any():
            raise ColumnError("rtype")
        if "symbol" not in columns.names:
            return Block(rows, None, ())
        encoded = pc.dictionary_encode(table["symbol"].combine_chunks())
        symbols = tuple(encoded.dictionary.to_pylist())
        if not all(is_name(symbol) for symbol in symbols if symbol):
            raise ColumnError("symbol")
        return Block(rows, encoded.indices.to_numpy().astype(np.int64), symbols)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise ColumnError(str(error)) from None


def fault_of(line: bytes, columns: Columns) -> str:
    """Describe the fault of a line that `convert` refuses."""
    fields = split_line(line)
    if len(fields) != len(columns.names):
        return f"expected {len(columns.names)} columns, got {len(fields)}"
    for name, field in zip(columns.names, fields, strict=True):
        if name in KNOWN:
            try:
                quoted = f'"{field}"\n' if "," in field else f"{field}\n"
                convert(quoted.encode(), Columns((name,), columns.notations))
            except ColumnError:
                expected = _EXPECTED.get(name, f"a whole number ({_INTEGERS.get(name)})")
                return f"column {name}: expected {expected}, got {field[:40]!r}"
    return "the line cannot be read"


def _split(block: bytes, columns: Columns) -> pa.Table:
    table = pyarrow.csv.read_csv(
        pa.BufferReader(block),
        read_options=pyarrow.csv.ReadOptions(column_names=columns.names, use_threads=False, block_size=len(block) + 1),
        parse_options=pyarrow.csv.ParseOptions(quote_char='"' if b'"' in block else False, ignore_empty_lines=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: _type_of(name, columns) for name in columns.used},
            include_columns=columns.used,
            null_values=[""],
            strings_can_be_null=False,
        ),
    )
    if table.num_rows != block.count(b"\n"):
        raise ColumnError("lines")
    return table


def _type_of(name: str, columns: Columns) -> pa.DataType:
    is_text = columns.notations.get(name) == "text"
    if name in TIMES:
        # Unsigned, since an undefined time is 2**64 - 1; read as int64 that is UNDEF_TS.
        return pa.timestamp("ns", "UTC") if is_text else pa.uint64()
    if name == "price":
        return pa.decimal128(28, 9) if is_text else pa.int64()
    return _INTEGERS.get(name, pa.string())


def _convert_column(column: pa.Array, name: str) -> NDArray[np.generic]:
    if name in _LETTERS:
        return _letters(column, name)
    if name == "price":
        return _prices(column)
    if name == "size" and column.null_count:
        raise ColumnError(name)
    if name in TIMES:
        # Convert to integers before filling in empty fields: a timestamp cannot hold UNDEF_TS.
        times = column.view(pa.int64()) if pa.types.is_uint64(column.type) else column.cast(pa.int64())
        column = times.fill_null(UNDEF_TS)
    else:
        column = column.fill_null(0)
    values: NDArray[np.generic] = column.to_numpy()
    return values


def _letters(column: pa.Array, name: str) -> NDArray[np.uint8]:
    if not pc.all(pc.equal(pc.binary_length(column), 1)).as_py():
        raise ColumnError(name)
    octets = np.frombuffer(column.buffers()[2], np.uint8)[: len(column)]
    if not np.isin(octets, np.frombuffer(_LETTERS[name], np.uint8)).all():
        raise ColumnError(name)
    return octets


def _prices(column: pa.Array) -> NDArray[np.int64]:
    """Convert prices to int64 in 1e-9 units; an empty field is an undefined price."""
    if pa.types.is_integer(column.type):
        return np.asarray(column.fill_null(UNDEF_PRICE).to_numpy())
    words = np.frombuffer(column.buffers()[1], np.int64)[: 2 * len(column)]
    prices, high = words[0::2].copy(), words[1::2]
    if column.null_count:
        is_empty = column.is_null().to_numpy(zero_copy_only=False)
        prices[is_empty] = UNDEF_PRICE
        high = np.where(is_empty, 0, high)
    if (high != prices >> 63).any():
        raise ColumnError("price")
    return prices
