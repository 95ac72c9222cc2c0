"""Check whether a database may be written to: it must be new, or an archive of this version or an older one.

The check runs before anything is opened for writing, so that the database of another program, or of a newer flow_gl,
is not changed by a single byte: opening an SQLite file normally changes its journal mode and creates files beside it.
An SQLite file without a write-ahead log is read as immutable, without locks; one with a log is read through it, read
only. PostgreSQL is queried in a read-only transaction.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from flow_gl.core.errors import DataError
from flow_gl.services.archive.schema import APPLICATION_ID, VERSION, schema_version

_MAGIC: Final = b"SQLite format 3\0"
_APPLICATION_ID_AT: Final = 68
"""Offset in the file's header, four bytes, big-endian (https://www.sqlite.org/fileformat.html)."""
_TRIES: Final = 5
_WAIT_S: Final = 0.05
_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
)
_VERSION: Final = f"SELECT max(version) FROM {schema_version.name}"
_POSTGRES_TABLES: Final = """
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema()
AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
"""Tables of the current schema, except those that an extension created."""


def check_sqlite(path: Path) -> None:
    """Check an SQLite file without changing it; a missing or empty file counts as new.

    Raises
    ------
    DataError
        The file is not SQLite, belongs to another program, or was written by a newer flow_gl.
    OSError
        The file cannot be read, or is locked.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    if not header:
        return
    if not header.startswith(_MAGIC):
        raise DataError("the file is not an SQLite database")
    if int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]) not in (0, APPLICATION_ID):
        raise _foreign()
    for remaining in reversed(range(_TRIES)):
        try:
            tables, version = _read_sqlite(path)
            break
        except sqlite3.DatabaseError as error:
            # Another flow_gl may be writing the file at this moment: check again before reporting damage.
            if remaining:
                time.sleep(_WAIT_S)
            elif isinstance(error, sqlite3.OperationalError):
                raise OSError(str(error)) from error
            else:
                raise DataError(f"damaged: {error}") from error
    _judge(tables, version)


def check_postgres(engine: Engine) -> None:
    """Check a PostgreSQL database in a read-only transaction.

    Raises
    ------
    DataError
        Its schema belongs to another program or to a newer flow_gl.
    sqlalchemy.exc.SQLAlchemyError
        The database cannot be reached.
    """
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        tables = set(connection.execute(sa.text(_POSTGRES_TABLES)).scalars())
        version = None
        if schema_version.name in tables:
            try:
                version = connection.execute(sa.text(_VERSION)).scalar()
            except sa.exc.ProgrammingError:
                raise _foreign() from None
    _judge(tables, version)


def _read_sqlite(path: Path) -> tuple[set[str], object]:
    """Return the tables and the stored version; None if no version is stored."""
    log = path.with_name(f"{path.name}-wal")
    has_log = log.exists() and log.stat().st_size > 0 and path.with_name(f"{path.name}-shm").exists()
    uri = f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'mode=ro&immutable=1'}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT_S)) as connection:
        tables = {name for (name,) in connection.execute(_TABLES)}
        version = None
        if schema_version.name in tables:
            try:
                (version,) = connection.execute(_VERSION).fetchone()
            except sqlite3.OperationalError as error:
                if "no such column" in str(error):
                    raise _foreign() from None
                raise
    return tables, version


def _judge(tables: set[str], version: object) -> None:
    if not tables:
        return
    if not isinstance(version, int) or version < 1:
        raise _foreign()
    if version > VERSION:
        raise DataError(
            f"the archive has schema version {version}, this flow_gl supports up to {VERSION}: update flow_gl"
        )


def _foreign() -> DataError:
    return DataError("the database belongs to another program and was not changed: choose another one with --archive")
