"""The recorder against the official client, a disk that fails, and SIGKILL."""

import io
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import databento
import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import DataError
from flow_gl.core.marks import Mark
from flow_gl.core.schema import TRADE, UNDEF_PRICE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.feed.base import Definition, FeedGap, Mapping, Trades
from flow_gl.feed.files import read_items, scan
from flow_gl.services import recording
from flow_gl.services.recorder import Recorder, RecorderState
from flow_gl.services.recording_file import Coming
from flow_gl.services.recordings import Keep, list_recordings, prune, recorded
from flow_gl.store.ring import Ring
from tests.services.days import DAY_NS, DAY_START, make_trades, utc_day

DATASET = "GLBX.MDP3"
NQ = Mapping(158704, "NQZ5", "NQ.v.0")
NQ_DEFINITION = Definition(158704, "NQZ5", 250_000_000, 20.0, True)
SPREAD = Definition(42005804, "NQZ5-NQH6", 50_000_000, None, False)


def official(path: Path, schema: str = "trades") -> NDArray[np.void]:
    """What the official client reads: trades as TRADE rows, other schemas as it gives them."""
    rows = databento.DBNStore.from_bytes(io.BytesIO(path.read_bytes())).to_ndarray(schema)
    return np.frombuffer(rows.tobytes(), TRADE) if schema == "trades" else rows


def make_tape(capacity: int = 1 << 12) -> Ring:
    return Ring(memoryview(bytearray(Ring.nbytes(TRADE, capacity))), TRADE, capacity)


