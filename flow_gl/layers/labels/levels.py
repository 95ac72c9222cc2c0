"""Price levels as lines with labels: POC, value area, VWAP with its bands, low-volume nodes, the prior session's.

Labels sit on their lines at the left, the most important first. A label that would overlap another moves right to the
next free column on its line; if there is none, the label is omitted and the line stays. In a session's first minutes
its bubbles are at the left, too: while nothing traded in view before its start, the labels are left of it instead.
All levels belong to a session and span it (`layers.sessions`); those of finished sessions are in `session_levels`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from flow_gl.core.cached import Cached
from flow_gl.core.palette import Palette, Rgb
from flow_gl.core.schema import PRICE_SCALE, UNDEF_PRICE
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radius_range
from flow_gl.layers.labels.layout import LEVELS, LINES, PROFILE
from flow_gl.layers.labels.words import price_text
from flow_gl.layers.lines.vwap import current_curve_left, current_values, vwap_color
from flow_gl.layers.lines.vwap_points import Values
from flow_gl.layers.roll_places import contract_left
from flow_gl.layers.sessions import Session, current_left, current_profile, sessions_in_view, sessions_shown

_LABEL_PX: Final = 13.0
_COLUMNS: Final = 5
_GAP_PX: Final = 10.0
_LABELS_SHARE: Final = 0.6
"""Of the width from where the levels begin: labels may be placed there, ..."""
_NODE_LINE_PX: Final = 24.0
"""Length of a low-volume node's line where its label finds no room."""
_LIVE_PX: Final = 14.0
"""Least distance of a low-volume node's label from the live edge, around which the newest bubbles are, at scale 1."""
_BAND_LABELS_PX: Final = 320.0
"""In sessions narrower than this the bands of VWAP have no labels, px at scale 1."""
_MIN_LABELS_PX: Final = 320.0
"""... in at least this many pixels at scale 1: shortly after a roll there is little room after it."""
_BEFORE_PX: Final = 150.0
"""Labels are left of the running session's start if at least this much room is empty there, px at scale 1."""
_NARROW_SHARE: Final = 0.5
"""Bands of VWAP begin at one point, where only VWAP has its label: in a session narrower than this share of the pane,
whose labels are left of its start, they have none."""
PARTIAL_SUFFIX: Final = "*"
"""Suffix of a level from a session whose beginning is missing."""
REGULAR_WORD: Final = " RTH"
"""Behind the name of a level of the profile of regular hours."""
_OF_PROFILE: Final = ("prior_poc", "prior_vah", "prior_val")
_CURVE_PX: Final = 60.0
"""About where the middle of a label on a curve is, from the left end, at scale 1."""
_PRIOR: Final = (
    ("prior_high", "pHigh"),
    ("prior_low", "pLow"),
    ("prior_close", "pClose"),
    ("prior_poc", "pPOC"),
    ("prior_vah", "pVAH"),
    ("prior_val", "pVAL"),
    ("overnight_high", "ON high"),
    ("overnight_low", "ON low"),
)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Level(NamedTuple):
    """A price level drawn as a line."""

    price: int
    name: str
    color: Rgb
    alpha: float
    dash: tuple[float, float]
    """Period and length of a dash in pixels at scale 1; (0, 0) is a solid line."""
    deviations: int | None = None
    """Of VWAP and its bands: standard deviations from VWAP. They are curves where their minutes are known."""

    def is_curve(self, values: Values, session: Session) -> bool:
        return self.deviations is not None and values(session.start_ns) is not None

    def price_at(self, values: Values, t_ns: int) -> int:
        """Return the price (1e-9) of the line at a time."""
        found = None if self.deviations is None else values(t_ns)
        return self.price if found is None else round((found[0] + (self.deviations or 0) * found[1]) * PRICE_SCALE)


