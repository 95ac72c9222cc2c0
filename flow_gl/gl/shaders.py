"""GLSL programs from the shaders folder, compiled once and shared.

`#include "name.glsl"` inserts a file of include/, at most once per shader. Compiler messages are mapped back to file
and line. `reload` recompiles files that have changed; a program that no longer compiles keeps its last working version.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow_gl.core.errors import DisplayError
from flow_gl.gl.api import GL

FRAME_BINDING: Final = 0
"""Binding point of the uniform block `Frame`: the view of the chart being drawn."""

ROWS_UNIT: Final = 0
"""Texture unit of the rows, bound for each draw. It stays the active unit."""
ATLAS_UNIT: Final = 1

_INCLUDE: Final = re.compile(r'^\s*#include\s+"([^"]+)"\s*$')
_PLACE: Final = re.compile(r"^\s*(?:ERROR:\s*)?\d+\s*[:(]\s*(\d+)(?:\s*[():]\s*\d+\))?")
"""Start of a compiler message: source number, line and, with some drivers, column."""


class ShaderError(DisplayError):
    """A shader that does not compile or link. The message names file and line."""


def shader_folder() -> Path:
    """Return the shader folder: inside the package if installed, beside it in a source tree. Raises ShaderError."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "shaders", package.parent / "shaders"):
        if (folder / "include").is_dir():
            return folder
    raise ShaderError(f"shaders are missing: expected {package / 'shaders'}; install flow_gl again")


@dataclass(frozen=True, slots=True)
class Source:
    """A shader with its includes inserted, and the origin of each line."""

    text: str
    origins: list[tuple[Path, int]]
    """File and line number of each line of the text."""

    @property
    def files(self) -> set[Path]:
        return {path for path, _ in self.origins}


def read_source(path: Path) -> Source:
    """Read a shader and insert its includes, each once. Raises ShaderError."""
    lines: list[str] = []
    origins: list[tuple[Path, int]] = []
    _read_into(path, lines, origins, set())
    return Source("\n".join(lines), origins)