class Run:
    """A recorder that is turned by hand, with its tape and clock."""

    def __init__(
        self,
        directory: Path,
        *,
        wall_ns: int = DAY_START + DAY_NS // 2,
        capacity: int = 1 << 12,
        reach_ns: int | None = None,
        **coming: bool,
    ) -> None:
        self.clock = ManualClock(wall_ns)
        self.tape = make_tape(capacity)
        self.recorder = Recorder(directory, dataset=DATASET, session_of=utc_day, clock=self.clock)
        self.recorder.start(self.tape, coming=Coming(**coming), reach_ns=reach_ns, is_threaded=False)

    def feed(self, rows: NDArray[np.void], *, at_once: int = 500) -> None:
        """Trades come in, a second apart for each batch."""
        for at in range(0, len(rows), at_once):
            self.tape.append(rows[at : at + at_once])
            self.second()

    def second(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(1_000_000_000)
            self.recorder.turn()

    def path(self) -> Path:
        (path,) = recorded(self.recorder.directory, DATASET, 20251128)
        return path


def test_what_was_recorded_reads_back_byte_for_byte_by_the_official_client(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(5000)
    run.recorder.note(NQ)
    run.feed(rows)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()
    assert run.recorder.status().trades == 5000
    store = databento.DBNStore.from_bytes(io.BytesIO(run.path().read_bytes()))
    assert (store.dataset, store.schema) == (DATASET, None)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # the client's own, under a pandas newer than it
def test_the_official_client_finds_the_names_in_the_recording(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(500)
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
    run.feed(make_trades(10))
    run.recorder.close()
    future, spread = official(run.path(), "definition")
    assert (future["raw_symbol"], future["min_price_increment"]) == (b"NQZ5", 250_000_000)
    assert (future["unit_of_measure_qty"], future["instrument_class"]) == (20_000_000_000, b"F")
    assert (spread["unit_of_measure_qty"], spread["instrument_class"]) == (UNDEF_PRICE, b"S")


def test_a_definition_handed_in_as_a_whole_record_is_written_as_it_is(tmp_path: Path, real_data: Path) -> None:
    source = databento.DBNStore.from_bytes((real_data / "es-nq-definitions-20240630.dbn.zst").read_bytes())
    records = [bytes(record) for record in source]
    run = Run(tmp_path)
    for record in records:
        run.recorder.note(record)
    run.feed(make_trades(10))
    run.recorder.close()
    assert list(recording.scan(run.path()).names) == records


def test_a_name_stands_before_the_first_trade_that_came_after_it(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(100)
    run.recorder.note(NQ, position=40)
    run.feed(rows, at_once=100)
    run.recorder.close()
    kinds = [type(record).__name__ for record in databento.DBNStore.from_bytes(io.BytesIO(run.path().read_bytes()))]
    assert kinds == ["TradeMsg"] * 40 + ["SymbolMappingMsg"] + ["TradeMsg"] * 60


def test_a_replay_of_the_recording_brings_the_same_names_definitions_and_trades(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(2000)
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


def test_a_replay_shows_the_gaps_that_the_feed_could_not_fill_and_the_next_run_tells_them_anew(tmp_path: Path) -> None:
    rows = make_trades(900)
    start, end = rows["ts_event"][[299, 300]].tolist()
    run = Run(tmp_path)
    for gap in (FeedGap(start), FeedGap(start, end, lost=7), FeedGap(start, end, filled=True)):
        run.recorder.note(gap, position=300)
    run.feed(rows)
    run.recorder.close()
    items = list(read_items([run.path()]))
    assert [item for item in items if isinstance(item, FeedGap)] == [FeedGap(start, end, lost=7)]
    before = items[: items.index(FeedGap(start, end, lost=7))]
    assert sum(len(item.rows) for item in before if isinstance(item, Trades)) == 300

    again = Run(tmp_path)
    again.feed(rows)
    again.recorder.close()
    assert recording.scan(again.path()).marks == []
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_run_that_reads_the_recording_back_keeps_its_marks_and_tells_none_twice(tmp_path: Path) -> None:
    rows = make_trades(900)
    start, end = rows["ts_event"][[299, 300]].tolist()
    run = Run(tmp_path)
    run.recorder.note(NQ)
    run.recorder.note(FeedGap(start, end, lost=7), position=300)
    run.feed(rows[:600])
    run.recorder.close()

    again = Run(tmp_path, tells_gaps=False)
    found = again.recorder.take_recovered()
    assert found
    assert found.trades.tobytes() == rows[:600].tobytes()
    assert found.marks == (Mark(start, end, 7),)
    assert len(found.names) == 1
    assert again.recorder.take_recovered() is None
    again.recorder.note(FeedGap(start, end, lost=7))
    again.feed(rows)
    again.recorder.close()
    assert [mark for _, mark in recording.scan(again.path()).marks] == [Mark(start, end, 7)]
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_hole_that_nobody_can_fill_any_more_stays_with_all_that_follows_it(tmp_path: Path) -> None:
    rows = make_trades(900)
    start, end = rows["ts_event"][[299, 400]].tolist()
    run = Run(tmp_path)
    run.feed(rows[:300])
    run.recorder._files.in_hand.append_mark(Mark(start, end, 100, is_recorders=True))  # type: ignore[union-attr]
    run.feed(rows[400:])
    run.recorder.close()
    late = Run(tmp_path, wall_ns=DAY_START + DAY_NS - 1, reach_ns=3_600_000_000_000)
    found = late.recorder.take_recovered()
    assert found
    assert len(found.trades) == 800
    assert found.marks == (Mark(start, end, 100, is_recorders=True),)
    late.recorder.close()
    early = Run(tmp_path, reach_ns=DAY_NS)
    found = early.recorder.take_recovered()
    assert found
    assert len(found.trades) == 300, "what follows comes from the gateway once more"


def test_a_file_put_in_order_keeps_its_marks_where_they_belong(tmp_path: Path) -> None:
    rows = make_trades(900)
    start, end = rows["ts_event"][[499, 500]].tolist()
    run = Run(tmp_path)
    run.feed(rows[300:500])
    run.recorder.note(FeedGap(start, end, lost=7))
    run.feed(rows[500:])
    run.feed(rows[:300])
    run.recorder.close()
    items = list(read_items([run.path()]))
    trades = [item.rows for item in items if isinstance(item, Trades)]
    assert np.concatenate(trades).tobytes() == rows.tobytes()
    place = items.index(FeedGap(start, end, lost=7))
    assert sum(len(item.rows) for item in items[:place] if isinstance(item, Trades)) == 500


def test_each_session_has_a_file_of_its_own_with_all_names(tmp_path: Path) -> None:
    run = Run(tmp_path)
    rows = np.concatenate([make_trades(300), make_trades(300, seed=2, start=DAY_START + DAY_NS)])
    run.recorder.note(NQ)
    run.recorder.note(NQ_DEFINITION)
    run.feed(rows)
    run.recorder.close()
    assert [entry.trade_date for entry in list_recordings(tmp_path)] == [20251128, 20251129]
    for entry, part in zip(list_recordings(tmp_path), (rows[:300], rows[300:]), strict=True):
        assert official(entry.path).tobytes() == part.tobytes()
        assert len(recording.scan(entry.path).names) == 2


def test_a_straggler_of_the_session_before_goes_to_that_session(tmp_path: Path) -> None:
    run = Run(tmp_path)
    old, new = make_trades(200), make_trades(200, start=DAY_START + DAY_NS)
    run.feed(np.concatenate([old[:150], new[:100], old[150:], new[100:]]))
    run.recorder.close()
    first, second = (entry.path for entry in list_recordings(tmp_path))
    assert official(first).tobytes() == old.tobytes()
    assert official(second).tobytes() == new.tobytes()


def test_a_trade_without_a_sound_time_stays_with_the_trades_around_it(tmp_path: Path) -> None:
    def no_such_time(ts: int) -> object:
        if ts < 0:
            raise DataError("no such time")
        return utc_day(ts)

    run, rows = Run(tmp_path), make_trades(90)
    run.recorder._session_of = no_such_time
    rows["ts_event"][30:33] = -1
    run.feed(rows)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_every_second_s_trades_are_on_the_disk_when_the_second_is_over(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(3000)
    for at in range(0, 3000, 100):
        run.feed(rows[at : at + 100])
        assert official(run.path()).tobytes() == rows[: at + 100].tobytes()


def test_a_file_cut_at_any_byte_opens_and_holds_every_whole_frame_before_the_cut(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(600)
    run.recorder.note(NQ)
    start = run.path().stat().st_size
    sizes = []
    for at in range(0, 600, 200):
        run.feed(rows[at : at + 200])
        sizes.append(run.path().stat().st_size)
    run.recorder.close()
    whole, cut_path = run.path().read_bytes(), tmp_path / "cut"
    for cut in [*range(start, len(whole), 7), *sizes, *(size - 1 for size in sizes)]:
        cut_path.write_bytes(whole[:cut])
        found = recording.scan(cut_path)
        count = 200 * sum(size <= cut for size in sizes)
        assert found.trades.tobytes() == rows[:count].tobytes()
        assert found.is_torn == (found.good_bytes < cut)
        # All of a frame's content may be there while its checksum is still missing.
        assert len(official(cut_path)) in (count, count + 200)


def test_a_torn_last_frame_is_cut_off_and_the_recording_goes_on(tmp_path: Path) -> None:
    rows = make_trades(1000)
    run = Run(tmp_path)
    run.feed(rows[:500])
    run.recorder.close()
    size = run.path().stat().st_size
    with run.path().open("r+b") as file:
        file.truncate(size - 5)
    again = Run(tmp_path)
    cut = size - 5 - again.path().stat().st_size
    message = again.recorder.status().message
    assert cut > 0
    assert message == f"GLBX.MDP3-20251128.dbn.zst: cut {cut} bytes of an unfinished write off its end; 0 trades kept"
    again.feed(rows)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_restart_that_brings_the_whole_session_once_more_doubles_nothing(tmp_path: Path) -> None:
    rows = make_trades(3000)
    run = Run(tmp_path)
    run.feed(rows[:2000])
    run.recorder.close()
    again = Run(tmp_path)
    again.feed(rows)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()
    status = again.recorder.status()
    assert (status.trades, status.already) == (1000, 2000)


def test_a_restart_that_goes_on_where_the_file_ends_keeps_a_trade_equal_to_one_before(tmp_path: Path) -> None:
    rows = make_trades(300)
    rows[150] = rows[149]
    run = Run(tmp_path)
    run.feed(rows[:150])
    run.recorder.close()
    again = Run(tmp_path, repeats=False)
    again.feed(rows[150:])
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_disk_that_fails_between_two_equal_trades_costs_neither(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    rows = make_trades(300)
    rows[150] = rows[149]
    run = Run(tmp_path)
    run.feed(rows[:150])
    limit_file_size(run.path().stat().st_size)
    run.feed(rows[150:])
    assert run.recorder.status().state is RecorderState.FAILING
    limit_file_size(resource.RLIM_INFINITY)
    run.second(31)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_a_hole_of_this_run_stays_in_the_file_when_that_is_opened_again(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    rows = make_trades(600)
    run = Run(tmp_path, capacity=128)
    run.feed(rows[:300], at_once=300)
    run.feed(rows[300:400], at_once=100)
    limit_file_size(run.path().stat().st_size)
    run.feed(rows[400:500], at_once=100)
    limit_file_size(resource.RLIM_INFINITY)
    run.second(31)
    run.feed(rows[500:], at_once=100)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows[172:].tobytes()
    assert [entry.is_aside for entry in list_recordings(tmp_path)] == [False]


@pytest.mark.parametrize("is_killed", [False, True])
def test_trades_that_an_earlier_run_lacked_stand_in_their_place_after_the_next(tmp_path: Path, is_killed: bool) -> None:
    rows = make_trades(3000)
    first = Run(tmp_path)
    first.recorder.note(NQ)
    first.feed(rows[np.r_[0:500, 1500:2000]])
    first.recorder.close()
    second = Run(tmp_path)
    second.feed(rows[:2500])
    if is_killed:
        file = second.recorder._files.in_hand
        assert file
        os.close(file._fd)  # as the system does: nothing is put in order
        second = Run(tmp_path)
    second.feed(rows[2500:])
    second.recorder.close()
    assert official(second.path()).tobytes() == rows.tobytes()
    assert len(recording.scan(second.path()).names) == 1
    assert not list(tmp_path.glob("*.aside*"))


def test_damage_in_the_middle_is_kept_aside_and_filled_by_what_comes_again(tmp_path: Path) -> None:
    rows = make_trades(2000)
    run = Run(tmp_path)
    run.feed(rows)
    run.recorder.close()
    data = bytearray(run.path().read_bytes())
    data[len(data) // 2] ^= 0x55
    run.path().write_bytes(data)
    again = Run(tmp_path)
    kept = len(official(again.path()))
    assert 0 < kept < 2000
    message = again.recorder.status().message
    assert f"is kept as {run.path().name}.aside-1" in message
    assert f"{kept:,} trades before that" in message
    again.feed(rows)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()
    assert (tmp_path / f"{run.path().name}.aside-1").read_bytes() == data


def test_a_file_that_is_no_recording_is_kept_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / recording.file_name(DATASET, 20251128)
    path.write_bytes(b"not a recording")
    run, rows = Run(tmp_path), make_trades(10)
    run.feed(rows)
    run.recorder.close()
    assert official(path).tobytes() == rows.tobytes()
    assert (tmp_path / f"{path.name}.aside-1").read_bytes() == b"not a recording"


def test_a_tape_that_overtakes_the_recorder_leaves_a_count_and_a_mark_and_is_filled_after_a_restart(
    tmp_path: Path,
) -> None:
    rows = make_trades(400)
    run = Run(tmp_path, capacity=128)
    run.feed(rows[:100])
    run.tape.append(rows[100:200])
    run.tape.append(rows[200:300])
    run.second()
    run.feed(rows[300:], at_once=100)
    run.recorder.close()
    assert run.recorder.status().missed == 72
    found = recording.scan(run.path())
    start, end = rows["ts_event"][[99, 172]].tolist()
    assert [mark for _, mark in found.holes] == [Mark(start, end, 72, is_recorders=True)]
    gaps = [item for item in read_items([run.path()]) if isinstance(item, FeedGap)]
    assert gaps == [FeedGap(start, end, lost=72)]
    assert found.trades.tobytes() == np.delete(rows, range(100, 172)).tobytes()

    again = Run(tmp_path)
    assert official(again.path()).tobytes() == rows[:100].tobytes()
    assert "72 trades are missing" in again.recorder.status().message
    again.feed(rows)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()
    assert not recording.scan(again.path()).holes


def test_a_folder_that_cannot_be_made_is_said_once_and_recording_begins_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "recordings"
    directory.write_bytes(b"a file stands in the way")
    run, rows = Run(directory), make_trades(1000)
    run.feed(rows[:500])
    status = run.recorder.status()
    assert (status.state, status.waiting) == (RecorderState.FAILING, 500)
    assert str(directory) in status.message
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    directory.unlink()
    run.second(31)
    run.feed(rows[500:])
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()
    assert run.recorder.status().missed == 0


@pytest.fixture
def limit_file_size() -> Callable[[int], None]:
    """Let the system refuse to make a file longer than so many bytes, half-way through a write if need be."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda nbytes: resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_fails_half_way_leaves_a_whole_file_and_is_made_good_later(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    run, rows = Run(tmp_path), make_trades(2000)
    run.feed(rows[:500])
    size = run.path().stat().st_size
    limit_file_size(size + 1000)
    run.feed(rows[500:1000])
    status = run.recorder.status()
    assert (status.state, status.waiting) == (RecorderState.FAILING, 500)
    assert run.path().stat().st_size == size
    assert official(run.path()).tobytes() == rows[:500].tobytes()
    run.feed(rows[1000:1500])
    limit_file_size(resource.RLIM_INFINITY)
    run.second(31)
    run.feed(rows[1500:])
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_a_failed_write_of_trades_that_come_again_neither_doubles_nor_loses_any(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    rows = make_trades(2000)
    run = Run(tmp_path)
    run.feed(rows[:900])
    run.recorder.close()
    again = Run(tmp_path)
    limit_file_size(again.path().stat().st_size + 500)
    again.feed(rows, at_once=2000)
    assert again.recorder.status().state is RecorderState.FAILING
    limit_file_size(resource.RLIM_INFINITY)
    again.second(31)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_full_disk_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, rows = Run(tmp_path), make_trades(500)
    real_write = os.write

    def full(_fd: int, _data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    run.feed(rows)
    message = run.recorder.status().message
    assert message == f"recording stands still: the disk of {tmp_path} is full; make room, it goes on by itself"
    monkeypatch.setattr(os, "write", real_write)
    run.second(31)
    assert run.recorder.status().state is RecorderState.RECORDING
    assert run.recorder.status().message == ""
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_a_second_recorder_leaves_the_file_to_the_first_and_takes_over_when_that_ends(tmp_path: Path) -> None:
    first, rows = Run(tmp_path), make_trades(1000)
    first.feed(rows[:500])
    second = Run(tmp_path)
    assert "another flow-gl is writing it" in second.recorder.status().message
    second.feed(rows)
    first.recorder.close()
    second.second(31)
    second.recorder.close()
    assert official(second.path()).tobytes() == rows.tobytes()


def test_old_recordings_go_by_age_and_by_size_and_nothing_else_does(tmp_path: Path) -> None:
    names = [f"GLBX.MDP3-202511{day}.dbn.zst" for day in (10, 20, 26, 27, 28)]
    others = ["notes.txt", "nq-20251101.trades.dbn.zst.part", "GLBX.MDP3-20251101.dbn"]
    for name in (*names, *others):
        (tmp_path / name).write_bytes(bytes(100))
    in_hand = tmp_path / names[-1]
    removed = prune(tmp_path, Keep(days=10, nbytes=250), now_ns=DAY_START, spared=in_hand)
    assert [path.name for path in removed] == names[:3]
    assert {path.name for path in tmp_path.iterdir()} == {*names[3:], *others}
    assert prune(tmp_path, Keep(days=None), now_ns=DAY_START, spared=in_hand) == []
    assert prune(tmp_path, Keep(days=0, nbytes=0), now_ns=DAY_START + 40 * DAY_NS, spared=in_hand) == [
        tmp_path / names[3]
    ]


def test_the_writing_thread_needs_nobody_to_turn_it_and_ends_with_everything_written(tmp_path: Path) -> None:
    tape, rows = make_tape(), make_trades(3000)
    recorder = Recorder(tmp_path, dataset=DATASET, session_of=utc_day)
    recorder.start(tape)
    tape.append(rows)
    recorder.close()
    recorder.close()
    assert recorder.status().state is RecorderState.CLOSED
    (path,) = recorded(tmp_path, DATASET, 20251128)
    assert official(path).tobytes() == rows.tobytes()


def test_a_mangled_record_does_not_make_the_file_unreadable(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_trades(30)
    expected = rows.copy()
    rows["length"][10], rows["rtype"][20] = 0, 160
    run.feed(rows)
    run.recorder.close()
    assert official(run.path()).tobytes() == expected.tobytes()


KILLED = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from flow_gl.core.schema import TRADE
    from flow_gl.services.recorder import Recorder
    from flow_gl.services.recording_file import Coming
    from flow_gl.store.ring import Ring
    from tests.services.days import make_trades, utc_day

    rows, first = make_trades(60_000), int(sys.argv[2])
    tape = Ring(memoryview(bytearray(Ring.nbytes(TRADE, 1 << 16))), TRADE, 1 << 16)
    recorder = Recorder(Path(sys.argv[1]), dataset="GLBX.MDP3", session_of=utc_day)
    recorder.start(tape, coming=Coming(repeats=first == 0))
    for at in range(first, len(rows), 50):
        tape.append(rows[at : at + 50])
        print(at + 50, time.monotonic_ns(), flush=True)
        time.sleep(0.002)
    """
)


def test_a_kill_at_any_instant_loses_at_most_the_last_second(tmp_path: Path) -> None:
    rows = make_trades(60_000)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    held = 0
    # A run that goes on where the file ends, and one that brings everything once more.
    for seconds, first in ((1.9, 0), (1.27, "held"), (2.2, 0)):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(held if first == "held" else 0)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout
            said = [process.stdout.readline()]
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                said.append(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            killed_ns = time.monotonic_ns()
            said += process.stdout.readlines()
        (path,) = recorded(tmp_path, DATASET, 20251128)
        found = recording.scan(path)
        assert found.trades.tobytes() == rows[: len(found.trades)].tobytes()
        assert official(path).tobytes() == rows[: len(official(path))].tobytes()
        appended = [tuple(map(int, line.split())) for line in said if line.endswith("\n")]
        # A second, and half of one for a machine that runs many tests at once.
        due = max((count for count, at_ns in appended if at_ns < killed_ns - 1_500_000_000), default=0)
        assert len(found.trades) >= max(held, due)
        held = len(found.trades)
    assert held > 0


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
def test_a_recording_knows_which_contracts_were_on_the_screen(
    tmp_path: Path, names: list[Mapping | Definition], charted: list[str]
) -> None:
    run = Run(tmp_path)
    for name in names:
        run.recorder.note(name)
        run.second()
    run.feed(make_trades(500))
    run.recorder.close()
    again = Run(tmp_path)  # a restart, and trades that make it sort the file
    again.feed(make_trades(100, seed=2, start=DAY_START))
    again.recorder.close()
    assert [one.symbol for one in scan([again.path()]).requested()] == charted
