"""Tables on disk: bubbles, CVD and profile as Parquet or CSV, levels as JSON.

Prices are exported as floats in points: the double nearest to the exact price. Everything else stays an integer.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import FlowError
from flow_gl.core.market.instrument import roll_label
from flow_gl.core.market.lod import THRESHOLD, threshold_at
from flow_gl.core.market.ribbon import ribbon_of
from flow_gl.core.market.roll_finder import Rolled
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.services.export.alerts import alert_columns
from flow_gl.services.export.events import event_columns
from flow_gl.services.export.writing import Format, points, replacing, write_table

TABLES: Final = ("bubbles", "cvd", "profile", "events", "levels", "order_cvd", "ribbon", "rolls")
"""The tables that are written by default."""
FOOTPRINT_TABLE: Final = "footprint"
"""Written on request: it has several rows for each bubble."""
ALERTS_TABLE: Final = "alerts"
"""Written on request: it depends on the user's rules."""
LEVELS_FILE: Final = "levels.json"


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
    alerts: NDArray[np.void]
    """ALERT rows; none unless that table is written."""
    footprint: NDArray[np.void]
    """`core.market.footprint.SUMMED` rows; none unless that table is written."""
    price: NDArray[np.int64]
    """Prices of the profile's rows, 1e-9 units, ascending; `buy`, `sell` and `unsided` are contracts per row."""
    buy: NDArray[np.int64]
    sell: NDArray[np.int64]
    unsided: NDArray[np.int64]
    levels: Mapping[str, Any]
    """The contents of levels.json."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The tables to write, and their format.

    Attributes
    ----------
    bucket_ns : width of the bubbles, ns
    fmt : "parquet" (zstd) or "csv"
    tables : of TABLES, FOOTPRINT_TABLE and ALERTS_TABLE
    by_session : a `trade_date` column in each table, and levels by symbol and trade date
    threshold : a 1 s bubble is significant where abs(delta) / (buy + sell) is above it, a wider one from less on
    rules : names of the alert rules by id
    """

    bucket_ns: int
    fmt: Format = "parquet"
    tables: Sequence[str] = TABLES
    by_session: bool = False
    threshold: float = THRESHOLD
    rules: Mapping[int, str] = field(default_factory=dict)


def write_tables(parts: Sequence[Part], rolls: Sequence[Rolled], folder: Path, options: TableOptions) -> list[Path]:
    """Write tables into a folder; with the table `levels` also levels.json.

    Parameters
    ----------
    parts : in the order in which they are to be written
    rolls : where a symbol went on with another instrument, in the order of time
    folder : exists; files of the same names are replaced

    Returns
    -------
    paths : the files written

    Raises
    ------
    FlowError : the folder cannot be written
    """
    tables, fmt, by_session = options.tables, options.fmt, options.by_session
    layout = _Layout(options.bucket_ns, threshold_at(options.threshold, options.bucket_ns), options.rules)
    paths = [folder / f"{name}.{fmt}" for name in tables]
    paths += [folder / LEVELS_FILE] if "levels" in tables else []
    try:
        with ExitStack() as stack:
            places = [stack.enter_context(replacing(path)) for path in paths]
            for place, name in zip(places, tables, strict=False):
                if name == "rolls":
                    write_table(place, iter([_roll_columns(rolls)]), fmt)
                else:
                    write_table(place, (_columns(name, part, by_session, layout) for part in parts), fmt)
            if "levels" in tables:
                places[-1].write_text(json.dumps(_levels(parts, by_session), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise FlowError(f"cannot write the tables into {folder}: {error.strerror or error}") from error
    return paths


@dataclass(frozen=True, slots=True)
class _Layout:
    """The inputs of the columns besides the rows."""

    bucket_ns: int
    threshold: float
    """Of bubbles of that width."""
    rules: Mapping[int, str]


def _columns(name: str, part: Part, by_session: bool, layout: _Layout) -> dict[str, Any]:
    bucket_ns = layout.bucket_ns
    ribbon = ribbon_of(part.bubbles if name == "ribbon" else part.bubbles[:0], bucket_ns)
    of_table = {"profile": part.price, "events": part.events, "levels": part.minutes, "order_cvd": part.order_cvd}
    of_table |= {FOOTPRINT_TABLE: part.footprint, ALERTS_TABLE: part.alerts, "ribbon": ribbon}
    count = len(of_table.get(name, part.bubbles))
    columns: dict[str, Any] = {"instrument": np.full(count, part.instrument_id), "symbol": (part.symbol, count)}
    if by_session:
        columns["trade_date"] = np.full(count, part.trade_date, np.int32)
    if name == "bubbles":
        columns |= _bubble_columns(part.bubbles, layout.threshold)
    elif name == "cvd":
        columns |= {field: part.cvd[field] for field in ("ts_event", "open", "high", "low", "close")}
    elif name == "events":
        columns |= event_columns(part.events)
    elif name == ALERTS_TABLE:
        columns |= alert_columns(part.alerts, layout.rules)
    elif name == "levels":
        minutes = part.minutes
        columns |= {
            "ts_event": minutes["ts_event"],
            **{level: _points_if_known(minutes[level]) for level in ("poc", "vah", "val")},
        }
        columns |= {name: minutes[name] for name in ("volume", "vwap", "vwap_sd")}
    elif name == "order_cvd":
        columns |= {field: part.order_cvd[field] for field in part.order_cvd.dtype.names or ()}
    elif name == FOOTPRINT_TABLE:
        rows = part.footprint
        columns |= {"id": rows["id"], "ts_event": rows["id"] * bucket_ns, "price": points(rows["price"])}
        columns |= {side: rows[side] for side in ("buy", "sell", "unsided")}
        columns["total"] = rows["buy"] + rows["sell"] + rows["unsided"]
    elif name == "ribbon":
        columns |= {field: ribbon[field] for field in ribbon.dtype.names or ()}
    else:
        columns |= {"price": points(part.price), "buy": part.buy, "sell": part.sell, "unsided": part.unsided}
        columns["total"] = part.buy + part.sell + part.unsided
    return columns


def _points_if_known(price: NDArray[np.int64]) -> NDArray[np.float64]:
    """Convert prices (1e-9) to points, UNDEF_PRICE to nan."""
    return np.where(price == UNDEF_PRICE, np.nan, points(price))


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
