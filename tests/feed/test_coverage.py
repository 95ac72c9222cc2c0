"""Which sessions are complete: a file covers only the instruments named in its header, from their day on."""

import csv
import json
from pathlib import Path

import databento_dbn as dbn
import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.items import Mapping
from flow_gl.core.schema import SESSION, TRADE
from flow_gl.core.units import DAY_NS, HOUR_NS, SECOND_NS
from flow_gl.feed.files.covers import ALWAYS, covers_of
from flow_gl.feed.files.replay import read_items
from flow_gl.runtime.export import ExportOptions, export
from tests.feed.market_files import csv_text, write
from tests.feed.test_identity import CONTINUOUS, RAW, Intervals, make_header
from tests.test_replay_snapshots import opened, run, small_rings
from tests.test_replay_snapshots_rolls import MONTH_START

__all__ = ["opened", "small_rings"]

NQ, ES = 5, 6
NAMES: dict[str, Intervals] = {"NQZ5": {"NQZ5": [(1, 30, NQ)]}, "ESZ5": {"ESZ5": [(1, 30, ES)]}}
BOTH: Intervals = NAMES["NQZ5"] | NAMES["ESZ5"]


def trades(*starts: tuple[int, float, int]) -> NDArray[np.void]:
    """Make ten trades, one per second, from each start: day of December, hour (UTC), instrument."""
    rows = np.zeros(10 * len(starts), TRADE)
    rows["length"], rows["action"], rows["side"], rows["size"], rows["price"] = 12, ord("T"), ord("B"), 2, 10**12
    for at, (day, hour, instrument_id) in enumerate(starts):
        part = rows[at * 10 : at * 10 + 10]
        part["instrument_id"] = instrument_id
        part["ts_event"] = MONTH_START + (day - 1) * DAY_NS + int(hour * HOUR_NS) + np.arange(10) * SECOND_NS
    rows["ts_recv"] = rows["ts_event"] + 1000
    return rows[np.argsort(rows["ts_event"], kind="stable")]


def split(folder: Path, *starts: tuple[int, float, int]) -> list[Path]:
    rows = trades(*starts)
    return [
        write(folder / f"{name}.dbn", make_header(NAMES[name], RAW), rows[rows["instrument_id"] == to])
        for name, to in (("NQZ5", NQ), ("ESZ5", ES))
    ]


def together(folder: Path, *starts: tuple[int, float, int], names: Intervals = BOTH) -> list[Path]:
    return [write(folder / "x.dbn", make_header(names, RAW), trades(*starts))]


def as_csv(folder: Path, *starts: tuple[int, float, int]) -> list[Path]:
    path = folder / "x.csv"
    path.write_text(csv_text(trades(*starts), symbols={NQ: "NQZ5", ES: "ESZ5"}))
    return [path]


def daily(folder: Path, *starts: tuple[int, float, int]) -> list[Path]:
    """Write one file per UTC day; each names both instruments."""
    days = sorted({day for day, *_ in starts})
    return [
        write(folder / f"{day}.dbn", make_header(BOTH, RAW), trades(*(one for one in starts if one[0] == day)))
        for day in days
    ]


def joining(folder: Path, *starts: tuple[int, float, int]) -> list[Path]:
    """The first day's file was requested for one of the two, the next day's for both."""
    first, *others = daily(folder, *starts)
    rows = trades(*(one for one in starts if one[0] == starts[0][0]))
    return [write(first, make_header(NAMES["NQZ5"], RAW), rows), *others]


NQ_OPEN, ES_LATE, ES_OPEN = (1, 23, NQ), (2, 15, ES), (1, 23.01, ES)
CASES = {
    "one file for both": (together, (NQ_OPEN, ES_LATE), False),
    "a CSV of both": (as_csv, (NQ_OPEN, ES_LATE), False),
    "a file each": (split, (NQ_OPEN, ES_LATE, (2, 16, NQ)), True),
    "a file each, both from the open": (split, (NQ_OPEN, ES_OPEN, (2, 16, NQ)), False),
    "a file a day": (daily, (NQ_OPEN, ES_LATE), False),
    "only the second file has it": (joining, (NQ_OPEN, ES_LATE), True),
}


