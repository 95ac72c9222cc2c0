"""Developing POC, VAH and VAL: step lines of the values at the end of each minute, over their session."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.palette import mix
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.layers.base import Scene
from flow_gl.layers.lines.book import DEVELOPING, MINUTE_COLUMNS
from flow_gl.layers.lines.layer import LinesLayer, pixel_xs, place_of
from flow_gl.layers.sessions import Session, sessions_in_view

_ALPHA: Final = 0.5


def minutes_of(
    scene: Scene, session: Session, first_ns: int, last_ns: int, *, most: int = 1 << 16
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return times (ns) and values (1e-9) of a session's rows of a range of times, from the last one before it on.

    Parameters
    ----------
    most : of more rows, every n-th is returned, and the newest
    """
    times, values = scene.lines.minutes.seen(first_ns, last_ns, most)
    # A minute belongs to the session in which it began; its row has the time of its end.
    inside = (times > session.start_ns) & (times <= min(last_ns, session.end_ns)) & (values[:, 0] != UNDEF_PRICE)
    return times[inside], values[inside]


class DevelopingLayer(LinesLayer):
    """Draws below the bubbles."""

    def key(self, scene: Scene) -> tuple[object, ...]:
        if DEVELOPING not in scene.style.is_visible or not len(scene.lines.minutes.times):
            return ()
        now_px = round(scene.price_view.screen_x(min(scene.now_ns, scene.until_ns)))
        places = *place_of(scene.price_view), now_px, scene.reader.sessions_version, self._chart.shown.tick_size
        return (*places, scene.lines, scene.lines.minutes.version, scene.until_ns, scene.style.palette)

    def build(self, scene: Scene) -> None:
        for session, left, right in sessions_in_view(scene):
            self._add(scene, session, left, right)

    def _add(self, scene: Scene, session: Session, left: float, right: float) -> None:
        """Add the lines of a session. A value is valid until that of the next minute that has trades."""
        view, palette = scene.price_view, scene.style.palette
        first_ns = max(session.start_ns, view.t_left_ns)
        last_ns = min(session.end_ns, view.t_right_ns, scene.now_ns, scene.until_ns)
        times, values = minutes_of(scene, session, first_ns, last_ns, most=2 * max(1, round(view.rect.width)))
        if not len(times):
            return
        end = min(right, float(round(view.screen_x(last_ns))))
        xs = np.clip(pixel_xs(view, times), left, end)
        colors = palette.attention, palette.information, palette.information
        for column, (name, color) in enumerate(zip(MINUTE_COLUMNS, colors, strict=True)):
            ticks = values[:, column] / self._chart.shown.tick_size
            ys = np.round(view.rect.y + (view.y_top - ticks) / view.y_per_px)
            width = (1.5 if name == "poc" else 1.0) * view.scale
            self.shapes.steps(xs, ys, end, width, mix(color, palette.quiet, 0.25), alpha=_ALPHA)
