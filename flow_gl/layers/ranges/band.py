"""The marked range as a band across all panes, with its POC and value area."""

from typing import Final

from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.layout import PRICE_SCALE, TIME
from flow_gl.layers.labels.words import contracts_text, length_text, price_text, signed_text
from flow_gl.layers.lines.layer import place_of
from flow_gl.layers.panes import panes_of
from flow_gl.layers.ranges.places import marked_band
from flow_gl.layers.ranges.range_profile import RangeProfile

_CAPTION_LINES: Final = 6
_LABEL_PX: Final = 12.0
_LEVELS: Final = ("poc", "vah", "val")


class RangeBandLayer(CachedLayer):
    """Adds a tint below the bubbles, and the range's borders."""

    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        if scene.marked is None:
            return ()
        return marked_band(scene), panes_of(scene), scene.style.palette, scene.price_view.scale

    def build(self, scene: Scene) -> None:
        band, view, color = marked_band(scene), scene.price_view, scene.style.palette.information
        if not band.width:
            return
        under, line = self._chart.batches.under, max(1.0, round(view.scale))
        for pane in panes_of(scene):
            under.rect(band.x, pane.y, band.width, pane.height, color, alpha=0.07)
            for x in (band.x, band.right - line):
                if view.rect.x < x < view.rect.right - line:
                    under.rect(x, pane.y, line, pane.height, color, alpha=0.6)


class RangeLevelsLayer(CachedLayer):
    """Adds the lines of POC, VAH and VAL with their prices, and the range's length, contracts and delta on top.

    Also says when the profile at the price axis is that of the visible range.
    """

    avoids = True
    follows = TIME | PRICE_SCALE

    def key(self, scene: Scene) -> tuple[object, ...]:
        if scene.marked is None and scene.in_view is None:
            return ()
        return scene.marked, scene.in_view, scene.profile_rect, place_of(scene.price_view), scene.style.palette

    def build(self, scene: Scene) -> None:
        marked, band = scene.marked, marked_band(scene)
        if scene.in_view is not None:
            self._caption(scene, scene.in_view)
        if marked is None or not band.width:
            return
        palette, scale = scene.style.palette, scene.price_view.scale
        text = f"{length_text(marked.end_ns - marked.start_ns)}  {contracts_text(marked.volume)}"
        delta = marked.buy - marked.sell
        self._label(scene, f"{text}  \u0394 {signed_text(delta)}", band.x + 6 * scale, band.y + 12 * scale)
        tick_size = tick_size_of(scene)
        for name in _LEVELS:
            price = getattr(marked, name)
            y = round(scene.price_view.screen_y(price / tick_size))
            if price == UNDEF_PRICE or not band.y <= y < band.bottom:
                continue
            color = palette.attention if name == "poc" else palette.information
            self._chart.batches.over.rect(band.x, y, band.width, max(1.0, round(scale)), color, alpha=0.8)
            self._label(scene, f"{name.upper()} {price_text(price, tick_size)}", band.x + 6 * scale, y - 9 * scale)

    def _caption(self, scene: Scene, found: RangeProfile) -> None:
        """Say that the profile is that of the visible range."""
        size, rect = _LABEL_PX * scene.price_view.scale, scene.profile_rect
        text = f"profile in view  {contracts_text(found.volume)}"
        left = rect.right - self._chart.batches.text.width(text, size) - size
        # A zero cross may have its label there: then on a line below it.
        for line in range(_CAPTION_LINES):
            if self._label(scene, text, left, rect.y + (2 + 1.6 * line) * size):
                break

    def _label(self, scene: Scene, text: str, x: float, y: float) -> bool:
        """Add a label if there is room: left end and middle, px. Returns whether there was."""
        size, batches, palette = _LABEL_PX * scene.price_view.scale, self._chart.batches, scene.style.palette
        box = Rect(x - 0.3 * size, y - 0.75 * size, batches.text.width(text, size) + 0.6 * size, 1.5 * size)
        if not batches.take(box, scene.price_view.rect):
            return False
        style = TextStyle(size, palette.information)
        batches.text.add(text, round(x), round(y), style, plate=Plate(palette.ground))
        return True
