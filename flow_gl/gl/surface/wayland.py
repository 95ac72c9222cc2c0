"""What a window on Wayland needs beyond GLFW: vsync that never waits for long, and care in leaving full screen.

The driver's vsync waits for the same signal without a limit. A desktop sends none to a window that it does not show
(minimised, on another workspace, screen locked), so the program would stop there: no alerts, no end on a signal. Here
the driver's vsync is off, and a hidden window's frames are dropped after `HIDDEN_S`.
"""

import ctypes
import time
from typing import Any, Final, Protocol

from flow_gl.gl.api import clear
from flow_gl.gl.surface.window_system import is_wayland

HIDDEN_S: Final = 0.1
"""A desktop that has not asked for a frame for this long does not show the window."""
SETTLING_FRAMES: Final = 3
"""The desktop's answer arrives during the first, the second is drawn for it, the third allows for a late answer."""
_FRAME: Final = 3
"""Opcode of wl_surface.frame."""
_DONE: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)


class Drawn(Protocol):
    """A window, as far as an empty frame needs it."""

    def begin(self) -> None: ...

    def swap(self) -> None: ...


def uncover(window: Any, place: tuple[int, int, int, int]) -> None:
    """Leave full screen, on Wayland for a size that is not larger than the monitor.

    GLFW resizes at once, but the desktop has not left full screen yet: Weston ends a program that is too large for it.

    Parameters
    ----------
    window : a GLFW handle
    place : left, top, width and height, screen coordinates
    """
    import glfw

    x, y, width, height = place
    if is_wayland():
        width, height = map(min, (width, height), glfw.get_window_size(window))
    glfw.set_window_monitor(window, None, x, y, width, height, 0)  # type: ignore[arg-type]  # the stub lacks None


def settle(window: Drawn) -> None:
    """Let the desktop finish leaving full screen on one monitor before another one is covered. Only on Wayland.

    Sway 1.7 leaves a window small that asks for the second before it has shown a frame of the first.
    """
    for _ in range(SETTLING_FRAMES if is_wayland() else 0):
        window.begin()
        clear((0.0, 0.0, 0.0))
        window.swap()


def is_lost() -> bool:
    """Return whether the Wayland desktop has ended the connection; GLFW has then asked all windows to close."""
    if not is_wayland():
        return False
    import glfw

    library = ctypes.CDLL("libwayland-client.so.0")
    display = glfw.get_wayland_display()  # type: ignore[no-untyped-call]  # the stub lacks its type
    flush, get_error = library.wl_display_flush, library.wl_display_get_error
    flush.argtypes = get_error.argtypes = (ctypes.c_void_p,)
    return bool(flush(display) < 0 or get_error(display))  # what a dead connection does not take is no error to it


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

    def ask(self) -> bool:
        """Ask for the signal, for the frame that is presented next; False if the last one has not been shown yet."""
        if self.is_awaited:
            return False
        self._callback = self._request(self._surface, _FRAME, self._kind, None)
        self._listen(self._callback, ctypes.addressof(self._listener), None)
        return True

    def wait(self) -> None:
        """Process events until the signal arrives, for `HIDDEN_S` at most."""
        until_s = time.monotonic() + HIDDEN_S
        while self.is_awaited and (left_s := until_s - time.monotonic()) > 0.0:
            self._glfw.wait_events_timeout(left_s)

    def _done(self, _data: int | None, _callback: int | None, _time_ms: int) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            self._destroy(callback)
