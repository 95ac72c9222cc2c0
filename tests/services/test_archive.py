"""The archive on both databases: rows, repeated rows, and an unreachable database."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT
from flow_gl.core.errors import DataError, UsageError
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Definition, Mapping
from flow_gl.core.schema import BUBBLE, CVD_POINT, EVENT, INSTRUMENT, PROFILE, SESSION
from flow_gl.core.sessions import Session, SessionCalendar
from flow_gl.core.units import DAY_NS, HOUR_NS, SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.services.archive import database as archive_database
from flow_gl.services.archive import logs as archive_logs
from flow_gl.services.archive import market as archive_market
from flow_gl.services.archive.database import parse_url
from flow_gl.services.archive.query import ArchiveError, list_sessions
from flow_gl.services.archive.writer import Archive, ArchiveState
from flow_gl.store.market import MarketStore
from tests.kit.trades import make_tied_trades
from tests.kit.waiting import PATIENCE_S, until
from tests.services.conftest import PostgresServer
from tests.services.days import DAY_START, utc_day

BUBBLE_NAMES = BUBBLE.names
CVD_NAMES = CVD_POINT.names


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Yield the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'archive.sqlite3'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create(f"test_{time.monotonic_ns()}")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the archive's waits."""
    monkeypatch.setattr("flow_gl.services.archive.writer.LONGEST_WAIT_S", 0.1)


