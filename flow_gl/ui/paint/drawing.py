"""Draws Dear ImGui's output: uploaded once per build, drawn in every frame until the next build.

The renderer of the library uploads everything in every frame and queries OpenGL state before changing it. A query waits
for a driver that runs in its own thread (`gl.surface.loading`). This renderer makes no queries. The library still
manages its font texture.
"""

from typing import Final, NamedTuple

import numpy as np
from imgui_bundle import imgui

from flow_gl.gl.api import GL, draw_elements_base_vertex, vertex_attrib_pointer
from flow_gl.gl.buffers import StreamBuffer
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.shaders import Program, shader_folder

_VERTEX_BYTES: Final = imgui.VERTEX_SIZE
_INDEX_BYTES: Final = imgui.INDEX_SIZE
_INDEX_KIND: Final = {2: GL.GL_UNSIGNED_SHORT, 4: GL.GL_UNSIGNED_INT}[_INDEX_BYTES]
_INPUTS: Final = (
    (2, GL.GL_FLOAT, False, imgui.VERTEX_BUFFER_POS_OFFSET),
    (2, GL.GL_FLOAT, False, imgui.VERTEX_BUFFER_UV_OFFSET),
    (4, GL.GL_UNSIGNED_BYTE, True, imgui.VERTEX_BUFFER_COL_OFFSET),
)
"""Of the shader: components, their type, whether they are read as 0..1, where they begin in a vertex."""
_FIRST_BYTES: Final = 1 << 16


class _Part(NamedTuple):
    """Triangles of one draw call, with their clip box and texture.

    `offset` is where their indices begin, bytes; `vertex` the one that they count from.
    """

    box: tuple[int, int, int, int]
    texture: int
    indices: int
    offset: int
    vertex: int


class OverlayDrawing:
    """Draws what Dear ImGui built. A GL context must be current until `release`."""

    def __init__(self) -> None:
        folder = shader_folder()
        self._program: Final = Program(folder / "overlay.vert", folder / "overlay.frag")
        self._array: Final = int(GL.glGenVertexArrays(1))
        # Vertices and indices in one buffer, sent at once: a driver's thread is waited for only once.
        self._stream: Final = StreamBuffer(_FIRST_BYTES, FrameCounters(), target=GL.GL_ELEMENT_ARRAY_BUFFER)
        self._parts: list[_Part] = []
        self._size = (1.0, 1.0)
        """Of the surface, in ImGui's units."""
        GL.glBindVertexArray(self._array)
        for target in (GL.GL_ELEMENT_ARRAY_BUFFER, GL.GL_ARRAY_BUFFER):
            GL.glBindBuffer(target, self._stream.handle)
        for number, (components, kind, is_normed, offset) in enumerate(_INPUTS):
            GL.glEnableVertexAttribArray(number)
            vertex_attrib_pointer(number, components, kind, is_normed, _VERTEX_BYTES, offset)
        GL.glBindVertexArray(0)

    def take(self, data: imgui.ImDrawData) -> None:
        """Upload the output of a build; `draw` draws it from now on."""
        for texture in data.textures:
            if texture.status != imgui.ImTextureStatus.ok:
                imgui.backends.opengl3_update_texture(texture)  # type: ignore[attr-defined]  # not in its stubs
        size, dense = data.display_size, data.framebuffer_scale.x
        self._size = size.x, size.y
        height = int(size.y * dense)
        self._parts.clear()
        first_vertex, indices_at = 0, data.total_vtx_count * _VERTEX_BYTES
        nbytes = indices_at + data.total_idx_count * _INDEX_BYTES
        if not nbytes:
            return
        while nbytes > len(self._stream.memory):
            self._stream.grow()
        for one in data.cmd_lists:
            vertices, indices = one.vtx_buffer, one.idx_buffer
            self._stream.put(first_vertex * _VERTEX_BYTES, vertices.data_address(), vertices.size() * _VERTEX_BYTES)
            self._stream.put(indices_at, indices.data_address(), indices.size() * _INDEX_BYTES)
            for command in one.cmd_buffer:
                box = _box(command.clip_rect, dense, height)
                if command.elem_count and box[2] > 0 and box[3] > 0:
                    offset = indices_at + command.idx_offset * _INDEX_BYTES
                    vertex = first_vertex + command.vtx_offset
                    self._parts.append(_Part(box, command.get_tex_id(), command.elem_count, offset, vertex))
            first_vertex += vertices.size()
            indices_at += indices.size() * _INDEX_BYTES
        GL.glBindVertexArray(self._array)
        self._stream.upload(nbytes)

    def draw(self) -> None:
        """Draw the last upload into the bound framebuffer, which must have the size of the build."""
        if not self._parts:
            return
        self._program.use()
        self._program.set_vec2("u_ndc_per_unit", 2.0 / self._size[0], 2.0 / self._size[1])
        GL.glBindVertexArray(self._array)
        GL.glEnable(GL.GL_SCISSOR_TEST)
        bound = -1
        for box, texture, indices, offset, vertex in self._parts:
            if texture != bound:
                GL.glBindTexture(GL.GL_TEXTURE_2D, texture)
                bound = texture
            GL.glScissor(*box)
            draw_elements_base_vertex(GL.GL_TRIANGLES, indices, _INDEX_KIND, offset, vertex)
        GL.glDisable(GL.GL_SCISSOR_TEST)

    def release(self) -> None:
        self._program.release()
        self._stream.release()
        GL.glDeleteVertexArrays(1, np.array([self._array], np.uint32))


def _box(clip: imgui.ImVec4, dense: float, height: int) -> tuple[int, int, int, int]:
    """Return a part's clip box in OpenGL's framebuffer pixels: left, bottom, width, height."""
    left, right = max(0, int(clip.x * dense)), int(clip.z * dense)
    top, bottom = max(0, int(clip.y * dense)), int(clip.w * dense)
    return left, height - bottom, right - left, bottom - top
