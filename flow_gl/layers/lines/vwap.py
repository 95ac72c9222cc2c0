"""VWAP and its bands as they developed: a curve through the values at each minute's end, over its session.

It stops where a gap begins, also a halt, and continues where the gap ends. The running session ends at its present
value. A session whose minutes are not known has flat lines at the values
of its close instead (`layers.labels.levels`).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.core.schema import PRICE_SCALE, GapKind
from flow_gl.core.units import MINUTE_NS
from flow_gl.layers.base import Scene, once
from flow_gl.layers.labels.layout import LEVELS, LINES, PROFILE
from flow_gl.layers.lines.layer import LinesLayer, pixel_xs, place_of
from flow_gl.layers.rows.hit import END_OF_TIME
from flow_gl.layers.sessions import Session, sessions_in_view, sessions_shown

BANDS_PX: Final = 260.0
"""Narrowest finished session that shows its bands, px at content scale 1."""
MIN_PX: Final = 8.0
"""Narrowest finished session that shows its VWAP, px at content scale 1."""
_FAINTER: Final = 0.8
"""Opacity of a finished session's lines, relative to the others."""
_PAUSE_NS: Final = 3 * MINUTE_NS
"""Shorter times without trades are drawn as slopes."""
_MAX_SHARE: Final = 0.15
"""Most points of a curve, per pixel of the pane."""


_FACTORS: Final = np.array([0.0, 1.0, -1.0, 2.0, -2.0])
"""Standard deviations of VWAP and its bands from VWAP, in the order in which they are drawn."""


def vwap_color(palette: Palette) -> Rgb:
    return mix(palette.text, palette.information, 0.25)


Values = Callable[[int], tuple[float, float] | None]
"""VWAP and standard deviation of a session at a time (ns), as `vwap_at` returns them."""


def vwap_at(scene: Scene, session: Session, t_ns: int) -> tuple[float, float] | None:
    """Return a session's VWAP and standard deviation at a time, in points; None if none of its minutes is known.

    They hold where nothing trades, and change within the minute that ends with new values. Before the end of the first
    minute they are those of that minute; after the last one, the present ones.
    """
    return values_of(scene, session)(t_ns)


def values_of(scene: Scene, session: Session) -> Values:
    """Return `vwap_at` for one session; the labels of one layout ask for the same few times."""
    times, values = scene.lines.vwaps.times, scene.lines.vwaps.values
    first, last = times.searchsorted([session.start_ns, _end_of(scene, session)], side="right").tolist()
    if first == last:
        return lambda _: None
    end = _present(scene, session) or _pair(values[last - 1])

    @cache
    def found(t_ns: int) -> tuple[float, float]:
        at = min(max(int(times.searchsorted(t_ns)), first), last)
        if at == last:
            return end
        if at == first:
            return _pair(values[first])
        before, after = values[at - 1 : at + 1].tolist()
        part = max(0.0, 1.0 - (int(times[at]) - t_ns) / MINUTE_NS)
        return before[0] + part * (after[0] - before[0]), before[1] + part * (after[1] - before[1])

    return found


@once
def current_values(scene: Scene) -> Values:
    """Return `vwap_at` for the running session."""
    return values_of(scene, sessions_shown(scene)[-1])


def _end_of(scene: Scene, session: Session) -> int:
    return min(session.end_ns, scene.now_ns, scene.until_ns)


def _present(scene: Scene, session: Session) -> tuple[float, float] | None:
    """Return the newest values of the running session; None of another one and during a pause."""
    if session.is_finished or scene.until_ns < scene.now_ns:
        return None
    vwap, deviation = float(session.numbers["vwap"]), float(session.numbers["vwap_sd"])
    return (vwap, deviation) if math.isfinite(vwap) and math.isfinite(deviation) else None


def _pair(row: NDArray[np.float64]) -> tuple[float, float]:
    return float(row[0]), float(row[1])


def _points(scene: Scene, session: Session) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the points of a session's curve in view: times (n,) and VWAP with its standard deviation (n, 2)."""
    view, end_ns = scene.price_view, _end_of(scene, session)
    left_ns, right_ns = max(session.start_ns, view.t_left_ns), min(view.t_right_ns, end_ns)
    times, values = scene.lines.vwaps.seen(left_ns, right_ns, round(_MAX_SHARE * view.rect.width) + 2)
    # A minute belongs to the session in which it began; its row has the time of its end.
    inside = (times > session.start_ns) & (times <= end_ns)
    times, values = times[inside], values[inside]
    if len(times):
        times, values = _with_pauses(scene, times, values)
    present = _present(scene, session)
    if len(times) and present is not None:
        times, values = np.concatenate((times, [end_ns])), np.concatenate((values, [present]))
    return times, values


