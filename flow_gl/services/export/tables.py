"""Tables on disk: bubbles, CVD and profile as Parquet or CSV, levels as JSON.

Prices are exported as floats in points: the double nearest to the exact price. Everything else stays an integer.
Tables are written atomically (a temporary file, then a rename), so a reader never sees a partial one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError
from flow_gl.core.market.courses import Rolled
from flow_gl.core.market.instrument import roll_label
from flow_gl.core.market.lod import THRESHOLD, threshold_at
from flow_gl.core.outside import cell
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.services.export.events import event_columns

Format = Literal["parquet", "csv"]
TABLES: Final = ("bubbles", "cvd", "profile", "events", "levels", "order_cvd", "rolls")
LEVELS_FILE: Final = "levels.json"
_FEW_VALUES: Final = [
    *("instrument", "symbol", "trade_date", "buy", "sell", "unsided", "delta", "dominant", "volume", "trade_count"),
]
"""Columns that Parquet stores as a dictionary; for columns of mostly distinct values that costs time and space."""


@dataclass(frozen=True, slots=True)
class Part:
    """One instrument's rows in the tables; of one session, if tables are split by session."""

    instrument_id: int
    symbol: str
    name: str
    """Its unique name in levels.json."""
    trade_date: int
    """YYYYMMDD; written only if tables are split by session."""
    bubbles: NDArray[np.void]
    """BUBBLE rows."""
    cvd: NDArray[np.void]
    """CVD_POINT rows."""
    events: NDArray[np.void]
    """EVENT rows, in the order of time."""
    minutes: NDArray[np.void]
    """MINUTE_LEVELS rows."""
    order_cvd: NDArray[np.void]
    """ORDER_CVD rows."""
    price: NDArray[np.int64]
    """Prices of the profile's rows, 1e-9 units, ascending; `buy`, `sell` and `unsided` are contracts per row."""
    buy: NDArray[np.int64]
    sell: NDArray[np.int64]
    unsided: NDArray[np.int64]
    levels: Mapping[str, Any]
    """What goes into levels.json."""


def points(price: NDArray[np.int64]) -> NDArray[np.float64]:
    """Convert prices (int64, 1e-9 units) to points (float64), correctly rounded for prices up to nine million."""
    return price / float(PRICE_SCALE)


