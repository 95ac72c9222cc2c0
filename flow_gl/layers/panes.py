"""The panes of a chart, from the top: price, comparison where there is one, CVD."""

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene


def panes_of(scene: Scene) -> tuple[Rect, ...]:
    """Return the panes over which time is drawn, framebuffer pixels."""
    price, cvd = scene.price_view.rect, scene.cvd_view.rect
    return (price, cvd) if scene.comparison is None else (price, scene.comparison.rect, cvd)
