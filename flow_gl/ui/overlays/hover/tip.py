"""The content of a tooltip, and the point that it describes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from flow_gl.core.settings import AggregationSettings
from flow_gl.layers.base import Scene
from flow_gl.ui.state.view_state import ViewState

Line = tuple[str, str, float]
"""Label, value, and the sign that selects the value's colour; 0 is neutral."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of a chart, framebuffer pixels, and the settings that its numbers depend on."""

    scene: Scene
    x: float
    y: float
    settings: AggregationSettings
    threshold: float
    """Imbalance above which a 1 s bubble is significant."""

    @property
    def scale(self) -> float:
        return self.scene.price_view.scale


def spot_at(scene: Scene, at_px: tuple[float, float], state: ViewState) -> Spot:
    """Return a point of a chart."""
    return Spot(scene, *at_px, settings=state.aggregation, threshold=state.filters.threshold)


@dataclass(frozen=True, slots=True)
class Tip:
    """The content of a tooltip."""

    title: str
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    """Sentences below the lines."""


class Target(NamedTuple):
    """Something on a chart that has a tooltip.

    Attributes
    ----------
    name : unique
    find : returns the key of the item at a point; None if there is none
    describe : returns the tooltip of a key while the point is still near; None once it is not, or if there is none
    """

    name: str
    find: Callable[[Spot], Hashable | None]
    describe: Callable[[Spot, Hashable], Tip | None]
