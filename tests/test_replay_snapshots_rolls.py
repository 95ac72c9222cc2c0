"""Snapshots of files with a roll give the same chart as the files: a roll between two files, and within one."""

import datetime as dt
from pathlib import Path

import databento_dbn as dbn
import numpy as np
import pytest

from flow_gl.core.schema import FINISHED_LIST, ROLL_LIST, UNDEF_PRICE
from flow_gl.core.units import DAY_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.runtime.export import export
from tests.feed.market_files import csv_text, mapping_record, write
from tests.feed.test_identity import make_header, trades
from tests.test_replay_snapshots import assert_same, opened, run, small_rings, snapshots

__all__ = ["opened", "small_rings"]

CONTINUOUS, RAW = dbn.SType.CONTINUOUS, dbn.SType.RAW_SYMBOL
ROLL = {"NQ.v.0": [(14, 16, 100), (16, 20, 200)]}
MONTH_START = (dt.date(2025, 12, 1) - dt.date(1970, 1, 1)).days * DAY_NS


def between_files(folder: Path) -> list[Path]:
    days = (("a", 15, 100), ("b", 16, 200), ("c", 17, 200))
    return [
        write(folder / f"{name}.dbn", make_header(ROLL, CONTINUOUS), trades((day, to, 400))) for name, day, to in days
    ]


def within_a_file(folder: Path) -> list[Path]:
    rows = trades((15, 100, 400), (16, 200, 300), (16, 100, 20))
    return [
        write(folder / "a.dbn", make_header(ROLL, CONTINUOUS), rows),
        write(folder / "b.dbn", make_header(ROLL, CONTINUOUS), trades((17, 200, 300))),
    ]


def by_mapping_records(folder: Path) -> list[Path]:
    """Like a recording: raw symbols, and the mapping where it arrived, in the middle of the first file."""
    old, new = trades((15, 100, 400)), trades((16, 200, 300))
    names = [
        mapping_record(3, to, symbol, "NQ.v.0", int(rows["ts_event"][0]))
        for to, symbol, rows in ((100, "NQZ5", old), (200, "NQH6", new))
    ]
    return [
        write(folder / "a.dbn", make_header({}, CONTINUOUS), names[0], old, names[1], new),
        write(folder / "b.dbn", make_header({}, CONTINUOUS), names[1], trades((17, 200, 300))),
    ]


@pytest.mark.parametrize("make", [between_files, within_a_file, by_mapping_records])
def test_snapshots_of_files_with_a_roll_give_the_same_numbers(make, tmp_path: Path, opened: list[str]) -> None:
    paths = make(tmp_path)
    options = {"symbols": ("NQ.v.0",)}
    expected = run(paths, feed={"cache": False, **options})
    (record,) = np.frombuffer(expected.tables["rolls 0"], ROLL_LIST)
    assert (record["count"], record["roll"]["from_id"][0], record["roll"]["to_id"][0]) == (1, 100, 200)
    (finished,) = np.frombuffer(expected.tables["sessions 0"], FINISHED_LIST)
    assert finished["session"]["instrument_id"][:2].tolist() == [100, 200], "each session belongs to its contract"
    assert finished["session"]["numbers"]["prior_poc"][1] == UNDEF_PRICE, "no level crosses a roll"
    assert_same(run(paths[:1], feed=options), run(paths[:1], feed={"cache": False, **options}))
    assert_same(run(paths, feed=options), expected)
    del opened[:]
    assert_same(run(paths, feed=options), expected)
    assert opened == [], "every number was known"
    snapshots(tmp_path)[-1].unlink()
    assert_same(run(paths, feed=options), expected)


def split_by_symbol(folder: Path) -> list[Path]:
    """Write one file for each contract and day."""
    return [
        write(folder / f"{day}-{name}.dbn", make_header({name: [(day, day + 1, to)]}, RAW), trades((day, to, count)))
        for day in (15, 16, 17)
        for name, to, count in (("NQZ5", 100, 400), ("ESZ5", 200, 300))
    ]


def test_merged_files_of_one_day_are_kept_as_one_snapshot(tmp_path: Path, opened: list[str]) -> None:
    paths = split_by_symbol(tmp_path)
    options = {"symbols": ("NQZ5", "ESZ5")}
    expected = run(paths, feed={"cache": False, **options})
    assert expected.trades == 3 * (400 + 300)
    assert_same(run(paths[:4], feed=options), run(paths[:4], feed={"cache": False, **options}))
    assert len(snapshots(tmp_path)) == 2
    assert_same(run(paths, feed=options), expected)
    for order in (paths, paths[::-1]):
        run(order, feed=options)
        del opened[:]
        assert_same(run(order, feed=options), expected)
        assert opened == []
    write(paths[5], make_header({"ESZ5": [(17, 18, 200)]}, RAW), trades((17, 200, 301)))
    del opened[:]
    assert run(paths, feed=options).trades == expected.trades + 1
    assert sorted(set(opened)) == [paths[5].name, paths[4].name], "the group of the changed file alone"


def test_a_continuous_symbol_that_begins_later_charts_nothing_earlier(tmp_path: Path) -> None:
    names = {"ES.v.0": [(1, 9, 100), (9, 20, 300)], "NQ.v.0": [(5, 20, 100)]}
    rows = trades((2, 100, 40), (6, 100, 30), (7, 100, 20))
    path = write(tmp_path / "a.dbn", make_header(names, CONTINUOUS), rows)
    outcome = run([path], feed={"symbols": ("NQ.v.0",), "cache": False})
    assert outcome.rings[0]["trade_count"].sum() == 50
    assert export(read_items([path]), tmp_path / "out", symbol="NQ.v.0").trades == 50


def test_a_contract_whose_first_rows_have_no_name_is_charted_from_its_first_row(tmp_path: Path) -> None:
    lines = csv_text(trades((2, 100, 10), (3, 100, 20)), symbols={100: "NQZ5"}).splitlines()
    path = tmp_path / "a.csv"
    path.write_text("\n".join([lines[0], *(line.replace("NQZ5", "") for line in lines[1:11]), *lines[11:]]) + "\n")
    outcome = run([path], feed={"symbols": ("NQZ5",), "cache": False})
    assert outcome.rings[0]["trade_count"].sum() == 30
    assert export(read_items([path]), tmp_path / "out", symbol="NQZ5").trades == 30


def test_instruments_with_one_name_are_listed_with_their_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dbn", make_header(ROLL, CONTINUOUS), trades((15, 100, 5), (16, 200, 7)))
    message = run([path], feed={"symbols": ("100",), "cache": False}).message
    assert message == "not charted: NQ.v.0#200 (7)"
