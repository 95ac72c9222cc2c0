"""Read Databento's CSV of trades: a stream of bytes in, trades and names out, in file order.

Columns may be in any order; `ts_event`, `price`, `size` and `side` are required. Without an `instrument_id` column, ids
are derived from `symbol`, or else from the file's name: the same name gives the same id in every file. An empty symbol
with an id is an instrument without a name. Fields may be quoted, and the last line may lack its newline. The first
invalid line ends the reading; the lines before it are kept.
"""

import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Item, Mapping, Trades
from flow_gl.core.market.instrument import is_parent_symbol, is_raw_symbol
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.trade_checks import check
from flow_gl.feed.files.csv_columns import (
    KNOWN,
    REQUIRED,
    Block,
    ColumnError,
    Columns,
    convert,
    detect_columns,
    fault_of,
    split_line,
)

_BLOCK_BYTES: Final = 1 << 22
_LINE_LIMIT: Final = 1 << 16
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MIN_USUAL_PRICE: Final = 1_000_000
"""Few instruments trade below 0.001 points."""


class CsvReader:
    """One pass over a CSV of trades.

    Attributes
    ----------
    trades : number of trades yielded
    last_ts : `ts_event` of the last one, ns; 0 before the first
    largest_price : largest absolute price so far, 1e-9 units
    """

    def __init__(self, chunks: Iterator[bytes], *, default_symbol: str) -> None:
        """Read the header line.

        Parameters
        ----------
        chunks : the stream; it may raise DamageError
        default_symbol : the instrument's name if the file has neither names nor ids

        Raises
        ------
        DamageError
            A required column is missing, or the first line is not a header.
        """
        self._chunks = chunks
        self._default_symbol = default_symbol
        self._pending = bytearray()
        self._is_exhausted = False
        self._line = 1
        self._symbols: dict[int, str] = {}
        self._means: dict[str, int] = {}
        self.trades = 0
        self.last_ts = 0
        self.largest_price = 0
        self._names: Final = self._read_names()
        self._columns: Columns | None = None

    @property
    def are_prices_tiny(self) -> bool:
        """Whether prices are whole numbers so small that they may have been meant in points."""
        is_fixed = self._columns is not None and self._columns.notations["price"] == "integer"
        return is_fixed and 0 < self.largest_price < _MIN_USUAL_PRICE

    def items(self) -> Iterator[Item]:
        """Yield names and trades in file order.

        Raises
        ------
        DamageError
            After everything before the damage was yielded.
        """
        damage: DamageError | None = None
        while damage is None and not (self._is_exhausted and not self._pending):
            try:
                self._fill(_BLOCK_BYTES)
            except DamageError as raised:
                damage = raised
            end = self._pending.rfind(b"\n") + 1
            block = bytes(self._pending[:end])
            del self._pending[:end]
            if self._is_exhausted and not self._pending.strip():
                block = block.rstrip(b"\r\n") + b"\n" if block.strip() else b""
                self._pending.clear()
            if block:
                yield from self._block(block)
            if self._is_exhausted and self._pending and damage is None:
                yield from self._last_line(bytes(self._pending))
                self._pending.clear()
            if damage is None and len(self._pending) > _LINE_LIMIT:
                raise self._damage(0, f"a line of more than {_LINE_LIMIT:,} bytes")
        if damage is not None:
            raise damage

    def _last_line(self, line: bytes) -> Iterator[Item]:
        """Yield a last line without a newline, if it has all its columns."""
        fields = split_line(line)
        if len(fields) != len(self._names) or self._is_symbol_cut(fields):
            raise self._damage(0, "the last line is cut off")
        yield from self._block(line.rstrip(b"\r") + b"\n")

    def _is_symbol_cut(self, fields: list[str]) -> bool:
        """Whether a line is cut off within its symbol: it holds only the beginning of its instrument's name."""
        if self._names[-1] != "symbol" or "instrument_id" not in self._names:
            return False
        instrument_id = fields[self._names.index("instrument_id")]
        known = self._symbols.get(int(instrument_id) if instrument_id.isdecimal() else -1, "")
        return known != fields[-1] and known.startswith(fields[-1]) and fields[-1] != ""

    def _read_names(self) -> tuple[str, ...]:
        self._fill(_LINE_LIMIT)
        line, end, _ = self._pending.partition(b"\n")
        if not end:
            raise self._damage(0, "expected a header line that names the columns")
        line = line.removeprefix(_BYTE_ORDER_MARK)
        text = line.decode("utf-8", "backslashreplace").strip()
        names = tuple(name.strip() for name in split_line(bytes(line)))
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            came = text if len(text) <= 160 else f"{text[:160]}..."
            columns = f"column{'s' * (len(missing) > 1)} {', '.join(missing)}"
            raise self._damage(0, f"{columns} missing; the file's columns are {came}")
        twice = sorted({name for name in names if names.count(name) > 1 and name in KNOWN})
        if twice:
            raise self._damage(0, f"column {' and '.join(twice)} appears twice")
        del self._pending[: self._pending.index(b"\n") + 1]
        self._line = 2
        return names

    def _fill(self, count: int) -> None:
        while len(self._pending) < count and not self._is_exhausted:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._is_exhausted = True
            else:
                self._pending += chunk

    def _block(self, data: bytes) -> Iterator[Item]:
        if self._columns is None:
            self._columns = detect_columns(self._names, data[:_LINE_LIMIT].split(b"\n"))
        try:
            block = convert(data, self._columns)
        except ColumnError:
            lines = [line + b"\n" for line in data[:-1].split(b"\n")]
            block = _longest_good(lines, self._columns)
            yield from self._hand_over(block)
            good = len(block.rows)
            raise self._damage(good, fault_of(lines[good], self._columns)) from None
        yield from self._hand_over(block)
        self._line += len(block.rows)

    def _hand_over(self, block: Block) -> Iterator[Item]:
        if not len(block.rows):
            return
        names = self._name(block)
        prices = block.rows["price"][block.rows["price"] != UNDEF_PRICE]
        self.largest_price = max(self.largest_price, int(np.abs(prices).max(initial=0)))
        starts = sorted({0, *(row for row, _ in names)})
        for start, stop in zip(starts, [*starts[1:], len(block.rows)], strict=True):
            yield from (mapping for row, mapping in names if row == start)
            checked = check(block.rows[start:stop], self.last_ts)
            if len(checked.rows):
                self.trades += len(checked.rows)
                self.last_ts = checked.last_ts
                yield Trades(checked.rows)
            if checked.fault:
                raise self._damage(start + len(checked.rows), checked.fault)

    def _name(self, block: Block) -> list[tuple[int, Mapping]]:
        """Fill in missing ids. Returns the new names, each with the row from which it applies."""
        ids = block.rows["instrument_id"]
        index = np.zeros(len(ids), np.int64) if block.symbol_index is None else block.symbol_index
        symbols = block.symbols
        if "instrument_id" not in self._names:
            symbols = tuple(symbol or self._default_symbol for symbol in block.symbols) or (self._default_symbol,)
            made = np.array([zlib.crc32(symbol.encode()) or 1 for symbol in symbols], np.uint32)
            ids[:] = made[index]
        elif block.symbol_index is None:
            return []
        named = []
        for row in changes(ids, index, symbols):
            instrument_id, symbol = int(ids[row]), symbols[int(index[row])]
            is_known = (
                self._symbols.get(instrument_id) == symbol and self._means.get(symbol, instrument_id) == instrument_id
            )
            if not symbol or is_known:
                continue
            ts_event, before = int(block.rows["ts_event"][row]), self._symbols.get(instrument_id, "")
            if before != symbol and self._means.get(before) == instrument_id:
                # Each row has one name, so the id's previous name refers to nothing until a row assigns it again.
                self._means[before] = 0
                named.append((row, Mapping.of(instrument_id, before, ts_event, is_end=True)))
            self._symbols[instrument_id] = symbol
            if not is_raw_symbol(symbol):
                self._means[symbol] = instrument_id
            named.append((row, Mapping.of(instrument_id, symbol, ts_event)))
        return named

    def _damage(self, row: int, what: str) -> DamageError:
        return DamageError(f"line {self._line + row:,}", what)


