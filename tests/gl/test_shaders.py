from pathlib import Path

import pytest

from flow_gl.gl.api import GL
from flow_gl.gl.kit import Kit
from flow_gl.gl.shaders import ShaderError, ShaderLibrary, shader_folder
from flow_gl.layers.counts import COUNT_INSTANCE
from flow_gl.layers.profile import PROFILE_INSTANCE
from flow_gl.layers.rows import BUBBLE_INSTANCE, CVD_INSTANCE
from flow_gl.layers.stack import ChartStack

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

    def test_a_missing_include_is_named_with_who_asked_for_it(self, folder: Path) -> None:
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

    def test_all_shaders_of_the_chart_are_found_and_compile(self, kit: Kit) -> None:
        stack = ChartStack(kit)
        stack.setup()
        stack.release()
        assert (shader_folder() / "bubble.vert").is_file()


def _rewrite(path: Path, text: str) -> None:
    import os

    stamp = path.stat().st_mtime + 10
    path.write_text(text)
    os.utime(path, (stamp, stamp))


@pytest.mark.parametrize(
    ("program", "fragment", "dtype", "inputs"),
    [
        ("bubble", None, BUBBLE_INSTANCE, {"place": (0, "GL_INT_VEC2"), "sides": (1, "GL_FLOAT_VEC3")}),
        (
            "path",
            None,
            BUBBLE_INSTANCE,
            {
                "place": (0, "GL_INT_VEC2"),
                "span": (1, "GL_INT_VEC4"),
                "next_place": (2, "GL_INT_VEC2"),
                "next_span": (3, "GL_INT_VEC4"),
            },
        ),
        ("cvd_area", None, CVD_INSTANCE, {"point": (0, "GL_INT_VEC3"), "next_point": (1, "GL_INT_VEC3")}),
        ("cvd_line", None, CVD_INSTANCE, {"point": (0, "GL_INT_VEC3"), "next_point": (1, "GL_INT_VEC3")}),
        ("profile", None, PROFILE_INSTANCE, {"volume": (0, "GL_FLOAT_VEC3")}),
        (
            "count",
            "text",
            COUNT_INSTANCE,
            {"place": (0, "GL_INT_VEC2"), "offset_px": (1, "GL_FLOAT_VEC4"), "cell": (2, "GL_FLOAT_VEC2")},
        ),
    ],
)
def test_a_shader_reads_what_the_row_type_holds(
    kit: Kit, program: str, fragment: str | None, dtype: object, inputs: dict[str, tuple[int, str]]
) -> None:
    found = kit.shaders.program(program, fragment).attributes()
    assert found == {name: (location, int(getattr(GL, kind))) for name, (location, kind) in inputs.items()}
    for name, (_, kind) in inputs.items():
        field = dtype.fields[name.removeprefix("next_")][0]  # type: ignore[attr-defined]
        assert field.shape == (int(kind[-1]),)
        assert field.base.kind == ("i" if "INT" in kind else "f")


def test_row_types_are_packed_as_the_layouts_say() -> None:
    assert BUBBLE_INSTANCE.itemsize == 28
    assert [BUBBLE_INSTANCE.fields[name][1] for name in ("place", "span", "sides")] == [0, 8, 16]
    assert CVD_INSTANCE.itemsize == 12
    assert [COUNT_INSTANCE.fields[name][1] for name in ("place", "offset_px", "cell")] == [0, 8, 24]
