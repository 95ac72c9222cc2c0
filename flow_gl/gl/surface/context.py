"""Surfaces to draw on: an off-screen framebuffer or a window.

Both make an OpenGL 3.3 core context current and implement `Surface`, so that the frame loop does not depend on which
one it has. Headless contexts come from EGL through vispy's bindings: Mesa's surfaceless platform, or the first GPU with
an EGL device. On macOS and Windows, which have no EGL, a hidden window provides the context. Windows come from GLFW,
which is imported late: Dear ImGui's bindings must be imported first, so that both use the same GLFW library.
"""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from flow_gl.core.errors import DisplayError
from flow_gl.core.system import libraries
from flow_gl.gl.api import CHECK_GL, GL, most_texels, prepare_blending
from flow_gl.gl.surface import monitors, shader_cache, wayland
from flow_gl.gl.surface.driver_log import without_thread_notice
from flow_gl.gl.surface.loading import has_egl
from flow_gl.gl.surface.monitors import Monitor, glfw_reason, import_glfw
from flow_gl.gl.surface.offscreen import Offscreen
from flow_gl.gl.surface.window_system import APP_ID, is_wayland
from flow_gl.gl.view import Rect

MIN_TEXELS: Final = 1 << 22
"""Required size of a buffer texture: room for a ring of a million rows of two texels. OpenGL 3.3 guarantees 65,536."""
_MAJOR: Final = 3
_MINOR: Final = 3
_EGL_PLATFORM_DEVICE: Final = 0x313F
_EGL_CORE_3_3: Final = (0x3098, _MAJOR, 0x30FB, _MINOR, 0x30FD, 0x1)  # major, minor, core profile


class Surface(Protocol):
    """The frame loop's interface to a window or a headless context."""

    @property
    def size(self) -> tuple[int, int]:
        """Framebuffer width and height in pixels."""

    @property
    def content_scale(self) -> float:
        """Content scale of the monitor, 1.0 = 96 dpi."""

    @property
    def is_closing(self) -> bool:
        """Whether the user has asked to close it."""

    def begin(self) -> None:
        """Make it the target of drawing."""

    def swap(self) -> None:
        """Present the frame; headless: wait until it is drawn."""

    def close(self) -> None:
        """Destroy the context."""


def describe() -> dict[str, str]:
    """Return vendor, renderer, version and GLSL version of the current context."""
    names = {
        "vendor": GL.GL_VENDOR,
        "renderer": GL.GL_RENDERER,
        "version": GL.GL_VERSION,
        "glsl": GL.GL_SHADING_LANGUAGE_VERSION,
    }
    return {name: (GL.glGetString(key) or b"").decode("utf-8", "replace") for name, key in names.items()}


class HeadlessContext:
    """An OpenGL context without a screen, drawing into a framebuffer of `width` x `height` pixels.

    Raises
    ------
    DisplayError
        if EGL is missing or provides no OpenGL 3.3 core context
    """

    def __init__(self, width: int, height: int, *, content_scale: float = 1.0) -> None:
        self._ground: Final = _Egl() if has_egl() else _HiddenWindow()
        self.target: Final = Offscreen(width, height)
        self._content_scale = content_scale
        prepare_blending()

    @property
    def size(self) -> tuple[int, int]:
        return self.target.width, self.target.height

    @property
    def content_scale(self) -> float:
        return self._content_scale

    @property
    def is_closing(self) -> bool:
        return False

    def make_current(self) -> None:
        self._ground.make_current()

    def begin(self) -> None:
        self.target.bind()

    def swap(self) -> None:
        GL.glFinish()

    def close(self) -> None:
        self.target.release()
        self._ground.close()


