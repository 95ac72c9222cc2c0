"""The only import of OpenGL: PyOpenGL is configured here, before OpenGL.GL is first imported.

All other modules import `GL` from here. Errors are not checked in normal runs, because a check after each call costs
more than the call. With FLOW_GL_CHECK_GL=1 in the environment, as in the tests, each call is checked and raises.
"""

import ctypes
import os
from typing import Any, Final

import OpenGL

from flow_gl.core.errors import DisplayError
from flow_gl.core.system import libraries
from flow_gl.core.system.environment import check_drawing
from flow_gl.gl.surface.loading import prepare

check_drawing()
CHECK_GL: Final = os.environ.get("FLOW_GL_CHECK_GL", "") not in {"", "0"}
"""Errors are checked after each call."""

OpenGL.ERROR_CHECKING = CHECK_GL
OpenGL.ERROR_LOGGING = False
OpenGL.CONTEXT_CHECKING = False
prepare(os.environ, is_each_call_checked=CHECK_GL)

try:
    from OpenGL import GL as _GL
    from OpenGL import platform as _platform
    from OpenGL.raw.GL import _errors
except (ImportError, OSError, AttributeError, TypeError) as error:  # how PyOpenGL reports a missing library
    lacking = libraries.advice(libraries.missing("chart"))
    raise DisplayError(f"OpenGL cannot be loaded: {lacking or error}") from error

GL: Final[Any] = _GL


def _declare(name: str, *kinds: Any, returns: Any = None) -> Any:
    """Declare an entry point that takes addresses and buffer offsets as integers, without PyOpenGL's array handling."""

    def function() -> None: ...

    function.__name__ = name
    declared = _platform.types(returns, *kinds)(function)
    declared.argNames = tuple(f"argument_{index}" for index in range(len(kinds)))
    return _platform.createFunction(declared, _platform.PLATFORM.GL, "GL_VERSION_GL_3_0", error_checker=_CHECKER)


_CHECKER: Final[Any] = _errors._error_checker
_enum, _size = ctypes.c_uint, ctypes.c_ssize_t
buffer_data: Final[Any] = _declare("glBufferData", _enum, _size, ctypes.c_size_t, _enum)
buffer_sub_data: Final[Any] = _declare("glBufferSubData", _enum, _size, _size, ctypes.c_size_t)
draw_elements_base_vertex: Final[Any] = _declare(
    "glDrawElementsBaseVertex", _enum, ctypes.c_int, _enum, ctypes.c_size_t, ctypes.c_int
)
map_buffer_range: Final[Any] = _declare("glMapBufferRange", _enum, _size, _size, ctypes.c_uint, returns=ctypes.c_void_p)
read_pixels: Final[Any] = _declare(
    "glReadPixels", ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, _enum, _enum, ctypes.c_size_t
)
vertex_attrib_pointer: Final[Any] = _declare(
    "glVertexAttribPointer", _enum, ctypes.c_int, _enum, ctypes.c_ubyte, ctypes.c_int, ctypes.c_size_t
)


def clear(color: tuple[float, float, float]) -> None:
    """Fill the bound framebuffer with a colour (components 0..1)."""
    GL.glClearColor(color[0], color[1], color[2], 1.0)
    GL.glClear(GL.GL_COLOR_BUFFER_BIT)


def most_texels() -> int:
    """Return the largest buffer texture that the driver supports, in texels."""
    return int(GL.glGetIntegerv(GL.GL_MAX_TEXTURE_BUFFER_SIZE))


def largest_point_px() -> float:
    """Return the largest point size that the driver supports, in pixels."""
    return float(GL.glGetFloatv(GL.GL_POINT_SIZE_RANGE)[1])


def prepare_blending() -> None:
    """Set the state that all drawing relies on: alpha blending, no depth test, no culling, point sizes from shaders.

    Colours are not premultiplied. An alpha of 1 in the target stays 1.
    """
    GL.glEnable(GL.GL_BLEND)
    GL.glBlendFuncSeparate(GL.GL_SRC_ALPHA, GL.GL_ONE_MINUS_SRC_ALPHA, GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA)
    GL.glDisable(GL.GL_DEPTH_TEST)
    GL.glDisable(GL.GL_CULL_FACE)
    GL.glEnable(GL.GL_PROGRAM_POINT_SIZE)
