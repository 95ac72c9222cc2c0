"""What the CVD pane says: its name, CVD since a reference beside the session's, and where zero is if out of view."""

from collections.abc import Iterator
from typing import Final

from flow_gl.gl.text import Plate, TextStyle
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.axes import LABEL_PX, has_cvd_pane
from flow_gl.layers.labels.layout import PRICE, TIME
from flow_gl.layers.labels.words import contracts_text, signed_text

_MARGIN_PX: Final = 14.0
_ARROW_PX: Final = 9.0
_LOW_PANE_PX: Final = 100.0
"""In a pane lower than this the caption takes at most half of the width: it lies over the curve."""


def captions(chart: Chart, scene: Scene) -> Iterator[str]:
    """Yield the texts of the pane's caption, the longest first."""
    reference, cvd = scene.cvd_reference, chart.shown.cvd
    if reference is not None:
        since, session = signed_text(cvd - reference.cvd), signed_text(cvd)
        yield f"CVD {since} since {ticks.clock_text(reference.at_ns, scene.zone)}, session {session}"
        yield f"CVD {since}, session {session}"
        yield f"CVD {since} ({session})"
    yield "CVD"


def zero_direction(scene: Scene) -> int:
    """Return where zero lies: 0 in the CVD pane, 1 above it, -1 below it."""
    view = scene.cvd_view
    y = round(view.screen_y(0.0))
    return 1 if y < view.rect.y else 0 if y < view.rect.bottom else -1


class CvdReferenceLayer(CachedLayer):
    """A line at the reference's value, from its moment on. Adds rectangles below the curve."""

    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        reference, view = scene.cvd_reference, scene.cvd_view
        if reference is None or "cvd" not in scene.style.is_visible:
            return ()
        place = round(view.screen_x(reference.at_ns)), round(view.screen_y(reference.cvd))
        return (*place, view.rect, view.scale, scene.style.palette)

    def build(self, scene: Scene) -> None:
        reference, view = scene.cvd_reference, scene.cvd_view
        if reference is None or "cvd" not in scene.style.is_visible:
            return
        rect, color, under = view.rect, scene.style.palette.text, self._chart.batches.under
        line = max(1.0, round(view.scale))
        x, y = round(view.screen_x(reference.at_ns)), round(view.screen_y(reference.cvd))
        left = min(max(x, rect.x), rect.right)
        if rect.y <= y < rect.bottom:
            under.dashed(left, y, rect.right - left, line, color, alpha=0.6, period=4 * line, dash=2 * line)
        if rect.x <= x < rect.right:
            under.dashed(x, rect.y, line, rect.height, color, alpha=0.35, period=4 * line, dash=2 * line)


class CvdCaptionLayer(CachedLayer):
    """The pane's caption at the upper left, and the direction of zero at the right."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if "cvd" not in scene.style.is_visible:
            return ()
        chart, view, direction = self._chart, scene.cvd_view, zero_direction(scene)
        is_counted = direction or scene.cvd_reference is not None
        numbers = (scene.cvd_reference, chart.shown.cvd) if is_counted else ()
        return (*numbers, direction, chart.has_trades, view.rect, view.scale, scene.style.palette, scene.zone)

    def build(self, scene: Scene) -> None:
        if "cvd" not in scene.style.is_visible or not has_cvd_pane(scene):
            return
        rect, scale = scene.cvd_view.rect, scene.cvd_view.scale
        room = rect.width - 2 * _MARGIN_PX * scale
        direction = zero_direction(scene) if self._chart.has_trades else 0
        taken = self._add_zero(scene, direction, room) if direction else 0.0
        self._add_caption(scene, room - taken, is_alone=taken == 0.0)

    def _add_caption(self, scene: Scene, room: float, *, is_alone: bool) -> None:
        texts, palette, rect, scale = (
            *(self._chart.batches.text, scene.style.palette),
            *(scene.cvd_view.rect, scene.cvd_view.scale),
        )
        size = LABEL_PX * scale
        if rect.height < _LOW_PANE_PX * scale:
            room *= 0.5
        text = next((one for one in captions(self._chart, scene) if texts.width(one, size) <= room), "CVD")
        if not is_alone and texts.width(text, size) > room:
            return
        color = palette.quiet if scene.cvd_reference is None else palette.text
        place = round(rect.x + _MARGIN_PX * scale), round(rect.y + 1.3 * size)
        texts.add(text, *place, TextStyle(size, color), plate=Plate(palette.ground, alpha=0.9), is_fleeting=True)

    def _add_zero(self, scene: Scene, direction: int, room: float) -> float:
        """Say in which direction zero lies and how far. Returns the width taken, pixels."""
        chart, palette, rect, scale = self._chart, scene.style.palette, scene.cvd_view.rect, scene.cvd_view.scale
        texts, size, arrow = chart.batches.text, LABEL_PX * scale, _ARROW_PX * scale
        far = contracts_text(abs(chart.shown.cvd))
        words = "above" if direction > 0 else "below"
        options = (f"zero is {far} {words}", f"0 {words}", "0")
        needed, share = 2 * arrow, 0.15 if rect.height < _LOW_PANE_PX * scale else 0.5
        text = next((one for one in options if texts.width(one, size) + needed <= share * room), "0")
        width = texts.width(text, size)
        y = round(rect.y + 1.3 * size if direction > 0 else rect.bottom - 1.3 * size)
        x = round(rect.right - _MARGIN_PX * scale - width)
        texts.add(text, x, y, TextStyle(size, palette.text), plate=Plate(palette.ground, alpha=0.8), is_fleeting=True)
        left = x - 0.6 * size - arrow
        chart.batches.over.triangle(left, y - 0.5 * arrow, arrow, arrow, palette.attention, points_up=direction > 0)
        return float(width + needed) if direction > 0 else 0.0
