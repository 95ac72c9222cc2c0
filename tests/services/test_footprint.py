"""The table `footprint` sums to the bubbles and to the profile, with any bucket."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from flow_gl.cli.main import run
from flow_gl.core.items import Mapping, Trades
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.units import HOUR_NS, MINUTE_NS, SECOND_NS
from flow_gl.runtime.export import ExportOptions, export
from tests.detect.market import MONDAY, NAMES, NQ, day_of_trades, write_sessions
from tests.kit.trades import trades_of

SIDES = ("buy", "sell", "unsided")
ALL = ("bubbles", "profile", "footprint")


def exported(trades, out, *, bucket_ns, by_session):
    def items():
        for instrument_id, symbol in NAMES.items():
            yield Mapping(instrument_id, symbol)
        for start in range(0, len(trades), 501):
            yield Trades(trades[start : start + 501])

    settings = replace(DEFAULTS.aggregation, bucket_ns=bucket_ns)
    export(items(), out, ExportOptions(settings=settings, tables=ALL, by_session=by_session))
    return {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in ALL}


def untidy_day(number):
    """Make a day with trades out of order, records without a price or a size, and an odd price."""
    trades = day_of_trades(number, count=4000)
    trades["ts_event"][500::97] -= 20 * SECOND_NS
    trades["size"][333::501] = 0
    trades["price"][444::700] = 2**63 - 1
    trades["price"][77] *= 50
    return trades


@pytest.mark.parametrize("by_session", [False, True])
@pytest.mark.parametrize("bucket_ns", [100_000_000, SECOND_NS, 5 * MINUTE_NS, HOUR_NS])
def test_a_footprint_sums_to_its_bubble_and_all_of_them_to_the_profile(tmp_path, bucket_ns, by_session):
    trades = np.concatenate([untidy_day(0), untidy_day(1)])
    tables = exported(trades, tmp_path, bucket_ns=bucket_ns, by_session=by_session)
    bubbles, by_price = defaultdict(Counter), defaultdict(Counter)
    for row in tables["footprint"]:
        bubbles[row["instrument"], row.get("trade_date"), row["id"]].update({side: row[side] for side in SIDES})
        by_price[row["instrument"], row["price"]].update({side: row[side] for side in SIDES})
        assert row["ts_event"] == row["id"] * bucket_ns
        assert row["total"] == row["buy"] + row["sell"] + row["unsided"] > 0
    expected = {
        (row["instrument"], row.get("trade_date"), row["id"]): {side: row[side] for side in SIDES}
        for row in tables["bubbles"]
    }
    assert len(expected) == len(tables["bubbles"])
    assert {key: dict(one) for key, one in bubbles.items()} == expected
    profile = defaultdict(Counter)
    for row in tables["profile"]:
        profile[row["instrument"], row["price"]].update({side: row[side] for side in SIDES})
    assert by_price == profile


def test_rows_are_in_order_with_one_per_price_of_a_bubble(tmp_path):
    rows = exported(day_of_trades(0), tmp_path, bucket_ns=MINUTE_NS, by_session=True)["footprint"]
    for instrument_id in NAMES:
        keys = [(row["id"], row["price"]) for row in rows if row["instrument"] == instrument_id]
        assert keys == sorted(set(keys))


def test_a_late_trade_counts_in_the_open_bubble(tmp_path):
    price = 100_000 * 250_000_000
    trades = trades_of(
        [
            (NQ, MONDAY + 10 * SECOND_NS, price, 3, "B"),
            (NQ, MONDAY + 7 * SECOND_NS, price, 2, "A"),
            (NQ, MONDAY + 11 * SECOND_NS, price, 1, "N"),
        ]
    )
    rows = exported(trades, tmp_path, bucket_ns=SECOND_NS, by_session=False)["footprint"]
    assert [(row["id"], row["buy"], row["sell"], row["unsided"]) for row in rows] == [
        (MONDAY // SECOND_NS + 10, 3, 2, 0),
        (MONDAY // SECOND_NS + 11, 0, 0, 1),
    ]


def test_the_command_writes_the_requested_tables(tmp_path, capsys):
    (path, *_) = write_sessions(tmp_path, 1)
    assert run(["export", str(path), "--out", str(tmp_path / "a"), "--tables", "footprint"]) == 0
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["footprint.parquet"]
    assert run(["export", str(path), "--out", str(tmp_path / "b")]) == 0
    assert not (tmp_path / "b" / "footprint.parquet").exists()
    assert (tmp_path / "b" / "levels.json").exists()
    assert run(["export", str(path), "--out", str(tmp_path / "c"), "--tables", "footprints"]) == 2
    assert "there is no table footprints; expected all or some of bubbles" in capsys.readouterr().err
