"""The reading thread: the same bytes, the same damage, and no thread left after reading stops."""

import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from market_files import frames, header, read, write

from flow_gl.feed.files import trade_file
from flow_gl.feed.files.read_ahead import read_ahead
from flow_gl.feed.files.replay import read_items
from tests.kit.trades import make_trades


def reading_threads() -> int:
    return sum(thread.name == "read-ahead" for thread in threading.enumerate())


def source(count: int, error: BaseException | None = None) -> Iterator[bytes]:
    for number in range(count):
        yield number.to_bytes(4, "little") * 25_000
    if error:
        raise error


@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_the_same_chunks_come_in_the_same_order(count: int) -> None:
    assert list(read_ahead(source(count))) == list(source(count))
    assert reading_threads() == 0


@pytest.mark.parametrize("count", [0, 7, 100])
def test_an_error_of_the_source_is_raised_after_everything_before_it(count: int) -> None:
    chunks: list[bytes] = []
    with pytest.raises(OSError, match="worn out"):
        chunks.extend(read_ahead(source(count, OSError("worn out"))))
    assert chunks == list(source(count))
    assert reading_threads() == 0


@pytest.mark.parametrize("taken", [0, 1, 30])
def test_the_thread_ends_when_the_reader_is_closed(taken: int) -> None:
    chunks = read_ahead(source(1_000))
    assert len(list(islice(chunks, taken))) == taken
    chunks.close()
    assert reading_threads() == 0


def test_damage_is_the_same_with_and_without_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(frames(header() + make_trades(60_000).tobytes(), parts=3))
    data[len(data) // 2] ^= 0xFF
    path = write(tmp_path / "x.dbn.zst", bytes(data))
    monkeypatch.setattr(trade_file, "_READ_AHEAD_BYTES", 1 << 40)
    without = read(path)
    monkeypatch.setattr(trade_file, "_READ_AHEAD_BYTES", 0)
    ahead = read(path)
    assert ahead[0].tobytes() == without[0].tobytes()
    assert ahead[2] == without[2]
    assert len(ahead[2]) == 1
    assert reading_threads() == 0


def test_a_sequence_closed_early_leaves_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_file, "_READ_AHEAD_BYTES", 0)
    path = write(tmp_path / "x.dbn.zst", frames(header() + make_trades(200_000).tobytes()))
    items = read_items([path])
    next(iter(items))
    items.close()
    assert reading_threads() == 0