def levels_of(palette: Palette, profile: np.void, session: np.void) -> list[Level]:
    """Return the levels of a session, the most important first.

    Parameters
    ----------
    profile : PROFILE or FINISHED_SESSION record
    session : SESSION record
    """
    suffix = PARTIAL_SUFFIX if session["partial"] else ""
    prior_suffix = PARTIAL_SUFFIX if session["prior_partial"] else ""
    hours = REGULAR_WORD if profile["is_regular"] else ""
    prior_hours = REGULAR_WORD if session["prior_regular"] else ""
    found = [
        Level(int(profile["poc"]), f"POC{hours}{suffix}", palette.attention, 0.9, (10.0, 6.0)),
        Level(int(profile["vah"]), f"VAH{hours}{suffix}", palette.information, 0.75, (10.0, 6.0)),
        Level(int(profile["val"]), f"VAL{hours}{suffix}", palette.information, 0.75, (10.0, 6.0)),
    ]
    vwap, deviation = float(session["vwap"]), float(session["vwap_sd"])
    if math.isfinite(vwap) and int(session["trade_count"]):
        found.append(Level(round(vwap * PRICE_SCALE), f"VWAP{suffix}", vwap_color(palette), 0.6, (0.0, 0.0), 0))
        for factor in (1, 2) if math.isfinite(deviation) and deviation > 0 else ():
            for sign, text in ((1, "+"), (-1, "\u2212")):
                price = round((vwap + sign * factor * deviation) * PRICE_SCALE)
                found.append(Level(price, f"{text}{factor} SD{suffix}", palette.quiet, 0.30, (6.0, 2.0), sign * factor))
    for field, name in _PRIOR:
        its_suffix = prior_suffix if field.startswith("prior") else suffix
        its_suffix = prior_hours + its_suffix if field in _OF_PROFILE else its_suffix
        found.append(Level(int(session[field]), f"{name}{its_suffix}", palette.quiet, 0.40, (3.0, 5.0)))
    return [level for level in found if level.price not in {UNDEF_PRICE, 0}]


class LevelsLayer(CachedLayer):
    """Adds lines below the bubbles and labels above them."""

    avoids = True
    follows = LEVELS | PROFILE | LINES

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._versions: tuple[object, ...] = ()
        self._levels: list[Level] = []
        self._found = 0
        self._nodes: list[int] = []
        self._prices: list[int] = []
        self._shown: list[object] = []
        self._lines: Final[Cached[tuple[int, ...]]] = Cached()

    def key(self, scene: Scene) -> tuple[object, ...]:
        view, chart = scene.price_view, self._chart
        found = self._find(scene)
        begin = current_left(scene)
        place = view.rect, view.scale, scene.profile_rect, begin, round(_live_px(scene)), empty_left(scene)
        if found < 0:
            return (*place, found)
        return (*place, self._lines_now(scene), self._curves_now(scene), found, chart.shown.tick_size, scene.style)

    def _curves_now(self, scene: Scene) -> tuple[int, ...]:
        """Return where VWAP and its bands begin and their y where their labels are, in whole pixels; () if flat."""
        view = scene.price_view
        left = current_curve_left(scene)
        found = current_values(scene)(view.time_at(left + _CURVE_PX * view.scale))
        if found is None:
            return ()
        per_tick = PRICE_SCALE / self._chart.shown.tick_size
        return round(left), *(
            round(view.screen_y((found[0] + factor * found[1]) * per_tick)) for factor in range(-2, 3)
        )

    def _lines_now(self, scene: Scene) -> tuple[int, ...]:
        """Return the y of each line in whole pixels: an axis that moves by less than a pixel causes no new layout."""
        view, tick_size = scene.price_view, self._chart.shown.tick_size
        top, per_price = view.rect.y + view.y_top / view.y_per_px, 1.0 / (view.y_per_px * tick_size)
        key = self._found, view.rect, view.y_top, view.y_per_px, tick_size
        return self._lines.get(key, lambda: tuple(round(top - price * per_price) for price in self._prices))

    def _find(self, scene: Scene) -> int:
        """Update the levels if they changed. Returns a version number, -1 if none are shown."""
        if "levels" not in scene.style.is_visible or not self._chart.has_trades:
            return -1
        reader, session = scene.reader, scene.reader.session
        versions = reader.profile_version, float(session["vwap"]), int(session["trade_date"])
        key = (*versions, id(reader), scene.style.palette)
        if key[2:] == self._versions[2:] and not self._chart.is_profile_due:
            return self._found
        if key != self._versions and not (
            self._chart.shown.is_paused and self._levels and self._versions[3:] == key[3:]
        ):
            self._versions = key
            profile = reader.profile
            self._levels = levels_of(scene.style.palette, profile, session)
            self._nodes = profile["lvn"][: int(profile["lvn_count"])].tolist()
            shown = [*self._nodes, *((level.name, level.price) for level in self._levels)]
            if shown != self._shown:
                self._shown = shown
                self._prices = [*self._nodes, *(level.price for level in self._levels)]
                self._found += 1
        return self._found

    def build(self, scene: Scene) -> None:
        chart, rect = self._chart, scene.price_view.rect
        begin = current_left(scene)
        if "levels" not in scene.style.is_visible or not chart.has_trades or begin >= rect.right:
            return
        lines = self._lines_now(scene)
        node_lines, level_lines = lines[: len(self._nodes)], lines[len(self._nodes) :]
        placed = [(box.x, box.y, box.right, box.bottom) for box in chart.batches.placed]
        others = len(placed)
        session, ends, before = sessions_shown(scene)[-1], (begin, rect.right), empty_left(scene)
        # A name before the start is tied to its line.
        line_ends = begin if before is None else begin - _reach_px(scene), rect.right
        values = current_values(scene)
        for level, y in zip(self._levels, level_lines, strict=True):
            if level.is_curve(values, session):
                curve, left = curve_y(chart, scene, values, level), current_curve_left(scene)
                its_before = before if left == begin else None  # else bubbles are left of the curve
                add_label(chart, scene, level, curve, (left, rect.right), placed=placed, before=its_before)
            elif rect.y <= y < rect.bottom:
                add_line(chart, scene, level, y, line_ends)
                add_label(chart, scene, level, y, ends, placed=placed, before=before)
        self._add_nodes(scene, node_lines, placed)
        chart.batches.placed.extend(Rect(a, b, c - a, d - b) for a, b, c, d in placed[others:])

    def _add_nodes(self, scene: Scene, lines: Sequence[int], placed: list[Box]) -> None:
        """Add each low-volume node where the profile is low: a line up to the end of its bar, and a label before it.

        Where there is no room for it between the live edge and the bar, it is the name alone or left out.
        """
        chart, rect, palette, scale = self._chart, scene.price_view.rect, scene.style.palette, scene.price_view.scale
        place, bars = current_profile(scene), chart.current_bars
        size, line = (_LABEL_PX - 1) * scale, max(1.0, round(scale))
        least = max(current_left(scene), _live_px(scene) + _LIVE_PX * scale)
        for price, y in zip(self._nodes, lines, strict=True):
            if not rect.y + size <= y < rect.bottom - size or bars is None or place.width <= 0:
                continue
            suffix = PARTIAL_SUFFIX if scene.reader.session["partial"] else ""
            hours = REGULAR_WORD if scene.reader.profile["is_regular"] else ""
            end = round(place.right - bars.length_px(price, place.width) - 2 * scale)
            begin = max(place.x, end - _NODE_LINE_PX * scale)
            name = f"LVN{hours}{suffix}"
            for text in (f"{name} {price_text(price, chart.shown.tick_size)}", name):
                width = chart.batches.text.width(text, size) + size
                label = (end - width - 8 * scale, y - 0.8 * size, end - 8 * scale, y + 0.8 * size)
                if label[0] < least or met_by(label, placed):
                    continue
                placed.append(label)
                begin = label[2]
                x, style = round(label[0] + 0.5 * size), TextStyle(size, palette.quiet)
                chart.batches.text.add(text, x, y, style, plate=Plate(palette.ground))
                break
            if end > begin:
                box = begin, y, end - begin, line
                chart.batches.under.dashed(*box, palette.quiet, alpha=0.7, period=2 * line, dash=line)


