"""A batch uploads only if its rows differ from those of the previous frame."""

import struct

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flow_gl.gl.api import GL
from flow_gl.gl.batch import Batch
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources

ROW = struct.Struct("<2f")


class Pairs(Batch):
    """A batch of pairs of numbers."""

    def __init__(self, resources: SharedResources, first_rows: int, counters: FrameCounters | None = None) -> None:
        super().__init__(2, first_rows, resources.row_drawing, counters or FrameCounters())

    def put(self, *pairs: tuple[float, float]) -> None:
        for pair in pairs:
            self._values += pair

    def put_array(self, *pairs: tuple[float, float]) -> None:
        self._put_many(np.array(pairs, np.float32))

    def on_gpu(self) -> bytes:
        """Return the rows that would be drawn, as they are on the GPU."""
        count = self._uploaded * ROW.size
        if not count:
            return b""
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._stream.handle)
        return bytes(np.asarray(GL.glGetBufferSubData(GL.GL_ARRAY_BUFFER, 0, count)).tobytes())


def packed(*pairs: tuple[float, float]) -> bytes:
    return b"".join(ROW.pack(*pair) for pair in pairs)


def test_unchanged_rows_are_not_sent_again(resources: SharedResources) -> None:
    counters = FrameCounters()
    batch = Pairs(resources, 4, counters)
    sent = []
    for pairs in ([(1.0, 2.0)], [(1.0, 2.0)], [(1.0, 2.5)], [], [(1.0, 2.0)]):
        before = counters.overlay_bytes
        batch.put(*pairs)
        batch.upload()
        sent.append(counters.overlay_bytes - before)
        assert batch.on_gpu() == packed(*pairs)
    assert sent == [ROW.size, 0, ROW.size, 0, ROW.size]
    batch.release()


def test_a_slot_keeps_its_rows_and_its_place(resources: SharedResources) -> None:
    counters = FrameCounters()
    batch = Pairs(resources, 4, counters)
    first, second = batch.add_slot(), batch.add_slot()
    batch.put((3.0, 4.0))
    batch.keep(second)
    batch.put((1.0, 2.0))
    batch.keep(first)
    batch.upload()
    assert batch.on_gpu() == packed((1.0, 2.0), (3.0, 4.0))
    before = counters.overlay_bytes
    batch.put((1.0, 2.0))
    batch.keep(first)
    batch.upload()
    assert counters.overlay_bytes == before  # the same rows again
    batch.keep(first)
    batch.upload()
    assert batch.on_gpu() == packed((3.0, 4.0))
    batch.release()


pair = st.tuples(st.integers(0, 3).map(float), st.just(0.5))
pairs = st.lists(pair, max_size=3)
steps = st.lists(st.tuples(st.sampled_from([0, 1, 2, None]), pairs, pairs), max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=8))
def test_the_gpu_always_has_the_rows_of_the_current_frame(
    resources: SharedResources,
    frames: list[list[tuple[int | None, list[tuple[float, float]], list[tuple[float, float]]]]],
) -> None:
    batch = Pairs(resources, 2)
    kept = {batch.add_slot(): b"" for _ in range(3)}
    for frame in frames:
        loose = b""
        for slot, one_by_one, together in frame:
            batch.put(*one_by_one)
            if together:
                batch.put_array(*together)
            loose += packed(*one_by_one, *together)
            if slot is not None:
                batch.keep(slot)
                kept[slot], loose = loose, b""
        batch.upload()
        assert batch.on_gpu() == b"".join(kept.values()) + loose
    batch.release()
