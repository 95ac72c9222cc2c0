"""A shape in one frame."""

from dataclasses import dataclass

from flow_gl.core.drawings import Shape
from flow_gl.layers.drawings.anchored_vwap import AnchoredVwap
from flow_gl.layers.ranges.range_profile import RangeProfile


@dataclass(frozen=True, slots=True)
class ShownShape:
    """A shape in one frame.

    Attributes
    ----------
    figures : the measurement of a ruler, or the trades since an anchor; None for other kinds or without trades
    is_selected : it has handles
    is_held : it is being placed or moved
    """

    shape: Shape
    figures: RangeProfile | AnchoredVwap | None = None
    is_selected: bool = False
    is_held: bool = False
