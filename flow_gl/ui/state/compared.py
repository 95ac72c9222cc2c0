"""The state of a chart's comparison with another symbol."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from flow_gl.core.comparison import Comparison
from flow_gl.store.market import MarketReader
from flow_gl.ui.state.axes import ValueAxis

_MAX_SPAN: Final = 2.0**64
"""In 1e-9: all possible differences."""


class ChartLook(NamedTuple):
    """What a workspace keeps of a chart beside its symbol: its link group, 0 for none, and its comparison."""

    link: int = 0
    comparison: Comparison | None = None


def _axis() -> ValueAxis:
    return ValueAxis(most_span=_MAX_SPAN)


@dataclass(slots=True)
class ComparedState:
    """What a chart is compared with, and the axis of that pane.

    Attributes
    ----------
    rule : None without a comparison
    other : the other symbol's market in this frame; None while the feed has none
    axis : world y is the value in 1e-9
    is_due : the range in view is not known yet
    seen : lowest and highest value in view as of the last search, and the least span of an automatic axis
    """

    rule: Comparison | None = None
    other: MarketReader | None = None
    axis: ValueAxis = field(default_factory=_axis)
    is_due: bool = False
    seen: tuple[float, float, float] | None = None

    def show(self, rule: Comparison | None) -> None:
        """Show another comparison, or none, with a new axis."""
        if rule != self.rule:
            self.rule, self.other, self.axis, self.seen = rule, None, _axis(), None
            self.is_due = rule is not None
