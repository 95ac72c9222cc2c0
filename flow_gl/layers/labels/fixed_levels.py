"""Levels that the engine finds and that are then fixed: initial balance, opening range, POCs of earlier sessions.

Initial balance and opening range begin at the open of regular hours, a naked POC at the close of its session. Names
are at the right edge, or at the left end of the line if a bubble is in the way (`right_edge`): those of levels at one
height share a label. A line stays where its label finds no room.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from flow_gl.core.cached import Cached
from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.chart import Chart
from flow_gl.layers.labels.layout import LEVELS, PROFILE
from flow_gl.layers.labels.levels import PARTIAL_SUFFIX, Level, add_line
from flow_gl.layers.labels.right_edge import NewestDiscs, label_right, newest_px, place_label
from flow_gl.layers.labels.words import MINUS, price_text
from flow_gl.layers.roll_places import contract_left
from flow_gl.layers.sessions import Session, current_left, sessions_shown

INITIAL, OPENING, EXTENSIONS, NAKED = "initial_balance", "opening_range", "initial_extensions", "naked_pocs"
"""Names of the kinds, which are also those of their switches."""
KINDS: Final = (INITIAL, OPENING, EXTENSIONS, NAKED)
_RANGES: Final = {INITIAL: "IB", OPENING: "OR"}
_LABEL_PX: Final = 12.0
_MAX_EXTENSION: Final = 3


@dataclass(frozen=True, slots=True)
class FixedLevel:
    """A level with its kind, and the time (ns) from which its line is drawn; 0 where that is not known.

    `trade_date` (YYYYMMDD) is the session of a naked POC, else 0; `factor` is that of an extension, else 0.
    `is_frozen` is False while the level can still move. The line of a finished session's level ends at `until_ns`.
    """

    level: Level
    kind: str
    since_ns: int
    trade_date: int = 0
    factor: int = 0
    is_frozen: bool = True
    until_ns: int = 0


class _Line(NamedTuple):
    """A line in view: whole pixels. `label_right` is where its label may end, unless a bubble is in the way."""

    level: Level
    y: int
    left: int
    label_right: int
    is_aside: bool


def fixed_levels(scene: Scene) -> list[FixedLevel]:
    """Return the levels whose kinds are switched on, the most important first."""
    shown = scene.style.is_visible
    found: list[FixedLevel] = []
    if INITIAL in shown:
        found += _range(scene, INITIAL)
    if OPENING in shown:
        found += _range(scene, OPENING)
    if NAKED in shown:
        found += _naked(scene)
    if EXTENSIONS in shown:
        found += _extensions(scene)
    return found


def line_left(scene: Scene, one: FixedLevel) -> float:
    """Return the screen x from which a level's line is drawn, px."""
    first = contract_left(scene) if one.kind == NAKED else current_left(scene)
    return max(first, scene.price_view.pixel_x(one.since_ns)) if one.since_ns else first


def _look(palette: Palette, kind: str) -> tuple[Rgb, float, tuple[float, float]]:
    """Return colour, opacity and dash of a kind's lines."""
    return {
        INITIAL: (mix(palette.text, palette.information, 0.55), 0.8, (18.0, 14.0)),
        OPENING: (mix(palette.text, palette.attention, 0.45), 0.7, (5.0, 3.0)),
        EXTENSIONS: (mix(palette.quiet, palette.information, 0.5), 0.55, (8.0, 2.0)),
        NAKED: (mix(palette.quiet, palette.attention, 0.6), 0.75, (12.0, 5.0)),
    }[kind]


def finished_ranges(scene: Scene, session: Session) -> list[FixedLevel]:
    """Return initial balance and opening range of a finished session, if they are switched on."""
    shown, row, found = scene.style.is_visible, session.levels, []
    suffix = _begin_suffix(session.numbers, row)
    for kind in (INITIAL, OPENING):
        ends = _ends(row, kind) if kind in shown else None
        for price, end in zip(ends or (), ("high", "low"), strict=False):
            level = Level(price, f"{_RANGES[kind]} {end}{suffix}", *_look(scene.style.palette, kind))
            found.append(FixedLevel(level, kind, int(row["rth_open"]), until_ns=session.end_ns))
    return found


def _ends(row: np.void, kind: str) -> tuple[int, int] | None:
    """Return the high and low (1e-9) of a LEVELS or FINISHED_SESSION record's range; None before its first trade."""
    name = "initial" if kind == INITIAL else "opening"
    high, low = int(row[f"{name}_high"]), int(row[f"{name}_low"])
    return None if high == UNDEF_PRICE or not row["rth_open"] else (high, low)


def _range(scene: Scene, kind: str) -> Iterator[FixedLevel]:
    row = scene.reader.levels
    ends = _ends(row, kind)
    if ends is None:
        return
    suffix = _begin_suffix(scene.reader.session, row)
    is_frozen = bool(row["initial_frozen" if kind == INITIAL else "opening_frozen"])
    for price, end in zip(ends, ("high", "low"), strict=True):
        level = Level(price, f"{_RANGES[kind]} {end}{suffix}", *_look(scene.style.palette, kind))
        yield FixedLevel(level, kind, int(row["rth_open"]), is_frozen=is_frozen)


