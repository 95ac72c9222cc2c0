"""A batch uploads only if its rows differ from those of the previous frame."""

import struct

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flow_gl.gl.api import GL
from flow_gl.gl.batch import Batch
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.kit import Kit

ROW = struct.Struct("<2f")


class Pairs(Batch):
    """A batch of pairs of numbers."""

    def __init__(self, kit: Kit, first_rows: int, counters: FrameCounters | None = None) -> None:
        super().__init__(ROW, first_rows, kit.row_drawing, counters or FrameCounters())

    def put(self, first: float, second: float) -> None:
        self._put(first, second)

    def on_gpu(self) -> bytes:
        """Return the rows that would be drawn, as they are on the GPU."""
        count = self._uploaded * ROW.size
        if not count:
            return b""
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._stream.handle)
        return bytes(np.asarray(GL.glGetBufferSubData(GL.GL_ARRAY_BUFFER, 0, count)).tobytes())


def test_unchanged_rows_are_not_sent_again(kit: Kit) -> None:
    counters = FrameCounters()
    batch = Pairs(kit, 4, counters)
    batch.put(1.0, 2.0)
    rows = batch.take()
    sent = []
    for kept in (rows, rows, bytes(bytearray(rows)), ROW.pack(1.0, 2.5), b"", rows):
        before = counters.overlay_bytes
        batch.add_rows(kept)
        batch.upload()
        sent.append(counters.overlay_bytes - before)
        assert batch.on_gpu() == kept
    assert sent == [ROW.size, 0, 0, ROW.size, 0, ROW.size]
    batch.release()


pieces = st.lists(
    st.one_of(
        st.tuples(st.just("again"), st.integers(0, 3)),
        st.tuples(st.just("put"), st.integers(1, 3)),
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, min_size=1, max_size=8))
def test_the_gpu_always_has_the_rows_of_the_current_frame(kit: Kit, frames: list[list[tuple[str, int]]]) -> None:
    kept = [ROW.pack(float(n), 0.5) * (n + 1) for n in range(4)]
    batch = Pairs(kit, 2)
    number = 100.0
    for frame in frames:
        expected = b""
        for kind, value in frame:
            if kind == "again":
                batch.add_rows(kept[value])
                expected += kept[value]
            else:
                rows = b""
                for _ in range(value):
                    number += 1.0
                    batch.put(number, -number)
                    rows += ROW.pack(number, -number)
                assert batch.take() == rows
                batch.add_rows(rows)
                expected += rows
        batch.upload()
        assert batch.on_gpu() == expected
    batch.release()
