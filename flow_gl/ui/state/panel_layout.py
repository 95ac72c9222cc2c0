"""The layout of the panels: in a column beside the charts, or floating over them.

`PanelPlaces` is what the user chose; `lay_out` turns it into rectangles for one window, as a pure function. Docked
panels take their width from the charts. A column shows its panels one below the other as far as its height allows; the
rest share the last slot as tabs. Floating panels stay inside the charts' area and never overlap: one without a free
place becomes a tab of another. Lengths of `PanelPlaces` are at content scale 1, those of a layout framebuffer pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal

from flow_gl.core.panels import HEIGHTS_PX
from flow_gl.gl.view import Rect

Side = Literal["left", "right", "float"]
COLUMN_PX: Final = 300.0
"""Width of a column whose border was never dragged, ..."""
_MORE_PX: Final = 90.0
"""... and what each chart beyond the second adds to it, ..."""
_MAX_CHARTS: Final = 4
"""... up to this many charts ..."""
_WIDE_SHARE: Final = 0.25
"""... and this share of the window; narrower tables show the instruments in several rows."""
_BY_INSTRUMENT: Final = frozenset({"session", "feed"})
"""Panels with a column of figures for each chart."""
MIN_COLUMN_PX: Final = 200.0
MAX_COLUMN_PX: Final = 640.0
GRIP_PX: Final = 5.0
"""Width of the border between a column and the charts, which can be dragged."""
MIN_CHARTS_PX: Final = 420.0
"""Width that the charts keep before columns get wider than `MIN_COLUMN_PX`."""
MAX_COLUMN_SHARE: Final = 0.5
"""Of the window's width, for all columns together: the charts always keep the rest."""
LAST_SLOT_PX: Final = 360.0
"""Least height of the last slot where a column has several."""
_NEARLY: Final = 0.8
"""A panel gets its own slot if this share of its height fits."""
_GAP_PX: Final = 8.0
_MIN_FLOAT_PX: Final = (180.0, 120.0)


@dataclass(frozen=True, slots=True)
class Place:
    """The placement of a panel, including the last one while it floated.

    Attributes
    ----------
    side : column, or floating
    x, y, width, height : of the floating panel, from the window's upper left corner
    """

    side: Side = "right"
    x: float = 60.0
    y: float = 80.0
    width: float = COLUMN_PX
    height: float = 420.0


@dataclass(frozen=True, slots=True)
class PanelPlaces:
    """Everything about the panels' places that a user can change.

    Attributes
    ----------
    places : by name; a panel that is not listed is docked at the right
    recent : names, the panel that was selected last at the end: it is in front of its tabs
    left_px, right_px : widths of the columns; 0 for those whose border was never dragged
    """

    places: tuple[tuple[str, Place], ...] = ()
    recent: tuple[str, ...] = ()
    left_px: float = 0.0
    right_px: float = 0.0

    def place(self, name: str) -> Place:
        """Return a panel's place."""
        return dict(self.places).get(name, Place(height=HEIGHTS_PX[name]))

    def rank(self, name: str) -> int:
        """Return how recently a panel was selected; -1 if it never was."""
        return self.recent.index(name) if name in self.recent else -1

    def select(self, name: str) -> "PanelPlaces":
        """Return these places with a panel in front of its tabs."""
        if self.recent[-1:] == (name,):
            return self
        return replace(self, recent=(*(other for other in self.recent if other != name), name))

    def put(self, name: str, place: Place) -> "PanelPlaces":
        """Return these places with a panel, in front, at another place."""
        others = tuple((other, its) for other, its in self.places if other != name)
        return replace(self, places=(*others, (name, place))).select(name)

    def resize(self, side: Side, width: float) -> "PanelPlaces":
        """Return these places with a column of another width, within its limits."""
        width = min(max(width, MIN_COLUMN_PX), MAX_COLUMN_PX)
        return replace(self, left_px=width) if side == "left" else replace(self, right_px=width)


@dataclass(frozen=True, slots=True)
class Slot:
    """A rectangle that shows one panel, with the others in it as tabs."""

    rect: Rect
    names: tuple[str, ...]
    front: str
    side: Side


@dataclass(frozen=True, slots=True)
class Grip:
    """The border between a column and the charts."""

    rect: Rect
    side: Side


@dataclass(frozen=True, slots=True)
class PanelLayout:
    """The panels' placement in one window.

    Attributes
    ----------
    charts : area that the columns leave to the charts
    slots : docked and floating, none of which overlap
    grips : one for each column
    """

    charts: Rect
    slots: tuple[Slot, ...] = ()
    grips: tuple[Grip, ...] = ()
    behind: frozenset[str] = field(init=False, repr=False, compare=False)
    """Panels that are open but behind another tab."""
    _in_front: dict[str, Slot] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        behind = frozenset(name for slot in self.slots for name in slot.names if name != slot.front)
        object.__setattr__(self, "behind", behind)
        object.__setattr__(self, "_in_front", {slot.front: slot for slot in reversed(self.slots)})

    def slot_of(self, name: str) -> Slot | None:
        """Return the slot in which a panel is in front; None if it is closed or behind another."""
        return self._in_front.get(name)


