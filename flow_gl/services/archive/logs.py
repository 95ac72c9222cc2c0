"""Archives one log of a chart: its events, or its alerts.

Rows with equal keys are distinguished by an ordinal, so that the same trades give the same rows however often
they are archived.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from flow_gl.services.archive import schema
from flow_gl.services.archive.database import Row, upsert
from flow_gl.store.row_log import RowCursor, RowLog

ROWS_AT_ONCE: Final = 2048
_KEYS_KEPT: Final = 4096


class LogArchive:
    """Writes one log's rows to the database.

    Parameters
    ----------
    log : of EVENT or ALERT rows
    table : its key, apart from `symbol` and `ordinal`, are integer fields of the rows
    values_of : returns the columns of a row that are not in the key
    """

    def __init__(self, log: RowLog, table: sa.Table, values_of: Callable[[np.void], Row]) -> None:
        self._cursor: Final = RowCursor(log)
        self._table: Final = table
        self._values_of: Final = values_of
        self._key: Final = [one.name for one in table.primary_key if one.name not in ("symbol", "ordinal")]
        self._ordinals: dict[tuple[int, ...], int] = {}
        """Number of the newest rows with the same key."""
        self._kept = self._cursor.place, dict(self._ordinals)

    @property
    def behind(self) -> int:
        """Rows that the database does not have yet."""
        return self._cursor.behind_of(self._kept[0])

    @property
    def missed(self) -> int:
        """Rows that the log overwrote before they could be written."""
        return self._kept[0][-1]

    def keep(self) -> None:
        """The transaction was committed: advance the saved position."""
        self._kept = self._cursor.place, dict(self._ordinals)

    def go_back(self) -> None:
        """The transaction failed: return to the saved position."""
        self._cursor.place, self._ordinals = self._kept[0], dict(self._kept[1])

    def delete_replaced(self, connection: Connection, symbol: str) -> None:
        """If a changed parameter replaced the session's rows, delete the old ones and continue with the new ones."""
        renewed = self._cursor.renewed()
        if renewed is None:
            return
        table = self._table.c
        is_replaced = (table.symbol == symbol) & (table.ts_event >= renewed.since)
        connection.execute(sa.delete(self._table).where(is_replaced))
        self._cursor.position += min(self._cursor.consumed, renewed.replaced - renewed.start)
        self._ordinals.clear()

    def write(self, connection: Connection, symbol: str, roll: np.void | None = None) -> int:
        """Write rows of an instrument, which ended with a roll if one is given. Returns their number."""
        found = self._cursor.read(ROWS_AT_ONCE)
        if roll is not None:
            is_later = _is_after(found, roll)
            count = int(is_later.argmax()) if is_later.any() else len(found)
            self._cursor.position -= len(found) - count
            found = found[:count]
        rows: list[Row] = []
        for one in found:
            key = tuple(int(one[name]) for name in self._key)
            ordinal = self._ordinals.get(key, 0)
            self._ordinals[key] = ordinal + 1
            row: Row = {"symbol": symbol, **dict(zip(self._key, key, strict=True)), "ordinal": ordinal}
            rows.append(row | self._values_of(one))
        for key in list(self._ordinals)[:-_KEYS_KEPT]:
            del self._ordinals[key]
        upsert(connection, self._table, rows)
        return len(rows)


def event_log(log: RowLog) -> LogArchive:
    """Return what archives a chart's events."""

    def values_of(event: np.void) -> Row:
        values = {f"value_{n}": _number(value) for n, value in enumerate(event["value"])}
        return {"strength": _number(event["strength"]), **values}

    return LogArchive(log, schema.events, values_of)


def alert_log(log: RowLog) -> LogArchive:
    """Return what archives a chart's alerts."""

    def values_of(alert: np.void) -> Row:
        return {"price": int(alert["price"]), "strength": _number(alert["strength"])}

    return LogArchive(log, schema.alerts, values_of)


def _is_after(rows: NDArray[np.void], roll: np.void) -> NDArray[np.bool_]:
    """Return which rows belong to an instrument after a roll: bool, same shape.

    Rows that end with the old instrument, such as its last minute, may become known after the new one's first trade,
    so times alone do not decide.
    """
    is_later: NDArray[np.bool_] = rows["ts_event"] >= roll["first_ts"]
    if roll["from_id"] == roll["to_id"]:
        return is_later
    ids = rows["instrument_id"]
    return np.where(ids == 0, is_later, ids != roll["from_id"])


def _number(value: float) -> float | None:
    """Return a number for the database: None for NaN."""
    return float(value) if np.isfinite(value) else None
