"""A roll, and two names of one instrument, through recording, read-back and archive."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Item, Mapping, Trades
from flow_gl.core.schema import TRADE
from flow_gl.core.units import DAY_NS, HOUR_NS, MINUTE_NS, PRICE_SCALE, SECOND_NS
from flow_gl.feed.files.replay import read_items, scan
from flow_gl.runtime.export import ExportOptions, export
from flow_gl.services.archive.database import parse_url
from flow_gl.services.archive.query import list_sessions
from flow_gl.services.archive.writer import Archive
from flow_gl.services.recording.folder import recorded
from tests.kit.charted import ChartedPipeline
from tests.kit.waiting import PATIENCE_S
from tests.services.days import DAY_START, utc_day
from tests.services.recorder_rig import DATASET, Run

OLD, NEW = Mapping(100, "NQZ5", "NQ.v.0"), Mapping(200, "NQH6", "NQ.v.0")
OLD_ONCE_MORE = Mapping(100, "NQZ5", "NQ.c.0")


def of_contract(mapping: Mapping, *, seed: int, start: int, count: int = 300) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = np.zeros(count, TRADE)
    rows["length"], rows["action"], rows["publisher_id"] = 12, ord("T"), 1
    rows["ts_event"] = start + np.sort(random.integers(0, count * 50_000_000, count))
    rows["ts_recv"] = rows["ts_event"] + 200_000
    rows["price"] = 25_000_000_000_000 + random.integers(-40, 40, count) * 250_000_000
    rows["size"] = random.integers(1, 4, count)
    rows["side"] = random.choice([ord("B"), ord("A"), ord("N")], count)
    rows["sequence"] = np.arange(count)
    rows["instrument_id"] = mapping.instrument_id
    rows["price"] += mapping.instrument_id * PRICE_SCALE
    return rows


def two_contracts(apart_ns: int) -> tuple[np.ndarray, np.ndarray]:
    first = DAY_START + HOUR_NS
    return of_contract(OLD, seed=1, start=first), of_contract(NEW, seed=2, start=first + apart_ns)


@pytest.mark.parametrize("apart_ns", [HOUR_NS, DAY_NS], ids=["within a session", "between two sessions"])
def test_a_recorded_roll_is_the_same_when_replayed(tmp_path: Path, apart_ns: int) -> None:
    old, new = two_contracts(apart_ns)
    run = Run(tmp_path / "r", wall_ns=int(old["ts_recv"][0]))
    for mapping in (OLD, OLD_ONCE_MORE):
        run.recorder.note(mapping, position=run.tape.head)
    run.feed(old)
    run.clock.advance(apart_ns)
    run.recorder.note(NEW, position=run.tape.head)
    run.feed(new)
    run.recorder.close()
    paths = [path for date in (20251128, 20251129) for path in recorded(run.recorder.directory, DATASET, date)]
    assert len(paths) == (1 if apart_ns < DAY_NS else 2)
    summary = scan(paths)
    by_name = {name: summary.choose(name) for name in ("NQ.v.0", "NQ.c.0", "NQZ5", "NQH6")}
    assert {name: choice.trades for name, choice in by_name.items()} == {
        "NQ.v.0": 600, "NQ.c.0": 300, "NQZ5": 300, "NQH6": 300,
    }  # fmt: skip
    assert [one.symbol for one in by_name["NQ.v.0"].instruments] == ["NQZ5", "NQH6"]
    assert [choice.name for choice in summary.requested()] == ["NQ.v.0", "NQ.c.0"]
    assert export(read_items(paths), tmp_path / "out", ExportOptions(fmt="csv"), symbol="NQ.v.0").trades == 600
    rolls = (tmp_path / "out" / "rolls.csv").read_text().splitlines()
    assert len(rolls) == 2
    assert str(new["ts_event"][0]) in rolls[1]
    assert '"NQZ5 > NQH6"' in rolls[1]


def test_a_name_that_returns_to_a_contract_refers_to_it_in_the_next_recording(tmp_path: Path) -> None:
    old, new = two_contracts(HOUR_NS)
    run = Run(tmp_path / "r", wall_ns=int(old["ts_recv"][0]))
    run.recorder.note(OLD, position=0)
    run.feed(old)
    run.clock.advance(HOUR_NS)
    run.recorder.note(NEW, position=run.tape.head)
    run.feed(new)
    run.clock.advance(DAY_NS)
    run.recorder.note(OLD, position=run.tape.head)
    run.feed(of_contract(OLD, seed=3, start=DAY_START + DAY_NS + HOUR_NS))
    run.recorder.close()
    paths = recorded(run.recorder.directory, DATASET, 20251129)
    assert [one.symbol for one in scan(paths).choose("NQ.v.0").instruments] == ["NQZ5"]


def replayed(run: Run, symbol: str, folder: Path) -> tuple[int, list[str]]:
    """Return the number of trades of a name in the run's recordings, and the rolls in them."""
    paths = [path for date in (20251128, 20251129) for path in recorded(run.recorder.directory, DATASET, date)]
    done = export(read_items(paths), folder, ExportOptions(fmt="csv"), symbol=symbol)
    rolls = folder / "rolls.csv"
    return done.trades, rolls.read_text().splitlines()[1:] if rolls.exists() else []


