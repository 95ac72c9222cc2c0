"""The user's text size, and the scale of the whole picture: the monitor's scale times that size, within limits."""

from typing import Final

TEXT_SIZES: Final = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
"""The selectable sizes; a flag or a workspace may have any size between the first and the last."""
MIN_POINTS: Final = (400.0, 300.0)
"""Minimum size of a window in points after scaling, as long as a point has at least one pixel."""
_MIN_SCALE: Final = 0.5


def scale_of(content_scale: float, text_size: float, size_px: tuple[int, int]) -> float:
    """Return framebuffer pixels per point.

    Parameters
    ----------
    content_scale : the monitor's scale, 1.0 = 96 dpi
    text_size : the user's factor
    size_px : width and height of the framebuffer
    """
    most = min(size_px[0] / MIN_POINTS[0], size_px[1] / MIN_POINTS[1])
    return max(min(content_scale * text_size, max(most, 1.0)), _MIN_SCALE)
