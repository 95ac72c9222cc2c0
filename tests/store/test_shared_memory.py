"""Two real processes with one segment: no torn row, and no segment left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.system.platform.processes import is_running
from flow_gl.store import foreign, shm
from flow_gl.store.foreign import ForeignMemory
from flow_gl.store.market import EngineStore, MarketReader, MarketStore
from flow_gl.store.ring import Cursor
from flow_gl.store.shm import Segment, SharedMemoryError, remove_stale
from tests.kit.waiting import PATIENCE_S, until
from tests.store import stress

MIN_S = 1.0
SHM = Path("/dev/shm")
needs_dev_shm = pytest.mark.skipif(not SHM.is_dir(), reason="only Linux lists its shared memory")


@pytest.fixture
def writer() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.store.stress"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        if process.poll() is None:
            process.kill()
    remove_stale()


@pytest.mark.slow
def test_no_row_is_torn_while_another_process_overwrites_them(writer: "subprocess.Popen[str]") -> None:
    assert writer.stdin
    assert writer.stdout
    segment = Segment.attach(writer.stdout.readline().strip())
    ring, table = stress.layout(segment.buffer)
    cursor, record = Cursor(ring), np.zeros(1, stress.WIDE)
    read = newest = versions = 0
    least, most = time.monotonic() + MIN_S, time.monotonic() + PATIENCE_S
    # It shows nothing before the reader was lapped and the table was written over often; then a second is enough.
    while time.monotonic() < least or cursor.missed == 0 or read <= stress.CAPACITY or versions <= 10:
        assert time.monotonic() < most, (cursor.missed, read, versions)
        rows = cursor.read()
        assert (rows["copies"] == rows["value"][:, None]).all()
        assert (rows["value"] == np.arange(cursor.position - len(rows), cursor.position)).all()
        read += len(rows)
        if table.read(record):
            assert (record["copies"] == record["value"]).all()
            assert record["value"][0] >= newest
            versions += record["value"][0] != newest
            newest = int(record["value"][0])
    writer.stdin.write("\n")
    writer.stdin.flush()
    written, version = map(int, writer.stdout.readline().split())
    read += len(cursor.read())
    assert cursor.position == written
    assert read + cursor.missed == written
    assert table.read(record) == version
    del rows, ring, table, cursor
    segment.close()


@needs_dev_shm
def test_a_killed_writers_segment_is_removed_and_its_reader_continues(
    writer: "subprocess.Popen[str]",
) -> None:
    assert writer.stdout
    segment = Segment.attach(name := writer.stdout.readline().strip())
    ring, _ = stress.layout(segment.buffer)
    until(lambda: ring.head > 0, "the first row", pause_s=0.001)
    writer.kill()
    writer.wait()
    remove_stale()  # or an engine that starts on this machine at the same time, which does the same
    assert not (SHM / name).exists()
    rows = Cursor(ring).read()
    assert (rows["copies"] == rows["value"][:, None]).all()
    segment.close()


@needs_dev_shm
def test_segments_of_a_running_process_are_left_alone() -> None:
    segment = Segment.create("kept", 4096)
    try:
        # It may find those of an engine that another test has killed meanwhile.
        assert segment.name not in remove_stale()
        assert (SHM / segment.name).exists()
    finally:
        segment.close()
    assert not (SHM / segment.name).exists()


@needs_dev_shm
def test_a_reader_that_ends_removes_no_segment() -> None:
    store = EngineStore.create("reader")
    program = f"from flow_gl.store.market import EngineStore; EngineStore.attach({store.name!r}).close()"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert (SHM / store.name).exists()
    finally:
        store.close()


def test_a_missing_segment_is_one_line() -> None:
    with pytest.raises(SharedMemoryError, match="'flowgl_0_none' is gone: the engine has ended"):
        Segment.attach("flowgl_0_none")


def test_too_little_shared_memory_is_reported_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shm, "free_bytes", lambda: 1_000_000)
    with pytest.raises(SharedMemoryError, match=r"1 MB free in /dev/shm, a chart needs \d+ MB"):
        MarketStore.create("small")


def test_a_market_store_has_the_same_layout_in_both_processes() -> None:
    maker = MarketStore.create("layout")
    try:
        reader = MarketStore.attach(maker.name)
        for lod, ring in enumerate(maker.bubbles):
            row = np.zeros(1, ring.dtype)
            row["id"], row["trade_count"] = lod + 1, 7
            ring.append(row)
            assert reader.bubbles[lod].rows[0]["id"] == lod + 1
        view = MarketReader(reader)
        view.refresh()
        assert view.heads == [1] * len(maker.bubbles)
        del view
        reader.close()
    finally:
        maker.close()


def test_a_segment_may_be_closed_while_arrays_still_view_it() -> None:
    store = MarketStore.create("held")
    head = store.bubbles[0]
    store.close()
    assert head.head == 0


@needs_dev_shm
def test_no_second_interpreter_is_started_for_a_segment() -> None:
    program = (
        "import sys\nfrom flow_gl.store.market import EngineStore\nstore = EngineStore.create('alone')\n"
        "EngineStore.attach(store.name).close()\nstore.close()\nprint('multiprocessing' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


def test_memory_that_is_not_a_file_is_shared_too() -> None:
    name = f"{shm.PREFIX}{os.getpid()}_foreign"
    made = ForeignMemory(name, 4096)
    try:
        opened = ForeignMemory(name)
        seen = np.frombuffer(opened.buf, np.int64)
        np.frombuffer(made.buf, np.int64)[3] = 7
        opened.close()
        assert seen[3] == 7, "an array keeps its pages"
    finally:
        made.close()
        made.unlink()
    with pytest.raises(OSError, match="No such file"):
        ForeignMemory(name)


@pytest.fixture
def foreign_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make segments as on macOS; yield the folder with their notes."""
    monkeypatch.setattr(shm.mapped, "FOLDER", tmp_path / "none")
    monkeypatch.setattr(foreign, "cache_dir", lambda: tmp_path)
    return tmp_path / "segments"


def test_if_segments_cannot_be_listed_those_of_a_dead_process_are_removed_by_notes(
    foreign_system: Path,
) -> None:
    mine = Segment.create("kept", 4096)
    dead = f"{shm.PREFIX}{2**22 + 1}_m0"  # no system has such a process id
    left = ForeignMemory(dead, 4096)
    left.close()
    (foreign_system / f"{shm.PREFIX}{2**22 + 2}_m0").touch()  # noted, but gone since
    assert remove_stale() == [dead]
    assert [path.name for path in foreign_system.iterdir()] == [mine.name]
    with pytest.raises(OSError, match="No such file"):
        ForeignMemory(dead)
    mine.close()
    assert list(foreign_system.iterdir()) == []
    assert shm.free_bytes() is None


def test_on_windows_nothing_is_removed_and_no_process_is_sent_a_signal(
    foreign_system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (foreign_system).mkdir()
    (foreign_system / f"{shm.PREFIX}{os.getpid()}_m0").touch()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("signal 0 is Ctrl+C there"))
    assert remove_stale() == []
    assert is_running(os.getpid())
