"""Snapshots on disk: rows are read back unchanged, and nothing damaged is accepted."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.alerts import ALERT
from flow_gl.core.market.footprint import FOOTPRINT
from flow_gl.core.schema import BUBBLE, CVD_POINT, EVENT, MINUTE_LEVELS, ORDER_CVD
from flow_gl.services.replay_cache.file_cache import FOLDER, FileCache, identity
from flow_gl.services.replay_cache.rows import RowsError, pack, unpack
from flow_gl.services.replay_cache.snapshot_file import MAGIC, Rows, Snapshot, SnapshotError, SnapshotFile, encode
from tests.kit.markets import make_seconds

_words = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-300, 300), st.sampled_from([2**63 - 1, -(2**63)]))


@settings(max_examples=80)
@given(
    st.lists(st.lists(_words, min_size=12, max_size=12), max_size=20), st.sampled_from([BUBBLE, CVD_POINT, FOOTPRINT])
)
def test_any_rows_are_read_back_bit_for_bit(words: list[list[int]], dtype: np.dtype) -> None:
    fields = dtype.itemsize // 8
    rows = np.array([word for row in words for word in row[:fields]], np.int64).view(dtype)
    columns, data = pack(rows)
    assert unpack(columns, data, dtype, len(rows)).tobytes() == rows.tobytes()


def test_a_markets_rows_take_a_third_of_their_bytes_before_compression() -> None:
    bubbles, points = make_seconds(5_000)
    for rows in (bubbles, points):
        assert len(pack(rows)[1]) * 3 < rows.nbytes


def test_bytes_of_another_number_of_rows_are_refused() -> None:
    rows, _ = make_seconds(50)
    columns, data = pack(rows)
    for wrong in ((columns, data[1:], len(rows)), (columns[1:], data, len(rows)), (columns, data, -1)):
        with pytest.raises(RowsError, match="are not"):
            unpack(wrong[0], wrong[1], BUBBLE, wrong[2])


def a_snapshot() -> Snapshot:
    bubbles, points = make_seconds(400)
    footprints = np.zeros(9, FOOTPRINT)
    footprints["id"], footprints["buy"], footprints["sell"] = np.arange(9), 2**32 - 1, np.arange(9)
    rows = [Rows(bubbles, points, footprints), Rows(bubbles[:0], points[:0], footprints[:0])]
    events = np.zeros(3, EVENT)
    events["strength"] = (1.5, np.nan, 300)
    minutes, seconds = np.zeros(5, MINUTE_LEVELS), np.zeros(7, ORDER_CVD)
    minutes["poc"], seconds["small"] = np.arange(5), -np.arange(7)
    alerts = np.zeros(3, ALERT)
    alerts["rule"] = np.arange(3)
    return Snapshot(
        '{"trades": 7}',
        b"state" * 100,
        [rows, rows[::-1]],
        [[events, minutes, seconds, alerts], [events[:0], minutes, seconds[:0], alerts[:1]]],
    )


def test_a_snapshot_is_read_back_complete() -> None:
    snapshot = a_snapshot()
    kept = SnapshotFile(encode("key", snapshot), key="key", charts=2, lods=2)
    assert (kept.note, kept.state()) == (snapshot.note, snapshot.state)
    for chart, lods in enumerate(snapshot.rows):
        assert [rows.tobytes() for rows in kept.logs(chart)] == [rows.tobytes() for rows in snapshot.logs[chart]]
        for lod, rows in enumerate(lods):
            assert kept.count(chart, lod) == len(rows.bubbles)
            assert [one.tobytes() for one in kept.bubbles(chart, lod)] == [rows.bubbles.tobytes(), rows.cvd.tobytes()]
            assert kept.footprint_count(chart, lod) == len(rows.footprints)
            assert kept.footprints(chart, lod).tobytes() == rows.footprints.tobytes()


@pytest.mark.parametrize(("charts", "lods", "key"), [(3, 2, "key"), (2, 3, "key"), (2, 2, "another")])
def test_a_snapshot_of_something_else_is_refused(charts: int, lods: int, key: str) -> None:
    with pytest.raises(SnapshotError):
        SnapshotFile(encode("key", a_snapshot()), key=key, charts=charts, lods=lods)


def test_any_damage_is_detected_when_a_snapshot_is_opened() -> None:
    data = encode("key", a_snapshot())
    rng = random.Random(1)
    for _ in range(600):
        wrong = bytearray(data)
        kind = rng.randrange(3)
        if kind == 0:
            wrong[rng.randrange(len(wrong))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del wrong[rng.randrange(len(wrong)) :]
        else:
            at = rng.randrange(len(wrong))
            wrong[at:at] = rng.randbytes(rng.randint(1, 9))
        with pytest.raises(SnapshotError):
            SnapshotFile(bytes(wrong), key="key", charts=2, lods=2)
    for foreign in (b"", MAGIC, b"hello\n", data[len(MAGIC) :]):
        with pytest.raises(SnapshotError):
            SnapshotFile(foreign, key="key", charts=2, lods=2)


def test_nothing_is_written_beside_a_source_unless_requested(tmp_path: Path) -> None:
    source = tmp_path / "data" / "day.dbn"
    source.parent.mkdir()
    source.write_bytes(b"trades")
    cache = FileCache(own=tmp_path / "own")
    assert cache.put(source, "x", b"kept")
    assert cache.get(source, "x") == b"kept"
    assert list(source.parent.iterdir()) == [source]
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["x"]
    assert FileCache(own=tmp_path / "own", is_beside=True).get(source, "x") == b"kept"
    assert (source.parent / FOLDER / "x").read_bytes() == b"kept", "asked for later, it is put there too"


def test_a_snapshot_that_cannot_be_kept_beside_its_source_goes_to_the_users_folder(tmp_path: Path) -> None:
    source = tmp_path / "data" / "day.dbn"
    source.parent.mkdir()
    source.write_bytes(b"trades")
    (source.parent / FOLDER).write_text("in the way")
    cache = FileCache(own=tmp_path / "own", is_beside=True)
    assert cache.get(source, "x") is None
    assert cache.put(source, "x", b"kept")
    assert cache.get(source, "x") == b"kept"
    assert (tmp_path / "own" / "x").read_bytes() == b"kept"
    (source.parent / FOLDER).unlink()
    assert cache.put(source, "x", b"newer")
    assert cache.get(source, "x") == b"newer", "what lies beside the source comes first"
    assert [path.name for path in (source.parent / FOLDER).iterdir()] == ["x"], "no half-written file is left"


def test_a_read_only_folder_is_left_unchanged(tmp_path: Path) -> None:
    source, cache = tmp_path / "data" / "day.dbn", FileCache(own=tmp_path / "own", is_beside=True)
    source.parent.mkdir()
    source.parent.chmod(0o555)
    assert cache.put(source, "x", b"kept")
    assert list(source.parent.iterdir()) == []
    assert cache.get(source, "x") == b"kept"
    source.parent.chmod(0o755)


def test_if_nothing_can_be_written_nothing_is_kept_and_nothing_raised(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    (tmp_path / "own").write_text("in the way")
    cache = FileCache(own=tmp_path / "own", is_beside=True)
    assert not cache.put(tmp_path / "day.dbn", "x", b"kept")
    assert cache.get(tmp_path / "day.dbn", "x") is None


def test_a_folder_that_grows_too_large_loses_the_least_recently_used(tmp_path: Path) -> None:
    source, cache = tmp_path / "day.dbn", FileCache(own=tmp_path / "own", is_beside=True, most_bytes=3_000)
    for number in range(3):
        cache.put(source, f"{number}", bytes(900))
        os.utime(tmp_path / FOLDER / f"{number}", (number + 1, number + 1))
    assert cache.get(source, "0") is not None
    cache.put(source, "3", bytes(900))
    assert [cache.get(source, f"{number}") is not None for number in range(4)] == [True, False, True, True]


def test_a_file_is_identified_by_name_size_time_beginning_and_end(tmp_path: Path) -> None:
    path = tmp_path / "day.dbn"
    path.write_bytes(bytes(300_000))
    status = path.stat()
    seen = {identity(path)}
    for at in (0, 299_999):
        data = bytearray(300_000)
        data[at] = 1
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        seen.add(identity(path))
    os.utime(path, ns=(0, 0))
    seen.add(identity(path))
    seen.add(identity(path.rename(tmp_path / "other.dbn")))
    assert len(seen) == 5
