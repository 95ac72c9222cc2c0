"""The recorder against the official client: the contents of its files, and which of them are kept."""

import io
from pathlib import Path

import databento
import numpy as np
import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import DataError
from flow_gl.core.items import Definition, Mapping, Trades
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import DAY_NS
from flow_gl.feed.files.replay import read_items, scan
from flow_gl.services.recording import format as recording
from flow_gl.services.recording.folder import Retention, list_recordings, prune, recorded
from flow_gl.services.recording.recorder import Recorder, RecorderState
from tests.kit.trades import make_tied_trades
from tests.services.days import DAY_START, utc_day
from tests.services.recorder_rig import DATASET, NQ, NQ_DEFINITION, SPREAD, Run, make_tape, official


def test_the_official_client_reads_a_recording_byte_for_byte(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(5000)
    run.recorder.note(NQ)
    run.feed(rows)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()
    assert run.recorder.status().trades == 5000
    store = databento.DBNStore.from_bytes(io.BytesIO(run.path().read_bytes()))
    assert (store.dataset, store.schema) == (DATASET, None)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # from the client itself, with a newer pandas
def test_the_official_client_finds_the_names_in_the_recording(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(500)
    run.recorder.note(NQ)
    run.recorder.note(Mapping(42005804, "NQZ5-NQH6"))
    run.feed(rows)
    run.recorder.close()
    frame = databento.DBNStore.from_bytes(io.BytesIO(run.path().read_bytes())).to_df(schema="trades")
    expected = {158704: "NQZ5", 42005804: "NQZ5-NQH6"}
    assert frame["symbol"].tolist() == [expected[number] for number in rows["instrument_id"]]


def test_definitions_keep_tick_size_point_value_and_class(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.recorder.note(NQ_DEFINITION)
    run.recorder.note(SPREAD)
    run.feed(make_tied_trades(10))
    run.recorder.close()
    future, spread = official(run.path(), "definition")
    assert (future["raw_symbol"], future["min_price_increment"]) == (b"NQZ5", 250_000_000)
    assert (future["unit_of_measure_qty"], future["instrument_class"]) == (20_000_000_000, b"F")
    assert (spread["unit_of_measure_qty"], spread["instrument_class"]) == (UNDEF_PRICE, b"S")


def test_a_definition_given_as_a_record_is_written_unchanged(tmp_path: Path, real_data: Path) -> None:
    source = databento.DBNStore.from_bytes((real_data / "es-nq-definitions-20240630.dbn.zst").read_bytes())
    records = [bytes(record) for record in source]
    run = Run(tmp_path)
    for record in records:
        run.recorder.note(record)
    run.feed(make_tied_trades(10))
    run.recorder.close()
    assert list(recording.scan(run.path()).names) == records


def test_a_name_precedes_the_first_trade_that_arrived_after_it(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(100)
    run.recorder.note(NQ, position=40)
    run.feed(rows, at_once=100)
    run.recorder.close()
    kinds = [type(record).__name__ for record in databento.DBNStore.from_bytes(io.BytesIO(run.path().read_bytes()))]
    assert kinds == ["TradeMsg"] * 40 + ["SymbolMappingMsg"] + ["TradeMsg"] * 60


def test_replaying_the_recording_gives_the_same_names_definitions_and_trades(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(2000)
    for notice in (NQ, NQ_DEFINITION, SPREAD):
        run.recorder.note(notice)
    run.feed(rows)
    run.recorder.close()
    items = list(read_items([run.path()]))
    assert [item for item in items if isinstance(item, Definition)] == [NQ_DEFINITION, SPREAD]
    (mapping,) = (item for item in items if isinstance(item, Mapping))
    assert (mapping.instrument_id, mapping.symbol, mapping.requested) == (158704, "NQZ5", "NQ.v.0")
    trades = np.concatenate([item.rows for item in items if isinstance(item, Trades)])
    assert trades.tobytes() == rows.tobytes()


def test_each_session_has_a_file_of_its_own_with_all_names(tmp_path: Path) -> None:
    run = Run(tmp_path)
    rows = np.concatenate([make_tied_trades(300), make_tied_trades(300, seed=2, start=DAY_START + DAY_NS)])
    run.recorder.note(NQ)
    run.recorder.note(NQ_DEFINITION)
    run.feed(rows)
    run.recorder.close()
    assert [entry.trade_date for entry in list_recordings(tmp_path)] == [20251128, 20251129]
    for entry, part in zip(list_recordings(tmp_path), (rows[:300], rows[300:]), strict=True):
        assert official(entry.path).tobytes() == part.tobytes()
        assert len(recording.scan(entry.path).names) == 2


def test_a_late_trade_of_the_previous_session_goes_into_that_sessions_file(tmp_path: Path) -> None:
    run = Run(tmp_path)
    old, new = make_tied_trades(200), make_tied_trades(200, start=DAY_START + DAY_NS)
    run.feed(np.concatenate([old[:150], new[:100], old[150:], new[100:]]))
    run.recorder.close()
    first, second = (entry.path for entry in list_recordings(tmp_path))
    assert official(first).tobytes() == old.tobytes()
    assert official(second).tobytes() == new.tobytes()


def test_a_trade_with_an_invalid_time_stays_with_its_neighbours(tmp_path: Path) -> None:
    def no_such_time(ts: int) -> object:
        if ts < 0:
            raise DataError("no such time")
        return utc_day(ts)

    run, rows = Run(tmp_path, session_of=no_such_time), make_tied_trades(90)
    rows["ts_event"][30:33] = -1
    run.feed(rows)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_each_seconds_trades_are_on_disk_when_the_second_is_over(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(3000)
    for at in range(0, 3000, 100):
        run.feed(rows[at : at + 100])
        assert official(run.path()).tobytes() == rows[: at + 100].tobytes()


def test_old_recordings_are_removed_by_age_and_size_and_nothing_else_is(tmp_path: Path) -> None:
    names = [f"GLBX.MDP3-202511{day}.dbn.zst" for day in (10, 20, 26, 27, 28)]
    others = ["notes.txt", "nq-20251101.trades.dbn.zst.part", "GLBX.MDP3-20251101.dbn"]
    for name in (*names, *others):
        (tmp_path / name).write_bytes(bytes(100))
    in_hand = tmp_path / names[-1]
    removed = prune(tmp_path, Retention(days=10, nbytes=250), now_ns=DAY_START, spared=in_hand)
    assert [path.name for path in removed] == names[:3]
    assert {path.name for path in tmp_path.iterdir()} == {*names[3:], *others}
    assert prune(tmp_path, Retention(days=None), now_ns=DAY_START, spared=in_hand) == []
    assert prune(tmp_path, Retention(days=0, nbytes=0), now_ns=DAY_START + 40 * DAY_NS, spared=in_hand) == [
        tmp_path / names[3]
    ]


def test_the_recorders_thread_runs_by_itself_and_ends_with_everything_written(tmp_path: Path) -> None:
    tape, rows = make_tape(), make_tied_trades(3000)
    recorder = Recorder(tmp_path, dataset=DATASET, session_of=utc_day)
    recorder.start(tape)
    tape.append(rows)
    recorder.close()
    recorder.close()
    assert recorder.status().state is RecorderState.CLOSED
    (path,) = recorded(tmp_path, DATASET, 20251128)
    assert official(path).tobytes() == rows.tobytes()


def test_a_mangled_record_does_not_make_the_file_unreadable(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(30)
    expected = rows.copy()
    rows["length"][10], rows["rtype"][20] = 0, 160
    run.feed(rows)
    run.recorder.close()
    assert official(run.path()).tobytes() == expected.tobytes()


def test_a_real_day_is_recorded_by_the_exchange_s_sessions_byte_for_byte(tmp_path: Path, real_data: Path) -> None:
    rows = official(real_data / "nq-20251128.trades.dbn.zst")
    calendar = SessionCalendar()
    tape = make_tape(1 << 17)
    recorder = Recorder(
        tmp_path, dataset=DATASET, session_of=calendar.session_at, clock=ManualClock(int(rows["ts_recv"][0]))
    )
    recorder.start(tape, is_threaded=False)
    tape.append(rows)
    recorder.close()
    (entry,) = list_recordings(tmp_path)
    assert entry.trade_date == 20251128
    assert official(entry.path).tobytes() == rows.tobytes()
    again = Recorder(tmp_path, dataset=DATASET, session_of=calendar.session_at)
    again.start(tape, position=0, is_threaded=False)
    again.close()
    assert again.status().already == len(rows)
    assert official(entry.path).tobytes() == rows.tobytes()


@pytest.mark.parametrize(
    ("names", "charted"),
    [
        ([Mapping(42005804, "ESZ5", "ES.v.0"), NQ], ["ESZ5", "NQZ5"]),
        ([NQ, Mapping(42005804, "NQH6", "NQ.v.0")], ["NQH6"]),
        ([Mapping(42005804, "NQH6", "NQ.FUT"), Mapping(158704, "NQZ5", "NQ.FUT")], ["NQZ5"]),
        ([NQ, Mapping(42005804, "NQZ5-NQH6", "NQ.v.0"), SPREAD], ["NQZ5"]),
        ([Mapping(42005804, "NQH6"), Mapping(158704, "NQZ5")], ["NQH6", "NQZ5"]),
        ([NQ, Mapping(7, "ESZ5", "ES.v.0")], ["NQZ5"]),
    ],
    ids=["in the order of asking", "rolled", "parent", "no spread", "by their own names", "never traded"],
)
def test_a_recording_lists_the_contracts_that_were_charted(
    tmp_path: Path, names: list[Mapping | Definition], charted: list[str]
) -> None:
    run = Run(tmp_path)
    for name in names:
        run.recorder.note(name)
        run.second()
    run.feed(make_tied_trades(500))
    run.recorder.close()
    again = Run(tmp_path)  # a restart, with trades that require sorting the file
    again.feed(make_tied_trades(100, seed=2, start=DAY_START))
    again.recorder.close()
    assert [one.symbol for one in scan([again.path()]).requested()] == charted


def test_a_run_without_trades_leaves_no_recording(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.recorder.note(NQ)
    run.second(3)
    run.recorder.close()
    assert list(tmp_path.iterdir()) == []
    run = Run(tmp_path)
    run.feed(make_tied_trades(100))
    run.recorder.close()
    Run(tmp_path).recorder.close()
    assert len(official(Run(tmp_path).path())) == 100, "what was recorded before stays"
