"""The user's custom levels: a line across the whole pane, with name and price where `labels.right_edge` places them.

A level with an alert has a bell. While one is placed or dragged, its label also says how far it is from the last price.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from flow_gl.core.drawings import COLORS, ColorName, ShownLevel
from flow_gl.core.market.limits import MAX_PRICE
from flow_gl.core.palette import Palette, Rgb, readable
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.right_edge import NewestDiscs, label_right, newest_px, place_label
from flow_gl.layers.labels.words import price_text, signed_text
from flow_gl.layers.rows.hit import bubble_at

CUSTOM_LEVELS: Final = "custom_levels"
"""Name of the layer in the layer switches."""
REACH_PX: Final = 4.0
"""Maximum distance at which a line counts as pointed at, px at content scale 1."""
_LABEL_PX: Final = 12.0
_BELL_EMS: Final = 1.2
_ALPHA: Final = 0.85


def color_of(palette: Palette, name: ColorName) -> Rgb:
    """Return the colour of a level, legible on the palette's background."""
    return readable(COLORS[name], palette.ground, palette.text)


def ticks_from(price: int, other: int, tick_size: int) -> int:
    """Return how far one price is above another (1e-9), in ticks. Part of a tick counts as one."""
    distance = abs(price - other)
    return (1 if price > other else -1) * -(-distance // tick_size)


def snapped(price: int, tick_size: int) -> int:
    """Return the tick (1e-9) that is nearest to a price, within the range of prices."""
    most = (MAX_PRICE - 1) // tick_size
    return min(max((price + tick_size // 2) // tick_size, -most), most) * tick_size


def level_at(scene: Scene, x: float, y: float, reach_px: float = REACH_PX) -> ShownLevel | None:
    """Return the custom level whose line is nearest to a point; None if none is within `reach_px` (content scale 1)."""
    view = scene.price_view
    if not scene.custom_levels or CUSTOM_LEVELS not in scene.style.is_visible or not view.rect.contains(x, y):
        return None
    tick_size = tick_size_of(scene)
    # Of two levels at one price, the newer, which is drawn on top.
    distance, _, found = min(
        ((abs(view.screen_y(one.level.price / tick_size) - y), -at, one) for at, one in enumerate(scene.custom_levels)),
        key=lambda near: near[:2],
    )
    return found if distance <= reach_px * view.scale else None


def level_under(scene: Scene, x: float, y: float) -> ShownLevel | None:
    """Return the custom level that a press at a point grabs; None if a bubble covers the line."""
    found = level_at(scene, x, y)
    return None if found is None or bubble_at(scene, x, y, near_px=0.0) is not None else found


class _Line(NamedTuple):
    """A visible line, in whole pixels. `label_right` is the right limit of its label, unless a bubble is in the way."""

    shown: ShownLevel
    y: int
    label_right: int
    is_aside: bool
    ticks: int | None
    """Ticks from the last price, while it is held."""


class CustomLevelsLayer(CachedLayer):
    """Adds labels, and lines below the bubbles; a held level's line is above them."""

    avoids = True

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._lines: tuple[_Line, ...] = ()
        self._newest: Final = NewestDiscs()

    def key(self, scene: Scene) -> tuple[object, ...]:
        if not scene.custom_levels or CUSTOM_LEVELS not in scene.style.is_visible or not self._chart.has_trades:
            self._lines = ()
            return ()
        self._lines = tuple(self._lines_in_view(scene))
        view = scene.price_view
        place = view.rect, view.scale, round(newest_px(scene))
        return self._lines, *place, self._chart.shown.tick_size, scene.style.palette

    def _lines_in_view(self, scene: Scene) -> Iterator[_Line]:
        rect, shown, size = scene.price_view.rect, self._chart.shown, _LABEL_PX * scene.price_view.scale
        self._newest.read(scene)
        for one in scene.custom_levels:
            y = round(shown.y_of_price(scene, one.level.price))
            if rect.y <= y < rect.bottom:
                ticks = ticks_from(one.level.price, shown.last_price, shown.tick_size) if one.is_held else None
                is_aside = self._newest.meet(scene, one.level.price, y, size)
                yield _Line(one, y, label_right(self._chart, scene, y, size), is_aside, ticks)

    def build(self, scene: Scene) -> None:
        # The held level first, so that its label gets room.
        for line in sorted(self._lines, key=lambda line: not line.shown.is_held):
            self._add(scene, line)

    def _add(self, scene: Scene, line: _Line) -> None:
        chart, rect, scale = self._chart, scene.price_view.rect, scene.price_view.scale
        palette, level, is_held = scene.style.palette, line.shown.level, line.shown.is_held
        color, batches = color_of(palette, level.color), chart.batches
        thickness = max(1.0, round(scale))
        lines = batches.over if is_held else batches.under
        lines.rect(rect.x, line.y, rect.width, thickness, color, alpha=1.0 if is_held else _ALPHA)
        size = _LABEL_PX * scale
        price = price_text(level.price, chart.shown.tick_size)
        texts = [f"{level.name} {price}".lstrip(), level.name or price]
        if line.ticks is not None:
            texts = [f"{texts[0]} ({signed_text(line.ticks)} {'tick' if abs(line.ticks) == 1 else 'ticks'})"]
        bell = _BELL_EMS * size if line.shown.has_alert else 0.0
        widths = [bell + batches.text.width(text, size) + size for text in texts]
        y = min(max(line.y, round(rect.y + size)), round(rect.bottom - size))
        box = Rect(line.label_right, y - 0.75 * size, 0.0, 1.5 * size)
        found = place_label(chart, scene, widths, box, line_left=rect.x, is_aside=line.is_aside)
        if found is None:
            return
        text, place = texts[found[0]], found[1]
        if bell:
            batches.over.plate(place.x, place.y, 2 * bell, place.height, palette.ground, alpha=0.9, radius=0.25 * size)
            self._add_bell(place.x + 0.5 * size, y, size, color)
        style, plate = TextStyle(size, color, is_bold=is_held), Plate(palette.ground)
        batches.text.add(text, round(place.x + bell + 0.5 * size), y, style, plate=plate)

    def _add_bell(self, x: float, y: float, size: float, color: Rgb) -> None:
        """Add a bell: dome, rim and clapper."""
        over, unit = self._chart.batches.over, size / 12.0
        x, y = round(x), round(y)
        over.plate(x + 1 * unit, y - 4.5 * unit, 7 * unit, 9 * unit, color, radius=3.5 * unit)
        over.rect(x, y + 2 * unit, 9 * unit, 1.5 * unit, color)
        over.plate(x + 3 * unit, y + 3 * unit, 3 * unit, 2.5 * unit, color, radius=1.2 * unit)
