"""Blocks of a replay's index are decoded once, ahead where possible, and dropped with the index that they belong to."""

import threading

import pytest

from flow_gl.core.errors import DataError
from flow_gl.core.items import Item, Mapping
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.units import SECOND_NS
from flow_gl.runtime.seek.blocks import Blocks


class Decoder:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self.is_damaged = False

    def __call__(self, segment: int, block: int) -> list[Item]:
        self.asked.append((segment, block))
        self.threads.add(threading.get_ident())
        if self.is_damaged:
            raise DataError("damaged")
        return [Mapping(segment, str(block))]


def test_a_block_is_decoded_once_and_on_another_thread() -> None:
    decoder = Decoder()
    blocks = Blocks(decoder)
    blocks.decode_ahead(2, 5)
    blocks.decode_ahead(2, 5)
    assert blocks.items(2, 5) == blocks.items(2, 5) == [Mapping(2, "5")]
    assert decoder.asked == [(2, 5)]
    assert threading.get_ident() not in decoder.threads
    blocks.close()


def test_the_blocks_that_were_used_last_are_kept() -> None:
    decoder = Decoder()
    blocks = Blocks(decoder)
    for block in (0, 1, 2, 0, 3, 4):
        blocks.items(0, block)
    decoder.asked.clear()
    for block in (0, 2, 3, 4, 1):
        blocks.items(0, block)
    assert decoder.asked == [(0, 1)]
    blocks.close()


def test_a_block_that_cannot_be_read_is_tried_again() -> None:
    decoder = Decoder()
    blocks = Blocks(decoder)
    decoder.is_damaged = True
    blocks.decode_ahead(0, 0)
    with pytest.raises(DataError, match="damaged"):
        blocks.items(0, 0)
    decoder.is_damaged = False
    assert blocks.items(0, 0) == [Mapping(0, "0")]
    blocks.close()


def test_closed_blocks_are_dropped_and_can_be_read_on() -> None:
    decoder = Decoder()
    blocks = Blocks(decoder)
    blocks.items(0, 0)
    blocks.close()
    blocks.close()
    assert blocks.items(0, 0) == [Mapping(0, "0")]
    assert decoder.asked == [(0, 0)] * 2
    blocks.close()


def test_threads_that_share_a_calendar_get_its_sessions() -> None:
    times = [(1_104_537_600 + 31_556_952 * years) * SECOND_NS for years in range(20)]
    alone = SessionCalendar()
    expected = [alone.session_at(ts) for ts in times]
    shared = SessionCalendar()
    found: list[list[object]] = [[] for _ in range(4)]

    def look(number: int) -> None:
        found[number] = [shared.session_at(ts) for ts in (times if number % 2 else times[::-1])]

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected if number % 2 else expected[::-1] for number in range(4)]