def write_tables(
    parts: Sequence[Part],
    rolls: Sequence[Rolled],
    folder: Path,
    *,
    fmt: Format,
    bucket_ns: int,
    by_session: bool = False,
    threshold: float = THRESHOLD,
) -> list[Path]:
    """Write bubbles, cvd, profile, events, levels, order_cvd, rolls and levels.json into a folder.

    Parameters
    ----------
    parts : in the order in which they are to be written
    rolls : where a symbol went on with another instrument, in the order of time
    folder : exists; files of the same names are replaced
    fmt : "parquet" (zstd) or "csv"
    by_session : a `trade_date` column in each table, and levels by symbol and trade date
    threshold : a 1 s bubble is significant where abs(delta) / (buy + sell) is above it, a wider one from less on
    bucket_ns : width of the bubbles

    Returns
    -------
    paths : the files written

    Raises
    ------
    FlowError : the folder cannot be written
    """
    least = threshold_at(threshold, bucket_ns)
    paths = [folder / f"{name}.{fmt}" for name in TABLES] + [folder / LEVELS_FILE]
    try:
        with ExitStack() as stack:
            places = [stack.enter_context(_replacing(path)) for path in paths]
            for place, name in zip(places, TABLES, strict=False):
                if name == "rolls":
                    _write_table(place, iter([_roll_columns(rolls)]), fmt)
                else:
                    _write_table(place, (_columns(name, part, by_session, least) for part in parts), fmt)
            places[-1].write_text(json.dumps(_levels(parts, by_session), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise FlowError(f"cannot write the tables into {folder}: {error.strerror or error}") from error
    return paths


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it on success and is removed on failure."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _columns(name: str, part: Part, by_session: bool, threshold: float) -> dict[str, Any]:
    rows = {"profile": part.price, "events": part.events, "levels": part.minutes, "order_cvd": part.order_cvd}
    count = len(rows.get(name, part.bubbles))
    columns: dict[str, Any] = {"instrument": np.full(count, part.instrument_id), "symbol": (part.symbol, count)}
    if by_session:
        columns["trade_date"] = np.full(count, part.trade_date, np.int32)
    if name == "bubbles":
        columns |= _bubble_columns(part.bubbles, threshold)
    elif name == "cvd":
        columns |= {field: part.cvd[field] for field in ("ts_event", "open", "high", "low", "close")}
    elif name == "events":
        columns |= event_columns(part.events)
    elif name == "levels":
        minutes = part.minutes
        columns |= {
            "ts_event": minutes["ts_event"],
            **{level: points(minutes[level]) for level in ("poc", "vah", "val")},
        }
        columns["volume"] = minutes["volume"]
    elif name == "order_cvd":
        columns |= {field: part.order_cvd[field] for field in part.order_cvd.dtype.names or ()}
    else:
        columns |= {"price": points(part.price), "buy": part.buy, "sell": part.sell, "unsided": part.unsided}
        columns["total"] = part.buy + part.sell + part.unsided
    return columns


def _roll_columns(rolls: Sequence[Rolled]) -> dict[str, Any]:
    words = {
        "symbol": [roll.name for roll in rolls],
        "from_symbol": [roll.from_symbol for roll in rolls],
        "to_symbol": [roll.to_symbol for roll in rolls],
        "label": [roll_label(roll.from_symbol, roll.from_id, roll.to_symbol, roll.to_id) for roll in rolls],
    }
    texts = {name: np.array(column, dtype=np.str_) for name, column in words.items()}
    return {
        "symbol": texts["symbol"],
        "ts_event": np.array([roll.ts_event for roll in rolls], np.int64),
        "from_instrument": np.array([roll.from_id for roll in rolls], np.int64),
        "from_symbol": texts["from_symbol"],
        "to_instrument": np.array([roll.to_id for roll in rolls], np.int64),
        "to_symbol": texts["to_symbol"],
        "label": texts["label"],
    }


def _bubble_columns(rows: NDArray[np.void], threshold: float) -> dict[str, Any]:
    buy, sell, unsided = rows["buy"], rows["sell"], rows["unsided"]
    delta, sided = buy - sell, buy + sell
    larger = np.maximum(buy, sell)
    share = np.divide(np.abs(delta), sided, out=np.zeros(len(rows)), where=sided > 0)
    return {
        "id": rows["id"],
        "ts_event": rows["ts_event"],
        "price": points(rows["price"]),
        "buy": buy,
        "sell": sell,
        "unsided": unsided,
        "delta": delta,
        "dominant": np.where(delta > 0, "B", np.where(delta < 0, "A", "N")),
        "volume": np.where(larger > 0, larger, unsided),
        "significant": share > threshold,
        "trade_count": rows["trade_count"],
        **{field: points(rows[field]) for field in ("open", "high", "low", "close")},
    }


def _write_table(path: Path, tables: Iterator[dict[str, Any]], fmt: Format) -> None:
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


def _levels(parts: Sequence[Part], by_session: bool) -> dict[str, Any]:
    levels: dict[str, Any] = {}
    scheduled = {(part.name, part.trade_date) for part in parts if not part.levels.get("unscheduled")}
    for part in parts:
        if by_session:
            sessions = levels.setdefault(part.name, {})
            key = name = str(part.trade_date)
            if part.levels.get("unscheduled") and (part.name, part.trade_date) in scheduled:
                key = name = f"{key}-unscheduled"
            number = 2
            while name in sessions:
                name, number = f"{key}-{number}", number + 1
            sessions[name] = dict(part.levels)
        else:
            levels[part.name] = dict(part.levels)
    return levels
