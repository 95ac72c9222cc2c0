"""The screen areas of the marked range and its profile."""

from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene

_SHARE: Final = 0.45
"""Width of the profile as a share of the range's, ..."""
_MIN_PX: Final = 64.0
_MAX_PX: Final = 220.0
"""... within these limits, at content scale 1."""


def marked_band(scene: Scene) -> Rect:
    """Return the marked range clipped to the price pane; its width is 0 if it is not in view."""
    rect, marked = scene.price_view.rect, scene.marked
    if marked is None:
        return Rect(rect.x, rect.y, 0.0, rect.height)
    left, right = (scene.price_view.pixel_x(at) for at in (marked.start_ns, marked.end_ns))
    left, right = max(left, rect.x), min(right, rect.right)
    return Rect(left, rect.y, max(0.0, right - left), rect.height)


def marked_profile(scene: Scene) -> Rect:
    """Return the area of the marked range's profile, aligned to the range's right end."""
    band, scale = marked_band(scene), scene.price_view.scale
    width = min(max(_SHARE * band.width, _MIN_PX * scale), _MAX_PX * scale) if band.width else 0.0
    left = max(band.right - width, scene.price_view.rect.x)
    return Rect(left, band.y, band.right - left if width else 0.0, band.height)