def changes(ids: NDArray[np.uint32], index: NDArray[np.int64], symbols: tuple[str, ...]) -> list[int]:
    """Return the rows at which an id's symbol, or a continuous symbol's id, changes."""
    found = [_first_of_runs(ids, index)]
    for at, symbol in enumerate(symbols):
        if symbol and not is_raw_symbol(symbol) and not is_parent_symbol(symbol):
            its = np.flatnonzero(index == at)
            found.append(its[_first_of_runs(np.zeros(len(its), np.uint32), ids[its].astype(np.int64))])
    rows: list[int] = np.unique(np.concatenate(found)).tolist()
    return rows


def _first_of_runs(keys: NDArray[np.uint32], values: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the indices at which a key's value differs from its previous one, including each key's first."""
    order = np.argsort(keys, kind="stable")
    by_key, of_key = keys[order], values[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (by_key[1:] != by_key[:-1]) | (of_key[1:] != of_key[:-1])
    return order[is_new]


def _longest_good(lines: list[bytes], columns: Columns) -> Block:
    """Convert the lines before the first invalid one, which is found by bisection."""
    good, bad = 0, len(lines)
    block = Block.empty()
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            block = convert(b"".join(lines[:middle]), columns)
            good = middle
        except ColumnError:
            bad = middle
    return block
