"""Dear ImGui's context, with or without a window: fonts, style, and the begin and end of each frame.

The compiled backends draw and, in a window, take the input (they chain the window's callbacks). Without a window the
same frame runs; tests feed ImGui's input queue instead of a keyboard. Overlays are laid out in framebuffer pixels.
"""

import ctypes
from typing import Any, Final

# Before anything imports glfw: both must load one GLFW, and this one brings its own.
from imgui_bundle import imgui

from flow_gl.core.palette import Palette
from flow_gl.gl.surface.window_system import is_wayland
from flow_gl.ui.paint import theme
from flow_gl.ui.paint.drawing import OverlayDrawing
from flow_gl.ui.paint.key_presses import KeyPresses, Press
from flow_gl.ui.paint.painter import Painter

_GLSL: Final = "#version 330"
_NOWHERE: Final = -3.4028234663852886e38
"""How Dear ImGui is told that the mouse has no position: the lowest float32."""


class Gui:
    """The overlays of one surface. A GL context must be current until `close`.

    Parameters
    ----------
    palette : colours to begin with
    scale : content scale
    window : the window's handle, as GLFW gives it; None without a window
    """

    def __init__(self, palette: Palette, *, scale: float, window: Any = None) -> None:
        self._context = imgui.create_context()
        io = imgui.get_io()
        io.set_ini_filename("")  # places are remembered with the other preferences
        io.set_log_filename("")
        io.config_windows_move_from_title_bar_only = True
        regular = io.fonts.add_font_from_file_ttf(str(theme.font_path("Regular")), theme.FONT_PX)
        bold = io.fonts.add_font_from_file_ttf(str(theme.font_path("Bold")), theme.FONT_PX)
        self.painter: Final = Painter(regular, bold)
        self._window = window
        self._presses: Final = KeyPresses()
        if window is not None:
            self._presses.watch(window)
            imgui.backends.glfw_init_for_opengl(ctypes.cast(window, ctypes.c_void_p).value or 0, True)
            if is_wayland():
                _forget_mouse_on_enter(window)
        imgui.backends.opengl3_init(_GLSL)
        self._drawing: Final = OverlayDrawing()
        # Filled by the window's callbacks (in tests by hand) as input comes, emptied by a new frame.
        self._events: Final = imgui.get_current_context().input_events_queue
        self._look: tuple[Palette, float] | None = None
        self.set_look(palette, scale)

    def set_look(self, palette: Palette, scale: float) -> None:
        """Update the style if palette or scale changed."""
        unit = scale / self.pixels_per_point
        if self._look != (palette, unit):
            self._look = (palette, unit)
            theme.apply(palette, unit)

    def begin(self, width: int, height: int, dt_s: float) -> None:
        """Start a frame for a framebuffer of `width` x `height` pixels, `dt_s` seconds after the last."""
        io = imgui.get_io()
        if self._window is not None:
            imgui.backends.glfw_new_frame()
        else:
            io.display_size = imgui.ImVec2(width, height)
            io.delta_time = max(dt_s, 1e-6)
        imgui.new_frame()
        dense = io.display_framebuffer_scale.x
        assert self._look is not None
        self.painter.begin(imgui.get_background_draw_list(), self._look[1] * dense, dense)

    @property
    def has_input(self) -> bool:
        """Whether input waits for the next `begin`, or a text is being typed and its cursor blinks."""
        return len(self._events) > 0 or len(self._presses) > 0 or imgui.get_io().want_text_input

    def take_presses(self) -> list[Press]:
        """Return the keys that went down before the frame began, each once, in order."""
        return self._presses.take(is_drained=len(self._events) == 0)

    def build(self) -> None:
        """End the frame of `begin` and upload the overlays; `draw` draws them until the next build."""
        imgui.render()
        self._drawing.take(imgui.get_draw_data())

    def draw(self) -> None:
        """Draw the overlays that were built last into the bound framebuffer."""
        self._drawing.draw()

    @property
    def pixels_per_point(self) -> float:
        """Framebuffer pixels per ImGui unit: 1, on macOS with a dense screen 2."""
        return float(imgui.get_io().display_framebuffer_scale.x)

    def close(self) -> None:
        self._drawing.release()
        imgui.backends.opengl3_shutdown()
        if self._window is not None:
            imgui.backends.glfw_shutdown()
            self._presses.stop()
        imgui.destroy_context(self._context)


def _forget_mouse_on_enter(window: Any) -> None:
    """Treat the mouse as being nowhere from when it enters a window (a GLFW handle) until it moves.

    On Wayland GLFW 3.4 drops the position at which the mouse enters, and Dear ImGui assumes the last one: without this,
    a click right after the window has appeared below the mouse would hit something else.
    """
    import glfw

    address = ctypes.cast(window, ctypes.c_void_p).value or 0

    def enter(_window: Any, is_inside: int) -> None:
        imgui.backends.glfw_cursor_enter_callback(address, is_inside)
        if is_inside:
            imgui.get_io().add_mouse_pos_event(_NOWHERE, _NOWHERE)

    glfw.set_cursor_enter_callback(window, enter)
