"""What happens when the X server goes away under a window: Xlib ends the program, in its own words, wherever it is.

It calls a handler first, which must not return. Ours does what is to be done and ends the program itself.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_HANDLER: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


@contextmanager
def watched(last: Callable[[], None], *, exit_code: int) -> Iterator[None]:
    """Have the program end with an exit code when its X server is gone. Without X nothing happens.

    Parameters
    ----------
    last : called before, in whichever thread found out; the window can no longer be used
    """
    xlib = _xlib()
    if xlib is None:
        yield
        return

    def end(_display: int) -> int:
        try:
            last()
        finally:
            os._exit(exit_code)

    handler = _HANDLER(end)  # lives as long as this call: Xlib has its address
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
