"""A database that must not be written keeps every byte, and the reason is one line."""

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from flow_gl.cli.main import run
from flow_gl.core.errors import EXIT_DATA, DataError
from flow_gl.services.archive.database import open_engine, parse_url, prepare_database
from flow_gl.services.archive.query import list_sessions
from flow_gl.services.archive.schema import APPLICATION_ID, VERSION
from flow_gl.services.archive.writer import Archive, ArchiveState
from tests.kit.waiting import PATIENCE_S, until
from tests.services.conftest import PostgresServer
from tests.services.days import utc_day

NEWER = f"schema version {VERSION + 1}, this flow_gl supports up to {VERSION}: update flow_gl"
FOREIGN = "belongs to another program"


def look(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the digest and the modification time of every file."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if not path.name.endswith("-shm")  # readers of a write-ahead log write there
    }


def prepare(url: str) -> None:
    engine = open_engine(parse_url(url))
    try:
        prepare_database(engine, parse_url(url))
    finally:
        engine.dispose()


def try_all_ways(url: str, reason: str) -> None:
    """List the sessions, and archive."""
    with pytest.raises(DataError, match=reason):
        list_sessions(url)
    archive = Archive(url, session_of=utc_day, period_s=0.01)
    archive.start()
    until(lambda: archive.status().state is ArchiveState.FAILING, "a failure")
    assert reason in archive.status().message
    assert "\n" not in archive.status().message
    archive.close(timeout_s=PATIENCE_S)


def make(path: Path, script: str, *, journal: str = "delete") -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}").close()
        connection.executescript(script)


FOREIGN_FILES = {
    "tables": "CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('Smith')",
    "our names": "CREATE TABLE bubbles (name TEXT); CREATE TABLE sessions (symbol TEXT)",
    "a view": "CREATE VIEW one AS SELECT 1",
    "application id": "PRAGMA application_id = 252006674; CREATE TABLE flow_schema (version INTEGER)",
    "application id alone": "PRAGMA application_id = 1; VACUUM",
    "a flow_schema of theirs": "CREATE TABLE flow_schema (name TEXT)",
    "a version that is none": "CREATE TABLE flow_schema (version); INSERT INTO flow_schema VALUES ('one')",
    "no version": "CREATE TABLE flow_schema (version INTEGER)",
}


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("script", FOREIGN_FILES.values(), ids=FOREIGN_FILES)
def test_another_programs_file_keeps_every_byte(tmp_path: Path, script: str, journal: str) -> None:
    path = tmp_path / "theirs.sqlite3"
    make(path, script, journal=journal)
    before = look(tmp_path)
    assert set(before) == {path.name}
    try_all_ways(f"sqlite:///{path}", FOREIGN)
    assert look(tmp_path) == before


def test_another_programs_file_in_use_keeps_every_byte(tmp_path: Path) -> None:
    """Data only in the write-ahead log is seen, and the log is not merged into the file."""
    path = tmp_path / "theirs.sqlite3"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("PRAGMA journal_mode = wal").close()
        theirs.execute("CREATE TABLE customers (name TEXT)").close()
        theirs.commit()
        before = look(tmp_path)
        assert len(before) == 2
        try_all_ways(str(path), FOREIGN)
        assert look(tmp_path) == before


@pytest.mark.parametrize("content", [b"hello\n", b"\0" * 5000, b"SQLite format 3", bytes(range(256)) * 20])
def test_a_file_that_is_not_a_database_keeps_every_byte(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.txt").write_bytes(content)
    before = look(tmp_path)
    try_all_ways(str(tmp_path / "notes.txt"), "not an SQLite database")
    assert look(tmp_path) == before


def test_a_damaged_file_keeps_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite3"
    prepare(str(path))
    data = bytearray(path.read_bytes())
    data[100:4000] = bytes(3900)
    path.write_bytes(data)
    before = look(tmp_path)
    try_all_ways(str(path), "damaged")
    assert look(tmp_path) == before


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_newer_archive_keeps_every_byte(
    tmp_path: Path, journal: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "archive.sqlite3"
    prepare(str(path))
    make(path, f"UPDATE flow_schema SET version = {VERSION + 1}", journal=journal)
    before = look(tmp_path)
    assert set(before) == {path.name}
    try_all_ways(str(path), NEWER)
    assert look(tmp_path) == before
    monkeypatch.setenv("COLUMNS", "300")
    assert run(["sessions", "--archive", str(path)]) == EXIT_DATA
    assert capsys.readouterr().err == f"flow-gl: error: archive sqlite:///{path}: the archive has {NEWER}\n"
    assert look(tmp_path) == before


def test_a_newer_archive_whose_log_is_not_in_the_file_yet_keeps_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite3"
    prepare(str(path))
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"UPDATE flow_schema SET version = {VERSION + 1}").close()
        newer.commit()
        before = look(tmp_path)
        assert set(before) == {path.name, f"{path.name}-wal"}
        try_all_ways(str(path), NEWER)
        assert look(tmp_path) == before


@pytest.mark.parametrize("script", ["", "PRAGMA user_version = 0; VACUUM"])
def test_an_empty_file_becomes_an_archive(tmp_path: Path, script: str) -> None:
    path = tmp_path / "archive.sqlite3"
    path.touch()
    make(path, script)
    assert list_sessions(str(path)) == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_an_archive_in_a_folder_with_unusual_characters_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c#d%20é"
    folder.mkdir()
    prepare(str(folder / "archive.sqlite3"))
    make(folder / "archive.sqlite3", f"UPDATE flow_schema SET version = {VERSION + 1}")
    try_all_ways(str(folder / "archive.sqlite3"), NEWER)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    return postgres.create(f"check_{time.monotonic_ns()}")


def states(url: str) -> list[tuple[object, ...]]:
    """Return every table with its rows' physical identity and the transaction that wrote them."""
    engine = sa.create_engine(parse_url(url))
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        rows = [(name, *row) for name in names for row in connection.execute(sa.text(f"SELECT xmin, * FROM {name}"))]
    engine.dispose()
    return [(name,) for name in names] + rows


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(parse_url(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    "script",
    ["CREATE TABLE customers (name TEXT)", "CREATE TABLE sessions (a INTEGER)", "CREATE TABLE flow_schema (a INTEGER)"],
)
def test_another_programs_postgres_database_is_left_alone(database: str, script: str) -> None:
    execute(database, script)
    before = states(database)
    try_all_ways(database, FOREIGN)
    assert states(database) == before


def test_a_newer_postgres_archive_is_left_alone(database: str) -> None:
    prepare(database)
    execute(database, f"UPDATE flow_schema SET version = {VERSION + 1}")
    before = states(database)
    try_all_ways(database, NEWER)
    assert states(database) == before


def test_another_schema_of_a_shared_postgres_database_may_hold_the_archive(database: str) -> None:
    execute(database, "CREATE TABLE customers (name TEXT)", "CREATE SCHEMA flow")
    execute(database, f"ALTER DATABASE {database.rsplit('/', 1)[1]} SET search_path = flow")
    assert list_sessions(database) == []
