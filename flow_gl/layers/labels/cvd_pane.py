"""The texts of the CVD pane: its name, CVD since a reference beside the session's, and where zero is if out of view."""

from collections.abc import Iterator
from typing import Final

from flow_gl.gl.text import Plate, TextStyle
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels import ticks
from flow_gl.layers.labels.axes import LABEL_PX, has_cvd_pane
from flow_gl.layers.labels.layout import CVD_SCALE, PRICE, TIME
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

    follows = TIME | CVD_SCALE

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


def _room_px(scene: Scene) -> float:
    """Return the width that the texts of the pane share, px."""
    return scene.cvd_view.rect.width - 2 * _MARGIN_PX * scene.cvd_view.scale


def _zero_text(chart: Chart, scene: Scene, direction: int) -> tuple[str, float]:
    """Return the text for a zero that lies in a direction, and its width, px."""
    rect, scale, texts = scene.cvd_view.rect, scene.cvd_view.scale, chart.batches.text
    words = "above" if direction > 0 else "below"
    # How far zero is from the last value is said only if that is what the arrow shows: not on an axis moved elsewhere.
    is_from_here = (chart.shown.cvd < 0) == (direction > 0)
    away = f"{contracts_text(abs(chart.shown.cvd))} " if is_from_here else ""
    options = (f"zero is {away}{words}", f"0 {words}", "0")
    share = 0.15 if rect.height < _LOW_PANE_PX * scale else 0.5
    size, room = LABEL_PX * scale, share * _room_px(scene) - 2 * _ARROW_PX * scale
    if rect.x <= scene.live_x_px < rect.right:  # the newest values are not covered
        room = min(room, rect.right - scene.live_x_px - (_MARGIN_PX + 2 * _ARROW_PX) * scale)
    text = next((one for one in options if texts.width(one, size) <= room), "0")
    return text, texts.width(text, size)


class CvdZeroLayer(CachedLayer):
    """The direction of zero at the right of the pane, where it is out of view."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        chart, view, direction = self._chart, scene.cvd_view, zero_direction(scene)
        is_shown = "cvd" in scene.style.is_visible and has_cvd_pane(scene) and chart.has_trades
        if not direction or not is_shown:
            return ()
        text, _ = _zero_text(chart, scene, direction)
        return direction, text, view.rect, view.scale, scene.style.palette

    def build(self, scene: Scene) -> None:
        chart, palette, rect, scale = self._chart, scene.style.palette, scene.cvd_view.rect, scene.cvd_view.scale
        size, arrow, direction = LABEL_PX * scale, _ARROW_PX * scale, zero_direction(scene)
        text, width = _zero_text(chart, scene, direction)
        y = round(rect.y + 1.3 * size if direction > 0 else rect.bottom - 1.3 * size)
        x = round(rect.right - _MARGIN_PX * scale - width)
        style, plate = TextStyle(size, palette.text), Plate(palette.ground)
        chart.batches.text.add(text, x, y, style, plate=plate, is_fleeting=True)
        left = x - 0.6 * size - arrow
        chart.batches.over.triangle(left, y - 0.5 * arrow, arrow, arrow, palette.attention, points_up=direction > 0)


class CvdCaptionLayer(CachedLayer):
    """The pane's caption at the upper left."""

    follows = PRICE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if "cvd" not in scene.style.is_visible or not has_cvd_pane(scene):
            return ()
        view, cvd = scene.cvd_view, self._chart.shown.cvd if scene.cvd_reference is not None else None
        taken = self._taken_px(scene)
        return scene.cvd_reference, cvd, taken, view.rect, view.scale, scene.style.palette, scene.zone

    def _taken_px(self, scene: Scene) -> float:
        """Return the width that is taken by the direction of zero, px."""
        if not self._chart.has_trades or zero_direction(scene) <= 0:
            return 0.0
        return _zero_text(self._chart, scene, 1)[1] + 2 * _ARROW_PX * scene.cvd_view.scale

    def build(self, scene: Scene) -> None:
        texts, palette, rect, scale = (
            *(self._chart.batches.text, scene.style.palette),
            *(scene.cvd_view.rect, scene.cvd_view.scale),
        )
        size, taken = LABEL_PX * scale, self._taken_px(scene)
        room = _room_px(scene) - taken
        if rect.height < _LOW_PANE_PX * scale:
            room *= 0.5
        text = next((one for one in captions(self._chart, scene) if texts.width(one, size) <= room), "CVD")
        if taken and texts.width(text, size) > room:
            return
        color = palette.quiet if scene.cvd_reference is None else palette.text
        place = round(rect.x + _MARGIN_PX * scale), round(rect.y + 1.3 * size)
        texts.add(text, *place, TextStyle(size, color), plate=Plate(palette.ground), is_fleeting=True)
