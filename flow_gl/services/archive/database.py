"""The archive's database: URLs, opening, and upserts.

SQLite (with a write-ahead log, so that others may read during writes) and PostgreSQL, both through SQLAlchemy Core. An
upsert names the key and, where an older version of a row may be the better one, the condition under which the new row
replaces it.
"""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine

from flow_gl.core.errors import UsageError
from flow_gl.core.system.folders import data_dir
from flow_gl.core.system.packages import install_advice
from flow_gl.services.archive.check import check_postgres, check_sqlite
from flow_gl.services.archive.schema import prepare

FILE_NAME: Final = "archive.sqlite3"
CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 15

Row = dict[str, Any]


def default_url() -> str:
    """Return the URL of the default archive: an SQLite file in the user's data folder."""
    return f"sqlite:///{data_dir() / FILE_NAME}"


def parse_url(text: str) -> URL:
    """Parse a database URL, or the path of an SQLite file.

    Raises
    ------
    UsageError
        Neither SQLite nor PostgreSQL, or not a URL. The message never contains the password.
    """
    expected = "archive: expected sqlite:///FILE, postgresql://USER@HOST/DATABASE or a file name"
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise UsageError(f"{expected}, got a URL that cannot be parsed") from None
    backend = url.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UsageError(f"{expected}, got {url.render_as_string()!r}")
    return url.set(drivername="sqlite")


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite database; None for PostgreSQL and for an in-memory database."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)).expanduser() if is_file else None


def open_engine(url: URL) -> Engine:
    """Create the SQLAlchemy engine of a database, without connecting.

    Raises
    ------
    UsageError
        The URL is PostgreSQL and its driver is not installed.
    """
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url)
        engine = sa.create_engine(
            url.set(database=str(path)) if path else url, connect_args={"timeout": CONNECT_SECONDS}
        )
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return sa.create_engine(
            url,
            pool_size=1,
            max_overflow=0,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "flow_gl",
                "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={CONNECT_SECONDS}s",
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 10_000,
            },
        )
    except ImportError:
        raise UsageError(f"archive: PostgreSQL needs the psycopg package: {install_advice('archive')}") from None


def prepare_database(engine: Engine, url: URL) -> None:
    """Create the database file (SQLite) and the tables, or migrate them to this version.

    Raises
    ------
    DataError
        The database belongs to a newer flow_gl or to another program; nothing was written to it.
    sqlalchemy.exc.SQLAlchemyError, OSError
        The database cannot be opened.
    """
    path = sqlite_path(url)
    if url.get_backend_name() == "postgresql":
        check_postgres(engine)
    if path:
        check_sqlite(path)
        path.parent.mkdir(parents=True, exist_ok=True)
    with engine.begin() as connection:
        prepare(connection)


def upsert(connection: Connection, table: sa.Table, rows: Sequence[Row], *, wins: str | None = None) -> None:
    """Insert rows, replacing those whose key exists.

    Parameters
    ----------
    rows : all with the same columns
    wins : a row is replaced only if the new value of this column is at least the old one; None: always
    """
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    new = statement.excluded
    keys = [column.name for column in table.primary_key]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: new[name] for name in rows[0] if name not in keys},
            where=new[wins] >= table.c[wins] if wins else None,
        ),
        list(rows),
    )


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own transactions leave out DDL; ours begin below
    _use_write_ahead_log(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _use_write_ahead_log(connection: Any) -> None:
    """Switch the file to a write-ahead log, unless it has one.

    Two programs that switch a new file at the same time block each other. SQLite then refuses one immediately instead
    of honouring the connection's timeout (https://www.sqlite.org/c3ref/busy_handler.html), so we wait and retry.
    """
    give_up = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
