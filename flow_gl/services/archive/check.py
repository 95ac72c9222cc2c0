"""Whether a database may be written to: it is new, or an archive of this version or an older one.

Looked at before anything is opened for writing, so that a database of another program, or of a newer flow_gl, keeps
every byte: SQLite would change the journal mode of a file and make files beside it as soon as it is opened in the usual
way. An SQLite file is read as immutable, without locks, where it has no write-ahead log, and read-only through the log
where it has one; PostgreSQL is asked within a read-only transaction.
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
"""Tables of the schema in use, without those that an extension has made."""


def check_sqlite(path: Path) -> None:
    """Look at an SQLite file without changing a byte of it; one that is missing or empty is new.

    Raises
    ------
    DataError
        It is no SQLite file, or another program's, or of a newer flow_gl.
    OSError
        It cannot be read, or is locked.
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
            # A copy of ours may be writing the file at this moment: look again before believing it.
            if remaining:
                time.sleep(_WAIT_S)
            elif isinstance(error, sqlite3.OperationalError):
                raise OSError(str(error)) from error
            else:
                raise DataError(f"damaged: {error}") from error
    _judge(tables, version)


def check_postgres(engine: Engine) -> None:
    """Ask a PostgreSQL database, in a transaction that may not write.

    Raises
    ------
    DataError
        Its schema is another program's, or of a newer flow_gl.
    sqlalchemy.exc.SQLAlchemyError
        It cannot be had.
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
    """Tables, and the version that is written down; None where there is none."""
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
        raise DataError(f"the archive has schema version {version}, this flow_gl knows up to {VERSION}: update flow_gl")


def _foreign() -> DataError:
    return DataError("a database of another program, left as it is: give the archive one of its own (--archive)")