@pytest.mark.parametrize("is_closed_by_a_later_run", [False, True])
def test_a_roll_stays_in_place_when_the_file_is_sorted(tmp_path: Path, is_closed_by_a_later_run: bool) -> None:
    old, new = two_contracts(HOUR_NS)
    run = Run(tmp_path / "r", wall_ns=int(old["ts_recv"][0]))
    run.recorder.note(OLD, position=0)
    run.feed(old[100:])
    run.recorder.note(NEW, position=run.tape.head)
    run.feed(new)
    if is_closed_by_a_later_run:
        run.recorder.close()
        run = Run(tmp_path / "r", wall_ns=int(new["ts_recv"][-1]))
        run.recorder.note(NEW, position=0)
    run.feed(old[:100])
    run.recorder.close()
    trades, rolls = replayed(run, "NQ.v.0", tmp_path / "out")
    assert trades == 600
    assert len(rolls) == 1
    assert str(old["ts_event"][-1]) in rolls[0] or str(new["ts_event"][0]) in rolls[0]


def test_a_name_that_returns_to_a_contract_within_a_session_refers_to_it_again(tmp_path: Path) -> None:
    old, new = two_contracts(HOUR_NS)
    back = of_contract(OLD, seed=3, start=DAY_START + 3 * HOUR_NS)
    run = Run(tmp_path / "r", wall_ns=int(old["ts_recv"][0]))
    for mapping, rows in ((OLD, old), (NEW, new), (OLD, back[20:]), (OLD, back[:20])):
        run.recorder.note(mapping, position=run.tape.head)
        run.feed(rows)
    run.recorder.close()
    trades, rolls = replayed(run, "NQ.v.0", tmp_path / "out")
    assert trades == 900
    assert ["NQZ5 > NQH6" in rolls[0], "NQH6 > NQZ5" in rolls[1], len(rolls)] == [True, True, 2]


