"""How OpenGL is loaded, by system: variables that PyOpenGL and the driver read when they are first imported."""

import sys
from collections.abc import MutableMapping

from flow_gl.core.system import libraries


def prepare(environment: MutableMapping[str, str], *, is_each_call_checked: bool) -> None:
    """Set what is not set yet. Before OpenGL is imported.

    On macOS and Windows PyOpenGL loads the system's own library, and nothing is set.

    Parameters
    ----------
    environment : of this process
    is_each_call_checked : then each check would wait for Mesa's thread, so there is none
    """
    if sys.platform != "linux":
        return
    # GLX and EGL contexts share one dispatch table (libglvnd), so EGL's loader serves a window as well; a window does
    # without it where it is missing.
    environment.setdefault("PYOPENGL_PLATFORM", "egl" if libraries.can_load("libEGL.so.1") else "glx")
    if not is_each_call_checked:
        # Mesa's drivers then work in a thread of their own, as other drivers do anyway: a call only notes down what is
        # to be done. With a software rasteriser that is half of a frame's cost to the interpreter; Mesa 25 has no such
        # thread for software. `gl.surface.driver_log` keeps Mesa's line about it off the terminal, as
        # the other variable does for older ones.
        environment.setdefault("mesa_glthread", "true")
        environment.setdefault("MESA_DEBUG", "silent")


def has_egl() -> bool:
    """Whether this system's OpenGL can be had without a window. Else a window is opened and never shown."""
    return sys.platform == "linux"
