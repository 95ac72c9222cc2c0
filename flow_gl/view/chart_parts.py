"""The view's objects for each chart besides its state: the axes' bookkeeping, and the layers on the GPU.

A chart is identified by its `ChartState`. When charts are added, closed or get another market, all other parts stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flow_gl.ui import scenes
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.view.frame_scheduler import FrameScheduler

if TYPE_CHECKING:
    from flow_gl.gl.resources import SharedResources
    from flow_gl.layers.rows.chart_rows import ChartRows
    from flow_gl.layers.stack import ChartStack


@dataclass(slots=True)
class ChartPart:
    own: ChartState
    axes: scenes.ChartAxes
    stack: "ChartStack | None" = None
    rows: "ChartRows | None" = None
    """Buffers on the GPU that the next stack uses again."""

    def release(self) -> None:
        """Free all GPU resources."""
        self.renew()
        if self.rows is not None:
            self.rows.release()
            self.rows = None

    def renew(self) -> None:
        """Free all GPU resources except the rows' buffers, whose creation takes longer than filling them."""
        if self.stack is not None:
            self.rows, self.stack = self.stack.give_up_rows(), None


class ChartParts:
    """The parts of all charts.

    Parameters
    ----------
    resources : GPU resources shared by all charts; by default they are created with the first chart
    """

    def __init__(self, scheduler: FrameScheduler, resources: "SharedResources | None" = None) -> None:
        self._scheduler: Final = scheduler
        self.parts: list[ChartPart] = []
        """One for each chart, as of the last `follow`."""
        self.charts: Sequence[ChartState] = ()
        """The charts of the last `follow`."""
        self.resources: SharedResources | None = resources
        """None before the first chart, unless given."""

    def follow(self, charts: Sequence[ChartState]) -> None:
        """Create the parts of new charts, and release those of charts that were closed."""
        self.charts, parts = charts, self.parts
        if len(parts) == len(charts):
            for part, own in zip(parts, charts, strict=True):
                if part.own is not own:
                    break
            else:
                return
        known = {id(part.own): part for part in parts}
        self.parts = [known.pop(id(own)) if id(own) in known else self._new(own) for own in charts]
        for part in known.values():
            part.release()

    def stack(self, index: int) -> "ChartStack":
        """Return a chart's layers, which are set up on first use."""
        part = self.parts[index]
        if part.stack is None:
            part.stack = self._new_stack(part.rows)
            part.rows = None
        return part.stack

    def stacks(self) -> "list[ChartStack]":
        """Return the layers that are set up."""
        return [part.stack for part in self.parts if part.stack is not None]

    def renew_stacks(self) -> None:
        """Free the layers on the GPU after the stores were replaced; they are set up again when needed."""
        for part in self.parts:
            part.renew()

    def release(self) -> None:
        """Free everything on the GPU."""
        for part in self.parts:
            part.release()
        if self.resources is not None:
            self.resources.release()

    def _new(self, own: ChartState) -> ChartPart:
        jobs = (self._scheduler.add(name) for name in ("visible range", "ranges", "drawings"))
        return ChartPart(own, scenes.ChartAxes(*jobs))

    def _new_stack(self, rows: "ChartRows | None") -> "ChartStack":
        """Set up a chart's layers. What they all need is loaded for the first chart only, because a window without a
        chart must show at once what it waits for."""
        from flow_gl.gl.resources import SharedResources
        from flow_gl.layers.stack import ChartStack

        if self.resources is None:
            self.resources = SharedResources()
        stack = ChartStack(self.resources, self._scheduler, rows)
        stack.setup()
        return stack
