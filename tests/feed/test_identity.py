"""Which instrument a name refers to, day by day: synthetic files through the choice of a chart and an export."""

import csv
import datetime as dt
import math
from pathlib import Path
from types import SimpleNamespace

import databento_dbn as dbn
import numpy as np
import pytest

from flow_gl.core.errors import DataError
from flow_gl.core.items import Mapping, Trades
from flow_gl.core.schema import TRADE
from flow_gl.core.units import DAY_NS, HOUR_NS, PRICE_SCALE, SECOND_NS
from flow_gl.feed.files.replay import FilesFeed, read_items, scan
from flow_gl.runtime.export import ExportOptions, export
from tests.feed.market_files import csv_text, write

Intervals = dict[str, list[tuple[int, int, int | str]]]
"""For each name: first day, day after the last, id; days of December 2025."""


def make_header(names: Intervals, stype_in: dbn.SType, schema: dbn.Schema = dbn.Schema.TRADES) -> bytes:
    def day(number: int) -> dt.date:
        return dt.date(2025, 12, number)

    mappings = [
        SimpleNamespace(
            raw_symbol=name,
            intervals=[SimpleNamespace(start_date=day(a), end_date=day(b), symbol=str(to)) for a, b, to in of_name],
        )
        for name, of_name in names.items()
    ]
    return dbn.Metadata(
        dataset="GLBX.MDP3", start=0, stype_in=stype_in, stype_out=dbn.SType.INSTRUMENT_ID,
        schema=schema, symbols=list(names), mappings=mappings, version=3,
    ).encode()  # fmt: skip


def trades(*of_days: tuple[int, int, int]) -> np.ndarray:
    """Make trades from (day of December, id, count), one per second from 15:00 UTC, 2 contracts at 1000 + id."""
    rows = np.zeros(sum(count for *_, count in of_days), TRADE)
    rows["length"], rows["action"], rows["side"], rows["size"] = 12, ord("T"), ord("B"), 2
    start = (dt.date(2025, 12, 1) - dt.date(1970, 1, 1)).days * DAY_NS + 15 * HOUR_NS
    at = 0
    for day, instrument_id, count in of_days:
        part = rows[at : at + count]
        part["instrument_id"], part["price"] = instrument_id, (1000 + instrument_id) * PRICE_SCALE
        part["ts_event"] = start + (day - 1) * DAY_NS + np.arange(count) * SECOND_NS
        at += count
    rows["ts_recv"] = rows["ts_event"] + 1000
    return rows[np.argsort(rows["ts_event"], kind="stable")]


