"""The numbers of the header that change with every trade: price and CVD.

They are drawn with the chart and not with the overlays, which are built less often than frames are drawn: header,
price plate and CVD plate of a frame therefore come from the same copy of the session. The places of the numbers are
laid out with the rest of the header (`ui.overlays.header`), which is drawn over this bar.
"""

from typing import Final

from flow_gl.core.palette import mix
from flow_gl.gl.text import TextBatch, TextStyle
from flow_gl.layers.base import HeaderBar, Scene
from flow_gl.layers.chart import Chart


class HeaderLayer:
    """Draws `chart.header`. It has a batch of its own, because the header lies outside the chart's panes."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._shown: tuple[object, ...] = ()

    def setup(self) -> None:
        self._batch = TextBatch(self._chart.kit, self._chart.counters)

    def update(self, _scene: Scene) -> None:
        bar = self._chart.header
        self._batch.boxes = self._chart.batches.text.boxes
        shown = bar, self._chart.kit.atlas.generation, self._batch.boxes is not None
        if shown == self._shown:
            self._batch.hold()
            return
        self._shown = shown
        if bar is not None:
            self._add(bar)
        self._batch.upload()

    def draw(self, _scene: Scene) -> None:
        self._batch.draw(*self._chart.screen_px)

    def release(self) -> None:
        self._batch.release()

    def _add(self, bar: HeaderBar) -> None:
        batch, rect, palette = self._batch, bar.rect, bar.palette
        border = mix(palette.grid, palette.quiet, 0.2)
        for y, height, color in ((rect.y, rect.height, palette.raised), (rect.bottom - 1, 1.0, border)):
            batch.add_plate(rect.x, y, rect.width, height, color=color, alpha=1.0, radius_px=0.0)
        for one in bar.texts:
            style = TextStyle(one.size_px, one.color, is_bold=one.is_bold)
            batch.add(one.text, round(one.x), round(one.y), style, is_fleeting=True)
