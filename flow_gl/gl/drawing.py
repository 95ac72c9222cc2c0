"""Rows drawn as quads or points, fetched by their vertex shaders.

Rows are not vertex attributes. Each quad has four vertices in an index buffer that all draws share; the shader derives
row and corner from `gl_VertexID` and reads the row from a buffer texture (rows.glsl). A draw can therefore start at any
row without extra calls, a shader can read neighbouring rows, and vertices fill the driver's batches: instances of four
vertices leave most of a batch idle, on a GPU and in software (benchmarks/frame.md).
"""

from typing import Final

import numpy as np

from flow_gl.gl.api import GL, draw_elements_base_vertex
from flow_gl.gl.buffers import RowRing
from flow_gl.gl.counters import FrameCounters

_MAX_QUADS: Final = 1 << 14
"""Quads per draw: vertex indices have 16 bits."""
_TRIANGLES: Final = GL.GL_TRIANGLES
_SHORT: Final = GL.GL_UNSIGNED_SHORT
_TEXTURE_BUFFER: Final = GL.GL_TEXTURE_BUFFER
_CORNERS: Final = (0, 1, 2, 2, 1, 3)
"""Two triangles over the corners of a strip."""


class RowDrawing:
    """The vertex array and index buffer that all rows of a context are drawn with."""

    def __init__(self) -> None:
        self._array: Final = int(GL.glGenVertexArrays(1))
        self._indices: Final = int(GL.glGenBuffers(1))
        corners = np.add.outer(4 * np.arange(_MAX_QUADS), _CORNERS).astype(np.uint16)
        GL.glBindVertexArray(self._array)
        GL.glBindBuffer(GL.GL_ELEMENT_ARRAY_BUFFER, self._indices)
        GL.glBufferData(GL.GL_ELEMENT_ARRAY_BUFFER, corners.nbytes, corners, GL.GL_STATIC_DRAW)
        GL.glBindVertexArray(0)

    def begin(self) -> None:
        """Bind the vertex array for the draws that follow."""
        GL.glBindVertexArray(self._array)

    def quads(self, texture: int, first: int, count: int, counters: FrameCounters, *, quads_per_row: int = 1) -> None:
        """Draw rows [first, first + count) of a buffer texture. `begin` was called, the program is in use."""
        if count <= 0:
            return
        GL.glBindTexture(_TEXTURE_BUFFER, texture)
        counters.instances += count
        quads = count * quads_per_row
        if quads <= _MAX_QUADS:  # nearly always
            draw_elements_base_vertex(_TRIANGLES, 6 * quads, _SHORT, 0, 4 * first * quads_per_row)
            counters.draw_calls += 1
            return
        begin = first * quads_per_row
        while quads > 0:
            part = quads if quads <= _MAX_QUADS else _MAX_QUADS
            draw_elements_base_vertex(_TRIANGLES, 6 * part, _SHORT, 0, 4 * begin)
            counters.draw_calls += 1
            begin, quads = begin + part, quads - part

    def ring_quads(
        self, ring: RowRing, start: int, stop: int, counters: FrameCounters, *, quads_per_row: int = 1
    ) -> None:
        """Draw positions [start, stop) of a ring, oldest first."""
        first, count = start & (ring.capacity - 1), stop - start
        if 0 < count <= ring.capacity - first:  # nearly always
            self.quads(ring.texture, first, count, counters, quads_per_row=quads_per_row)
            return
        for first, count in ring.segments(start, stop):
            self.quads(ring.texture, first, count, counters, quads_per_row=quads_per_row)

    def ring_vertices(
        self, ring: RowRing, start: int, stop: int, counters: FrameCounters, *, mode: int, per_row: int
    ) -> None:
        """Draw positions [start, stop) of a ring with `per_row` vertices per row: points, or unindexed triangles."""
        for first, count in ring.segments(start, stop):
            GL.glBindTexture(GL.GL_TEXTURE_BUFFER, ring.texture)
            GL.glDrawArrays(mode, first * per_row, count * per_row)
            counters.draw_calls += 1
            counters.instances += count

    def release(self) -> None:
        GL.glDeleteVertexArrays(1, np.array([self._array], np.uint32))
        GL.glDeleteBuffers(1, np.array([self._indices], np.uint32))