CONTINUOUS, RAW = dbn.SType.CONTINUOUS, dbn.SType.RAW_SYMBOL
Case = tuple[dbn.SType, Intervals, tuple[tuple[int, int, int], ...], str, dict[int, int], int]
"""How names are meant, what they mean, trades, the name asked for, trades by id that it gives, and rolls."""
ROLL: Intervals = {"NQ.v.0": [(14, 16, 100), (16, 20, 200)]}
SWAP: Intervals = {"ES.v.0": [(1, 3, 100), (3, 5, 200)], "ES.v.1": [(1, 3, 200), (3, 5, 100)]}
CASES = [
    pytest.param((CONTINUOUS, ROLL, ((15, 100, 5), (16, 200, 7)), "NQ.v.0", {100: 5, 200: 7}, 1), id="roll"),
    pytest.param((CONTINUOUS, ROLL, ((15, 100, 5), (16, 200, 7)), "100", {100: 5}, 0), id="old id"),
    pytest.param((CONTINUOUS, ROLL, ((15, 100, 5), (16, 200, 7)), "nq.V.0", {100: 5, 200: 7}, 1), id="lower case"),
    pytest.param((CONTINUOUS, ROLL, ((16, 200, 7),), "NQ.v.0", {200: 7}, 0), id="new half alone"),
    pytest.param(
        (CONTINUOUS, SWAP, ((2, 100, 3), (2, 200, 4), (3, 100, 5), (3, 200, 6)), "ES.v.0", {100: 3, 200: 6}, 1),
        id="two symbols swap their ids",
    ),
    pytest.param(
        (RAW, {"NQZ5": [(1, 2, 7), (2, 3, 8)]}, ((1, 7, 2), (2, 8, 3)), "NQZ5", {7: 2, 8: 3}, 1), id="an id a day"
    ),
    pytest.param(
        (RAW, {"ESZ5": [(1, 19, 10)], "NQH6": [(19, 30, 10)]}, ((17, 10, 3), (20, 10, 2)), "NQH6", {10: 2}, 0),
        id="reused",
    ),
    pytest.param(
        (CONTINUOUS, {"ES.c.0": [(1, 5, 9)], "ES.v.0": [(1, 5, 9)]}, ((2, 9, 4),), "ES.v.0", {9: 4}, 0), id="two names"
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_name_follows_its_mapping_day_by_day(tmp_path: Path, case: Case) -> None:
    stype, names, days, symbol, expected, rolls = case
    path = write(tmp_path / "x.dbn", make_header(names, stype), trades(*days))
    assert scan([path]).choose(symbol).trades == sum(expected.values())
    export(read_items([path]), tmp_path / "out", ExportOptions(fmt="csv"), symbol=symbol)
    found: dict[int, int] = {}
    with (tmp_path / "out" / "bubbles.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found[int(row["instrument"])] = found.get(int(row["instrument"]), 0) + int(row["trade_count"])
            assert float(row["close"]) == 1000 + int(row["instrument"])
    assert found == expected
    with (tmp_path / "out" / "rolls.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == rolls


def test_without_a_name_equal_volumes_give_the_lower_id(tmp_path: Path) -> None:
    path = write(tmp_path / "x.dbn", make_header({}, RAW), trades((2, 9, 4), (2, 5, 4)))
    assert scan([path]).choose().instrument_id == 5


def test_an_unknown_name_is_reported_with_the_names_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "x.dbn", make_header(ROLL, CONTINUOUS), trades((16, 200, 7)))
    with pytest.raises(DataError, match=r"ES.v.0 is not in x.dbn; it holds NQ.v.0"):
        scan([path]).choose("ES.v.0")
    with pytest.raises(DataError, match=r"100 is not among the instruments; there is NQ.v.0"):
        export(read_items([path]), tmp_path / "out", symbol="100")


def test_files_of_one_day_with_different_instruments_are_merged_by_time(tmp_path: Path) -> None:
    both = trades((2, 5, 400), (2, 6, 400))
    paths = [
        write(tmp_path / f"{name}.dbn", make_header({name: [(2, 3, to)]}, RAW), both[both["instrument_id"] == to])
        for name, to in (("NQZ5", 5), ("ESZ5", 6))
    ]
    rows = np.concatenate([item.rows for item in read_items(paths) if isinstance(item, Trades)])
    assert len(rows) == 800
    assert (np.diff(rows["ts_recv"]) >= 0).all()
    summary = scan(paths)
    assert {one.symbol: one.trades for one in summary.instruments} == {"NQZ5": 400, "ESZ5": 400}
    feed = FilesFeed(paths, speed=math.inf, summary=summary)
    feed.start()
    assert np.concatenate([one.rows for one in feed.poll(1) if isinstance(one, Trades)]).tobytes() == rows.tobytes()
    again = write(tmp_path / "again.dbn", make_header({"NQZ5": [(2, 3, 5)]}, RAW), both[both["instrument_id"] == 5])
    with pytest.raises(DataError, match="they overlap"):
        scan([*paths, again])


@pytest.mark.parametrize("symbol", ["NQ.v.0", "100", "200"])
def test_a_roll_within_a_csv_is_followed_row_by_row(tmp_path: Path, symbol: str) -> None:
    rows = trades((15, 100, 5), (16, 200, 7), (17, 100, 3))
    path = tmp_path / "x.csv"
    path.write_text(csv_text(rows, symbols={100: "NQ.v.0", 200: "NQ.v.0"}))
    summary = export(read_items([path]), tmp_path / "out", symbol=symbol)
    expected = {"NQ.v.0": 15, "100": 8, "200": 7}[symbol]
    assert summary.trades == scan([path]).choose(symbol).trades == expected


def test_a_header_that_covers_earlier_days_makes_no_extra_roll(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{day}.dbn", make_header(ROLL, CONTINUOUS), trades((day, to, 4)))
        for day, to in ((15, 100), (16, 200), (17, 200), (18, 200))
    ]
    items = list(read_items(paths))
    meant = [item.instrument_id for item in items if isinstance(item, Mapping)]
    assert meant == [100, 200, 200, 200], "each file begins with what holds at its first trade"


def test_on_days_without_a_target_a_name_refers_to_nothing(tmp_path: Path) -> None:
    names = {"NQ.v.0": [(1, 3, 100), (3, 5, ""), (5, 7, 200)]}
    rows = trades((2, 100, 3), (3, 100, 4), (5, 200, 5), (5, 100, 6))
    path = write(tmp_path / "x.dbn", make_header(names, CONTINUOUS), rows)
    assert scan([path]).choose("NQ.v.0").trades == 8
    assert export(read_items([path]), tmp_path / "out", symbol="NQ.v.0").trades == 8


def test_two_names_that_swap_ids_within_a_csv_neither_lose_nor_share_trades(tmp_path: Path) -> None:
    rows = trades((2, 100, 3), (2, 200, 4), (3, 100, 5), (3, 200, 6))
    lines = csv_text(rows, symbols={100: "ES.v.0", 200: "ES.v.1"}).splitlines()
    swapped = [line.replace("ES.v.0", "?").replace("ES.v.1", "ES.v.0").replace("?", "ES.v.1") for line in lines]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines[:8] + swapped[8:]) + "\n")
    for symbol, count in (("ES.v.0", 3 + 6), ("ES.v.1", 4 + 5)):
        assert scan([path]).choose(symbol).trades == count
        assert export(read_items([path]), tmp_path / "out", symbol=symbol).trades == count


def test_a_parent_in_the_header_means_all_its_instruments(tmp_path: Path) -> None:
    names = {"NQ.FUT": [(1, 5, 100), (1, 5, 200), (1, 5, 300)]}
    path = write(
        tmp_path / "x.dbn", make_header(names, dbn.SType.PARENT), trades((2, 100, 3), (2, 200, 4), (2, 300, 5))
    )
    summary = scan([path])
    assert [one.names for one in summary.instruments] == [("NQ.FUT",)] * 3
    assert summary.choose("NQ.FUT").trades == 5


def test_a_name_that_moves_twice_between_two_trades_rolls_once(tmp_path: Path) -> None:
    names = {"NQ.v.0": [(1, 5, 100), (5, 8, 200), (8, 20, 300)]}
    path = write(tmp_path / "x.dbn", make_header(names, CONTINUOUS), trades((2, 100, 3), (9, 300, 4)))
    meant = [item.instrument_id for item in read_items([path]) if isinstance(item, Mapping)]
    assert meant == [100, 300]
    export(read_items([path]), tmp_path / "out", ExportOptions(fmt="csv"), symbol="NQ.v.0")
    with (tmp_path / "out" / "rolls.csv").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == ["id 100 > id 300"]


def test_a_name_that_ended_between_two_files_refers_to_nothing_in_the_second(tmp_path: Path) -> None:
    """The second file's header only names the end of another instrument, which never traded."""
    first = write(tmp_path / "1.dbn", make_header({"NQ.v.0": [(1, 4, 100)]}, CONTINUOUS), trades((2, 100, 3)))
    names = {"NQ.v.0": [(4, 6, 200)], "ES.v.0": [(4, 20, 100)]}
    second = write(tmp_path / "2.dbn", make_header(names, CONTINUOUS), trades((9, 100, 4), (9, 200, 5)))
    assert scan([first, second]).choose("NQ.v.0").trades == 3
    assert export(read_items([first, second]), tmp_path / "out", symbol="NQ.v.0").trades == 3
