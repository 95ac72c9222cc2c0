"""The archive's tables, their version, and the migrations from older versions.

All values are integers as in the program: prices in 1e-9 units, times in ns since the epoch, sizes in contracts. The
tables below are those of `VERSION`. A new database gets them directly; an older one goes through `MIGRATIONS`, one step
per version. Each step is one transaction that also writes the version number, so it is applied completely or not at
all, and two programs that open the same database wait for each other. See docs/archive.md.
"""

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flow_gl.core.errors import DataError

VERSION: Final = 4
APPLICATION_ID: Final = 0x666C6F77
"""Marks an SQLite file as ours, in its header: "flow"."""
_LOCK: Final = APPLICATION_ID  # the advisory lock of our migrations

metadata: Final = sa.MetaData()

schema_version: Final = sa.Table(
    "flow_schema", metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
)

instruments: Final = sa.Table(
    "instruments",
    metadata,
    sa.Column("symbol", sa.String(32), primary_key=True),
    sa.Column("requested", sa.String(32), nullable=False),
    sa.Column("instrument_id", sa.BigInteger, nullable=False),
    sa.Column("tick_size", sa.BigInteger, nullable=False),
    sa.Column("point_value", sa.Double),
)


def _bucket_key() -> list[sa.Column[object]]:
    return [
        sa.Column("symbol", sa.String(32), primary_key=True),
        sa.Column("bucket_ns", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    ]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


BUBBLE_VALUES: Final = (
    "ts_event",
    "price",
    "open",
    "high",
    "low",
    "close",
    "buy",
    "sell",
    "unsided",
    "trade_count",
    "ts_last",
)
CVD_VALUES: Final = ("ts_event", "open", "high", "low", "close")

bubbles: Final = sa.Table(
    "bubbles",
    metadata,
    *_bucket_key(),
    *_integers(*BUBBLE_VALUES),
    sa.Column("trade_date", sa.Integer),
    sa.Index("bubbles_by_session", "symbol", "trade_date"),
)

cvd: Final = sa.Table(
    "cvd",
    metadata,
    *_bucket_key(),
    *_integers(*CVD_VALUES),
    sa.Column("trade_date", sa.Integer),
    sa.Index("cvd_by_session", "symbol", "trade_date"),
)

events: Final = sa.Table(
    "events",
    metadata,
    sa.Column("symbol", sa.String(32), primary_key=True),
    sa.Column("ts_event", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("direction", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("price", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("strength", sa.Double),
    *(sa.Column(f"value_{n}", sa.Double) for n in range(4)),
)

alerts: Final = sa.Table(
    "alerts",
    metadata,
    sa.Column("symbol", sa.String(32), primary_key=True),
    *(
        sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
        for name in ("ts_event", "condition", "detail", "direction", "value", "ordinal")
    ),
    *_integers("price"),
    sa.Column("strength", sa.Double),
)

sessions: Final = sa.Table(
    "sessions",
    metadata,
    sa.Column("symbol", sa.String(32), primary_key=True),
    sa.Column("trade_date", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("open_ts", sa.BigInteger, primary_key=True, autoincrement=False),
    *_integers("close_ts", "first_ts", "last_ts"),
    *_integers("open", "high", "low", "close"),
    *_integers("buy", "sell", "unsided", "trade_count", "bubble_count"),
    *_integers("cvd", "cvd_high", "cvd_low"),
    *(sa.Column(name, sa.BigInteger) for name in ("poc", "vah", "val")),
    sa.Column("profile_hours", sa.String(8)),
    *(sa.Column(name, sa.Double) for name in ("vwap", "vwap_sd")),
    sa.Column("is_finished", sa.Integer, nullable=False, server_default="0"),
)


def prepare(connection: Connection) -> int:
    """Create the tables, or migrate them to this version, within the current transaction.

    Returns
    -------
    int : version found; 0 for a new database

    Raises
    ------
    DataError
        The database was created by a newer flow_gl.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = 0
    if sa.inspect(connection).has_table(schema_version.name):
        found = connection.execute(sa.select(sa.func.max(schema_version.c.version))).scalar() or 0
    if found > VERSION:
        raise DataError(
            f"the archive has schema version {found}, this flow_gl supports up to {VERSION}: update flow_gl"
        )
    if found == 0:
        metadata.create_all(connection)
    for version in range(found, VERSION) if found else ():
        MIGRATIONS[version](connection)
    if found != VERSION:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(sa.delete(schema_version))
        connection.execute(sa.insert(schema_version).values(version=VERSION))
    return found


def _add_trade_dates(connection: Connection) -> None:
    """Version 1 to 2: bubbles and CVD points have a trade date, and sessions say whether they are finished.

    Existing rows get the date of the session that was running at their time, or none if there was no session.
    """
    for table in (bubbles, cvd):
        name = table.name
        connection.execute(sa.text(f"ALTER TABLE {name} ADD COLUMN trade_date INTEGER"))
        connection.execute(sa.text(f"CREATE INDEX {name}_by_session ON {name} (symbol, trade_date)"))
        date = (
            sa.select(sa.func.max(sessions.c.trade_date))
            .where(
                sessions.c.symbol == table.c.symbol,
                sessions.c.open_ts <= table.c.ts_event,
                sessions.c.close_ts > table.c.ts_event,
            )
            .scalar_subquery()
        )
        connection.execute(sa.update(table).values(trade_date=date))
    connection.execute(sa.text("ALTER TABLE sessions ADD COLUMN is_finished INTEGER DEFAULT 0 NOT NULL"))


def _add_alerts(connection: Connection) -> None:
    """Version 2 to 3: the table of alerts, and the hours of the profile that POC and value area are of.

    So far all profiles were of Globex hours.
    """
    alerts.create(connection)
    connection.execute(sa.text("ALTER TABLE sessions ADD COLUMN profile_hours VARCHAR(8)"))
    connection.execute(sa.update(sessions).where(sessions.c.poc.is_not(None)).values(profile_hours="globex"))


def _separate_sessions(connection: Connection) -> None:
    """Version 3 to 4: an unscheduled session has its own row beside the scheduled one of its trade date."""
    key = ", ".join(column.name for column in sessions.primary_key)
    if connection.dialect.name == "postgresql":
        name = sa.inspect(connection).get_pk_constraint(sessions.name)["name"]
        connection.execute(sa.text(f'ALTER TABLE {sessions.name} DROP CONSTRAINT "{name}", ADD PRIMARY KEY ({key})'))
        return
    columns = ", ".join(column.name for column in sessions.columns)  # SQLite cannot change a table's key
    connection.execute(sa.text("ALTER TABLE sessions RENAME TO sessions_of_version_3"))
    sessions.create(connection)
    connection.execute(sa.text(f"INSERT INTO sessions ({columns}) SELECT {columns} FROM sessions_of_version_3"))
    connection.execute(sa.text("DROP TABLE sessions_of_version_3"))


MIGRATIONS: Final[dict[int, Callable[[Connection], None]]] = {
    1: _add_trade_dates,
    2: _add_alerts,
    3: _separate_sessions,
}
"""The step from each version to the next."""