class _Egl:
    """A current EGL context with a surface of one pixel. Raises DisplayError."""

    def __init__(self) -> None:
        shader_cache.prepare()
        self._egl = _import_egl()
        with without_thread_notice(is_expected=not CHECK_GL):
            self._display, self._context, self._pbuffer = _create_egl(self._egl)
            self.make_current()
        _check_driver()
        shader_cache.settle()

    def make_current(self) -> None:
        self._egl.eglMakeCurrent(self._display, self._pbuffer, self._pbuffer, self._context)

    def close(self) -> None:
        self._egl.eglMakeCurrent(self._display, None, None, None)
        self._egl.eglDestroySurface(self._display, self._pbuffer)
        self._egl._lib.eglDestroyContext(self._display, self._context)


class _HiddenWindow:
    """A current context of a hidden window, for systems without EGL. Raises DisplayError."""

    def __init__(self) -> None:
        self._window: Final = Window(WindowOptions(width=64, height=64, is_vsync=False, is_visible=False))

    def make_current(self) -> None:
        self._window.make_current()

    def close(self) -> None:
        self._window.close()


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Options of a new window."""

    title: str = "flow_gl"
    width: int = 1600
    height: int = 900
    is_in_pixels: bool = False
    """Whether width and height are framebuffer pixels. If not, they are multiplied by the monitor's content scale."""
    is_fullscreen: bool = False
    monitor: str = ""
    """Name or number of the monitor to open on (`surface.monitors`); "" leaves it to the system."""
    is_vsync: bool = True
    is_visible: bool = True