def test_the_name_of_an_instrument_added_by_a_later_run_precedes_its_trades(tmp_path: Path) -> None:
    nq, es = two_contracts(-HOUR_NS // 2)
    run = Run(tmp_path / "r", wall_ns=int(nq["ts_recv"][0]))
    run.recorder.note(OLD, position=0)
    run.feed(nq)
    run.recorder.note(Mapping(200, "ESZ5", "ES.v.0"), position=run.tape.head)
    run.feed(es)
    run.recorder.close()
    assert replayed(run, "ES.v.0", tmp_path / "es") == (300, [])
    assert replayed(run, "NQ.v.0", tmp_path / "nq") == (300, [])


def archived(url: str, *items: Item, session_of: object = utc_day) -> None:
    """Archive two charts with different names like an engine."""
    made = ChartedPipeline(("NQ.v.0", "NQ.c.0"), base_capacity=1 << 10)
    archive = Archive(url, session_of=session_of, period_s=0.02)  # type: ignore[arg-type]
    archive.start(made.charts.stores())
    for item in items:
        made.take(item)
        made.pipeline.publish()
    made.pipeline.finish()
    archive.close(timeout_s=PATIENCE_S)
    assert archive.status().waiting == 0, archive.status()


def test_the_archive_assigns_each_row_to_its_contract_and_two_charts_of_one_contract_agree(tmp_path: Path) -> None:
    old, new = two_contracts(DAY_NS * 3)
    url = f"sqlite:///{tmp_path / 'archive.sqlite3'}"
    archived(url, OLD, OLD_ONCE_MORE, Trades(old), NEW, Trades(new))
    engine = sa.create_engine(parse_url(url))
    with engine.connect() as connection:
        words = "SELECT symbol, sum(trade_count), min(low), max(high), min(ts_event) FROM bubbles GROUP BY symbol"
        rows = {row[0]: tuple(row[1:]) for row in connection.execute(sa.text(words))}
        names = {row[0]: row[1] for row in connection.execute(sa.text("SELECT symbol, instrument_id FROM instruments"))}
    engine.dispose()
    assert names == {"NQZ5": 100, "NQH6": 200}
    assert rows == {
        symbol: (len(its), its["price"].min(), its["price"].max(), its["ts_event"][0] // SECOND_NS * SECOND_NS)
        for symbol, its in (("NQZ5", old), ("NQH6", new))
    }
    assert [(one.symbol, one.trade_count) for one in list_sessions(url)] == [("NQZ5", 300), ("NQH6", 300)]


def test_an_instrument_without_a_raw_symbol_is_archived_under_its_id_even_before_a_roll(tmp_path: Path) -> None:
    old, new = two_contracts(DAY_NS * 3)
    url = f"sqlite:///{tmp_path / 'archive.sqlite3'}"
    archived(url, Mapping(100, "", "NQ.v.0"), Trades(old), Mapping(200, "", "NQ.v.0"), Trades(new))
    engine = sa.create_engine(parse_url(url))
    with engine.connect() as connection:
        words = "SELECT symbol, sum(trade_count), min(low), max(high) FROM bubbles GROUP BY symbol ORDER BY symbol"
        rows = [tuple(row) for row in connection.execute(sa.text(words))]
        names = {row[0]: row[1] for row in connection.execute(sa.text("SELECT symbol, instrument_id FROM instruments"))}
    engine.dispose()
    assert names == {"100": 100, "200": 200}
    assert rows == [
        (symbol, 300, its["price"].min(), its["price"].max()) for symbol, its in (("100", old), ("200", new))
    ]
    assert [(one.symbol, one.trade_count) for one in list_sessions(url)] == [("100", 300), ("200", 300)]


def test_two_names_of_one_contract_give_two_charts_with_the_same_numbers() -> None:
    old, new = two_contracts(HOUR_NS)
    made = ChartedPipeline(("NQ.c.0", "NQ.v.0"), base_capacity=1 << 10)
    made.take(OLD, OLD_ONCE_MORE, Trades(old), NEW, Trades(new))
    made.pipeline.finish()
    readers = made.readers()
    assert [(reader.symbol, reader.requested) for reader in readers] == [("NQZ5", "NQ.c.0"), ("NQH6", "NQ.v.0")]
    kept, rolled = (store.bubbles[0].read(0, store.bubbles[0].head)[1] for store in made.charts.stores())
    assert kept.tobytes() == rolled[: len(kept)].tobytes()
    assert (kept["trade_count"].sum(), rolled["trade_count"].sum()) == (300, 600)
    assert [len(reader.rolls) for reader in readers] == [0, 1]


def test_events_that_end_after_a_roll_within_their_minute_stay_with_the_old_contract(tmp_path: Path) -> None:
    old, new = two_contracts(20 * SECOND_NS)
    for rows, mapping in ((old, OLD), (new, NEW)):
        rows["price"] = (
            25_000 * PRICE_SCALE + mapping.instrument_id * PRICE_SCALE + np.arange(len(rows)) % 5 * 250_000_000
        )
        rows["side"] = ord("B")
    minute_end = (int(old["ts_event"][-1]) // MINUTE_NS + 1) * MINUTE_NS
    assert new["ts_event"][0] < minute_end
    url = f"sqlite:///{tmp_path / 'archive.sqlite3'}"
    archived(url, OLD, Trades(old), NEW, Trades(new))
    engine = sa.create_engine(parse_url(url))
    with engine.connect() as connection:
        words = "SELECT symbol, price, ts_event FROM events WHERE kind = :kind ORDER BY price"
        found = connection.execute(sa.text(words), {"kind": int(EventKind.STACKED_IMBALANCE)}).all()
    engine.dispose()
    assert [tuple(row) for row in found] == [
        (mapping.symbol, (25_000 + mapping.instrument_id) * PRICE_SCALE, minute_end) for mapping in (OLD, NEW)
    ]
