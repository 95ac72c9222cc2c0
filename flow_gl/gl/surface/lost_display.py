"""Handles the loss of the display.

Without its X server, Xlib terminates the process with a message of its own. It first calls a handler, which must not
return: this module installs one that saves what it can and exits. Without the Wayland desktop, GLFW asks the windows to
close, and the program ends in order; this module only sees to it that it does not end as if the user had closed it.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from flow_gl.core.errors import DisplayError
from flow_gl.gl.surface import wayland, window_system

_HANDLER: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


@contextmanager
def watched(last: Callable[[], None], *, exit_code: int) -> Iterator[None]:
    """Exit with `exit_code` if the X server goes away inside this context. No effect without X.

    Parameters
    ----------
    last : called before the exit, in the thread that noticed; the window can no longer be used

    Raises
    ------
    DisplayError
        at the end of the context, if the Wayland desktop went away inside it
    """
    if window_system.is_wayland():
        yield
        if wayland.is_lost():
            raise DisplayError("lost the connection to the Wayland desktop")
        return
    xlib = _xlib()
    if xlib is None:
        yield
        return

    def end(_display: int) -> int:
        try:
            last()
        finally:
            os._exit(exit_code)

    handler = _HANDLER(end)  # must outlive this context: Xlib holds its address
    xlib.XSetIOErrorHandler(handler)
    try:
        yield
    finally:
        xlib.XSetIOErrorHandler(None)


def _xlib() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        xlib = ctypes.CDLL("libX11.so.6")
    except OSError:
        return None
    xlib.XSetIOErrorHandler.restype = ctypes.c_void_p
    return xlib
