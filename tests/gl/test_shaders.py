from pathlib import Path

import numpy as np
import pytest

from flow_gl.gl.api import GL
from flow_gl.gl.buffers import RowRing
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.shaders import ShaderError, ShaderLibrary, shader_folder
from flow_gl.layers.labels.counts import COUNT_ROW
from flow_gl.layers.profile_bars import PROFILE_ROW
from flow_gl.layers.rows.block import MAX_FOLDS
from flow_gl.layers.rows.packing import BUBBLE_ROW, CVD_ROW
from flow_gl.layers.stack import ChartStack
from flow_gl.view.frame_scheduler import FrameScheduler

VERTEX = '#version 330 core\n#include "place.glsl"\nvoid main() { gl_Position = place(); }\n'
PLACE = "vec4 place() { return vec4(0.0); }\n"
FRAGMENT = "#version 330 core\nout vec4 color;\nvoid main() { color = vec4(1.0); }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "place.glsl").write_text(PLACE)
    (tmp_path / "thing.vert").write_text(VERTEX)
    (tmp_path / "thing.frag").write_text(FRAGMENT)
    return tmp_path


@pytest.mark.usefixtures("context")
class TestShaders:
    def test_a_program_is_compiled_once_with_its_includes(self, folder: Path) -> None:
        library = ShaderLibrary(folder)
        assert library.program("thing") is library.program("thing")
        assert library.program("thing").handle > 0
        library.release()

    def test_an_error_names_the_file_and_the_line(self, folder: Path) -> None:
        (folder / "thing.frag").write_text(FRAGMENT + "\nnonsense here;\n")
        with pytest.raises(ShaderError, match=r"thing\.frag:5: .*nonsense|thing\.frag:5: syntax error"):
            ShaderLibrary(folder).program("thing")

    def test_an_error_in_an_include_names_the_include(self, folder: Path) -> None:
        (folder / "include" / "place.glsl").write_text("\n\nvec4 place() { return nothing; }\n")
        with pytest.raises(ShaderError, match=r"place\.glsl:3: "):
            ShaderLibrary(folder).program("thing")

    def test_a_missing_include_is_named_with_the_file_that_includes_it(self, folder: Path) -> None:
        (folder / "include" / "place.glsl").unlink()
        with pytest.raises(ShaderError, match=r"thing\.vert:2: included file place\.glsl is missing"):
            ShaderLibrary(folder).program("thing")

    def test_a_broken_shader_keeps_the_last_good_one_on_reload(self, folder: Path) -> None:
        library = ShaderLibrary(folder)
        program = library.program("thing")
        before = program.handle
        _rewrite(folder / "thing.frag", "broken")
        messages = library.reload()
        assert len(messages) == 1
        assert "thing.frag" in messages[0]
        assert program.handle == before
        _rewrite(folder / "thing.frag", FRAGMENT)
        assert library.reload() == []
        assert program.handle > 0
        library.release()

    def test_all_shaders_of_the_chart_are_found_and_compile(self, resources: SharedResources) -> None:
        stack = ChartStack(resources, FrameScheduler())
        stack.setup()
        stack.release()
        assert (shader_folder() / "bubble.vert").is_file()


def _rewrite(path: Path, text: str) -> None:
    import os

    stamp = path.stat().st_mtime + 10
    path.write_text(text)
    os.utime(path, (stamp, stamp))


def test_row_types_are_packed_as_the_shaders_read_them() -> None:
    assert [offset for _, offset in BUBBLE_ROW.fields.values()] == [0, 4, 8, 10, 12, 16, 20, 24, 28]
    assert [COUNT_ROW.fields[name][1] for name in ("place", "box_px", "cell")] == [0, 16, 32]
    assert [offset for _, offset in CVD_ROW.fields.values()] == [0, 4, 12, 16, 20, 24, 28]
    assert PROFILE_ROW.fields["volume"][1] == 0
    assert f"u_folds[{MAX_FOLDS}]" in (shader_folder() / "include" / "view.glsl").read_text(encoding="utf-8")
    assert [dtype.itemsize for dtype in (BUBBLE_ROW, CVD_ROW, COUNT_ROW, PROFILE_ROW)] == [32, 32, 48, 16]


