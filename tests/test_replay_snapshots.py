"""Snapshots give the same chart as the files: every row of every ring, every table, every event."""

import queue
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import flow_gl.core.market.names as core_names
import flow_gl.dbn.reading as dbn_reading
import flow_gl.engine.kernels.aggregate as engine_kernels
import flow_gl.engine.pipeline as engine_pipeline
import flow_gl.services.replay_cache.rows as replay_rows
from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import Command, Configure, SetSpeed
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import BUBBLE, MAX_LODS, FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import EngineSpec, FilesSpec
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.engine.summary import Summary
from flow_gl.feed.files import trade_file
from flow_gl.feed.files.trade_file import TradeFile
from flow_gl.runtime import charts
from flow_gl.runtime.charts import Charts
from flow_gl.runtime.file_summaries import sources
from flow_gl.runtime.launch import Session
from flow_gl.runtime.meters import StatusBoard
from flow_gl.services.replay_cache.file_cache import FOLDER
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore, lod_capacity
from tests.feed.market_files import NAMES, OPEN_NS
from tests.kit.trades import make_trades

SYMBOLS = {instrument_id: name for name, instrument_id in NAMES.items()}
TABLES = ("open", "profile", "session", "levels", "gaps", "rolls", "sessions", "instrument", "footprint")


class LocalCharts(Charts):
    """Make charts in this process's memory, with rings that these files fill several times over."""

    newest: "LocalCharts"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, make_store=lambda _tag: MarketStore.local(base_capacity=128), **options)
        LocalCharts.newest = self


@pytest.fixture(autouse=True)
def small_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "Charts", LocalCharts)