@lru_cache(maxsize=4)
def lay_out(
    window: Rect, names: tuple[str, ...], places: PanelPlaces, scale: float, chart_count: int = 1
) -> PanelLayout:
    """Lay out the open panels. The same arguments give the same object.

    Parameters
    ----------
    names : the open panels, in the order in which a column shows them
    chart_count : number of charts that are shown
    """
    sides = {name: places.place(name).side for name in names}
    docked: dict[Side, list[str]] = {side: [n for n in names if sides[n] == side] for side in ("left", "right")}
    widths = _column_widths(window.width, docked, places, scale, chart_count)
    if docked["left"] and docked["right"] and min(widths.values()) < MIN_COLUMN_PX * scale:
        # Two columns would leave neither enough room: one shows all.
        docked = {"left": [], "right": [name for name in names if sides[name] != "float"]}
        widths = _column_widths(window.width, docked, places, scale, chart_count)
    grip = round(GRIP_PX * scale)
    charts, slots, grips = window, [], []
    for side, inside in docked.items():
        if not inside:
            continue
        width = widths[side]
        is_left = side == "left"
        column = Rect(charts.x if is_left else charts.right - width, window.y, width, window.height)
        grips.append(Grip(Rect(column.right if is_left else column.x - grip, window.y, grip, window.height), side))
        charts = Rect(charts.x + (width + grip if is_left else 0), charts.y, charts.width - width - grip, charts.height)
        slots += _stack(column, inside, places, side, scale)
    floating = sorted((name for name in names if sides[name] == "float"), key=places.rank, reverse=True)
    return PanelLayout(charts, (*slots, *_float(charts, floating, places, scale)), tuple(grips))


@lru_cache(maxsize=16)
def open_in_order(names: frozenset[str]) -> tuple[str, ...]:
    """Return the open panels that have a place in the layout, in the order in which a column shows them."""
    return tuple(name for name in HEIGHTS_PX if name in names)


def _column_widths(
    window_px: float, docked: dict[Side, list[str]], places: PanelPlaces, scale: float, chart_count: int
) -> dict[Side, float]:
    chosen: dict[Side, float] = {"left": places.left_px, "right": places.right_px}
    wanted = {
        side: scale * (max(px, MIN_COLUMN_PX) if px else _usual_px(docked[side], window_px / scale, chart_count))
        for side, px in chosen.items()
        if docked[side]
    }
    total = sum(wanted.values())
    if not total:
        return wanted
    least, grips = MIN_COLUMN_PX * scale * len(wanted), GRIP_PX * scale * len(wanted)
    room = min(max(window_px - MIN_CHARTS_PX * scale - grips, least), MAX_COLUMN_SHARE * window_px - grips)
    return {side: float(round(px * min(1.0, room / total))) for side, px in wanted.items()}


def _usual_px(names: Sequence[str], window_px: float, chart_count: int) -> float:
    """Return the width of a column with these panels before its border is dragged, at content scale 1."""
    if _BY_INSTRUMENT.isdisjoint(names):
        return COLUMN_PX
    wide = COLUMN_PX + _MORE_PX * max(0, min(chart_count, _MAX_CHARTS) - 2)
    return max(COLUMN_PX, min(wide, _WIDE_SHARE * window_px))


def _stack(column: Rect, names: Sequence[str], places: PanelPlaces, side: Side, scale: float) -> list[Slot]:
    """Divide a column: each panel has a slot of its whole height, as far as they fit; the rest share the last slot."""
    slots = []
    top = column.y
    for name in names[:-1]:
        wanted = round(HEIGHTS_PX[name] * scale)
        room = column.bottom - LAST_SLOT_PX * scale - top
        if room < _NEARLY * wanted:
            break
        bottom = top + min(wanted, round(room))
        slots.append(Slot(Rect(column.x, top, column.width, bottom - top), (name,), name, side))
        top = bottom
    rest = tuple(names[len(slots) :])
    front = max(rest, key=places.rank)
    slots.append(Slot(Rect(column.x, top, column.width, column.bottom - top), rest, front, side))
    return slots


def _float(area: Rect, names: Sequence[str], places: PanelPlaces, scale: float) -> list[Slot]:
    """Place floating panels inside `area` without overlaps; the first names keep their places."""
    slots: list[Slot] = []
    for name in names:
        place = places.place(name)
        width = min(max(place.width, _MIN_FLOAT_PX[0]) * scale, area.width)
        height = min(max(place.height, _MIN_FLOAT_PX[1]) * scale, area.height)
        wanted = _inside(Rect(round(place.x * scale), round(place.y * scale), round(width), round(height)), area)
        free = _free_place(wanted, [slot.rect for slot in slots], area, _GAP_PX * scale)
        if free is not None:
            slots.append(Slot(free, (name,), name, "float"))
        else:
            host = slots[0]
            slots[0] = Slot(host.rect, (*host.names, name), host.front, "float")
    return slots


def _inside(rect: Rect, area: Rect) -> Rect:
    x = min(max(rect.x, area.x), area.right - rect.width)
    y = min(max(rect.y, area.y), area.bottom - rect.height)
    return Rect(x, y, rect.width, rect.height)


def _free_place(wanted: Rect, taken: Sequence[Rect], area: Rect, gap: float) -> Rect | None:
    """Return the place nearest to `wanted` where it overlaps none of `taken`; None if there is none."""
    xs = {wanted.x, area.x, area.right - wanted.width}
    ys = {wanted.y, area.y, area.bottom - wanted.height}
    for rect in taken:
        xs |= {rect.right + gap, rect.x - gap - wanted.width}
        ys |= {rect.bottom + gap, rect.y - gap - wanted.height}
    places = [
        Rect(x, y, wanted.width, wanted.height)
        for x in xs
        for y in ys
        if area.x <= x <= area.right - wanted.width and area.y <= y <= area.bottom - wanted.height
    ]
    free = [place for place in places if not any(place.overlaps(rect) for rect in taken)]
    return min(free, key=lambda place: _distance(place, wanted), default=None)


def _distance(a: Rect, b: Rect) -> float:
    return abs(a.x - b.x) + abs(a.y - b.y)
