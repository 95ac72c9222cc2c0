"""The state of a chart's comparison with another symbol."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from flow_gl.core.comparison import Comparison
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.axes import ValueAxis

_MAX_SPAN: Final = 2.0**64
"""Largest span of the axis, 1e-9: covers every possible difference."""


class ChartLook(NamedTuple):
    """The settings of a chart that a workspace stores besides its symbol: link group (0 for none) and comparison."""

    link: int = 0
    comparison: Comparison | None = None


def _axis() -> ValueAxis:
    return ValueAxis(most_span=_MAX_SPAN)


@dataclass(slots=True)
class ComparisonState:
    """A chart's comparison, and the axis of its pane.

    Attributes
    ----------
    rule : None if the chart has no comparison
    other : the other symbol's market in this frame; None if the feed has none
    axis : world y is the value in 1e-9
    is_due : whether the range of the visible values must be searched now
    seen : lowest and highest visible value at the last search, and the minimum span of an automatic axis
    """

    rule: Comparison | None = None
    other: MarketReader | None = None
    axis: ValueAxis = field(default_factory=_axis)
    is_due: bool = False
    seen: tuple[float, float, float] | None = None

    def show(self, rule: Comparison | None) -> None:
        """Set or remove the comparison, and reset the axis."""
        if rule != self.rule:
            self.rule, self.other, self.axis, self.seen = rule, None, _axis(), None
            self.is_due = rule is not None
