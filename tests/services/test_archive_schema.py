"""An archive of an older version is migrated completely or not at all."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from flow_gl.core.units import HOUR_NS
from flow_gl.services.archive import schema as archive_schema
from flow_gl.services.archive.database import open_engine, parse_url, prepare_database
from flow_gl.services.archive.query import list_sessions
from tests.services.conftest import PostgresServer
from tests.services.days import DAY_START

# The schema of version 1, as it exists in users' databases. Never edit it.
VERSION_1 = """
CREATE TABLE flow_schema (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE instruments (symbol VARCHAR(32) NOT NULL, requested VARCHAR(32) NOT NULL, instrument_id BIGINT NOT NULL,
    tick_size BIGINT NOT NULL, point_value DOUBLE PRECISION, PRIMARY KEY (symbol));
CREATE TABLE bubbles (symbol VARCHAR(32) NOT NULL, bucket_ns BIGINT NOT NULL, id BIGINT NOT NULL,
    ts_event BIGINT NOT NULL, price BIGINT NOT NULL, open BIGINT NOT NULL, high BIGINT NOT NULL, low BIGINT NOT NULL,
    close BIGINT NOT NULL, buy BIGINT NOT NULL, sell BIGINT NOT NULL, unsided BIGINT NOT NULL,
    trade_count BIGINT NOT NULL, ts_last BIGINT NOT NULL, PRIMARY KEY (symbol, bucket_ns, id));
CREATE TABLE cvd (symbol VARCHAR(32) NOT NULL, bucket_ns BIGINT NOT NULL, id BIGINT NOT NULL, ts_event BIGINT NOT NULL,
    open BIGINT NOT NULL, high BIGINT NOT NULL, low BIGINT NOT NULL, close BIGINT NOT NULL,
    PRIMARY KEY (symbol, bucket_ns, id));
CREATE TABLE events (symbol VARCHAR(32) NOT NULL, ts_event BIGINT NOT NULL, kind INTEGER NOT NULL,
    direction INTEGER NOT NULL, price BIGINT NOT NULL, ordinal INTEGER NOT NULL, strength DOUBLE PRECISION,
    value_0 DOUBLE PRECISION, value_1 DOUBLE PRECISION, value_2 DOUBLE PRECISION, value_3 DOUBLE PRECISION,
    PRIMARY KEY (symbol, ts_event, kind, direction, price, ordinal));
CREATE TABLE sessions (symbol VARCHAR(32) NOT NULL, trade_date INTEGER NOT NULL, open_ts BIGINT NOT NULL,
    close_ts BIGINT NOT NULL, first_ts BIGINT NOT NULL, last_ts BIGINT NOT NULL, open BIGINT NOT NULL,
    high BIGINT NOT NULL, low BIGINT NOT NULL, close BIGINT NOT NULL, buy BIGINT NOT NULL, sell BIGINT NOT NULL,
    unsided BIGINT NOT NULL, trade_count BIGINT NOT NULL, bubble_count BIGINT NOT NULL, cvd BIGINT NOT NULL,
    cvd_high BIGINT NOT NULL, cvd_low BIGINT NOT NULL, poc BIGINT, vah BIGINT, val BIGINT, vwap DOUBLE PRECISION,
    vwap_sd DOUBLE PRECISION, PRIMARY KEY (symbol, trade_date));
INSERT INTO flow_schema VALUES (1)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'archive.sqlite3'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create(f"schema_{time.monotonic_ns()}")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(parse_url(url))
    yield engine
    engine.dispose()


@pytest.fixture
def version_1(engine: Engine) -> Engine:
    """Make a database of version 1 with one session, and bubbles within it and after it."""
    with engine.begin() as connection:
        for statement in VERSION_1.split(";"):
            connection.execute(sa.text(statement))
        for n, ts in enumerate((DAY_START, DAY_START + HOUR_NS, DAY_START + 30 * HOUR_NS)):
            values = f"('NQZ5', 1000000000, {n}, {ts}"
            connection.execute(sa.text(f"INSERT INTO bubbles VALUES {values}{', 7' * 10})"))
            connection.execute(sa.text(f"INSERT INTO cvd VALUES {values}{', 7' * 4})"))
        session = f"'NQZ5', 20251128, {DAY_START - HOUR_NS}, {DAY_START + 22 * HOUR_NS}"
        connection.execute(sa.text(f"INSERT INTO sessions VALUES ({session}{', 5' * 19})"))
    return engine


def shape(connection: Connection) -> dict[str, object]:
    """Return columns with their nullability, keys and indices of every table, however the schema was created."""
    inspector = sa.inspect(connection)
    return {
        table: (
            {(column["name"], _kind(column["type"]), column["nullable"]) for column in inspector.get_columns(table)},
            inspector.get_pk_constraint(table)["constrained_columns"],
            {(index["name"], tuple(index["column_names"])) for index in inspector.get_indexes(table)},
        )
        for table in inspector.get_table_names()
    }


def _kind(column_type: sa.types.TypeEngine[object]) -> str:
    # SQLite returns the words of the statement: DOUBLE or DOUBLE PRECISION, which are the same type.
    return "float" if column_type.python_type is float else str(column_type)


def fresh_shape(url: str, engine: Engine) -> dict[str, object]:
    """Return the shape of a new database of the same kind."""
    with engine.begin() as connection:
        archive_schema.metadata.drop_all(connection)
    prepare_database(engine, parse_url(url))
    with engine.connect() as connection:
        return shape(connection)


def test_version_1_is_migrated_to_the_current_schema_and_keeps_its_rows(url: str, version_1: Engine) -> None:
    prepare_database(version_1, parse_url(url))
    with version_1.connect() as connection:
        migrated = shape(connection)
        assert connection.execute(sa.text("SELECT version FROM flow_schema")).all() == [(archive_schema.VERSION,)]
        for table in ("bubbles", "cvd"):
            dates = connection.execute(sa.text(f"SELECT id, trade_date, open FROM {table} ORDER BY id")).all()
            assert dates == [(0, 20251128, 7), (1, 20251128, 7), (2, None, 7)]
    (session,) = list_sessions(url)
    assert (session.trade_count, session.is_finished) == (5, 0)
    assert migrated == fresh_shape(url, version_1)


def test_a_failed_migration_leaves_the_previous_version_unchanged(
    url: str, version_1: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with version_1.connect() as connection:
        before = shape(connection)
    real = archive_schema.MIGRATIONS[1]

    def fail_late(connection: Connection) -> None:
        real(connection)
        raise OSError("the power went")

    monkeypatch.setitem(archive_schema.MIGRATIONS, 1, fail_late)
    with pytest.raises(OSError, match="the power went"):
        prepare_database(version_1, parse_url(url))
    with version_1.connect() as connection:
        assert shape(connection) == before
        assert connection.execute(sa.text("SELECT version FROM flow_schema")).all() == [(1,)]
    monkeypatch.setitem(archive_schema.MIGRATIONS, 1, real)
    prepare_database(version_1, parse_url(url))
    assert len(list_sessions(url)) == 1


def test_preparing_twice_changes_nothing(url: str, engine: Engine) -> None:
    prepare_database(engine, parse_url(url))
    with engine.connect() as connection:
        before = shape(connection)
    prepare_database(engine, parse_url(url))
    with engine.connect() as connection:
        assert shape(connection) == before


@pytest.mark.parametrize("state", ["empty", "version 1"])
def test_two_programs_that_open_a_database_at_once_prepare_it_once(
    url: str, state: str, request: pytest.FixtureRequest
) -> None:
    if state == "version 1":
        request.getfixturevalue("version_1")

    def prepare(_number: int) -> None:
        engine = open_engine(parse_url(url))
        try:
            prepare_database(engine, parse_url(url))
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, range(4)))
    engine = open_engine(parse_url(url))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version FROM flow_schema")).all() == [(archive_schema.VERSION,)]
    engine.dispose()


def test_two_programs_that_create_an_sqlite_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Switching a new file to its write-ahead log may be refused immediately, in a few of a hundred files."""

    def prepare(number: int) -> None:
        url = parse_url(f"sqlite:///{tmp_path / f'{number // 4}.sqlite3'}")
        engine = open_engine(url)
        try:
            prepare_database(engine, url)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, range(4 * 40)))
    for path in tmp_path.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("SELECT version FROM flow_schema").fetchall() == [(archive_schema.VERSION,)]
    assert len(list(tmp_path.glob("*.sqlite3"))) == 40


def test_every_version_has_a_migration_to_the_next() -> None:
    assert set(archive_schema.MIGRATIONS) == set(range(1, archive_schema.VERSION))
