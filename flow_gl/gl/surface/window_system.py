"""Chooses how windows reach the screen on Linux, through X11 or Wayland, before GLFW is loaded.

The GLFW in Dear ImGui's bindings knows only X11, which in a Wayland session means XWayland. The glfw package brings
another one that knows only Wayland. A process can have one GLFW: the bindings take the library of that name that is
already loaded, so `prepare` loads the other one first.

X11 is the default wherever it is there. Wayland lets no program place its windows or learn where they are, so windows
return to their monitors only through X11. Without an X server the window is native.
"""

import ctypes
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flow_gl.core.errors import DisplayError
from flow_gl.core.system import libraries

VARIABLE: Final = "FLOW_GL_WINDOW_SYSTEM"
"""The setting's environment variable, which child processes are given."""
APP_ID: Final = "flow-gl"
"""How desktops recognise the program's windows; the name of its .desktop file."""
NATIVE: Final[tuple[libraries.Need, ...]] = ("chart", "headless", "wayland")
"""What a window through Wayland needs of the list of system libraries."""
_GLFW_VARIABLE: Final = "PYGLFW_LIBRARY"
"""Names the library that the glfw package loads."""


def chosen(asked: str | None, environment: Mapping[str, str]) -> str:
    """Return "x11" or "wayland": as asked, else X11 unless only the Wayland desktop can be reached."""
    if asked or not is_session(environment):
        return asked or "x11"
    return "x11" if environment.get("DISPLAY") and _has_x_server(environment["DISPLAY"]) else "wayland"


def is_session(environment: Mapping[str, str]) -> bool:
    """Return whether this is a session of a Wayland desktop."""
    return bool(environment.get("WAYLAND_DISPLAY"))


def prepare(asked: str | None) -> None:
    """Load GLFW for Wayland if that is chosen. Call it before Dear ImGui's bindings and glfw are imported.

    No effect on other systems, and once GLFW is loaded.

    Parameters
    ----------
    asked : "x11" or "wayland"; None chooses by the environment

    Raises
    ------
    DisplayError
        if Wayland was asked for and the glfw package has no library for it
    """
    if not sys.platform.startswith("linux") or {"imgui_bundle", "glfw"} & sys.modules.keys():
        return
    if chosen(asked, os.environ) != "wayland":
        return
    library = _library("wayland")
    named = os.environ.get(_GLFW_VARIABLE)
    if named and Path(named) != library and Path(named).parent.name != "imgui_bundle":
        return  # the user's own; the bindings name theirs, which a child process inherits
    if library is None:
        if asked:
            raise DisplayError("window_system = wayland: the installed glfw has no library for Wayland: use x11")
        return
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    if (other := _library("x11")) is not None:
        # The bindings name two functions that only this one has; they call neither on Wayland.
        ctypes.CDLL(str(other), mode=ctypes.RTLD_GLOBAL)
    os.environ[_GLFW_VARIABLE] = str(library)


def needs() -> tuple[libraries.Need, ...]:
    """Return what the chosen window system needs of the list of system libraries."""
    return NATIVE if os.environ.get(_GLFW_VARIABLE) == str(_library("wayland")) else ("chart", "window")


def is_wayland() -> bool:
    """Return whether GLFW, which must be initialised, draws windows through Wayland."""
    import glfw

    return bool(glfw.get_platform() == glfw.PLATFORM_WAYLAND)


def _has_x_server(display: str) -> bool:
    """Return whether an X server accepts a connection."""
    try:
        xlib = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    xlib.XOpenDisplay.restype, xlib.XCloseDisplay.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    connection = xlib.XOpenDisplay(display.encode())
    if connection:
        xlib.XCloseDisplay(connection)
    return bool(connection)


def _library(name: str) -> Path | None:
    """Return the glfw package's library for "x11" or "wayland", without importing the package."""
    spec = importlib.util.find_spec("glfw")
    folders = (spec.submodule_search_locations if spec is not None else None) or ()
    found = (Path(folder) / name / "libglfw.so" for folder in folders)
    return next((path for path in found if path.is_file()), None)
