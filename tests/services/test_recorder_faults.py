"""A failing disk while recording, a second recorder, and SIGKILL."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flow_gl.services.recording import format as recording
from flow_gl.services.recording.folder import list_recordings, recorded
from flow_gl.services.recording.recorder import Recorder, RecorderState
from flow_gl.services.recording.session_files import SessionFiles
from tests.kit.trades import make_tied_trades
from tests.kit.waiting import until
from tests.services.days import utc_day
from tests.services.recorder_rig import DATASET, Run, make_tape, official

pytestmark = pytest.mark.usefixtures("file_rules")


def test_a_folder_that_cannot_be_created_is_reported_once_and_recording_starts_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "recordings"
    directory.write_bytes(b"a file stands in the way")
    run, rows = Run(directory), make_tied_trades(1000)
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
def limit_file_size() -> Callable[[int | None], None]:
    """Limit the length of files in bytes (None: no limit); a write may fail halfway."""
    resource = pytest.importorskip("resource", reason="limits of a process are POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    none = resource.RLIM_INFINITY
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (none if most is None else most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_failure_between_two_equal_trades_loses_neither(
    tmp_path: Path, limit_file_size: Callable[[int | None], None]
) -> None:
    rows = make_tied_trades(300)
    rows[150] = rows[149]
    run = Run(tmp_path)
    run.feed(rows[:150])
    limit_file_size(run.path().stat().st_size)
    run.feed(rows[150:])
    assert run.recorder.status().state is RecorderState.FAILING
    limit_file_size(None)
    run.second(31)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_a_hole_from_this_run_stays_when_the_file_is_opened_again(
    tmp_path: Path, limit_file_size: Callable[[int | None], None]
) -> None:
    rows = make_tied_trades(600)
    run = Run(tmp_path, capacity=128)
    run.feed(rows[:300], at_once=300)
    run.feed(rows[300:400], at_once=100)
    limit_file_size(run.path().stat().st_size)
    run.feed(rows[400:500], at_once=100)
    limit_file_size(None)
    run.second(31)
    run.feed(rows[500:], at_once=100)
    run.recorder.close()
    assert official(run.path()).tobytes() == rows[172:].tobytes()
    assert [entry.is_aside for entry in list_recordings(tmp_path)] == [False]


def test_a_write_that_fails_halfway_leaves_a_valid_file_and_is_completed_later(
    tmp_path: Path, limit_file_size: Callable[[int | None], None]
) -> None:
    run, rows = Run(tmp_path), make_tied_trades(2000)
    run.feed(rows[:500])
    size = run.path().stat().st_size
    limit_file_size(size + 1000)
    run.feed(rows[500:1000])
    status = run.recorder.status()
    assert (status.state, status.waiting) == (RecorderState.FAILING, 500)
    assert run.path().stat().st_size == size
    assert official(run.path()).tobytes() == rows[:500].tobytes()
    run.feed(rows[1000:1500])
    limit_file_size(None)
    run.second(31)
    run.feed(rows[1500:])
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_a_failed_write_of_repeated_trades_neither_duplicates_nor_loses_any(
    tmp_path: Path, limit_file_size: Callable[[int | None], None]
) -> None:
    rows = make_tied_trades(2000)
    run = Run(tmp_path)
    run.feed(rows[:900])
    run.recorder.close()
    again = Run(tmp_path)
    limit_file_size(again.path().stat().st_size + 500)
    again.feed(rows, at_once=2000)
    assert again.recorder.status().state is RecorderState.FAILING
    limit_file_size(None)
    again.second(31)
    again.recorder.close()
    assert official(again.path()).tobytes() == rows.tobytes()


def test_a_full_disk_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, rows = Run(tmp_path), make_tied_trades(500)
    real_write = os.write

    def full(_fd: int, _data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    run.feed(rows)
    message = run.recorder.status().message
    assert message == (
        f"recording has stopped: the disk of {tmp_path} is full; free some space and recording resumes by itself"
    )
    monkeypatch.setattr(os, "write", real_write)
    run.second(31)
    assert run.recorder.status().state is RecorderState.RECORDING
    assert run.recorder.status().message == ""
    run.recorder.close()
    assert official(run.path()).tobytes() == rows.tobytes()


def test_a_second_recorder_waits_for_the_first_and_then_takes_over(tmp_path: Path) -> None:
    first, rows = Run(tmp_path), make_tied_trades(1000)
    first.feed(rows[:500])
    second = Run(tmp_path)
    assert "another flow-gl is writing it" in second.recorder.status().message
    second.feed(rows)
    first.recorder.close()
    second.second(31)
    second.recorder.close()
    assert official(second.path()).tobytes() == rows.tobytes()


KILLED = textwrap.dedent(
    """
    import os, sys, threading, time
    from pathlib import Path
    from flow_gl.core.schema import TRADE
    from flow_gl.services.recording.recorder import Recorder
    from flow_gl.services.recording.file import ExpectedRun
    from flow_gl.store.ring import Ring
    from tests.kit.trades import make_tied_trades
    from tests.services.days import utc_day

    longest_ns = [0]

    def watch():
        # How long this machine delays the least that a recorder does: to wake up and to write.
        with open(os.devnull, "wb", buffering=0) as file:
            while True:
                start = time.monotonic_ns()
                time.sleep(0.1)
                file.write(b"x")
                longest_ns[0] = max(longest_ns[0], time.monotonic_ns() - start - 100_000_000)

    threading.Thread(target=watch, daemon=True).start()
    rows, first = make_tied_trades(60_000), int(sys.argv[2])
    tape = Ring(memoryview(bytearray(Ring.nbytes(TRADE, 1 << 16))), TRADE, 1 << 16)
    recorder = Recorder(Path(sys.argv[1]), dataset="GLBX.MDP3", session_of=utc_day)
    recorder.start(tape, expected=ExpectedRun(repeats=first == 0))
    for at in range(first, len(rows), 50):
        tape.append(rows[at : at + 50])
        print(at + 50, time.monotonic_ns(), longest_ns[0], flush=True)
        time.sleep(0.002)
    """
)


def _has_recorded(folder: Path) -> bool:
    return any(len(recording.scan(path).trades) for path in recorded(folder, DATASET, 20251128))


def test_a_kill_at_any_instant_loses_at_most_the_last_second(tmp_path: Path) -> None:
    rows = make_tied_trades(60_000)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    held = 0
    # A run that continues where the file ends, and one that repeats everything.
    for seconds, first in ((1.9, 0), (1.27, "held"), (2.2, 0)):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(held if first == "held" else 0)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout
            said = [process.stdout.readline()]
            end = time.monotonic() + seconds
            while time.monotonic() < end or not _has_recorded(tmp_path):
                said.append(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            killed_ns = time.monotonic_ns()
            said += process.stdout.readlines()
        (path,) = recorded(tmp_path, DATASET, 20251128)
        found = recording.scan(path)
        assert found.trades.tobytes() == rows[: len(found.trades)].tobytes()
        assert official(path).tobytes() == rows[: len(official(path))].tobytes()
        appended = [tuple(map(int, line.split())) for line in said if line.endswith("\n")]
        # One second, and for a busy machine half a second more and twice as long as it delayed another thread.
        least_ns = 1_500_000_000 + 2 * max(longest_ns for _, _, longest_ns in appended)
        due = max((count for count, at_ns, _ in appended if at_ns < killed_ns - least_ns), default=0)
        assert len(found.trades) >= max(held, due)
        held = len(found.trades)
    assert held > 0


def test_a_disk_that_also_fails_while_closing_does_not_delay_the_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SessionFiles, "open", fail)
    monkeypatch.setattr(SessionFiles, "close", fail)
    recorder = Recorder(tmp_path, dataset=DATASET, session_of=utc_day)
    recorder.start(make_tape())
    until(lambda: recorder.is_open, "the feed waits for this")
    assert recorder.take_recovered() is None
    assert "is full" in recorder.status().message
    monkeypatch.undo()
    recorder.close()