def _live_px(scene: Scene) -> float:
    """Return the screen x of the live edge, or the border of the pane beyond which it is."""
    rect = scene.price_view.rect
    return min(max(scene.live_x_px, rect.x), rect.right)


def empty_left(scene: Scene) -> float | None:
    """Return the x from which the pane is empty up to the running session's start; None if that is too narrow."""
    rect, begin = scene.price_view.rect, current_left(scene)
    least = begin - _BEFORE_PX * scene.price_view.scale - _reach_px(scene)
    # In a session that has rolled, the earlier contract's bubbles are left of `begin`.
    if least < rect.x or begin >= rect.right or contract_left(scene) > rect.x:
        return None
    left = max((right for one, _, right in sessions_in_view(scene) if one.is_finished), default=rect.x)
    return left if left <= least else None


def _reach_px(scene: Scene) -> float:
    """Return how far a session's first bubbles may reach to the left of its start, px."""
    return round(radius_range(scene.style, scene.price_view.scale)[1])


def add_line(chart: Chart, scene: Scene, level: Level, y: float, ends: tuple[float, float]) -> None:
    """Add a level's line from one x to another."""
    under, scale, (period, dash) = chart.batches.under, scene.price_view.scale, level.dash
    box = ends[0], y, ends[1] - ends[0], max(1.0, round(scale))
    if period:
        under.dashed(*box, level.color, alpha=level.alpha, period=period * scale, dash=dash * scale)
    else:
        under.rect(*box, level.color, alpha=level.alpha)


