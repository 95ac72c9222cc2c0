"""The user's own text size, and the scale of the whole picture: the monitor's times that size, within limits."""

from typing import Final

TEXT_SIZES: Final = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
"""The sizes to choose from; a flag or a workspace may have any between the first and the last."""
MIN_POINTS: Final = (400.0, 300.0)
"""A window is never scaled to fewer points than this, as long as a point then has at least a pixel."""
_MIN_SCALE: Final = 0.5


def scale_of(content_scale: float, text_size: float, size_px: tuple[int, int]) -> float:
    """Return framebuffer pixels per point.

    Parameters
    ----------
    content_scale : of the monitor, 1.0 = 96 dpi
    text_size : as the user chose it, a factor
    size_px : width and height of the framebuffer
    """
    most = min(size_px[0] / MIN_POINTS[0], size_px[1] / MIN_POINTS[1])
    return max(min(content_scale * text_size, max(most, 1.0)), _MIN_SCALE)
