"""Exported tables contain exactly the engine's numbers, in the documented columns."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from flow_gl.core.alerts import Condition, EngineRule, Level
from flow_gl.core.errors import DataError, FlowError, UsageError
from flow_gl.core.items import Definition, Mapping, Trades
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.runtime.export import ExportOptions, export
from tests.engine.twin import TICK, Twin
from tests.kit.trades import trades_of

START = 1_764_280_800 * SECOND_NS  # 2025-11-27 17:00 New York, after an early close
COLUMNS = {
    "bubbles": [
        *("instrument", "symbol", "id", "ts_event", "price", "buy", "sell", "unsided", "delta", "dominant", "volume"),
        *("significant", "trade_count", "open", "high", "low", "close"),
    ],
    "cvd": ["instrument", "symbol", "ts_event", "open", "high", "low", "close"],
    "profile": ["instrument", "symbol", "price", "buy", "sell", "unsided", "total"],
}
LEVELS = [
    "poc",
    "vah",
    "val",
    "lvn",
    "hvn",
    "vwap",
    "vwap_sd",
    "trades",
    "rejected",
    "late",
    "tick_size",
    "point_value",
]


@pytest.fixture(scope="module")
def trades():
    rng = np.random.default_rng(4)
    rows = []
    for n in range(3000):
        instrument_id = 5 if rng.random() < 0.1 else 8
        price = (1017 if instrument_id == 5 else 101_000 + int(rng.integers(-9, 9))) * TICK
        side = "BAN"[rng.choice(3, p=[0.5, 0.45, 0.05])]
        rows.append((instrument_id, START + n * 40 * SECOND_NS // 10, price, int(rng.integers(1, 9)), side))
    rows[1000:1000] = [(8, rows[999][1], 0, 0, "B"), (8, rows[999][1] - 9 * SECOND_NS, 101_000 * TICK, 1, "B")]
    return trades_of(rows)


def items(trades):
    yield Mapping(8, "NQZ5", "NQ.v.0")
    yield Definition(8, "NQZ5", TICK, 20.0, True)
    yield Mapping(5, "NQZ5-NQH6")
    for start in range(0, len(trades), 700):
        yield Trades(trades[start : start + 700])


def read(folder, name, fmt):
    if fmt == "parquet":
        table = pq.read_table(folder / f"{name}.parquet")
        return table.column_names, table.to_pylist()
    with (folder / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return list(rows[0]), [{key: _value(value) for key, value in row.items()} for row in rows]


def _value(text):
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@pytest.mark.parametrize("fmt", ["parquet", "csv"])
def test_tables_hold_the_twins_numbers_in_the_documented_columns(tmp_path, trades, fmt):
    seen = []
    summary = export(items(trades), tmp_path, ExportOptions(fmt=fmt), progress=seen.append)
    assert seen[-1] == len(trades)
    assert summary.symbols == ("NQZ5", "NQZ5-NQH6")
    assert (summary.trades, summary.rejected) == (len(trades) - 1, 1)
    tables = {}
    for name, columns in COLUMNS.items():
        names, tables[name] = read(tmp_path, name, fmt)
        assert names == columns
    levels = json.loads((tmp_path / "levels.json").read_text())
    for instrument_id, symbol in ((8, "NQZ5"), (5, "NQZ5-NQH6")):
        twin = Twin(lods=1)
        for row in trades[trades["instrument_id"] == instrument_id]:
            twin.take(row)
        rows = [row for row in tables["bubbles"] if row["symbol"] == symbol]
        assert [_bubble(row) for row in rows] == [_expected(bubble) for bubble in twin.bubbles()]
        assert {row["instrument"] for row in rows} == {instrument_id}
        points = [{key: row[key] for key in COLUMNS["cvd"][2:]} for row in tables["cvd"] if row["symbol"] == symbol]
        assert points == [{key: point[key] for key in COLUMNS["cvd"][2:]} for point in twin.points()]
        profile = {
            row["price"]: [row["buy"], row["sell"], row["unsided"]]
            for row in tables["profile"]
            if row["symbol"] == symbol
        }
        assert profile == {price / 1e9: row for price, row in sorted(twin.profile.items())}
        assert set(LEVELS) <= set(levels[symbol])
        assert (levels[symbol]["trades"], levels[symbol]["late"]) == (len(twin.trades), twin.late)
        assert levels[symbol]["vwap"] == pytest.approx(twin.vwap()[0], rel=1e-15)
    assert (levels["NQZ5"]["tick_size"], levels["NQZ5"]["point_value"]) == (0.25, 20.0)


def _bubble(row):
    return {key: row[key] for key in COLUMNS["bubbles"][2:]}


def _expected(bubble):
    row = {key: bubble[key] for key in ("id", "ts_event", "buy", "sell", "unsided", "trade_count")}
    row |= {key: bubble[key] / 1e9 for key in ("price", "open", "high", "low", "close")}
    delta, sided = bubble["buy"] - bubble["sell"], bubble["buy"] + bubble["sell"]
    row["delta"] = delta
    row["dominant"] = "B" if delta > 0 else "A" if delta < 0 else "N"
    row["volume"] = max(bubble["buy"], bubble["sell"]) or bubble["unsided"]
    row["significant"] = sided > 0 and 100 * abs(delta) > 15 * sided
    return row


def test_a_single_symbol_is_found_by_contract_request_or_id(tmp_path, trades):
    for symbol in ("NQZ5", "nq.v.0", "8"):
        assert export(items(trades), tmp_path, symbol=symbol).symbols == ("NQZ5",)
    with pytest.raises(DataError, match=r"ESZ5 is not among the instruments; there is NQZ5, NQZ5-NQH6"):
        export(items(trades), tmp_path, symbol="ESZ5")


def test_sessions_split_every_table_and_sum_to_the_whole(tmp_path, trades):
    export(items(trades), tmp_path / "whole", symbol="NQZ5")
    export(items(trades), tmp_path / "split", ExportOptions(by_session=True), symbol="NQZ5")
    levels = json.loads((tmp_path / "split" / "levels.json").read_text())["NQZ5"]
    assert list(levels) == ["20251128-unscheduled", "20251128"]
    whole = json.loads((tmp_path / "whole" / "levels.json").read_text())["NQZ5"]
    for name in ("trades", "rejected", "late"):
        assert sum(part[name] for part in levels.values()) == whole[name]
    columns, rows = read(tmp_path / "split", "bubbles", "parquet")
    assert columns == ["instrument", "symbol", "trade_date", *COLUMNS["bubbles"][2:]]
    assert [row["trade_date"] for row in rows] == sorted(row["trade_date"] for row in rows)
    _, all_rows = read(tmp_path / "whole", "bubbles", "parquet")
    assert [_bubble(row) for row in rows] == [_bubble(row) for row in all_rows]


def test_nothing_to_export_is_one_clear_line(tmp_path):
    with pytest.raises(DataError, match="there is no trade to export"):
        export([Mapping(8, "NQZ5")], tmp_path)


def test_a_folder_that_cannot_be_created_is_one_clear_line(tmp_path, trades):
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="cannot make the folder"):
        export(items(trades), tmp_path / "file")


def test_a_failed_write_leaves_no_partial_table(tmp_path, trades):
    (tmp_path / "profile.parquet").mkdir()
    with pytest.raises(FlowError, match="cannot write the tables"):
        export(items(trades), tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_events_have_their_inputs_in_columns_of_their_own(tmp_path):
    rows = trades_of([(8, START + n * SECOND_NS, 100 * TICK, 12 - n, "B") for n in range(4)])
    export([Mapping(8, "NQZ5", "NQ.v.0"), Trades(rows)], tmp_path, ExportOptions(fmt="csv"))
    names, events = read(tmp_path, "events", "csv")
    assert names[:7] == ["instrument", "symbol", "kind", "ts_event", "price", "direction", "strength"]
    assert [(event["kind"], event["strength"], event["threshold"]) for event in events] == [
        ("large_trade", size, 10) for size in (12, 11, 10)
    ]
    assert {event["delta"] for event in events} == {""}, "an input of absorption alone"


@pytest.mark.parametrize("seed", [1, 2])
def test_events_do_not_depend_on_the_bubbles_width_or_on_batches(tmp_path, seed):
    rng = np.random.default_rng(seed)
    steps, sizes = np.cumsum(rng.integers(-2, 3, 4000)), rng.geometric(0.2, 4000)
    rows = trades_of(
        [
            (8, START + int(n * 0.3 * SECOND_NS), (4000 + int(step)) * TICK, int(size), "BA"[int(rng.random() < 0.5)])
            for n, (step, size) in enumerate(zip(steps, sizes, strict=True))
        ]
    )
    export([Mapping(8, "NQZ5", "NQ.v.0"), Trades(rows)], tmp_path / "whole")
    cut = [Trades(part) for part in np.split(rows, sorted(rng.integers(0, len(rows), 40))) if len(part)]
    export(
        [Mapping(8, "NQZ5", "NQ.v.0"), *cut],
        tmp_path / "cut",
        ExportOptions(settings=AggregationSettings(bucket_ns=60 * SECOND_NS)),
    )
    whole, parts = (read(tmp_path / name, "events", "parquet")[1] for name in ("whole", "cut"))
    assert len(whole) > 20
    assert str(whole) == str(parts)


def test_alerts_are_exported_with_the_names_of_their_rules(tmp_path) -> None:
    rows = trades_of(
        [
            (8, START + n * SECOND_NS, price * TICK, size, "B")
            for n, (price, size) in enumerate([(10, 1), (12, 1), (14, 80)])
        ]
    )
    rules = [
        EngineRule(id=7, condition=Condition.LEVEL, level=Level.CUSTOM, price=12 * TICK, name="my level"),
        EngineRule(id=9, condition=Condition.EVENT, least=50.0, name="big ones"),
    ]
    export([Mapping(8, "NQZ5", "NQ.v.0"), Trades(rows)], tmp_path, ExportOptions(rules=rules, tables=("alerts",)))
    table = pq.read_table(tmp_path / "alerts.parquet").to_pylist()
    wanted = ("symbol", "ts_event", "rule", "condition", "detail", "direction", "price", "value")
    assert [tuple(row[name] for name in wanted) for row in table][:1] == [
        ("NQZ5", START + SECOND_NS, "my level", "level", "custom", 1, 3.0, 3.0)
    ]
    (event,) = table[1:]
    assert (event["rule"], event["condition"], event["detail"]) == ("big ones", "event", "large_trade")
    assert event["strength"] == 80.0
    assert event["value"] is table[0]["strength"] is None


def test_the_profile_of_regular_hours_is_exported_by_session(tmp_path) -> None:
    opened = START + 16 * 3600 * SECOND_NS + 1800 * SECOND_NS  # 2025-11-28 09:30 New York
    rows = trades_of(
        [(8, opened + at * SECOND_NS, price * TICK, 1, "B") for at, price in ((-9, 5), (0, 7), (1, 8), (2, 8))]
    )
    settings = AggregationSettings(session_profile="regular")
    export([Mapping(8, "NQZ5"), Trades(rows)], tmp_path, ExportOptions(settings=settings, by_session=True))
    levels = json.loads((tmp_path / "levels.json").read_text())["NQZ5"]["20251128"]
    assert (levels["profile_hours"], levels["poc"], levels["trades"]) == ("regular", 2.0, 4)
    assert pq.read_table(tmp_path / "profile.parquet")["price"].to_pylist() == [1.75, 2.0]
    with pytest.raises(UsageError, match="needs sessions"):
        export([Trades(rows)], tmp_path, ExportOptions(settings=settings))


def test_naked_pocs_of_two_sessions_of_one_trade_date_are_both_listed(tmp_path) -> None:
    hour = 3600 * SECOND_NS
    # 2025-11-28 03:00 New York; 16:00, after the early close; the next session.
    times = (START + 10 * hour, START + 23 * hour, START + 74 * hour)
    rows = trades_of([(8, ts, price * TICK, 1, "B") for ts, price in zip(times, (5, 7, 9), strict=True)])
    export([Mapping(8, "NQZ5"), Trades(rows)], tmp_path, ExportOptions(by_session=True))
    levels = json.loads((tmp_path / "levels.json").read_text())["NQZ5"]
    assert list(levels) == ["20251128", "20251128-unscheduled", "20251201"]
    assert levels["20251201"]["naked_pocs"] == {"20251128": 1.25, "20251128-2": 1.75}