def some_days(seed: int, *, trades: int = 3_000) -> NDArray[np.void]:
    """Make trades of three instruments with hours between them: several sessions, gaps, a weekend."""
    rng = random.Random(seed)
    parts, at = [], OPEN_NS
    for part in range(6):
        parts.append(make_trades(trades // 6, seed=seed * 10 + part, start_ns=at, ids=tuple(SYMBOLS)))
        at = int(parts[-1]["ts_event"].max()) + rng.choice([30, 90, 3_600, 9 * 3_600, 50 * 3_600]) * SECOND_NS
    return np.concatenate(parts)


def write_cut(folder: Path, rows: NDArray[np.void], cuts: Sequence[int]) -> list[Path]:
    """Write trades as files that end anywhere: in a bucket, in a session, in a sweep."""
    edges = [0, *sorted(cuts), len(rows)]
    paths = [folder / f"part{number:02}.dbn" for number in range(len(edges) - 1)]
    for path, start, stop in zip(paths, edges[:-1], edges[1:], strict=True):
        write_dbn(path, rows[start:stop], symbols=SYMBOLS)
    return paths


@dataclass
class Outcome:
    """The contents of a replay's stores."""

    rings: list[NDArray[np.void]]
    tables: dict[str, bytes]
    trades: int
    message: str
    instruments: dict[int, Summary]
    """Every instrument, charted or not."""


def run(paths: Sequence[Path], *, commands: Sequence[Command] = (), feed: dict[str, Any] | None = None, **spec: Any):
    """Replay files to their end like an engine and return the result."""
    store = EngineStore.local()
    options = {"symbols": ("NQZ5", "NQH6"), "speed": None, "cache": True, "cache_beside": True, **(feed or {})}
    files = FilesSpec(paths=tuple(map(str, paths)), **options)
    lods = spec.pop("lods", MAX_LODS)
    aggregation = AggregationSettings(**{"arm": 40, **spec})
    session = Session(EngineSpec(feed=files, aggregation=aggregation, lods=lods), SYSTEM, StatusBoard(store))
    asked: queue.SimpleQueue[Command] = queue.SimpleQueue()
    for command in commands:
        asked.put(command)
    session.prepare()
    engine = session.open(asked)
    reader = EngineReader(store)
    while reader.status["state"] != FeedState.ENDED:
        engine.turn()
        reader.refresh()
    rings: list[NDArray[np.void]] = []
    tables: dict[str, bytes] = {}
    for chart, market in enumerate(LocalCharts.newest.stores()):
        kept = (*market.bubbles, *market.cvd, *market.footprints, *market.logs, market.orders)
        rings += [ring.read(ring.oldest, ring.head)[1] for ring in kept]
        view = MarketReader(market)
        view.refresh()
        for name in TABLES:
            table = getattr(market, name)
            record = np.zeros(1, table.dtype)
            table.read(record)
            tables[f"{name} {chart}"] = _content(name, record[0])
    session.close()
    status = reader.status
    return Outcome(rings, tables, int(status["trades"]), reader.text("message"), dict(engine.instruments))


def _content(name: str, row: np.void) -> bytes:
    """Return a table's bytes without its unused rows."""
    used = row.copy()
    if name == "profile":
        for column in ("row", "buy", "sell", "unsided"):
            used[column][int(row["count"]) :] = 0
        for nodes in ("lvn", "hvn"):
            used[nodes][int(row[f"{nodes}_count"]) :] = 0
    elif name == "gaps":
        used["gap"][int(row["count"]) :] = np.zeros((), used["gap"].dtype)
    elif name == "footprint":
        used["row"][int(row["count"]) :] = np.zeros((), used["row"].dtype)
        used["head"] = 0  # positions in rings that hold the same rows
    elif name == "open":
        used["bubble"][row["bubble"]["trade_count"] == 0] = np.zeros((), BUBBLE)
        used["cvd"][row["bubble"]["trade_count"] == 0] = np.zeros((), used["cvd"].dtype)
    return used.tobytes()


def assert_same(one: Outcome, other: Outcome) -> None:
    assert [len(rows) for rows in one.rings] == [len(rows) for rows in other.rings]
    for rows, expected in zip(one.rings, other.rings, strict=True):
        assert rows.tobytes() == expected.tobytes()
    assert one.tables.keys() == other.tables.keys()
    for name, table in one.tables.items():
        assert table == other.tables[name], name
    assert (one.trades, one.message, one.instruments) == (other.trades, other.message, other.instruments)


def snapshots(folder: Path) -> list[Path]:
    """Return the replay snapshots in the order in which they were written."""
    return sorted((folder / FOLDER).glob("*.snapshot"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the names of the files that are opened."""
    names: list[str] = []
    make = TradeFile.__init__

    def watched(self: TradeFile, path: Path) -> None:
        names.append(path.name)
        make(self, path)

    monkeypatch.setattr(TradeFile, "__init__", watched)
    return names


@pytest.mark.parametrize("seed", range(8))
def test_snapshots_give_the_files_numbers_wherever_files_end(seed: int, tmp_path: Path, opened: list[str]) -> None:
    rng = random.Random(seed)
    rows = some_days(seed)
    paths = write_cut(tmp_path, rows, rng.sample(range(1, len(rows)), rng.randint(1, 7)))
    options: dict[str, Any] = {
        "sessions": seed % 4 != 3,
        "bucket_ns": rng.choice([SECOND_NS, SECOND_NS // 5, MINUTE_NS]),
        "cvd_reset": rng.choice(["session", "never"]),
        "lods": rng.choice([MAX_LODS, MAX_LODS, 5]),
    }
    if seed % 2:
        # One of them is damaged: its numbers end early, and there is a gap up to the next.
        victim = rng.choice(paths)
        victim.write_bytes(victim.read_bytes()[: -rng.randint(1, 90)])
    expected = run(paths, feed={"cache": False}, **options)
    assert not (tmp_path / FOLDER).exists()
    assert_same(run(paths, **options), expected)
    assert len(snapshots(tmp_path)) == len(paths)
    del opened[:]
    assert_same(run(paths, **options), expected)
    assert opened == [], "every number was known"
    kept = snapshots(tmp_path)
    for path in rng.sample(kept, len(kept) // 2):
        path.unlink()
    victim = rng.choice(snapshots(tmp_path))
    data = bytearray(victim.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    victim.write_bytes(data)
    assert_same(run(paths, **options), expected)
    del opened[:]
    assert_same(run(paths, **options), expected)
    assert opened == [], "what was missing and what was damaged has been stored again"


def test_only_a_new_file_is_read(tmp_path: Path, opened: list[str]) -> None:
    paths = write_cut(tmp_path, some_days(1), [700, 1_500, 2_200])
    run(paths[:3])
    del opened[:]
    grown = run(paths)
    assert set(opened) == {paths[3].name}
    assert_same(grown, run(paths, feed={"cache": False}))


def test_a_changed_file_and_all_after_it_are_read_again(tmp_path: Path, opened: list[str]) -> None:
    rows = some_days(2)
    paths = write_cut(tmp_path, rows, [700, 1_500, 2_200])
    run(paths)
    rows["size"][800] += 1
    write_dbn(paths[1], rows[700:1_500], symbols=SYMBOLS)
    del opened[:]
    again = run(paths)
    assert set(opened) == {path.name for path in paths[1:]}
    assert_same(again, run(paths, feed={"cache": False}))


def test_other_settings_and_charts_have_their_own_snapshots(tmp_path: Path) -> None:
    paths = write_cut(tmp_path, some_days(3), [1_500])
    for at, options in enumerate(
        ({}, {"bucket_ns": 5_000_000_000}, {"arm": 9}, {"sessions": False}, {"feed": {"symbols": ("NQH6",)}}), 1
    ):
        for _ in range(2):
            feed = options.get("feed", {})
            rest = {name: value for name, value in options.items() if name != "feed"}
            assert_same(run(paths, feed=feed, **rest), run(paths, feed={**feed, "cache": False}, **rest))
        assert len(snapshots(tmp_path)) == 2 * at


def test_files_before_a_replays_start_come_from_snapshots_and_the_rest_runs_at_its_speed(
    tmp_path: Path, opened: list[str]
) -> None:
    rows = some_days(4)
    paths = write_cut(tmp_path, rows, [1_000, 2_990])
    run(paths)
    begin = np.datetime64(int(rows["ts_event"][2_995]), "ns").item()
    feed = {"speed": 10_000.0, "from_time": f"{np.datetime64(begin, 'ns')}Z"}
    del opened[:]
    known = run(paths, feed=feed)
    assert set(opened) == {paths[2].name}
    assert_same(known, run(paths, feed={**feed, "cache": False}))


@pytest.mark.parametrize("command", [Configure({"arm": 7}), SetSpeed(speed=10_000.0)])
def test_numbers_changed_by_a_command_are_not_kept(tmp_path: Path, command: Command) -> None:
    rows = make_trades(300, ids=tuple(SYMBOLS))
    paths = write_cut(tmp_path, rows, [100])
    run(paths, commands=[command])
    assert snapshots(tmp_path) == []
    assert_same(run(paths), run(paths, feed={"cache": False}))


def test_a_file_that_changes_while_read_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_cut(tmp_path, some_days(5), [1_500])
    items = TradeFile.items

    def changing(self: TradeFile) -> Iterator[Any]:
        yield from items(self)
        if self.path == paths[1]:
            self.path.touch()

    monkeypatch.setattr(TradeFile, "items", changing)
    run(paths)
    assert len(snapshots(tmp_path)) == 1
    assert len(list((tmp_path / FOLDER).glob("*.summary"))) == 1


def test_a_snapshot_of_another_run_under_this_name_is_ignored(tmp_path: Path) -> None:
    paths = write_cut(tmp_path, some_days(6), [1_500])
    expected = run(paths)
    first, second = snapshots(tmp_path)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert_same(run(paths), expected)
    first.write_bytes(b"")
    second.unlink()
    second.mkdir()
    assert_same(run(paths), expected)


def test_real_days_open_from_snapshots_with_the_same_numbers(
    tmp_path: Path, real_data: Path, opened: list[str]
) -> None:
    paths = []
    for name in ("nq-20251123.trades.dbn.zst", "nq-20251128.trades.dbn.zst"):
        paths.append(tmp_path / name)
        paths[-1].symlink_to(real_data / name)
    feed = {"symbols": ("NQZ5",)}
    expected = run(paths, feed={**feed, "cache": False}, arm=300)
    assert_same(run(paths, feed=feed, arm=300), expected)
    del opened[:]
    assert_same(run(paths, feed=feed, arm=300), expected)
    assert opened == []


def test_a_month_of_sessions_is_complete_at_fifteen_seconds_and_wider() -> None:
    sessions, session_s = 23, 23 * 3_600
    for lod, width_ns in enumerate(widths_ns(SECOND_NS)):
        if width_ns >= 15 * SECOND_NS:
            assert lod_capacity(lod) * width_ns >= sessions * session_s * SECOND_NS


def test_every_module_that_reads_or_counts_trades_is_part_of_the_key() -> None:
    used = {engine_pipeline, engine_kernels, trade_file, dbn_reading, core_names, replay_rows}
    assert {Path(str(module.__file__)) for module in used} <= set(sources())
