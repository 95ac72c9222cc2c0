"""The cost of drawing a row as a quad: as an instance, by vertex pulling with indices, and by pulling without them.

Four programs and buffers of rows alternate, as the layers of a chart do. The target is a corner of 64x36 pixels, so the
rasteriser has almost nothing to fill. Prints the processor time per draw in microseconds, the median of 200 rounds, by
number of rows.
"""

import ctypes
import time
from collections.abc import Callable

import numpy as np

from flow_gl.gl.api import GL, draw_elements_base_vertex
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.gl.surface.offscreen import Offscreen

ROWS, WAYS = 4096, 4
FRAGMENT = "in vec2 local; flat in float width; out vec4 color; void main() { color = vec4(local, width, 1.0); }"
LINE = """
out vec2 local; flat out float width;
void main() {
    FETCH
    vec2 p = vec2(a.x * 0.3, 300.0 + a.y * 0.02), q = vec2(b.x * 0.3, 300.0 + b.y * 0.02);
    width = length(q - p);
    vec2 along = width > 0.0 ? (q - p) / width : vec2(1.0, 0.0);
    local = vec2((CORNER & 1) == 0 ? -2.0 : width + 2.0, (CORNER & 2) == 0 ? -2.0 : 2.0);
    vec2 px = p + along * local.x + vec2(-along.y, along.x) * local.y;
    gl_Position = vec4(px / vec2(640.0, 360.0) - 1.0, 0.0, 1.0);
}
"""
PULL = "int row = gl_VertexID / N; ivec3 a = texelFetch(rows, row).xyz, b = texelFetch(rows, row + 1).xyz;"
SIX = "(gl_VertexID % 6 == 0 ? 0 : gl_VertexID % 6 == 5 ? 3 : gl_VertexID % 6 == 1 || gl_VertexID % 6 == 4 ? 1 : 2)"


def program(inputs: str, fetch: str, corner: str, number: int) -> int:
    """Compile a program that differs from all others, so that no cached one is used."""
    handle = int(GL.glCreateProgram())
    vertex = f"{inputs}\n{LINE.replace('FETCH', fetch).replace('CORNER', corner)}"
    for kind, text in ((GL.GL_VERTEX_SHADER, vertex), (GL.GL_FRAGMENT_SHADER, FRAGMENT)):
        shader = int(GL.glCreateShader(kind))
        GL.glShaderSource(shader, f"#version 330 core\n// {number}\n{text}")
        GL.glCompileShader(shader)
        GL.glAttachShader(handle, shader)
    GL.glLinkProgram(handle)
    if not GL.glGetProgramiv(handle, GL.GL_LINK_STATUS):
        raise RuntimeError(GL.glGetProgramInfoLog(handle))
    return handle


def buffers() -> tuple[list[int], list[int]]:
    """Return the rows in both forms: vertex arrays that have them as instances, and buffer textures."""
    rows = np.zeros((ROWS, 4), np.int32)
    rows[:, 0] = np.arange(ROWS)
    rows[:, 1] = np.cumsum(np.random.default_rng(1).integers(-50, 50, ROWS))
    arrays, textures = [], []
    for _ in range(WAYS):
        buffer, array, texture = (int(make(1)) for make in (GL.glGenBuffers, GL.glGenVertexArrays, GL.glGenTextures))
        GL.glBindVertexArray(array)
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, buffer)
        GL.glBufferData(GL.GL_ARRAY_BUFFER, rows.nbytes, rows, GL.GL_STATIC_DRAW)
        for location in range(2):
            GL.glEnableVertexAttribArray(location)
            GL.glVertexAttribIPointer(location, 3, GL.GL_INT, 16, ctypes.c_void_p(16 * location))
            GL.glVertexAttribDivisor(location, 1)
        GL.glBindTexture(GL.GL_TEXTURE_BUFFER, texture)
        GL.glTexBuffer(GL.GL_TEXTURE_BUFFER, GL.GL_RGBA32I, buffer)
        arrays.append(array)
        textures.append(texture)
    return arrays, textures


def main() -> None:
    """Measure all three and print the results."""
    context = HeadlessContext(1280, 720)
    corner = Offscreen(64, 36)
    corner.bind()
    GL.glViewport(0, 0, 1280, 720)
    pulled = "uniform isamplerBuffer rows;"
    instanced = "layout(location = 0) in ivec3 a; layout(location = 1) in ivec3 b;"
    range_ = range(WAYS)
    by_instance = [program(instanced, "", "gl_VertexID", n) for n in range_]
    by_index = [program(pulled, PULL.replace("N", "4"), "(gl_VertexID & 3)", n) for n in range_]
    by_six = [program(pulled, PULL.replace("N", "6"), SIX, n) for n in range_]
    arrays, textures = buffers()
    bare = int(GL.glGenVertexArrays(1))
    GL.glBindVertexArray(bare)
    indices = np.add.outer(4 * np.arange(ROWS), (0, 1, 2, 2, 1, 3)).astype(np.uint16)
    GL.glBindBuffer(GL.GL_ELEMENT_ARRAY_BUFFER, int(GL.glGenBuffers(1)))
    GL.glBufferData(GL.GL_ELEMENT_ARRAY_BUFFER, indices.nbytes, indices, GL.GL_STATIC_DRAW)

    def instances(n: int, way: int) -> None:
        GL.glUseProgram(by_instance[way])
        GL.glBindVertexArray(arrays[way])
        GL.glDrawArraysInstanced(GL.GL_TRIANGLE_STRIP, 0, 4, n)

    def indexed(n: int, way: int) -> None:
        GL.glUseProgram(by_index[way])
        GL.glBindVertexArray(bare)
        GL.glBindTexture(GL.GL_TEXTURE_BUFFER, textures[way])
        draw_elements_base_vertex(GL.GL_TRIANGLES, 6 * n, GL.GL_UNSIGNED_SHORT, 0, 0)

    def six(n: int, way: int) -> None:
        GL.glUseProgram(by_six[way])
        GL.glBindVertexArray(bare)
        GL.glBindTexture(GL.GL_TEXTURE_BUFFER, textures[way])
        GL.glDrawArrays(GL.GL_TRIANGLES, 0, 6 * n)

    draws: dict[str, Callable[[int, int], None]] = {"instances": instances, "indexed": indexed, "six vertices": six}
    print("rows".rjust(6), *(name.rjust(14) for name in draws))
    for n in (1, 40, 160, 1000):
        spent: dict[str, list[float]] = {name: [] for name in draws}
        for _ in range(200):
            for name, draw in draws.items():
                GL.glClear(GL.GL_COLOR_BUFFER_BIT)
                start = time.thread_time()
                for way in range_:
                    draw(n, way)
                spent[name].append((time.thread_time() - start) * 1e6 / WAYS)
                GL.glFinish()
        print(f"{n:6}", *(f"{float(np.median(times)):14.1f}" for times in spent.values()))
    corner.release()
    context.close()


if __name__ == "__main__":
    main()