def _read_into(path: Path, lines: list[str], origins: list[tuple[Path, int]], seen: set[Path]) -> None:
    seen.add(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ShaderError(f"{path}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        match = _INCLUDE.match(line)
        if match is None:
            lines.append(line)
            origins.append((path, number))
            continue
        included = path.parent / match[1] if path.parent.name == "include" else path.parent / "include" / match[1]
        if not included.is_file():
            raise ShaderError(f"{path}:{number}: included file {included.name} is missing in {included.parent}")
        if included not in seen:
            _read_into(included, lines, origins, seen)


class Program:
    """A linked program. Uniform locations are cached."""

    def __init__(self, vertex: Path, fragment: Path) -> None:
        self._paths: Final = (vertex, fragment)
        self._files: set[Path] = set()
        self._stamp = 0.0
        self._locations: dict[str, int] = {}
        self._values: dict[str, tuple[float, ...]] = {}
        self._target_px = (0, 0)
        self.handle = 0
        self._build()

    def use(self) -> None:
        GL.glUseProgram(self.handle)

    def location(self, name: str) -> int:
        """Return the location of a uniform; -1 if the program does not use it."""
        location = self._locations.get(name)
        if location is None:
            location = self._locations[name] = int(GL.glGetUniformLocation(self.handle, name))
        return location

    def set_vec2(self, name: str, x: float, y: float) -> None:
        """Set a uniform if its value changes. The program must be in use."""
        if self._values.get(name) != (x, y):
            self._values[name] = (x, y)
            GL.glUniform2f(self.location(name), x, y)

    def set_target(self, width_px: int, height_px: int) -> None:
        """Set `u_ndc_per_px` for a framebuffer of a size. The program must be in use."""
        if self._target_px != (width_px, height_px):
            self._target_px = width_px, height_px
            self.set_vec2("u_ndc_per_px", 2.0 / width_px, 2.0 / height_px)

    def reload(self) -> None:
        """Recompile if a file has changed. Raises ShaderError and keeps the previous version."""
        if self._newest() > self._stamp:
            self._build()

    def release(self) -> None:
        GL.glDeleteProgram(self.handle)
        self.handle = 0

    def _newest(self) -> float:
        return max((path.stat().st_mtime for path in self._files if path.is_file()), default=0.0)

    def _build(self) -> None:
        vertex, fragment = read_source(self._paths[0]), read_source(self._paths[1])
        self._files = vertex.files | fragment.files
        self._stamp = self._newest()
        stages = [_compile(GL.GL_VERTEX_SHADER, vertex)]
        try:
            stages.append(_compile(GL.GL_FRAGMENT_SHADER, fragment))
            handle = _link(stages, self._paths)
        finally:
            for stage in stages:
                GL.glDeleteShader(stage)
        block = GL.glGetUniformBlockIndex(handle, "Frame")
        if block != GL.GL_INVALID_INDEX:
            GL.glUniformBlockBinding(handle, block, FRAME_BINDING)
        if self.handle:
            GL.glDeleteProgram(self.handle)
        self.handle = handle
        self._locations.clear()
        self._values.clear()
        self._target_px = (0, 0)
        GL.glUseProgram(handle)
        for name, unit in (("u_rows", ROWS_UNIT), ("u_atlas", ATLAS_UNIT)):
            if self.location(name) >= 0:
                GL.glUniform1i(self.location(name), unit)


class ShaderLibrary:
    """The programs of one context, by name: `bubble` is bubble.vert with bubble.frag."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder: Final = folder or shader_folder()
        self._programs: dict[str, Program] = {}

    def program(self, vertex: str, fragment: str | None = None) -> Program:
        """Return a program; it is compiled on first use. Raises ShaderError."""
        fragment = fragment or vertex
        key = f"{vertex}+{fragment}"
        if key not in self._programs:
            self._programs[key] = Program(self._folder / f"{vertex}.vert", self._folder / f"{fragment}.frag")
        return self._programs[key]

    def reload(self) -> list[str]:
        """Recompile programs whose files have changed. Returns one message per program that failed."""
        messages = []
        for program in self._programs.values():
            try:
                program.reload()
            except ShaderError as error:
                messages.append(str(error))
        return messages

    def release(self) -> None:
        for program in self._programs.values():
            program.release()
        self._programs.clear()


def _text(log: bytes | str) -> str:
    return log.decode("utf-8", "replace") if isinstance(log, bytes) else log


def _compile(kind: int, source: Source) -> int:
    shader = int(GL.glCreateShader(kind))
    GL.glShaderSource(shader, source.text)
    GL.glCompileShader(shader)
    if GL.glGetShaderiv(shader, GL.GL_COMPILE_STATUS):
        return shader
    log = _text(GL.glGetShaderInfoLog(shader)).strip()
    GL.glDeleteShader(shader)
    first = next((line for line in log.splitlines() if _PLACE.match(line)), log.splitlines()[0] if log else "")
    match = _PLACE.match(first)
    path, number = source.origins[min(int(match[1]), len(source.origins)) - 1] if match else source.origins[0]
    reason = re.sub(r"^[^a-zA-Z`']*", "", first[match.end() :] if match else first).removeprefix("error: ")
    raise ShaderError(f"{path}:{number}: {reason or 'does not compile'}")


def _link(stages: list[int], paths: tuple[Path, Path]) -> int:
    handle = int(GL.glCreateProgram())
    for stage in stages:
        GL.glAttachShader(handle, stage)
    GL.glLinkProgram(handle)
    if GL.glGetProgramiv(handle, GL.GL_LINK_STATUS):
        for stage in stages:
            GL.glDetachShader(handle, stage)
        return handle
    log = _text(GL.glGetProgramInfoLog(handle)).strip()
    GL.glDeleteProgram(handle)
    raise ShaderError(f"{paths[0].name} and {paths[1].name} do not link: {log.splitlines()[0] if log else 'no reason'}")
