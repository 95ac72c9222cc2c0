"""Existing recordings that a run finds: torn, damaged, with holes, or incomplete."""

from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.items import FeedGap, Trades
from flow_gl.core.market.gap_markers import GapMarker
from flow_gl.core.units import DAY_NS, HOUR_NS
from flow_gl.feed.files.replay import read_items
from flow_gl.services.recording import format as recording
from tests.kit.crash import close_descriptors
from tests.kit.trades import make_tied_trades
from tests.services.days import DAY_START
from tests.services.recorder_rig import DATASET, NQ, Run, official

pytestmark = pytest.mark.usefixtures("file_rules")


def test_a_replay_shows_unfilled_gaps_and_the_next_run_reports_them_again(tmp_path: Path) -> None:
    rows = make_tied_trades(900)
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
    assert recording.scan(again.path()).markers == []
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_run_that_reads_the_recording_back_keeps_its_markers_and_reports_each_once(tmp_path: Path) -> None:
    rows = make_tied_trades(900)
    start, end = rows["ts_event"][[299, 300]].tolist()
    run = Run(tmp_path)
    run.recorder.note(NQ)
    run.recorder.note(FeedGap(start, end, lost=7), position=300)
    run.feed(rows[:600])
    run.recorder.close()

    again = Run(tmp_path, repeats_gaps=False)
    found = again.recorder.take_recovered()
    assert found
    assert found.trades.tobytes() == rows[:600].tobytes()
    assert found.markers == (GapMarker(start, end, 7),)
    assert len(found.names) == 1
    assert again.recorder.take_recovered() is None
    again.recorder.note(FeedGap(start, end, lost=7))
    again.feed(rows)
    again.recorder.close()
    assert [marker for _, marker in recording.scan(again.path()).markers] == [GapMarker(start, end, 7)]
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_hole_that_can_no_longer_be_filled_stays_with_everything_after_it(tmp_path: Path) -> None:
    rows = make_tied_trades(900)
    start, end = rows["ts_event"][[299, 400]].tolist()
    run = Run(tmp_path, capacity=256)
    run.feed(rows[:300], at_once=100)
    run.feed(rows[300:656], at_once=356)  # a hundred more than fit the tape
    run.feed(rows[656:], at_once=100)
    run.recorder.close()
    late = Run(tmp_path, wall_ns=DAY_START + DAY_NS - 1, reach_ns=HOUR_NS)
    found = late.recorder.take_recovered()
    assert found
    assert len(found.trades) == 800
    assert found.markers == (GapMarker(start, end, 100, is_recorders=True),)
    late.recorder.close()
    early = Run(tmp_path, reach_ns=DAY_NS)
    found = early.recorder.take_recovered()
    assert found
    assert len(found.trades) == 300, "what follows comes from the gateway once more"


def test_a_sorted_file_keeps_its_markers_in_place(tmp_path: Path) -> None:
    rows = make_tied_trades(900)
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


def test_a_file_cut_at_any_byte_opens_and_holds_every_complete_frame_before_the_cut(tmp_path: Path) -> None:
    run, rows = Run(tmp_path), make_tied_trades(600)
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
        # A frame's content may be complete while its checksum is still missing.
        assert len(official(cut_path)) in (count, count + 200)


def test_a_torn_last_frame_is_removed_and_the_recording_continues(tmp_path: Path) -> None:
    rows = make_tied_trades(1000)
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
    assert (
        message == f"GLBX.MDP3-20251128.dbn.zst: removed {cut} bytes of an unfinished write from its end; 0 trades kept"
    )
    again.feed(rows)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_restart_that_replays_the_whole_session_duplicates_nothing(tmp_path: Path) -> None:
    rows = make_tied_trades(3000)
    run = Run(tmp_path)
    run.feed(rows[:2000])
    run.recorder.close()
    again = Run(tmp_path)
    again.feed(rows)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()
    status = again.recorder.status()
    assert (status.trades, status.already) == (1000, 2000)


def test_a_restart_at_the_files_end_keeps_a_trade_equal_to_an_earlier_one(tmp_path: Path) -> None:
    rows = make_tied_trades(300)
    rows[150] = rows[149]
    run = Run(tmp_path)
    run.feed(rows[:150])
    run.recorder.close()
    again = Run(tmp_path, repeats=False)
    again.feed(rows[150:])
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()


@pytest.mark.parametrize("is_killed", [False, True])
def test_trades_missed_by_an_earlier_run_are_in_their_place_after_the_next(tmp_path: Path, is_killed: bool) -> None:
    rows = make_tied_trades(3000)
    first = Run(tmp_path)
    first.recorder.note(NQ)
    first.feed(rows[np.r_[0:500, 1500:2000]])
    first.recorder.close()
    second = Run(tmp_path)
    second.feed(rows[:2500])
    if is_killed:
        close_descriptors(second.path())
        second = Run(tmp_path)
    second.feed(rows[2500:])
    second.recorder.close()
    assert official(second.path()).tobytes() == rows.tobytes()
    assert len(recording.scan(second.path()).names) == 1
    assert not list(tmp_path.glob("*.aside*"))


def test_damage_in_the_middle_is_kept_aside_and_filled_by_the_replay(tmp_path: Path) -> None:
    rows = make_tied_trades(2000)
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


def test_a_file_that_is_not_a_recording_is_kept_aside_unchanged(tmp_path: Path) -> None:
    path = tmp_path / recording.file_name(DATASET, 20251128)
    path.write_bytes(b"not a recording")
    run, rows = Run(tmp_path), make_tied_trades(10)
    run.feed(rows)
    run.recorder.close()
    assert official(path).tobytes() == rows.tobytes()
    assert (tmp_path / f"{path.name}.aside-1").read_bytes() == b"not a recording"


def test_if_the_tape_overtakes_the_recorder_the_loss_is_counted_marked_and_filled_after_a_restart(
    tmp_path: Path,
) -> None:
    rows = make_tied_trades(400)
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
    assert [marker for _, marker in found.holes] == [GapMarker(start, end, 72, is_recorders=True)]
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
