"""Levels of finished sessions, each drawn over its own session.

POC and value area have their values at the session's close; VWAP is the curve of `layers.lines.vwap`, labelled with
its value at the close. In a narrow session nothing else is drawn. Initial balance and opening range, where they
are switched on, begin at the open of regular hours.
"""

from typing import Final

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.fixed_levels import INITIAL, OPENING, FixedLevel, finished_ranges
from flow_gl.layers.labels.layout import LEVELS, LINES
from flow_gl.layers.labels.levels import Level, add_label, add_line, curve_y, levels_of
from flow_gl.layers.lines.vwap import BANDS_PX, LABEL_PX, MIN_PX, curve_left
from flow_gl.layers.lines.vwap_points import values_of
from flow_gl.layers.sessions import Session, sessions_in_view

_SWITCHES: Final = frozenset({"levels", INITIAL, OPENING})
_MAIN: Final = 4
"""POC, VAH, VAL, VWAP: the first levels of a session."""
_LABELLED_PX: Final = 640.0
"""Narrowest session with labels on all levels, px at content scale 1."""
_FAINTER: Final = 0.8


def finished_levels(scene: Scene, session: Session, width_px: float) -> list[Level]:
    """Return the levels to draw for a finished session of a width in px, the most important first."""
    if "levels" not in scene.style.is_visible:
        return []
    levels = levels_of(scene.style.palette, session.levels, session.numbers)
    return levels if width_px >= BANDS_PX * scene.price_view.scale else levels[:_MAIN]


def ranges_of(scene: Scene, session: Session, left: float, right: float) -> list[tuple[FixedLevel, float, float]]:
    """Return initial balance and opening range of a finished session, with the ends of their lines, px.

    Parameters
    ----------
    left, right : the ends of the session, px
    """
    if right - left < BANDS_PX * scene.price_view.scale:
        return []
    found = [(one, max(left, float(scene.price_view.pixel_x(one.since_ns)))) for one in finished_ranges(scene, session)]
    return [(one, begin, right) for one, begin in found if begin < right]


class SessionLevelsLayer(CachedLayer):
    """Adds lines below the bubbles and labels above them."""

    avoids = True
    follows = LEVELS | LINES

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.price_view
        if not _SWITCHES & scene.style.is_visible or not len(scene.reader.sessions):
            return ()
        # The curves of a session that reaches beyond both borders move although its ends do not.
        stretches = [(view.pixel_x(one.start_ns), left, right) for one, left, right in self._seen(scene)]
        axis = view.rect, view.y_top, view.y_per_px, view.scale, self._chart.shown.tick_size
        reader = scene.reader
        versions = reader.sessions_version, reader.breaks_version, scene.lines, scene.lines.vwaps.version
        return stretches, axis, scene.style, versions if stretches else 0

    def _seen(self, scene: Scene) -> list[tuple[Session, float, float]]:
        least = MIN_PX * scene.price_view.scale
        seen = sessions_in_view(scene)
        return [(one, a, b) for one, a, b in seen if one.is_finished and b - a >= least]

    def build(self, scene: Scene) -> None:
        chart, rect, scale = self._chart, scene.price_view.rect, scene.price_view.scale
        if not _SWITCHES & scene.style.is_visible or not len(scene.reader.sessions):
            return
        placed = [(box.x, box.y, box.right, box.bottom) for box in chart.batches.placed]
        others = len(placed)
        for session, left, right in self._seen(scene):
            levels = [(level, left) for level in finished_levels(scene, session, right - left)]
            levels += [(one.level, begin) for one, begin, _ in ranges_of(scene, session, left, right)]
            values = values_of(scene, session)
            for at, (level, begin) in enumerate(levels):
                y = round(chart.shown.y_of_price(scene, level.price))
                is_main = at < _MAIN and "levels" in scene.style.is_visible
                has_label = is_main or right - left >= _LABELLED_PX * scale
                is_curve = level.is_curve(values, session)
                if is_curve and has_label:
                    curve, first = curve_y(chart, scene, values, level), curve_left(scene, begin, LABEL_PX * scale)
                    add_label(chart, scene, level, curve, (first, right), placed=placed)
                elif not is_curve and rect.y <= y < rect.bottom:
                    add_line(chart, scene, _fainter(level), y, (begin, right))
                    if has_label:
                        add_label(chart, scene, level, y, (begin, right), placed=placed)
        chart.batches.placed.extend(Rect(a, b, c - a, d - b) for a, b, c, d in placed[others:])


def _fainter(level: Level) -> Level:
    return level._replace(alpha=_FAINTER * level.alpha)