def make_rows(count: int, *, seed: int = 1, start: int = DAY_START) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Make bubbles and CVD points of `count` buckets with random values."""
    random = np.random.default_rng(seed)
    bubbles, points = np.zeros(count, BUBBLE), np.zeros(count, CVD_POINT)
    for rows in (bubbles, points):
        for name in rows.dtype.names or ():
            rows[name] = random.integers(-(2**60), 2**60, count)
        rows["id"] = start // SECOND_NS + np.arange(count)
        rows["ts_event"] = rows["id"] * SECOND_NS
    bubbles["trade_count"] = random.integers(1, 100, count)
    return bubbles, points


def make_market(symbol: str = "NQZ5", *, base_capacity: int = 1 << 14) -> MarketStore:
    store = MarketStore.local(base_capacity=base_capacity)
    record = np.zeros(1, INSTRUMENT)
    record["symbol"], record["requested"], record["instrument_id"] = symbol.encode(), b"NQ.v.0", 158704
    record["tick_size"], record["bucket_ns"] = 250_000_000, SECOND_NS
    record["point_value"], record["point_value_known"] = 20.0, 1
    store.instrument.write(record)
    return store


def append(store: MarketStore, rows: tuple[NDArray[np.void], NDArray[np.void]]) -> None:
    # In the engine's order, so that a reader that sees a bubble finds its CVD point.
    store.cvd[0].append(rows[1])
    store.bubbles[0].append(rows[0])


def open_archive(url: str) -> Archive:
    return Archive(url, session_of=utc_day, period_s=0.02)


def archive_all(url: str, *stores: MarketStore, session_of: Callable[[int], Session] = utc_day) -> Archive:
    """Archive the contents of the stores and close."""
    archive = Archive(url, session_of=session_of, period_s=0.02)
    archive.start(stores)
    archive.close(timeout_s=PATIENCE_S)
    assert archive.status().waiting == 0, archive.status()
    return archive


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(parse_url(url))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]
    finally:
        engine.dispose()


def columns(names: tuple[str, ...] | None) -> str:
    return ", ".join(names or ())


def test_bubbles_and_cvd_points_are_archived_exactly(url: str) -> None:
    store, rows = make_market(), make_rows(5000)
    append(store, rows)
    archive = archive_all(url, store)
    assert archive.status().rows == 10_000
    assert query(url, f"SELECT {columns(BUBBLE_NAMES)} FROM bubbles ORDER BY id") == rows[0].tolist()
    assert query(url, f"SELECT {columns(CVD_NAMES)} FROM cvd ORDER BY id") == rows[1].tolist()
    keys = query(url, "SELECT DISTINCT symbol, bucket_ns, trade_date FROM bubbles")
    assert keys == [("NQZ5", SECOND_NS, 20251128)]
    assert query(url, "SELECT * FROM instruments") == [("NQZ5", "NQ.v.0", 158704, 250_000_000, 20.0)]


def test_later_rows_are_written_too_and_charts_may_join_later(url: str) -> None:
    first, second = make_market("NQZ5"), make_market("ESZ5")
    archive = open_archive(url)
    archive.start([first])
    rows = make_rows(3000)
    for at in range(0, 3000, 500):
        append(first, (rows[0][at : at + 500], rows[1][at : at + 500]))
        until(lambda: archive.status().waiting == 0)
    archive.add(second)
    append(second, rows)
    archive.close(timeout_s=PATIENCE_S)
    assert query(url, "SELECT symbol, count(*) FROM bubbles GROUP BY symbol ORDER BY symbol") == [
        ("ESZ5", 3000),
        ("NQZ5", 3000),
    ]


def test_writing_the_same_session_again_changes_nothing(url: str) -> None:
    store = make_market()
    append(store, make_rows(3000))
    store.events.append(make_events())
    archive_all(url, store)
    tables = ("bubbles", "cvd", "events", "sessions")
    before = [sorted(query(url, f"SELECT * FROM {table}"), key=repr) for table in tables]
    archive_all(url, store)
    assert [sorted(query(url, f"SELECT * FROM {table}"), key=repr) for table in tables] == before


def test_a_bubble_with_fewer_trades_does_not_replace_one_with_more_but_the_reverse_does(url: str) -> None:
    (bubbles, points) = make_rows(2)
    bubbles["trade_count"], bubbles["buy"] = [50, 50], [7, 7]
    store = make_market()
    append(store, (bubbles, points))
    archive_all(url, store)
    bubbles["trade_count"], bubbles["buy"] = [49, 51], [6, 8]
    other = make_market()
    append(other, (bubbles, points))
    archive_all(url, other)
    assert query(url, "SELECT trade_count, buy FROM bubbles ORDER BY id") == [(50, 7), (51, 8)]


def make_events() -> NDArray[np.void]:
    """Make five events: two are equal in every field, and one has unknown values."""
    events = np.zeros(5, EVENT)
    events["ts_event"] = DAY_START + np.array([0, 1, 1, 1, 2])
    events["kind"] = [EventKind.ZERO_CROSS] + [EventKind.LARGE_TRADE] * 4
    events["direction"] = [1, 1, 1, -1, 0]
    events["price"] = 25_000_000_000_000
    events["strength"] = [300.0, 50.0, 50.0, 100.0, np.nan]
    events["value"][:, 0] = [12.0, 1.0, 1.0, 2.0, np.nan]
    return events


def test_events_keep_their_order_and_equal_ones_stay_two(url: str) -> None:
    store = make_market()
    store.events.append(make_events())
    archive_all(url, store)
    rows = query(
        url,
        "SELECT ts_event, kind, direction, ordinal, strength, value_0 FROM events"
        " ORDER BY ts_event, direction, ordinal",
    )
    assert rows == [
        (DAY_START, 1, 1, 0, 300.0, 12.0),
        (DAY_START + 1, 5, -1, 0, 100.0, 2.0),
        (DAY_START + 1, 5, 1, 0, 50.0, 1.0),
        (DAY_START + 1, 5, 1, 1, 50.0, 1.0),
        (DAY_START + 2, 5, 0, 0, None, None),
    ]


def test_rows_of_a_chart_without_a_name_wait_for_it(url: str) -> None:
    store = MarketStore.local()
    append(store, make_rows(10))
    archive = open_archive(url)
    archive.start([store])
    time.sleep(0.1)
    assert archive.status().rows == 0
    record = np.zeros(1, INSTRUMENT)
    record["symbol"], record["bucket_ns"] = b"NQZ5", SECOND_NS
    store.instrument.write(record)
    archive.close(timeout_s=PATIENCE_S)
    assert query(url, "SELECT count(*) FROM bubbles") == [(10,)]


@pytest.fixture
def down_server(postgres: PostgresServer) -> Iterator[tuple[PostgresServer, str]]:
    """Yield a stopped server and the URL of its database; restart it afterwards."""
    database = postgres.create(f"test_{time.monotonic_ns()}")
    postgres.stop()
    yield postgres, database
    if not postgres.is_running:
        postgres.start()


def test_rows_from_while_the_database_was_unreachable_are_written_when_it_is_back(
    down_server: tuple[PostgresServer, str], caplog: pytest.LogCaptureFixture
) -> None:
    server, url = down_server
    server.start()
    store, rows = make_market(), make_rows(4000)
    archive = open_archive(url)
    archive.start([store])
    append(store, (rows[0][:1000], rows[1][:1000]))
    until(lambda: archive.status().waiting == 0)
    server.stop()
    append(store, (rows[0][1000:], rows[1][1000:]))
    until(lambda: archive.status().state is ArchiveState.FAILING)
    status = archive.status()
    assert status.waiting == 6000
    assert "the archive has stopped: postgresql+psycopg://" in status.message
    assert "\n" not in status.message
    assert "secret-word" not in caplog.text + status.message
    server.start()
    until(lambda: archive.status().waiting == 0)
    assert archive.status().message == ""
    archive.close(timeout_s=PATIENCE_S)
    assert archive.status().missed == 0
    assert query(url, f"SELECT {columns(BUBBLE_NAMES)} FROM bubbles ORDER BY id") == rows[0].tolist()
    assert query(url, f"SELECT {columns(CVD_NAMES)} FROM cvd ORDER BY id") == rows[1].tolist()


def test_an_archive_whose_database_never_answers_still_ends(down_server: tuple[PostgresServer, str]) -> None:
    store = make_market()
    append(store, make_rows(10))
    archive = open_archive(down_server[1])
    archive.start([store])
    archive.close(timeout_s=PATIENCE_S)
    assert archive.status().state is ArchiveState.CLOSED
    assert archive.status().waiting == 20


def test_the_archive_waits_for_a_database_locked_by_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_database, "CONNECT_SECONDS", 1)  # it says so this long after it began to wait
    path = tmp_path / "archive.sqlite3"
    store = make_market()
    archive_all(str(path), store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    archive = open_archive(str(path))
    append(store, make_rows(100))
    archive.start([store])
    until(lambda: archive.status().state is ArchiveState.FAILING)
    assert "database is locked" in archive.status().message
    other.execute("ROLLBACK")
    other.close()
    until(lambda: archive.status().waiting == 0)
    archive.close(timeout_s=PATIENCE_S)


def test_other_programs_read_an_sqlite_archive_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite3"
    store, rows = make_market(), make_rows(4000)
    append(store, (rows[0][:1000], rows[1][:1000]))
    archive = open_archive(str(path))
    archive.start([store])
    until(lambda: archive.status().waiting == 0)
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM bubbles").fetchone() == (1000,)
    append(store, (rows[0][1000:], rows[1][1000:]))
    until(lambda: archive.status().waiting == 0)
    assert reader.execute("SELECT count(*) FROM bubbles").fetchone() == (1000,)  # its transaction is blocked
    reader.rollback()
    assert reader.execute("SELECT count(*) FROM bubbles").fetchone() == (4000,)
    reader.close()
    archive.close(timeout_s=PATIENCE_S)
    assert archive.status().state is ArchiveState.CLOSED


def test_rows_overwritten_in_the_ring_are_counted_and_reported(tmp_path: Path) -> None:
    blocked = tmp_path / "no_folder"
    blocked.write_bytes(b"")
    store, rows = make_market(base_capacity=256), make_rows(1000)
    archive = open_archive(str(blocked / "archive.sqlite3"))
    archive.start([store])
    until(lambda: archive.status().state is ArchiveState.FAILING)
    append(store, rows)
    blocked.unlink()
    until(lambda: archive.status().waiting == 0)
    archive.close(timeout_s=PATIENCE_S)
    assert archive.status().missed == 2 * (1000 - 256)
    assert "1,488 rows were overwritten" in archive.status().message
    kept = query(str(blocked / "archive.sqlite3"), f"SELECT {columns(BUBBLE_NAMES)} FROM bubbles ORDER BY id")
    assert kept == rows[0][-256:].tolist()


def make_alerts() -> NDArray[np.void]:
    """A level that price reached, a large trade, and the latter once more, of another rule."""
    rows = np.zeros(3, ALERT)
    rows["ts_event"], rows["price"], rows["instrument_id"] = [DAY_START, DAY_START + 1, DAY_START + 1], 7_000, 1
    rows["condition"], rows["detail"] = [2, 1, 1], [1, 5, 5]
    rows["value"], rows["strength"], rows["rule"], rows["direction"] = [7_000, 0, 0], [0.0, 60.0, 60.0], [1, 2, 3], 1
    return rows


def test_alerts_are_archived_once_however_often_they_fire(url: str) -> None:
    for _ in range(2):
        store = make_market()
        store.alerts.append(make_alerts())
        archive_all(url, store)
    columns = "ts_event, condition, detail, direction, value, ordinal, price, strength"
    assert query(url, f"SELECT {columns} FROM alerts ORDER BY ts_event, ordinal") == [
        (DAY_START, 2, 1, 1, 7_000, 0, 7_000, 0.0),
        (DAY_START + 1, 1, 5, 1, 0, 0, 7_000, 60.0),
        (DAY_START + 1, 1, 5, 1, 0, 1, 7_000, 60.0),
    ]


def test_events_that_a_changed_parameter_replaced_are_replaced_in_the_database(url: str) -> None:
    store, events = make_market(), make_events()
    store.events.append(events)
    archive = open_archive(url)
    archive.start([store])
    until(lambda: archive.status().waiting == 0)
    new = make_events()[2:]
    new["strength"] = [70.0, 80.0, 90.0]
    store.events.replace(4, new, DAY_START + 1)
    until(lambda: archive.status().waiting == 0)
    archive.close(timeout_s=PATIENCE_S)
    rows = query(url, "SELECT ts_event, strength FROM events ORDER BY ts_event, strength")
    assert rows == [(DAY_START, 300.0), (DAY_START + 1, 70.0), (DAY_START + 1, 80.0), (DAY_START + 2, 90.0)]


def test_a_transaction_that_fails_halfway_writes_nothing_and_is_repeated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, rows = make_market(), make_rows(3000)
    append(store, rows)
    store.events.append(make_events())
    real, failures = archive_market.upsert, iter([False, False, False, True] * 3)

    def upsert(*arguments: Any, **options: Any) -> None:
        if next(failures, False):
            raise OSError("half-way")
        real(*arguments, **options)

    for module in (archive_market, archive_logs):
        monkeypatch.setattr(module, "upsert", upsert)
    archive = open_archive(url)
    archive.start([store])
    until(lambda: archive.status().waiting == 0)
    archive.close(timeout_s=PATIENCE_S)
    assert next(failures, None) is None
    assert query(url, f"SELECT {columns(BUBBLE_NAMES)} FROM bubbles ORDER BY id") == rows[0].tolist()
    assert query(url, "SELECT max(ordinal), count(*) FROM events") == [(1, 5)]
    assert archive.status().rows == 6005


def test_two_sessions_are_archived_with_their_sums_and_levels(url: str) -> None:
    calendar = SessionCalendar()
    opens = [calendar.session_at(DAY_START - n * DAY_NS).open for n in (2, 0)]
    days = [make_tied_trades(6000, seed=seed, start=opened) for seed, opened in enumerate(opens)]
    for rows in days:
        rows["instrument_id"] = 158704
    store = MarketStore.local()
    pipeline = Pipeline(sessions=calendar)
    pipeline.map(Mapping(158704, "NQZ5", "NQ.v.0"))
    pipeline.define(Definition(158704, "NQZ5", 250_000_000, 20.0, True))
    pipeline.chart(158704, store)
    archive = Archive(url, session_of=SessionCalendar().session_at, period_s=0.02)
    archive.start([store])
    pipeline.process(days[0][:4000])
    pipeline.publish()
    until(lambda: len(list_sessions(url)) == 1 and archive.status().waiting == 0)
    assert list_sessions(url)[0].is_finished == 0
    # The rest of the session and the roll come between two polls of the archive.
    pipeline.process(days[0][4000:])
    profile = np.zeros(1, PROFILE)
    pipeline.publish()
    store.profile.read(profile)
    pipeline.process(days[1])
    pipeline.finish()
    until(lambda: archive.status().waiting == 0)
    archive.close(timeout_s=PATIENCE_S)
    first, second = list_sessions(url)
    for row, rows in zip((first, second), days, strict=True):
        sizes = {side: int(rows["size"][rows["side"] == ord(side)].sum()) for side in "BAN"}
        assert (row.buy, row.sell, row.unsided) == (sizes["B"], sizes["A"], sizes["N"])
        signed = np.where(rows["side"] == ord("B"), 1, np.where(rows["side"] == ord("A"), -1, 0))
        running = np.cumsum(signed * rows["size"].astype(np.int64))
        assert (row.cvd, row.cvd_high, row.cvd_low) == (running[-1], max(running.max(), 0), min(running.min(), 0))
        assert (row.open, row.close) == (rows["price"][0], rows["price"][-1])
        assert (row.high, row.low) == (rows["price"].max(), rows["price"].min())
        assert (row.trade_count, row.last_ts) == (len(rows), rows["ts_event"][-1])
        assert row.bubble_count == len(np.unique(rows["ts_event"] // SECOND_NS))
        assert row.open_ts <= row.first_ts < row.last_ts < row.close_ts
    assert (first.trade_date, first.is_finished) == (20251126, 1)
    assert (second.trade_date, second.is_finished) == (20251128, 0)
    assert (first.poc, first.vah, first.val) == (profile["poc"][0], profile["vah"][0], profile["val"][0])
    assert second.vwap == pytest.approx(np.average(days[1]["price"] / 1e9, weights=days[1]["size"]))


def test_an_unscheduled_session_has_a_row_of_its_own_beside_the_one_of_its_trade_date(url: str) -> None:
    session_of = SessionCalendar().session_of_trade
    regular = session_of(1_764_340_000 * SECOND_NS)  # 2025-11-28, which closes early
    days = [make_tied_trades(2000, seed=seed, start=start) for seed, start in ((1, regular.open), (2, regular.close))]
    for rows in days:
        rows["instrument_id"] = 158704
    rest = session_of(int(days[1]["ts_event"][0]))
    assert (rest.is_scheduled, rest.trade_date) == (False, regular.trade_date)
    store = MarketStore.local()
    pipeline = Pipeline(sessions=SessionCalendar())
    pipeline.map(Mapping(158704, "NQZ5", "NQ.v.0"))
    pipeline.chart(158704, store)
    archive = Archive(url, session_of=session_of, period_s=0.02)
    archive.start([store])
    for rows in days:
        pipeline.process(rows)
        pipeline.publish()
        until(lambda: archive.status().waiting == 0)
    archive.close(timeout_s=PATIENCE_S)
    found = [(row.trade_date, row.open_ts, row.trade_count, row.is_finished) for row in list_sessions(url)]
    # The last bucket of the running session is not closed, but its row has all trades.
    date = regular.trade_date
    assert found == [(date, regular.open, 2000, 1), (date, rest.open, 2000, 0)]


def test_a_session_read_again_from_its_open_keeps_its_row_meanwhile(url: str) -> None:
    store = make_market()
    record = np.zeros(1, SESSION)
    record["trade_count"], record["last_ts"], record["first_ts"] = 90, DAY_START + 9000, DAY_START + 1
    store.session.write(record)
    store.profile.write(np.zeros(1, PROFILE))
    archive_all(url, store)
    record["trade_count"], record["last_ts"] = 40, DAY_START + 4000
    again = make_market()
    again.session.write(record)
    again.profile.write(np.zeros(1, PROFILE))
    archive_all(url, again)
    assert [row.trade_count for row in list_sessions(url)] == [90]


def test_sessions_are_listed_by_date_and_symbol(url: str) -> None:
    for symbol, day in (("NQZ5", 1), ("ESZ5", 1), ("NQZ5", 0)):
        store = make_market(symbol)
        record = np.zeros(1, SESSION)
        record["trade_count"], record["last_ts"] = 1, DAY_START + day * DAY_NS
        store.session.write(record)
        store.profile.write(np.zeros(1, PROFILE))
        archive_all(url, store)
    assert [(row.trade_date, row.symbol) for row in list_sessions(url)] == [
        (20251128, "NQZ5"),
        (20251129, "ESZ5"),
        (20251129, "NQZ5"),
    ]


def test_a_missing_archive_has_no_sessions_and_is_not_created(tmp_path: Path) -> None:
    assert list_sessions(str(tmp_path / "none.sqlite3")) == []
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_database_is_one_line_without_the_password(
    down_server: tuple[PostgresServer, str], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_bytes(b"this is no database, and long enough to be looked at as one" * 20)
    for url, kind, reason in (
        (down_server[1], ArchiveError, "onnection refused"),
        (str(damaged), DataError, "not an SQLite database"),
    ):
        with pytest.raises(kind, match=reason) as caught:
            list_sessions(url)
        assert "\n" not in str(caught.value)
        assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["mysql://root:secret-word@host/db", "postgresql://user:secret-word@host:port/db", "http://host", "://"]
)
def test_the_error_for_an_unknown_database_url_names_what_is_expected_but_not_the_password(text: str) -> None:
    with pytest.raises(UsageError, match="sqlite:///FILE, postgresql://") as caught:
        Archive(text, session_of=utc_day)
    assert "secret-word" not in str(caught.value)


def test_a_newer_archive_is_left_alone(url: str) -> None:
    store = make_market()
    archive_all(url, store)
    engine = sa.create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE flow_schema SET version = 99"))
    engine.dispose()
    with pytest.raises(DataError, match="schema version 99, this flow_gl supports up to 4: update flow_gl"):
        list_sessions(url)
    append(store, make_rows(5))
    archive = open_archive(url)
    archive.start([store])
    until(lambda: archive.status().state is ArchiveState.FAILING)
    assert "update flow_gl" in archive.status().message
    archive.close(timeout_s=PATIENCE_S)
    assert query(url, "SELECT count(*) FROM bubbles") == [(0,)]


def test_the_documented_query_gives_the_delta_of_each_half_hour(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "archive.sqlite3"
    store, (bubbles, points) = make_market(), make_rows(4000, start=DAY_START + 15 * HOUR_NS)
    bubbles["buy"], bubbles["sell"] = np.arange(4000) % 7, np.arange(4000) % 5
    append(store, (bubbles, points))
    archive_all(str(path), store)
    documented = (Path(__file__).parents[2] / "docs" / "archive.md").read_text(encoding="utf-8")
    code = documented.split("```python\n")[1].split("```")[0]
    code = code.replace("/home/me/.local/share/flow_gl/archive.sqlite3", str(path))
    names: dict[str, Any] = {}
    exec(compile(code, "archive.md", "exec"), names)
    names["engine"].dispose()
    delta = (bubbles["buy"] - bubbles["sell"]).tolist()
    said = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
    assert [row[1] for row in said] == ["10:00:00-05:00", "10:30:00-05:00", "11:00:00-05:00"]
    assert [int(row[2]) for row in said] == [sum(delta[:1800]), sum(delta[1800:3600]), sum(delta[3600:])]
