"""`detect` finds the events of one export of all files, however its work is divided, cached or interrupted."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from flow_gl.core.errors import DataError
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.units import DAY_NS, HOUR_NS, SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.files.replay import read_items
from flow_gl.runtime.detect import work
from flow_gl.runtime.detect.plan import plan
from flow_gl.runtime.detect.study import Options, StudyRun
from flow_gl.runtime.detect.tables import write
from flow_gl.runtime.export import ExportOptions, export
from tests.detect.market import ES, MONDAY, NAMES, NQ, SPREAD, day_of_trades, write_days, write_sessions
from tests.feed.market_files import csv_text
from tests.kit.trades import trades_of

SETTINGS = replace(DEFAULTS.aggregation, absorption_sd=1.0, absorption_contracts=5.0, arm=50)
"""Settings with which the synthetic days have events of every kind."""
ALONE = Options(workers=1, is_cached=False)
LATER = ("price_then", "move_10s", "move_60s", "move_5m")


def found(paths, out, settings=SETTINGS, options=ALONE):
    """Return the table of events without the later prices."""
    study = StudyRun(paths, [settings], options).run()
    write(study, [{}], out)
    table = pq.read_table(out / "events.parquet")
    return study, table.drop_columns(list(LATER))


def exported(paths, out, settings=SETTINGS):
    export(read_items(paths), out, ExportOptions(by_session=True, settings=settings))
    return pq.read_table(out / "events.parquet")


@pytest.fixture
def out(tmp_path):
    for name in ("ours", "export"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("flow_gl.runtime.detect.study.cache_dir", lambda: tmp_path / "cache")


def assert_same(paths, out, *, least_ranges, settings=SETTINGS, kinds=5):
    study, ours = found(paths, out / "ours", settings)
    assert study.ranges >= least_ranges
    assert len(set(ours["kind"].to_pylist())) == kinds
    assert ours.to_pylist() == exported(paths, out / "export", settings).to_pylist()


def test_utc_day_files_give_the_events_of_an_export(out):
    assert_same(write_days(out, 9), out, least_ranges=2)


def test_files_of_one_session_each_are_ranges_of_their_own(out):
    paths = write_sessions(out, 4)
    assert len(plan(paths, calendar=SessionCalendar())) == len(paths)
    assert_same(list(reversed(paths)), out, least_ranges=len(paths))


def test_a_spread_without_a_known_tick_starts_with_the_tick_of_earlier_files(out):
    paths = write_sessions(out, 4, ids=(NQ, ES, SPREAD))
    assert_same(paths, out, least_ranges=len(paths))


def test_files_that_cover_the_same_time_are_merged(out):
    paths = []
    for number in range(6):
        rows = day_of_trades(number)
        for name, ours in (("nq", rows["instrument_id"] == NQ), ("es", rows["instrument_id"] != NQ)):
            paths.append(out / f"{name}{number}.dbn.zst")
            write_dbn(paths[-1], rows[ours], symbols=NAMES)
    assert_same(paths, out, least_ranges=2)


def test_csv_files_are_read_as_well(out):
    paths = []
    for number in range(5):
        paths.append(out / f"day{number}.csv")
        paths[-1].write_text(csv_text(day_of_trades(number, count=3000), symbols=NAMES))
    assert_same(paths, out, least_ranges=1)


def test_a_tick_refined_by_earlier_files_is_carried_over(out):
    """The tick of an unknown name comes from its prices: one odd price counts for all later sessions."""
    names = {NQ: "XYZ"}
    paths = []
    for number, part in enumerate(write_sessions(out, 4)):
        rows = next(item.rows for item in read_items([part]) if hasattr(item, "rows"))
        rows = rows[rows["instrument_id"] == NQ].copy()
        rows["price"] -= rows["price"] % 250_000_000
        if number == 0:
            rows["price"][7] += 50_000_000
        paths.append(out / f"odd{number}.dbn.zst")
        write_dbn(paths[-1], rows, symbols=names)
    study, ours = found(paths, out / "ours")
    assert ours.to_pylist() == exported(paths, out / "export").to_pylist()
    assert study.ranges == len(paths), "none is read together with another"


def test_a_reused_id_is_another_instrument(out):
    paths = []
    for number, symbol in enumerate(("ESZ5", "ESZ5", "NQH6", "NQH6")):
        rows = day_of_trades(number, ids=(NQ,), count=4000)
        paths.append(out / f"day{number}.dbn.zst")
        write_dbn(paths[-1], rows, symbols={NQ: symbol})
    study, ours = found(paths, out / "ours")
    assert ours.to_pylist() == exported(paths, out / "export").to_pylist()
    assert {market.name for market in study.sets[0]} == {"ESZ5", "NQH6"}


def test_a_continuous_symbol_that_rolls_has_rows_of_each_instrument(out):
    paths = []
    for number, instrument_id in enumerate((NQ, NQ, ES)):
        rows = day_of_trades(number, ids=(instrument_id,), count=4000)
        paths.append(out / f"day{number}.dbn.zst")
        write_dbn(paths[-1], rows, symbols={instrument_id: "NQ.v.0"})
    _, ours = found(paths, out / "ours")
    assert ours.to_pylist() == exported(paths, out / "export").to_pylist()
    assert {(row["instrument"], row["symbol"]) for row in ours.to_pylist()} == {(NQ, "NQ.v.0"), (ES, "NQ.v.0")}


def test_with_cvd_that_never_resets_there_is_one_range(out):
    settings = replace(SETTINGS, cvd_reset="never")
    paths = write_days(out, 6)
    study, ours = found(paths, out / "ours", settings)
    assert study.ranges == 1
    assert ours.to_pylist() == exported(paths, out / "export", settings).to_pylist()


def test_an_empty_file_among_others_changes_nothing(out):
    paths = write_sessions(out, 3)
    rows = day_of_trades(9)[:1].copy()
    rows["size"] = 0
    empty = out / "empty.dbn.zst"
    write_dbn(empty, rows, symbols=NAMES)
    with pytest.raises(DataError):
        found([empty], out / "ours")
    _, ours = found([*paths, empty], out / "ours")
    assert ours.to_pylist() == exported(paths, out / "export").to_pylist()


def test_any_number_of_workers_writes_the_same_bytes(out):
    paths = write_days(out, 6)
    sets = [replace(SETTINGS, absorption_sd=sd) for sd in (1.0, 1.5)]
    values = [{"absorption.sd": settings.absorption_sd} for settings in sets]
    written = []
    for workers in (1, 2):
        study = StudyRun(paths, sets, Options(workers=workers, is_cached=False)).run()
        folder = out / f"by{workers}"
        folder.mkdir()
        written.append([path.read_bytes() for path in write(study, values, folder)])
    assert written[0] == written[1]


def test_cached_ranges_are_not_read_again(out, monkeypatch):
    paths = write_sessions(out, 4)
    cached = Options(workers=1)
    first, before = found(paths[:3], out / "ours", options=cached)
    read = []
    detect = work.detect
    monkeypatch.setattr(work, "detect", lambda part, sets, **more: read.append(part) or detect(part, sets, **more))
    again, after = found(paths, out / "ours", options=cached)
    assert (first.cached, again.cached) == (0, 2), "the last range reaches on when there is no file behind it"
    assert [path for part in read for path in part.paths] == paths[2:]
    assert after.slice(0, 1).to_pylist() == before.slice(0, 1).to_pylist()
    assert after.to_pylist() == exported(paths, out / "export").to_pylist()


def test_another_parameter_or_a_changed_file_is_not_taken_from_the_cache(out):
    paths = write_sessions(out, 2)
    cached = Options(workers=1)
    found(paths, out / "ours", options=cached)
    assert found(paths, out / "ours", options=cached)[0].cached == 3
    assert found(paths, out / "ours", replace(SETTINGS, absorption_sd=2.0), cached)[0].cached == 0
    rows = day_of_trades(0)
    write_dbn(paths[0], rows[rows["ts_event"] < MONDAY + 20 * HOUR_NS][:-5], symbols=NAMES)
    study, ours = found(paths, out / "ours", options=cached)
    assert study.cached == 2
    assert ours.to_pylist() == exported(paths, out / "export").to_pylist()


def test_a_damaged_cache_entry_is_computed_again(out):
    paths = write_sessions(out, 2)
    cached = Options(workers=1)
    _, before = found(paths, out / "ours", options=cached)
    for entry in (out / "cache").rglob("*.events"):
        data = bytearray(entry.read_bytes())
        data[-9] ^= 1
        entry.write_bytes(bytes(data))
    study, after = found(paths, out / "ours", options=cached)
    assert study.cached == 0
    assert after.equals(before)


def test_an_interrupted_study_continues_where_it_stopped(out, monkeypatch):
    paths = write_sessions(out, 4)
    detect, read = work.detect, []

    def interrupted(part, sets, **more):
        read.append(part)
        if len(read) == 3:
            raise KeyboardInterrupt
        return detect(part, sets, **more)

    monkeypatch.setattr(work, "detect", interrupted)
    studying = StudyRun(paths, [SETTINGS], Options(workers=1))
    with pytest.raises(KeyboardInterrupt):
        studying.run()
    assert studying.done == 2
    study, ours = found(paths, out / "ours", options=Options(workers=1))
    assert study.cached == 2
    assert ours.to_pylist() == exported(paths, out / "export").to_pylist()


def later_by_rule(trades, event, tick):
    """The rule of docs/detect.md in plain Python; trades are (ts, price) in order of arrival."""

    def price_at(moment):
        best = None
        for ts, price in trades:
            if ts <= moment and (best is None or ts >= best[0]):
                best = ts, price
        return best[1]

    moves = []
    for horizon in (10, 60, 300):
        moment = event + horizon * SECOND_NS
        is_over = moment > max(ts for ts, _ in trades)
        moves.append(None if is_over else (price_at(moment) - price_at(event)) / tick)
    return price_at(event) / 1e9, moves


def test_later_prices_follow_the_rule(out):
    """Trades out of order, a record without a price, and a session that ends soon after its last events."""
    rng = np.random.default_rng(5)
    start = MONDAY + 21 * HOUR_NS + 50 * 60 * SECOND_NS
    rows = []
    for session in range(2):
        ts = start + session * DAY_NS
        for number in range(900):
            ts += int(rng.integers(0, 2 * SECOND_NS))
            late = 3 * SECOND_NS if number % 50 == 49 else 0
            price = (100_000 + int(rng.integers(-6, 7))) * 250_000_000
            rows.append((NQ, ts - late, price, int(rng.integers(1, 40)), "BA"[int(rng.integers(0, 2))]))
        rows.append((NQ, ts, 0, 0, "B"))
    trades = trades_of(rows)
    trades = trades[trades["ts_event"] % DAY_NS < 22 * HOUR_NS]
    path = out / "late.dbn.zst"
    write_dbn(path, trades, symbols=NAMES)
    study = StudyRun([path], [SETTINGS], ALONE).run()
    write(study, [{}], out / "ours")
    checked = missing = 0
    for row in pq.read_table(out / "ours" / "events.parquet").to_pylist():
        day = 20251201 if row["trade_date"] == 20251201 else 20251202
        first = start + (day - 20251201) * DAY_NS
        its = [
            (ts, price)
            for ts, price, size in zip(
                trades["ts_event"].tolist(), trades["price"].tolist(), trades["size"], strict=True
            )
            if size and first - HOUR_NS <= ts < first + HOUR_NS
        ]
        then, moves = later_by_rule(its, row["ts_event"], 250_000_000)
        assert row["price_then"] == then
        assert [row[name] for name in LATER[1:]] == moves
        checked += 1
        missing += moves.count(None)
    assert checked > 100
    assert missing > 5


def test_counts_add_up_to_the_events(out):
    paths = write_sessions(out, 3)
    study = StudyRun(paths, [SETTINGS], ALONE).run()
    write(study, [{}], out / "ours")
    events = pq.read_table(out / "ours" / "events.parquet").to_pylist()
    counts = pq.read_table(out / "ours" / "counts.parquet").to_pylist()
    assert sum(row["events"] for row in counts) == len(events)
    for row in counts:
        # 23:00 UTC is 18:00 in New York in December.
        ours = [
            one
            for one in events
            if (one["kind"], one["symbol"]) == (row["kind"], row["symbol"])
            and (one["ts_event"] // HOUR_NS - 5) % 24 == row["hour"]
        ]
        assert len(ours) == row["events"] == row["bullish"] + row["bearish"]
        moves = [one["move_60s"] * one["direction"] for one in ours if one["move_60s"] is not None]
        assert row["known_60s"] == len(moves)
        assert row["right_60s"] == sum(move > 0 for move in moves)
        assert row["mean_60s"] == (pytest.approx(sum(moves) / len(moves)) if moves else None)


def test_real_days_have_the_known_events(out, real_data):
    paths = [real_data / "nq-20251128.trades.dbn.zst", real_data / "nq-20251123.trades.dbn.zst"]
    _, ours = found(paths, out / "ours", DEFAULTS.aggregation)
    assert ours.to_pylist() == exported(paths, out / "export", DEFAULTS.aggregation).to_pylist()
    day = [
        row["kind"]
        for row in ours.to_pylist()
        if row["symbol"] == "NQZ5" and row["ts_event"] > 1_764_288_000 * SECOND_NS
    ]
    expected = {"large_trade": 154, "absorption": 19, "divergence": 32, "stacked_imbalance": 30}
    assert {kind: day.count(kind) for kind in expected} == expected
