"""Periods without trades or without data: hatched bands labelled with kind and length.

A feed gap has dense hatching in the attention colour, because numbers may be missing. A halt has sparse, quiet
hatching; a closed exchange is only shaded. A folded period (`core.folds`) is a narrow band whose label reads upwards.
A line marks the start of an unscheduled session.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.calendar_fixes import GLOBEX_OPEN
from flow_gl.core.schema import GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.shapes import Hatch
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import TIME
from flow_gl.layers.labels.ticks import local_ns
from flow_gl.layers.labels.words import length_text
from flow_gl.layers.panes import panes_of
from flow_gl.layers.session_hours import holidays_between

_NAMES: Final = {GapKind.FEED: "feed gap", GapKind.NO_TRADES: "no trades", GapKind.CLOSED: "closed"}
UNSCHEDULED: Final = "unscheduled session"
_LABEL_PX: Final = 13.0
_LONGEST_WEEKEND: Final = timedelta(hours=60)
_UPWARD_LINES: Final = 1.3
"""Narrowest band with a label, in heights of its text."""
_MIN_BAND_PX: Final = 2.0
_MAX_HOLIDAYS: Final = 3
_MAX_BANDS: Final = 64


def gap_text(kind: GapKind, start_ns: int, end_ns: int, zone: str) -> str:
    """Name a gap: "weekend", "closed 1 h", "closed 3 d 1 h, holiday 29 Mar", "no trades 10 h 46 min"."""
    start, end = (datetime.fromtimestamp(local_ns(t_ns, zone) // SECOND_NS, UTC) for t_ns in (start_ns, end_ns))
    saturday = datetime(start.year, start.month, start.day, 12, tzinfo=UTC) + timedelta(days=(5 - start.weekday()) % 7)
    if kind is GapKind.CLOSED and start < saturday < end and end - start < _LONGEST_WEEKEND:
        return "weekend"
    name = f"{_NAMES[kind]} {length_text(end_ns - start_ns)}"
    if kind is not GapKind.CLOSED:
        return name
    # A session that opens in the evening has the next day's trade date.
    following = end.date() + timedelta(days=end.hour >= GLOBEX_OPEN.hour)
    days = [f"{day.day} {day:%b}" for day in holidays_between(start.date(), following)[:_MAX_HOLIDAYS]]
    return f"{name}, holiday{'s' if len(days) > 1 else ''} {', '.join(days)}" if days else name


class GapsLayer(CachedLayer):
    """Adds rectangles below the bubbles, and labels."""

    avoids = True
    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        seen = self._seen(scene)
        if not len(seen):
            return ()
        view = scene.price_view
        bands = []
        for gap in seen:
            start_ns, end_ns = _ends(scene, gap)
            left, right = round(view.screen_x(start_ns)), round(view.screen_x(end_ns))
            bands.append((int(gap["kind"]), start_ns, end_ns, left, right, start_ns in view.folded.starts))
        return bands, panes_of(scene), view.scale, scene.style.palette

    def build(self, scene: Scene) -> None:
        for gap in self._seen(scene):
            self._add_band(scene, gap)

    def _seen(self, scene: Scene) -> NDArray[np.void]:
        """Return the GAP rows in view, oldest first."""
        gaps, view = scene.reader.gaps, scene.price_view
        if len(gaps) == 0 or "gaps" not in scene.style.is_visible:
            return gaps[:0]
        # Usually checking the newest gap is enough. An open gap has no end yet.
        if not gaps[-1]["open"] and gaps[-1]["end"] < view.t_left_ns:
            return gaps[:0]
        first = int(np.searchsorted(gaps["end"], view.t_left_ns))
        last = int(np.searchsorted(gaps["start"], min(view.t_right_ns, scene.until_ns)))
        return gaps[max(first, last - _MAX_BANDS) : last]

    def _add_band(self, scene: Scene, gap: np.void) -> None:
        view, palette, under = scene.price_view, scene.style.palette, self._chart.batches.under
        scale, rect = view.scale, view.rect
        (start_ns, end_ns), kind = _ends(scene, gap), GapKind(int(gap["kind"]))
        if kind is GapKind.UNSCHEDULED:
            self._add_session_line(scene, view.screen_x(start_ns))
            return
        left, right = view.screen_x(start_ns), view.screen_x(end_ns)
        cut = max(0.0, rect.x - left)
        x, x_end = max(left, rect.x), min(max(right, left + _MIN_BAND_PX * scale), rect.right)
        width = x_end - x
        if width <= 0:
            return
        is_feed, is_folded = kind is GapKind.FEED, start_ns in view.folded.starts
        color = palette.attention if is_feed else palette.quiet
        for pane in panes_of(scene):
            if is_folded:
                under.rect(x, pane.y, width, pane.height, palette.grid, alpha=0.7)
            else:
                under.rect(x, pane.y, width, pane.height, color, alpha=0.05 if is_feed else 0.03)
            if kind is not GapKind.CLOSED:
                hatch = Hatch(period=(7 if is_feed else 12) * scale, stripe=1.0 * scale, phase=cut % 1e6)
                under.hatched(x, pane.y, width, pane.height, color, hatch=hatch, alpha=0.30 if is_feed else 0.14)
            line = max(1.0, round(scale))
            for edge, is_inside in ((left, left >= rect.x), (right, right < rect.right)):
                if is_inside and width > 4 * line:
                    under.rect(round(edge), pane.y, line, pane.height, color, alpha=0.3)
        text = gap_text(kind, start_ns, end_ns, scene.zone)
        self._add_label(scene, (x, width), text, is_feed=is_feed)

    def _add_session_line(self, scene: Scene, x: float) -> None:
        """Add a labelled line where an unscheduled session begins."""
        palette, rect, scale = scene.style.palette, scene.price_view.rect, scene.price_view.scale
        if not rect.x <= x < rect.right:
            return
        line, size = max(1.0, round(scale)), _LABEL_PX * scale
        for pane in panes_of(scene):
            self._chart.batches.under.rect(round(x), pane.y, line, pane.height, palette.attention, alpha=0.6)
        width = self._chart.batches.text.width(UNSCHEDULED, size) + size
        left = round(x + size) if x + size + width < rect.right else round(x - size - width)
        y = round(rect.y + 2.5 * size)
        if not self._chart.batches.take(Rect(left, y - size, width, 2 * size), rect):
            return
        color, ground = palette.attention, palette.ground
        self._chart.batches.text.add(UNSCHEDULED, left, y, TextStyle(size, color), plate=Plate(ground))

    def _add_label(self, scene: Scene, band: tuple[float, float], text: str, *, is_feed: bool) -> None:
        palette, rect, scale = scene.style.palette, scene.price_view.rect, scene.price_view.scale
        size = _LABEL_PX * scale
        width = self._chart.batches.text.width(text, size) + 2 * size
        x, y = round(band[0] + 0.5 * band[1]), round(rect.y + 0.5 * rect.height)
        if width > band[1]:
            upward = Rect(band[0], y - 0.5 * width, band[1], width)
            if band[1] >= _UPWARD_LINES * size and self._chart.batches.take(upward, rect):
                color = palette.attention if is_feed else palette.quiet
                style, plate = TextStyle(size - scale, color), Plate(palette.ground)
                self._chart.batches.text.add_upward(text, x, y, style, plate=plate)
            return
        if not self._chart.batches.take(Rect(x - 0.5 * width, y - size, width, 2 * size), rect):
            return
        self._chart.batches.text.add(
            text,
            x,
            y,
            TextStyle(size, palette.attention if is_feed else palette.quiet, align="center"),
            plate=Plate(palette.ground),
        )


def _ends(scene: Scene, gap: np.void) -> tuple[int, int]:
    """Return start and end (ns) of a gap as drawn: an open gap lasts until now."""
    start_ns, end_ns = int(gap["start"]), int(gap["end"])
    return start_ns, max(end_ns, min(scene.now_ns, scene.until_ns)) if gap["open"] else end_ns