class Window:
    """A GLFW window with an OpenGL 3.3 core context.

    Raises DisplayError without a display or OpenGL 3.3, UsageError for a monitor that does not exist.

    Attributes
    ----------
    handle : GLFWwindow pointer, for Dear ImGui's backend and for callbacks
    is_adaptive : adaptive vsync: a late frame is shown at once instead of at the next refresh
    """

    def __init__(self, options: WindowOptions) -> None:
        shader_cache.prepare()
        self._glfw = glfw = import_glfw()
        asked = monitors.find(options.monitor) if options.monitor else None
        glfw.default_window_hints()
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, _MAJOR)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, _MINOR)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, glfw.TRUE)
        glfw.window_hint(glfw.SCALE_TO_MONITOR, glfw.FALSE if options.is_in_pixels else glfw.TRUE)
        for hint in (
            glfw.DEPTH_BITS,
            glfw.STENCIL_BITS,
            glfw.AUTO_ICONIFY,
        ):  # the last one: keep the window open when it loses focus
            glfw.window_hint(hint, 0)
        glfw.window_hint(glfw.VISIBLE, glfw.TRUE if options.is_visible else glfw.FALSE)
        for name in (glfw.WAYLAND_APP_ID, glfw.X11_CLASS_NAME, glfw.X11_INSTANCE_NAME):
            glfw.window_hint_string(name, APP_ID)
        if asked is not None:
            x, y, *_ = monitors.centred(asked, options.width, options.height)
            glfw.window_hint(glfw.POSITION_X, x)
            glfw.window_hint(glfw.POSITION_Y, y)
        with without_thread_notice(is_expected=not CHECK_GL):
            self.handle: Any = glfw.create_window(options.width, options.height, options.title, None, None)
        if not self.handle:
            raise DisplayError(f"no window with OpenGL 3.3 core could be opened: {glfw_reason(glfw)}")
        if options.is_in_pixels:
            self._fit_pixels(options.width, options.height)
        self._restore = monitors.place_of(self.handle)
        self._covered = ""
        self.make_current()
        _check_driver()
        shader_cache.settle()
        self.is_adaptive = False
        self._signal: wayland.FrameSignal | None = None
        self.set_vsync(options.is_vsync)
        if options.is_fullscreen:
            self.set_fullscreen(True, asked)
        prepare_blending()

    def _fit_pixels(self, width: int, height: int) -> None:
        """Shrink a window whose size is in points of several pixels (macOS, Wayland)."""
        now, units = self.size, self._glfw.get_window_size(self.handle)
        if now != (width, height) and all(now):
            fitted = (round(width * units[0] / now[0]), round(height * units[1] / now[1]))
            self._glfw.set_window_size(self.handle, *fitted)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self._glfw.get_framebuffer_size(self.handle)
        return int(width), int(height)

    @property
    def content_scale(self) -> float:
        return float(self._glfw.get_window_content_scale(self.handle)[0]) or 1.0

    @property
    def is_closing(self) -> bool:
        return bool(self._glfw.window_should_close(self.handle))

    def stay_open(self) -> None:
        """Forget that the user has asked to close it."""
        self._glfw.set_window_should_close(self.handle, False)

    @property
    def is_minimised(self) -> bool:
        return bool(self._glfw.get_window_attrib(self.handle, self._glfw.ICONIFIED))

    @property
    def is_fullscreen(self) -> bool:
        return bool(self._glfw.get_window_monitor(self.handle))

    @property
    def refresh_hz(self) -> int:
        """Refresh rate of the monitor that shows most of it, or of the fastest one if that is unknown; else 60."""
        monitor = monitors.showing(self.handle)
        present = monitors.monitors() if monitor is None else [monitor]
        return max((one.refresh_hz for one in present), default=0) or 60

    @property
    def covered(self) -> str:
        """Name of the monitor that it was made to cover; "" if it covers none. It is still known when that is gone."""
        return self._covered

    def set_vsync(self, is_on: bool) -> None:
        """Follow the monitor: adaptive where the driver can."""
        glfw = self._glfw
        if is_wayland():
            self._signal = wayland.FrameSignal(self.handle) if is_on else None
            is_on = False
        self.is_adaptive = is_on and any(
            glfw.extension_supported(name) for name in ("GLX_EXT_swap_control_tear", "WGL_EXT_swap_control_tear")
        )
        glfw.swap_interval(-1 if self.is_adaptive else int(is_on))

    def set_fullscreen(self, is_on: bool, monitor: Monitor | None = None) -> None:
        """Cover a monitor, by default the one that shows most of the window; or go back to where the window was.

        On Wayland, where that is unknown, the default is the primary one.
        """
        glfw = self._glfw
        if not is_on:
            covered, self._covered = self._covered, ""
            if self.is_fullscreen:
                wayland.uncover(self.handle, self._place_beneath(covered))
            return
        target = monitor or monitors.showing(self.handle) or next(iter(monitors.monitors()), None)
        if target is None or (self.is_fullscreen and self._covered == target.name):
            return
        if not self._covered:
            self._restore = monitors.place_of(self.handle)
        else:
            if self.is_fullscreen:
                # Many window managers leave a window that is in full screen on its monitor: go there without it first.
                wayland.uncover(self.handle, monitors.centred(target, *self._restore[2:]))
            wayland.settle(self)  # also when GLFW has just left an unplugged monitor
        self._covered = target.name
        size = int(target.area.width), int(target.area.height)
        glfw.set_window_monitor(self.handle, target.handle, 0, 0, *size, target.refresh_hz or glfw.DONT_CARE)

    def _place_beneath(self, covered: str) -> tuple[int, int, int, int]:
        """Return place and size to leave full screen for: as before, but on the monitor that was covered."""
        monitor, before = monitors.named(covered), Rect(*map(float, self._restore))
        return (
            self._restore if monitor is None or monitor.sees(before) else monitors.centred(monitor, *self._restore[2:])
        )

    def poll(self, wait_s: float = 0.0) -> None:
        """Process input events. With `wait_s`, sleep until there are some or the time is up."""
        if wait_s > 0.0:
            self._glfw.wait_events_timeout(wait_s)
        else:
            self._glfw.poll_events()

    def make_current(self) -> None:
        self._glfw.make_context_current(self.handle)

    def begin(self) -> None:
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, 0)
        GL.glViewport(0, 0, *self.size)

    def swap(self) -> None:
        if self._signal is None or self._signal.ask():
            self._glfw.swap_buffers(self.handle)
        if self._signal is not None:
            self._signal.wait()

    def close(self) -> None:
        self._glfw.destroy_window(self.handle)
        self._glfw.terminate()


