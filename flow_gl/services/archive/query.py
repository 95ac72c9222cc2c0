"""Query the archive for its sessions."""

from dataclasses import dataclass

import sqlalchemy as sa

from flow_gl.core.errors import DataError, FlowError
from flow_gl.services.archive import schema
from flow_gl.services.archive.database import open_engine, parse_url, prepare_database, sqlite_path


class ArchiveError(FlowError):
    """The archive's database cannot be opened or read."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One stored session. Prices in 1e-9 units, times in ns, sizes in contracts; None where unknown."""

    symbol: str
    trade_date: int
    """YYYYMMDD."""
    open_ts: int
    close_ts: int
    first_ts: int
    last_ts: int
    open: int
    high: int
    low: int
    close: int
    buy: int
    sell: int
    unsided: int
    trade_count: int
    bubble_count: int
    cvd: int
    cvd_high: int
    cvd_low: int
    poc: int | None
    vah: int | None
    val: int | None
    profile_hours: str | None
    """Hours of POC, VAH and VAL: "globex" or "regular"."""
    vwap: float | None
    """Points, as its standard deviation."""
    vwap_sd: float | None
    is_finished: int
    """1: the next session has begun. 0: the session was running when it was last written."""


def list_sessions(url: str) -> list[SessionRow]:
    """List the sessions in an archive, oldest first; none if the SQLite file does not exist.

    Raises
    ------
    UsageError
        The URL is not of a supported database.
    DataError
        The database was created by a newer flow_gl or by another program.
    ArchiveError
        The database cannot be opened or read.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path and not path.exists():
        return []
    engine = open_engine(parsed)
    order = (schema.sessions.c.trade_date, schema.sessions.c.symbol, schema.sessions.c.open_ts)
    try:
        prepare_database(engine, parsed)
        with engine.connect() as connection:
            rows = connection.execute(sa.select(schema.sessions).order_by(*order)).all()
    except DataError as error:
        raise DataError(f"archive {parsed.render_as_string()}: {error}") from error
    except (sa.exc.SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        raise ArchiveError(f"archive {parsed.render_as_string()}: {reason}") from error
    finally:
        engine.dispose()
    return [SessionRow(**row._mapping) for row in rows]