def _extensions(scene: Scene) -> Iterator[FixedLevel]:
    row = scene.reader.levels
    ends = _ends(row, INITIAL)
    if ends is None or ends[0] == ends[1]:
        return
    (high, low), look = ends, _look(scene.style.palette, EXTENSIONS)
    suffix = _begin_suffix(scene.reader.session, row)
    for factor in range(1, _MAX_EXTENSION + 1):
        for price, sign in ((high + factor * (high - low), "+"), (low - factor * (high - low), MINUS)):
            level = Level(price, f"IB {sign}{factor}x{suffix}", *look)
            is_frozen = bool(row["initial_frozen"])
            yield FixedLevel(level, EXTENSIONS, int(row["rth_open"]), factor=factor, is_frozen=is_frozen)


def _begin_suffix(session: np.void, row: np.void) -> str:
    """Return the suffix of levels whose session's data begin after the open of regular hours, else ""."""
    lacks_begin = bool(session["partial"]) and int(session["first_ts"]) > int(row["rth_open"])
    return PARTIAL_SUFFIX if lacks_begin else ""


def _naked(scene: Scene) -> Iterator[FixedLevel]:
    row = scene.reader.levels
    ends = {int(one.numbers["trade_date"]): one.end_ns for one in sessions_shown(scene) if one.is_finished}
    # The newest first: it is the one that price meets next.
    for price, number in reversed(row["naked"][: int(row["naked_count"])].tolist()):
        level = Level(price, f"nPOC {day_text(number)}", *_look(scene.style.palette, NAKED))
        yield FixedLevel(level, NAKED, ends.get(number, 0), trade_date=number)


def day_text(number: int) -> str:
    """Format a trade date (YYYYMMDD) without its year: 26 Nov."""
    day = date(number // 10_000, number // 100 % 100, number % 100)
    return f"{day.day} {day:%b}"


class FixedLevelsLayer(CachedLayer):
    """Adds lines below the bubbles and labels above them."""

    avoids = True
    follows = LEVELS | PROFILE

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._levels: list[FixedLevel] = []
        self._lines: tuple[_Line, ...] = ()
        self._newest: Final = NewestDiscs()
        self._known: Final[Cached[list[FixedLevel]]] = Cached()

    def key(self, scene: Scene) -> tuple[object, ...]:
        shown, reader, chart = scene.style, scene.reader, self._chart
        if not shown.is_visible.intersection(KINDS) or not chart.has_trades:
            self._levels, self._lines = [], ()
            return ()
        if not chart.shown.is_paused or not self._levels:
            versions = reader.levels_version, reader.sessions_version, int(reader.session["first_ts"])
            self._levels = self._known.get((*versions, id(reader), shown), lambda: fixed_levels(scene))
        view = scene.price_view
        self._lines = tuple(self._lines_in_view(scene)) if self._levels else ()
        if not self._lines:
            return ()
        return self._lines, view.rect, view.scale, chart.shown.tick_size, round(newest_px(scene))

    def _lines_in_view(self, scene: Scene) -> Iterator[_Line]:
        rect = scene.price_view.rect
        self._newest.read(scene)
        for one in self._levels:
            y, left = round(self._chart.shown.y_of_price(scene, one.level.price)), round(line_left(scene, one))
            if rect.y <= y < rect.bottom and left < rect.right:
                size = _LABEL_PX * scene.price_view.scale
                is_aside = self._newest.meet(scene, one.level.price, y, size)
                yield _Line(one.level, y, left, label_right(self._chart, scene, y, size), is_aside)

    def build(self, scene: Scene) -> None:
        groups: dict[int, list[_Line]] = {}
        for line in self._lines:
            add_line(self._chart, scene, line.level, line.y, (line.left, scene.price_view.rect.right))
            groups.setdefault(line.y, []).append(line)
        for y, lines in groups.items():
            self._add_label(scene, y, lines)

    def _add_label(self, scene: Scene, y: int, lines: list[_Line]) -> None:
        """Add the names of the levels at one height, and their price."""
        chart, rect, palette, scale = self._chart, scene.price_view.rect, scene.style.palette, scene.price_view.scale
        size, texts = _LABEL_PX * scale, chart.batches.text
        names = ", ".join(line.level.name for line in lines)
        full = f"{names} {price_text(lines[0].level.price, chart.shown.tick_size)}"
        y = min(max(y, round(rect.y + size)), round(rect.bottom - size))
        # A label is never drawn in the previous session, which has other levels.
        opened = scene.price_view.screen_x(int(scene.reader.session["open_ts"]))
        box = Rect(lines[0].label_right, y - 0.75 * size, 0.0, 1.5 * size)
        found = place_label(
            *(chart, scene, [texts.width(text, size) + size for text in (full, names)], box),
            line_left=max(rect.x, opened, min(line.left for line in lines)),
            is_aside=lines[0].is_aside,
        )
        if found is not None:
            at, place = found
            style = TextStyle(size, lines[0].level.color)
            plate = Plate(palette.ground)
            texts.add((full, names)[at], round(place.x + 0.5 * size), y, style, plate=plate)
