"""Sessions in the archive: one row per symbol and session. An unscheduled session shares the trade date of another.

While a session runs, its row is a copy of the chart's session table. Once the next session has begun, the row is
computed again from the archived bubbles and CVD points: their sums are final and do not depend on when the table was
last copied. Levels that bubbles cannot give (POC, value area) come from the next session's prior levels, if those are
of this session.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.sessions import Session
from flow_gl.core.settings import REGULAR
from flow_gl.services.archive import schema
from flow_gl.services.archive.database import Row
from flow_gl.store.market import MarketReader

_SAME_NAME: Final = (
    *("first_ts", "last_ts", "open", "high", "low", "buy", "sell", "unsided", "trade_count", "bubble_count"),
    *("cvd", "cvd_high", "cvd_low"),
)


def running_row(reader: MarketReader, symbol: str, session: Session) -> Row:
    """Return the session's row as the chart shows it now."""
    table, profile = reader.session, reader.profile
    row: Row = {name: int(table[name]) for name in _SAME_NAME}
    row |= _key(symbol, session) | {"close": int(table["last_price"]), "is_finished": 0}
    row |= {name: _price(profile[name]) if profile["total"] else None for name in ("poc", "vah", "val")}
    row["profile_hours"] = _hours(profile["is_regular"]) if profile["total"] else None
    row |= {name: float(table[name]) if np.isfinite(table[name]) else None for name in ("vwap", "vwap_sd")}
    return row


def finished_row(connection: Connection, symbol: str, bucket_ns: int, session: Session) -> Row:
    """Compute the row of a finished session from its bubbles and CVD points in the database.

    Columns that cannot be computed from them are left out, so that they keep their values.
    """
    bubbles, cvd = schema.bubbles.c, schema.cvd.c
    is_its = _of(bubbles, symbol, bucket_ns, session)
    sums = connection.execute(
        sa.select(
            sa.func.min(bubbles.ts_event).label("first_ts"),
            sa.func.max(bubbles.ts_last).label("last_ts"),
            sa.func.max(bubbles.high).label("high"),
            sa.func.min(bubbles.low).label("low"),
            sa.func.count().label("bubble_count"),
            *(sa.func.sum(bubbles[name]).label(name) for name in ("buy", "sell", "unsided", "trade_count")),
        ).where(is_its)
    ).one()
    is_its_cvd = _of(cvd, symbol, bucket_ns, session)
    swing = connection.execute(
        sa.select(sa.func.max(cvd.high).label("cvd_high"), sa.func.min(cvd.low).label("cvd_low")).where(is_its_cvd)
    ).one()
    row: Row = {name: int(value) for name, value in (*sums._mapping.items(), *swing._mapping.items())}
    row["open"] = _edge(connection, bubbles.open, is_its, bubbles.id.asc())
    row["close"] = _edge(connection, bubbles.close, is_its, bubbles.id.desc())
    row["cvd"] = _edge(connection, cvd.close, is_its_cvd, cvd.id.desc())
    return row | _key(symbol, session) | {"is_finished": 1}


def prior_levels(table: Mapping[str, Any] | np.void, finished: Row) -> Row:
    """Return POC and value area of a finished session from the next one's prior levels; {} if those differ."""
    if int(table["prior_high"]) != finished["high"] or int(table["prior_low"]) != finished["low"]:
        return {}
    levels: Row = {name: _price(table[f"prior_{name}"]) for name in ("poc", "vah", "val")}
    return levels | {"profile_hours": _hours(table["prior_regular"]) if levels["poc"] is not None else None}


def _of(columns: Any, symbol: str, bucket_ns: int, session: Session) -> sa.ColumnElement[bool]:
    """Return the condition for the buckets of a session."""
    is_its = (columns.symbol == symbol) & (columns.bucket_ns == bucket_ns)
    is_of_date = columns.trade_date == session.trade_date  # has an index
    found: sa.ColumnElement[bool] = (
        is_its & is_of_date & (columns.ts_event >= session.open) & (columns.ts_event < session.close)
    )
    return found


def _edge(connection: Connection, column: sa.Column[int], where: sa.ColumnElement[bool], order: Any) -> int:
    return int(connection.execute(sa.select(column).where(where).order_by(order).limit(1)).scalar_one())


def _key(symbol: str, session: Session) -> Row:
    return {
        "symbol": symbol,
        "trade_date": session.trade_date,
        "open_ts": session.open,
        "close_ts": session.close,
    }


def _hours(is_regular: Any) -> str:
    return REGULAR if is_regular else "globex"


def _price(value: Any) -> int | None:
    return None if int(value) == UNDEF_PRICE else int(value)