_READ_VERTEX = """#version 330 core
#include "bubble_rows.glsl"
uniform int u_part;
flat out ivec4 v_read;
void main() {
    Bubble bubble = bubble_at(gl_VertexID);
    v_read = u_part == 0 ? ivec4(bubble.bucket, bubble.tick, bubble.part, int(bubble.is_after_gap))
        : u_part == 1 ? ivec4(bubble.close, bubble.high, bubble.low, 0)
        : ivec4(floatBitsToInt(bubble.volume), floatBitsToInt(bubble.imbalance), 0, 0);
    gl_PointSize = 1.0;
    gl_Position = vec4((float(gl_VertexID) + 0.5) / 32.0 - 1.0, 0.0, 0.0, 1.0);
}
"""
_READ_FRAGMENT = """#version 330 core
flat in ivec4 v_read;
out ivec4 read;
void main() { read = v_read; }
"""


def test_a_shader_reads_what_was_packed(resources: SharedResources, tmp_path: Path) -> None:
    (tmp_path / "include").symlink_to(shader_folder() / "include")
    (tmp_path / "read.vert").write_text(_READ_VERTEX)
    (tmp_path / "read.frag").write_text(_READ_FRAGMENT)
    library = ShaderLibrary(tmp_path)
    program = library.program("read")
    counters = FrameCounters()
    ring = RowRing(BUBBLE_ROW, counters)
    ring.reserve(64)
    rng = np.random.default_rng(3)
    rows = np.zeros(64, BUBBLE_ROW)
    for field in ("bucket", "tick", "close", "high", "low"):
        rows[field] = rng.integers(-(2**30) + 1, 2**30 - 1, 64)
    rows["part"], rows["is_after_gap"] = rng.integers(0, 1024, 64), rng.integers(0, 2, 64)
    rows["volume"], rows["imbalance"] = rng.integers(0, 2**24, 64), rng.uniform(-1, 1, 64)
    ring.write(0, rows)
    texture, target = int(GL.glGenTextures(1)), int(GL.glGenFramebuffers(1))
    GL.glBindTexture(GL.GL_TEXTURE_2D, texture)
    GL.glTexImage2D(GL.GL_TEXTURE_2D, 0, GL.GL_RGBA32I, 64, 1, 0, GL.GL_RGBA_INTEGER, GL.GL_INT, None)
    before = int(GL.glGetIntegerv(GL.GL_FRAMEBUFFER_BINDING))
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, target)
    GL.glFramebufferTexture2D(GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, GL.GL_TEXTURE_2D, texture, 0)
    GL.glViewport(0, 0, 64, 1)
    GL.glDisable(GL.GL_BLEND)
    read = []
    resources.begin_draw()
    for part in range(3):
        program.use()
        GL.glUniform1i(program.location("u_part"), part)
        resources.row_drawing.ring_vertices(ring, 0, 64, counters, mode=GL.GL_POINTS, per_row=1)
        out = np.zeros((64, 4), np.int32)
        GL.glReadPixels(0, 0, 64, 1, GL.GL_RGBA_INTEGER, GL.GL_INT, out)
        read.append(out)
    GL.glEnable(GL.GL_BLEND)
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, before)
    GL.glViewport(0, 0, 640, 360)
    GL.glDeleteFramebuffers(1, np.array([target], np.uint32))
    GL.glDeleteTextures(1, np.array([texture], np.uint32))
    ring.release()
    library.release()
    for at, field in enumerate(("bucket", "tick", "part", "is_after_gap")):
        np.testing.assert_array_equal(read[0][:, at], rows[field])
    for at, field in enumerate(("close", "high", "low")):
        np.testing.assert_array_equal(read[1][:, at], rows[field])
    for at, field in enumerate(("volume", "imbalance")):
        np.testing.assert_array_equal(read[2][:, at].copy().view(np.float32), rows[field])
