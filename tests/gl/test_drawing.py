"""A range of rows of any length is drawn correctly, wherever the ring wraps."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.gl.api import GL, clear
from flow_gl.gl.buffers import RowRing
from flow_gl.gl.capture import read_picture
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.shaders import Program, ShaderLibrary, shader_folder
from tests.kit.gl_context import HEIGHT, WIDTH

ROW = np.dtype([("pixel", "<i4"), ("unused", "<i4", (3,))])
VERTEX = """#version 330 core
#include "rows.glsl"
uniform int u_vertices;         // of a row
void main() {
    int row = gl_VertexID / u_vertices;
    int pixel = texelFetch(u_rows, row).x;
    vec2 corner = u_vertices == 1 ? vec2(0.5) : corner_of(gl_VertexID);
    gl_PointSize = 1.0;
    gl_Position = vec4((vec2(pixel % 640, pixel / 640) + corner) / vec2(320.0, 180.0) - 1.0, 0.0, 1.0);
}
"""
FRAGMENT = """#version 330 core
out vec4 color;
void main() { color = vec4(1.0, 1.0, 1.0, 0.5); }
"""


@pytest.fixture
def program(resources: SharedResources, tmp_path: Path) -> Iterator[Program]:
    assert resources.row_drawing
    (tmp_path / "include").symlink_to(shader_folder() / "include")
    (tmp_path / "dot.vert").write_text(VERTEX)
    (tmp_path / "dot.frag").write_text(FRAGMENT)
    library = ShaderLibrary(tmp_path)
    yield library.program("dot")
    library.release()


def filled(capacity: int, start: int, stop: int) -> RowRing:
    """A ring in which row p lights pixel p modulo the picture's number of pixels."""
    ring = RowRing(ROW, FrameCounters())
    ring.reserve(capacity)
    rows = np.zeros(stop - start, ROW)
    rows["pixel"] = np.arange(start, stop) % (WIDTH * HEIGHT)
    ring.restart(start)
    ring.write(start, rows)
    return ring


def begin(resources: SharedResources, program: Program, vertices: int) -> FrameCounters:
    clear((0.0, 0.0, 0.0))
    resources.begin_draw()
    program.use()
    GL.glUniform1i(program.location("u_vertices"), vertices)
    return FrameCounters()


def lit() -> NDArray[np.int64]:
    """Return, for each pixel in order, how often it was drawn."""
    strength = read_picture(WIDTH, HEIGHT)[::-1, :, 0].ravel()
    return np.searchsorted([100, 170], strength)


@pytest.mark.parametrize(
    ("start", "stop", "draws"),
    [(0, 1, 1), (3, 700, 1), (0, 16_384, 1), (5, 16_390, 2), (40_000, 100_001, 4), (120_000, 140_000, 2), (9, 9, 0)],
)
def test_a_range_of_quads_is_drawn_once_each(
    resources: SharedResources, program: Program, start: int, stop: int, draws: int
) -> None:
    ring = filled(131_072, max(0, stop - 131_072), stop)  # wraps at 131,072
    counters = begin(resources, program, 4)
    resources.row_drawing.ring_quads(ring, start, stop, counters)
    expected = np.zeros(WIDTH * HEIGHT, np.int64)
    expected[start:stop] = 1
    np.testing.assert_array_equal(lit(), expected)
    assert (counters.draw_calls, counters.instances) == (draws, stop - start)
    ring.release()


def test_with_two_quads_per_row_each_row_is_drawn_twice(resources: SharedResources, program: Program) -> None:
    ring = filled(65_536, 0, 20_000)
    counters = begin(resources, program, 8)
    resources.row_drawing.ring_quads(ring, 10, 20_000, counters, quads_per_row=2)
    expected = np.zeros(WIDTH * HEIGHT, np.int64)
    expected[10:20_000] = 2
    np.testing.assert_array_equal(lit(), expected)
    assert (counters.draw_calls, counters.instances) == (3, 19_990)
    ring.release()


def test_points_are_drawn_across_the_end_of_the_ring(resources: SharedResources, program: Program) -> None:
    ring = filled(1024, 1000, 1900)
    counters = begin(resources, program, 1)
    resources.row_drawing.ring_vertices(ring, 1001, 1900, counters, mode=GL.GL_POINTS, per_row=1)
    expected = np.zeros(WIDTH * HEIGHT, np.int64)
    expected[1001:1900] = 1
    np.testing.assert_array_equal(lit(), expected)
    assert counters.draw_calls == 2
    ring.release()


def test_a_row_is_a_whole_number_of_texels() -> None:
    with pytest.raises(ValueError, match="multiple of 16 bytes"):
        RowRing(np.dtype([("a", "<i4")]), FrameCounters())
