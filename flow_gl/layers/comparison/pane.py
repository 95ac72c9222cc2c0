"""The comparison pane as a part of a chart's scene."""

from flow_gl.core.comparison import Comparison
from flow_gl.core.frozen import frozen
from flow_gl.gl.view import Rect
from flow_gl.store.market import MarketReader


@frozen
class ComparisonPane:
    """A chart's comparison with another symbol, and the pane that shows it. World y is the value, in 1e-9.

    Attributes
    ----------
    rule : difference or ratio, and the other symbol
    other : the other symbol's market in this frame; None if the feed has none
    rect : the pane, framebuffer pixels
    y_top, y_per_px : world y at the upper border, and world units per pixel
    has_scale : whether any value has been in view, so the axis has a range
    """

    rule: Comparison
    other: MarketReader | None
    rect: Rect
    y_top: float
    y_per_px: float
    has_scale: bool = True
