"""What a disc's size means: three discs with their contracts, at the lower left of the price pane."""

from typing import Final

from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radius_of, reference_of
from flow_gl.layers.hit import hidden_count
from flow_gl.layers.sketch import SketchLayer
from flow_gl.layers.words import bucket_text, contracts_text

_LABEL_PX: Final = 11.0
_MARGIN_PX: Final = 14.0
_LEAST_HEIGHT_PX: Final = 260.0


def legend_sizes(reference: int) -> list[int]:
    """Contracts of the legend's discs: round numbers near a sixteenth and a quarter of the reference, and itself."""
    sizes = {max(1, _round(reference / 16)), max(1, _round(reference / 4)), reference}
    return sorted(sizes)


def _round(value: float) -> int:
    """Nearest of 1, 2, 5 times a power of ten."""
    if value < 1:
        return 1
    scale = int(10 ** (len(str(int(value))) - 1))
    return min((factor * scale for factor in (1, 2, 5, 10)), key=lambda near: abs(near - value))


class LegendLayer(SketchLayer):
    """Adds rings and labels; the hidden count is searched for when what is in view changes."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._hidden_key: tuple[object, ...] = ()
        self._hidden = 0

    def update(self, scene: Scene) -> None:
        rect, scale = scene.price_view.rect, scene.price_view.scale
        if "bubbles" not in scene.style.is_visible or not self._chart.has_trades:
            return
        if rect.height < _LEAST_HEIGHT_PX * scale:
            return
        style, palette, chart = scene.style, scene.style.palette, self._chart
        reference = reference_of(scene)
        size = _LABEL_PX * scale
        x, floor = rect.x + _MARGIN_PX * scale, rect.bottom - _MARGIN_PX * scale
        middle = floor - radius_of(reference, reference, style, scale)
        for contracts in legend_sizes(reference):
            radius = radius_of(contracts, reference, style, scale)
            text = contracts_text(contracts)
            width = chart.text.width(text, size)
            has_room = width + 4 * scale < 1.8 * radius
            chart.over.ring(round(x + radius), middle, radius, max(1.0, scale), palette.quiet, alpha=0.75)
            at = x + radius if has_room else x + 2 * radius + 3 * scale + 0.5 * width
            chart.text.add(text, round(at), round(middle), size_px=size, color=palette.quiet, align="center")
            x += 2 * radius + (10 * scale if has_room else width + 12 * scale)
        caption = f"contracts in {bucket_text(chart.series.current.base.bucket_ns)}"
        if style.size_floor > 0:
            hidden, floor_text = contracts_text(self._hidden_in(scene)), contracts_text(style.size_floor)
            caption += f" \u00b7 {hidden} below {floor_text} hidden"
        chart.text.add(caption, round(x + 2 * scale), round(middle), size_px=size, color=palette.quiet)

    def _hidden_in(self, scene: Scene) -> int:
        rows = self._chart.series.current
        key = (rows.start, rows.stop, rows.level, scene.style.size_floor, id(scene.reader))
        if key != self._hidden_key:
            self._hidden_key, self._hidden = key, hidden_count(scene)
        return self._hidden