def _with_pauses(
    scene: Scene, times: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return points with two more for each time without trades among them, in which the values hold."""
    rows = scene.lines.vwaps
    first, last = rows.times.searchsorted(times[[0, -1]]).tolist()
    before = first + np.flatnonzero(np.diff(rows.times[first : last + 1]) > _PAUSE_NS)
    if not len(before):
        return times, values
    ends = np.concatenate([rows.times[before], rows.times[before + 1] - MINUTE_NS])
    held = np.concatenate([rows.values[before], rows.values[before]])
    order = np.argsort(ends, kind="stable")
    at = times.searchsorted(ends[order])
    return np.insert(times, at, ends[order]), np.insert(values, at, held[order], axis=0)


class VwapLayer(LinesLayer):
    """Draws below the bubbles."""

    follows = LEVELS | PROFILE | LINES

    def key(self, scene: Scene) -> tuple[object, ...]:
        if "levels" not in scene.style.is_visible or not len(scene.lines.vwaps.times):
            return ()
        reader, view = scene.reader, scene.price_view
        now_px = round(view.screen_x(min(scene.now_ns, scene.until_ns)))
        per_price = PRICE_SCALE / (view.y_per_px * self._chart.shown.tick_size)
        # Shortly after a session's open its trades are there and its VWAP is not.
        now = float(reader.session["vwap"]), float(reader.session["vwap_sd"])
        now_ys = [round(value * per_price) for value in now if math.isfinite(value)]
        versions = reader.sessions_version, reader.breaks_version, scene.lines, scene.lines.vwaps.version
        return (*place_of(view), now_px, *now_ys, *versions, scene.until_ns, scene.style.palette, per_price)

    def build(self, scene: Scene) -> None:
        view = scene.price_view
        for session, left, right in sessions_in_view(scene):
            if session.is_finished and right - left < MIN_PX * view.scale:
                continue
            self._add(scene, session, left, right)

    def _add(self, scene: Scene, session: Session, left: float, right: float) -> None:
        view, palette = scene.price_view, scene.style.palette
        times, values = _points(scene, session)
        if not len(times):
            return
        xs, joined = pixel_xs(view, times), joined_points(times, scene.reader.gaps)
        xs = np.minimum(np.maximum(xs, left), right)
        if not session.is_finished:
            # The present value holds up to the price axis.
            xs, joined = np.concatenate((xs, [right])), np.concatenate((joined, [True]))
            values = np.concatenate((values, values[-1:]))
        alpha, per_tick = (_FAINTER if session.is_finished else 1.0), PRICE_SCALE / self._chart.shown.tick_size
        has_bands = not session.is_finished or right - left >= BANDS_PX * view.scale
        color, quiet, line = vwap_color(palette), palette.quiet, 1.0 * view.scale
        looks = [(1.5 * view.scale, color, alpha * 0.75)]
        if has_bands:
            looks += [(line, quiet, alpha * band_alpha) for band_alpha in (0.42, 0.42, 0.30, 0.30)]
        ticks = (values[:, :1] + _FACTORS[: len(looks)] * values[:, 1:]) * per_tick
        ys = view.rect.y + (view.y_top - ticks.T) / view.y_per_px
        self.shapes.curves(xs, ys, joined, looks)


def joined_points(times: NDArray[np.int64], gaps: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return whether each point is joined to the next one: not over a feed gap or a halt. Shape (n - 1,)."""
    gaps = gaps[gaps["kind"] != int(GapKind.CLOSED)]
    if not len(gaps):
        return np.ones(len(times) - 1, np.bool_)
    ends = np.where(gaps["open"] == 1, END_OF_TIME, gaps["end"])
    # A segment is apart if a gap begins before its end and is not over at its start.
    begun = np.searchsorted(np.sort(gaps["start"]), times[1:])
    joined: NDArray[np.bool_] = begun <= np.searchsorted(np.sort(ends), times[:-1], side="right")
    return joined
