"""A log whose newest rows may be replaced: readers see all old rows or all new ones."""

import numpy as np
import pytest

from flow_gl.core.schema import ORDER_CVD
from flow_gl.store.ring import Ring
from flow_gl.store.row_log import CURRENT_ROWS, MAX_LOOKS, FrozenLogs, RowCursor, RowLog
from flow_gl.store.table import Table


def new_log(capacity: int = 64) -> tuple[RowLog, RowLog]:
    """A log as its writer and as a reader see it."""
    ring = memoryview(bytearray(Ring.nbytes(ORDER_CVD, capacity)))
    table = memoryview(bytearray(Table.nbytes(CURRENT_ROWS)))
    one, other = (RowLog(Ring(ring, ORDER_CVD, capacity), Table(table, CURRENT_ROWS)) for _ in range(2))
    return one, other


def rows(*numbers: int) -> np.ndarray:
    found = np.zeros(len(numbers), ORDER_CVD)
    found["small"] = numbers
    return found


def numbers(cursor: RowCursor) -> list[int]:
    read: list[int] = cursor.read()["small"].tolist()
    return read


def test_rows_are_read_once_and_in_order() -> None:
    writer, reader = new_log()
    cursor = RowCursor(reader)
    writer.append(rows(1, 2))
    assert (cursor.behind, numbers(cursor)) == (2, [1, 2])
    writer.append(rows(3))
    assert (numbers(cursor), numbers(cursor), cursor.behind) == ([3], [], 0)
    assert cursor.renewed() is None


def test_a_replacement_is_read_from_the_first_row_in_force() -> None:
    writer, reader = new_log()
    cursor = RowCursor(reader)
    writer.append(rows(1, 2, 3, 4))
    assert numbers(cursor) == [1, 2, 3, 4]
    writer.replace(2, rows(30, 40, 50), since=7)
    assert (cursor.behind, numbers(cursor)) == (5, []), "nothing until the reader knows of it"
    renewed = cursor.renewed()
    assert renewed is not None
    assert (renewed.since, renewed.replaced - renewed.start, cursor.consumed) == (7, 2, 4)
    assert numbers(cursor) == [1, 2, 30, 40, 50]
    writer.append(rows(60))
    assert numbers(cursor) == [60]
    assert numbers(RowCursor(reader)) == [1, 2, 30, 40, 50, 60], "a new reader sees the rows in force alone"


def test_rows_that_are_not_in_force_yet_are_not_read() -> None:
    writer, reader = new_log()
    cursor = RowCursor(reader)
    writer.append(rows(1, 2))
    writer._ring.append(rows(9))  # half of a replacement
    assert numbers(cursor) == [1, 2]


def test_a_position_can_be_restored_across_a_replacement() -> None:
    writer, reader = new_log()
    cursor = RowCursor(reader)
    writer.append(rows(1, 2, 3))
    cursor.read(1)
    place = cursor.place
    writer.replace(1, rows(30), since=0)
    cursor.renewed()
    cursor.read()
    cursor.place = place
    assert cursor.behind_of(place) == 3
    assert cursor.renewed() is not None
    assert (cursor.consumed, numbers(cursor)) == (1, [1, 2, 30])


def test_rows_that_were_overwritten_are_counted_as_missed() -> None:
    writer, reader = new_log(8)
    cursor = RowCursor(reader)
    for at in range(5):
        writer.append(rows(*range(4 * at, 4 * at + 4)))
    assert (numbers(cursor), cursor.missed) == ([*range(12, 20)], 12)


@pytest.mark.parametrize("count", [0, 2, 6])
def test_a_replacement_keeps_what_fits_half_of_the_ring(count: int) -> None:
    writer, reader = new_log(8)
    writer.append(rows(*range(6)))
    writer.replace(count, rows(100, 101), since=0)
    kept = [*range(6 - count)][-2:]
    assert numbers(RowCursor(reader)) == [*kept, 100, 101]


def three() -> tuple[list[RowLog], FrozenLogs]:
    pairs = [new_log() for _ in range(3)]
    return [writer for writer, _ in pairs], FrozenLogs(*(reader for _, reader in pairs))


def test_logs_that_are_replaced_together_are_seen_before_or_behind_a_replacement() -> None:
    writers, frozen = three()
    cursors = [RowCursor(log) for log in frozen.logs]
    for writer in writers:
        writer.append(rows(1, 2))
    assert [numbers(cursor) for cursor in cursors] == [[], [], []], "nothing before the first look"
    frozen.freeze()
    assert [numbers(cursor) for cursor in cursors] == [[1, 2]] * 3
    for writer in writers:
        frozen.freeze()
        assert [cursor.renewed() for cursor in cursors] == [None] * 3
        assert [log.head for log in frozen.logs] == [2, 2, 2]
        writer.replace(1, rows(20), since=0)
    assert [cursor.renewed() for cursor in cursors] == [None] * 3, "a frame is frozen"
    frozen.freeze()
    assert all(cursor.renewed() for cursor in cursors)
    assert [numbers(cursor) for cursor in cursors] == [[1, 20]] * 3


def test_a_replacement_of_one_log_alone_is_waited_for_and_then_shown() -> None:
    writers, frozen = three()
    frozen.freeze()
    writers[1].replace(0, rows(7), since=0)
    for _ in range(MAX_LOOKS - 1):
        frozen.freeze()
        assert frozen.logs[1].head == 0
    frozen.freeze()
    assert frozen.logs[1].head == 1
    writers[0].append(rows(8))
    frozen.freeze()
    assert frozen.logs[0].head == 1, "what comes later does not wait"


def test_a_frozen_log_shows_no_row_that_came_after_the_look() -> None:
    writers, frozen = three()
    log = frozen.logs[0]
    writers[0].append(rows(1))
    frozen.freeze()
    writers[0].append(rows(2))
    assert (log.oldest, log.head, numbers(RowCursor(log))) == (0, 1, [1])
    frozen.freeze()
    assert log.head == 2
