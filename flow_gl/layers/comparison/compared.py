"""What a chart's comparison pane shows, as a part of its scene."""

from flow_gl.core.comparison import Comparison
from flow_gl.core.frozen import frozen
from flow_gl.gl.view import Rect
from flow_gl.store.market import MarketReader


@frozen
class Compared:
    """The comparison of a chart's price with another symbol's, and its pane. World y is the value in 1e-9.

    Attributes
    ----------
    rule : difference or ratio, and the symbol
    other : the symbol's market, as of this frame; None while the feed has none
    rect : the pane, framebuffer pixels
    y_top, y_per_px : world y at its upper border, and of a pixel
    has_scale : values have been in view, so that the axis has a meaning
    """

    rule: Comparison
    other: MarketReader | None
    rect: Rect
    y_top: float
    y_per_px: float
    has_scale: bool = True
