"""Filling the records that are published: profile, session, and a session's end."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.rejections import REASONS
from flow_gl.core.schema import NODES, PROFILE_ROWS, SESSION, UNDEF_PRICE, TickSource
from flow_gl.core.sessions import Session
from flow_gl.engine.grid import Grid
from flow_gl.engine.layout import COLUMNS, STATE
from flow_gl.engine.profile import Levels, ProfileSettings, levels_of, totals_nb, vwap_of
from flow_gl.engine.reference import STEPS
from flow_gl.engine.sinks import Finished
from flow_gl.engine.summary import Summary

_SAME: Final = (
    *("first_ts", "last_ts", "last_recv", "last_price", "open", "high", "low", "buy", "sell", "unsided"),
    *("trade_count", "bubble_count", "cvd", "cvd_high", "cvd_low", "rejected", "late", "maybe_bad_book"),
    *REASONS,
    "total_trades",
)
"""Fields of SESSION that are STATE's as they are. All fields of both are 8 bytes wide."""
_FROM: Final = np.array([list(STATE.names or ()).index(name) for name in _SAME])
_INTO: Final = np.array([list(SESSION.names or ()).index(name) for name in _SAME])
_DATE, _OPEN, _CLOSE, _CVD_HIGH, _CVD_LOW, _REFERENCE = (
    (SESSION.names or ()).index(name)
    for name in ("trade_date", "open_ts", "close_ts", "cvd_high", "cvd_low", "reference")
)
_FIRST_TS, _TRADE_COUNT, _STEP = (
    (STATE.names or ()).index(name) for name in ("first_ts", "trade_count", "reference_step")
)
_PRICES: Final = ("last_price", "open", "high", "low")


@dataclass(frozen=True, slots=True)
class Reading:
    """A profile's traded part and what it says."""

    base: int
    """Tick number of the first row."""
    tick_size: int
    totals: NDArray[np.int64]
    held: NDArray[np.int64]
    """(rows, COLUMNS), a view."""
    levels: Levels | None
    """None while there is no trade."""

    def prices(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Prices of rows, 1e-9."""
        return (self.base + rows) * self.tick_size

    def price(self, row: int) -> int:
        return (self.base + row) * self.tick_size


def read_profile(grid: Grid, settings: ProfileSettings) -> Reading:
    """Read a profile as it stands."""
    first, last = grid.traded()
    totals = totals_nb(grid.profile, first, last)
    held = grid.profile.reshape(-1, COLUMNS)[first:last]
    levels = levels_of(totals, settings, most_nodes=NODES) if last > first else None
    return Reading(grid.row0 + first, grid.tick_size, totals, held, levels)


def fill_profile(record: NDArray[np.void], reading: Reading, *, step: int) -> None:
    """Fill a PROFILE record; rows are joined where there are more than it has room for."""
    row = record[0]
    row["tick_size"] = reading.tick_size
    row["step"] = step
    row["ticks_per_row"] = ticks_per_row = max(1, -(-len(reading.totals) // PROFILE_ROWS))
    row["rows"] = rows = -(-len(reading.totals) // ticks_per_row)
    row["base"] = reading.price(0)
    row["total"] = reading.totals.sum()
    levels = reading.levels
    if levels is None:
        row["poc"] = row["vah"] = row["val"] = UNDEF_PRICE
        row["value_area"] = row["lvn_count"] = row["hvn_count"] = 0
        return
    row["poc"], row["vah"], row["val"] = (reading.price(at) for at in (levels.poc, levels.high, levels.low))
    row["value_area"] = levels.held
    for name, nodes in (("lvn", levels.lvn), ("hvn", levels.hvn)):
        row[f"{name}_count"] = len(nodes)
        row[name][: len(nodes)] = reading.prices(nodes)
    for column, name in enumerate(("buy", "sell", "unsided")):
        volumes = reading.held[:, column]
        if ticks_per_row > 1:
            volumes = np.add.reduceat(volumes, np.arange(0, len(volumes), ticks_per_row))
        row[name][:rows] = volumes


def fill_session(
    record: NDArray[np.void], state: NDArray[np.void], session: Session | None, reading: Reading | None
) -> None:
    """Fill a SESSION record from STATE. Prior levels and the overnight range are its owner's affair.

    Parameters
    ----------
    record, state : of shape (1,)
    session : None where no calendar is in force
    reading : of the profile as it stands; None leaves VWAP as it is
    """
    # As words, not by name: this is done a thousand times a second, and a field by its name takes ten times as long.
    words, s = record.view(np.int64), state.view(np.int64)
    words[_INTO] = s[_FROM]
    words[_DATE] = session.trade_date if session else 0
    words[_OPEN] = session.open if session else s[_FIRST_TS]
    words[_CLOSE] = session.close if session else 0
    if words[_CVD_HIGH] < words[_CVD_LOW]:
        words[_CVD_HIGH] = words[_CVD_LOW] = 0
    words[_REFERENCE] = STEPS[s[_STEP]]
    row = record[0]
    if not s[_TRADE_COUNT]:
        row["vwap"] = row["vwap_sd"] = np.nan
        for name in _PRICES:
            row[name] = UNDEF_PRICE
    elif reading is not None:
        row["vwap"], row["vwap_sd"] = vwap_of(reading.totals, row0=reading.base, tick_size=reading.tick_size)


def fill_prior(record: NDArray[np.void], finished: Finished | None) -> None:
    """Fill a SESSION record's levels of the session before; None: there is none."""
    row = record[0]
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
    reading: Reading, *, session: Session | None, session_record: NDArray[np.void], instrument_record: NDArray[np.void]
) -> Finished:
    """Make the record of a session that has ended with trades."""
    levels = reading.levels
    assert levels is not None, "a session with trades has a profile"
    rows = np.flatnonzero(reading.totals)
    return Finished(
        trade_date=session.trade_date if session else 0,
        session=session_record.copy(),
        instrument=instrument_record.copy(),
        price=reading.prices(rows),
        buy=reading.held[rows, 0],
        sell=reading.held[rows, 1],
        unsided=reading.held[rows, 2],
        poc=reading.price(levels.poc),
        vah=reading.price(levels.high),
        val=reading.price(levels.low),
        value_area=levels.held,
        lvn=reading.prices(levels.lvn),
        hvn=reading.prices(levels.hvn),
    )
