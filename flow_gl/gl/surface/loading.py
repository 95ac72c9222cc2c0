"""Loading OpenGL on each system: environment variables that PyOpenGL and the driver read on first import."""

import sys
from collections.abc import MutableMapping

from flow_gl.core.system import libraries


def prepare(environment: MutableMapping[str, str], *, is_each_call_checked: bool) -> None:
    """Set the variables that are not set yet. Call it before OpenGL is imported.

    On macOS and Windows PyOpenGL loads the system's library and nothing is set.

    Parameters
    ----------
    environment : environment of this process
    is_each_call_checked : disables Mesa's driver thread, because each check would wait for it
    """
    if sys.platform != "linux":
        return
    # GLX and EGL contexts share one dispatch table (libglvnd), so EGL's loader works for windows too. GLX is the
    # fallback without EGL.
    environment.setdefault("PYOPENGL_PLATFORM", "egl" if libraries.can_load("libEGL.so.1") else "glx")
    if not is_each_call_checked:
        # Mesa then runs the driver in its own thread, as other drivers do anyway: a call only records a command. With a
        # software rasteriser this halves the interpreter's share of a frame; Mesa 25 has no such thread for software.
        # `gl.surface.driver_log` filters Mesa's message about it; MESA_DEBUG does the same for older versions.
        environment.setdefault("mesa_glthread", "true")
        environment.setdefault("MESA_DEBUG", "silent")


def has_egl() -> bool:
    """Return whether this system has EGL. Without it, headless drawing uses a hidden window."""
    return sys.platform == "linux"
