"""The common width of the price axes in a frame: equal widths make all charts span the same time."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from flow_gl.core.jobs import Jobs
from flow_gl.gl.fonts import FontAtlas
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.axis_width import Heights, axis_px, axis_texts, axis_texts_key
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.view.chart_parts import ChartParts


class AxisRoom:
    """Finds the width, at once if the charts or their layouts have changed, and otherwise when its job runs."""

    def __init__(self, jobs: Jobs) -> None:
        self._job: Final = jobs.add("axis width")
        self._width_px = 0.0
        self._found_for: tuple[list[int], dict[int, ChartLayout], float] = ([], {}, 0.0)

    def width_px(
        self, parts: ChartParts, markets: Sequence[MarketReader], visible: list[int], last: Frame | None, scale: float
    ) -> float:
        """Return the width, framebuffer pixels; 0 before the first chart.

        Parameters
        ----------
        markets : the market of each chart
        visible : indices of the charts that are shown
        last : the frame before, from which the heights of the panes are taken
        """
        if parts.resources is None:
            return 0.0
        shown = {chart.index: chart.layout for chart in last.charts} if last else {}
        asked = visible, shown, scale
        if not self._job.may_run("time") and asked == self._found_for:
            return self._width_px
        self._found_for = asked
        self._width_px = 0.0
        for index in visible:
            layout = shown.get(index)
            heights = (layout.price.height, layout.cvd.height, layout.comparison.height) if layout else (0.0, 0.0, 0.0)
            market, part = markets[index], parts.parts[index]
            key = axis_texts_key(market, part.own, heights), scale
            width = part.axes.axis_px.get(
                key, partial(_width_px, parts.resources.atlas, market, part.own, heights, scale)
            )
            self._width_px = max(self._width_px, width)
        return self._width_px


def _width_px(atlas: FontAtlas, market: MarketReader, own: ChartState, heights: Heights, scale: float) -> float:
    return axis_px(atlas, axis_texts(market, own, heights), scale)
