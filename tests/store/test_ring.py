"""Rings and tables in one process: a reader gets what was written, or knows that it is missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.store.ring import HEADER_BYTES, Cursor, Ring, missing
from flow_gl.store.table import Table

ROW = np.dtype([("value", "<i8"), ("square", "<i8")])
_WITH_ID = np.dtype([("id", "<i8"), ("high", "<i8")])


def rows(start: int, count: int) -> np.ndarray:
    """Make rows from whose contents one can tell whether they are complete."""
    made = np.zeros(count, ROW)
    made["value"] = np.arange(start, start + count)
    made["square"] = made["value"] ** 2
    return made


def new_ring(capacity: int) -> Ring:
    return Ring(memoryview(bytearray(Ring.nbytes(ROW, capacity))), ROW, capacity)


@given(st.lists(st.integers(0, 40), max_size=30), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_a_cursor_gets_each_row_once_and_counts_those_it_missed(batches: list[int], reads: list[int]) -> None:
    ring, written = new_ring(16), 0
    cursor = Cursor(ring)
    seen: list[int] = []
    for index, count in enumerate(batches):
        ring.append(rows(written, count))
        written += count
        if index % 2:
            got = cursor.read(reads[index % len(reads)])
            assert (got["square"] == got["value"] ** 2).all()
            seen += got["value"].tolist()
    while len(got := cursor.read()):
        seen += got["value"].tolist()
    assert seen == sorted(set(seen))
    assert len(seen) + cursor.missed == written == ring.head == cursor.position
    assert seen[-16:] == list(range(written))[-16:]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=40))
def test_rows_written_in_place_are_read_like_appended_ones(batches: list[tuple[bool, int]]) -> None:
    ring, written = new_ring(16), 0
    cursor = Cursor(ring)
    seen: list[int] = []
    for in_place, count in batches:
        if in_place:
            room = ring.claim(count)
            made = min(len(room), count // 2)
            room[:made] = rows(written, made)
            room["square"][made : made + 1] = -1  # started, not published
            assert ring.oldest >= written + len(room) - 16
            ring.publish(made)
        else:
            made = count
            ring.append(rows(written, made))
        written += made
        assert ring.head == written
        got = cursor.read()
        assert (got["square"] == got["value"] ** 2).all()
        seen += got["value"].tolist()
    assert len(seen) + cursor.missed == written == cursor.position
    _, kept = ring.read(0, written)
    assert kept["value"].tolist() == list(range(written))[-len(kept) or written :]
    assert len(kept) >= min(written, 15)
    assert (kept["square"] == kept["value"] ** 2).all()


def test_claimed_room_ends_at_the_end_of_the_ring() -> None:
    ring = new_ring(16)
    ring.append(rows(0, 11))
    assert len(ring.claim(100)) == 5
    ring.publish(5)
    assert len(ring.claim(100)) == 16
    ring.publish(0)
    assert ring.head == 16


@given(st.integers(0, 100), st.integers(0, 60), st.integers(0, 60))
def test_reading_any_range_gives_complete_rows(written: int, start: int, length: int) -> None:
    ring = new_ring(32)
    ring.append(rows(0, written))
    first, got = ring.read(start, start + length)
    expected = [value for value in range(start, start + length) if written - 32 <= value < written]
    assert got["value"].tolist() == expected
    assert not expected or first == expected[0]


@given(st.integers(0, 100), st.integers(0, 32))
def test_segments_are_at_most_two_views_in_order(written: int, length: int) -> None:
    ring = new_ring(32)
    ring.append(rows(0, written))
    start = max(0, written - length)
    parts = ring.segments(start, written)
    assert len(parts) <= 2
    assert [value for part in parts for value in part["value"].tolist()] == list(range(start, written))
    assert all(part.base is not None for part in parts)


def claim(memory: memoryview, rows: int) -> None:
    """Set the first counter of a header, as a writer does before writing."""
    np.frombuffer(memory, np.int64, count=1)[0] = rows


@given(st.integers(0, 60), st.integers(-3, 70))
def test_a_row_in_place_is_the_one_at_its_position_or_none(written: int, position: int) -> None:
    ring = new_ring(16)
    ring.append(rows(0, written))
    row = ring.row(position)
    if max(0, written - 16) <= position < written:
        assert row is not None
        assert row["value"] == position
    else:
        assert row is None


def test_a_row_being_overwritten_is_not_returned() -> None:
    memory = memoryview(bytearray(Ring.nbytes(ROW, 8)))
    ring = Ring(memory, ROW, 8)
    ring.append(rows(0, 8))
    claim(memory, 11)  # a writer that claimed three more rows and died while writing them
    ring.rows[0]["value"] = 99
    first, got = ring.read(0, 8)
    assert first == 3
    assert got["value"].tolist() == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("capacity", [0, -8, 3, 100])
def test_a_capacity_that_is_not_a_power_of_two_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match=f"power of two, was {capacity}"):
        Ring(memoryview(bytearray(10_000)), ROW, capacity)


def test_a_table_gives_the_newest_record_under_its_version() -> None:
    table = Table(memoryview(bytearray(Table.nbytes(ROW))), ROW)
    out = np.zeros(1, ROW)
    assert table.read(out) == 0
    for version in range(1, 6):
        table.write(rows(version, 1))
        assert table.read(out) == version == table.version
        assert out["value"][0] == version


def test_a_table_whose_writer_died_midway_still_gives_the_last_complete_record() -> None:
    memory = memoryview(bytearray(Table.nbytes(ROW)))
    table = Table(memory, ROW)
    table.write(rows(1, 1))
    table.write(rows(2, 1))
    claim(memory, 3)  # claimed the third, wrote part of it, died
    np.frombuffer(memory, ROW, count=1, offset=HEADER_BYTES)["value"] = 99
    out = np.zeros(1, ROW)
    assert table.read(out) == 2
    assert out["value"][0] == 2


@pytest.mark.parametrize("head", [3, 8, 11, 29])
def test_a_restored_ring_is_the_ring_that_took_the_rows(head: int) -> None:
    ring, again = (Ring(memoryview(bytearray(Ring.nbytes(ROW, 8))), ROW, 8) for _ in range(2))
    every = np.concatenate([rows(number, 1) for number in range(head)])
    for start in range(0, head, 3):
        ring.append(every[start : start + 3])
    again.restore(head, [every[:2], every[2:5], every[5:]])
    assert (again.head, again.oldest) == (ring.head, ring.oldest)
    assert again.read(again.oldest, head)[1].tobytes() == ring.read(ring.oldest, head)[1].tobytes()
    for one in (ring, again):
        one.append(rows(99, 2))
    assert again.read(again.oldest, head + 2)[1].tobytes() == ring.read(ring.oldest, head + 2)[1].tobytes()


def test_a_ring_is_not_restored_from_fewer_rows_than_it_has_room_for() -> None:
    ring = Ring(memoryview(bytearray(Ring.nbytes(ROW, 8))), ROW, 8)
    with pytest.raises(ValueError, match="rows from position 12 on are needed, was 15"):
        ring.restore(20, [rows(1, 5)])
    assert ring.head == 0


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 3))
def test_a_ring_that_was_filled_ahead_is_restored_as_a_new_one(held: int, head: int, cut: int) -> None:
    ring, expected = new_ring(16), new_ring(16)
    ring.place(held, [rows(0, held)])
    assert (ring.head, ring.claimed) == (0, 0), "readers see nothing of it yet"
    parts = [rows(0, head // (cut + 1)), rows(head // (cut + 1), head - head // (cut + 1))]
    ring.restore(head, parts, held)
    expected.restore(head, parts)
    assert (ring.head, ring.claimed, ring.oldest) == (expected.head, expected.claimed, expected.oldest)
    assert ring.read(ring.oldest, head)[1].tobytes() == expected.read(expected.oldest, head)[1].tobytes()
    # What is read is what was missing, and no more than that.
    first, last = missing(head, 16, held)
    again = new_ring(16)
    again.place(held, [rows(0, held)])
    again.restore(head, [rows(first, head - first)] if last > first else [], held)
    assert again.read(again.oldest, head)[1].tobytes() == expected.read(expected.oldest, head)[1].tobytes()


@given(st.integers(0, 60), st.lists(st.integers(-3, 130), max_size=12))
def test_many_positions_are_found_as_each_of_them_is(head: int, wanted: list[int]) -> None:
    ring = Ring(memoryview(bytearray(Ring.nbytes(_WITH_ID, 16))), _WITH_ID, 16)
    rows = np.zeros(head, _WITH_ID)
    rows["id"], rows["high"] = 2 * np.arange(head), np.arange(head)
    ring.append(rows)
    for seen in {head, max(0, head - 3) if head <= 16 else head}:
        found = ring.positions_of(np.array(wanted, np.int64), seen)
        assert found.tolist() == [ring.position_of(row_id, seen) for row_id in wanted]
    kept = np.arange(max(0, head - 16), head)
    assert ring.column("high", kept).tolist() == kept.tolist()
