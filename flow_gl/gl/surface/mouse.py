"""The mouse position over a window."""

from flow_gl.gl.surface.context import Window


def mouse_px(window: Window) -> tuple[int, int] | None:
    """Return the place of the mouse, px from the window's top left; None while it is not over the window."""
    import glfw

    if not glfw.get_window_attrib(window.handle, glfw.HOVERED):
        return None
    (x, y), (width, _) = glfw.get_cursor_pos(window.handle), glfw.get_window_size(window.handle)
    scale = window.size[0] / max(1, width)
    return round(x * scale), round(y * scale)