def _check_driver() -> None:
    if not GL.glGetIntegerv:
        platform = os.environ.get("PYOPENGL_PLATFORM", "")
        raise DisplayError(f"OpenGL's functions cannot be loaded (PYOPENGL_PLATFORM={platform}): unset that variable")
    major, minor = int(GL.glGetIntegerv(GL.GL_MAJOR_VERSION)), int(GL.glGetIntegerv(GL.GL_MINOR_VERSION))
    if (major, minor) < (_MAJOR, _MINOR):
        raise DisplayError(f"OpenGL {_MAJOR}.{_MINOR} is needed, the driver has {major}.{minor}: update it")
    if most_texels() < MIN_TEXELS:
        raise DisplayError(
            f"the graphics driver reads only {most_texels():,} texels from a buffer, a chart needs {MIN_TEXELS:,}; "
            "update the driver, or draw in software (LIBGL_ALWAYS_SOFTWARE=1)"
        )


def _import_egl() -> Any:
    # Mesa reads the platform once, when the first display is requested.
    if "EGL_PLATFORM" not in os.environ and not _has_nvidia():
        os.environ["EGL_PLATFORM"] = "surfaceless"
    try:
        from vispy.ext import egl
    except Exception as error:  # vispy raises ImportError, OSError or RuntimeError, by system and library
        lacking = libraries.advice(libraries.missing("chart", "headless"))
        raise DisplayError(f"cannot draw without a window: {lacking or error}") from error
    return egl


def _has_nvidia() -> bool:
    return Path("/dev/nvidiactl").exists()


def _create_egl(egl: Any) -> tuple[Any, Any, Any]:
    reasons = []
    for find in (
        (_device_display, lambda egl: egl.eglGetDisplay()) if _has_nvidia() else (lambda egl: egl.eglGetDisplay(),)
    ):
        try:
            display = find(egl)
            egl.eglInitialize(display)
            config = egl.eglChooseConfig(
                display, [egl.EGL_SURFACE_TYPE, egl.EGL_PBUFFER_BIT, egl.EGL_RENDERABLE_TYPE, egl.EGL_OPENGL_BIT]
            )[0]
            egl.eglBindAPI(egl.EGL_OPENGL_API)
            context = egl.eglCreateContext(display, config, None, list(_EGL_CORE_3_3))
            if not context.value:
                raise RuntimeError("it provides no OpenGL 3.3 core context")
            pbuffer = egl.eglCreatePbufferSurface(display, config, [egl.EGL_WIDTH, 1, egl.EGL_HEIGHT, 1])
        except (RuntimeError, ValueError) as error:
            reasons.append(str(error))
        else:
            return display, context, pbuffer
    lacking = libraries.advice(libraries.missing("chart", "headless"))
    more = f"; {lacking}" if lacking else ""
    raise DisplayError(f"no headless OpenGL 3.3 through EGL: {'; '.join(reasons)}{more}")


def _device_display(egl: Any) -> ctypes.c_void_p:
    """Return the display of the first EGL device: a GPU even if no X server runs."""
    address = egl._lib.eglGetProcAddress
    address.restype, address.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    query, get = address(b"eglQueryDevicesEXT"), address(b"eglGetPlatformDisplayEXT")
    if not query or not get:
        raise RuntimeError("EGL lists no devices")
    devices = (ctypes.c_void_p * 16)()
    count = ctypes.c_int(0)
    ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(query)(
        16, ctypes.addressof(devices), ctypes.addressof(count)
    )
    if count.value == 0:
        raise RuntimeError("EGL has no device")
    display = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)(get)(
        _EGL_PLATFORM_DEVICE, devices[0], None
    )
    if not display:
        raise RuntimeError("EGL's first device has no display")
    return ctypes.c_void_p(display)
