"""Definitions in separate files apply from their dates on: a reused id is several instruments."""

import csv
import json
from pathlib import Path

import databento_dbn as dbn
import pytest

from flow_gl.core.items import Definition, Trades
from flow_gl.core.units import DAY_NS
from flow_gl.feed.files.replay import read_items, scan
from flow_gl.runtime.export import ExportOptions, export
from tests.feed.market_files import definition_record, header, write
from tests.feed.test_identity import RAW, make_header, trades
from tests.test_replay_snapshots import assert_same, opened, run, small_rings
from tests.test_replay_snapshots_rolls import MONTH_START

__all__ = ["opened", "small_rings"]

ID = 10
ROWS = trades((17, ID, 30), (20, ID, 20), (25, ID, 10))
COUNTS = {"ESZ5": 30, "ZNH6": 20, "NQM6": 10}
"""Make the trades of each contract that used the id, one after the other."""
TICKS = {"ESZ5": (0.25, 50.0), "ZNH6": (0.015625, 1000.0), "NQM6": (0.25, 20.0)}
NAMES = {"ESZ5": [(1, 19, ID)], "ZNH6": [(19, 23, ID)], "NQM6": [(23, 30, ID)]}


def day(number: int) -> int:
    return MONTH_START + (number - 1) * DAY_NS


def definitions(
    folder: Path, days: tuple[int, int, int], *, version: int = 3, expirations=(0, 0, 0), names=None
) -> Path:
    records = [
        definition_record(
            *(version, ID, symbol),
            tick_size=round(tick * 1e9),
            quantity=round(value * 1e9),
            ts_event=day(since),
            expiration=expiration and day(expiration),
        )
        for (symbol, (tick, value)), since, expiration in zip(TICKS.items(), days, expirations, strict=True)
    ]
    mapped = header(version=version, schema=dbn.Schema.DEFINITION, names={})
    if names:
        mapped = make_header(names, RAW, schema=dbn.Schema.DEFINITION)
    # Daily files repeat their definitions.
    return write(folder / "def.dbn", mapped, *records, records[-1])


def plain(folder: Path) -> list[Path]:
    return [write(folder / "a.dbn", header(names={}), ROWS)]


def a_file_per_contract(folder: Path) -> list[Path]:
    return [
        write(folder / f"{at}.dbn", header(names={}), ROWS[start:stop])
        for at, (start, stop) in enumerate(((0, 30), (30, 50), (50, 60)))
    ]


def mapped(folder: Path) -> list[Path]:
    return [write(folder / "a.dbn", make_header(NAMES, RAW), ROWS)]


SOURCES = {
    "dated by their own time": (plain, {"days": (1, 19, 23)}),
    "version 1": (plain, {"days": (1, 19, 23), "version": 1}),
    "version 2": (plain, {"days": (1, 19, 23), "version": 2}),
    "dated by the expiration of the contract before": (plain, {"days": (1, 28, 29), "expirations": (18, 22, 29)}),
    "dated by the header": (plain, {"days": (27, 28, 29), "names": NAMES}),
    "a file per contract": (a_file_per_contract, {"days": (1, 19, 23)}),
    "trades with names, definitions of later": (mapped, {"days": (27, 28, 29)}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_each_contract_of_a_reused_id_has_its_own_trades_tick_and_point_value(tmp_path: Path, source: str) -> None:
    make, options = SOURCES[source]
    paths = [*make(tmp_path), definitions(tmp_path, **options)]
    assert {one.symbol: one.trades for one in scan(paths).instruments} == COUNTS
    for symbol, count in COUNTS.items():
        choice = scan(paths).choose(symbol)
        assert (choice.symbol, choice.trades) == (symbol, count)
        assert export(read_items(paths), tmp_path / "one", symbol=symbol).trades == count
        outcome = run(paths, feed={"symbols": (symbol,), "cache": False})
        assert outcome.rings[0]["trade_count"].sum() == count
    export(read_items(paths), tmp_path / "all", ExportOptions(fmt="csv"))
    levels = json.loads((tmp_path / "all" / "levels.json").read_text())
    assert {one: (its["tick_size"], its["point_value"]) for one, its in levels.items()} == TICKS
    with (tmp_path / "all" / "bubbles.csv").open(newline="") as file:
        assert sorted({row["symbol"] for row in csv.DictReader(file)}) == sorted(COUNTS)


def test_the_trades_names_take_precedence_over_another_contracts_definition(tmp_path: Path) -> None:
    newest = definition_record(3, ID, "NQM6", quantity=20_000_000_000, ts_event=day(28))
    paths = [*mapped(tmp_path), write(tmp_path / "def.dbn", header(schema=dbn.Schema.DEFINITION, names={}), newest)]
    assert {one.symbol: one.trades for one in scan(paths).instruments} == COUNTS
    assert export(read_items(paths), tmp_path / "out", symbol="ESZ5").trades == COUNTS["ESZ5"]


def test_repeated_definitions_do_not_split_the_trades(tmp_path: Path) -> None:
    rows = trades((2, ID, 500))
    records = [
        definition_record(3, ID, "ESZ5", quantity=50_000_000_000, ts_event=int(ts) + 1) for ts in rows["ts_event"][:100]
    ]
    source = write(tmp_path / "def.dbn", header(schema=dbn.Schema.DEFINITION, names={}), *records)
    items = list(read_items([write(tmp_path / "a.dbn", header(names={}), rows), source]))
    assert [len(item.rows) for item in items if isinstance(item, Trades)] == [500]
    assert len([item for item in items if isinstance(item, Definition)]) == 1


def test_replay_snapshots_continue_with_the_definitions(tmp_path: Path, opened: list[str]) -> None:
    paths = [*a_file_per_contract(tmp_path), definitions(tmp_path, (1, 19, 23))]
    for symbol in ("ESZ5", "ZNH6"):
        options = {"symbols": (symbol,)}
        expected = run(paths, feed={"cache": False, **options})
        run([*paths[:2], paths[-1]], feed=options)
        assert_same(run(paths, feed=options), expected)
        del opened[:]
        assert_same(run(paths, feed=options), expected)
        # A summary that depends on other files is not cached, so each file is read once for it, but not replayed.
        assert opened == ["0.dbn", "1.dbn", "2.dbn"]