@pytest.mark.parametrize("case", CASES)
def test_a_quiet_instrument_is_complete_only_if_its_own_file_covers_the_open(tmp_path: Path, case: str) -> None:
    make, starts, is_partial = CASES[case]
    paths = make(tmp_path, *starts)
    for order in (paths, paths[::-1]) if make is split else (paths,):
        for by_session in (False, True):
            export(read_items(order), tmp_path / "out", ExportOptions(by_session=by_session), symbol="ESZ5")
            (levels,) = _levels(json.loads((tmp_path / "out" / "levels.json").read_text()))
            assert levels["partial"] is is_partial
        for cache in (False, True, True):  # the second run starts from the snapshots
            session = np.frombuffer(
                run(order, feed={"symbols": ("ESZ5",), "cache": cache}).tables["session 0"], SESSION
            )
            assert bool(session["partial"][0]) is is_partial


def _levels(found: dict[str, dict]) -> list[dict]:
    return [one for its in found.values() for one in ([its] if "poc" in its else its.values())]


def test_a_contract_named_from_midnight_on_lacks_the_evening_before(tmp_path: Path) -> None:
    """The old contract's evening trades belong to the same session; the new contract's are not in the file."""
    names = {"NQ.v.0": [(14, 16, 100), (16, 20, 200)]}
    rows = trades((15, 15, 100), (15, 23, 100), (16, 0, 200), (16, 15, 200), (16, 23, 200))
    path = write(tmp_path / "x.dbn", make_header(names, CONTINUOUS), rows)
    summary = export(read_items([path]), tmp_path / "out", ExportOptions(fmt="csv", by_session=True), symbol="NQ.v.0")
    partial = [note.split(": data from ")[1][:16] for note in summary.notes if "partial" in note]
    assert partial == ["2025-12-15 10:00", "2025-12-15 19:00"]
    with (tmp_path / "out" / "rolls.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"NQ.v.0": [(1, 3, 7), (3, 5, 8)]}, {7: ((1, 3),), 8: ((3, 0),)}),
        ({"NQ.v.0": [(1, 3, 7), (3, 5, 8), (5, 9, 7)]}, {7: ((1, 3), (5, 0)), 8: ((3, 5),)}),
        ({"A": [(1, 5, 9)], "B": [(3, 9, 9)]}, {9: ((1, 0),)}),
        ({"NQ.FUT": [(1, 5, 7), (1, 5, 8)]}, {7: ((1, 0),), 8: ((1, 0),)}),
        ({"NQ.v.0": [(1, 3, 7)], "ES.v.0": [(1, 9, 8)]}, {7: ((1, 3),), 8: ((1, 0),)}),
        ({}, {}),
    ],
)
def test_a_file_covers_the_instruments_of_its_header_for_the_named_days(
    names: Intervals, expected: dict[int, tuple[tuple[int, int], ...]], tmp_path: Path
) -> None:
    stype = dbn.SType.PARENT if "NQ.FUT" in names else CONTINUOUS
    items = list(read_items([write(tmp_path / "x.dbn", make_header(names, stype), trades((2, 15, 7)))]))
    start = items[0]
    assert start.covers == {
        one: tuple((_day(since), _day(until) if until else ALWAYS[0][1]) for since, until in spans)
        for one, spans in expected.items()
    }


def _day(number: int) -> int:
    return MONTH_START + (number - 1) * DAY_NS


def test_consecutive_equal_mappings_are_one_interval() -> None:
    mappings = [Mapping(7, "", "NQ.v.0", ts_event) for ts_event in (1, 2, 3)]
    assert covers_of(mappings) == {7: ((1, ALWAYS[0][1]),)}
