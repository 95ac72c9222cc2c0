"""Checks for other programs' environment variables that would break this one; the error says what to do."""

import os
import sys
from typing import Final

from flow_gl.core.errors import DisplayError, UsageError


def check_compiler() -> None:
    """Raise UsageError if Numba's compiler is disabled, because the kernels cannot run as plain Python."""
    value = os.environ.get("NUMBA_DISABLE_JIT", "").strip()
    if value.lstrip("+-").isdecimal() and int(value):
        raise UsageError(
            f"NUMBA_DISABLE_JIT={value} is set in the environment, but the engine needs Numba's compiler: unset it"
        )


def check_drawing() -> None:
    """Raise DisplayError if PyOpenGL is set to load a different OpenGL than this system's windows use."""
    value = os.environ.get("PYOPENGL_PLATFORM", "").strip()
    if value.lower() in _FOREIGN or (value.lower() in _OWN and not sys.platform.startswith(_OWN[value.lower()])):
        raise DisplayError(
            f"PYOPENGL_PLATFORM={value} is set in the environment, but flow-gl draws through EGL or a window: unset it"
        )


_FOREIGN: Final = frozenset({"osmesa"})
_OWN: Final = {"nt": "win", "darwin": "darwin"}
