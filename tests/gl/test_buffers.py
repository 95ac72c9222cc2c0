import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flow_gl.gl.api import GL
from flow_gl.gl.buffers import RowRing, StreamBuffer
from flow_gl.gl.counters import FrameCounters

ROW = np.dtype([("position", "<i4"), ("value", "<f4"), ("unused", "<i4", (2,))])
pytestmark = pytest.mark.usefixtures("context")


def rows(start: int, stop: int) -> NDArray[np.void]:
    made = np.zeros(stop - start, ROW)
    made["position"] = np.arange(start, stop)
    made["value"] = made["position"] * 0.5
    return made


def on_gpu(ring: RowRing) -> NDArray[np.void]:
    GL.glBindBuffer(GL.GL_ARRAY_BUFFER, ring.handle)
    out = np.zeros((ring.capacity + 1) * ROW.itemsize, np.uint8)
    GL.glGetBufferSubData(GL.GL_ARRAY_BUFFER, 0, out.nbytes, out)
    return out.view(ROW)


def test_appending_one_row_uploads_one_row() -> None:
    counters = FrameCounters()
    ring = RowRing(ROW, counters)
    ring.reserve(100)
    ring.write(0, rows(0, 100))
    counters.reset()
    ring.write(100, rows(100, 101))
    assert counters.uploaded_bytes == ROW.itemsize
    ring.release()


@settings(max_examples=25)
@given(batches=st.lists(st.integers(1, 900), min_size=1, max_size=8), first=st.integers(0, 5000))
def test_a_wrapped_ring_holds_the_newest_rows_in_order(batches: list[int], first: int) -> None:
    ring = RowRing(ROW, FrameCounters())
    ring.reserve(1024)
    position = first
    for count in batches:
        ring.write(position, rows(position, position + count))
        position += count
    start = max(first, position - ring.capacity)
    content = on_gpu(ring)
    in_order = [content["position"][slot : slot + count] for slot, count in ring.segments(start, position)]
    assert len(in_order) <= 2
    np.testing.assert_array_equal(np.concatenate(in_order), np.arange(start, position))
    ring.release()


def test_the_slot_after_the_last_repeats_the_first() -> None:
    ring = RowRing(ROW, FrameCounters())
    ring.reserve(1024)
    ring.write(0, rows(0, 1024))
    assert on_gpu(ring)["position"][1024] == 0
    ring.write(1020, rows(1020, 1030))
    assert on_gpu(ring)["position"][1024] == 1024
    ring.release()


@pytest.mark.parametrize("first", [0, 700, 1024, 5000])
def test_growing_keeps_the_rows(first: int) -> None:
    ring = RowRing(ROW, FrameCounters())
    ring.reserve(1000)
    ring.restart(first)
    ring.write(first, rows(first, first + 1000))
    ring.hi = first + 1000
    ring.reserve(3000)
    assert ring.capacity == 4096
    content = on_gpu(ring)
    kept = np.concatenate([content["position"][slot : slot + n] for slot, n in ring.segments(first, first + 1000)])
    np.testing.assert_array_equal(kept, np.arange(first, first + 1000))
    ring.release()


def test_a_stream_buffer_grows_and_keeps_what_was_written() -> None:
    stream = StreamBuffer(16, FrameCounters())
    stream.memory[:4] = b"abcd"
    stream.grow()
    assert len(stream.memory) == 32
    assert bytes(stream.memory[:4]) == b"abcd"
    stream.upload(32)
    stream.release()