def curve_y(chart: Chart, scene: Scene, values: Values, level: Level) -> Callable[[float], float]:
    """Return the function from screen x to the screen y of a level that is a curve."""
    view = scene.price_view
    return lambda x: round(chart.shown.y_of_price(scene, level.price_at(values, view.time_at(x))))


def add_label(
    chart: Chart,
    scene: Scene,
    level: Level,
    y: float | Callable[[float], float],
    ends: tuple[float, float],
    *,
    placed: list[Box],
    before: float | None = None,
) -> None:
    """Add a level's label at the left of its line, if it finds room; its box is added to `placed`.

    Parameters
    ----------
    y : of the line; of a curve, the function from x to it
    ends : left and right end of the line, px
    placed : boxes of the labels so far
    before : the label goes left of its line if it finds room there, right of this x
    """
    rect, scale = scene.price_view.rect, scene.price_view.scale
    size = _LABEL_PX * scale
    is_band = level.name.rstrip(PARTIAL_SUFFIX).endswith("SD")
    begin, room = ends[0], ends[1] - ends[0]
    if is_band and room < max(_BAND_LABELS_PX * scale, 0.0 if before is None else _NARROW_SHARE * rect.width):
        return
    text = level.name
    # The curve of a band has another value there, that of VWAP may have.
    if not is_band and not (callable(y) and abs(y(begin) - chart.shown.y_of_price(scene, level.price)) > size):
        text = f"{text} {price_text(level.price, chart.shown.tick_size)}"
    width = chart.batches.text.width(text, size) + size
    first = first_px(begin, ends[1], width, size, scale)
    least = min(_MIN_LABELS_PX * scale, _LABELS_SHARE * rect.width)
    end = begin + min(max(_LABELS_SHARE * room, least), room)
    if isinstance(y, (int, float)):
        y = min(max(y, rect.y + size), rect.bottom - size)
    box = None
    if before is not None and not (is_band and callable(y)):
        right, middle = begin - _reach_px(scene), y(begin + 1) if callable(y) else y
        box = free_before(right, middle, (width, 1.5 * size), placed, _GAP_PX * scale)
        box = None if box is None or box[0] < before else box
    if box is None:
        box = free_place(first, y, (width, 1.5 * size), placed, _GAP_PX * scale)
    if box is None or box[2] > end or not (rect.y <= box[1] and box[3] <= rect.bottom):
        return
    placed.append(box)
    middle, plate = 0.5 * (box[1] + box[3]), Plate(scene.style.palette.ground)
    chart.batches.text.add(text, round(box[0] + 0.5 * size), middle, TextStyle(size, level.color), plate=plate)


def first_px(begin: float, end: float, width: float, size: float, scale: float) -> float:
    """Return the x of the first column for labels of a line from `begin` to `end`, px.

    Parameters
    ----------
    width : of the label, px
    size : of its text, px
    """
    return begin + min(14 * scale, max(0.5 * size, 0.5 * (end - begin - width)))


def met_by(label: Box, placed: list[Box]) -> list[tuple[float, float]]:
    """Return the left and right ends of the boxes that overlap a label."""
    left, top, right, bottom = label
    return [(a, b) for a, above, b, below in placed if above < bottom and top < below and a < right and left < b]


def free_place(
    left: float, y: float | Callable[[float], float], size: tuple[float, float], placed: list[Box], gap: float
) -> Box | None:
    """Return the leftmost place of a label on its line at which it overlaps nothing; None after a few columns.

    Parameters
    ----------
    left : x of the first column
    y : of the line; of a curve, the function from x to it
    size : width and height of the label
    """
    width, height = size
    for _ in range(_COLUMNS):
        middle = y(left + 0.5 * width) if callable(y) else y
        label = left, middle - 0.5 * height, left + width, middle + 0.5 * height
        met = met_by(label, placed)
        if not met:
            return label
        left = max(end for _, end in met) + gap
    return None


def free_before(right: float, y: float, size: tuple[float, float], placed: list[Box], gap: float) -> Box | None:
    """Return the rightmost place of a label left of `right` at which it overlaps nothing; None after a few columns.

    Parameters
    ----------
    y : of the line
    size : width and height of the label
    """
    width, height = size
    for _ in range(_COLUMNS):
        label = right - width, y - 0.5 * height, right, y + 0.5 * height
        met = met_by(label, placed)
        if not met:
            return label
        right = min(begin for begin, _ in met) - gap
    return None
