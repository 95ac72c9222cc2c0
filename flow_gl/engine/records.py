"""Filling the records that are published: profile, session, and a session's end."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.rejections import REASONS
from flow_gl.core.schema import NODES, PROFILE_ROWS, SESSION, UNDEF_PRICE, TickSource
from flow_gl.core.sessions import Session
from flow_gl.core.settings import REGULAR, AggregationSettings
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.grid import Grid
from flow_gl.engine.kernels.layout import COLUMNS, STATE
from flow_gl.engine.kernels.profile import Levels, vwap_of, vwap_of_prices
from flow_gl.engine.kernels.reference import STEPS
from flow_gl.engine.regular_hours import RegularHours
from flow_gl.engine.sinks import Finished
from flow_gl.engine.summary import Summary
from flow_gl.engine.wide_profile import levels_of_rows

_SAME: Final = (
    *("first_ts", "last_ts", "last_recv", "last_price", "open", "high", "low", "buy", "sell", "unsided"),
    *("trade_count", "bubble_count", "cvd", "cvd_high", "cvd_low", "rejected", "late", "maybe_bad_book"),
    *REASONS,
    "total_trades",
)
"""Fields of SESSION copied from STATE unchanged. All fields of both are 8 bytes wide."""
_FROM: Final = np.array([list(STATE.names or ()).index(name) for name in _SAME])
_INTO: Final = np.array([list(SESSION.names or ()).index(name) for name in _SAME])
_DATE, _OPEN, _CLOSE, _CVD_HIGH, _CVD_LOW, _REFERENCE, _UNSCHEDULED, _PARTIAL = (
    (SESSION.names or ()).index(name)
    for name in (
        *("trade_date", "open_ts", "close_ts", "cvd_high", "cvd_low", "reference", "unscheduled"),
        "partial",
    )
)
_FIRST_TS, _TRADE_COUNT, _STEP = (
    (STATE.names or ()).index(name) for name in ("first_ts", "trade_count", "reference_step")
)
PARTIAL_NS: Final = MINUTE_NS
"""A session is partial if its first trade comes more than this after its open, in nanoseconds."""
_PRICES: Final = ("last_price", "open", "high", "low")
_MAX_ROW: Final = 1 << 30
"""Limit for the number of a published row: the view computes the difference of two row numbers in int32."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The traded part of the session's profile, or of its regular hours, and the levels computed from it."""

    price: NDArray[np.int64]
    """Traded prices, 1e-9 units, ascending."""
    contracts: NDArray[np.int64]
    """Shape (prices, 3): buy, sell and unsided contracts."""
    base: int
    """Number of the lowest row: its price // tick_size."""
    tick_size: int
    """Height of a row in 1e-9 units: the instrument's tick. A price between two ticks counts in the lower row."""
    levels: Levels | None
    """None before the first trade."""
    vwap: tuple[float, float]
    """VWAP of the session and its standard deviation, in points; nan before the first trade."""
    traded: NDArray[np.int64]
    """All prices at which the session has traded, 1e-9 units."""
    is_regular: bool
    """Whether it is the profile of regular hours only."""

    def prices(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the prices of rows, in 1e-9 units."""
        return (self.base + rows) * self.tick_size

    def price_of(self, row: int) -> int:
        return (self.base + row) * self.tick_size


def read_profile(grid: Grid, settings: AggregationSettings, hours: RegularHours, *, most_nodes: int = NODES) -> Reading:
    """Read the grid's profile, or that of regular hours if the settings say so, and compute its levels.

    Of LVN and HVN, at most `most_nodes` each are returned, the most prominent. A PROFILE record has room for NODES.
    """
    on_grid = grid.rows()
    at, totals = on_grid[0], on_grid[1].sum(axis=1)
    traded = grid.contracts(on_grid)
    is_regular = settings.session_profile == REGULAR and hours.are_known
    price, contracts = hours.of(traded) if is_regular else traded
    tick_size, row_ticks = grid.tick_size, grid.row_ticks if len(at) else 1
    if grid.is_tick_guessed and len(at):
        row_ticks = max(1, int(np.gcd.reduce(grid.row0 + at)))
    base, rows, by_row = grid.row0, grid.row0 + at, totals
    if row_ticks > 1 or is_regular:
        tick_size *= row_ticks
        base = 0
        rows, by_row = _rows_of(grid, price, contracts.sum(axis=1), tick_size)
    vwap = (math.nan, math.nan)
    if grid.aside:
        vwap = vwap_of_prices(traded[0], traded[1].sum(axis=1))
    elif len(at):
        vwap = vwap_of(at, totals, row0=grid.row0, tick_size=grid.tick_size)
    levels = None
    if len(rows):
        base, levels = int(rows[0]), levels_of_rows(rows, by_row, settings, most_nodes=most_nodes)
    return Reading(price, contracts, base, tick_size, levels, vwap, traded[0], is_regular)


def _rows_of(
    grid: Grid, price: NDArray[np.int64], volume: NDArray[np.int64], tick_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the rows with volume, and their volume, without the prices that the grid has set aside."""
    is_on_grid = np.ones(len(price), np.bool_)
    if grid.aside:
        ticks = price // grid.tick_size - grid.row0
        is_on_grid = (price % grid.tick_size == 0) & (ticks >= 0) & (ticks < len(grid.profile) // COLUMNS)
    numbers = price[is_on_grid] // (tick_size or 1)
    if not len(numbers):
        return numbers, numbers
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    return numbers[starts], np.add.reduceat(volume[is_on_grid], starts)


def fill_profile(record: NDArray[np.void], reading: Reading, *, step: int) -> None:
    """Fill a PROFILE record with the rows that have volume; if there are too many, merge adjacent rows."""
    row = record[0]
    row["tick_size"] = reading.tick_size
    row["step"] = step
    row["is_regular"] = reading.is_regular
    row["total"] = reading.contracts.sum()
    row["count"] = row["rows"] = 0
    row["ticks_per_row"], row["base"] = 1, reading.price_of(0)
    if len(reading.price):
        rows, held = fill_rows(row, reading.price, reading.contracts, tick_size=reading.tick_size, most=PROFILE_ROWS)
        row["count"], row["row"][: len(rows)] = len(rows), rows
        for column, name in enumerate(("buy", "sell", "unsided")):
            row[name][: len(rows)] = held[:, column]
    levels = reading.levels
    if levels is None:
        row["poc"] = row["vah"] = row["val"] = UNDEF_PRICE
        row["value_area"] = row["lvn_count"] = row["hvn_count"] = 0
        return
    row["poc"], row["vah"], row["val"] = (reading.price_of(at) for at in (levels.poc, levels.high, levels.low))
    row["value_area"] = levels.held
    for name, nodes in (("lvn", levels.lvn), ("hvn", levels.hvn)):
        row[f"{name}_count"] = len(nodes)
        row[name][: len(nodes)] = reading.prices(nodes)


def fill_rows(
    row: np.void, price: NDArray[np.int64], contracts: NDArray[np.int64], *, tick_size: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set a profile's row size and base in `row`, merging ticks until at most `most` rows have volume.

    Parameters
    ----------
    row : PROFILE or FINISHED_SESSION record
    price : int64 (prices,), ascending, at least one, 1e-9 units
    contracts : int64 (prices, columns)
    tick_size : height of a row of one tick, 1e-9 units

    Returns
    -------
    numbers : int64 (rows,): the rows with volume, counted from the lowest
    held : int64 (rows, columns): their contracts
    """
    ticks_per_row = 1
    while True:
        numbers = price // (tick_size * ticks_per_row)
        starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
        if len(starts) <= most and numbers[-1] - numbers[0] < _MAX_ROW:
            break
        ticks_per_row *= 2
    row["ticks_per_row"], row["rows"] = ticks_per_row, numbers[-1] - numbers[0] + 1
    row["base"] = numbers[0] * tick_size * ticks_per_row
    return numbers[starts] - numbers[0], np.add.reduceat(contracts, starts)


def is_partial(session: Session | None, first_ts: int, *, known_from: int = 0) -> bool:
    """Return whether a session lacks its beginning: its first trade is late, and earlier trades may be missing.

    Parameters
    ----------
    session : None without a calendar. An unscheduled session is never partial, because its open is unknown
    first_ts : time of its first trade, in ns
    known_from : event time (ns) from which all trades are known; 0 if unknown
    """
    if session is None or not session.is_scheduled or 0 < known_from <= session.open + PARTIAL_NS:
        return False
    return first_ts - session.open > PARTIAL_NS


def fill_session(
    record: NDArray[np.void],
    state: NDArray[np.void],
    session: Session | None,
    reading: Reading | None,
    *,
    known_from: int = 0,
) -> None:
    """Fill a SESSION record from STATE. The caller fills in prior levels and the overnight range.

    Parameters
    ----------
    record, state : SESSION and STATE, shape (1,)
    session : None without a calendar
    reading : the current profile; with None, VWAP stays unchanged
    known_from : event time (ns) from which all trades are known; 0 if unknown
    """
    # As words, not by field name: this runs a thousand times a second, and access by name takes ten times as long.
    words, s = record.view(np.int64), state.view(np.int64)
    words[_INTO] = s[_FROM]
    words[_DATE] = session.trade_date if session else 0
    words[_OPEN] = session.open if session else s[_FIRST_TS]
    words[_CLOSE] = session.close if session else 0
    words[_UNSCHEDULED] = session is not None and not session.is_scheduled
    words[_PARTIAL] = s[_TRADE_COUNT] and is_partial(session, s[_FIRST_TS], known_from=known_from)
    if words[_CVD_HIGH] < words[_CVD_LOW]:
        words[_CVD_HIGH] = words[_CVD_LOW] = 0
    words[_REFERENCE] = STEPS[s[_STEP]]
    row = record[0]
    if not s[_TRADE_COUNT]:
        row["vwap"] = row["vwap_sd"] = np.nan
        for name in _PRICES:
            row[name] = UNDEF_PRICE
    elif reading is not None:
        row["vwap"], row["vwap_sd"] = reading.vwap


def fill_prior(record: NDArray[np.void], finished: Finished | None) -> None:
    """Fill a SESSION record's prior levels; with None, mark them as undefined."""
    row = record[0]
    row["prior_partial"] = finished is not None and bool(finished.session[0]["partial"])
    row["prior_regular"] = finished is not None and finished.is_regular
    if finished is None:
        for name in ("high", "low", "close", "poc", "vah", "val"):
            row[f"prior_{name}"] = UNDEF_PRICE
        return
    ended = finished.session[0]
    row["prior_high"], row["prior_low"], row["prior_close"] = ended["high"], ended["low"], ended["last_price"]
    row["prior_poc"], row["prior_vah"], row["prior_val"] = finished.poc, finished.vah, finished.val


def fill_instrument(record: NDArray[np.void], summary: Summary, *, bucket_ns: int) -> None:
    """Fill an INSTRUMENT record."""
    row = record[0]
    row["symbol"] = summary.symbol.encode("ascii", "replace")[:32]
    row["requested"] = summary.requested.encode("ascii", "replace")[:32]
    row["instrument_id"] = summary.instrument_id
    row["tick_size"] = summary.tick_size
    row["tick_source"] = summary.tick_source or TickSource.OBSERVED
    row["point_value"] = np.nan if summary.point_value is None else summary.point_value
    row["point_value_known"] = summary.point_value is not None
    row["bucket_ns"] = bucket_ns


def finished_of(
    reading: Reading,
    *,
    session: Session | None,
    session_record: NDArray[np.void],
    instrument_record: NDArray[np.void],
    levels: NDArray[np.void],
) -> Finished:
    """Build the result of a finished session, which must have at least one trade, from its records, shape (1,) each.

    The profile of regular hours is empty, without levels, if nothing traded in them.
    """
    nodes = reading.levels
    none = np.zeros(0, np.int64)
    poc, vah, val = (UNDEF_PRICE,) * 3
    if nodes is not None:
        poc, vah, val = (reading.price_of(at) for at in (nodes.poc, nodes.high, nodes.low))
    return Finished(
        trade_date=session.trade_date if session else 0,
        session=session_record.copy(),
        instrument=instrument_record.copy(),
        is_regular=reading.is_regular,
        price=reading.price,
        buy=reading.contracts[:, 0],
        sell=reading.contracts[:, 1],
        unsided=reading.contracts[:, 2],
        poc=poc,
        vah=vah,
        val=val,
        value_area=nodes.held if nodes is not None else 0,
        lvn=reading.prices(nodes.lvn) if nodes is not None else none,
        hvn=reading.prices(nodes.hvn) if nodes is not None else none,
        levels=levels,
    )
