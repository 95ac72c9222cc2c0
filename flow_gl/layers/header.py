"""The numbers of the header that change with every trade: price and CVD.

They are drawn with the chart and not with the overlays, which are built less often than frames are drawn: header,
price plate and CVD plate of a frame therefore come from the same copy of the session. The places of the numbers are
laid out with the rest of the header (`ui.overlays.header`), which is drawn over this bar.
"""

from itertools import zip_longest
from typing import Final

from flow_gl.core.palette import mix
from flow_gl.gl.text import TextBatch, TextStyle
from flow_gl.layers.base import HeaderBar, HeaderText, Scene
from flow_gl.layers.chart import Chart


class HeaderLayer:
    """Draws `chart.header`. It has its own batch, because the header lies outside the chart's panes.

    Each text has a slot in it: after a trade, those that did not change keep their rows.
    """

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._shown: tuple[object, ...] = ()
        self._ground: tuple[object, ...] = ()
        """The dependencies of the background and of all texts' glyphs."""
        self._texts: tuple[HeaderText, ...] = ()

    def setup(self) -> None:
        self._batch = TextBatch(self._chart.resources, self._chart.counters)
        self._ground_slot = self._batch.add_slot()
        self._slots: list[int] = []

    def update(self, _scene: Scene) -> None:
        bar, batch, generation = self._chart.header, self._batch, self._chart.resources.atlas.generation
        batch.boxes = self._chart.batches.text.boxes
        is_collecting = batch.boxes is not None
        shown = bar, generation, is_collecting
        if shown == self._shown:
            batch.pin()
            return
        self._shown = shown
        ground = (None if bar is None else (bar.rect, bar.palette)), generation, is_collecting
        is_new, self._ground = ground != self._ground, ground
        if is_new:
            self._add_ground(bar)
            batch.keep(self._ground_slot)
        self._add_texts(() if bar is None else bar.texts, is_new=is_new)
        batch.upload()

    def draw(self, _scene: Scene) -> None:
        self._batch.draw(*self._chart.screen_px)

    def release(self) -> None:
        self._batch.release()

    def _add_ground(self, bar: HeaderBar | None) -> None:
        if bar is None:
            return
        rect, palette = bar.rect, bar.palette
        border = mix(palette.grid, palette.quiet, 0.2)
        for y, height, color in ((rect.y, rect.height, palette.raised), (rect.bottom - 1, 1.0, border)):
            self._batch.add_plate(rect.x, y, rect.width, height, color=color, radius_px=0.0)

    def _add_texts(self, texts: tuple[HeaderText, ...], *, is_new: bool) -> None:
        batch, slots = self._batch, self._slots
        slots += [batch.add_slot() for _ in range(len(texts) - len(slots))]
        before, self._texts = self._texts, texts
        for slot, one, last in zip_longest(slots, texts, before):
            if is_new or one != last:
                if one is not None:
                    style = TextStyle(one.size_px, one.color, is_bold=one.is_bold)
                    batch.add(one.text, round(one.x), round(one.y), style, is_fleeting=True)
                batch.keep(slot)
