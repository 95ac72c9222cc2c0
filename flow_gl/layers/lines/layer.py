"""Base of layers that draw lines through many points: its own shapes, rebuilt only when something changed.

They update in frames in which lines and labels are laid out.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.shapes import ShapeBatch
from flow_gl.gl.view import View
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import LEVELS, LINES

_NOTHING: Final[tuple[object, ...]] = ()


class LinesLayer(ABC):
    """Base of layers whose `build` adds lines to `self.shapes`, which the pane clips."""

    follows: ClassVar[int] = LEVELS | LINES
    """The changes that move it, as bits of `labels.layout`; it updates in no other frame."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._built: tuple[object, ...] = _NOTHING

    def setup(self) -> None:
        """Create the buffer of the shapes."""
        self.shapes = ShapeBatch(self._chart.resources, self._chart.counters)

    @abstractmethod
    def key(self, scene: Scene) -> tuple[object, ...]:
        """Return everything that `build` depends on; () draws nothing."""

    @abstractmethod
    def build(self, scene: Scene) -> None:
        """Add lines to `self.shapes`."""

    def update(self, scene: Scene) -> None:
        key = self.key(scene)
        if key != self._built:
            self._built = key
            if key:
                self.build(scene)
            self.shapes.upload()

    def draw(self, _: Scene) -> None:
        if self._built:
            self.shapes.draw(*self._chart.screen_px)

    def release(self) -> None:
        self.shapes.release()


def pixel_xs(view: View, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the screen x of times as `View.pixel_x` does: float64, same shape, px."""
    folded = view.folded
    behind = folded.position(view.t_right_ns) - folded.positions(times_ns)
    xs: NDArray[np.float64] = view.rect.right - np.round(behind / view.ns_per_px)
    return xs


def place_of(view: View) -> tuple[object, ...]:
    """Return a key for the positions of lines in a pane; it changes when time moves them by a whole pixel."""
    return *x_place_of(view), view.y_top, view.y_per_px


def x_place_of(view: View) -> tuple[object, ...]:
    """Return the same for their x alone, which a scale that glides does not change."""
    right_px = round(view.folded.position(view.t_right_ns) / view.ns_per_px)
    return right_px, view.ns_per_px, view.rect, view.scale, view.folded
