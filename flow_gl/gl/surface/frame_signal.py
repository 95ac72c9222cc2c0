"""Vsync on Wayland: waits until the desktop asks for the next frame, but never for long.

The driver's vsync waits for the same signal without a limit. A desktop sends none to a window that it does not show
(minimised, on another workspace, screen locked), so the program would stop there: no alerts, no end on a signal. Here
the driver's vsync is off, and a hidden window's frames are dropped after `HIDDEN_S`.
"""

import ctypes
import time
from typing import Any, Final

HIDDEN_S: Final = 0.1
"""A desktop that has not asked for a frame for this long does not show the window."""
_FRAME: Final = 3
"""Opcode of wl_surface.frame."""
_DONE: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)


class FrameSignal:
    """The signal of one window.

    Parameters
    ----------
    window : a GLFW handle

    Attributes
    ----------
    is_awaited : a frame was presented and the desktop has not asked for the next one
    """

    def __init__(self, window: Any) -> None:
        import glfw

        self._glfw: Final = glfw
        library = ctypes.CDLL("libwayland-client.so.0")
        self._request: Final = library.wl_proxy_marshal_constructor
        self._request.restype = ctypes.c_void_p
        self._request.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)
        self._listen: Final = library.wl_proxy_add_listener
        self._listen.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self._destroy: Final = library.wl_proxy_destroy
        self._destroy.argtypes, self._destroy.restype = (ctypes.c_void_p,), None
        self._kind: Final = ctypes.addressof(ctypes.c_char.in_dll(library, "wl_callback_interface"))
        self._surface: Final = int(glfw.get_wayland_window(window))
        self._function: Final = _DONE(self._done)  # libwayland holds its address, and that of the listener
        self._listener: Final = (ctypes.c_void_p * 1)(ctypes.cast(self._function, ctypes.c_void_p))
        self._callback: int | None = None

    @property
    def is_awaited(self) -> bool:
        return self._callback is not None

    def ask(self) -> None:
        """Ask to be told when the frame that is presented next has been shown."""
        self._callback = self._request(self._surface, _FRAME, self._kind, None)
        self._listen(self._callback, ctypes.addressof(self._listener), None)

    def wait(self) -> None:
        """Process events until the signal arrives, for `HIDDEN_S` at most."""
        until_s = time.monotonic() + HIDDEN_S
        while self.is_awaited and (left_s := until_s - time.monotonic()) > 0.0:
            self._glfw.wait_events_timeout(left_s)

    def close(self) -> None:
        """Forget a signal that has not arrived. Call it before the window is destroyed."""
        self._done(None, None, 0)

    def _done(self, _data: int | None, _callback: int | None, _time_ms: int) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            self._destroy(callback)
