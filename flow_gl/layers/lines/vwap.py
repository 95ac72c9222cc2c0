"""VWAP and its bands as they developed: a curve from the session's first trade through the values at each minute's end.

It stops where a gap begins, also a halt, and continues where the gap ends. The running session ends at its present
value. A session whose minutes are not known has flat lines at the values of its close instead
(`layers.labels.levels`).
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.cached import Cached
from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.core.schema import PRICE_SCALE, GapKind
from flow_gl.layers.base import Scene, once
from flow_gl.layers.chart import Chart
from flow_gl.layers.lines.layer import LinesLayer, pixel_xs, place_of, x_place_of
from flow_gl.layers.lines.vwap_points import Values, end_of, points_of, values_of
from flow_gl.layers.rows.hit import END_OF_TIME
from flow_gl.layers.sessions import Session, current_left, sessions_in_view, sessions_shown

BANDS_PX: Final = 260.0
"""Narrowest finished session that shows its bands, px at content scale 1."""
MIN_PX: Final = 8.0
"""Narrowest finished session that shows its VWAP, px at content scale 1."""
LABEL_PX: Final = 60.0
"""Shorter pieces of a curve have no label, px at content scale 1."""
_FAINTER: Final = 0.8
"""Opacity of a finished session's lines, relative to the others."""
_MAX_SHARE: Final = 0.15
"""Most points of a curve, per pixel of the pane."""


_FACTORS: Final = np.array([0.0, 1.0, -1.0, 2.0, -2.0])
"""Standard deviations of VWAP and its bands from VWAP, in the order in which they are drawn."""


def vwap_color(palette: Palette) -> Rgb:
    return mix(palette.text, palette.information, 0.25)


@once
def current_values(scene: Scene) -> Values:
    """Return `vwap_at` for the running session."""
    return values_of(scene, sessions_shown(scene)[-1])


def curve_left(scene: Scene, begin: float, room_px: float) -> float:
    """Return the first x from `begin` on from which the curves are drawn: not within a feed gap or a halt.

    Parameters
    ----------
    room_px : least length of a curve that counts
    """
    view, gaps = scene.price_view, scene.reader.gaps
    if not len(gaps):
        return begin
    gaps = gaps[gaps["kind"] != int(GapKind.CLOSED)]
    now_ns = min(scene.now_ns, scene.until_ns)
    for gap in np.sort(gaps[(gaps["start"] < view.t_right_ns)], order="start"):
        left, right = view.pixel_x(int(gap["start"])), view.pixel_x(now_ns if gap["open"] else int(gap["end"]))
        if left < begin + room_px and begin < right:
            begin = right
    return begin


@once
def current_curve_left(scene: Scene) -> float:
    """Return the screen x from which the pane shows the running session's curves."""
    return curve_left(scene, current_left(scene), LABEL_PX * scene.price_view.scale)


class _Curve(NamedTuple):
    """A session's VWAP and its bands, which a scale that glides only moves up and down.

    Attributes
    ----------
    xs : of the points, float64 (n,), px
    joined : whether each point is joined to the next one, bool (n - 1,)
    values : of each line at the points, float64 (lines, n), ticks above price 0
    looks : thickness, colour and opacity of each line
    """

    xs: NDArray[np.float64]
    joined: NDArray[np.bool_]
    values: NDArray[np.float64]
    looks: list[tuple[float, Rgb, float]]


class VwapLayer(LinesLayer):
    """Draws below the bubbles."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._curves: Final[Cached[list[_Curve]]] = Cached()

    def key(self, scene: Scene) -> tuple[object, ...]:
        reader, view = scene.reader, scene.price_view
        if "levels" not in scene.style.is_visible or not reader.session["trade_count"]:
            return ()
        per_price = PRICE_SCALE / (view.y_per_px * self._chart.shown.tick_size)
        # Shortly after a session's open its trades are there and its VWAP is not.
        now_ys = [round(value * per_price) for value in self._now(scene) if math.isfinite(value)]
        return (*place_of(view), *now_ys, *self._dependencies(scene))

    def _now(self, scene: Scene) -> tuple[float, float]:
        """Return VWAP and its standard deviation, points."""
        return float(scene.reader.session["vwap"]), float(scene.reader.session["vwap_sd"])

    def _dependencies(self, scene: Scene) -> tuple[object, ...]:
        """Return what the curves depend on besides the place of the pane and the newest values."""
        reader, lines = scene.reader, scene.lines
        now_px = round(scene.price_view.screen_x(min(scene.now_ns, scene.until_ns)))
        versions = reader.sessions_version, reader.breaks_version, lines, lines.vwaps.version
        first_ts, tick_size = int(reader.session["first_ts"]), self._chart.shown.tick_size
        return (now_px, *versions, first_ts, scene.until_ns, scene.style.palette, tick_size)

    def build(self, scene: Scene) -> None:
        view = scene.price_view
        key = *x_place_of(view), *self._now(scene), *self._dependencies(scene)
        for xs, joined, values, looks in self._curves.get(key, lambda: list(self._curves_in(scene))):
            self.shapes.curves(xs, view.rect.y + (view.y_top - values) / view.y_per_px, joined, looks)

    def _curves_in(self, scene: Scene) -> Iterator[_Curve]:
        """Yield the curves of the sessions in view."""
        for session, left, right in sessions_in_view(scene):
            is_wide = not session.is_finished or right - left >= MIN_PX * scene.price_view.scale
            curve = self._curve(scene, session, left, right) if is_wide else None
            if curve is not None:
                yield curve

    def _curve(self, scene: Scene, session: Session, left: float, right: float) -> _Curve | None:
        view, palette = scene.price_view, scene.style.palette
        range_ns = max(session.start_ns, view.t_left_ns), min(view.t_right_ns, end_of(scene, session))
        times, values = points_of(scene, session, *range_ns, most=round(_MAX_SHARE * view.rect.width) + 2)
        if not len(times):
            return None
        xs, joined = pixel_xs(view, times), joined_points(times, scene.reader.gaps)
        if not session.is_finished and xs[-1] < right:
            # The current value extends to the price axis.
            xs, joined = np.concatenate((xs, [right])), np.concatenate((joined, [True]))
            values = np.concatenate((values, values[-1:]))
        alpha, per_tick = (_FAINTER if session.is_finished else 1.0), PRICE_SCALE / self._chart.shown.tick_size
        has_bands = not session.is_finished or right - left >= BANDS_PX * view.scale
        color, quiet, line = vwap_color(palette), palette.quiet, 1.0 * view.scale
        looks = [(1.5 * view.scale, color, alpha * 0.75)]
        if has_bands:
            looks += [(line, quiet, alpha * band_alpha) for band_alpha in (0.42, 0.42, 0.30, 0.30)]
        ticks = (values[:, :1] + _FACTORS[: len(looks)] * values[:, 1:]) * per_tick
        return _Curve(xs, joined, ticks.T, looks)


def joined_points(times: NDArray[np.int64], gaps: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return whether each point is joined to the next one: not over a feed gap or a halt. Shape (n - 1,)."""
    if len(gaps):
        gaps = gaps[gaps["kind"] != int(GapKind.CLOSED)]
    if not len(gaps):
        return np.ones(len(times) - 1, np.bool_)
    ends = np.where(gaps["open"] == 1, END_OF_TIME, gaps["end"])
    # A segment is apart if a gap begins before its end and is not over at its start.
    begun = np.searchsorted(np.sort(gaps["start"]), times[1:])
    joined: NDArray[np.bool_] = begun <= np.searchsorted(np.sort(ends), times[:-1], side="right")
    return joined
