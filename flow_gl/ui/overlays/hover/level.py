"""A price level: its value, its rule, and since when it applies."""

from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from flow_gl.core.settings import AggregationSettings
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.labels.levels import PARTIAL_SUFFIX, REGULAR_WORD, Level, levels_of
from flow_gl.layers.labels.session_levels import finished_levels
from flow_gl.layers.lines.vwap_points import values_of
from flow_gl.layers.sessions import Session, current_profile, sessions_in_view
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover.tip import Spot, Tip

_NEAR_PX: Final = 3.0
"""A line counts as pointed at up to this far from it, ..."""
_LET_GO_PX: Final = 14.0
"""... and stays so while it is no farther from the mouse. At content scale 1."""
_LVN: Final = "LVN"


def _value_area(end: str) -> Callable[[AggregationSettings], str]:
    return lambda settings: (
        f"{end} price of the value area: {100 * settings.value_area:.3g} % of the session's volume, grown "
        f"from the POC by {settings.value_area_step} {'row' if settings.value_area_step == 1 else 'rows'} at a time"
    )


def _low_volume(settings: AggregationSettings) -> str:
    return (
        f"a minimum of volume (mean of {settings.lvn_smooth} ticks) with a prominence of at least "
        f"{100 * settings.lvn_prominence:.3g} % and at most {100 * settings.lvn_volume:.3g} % of the maximum"
    )


_VWAP_BAND: Final = "VWAP {} volume-weighted standard {} of price"
RULES: Final[dict[str, Callable[[AggregationSettings], str]]] = {
    "POC": lambda _: "the price with the most volume in the session",
    "VAH": _value_area("highest"),
    "VAL": _value_area("lowest"),
    "VWAP": lambda _: "volume-weighted average price of the session up to that time",
    "+1 SD": lambda _: _VWAP_BAND.format("plus one", "deviation"),
    "\u22121 SD": lambda _: _VWAP_BAND.format("minus one", "deviation"),
    "+2 SD": lambda _: _VWAP_BAND.format("plus two", "deviations"),
    "\u22122 SD": lambda _: _VWAP_BAND.format("minus two", "deviations"),
    "pHigh": lambda _: "highest price of the previous session",
    "pLow": lambda _: "lowest price of the previous session",
    "pClose": lambda _: "last price of the previous session",
    "pPOC": lambda _: "the price with the most volume in the previous session",
    "pVAH": lambda settings: f"{_value_area('highest')(settings)}; of the previous session",
    "pVAL": lambda settings: f"{_value_area('lowest')(settings)}; of the previous session",
    "ON high": lambda _: "highest price between the session's open and 09:30 ET",
    "ON low": lambda _: "lowest price between the session's open and 09:30 ET",
    _LVN: _low_volume,
}
"""The definition of each level, by the name on its label."""


def find(spot: Spot) -> Hashable | None:
    """Return name and rank of the level whose line is nearest to a point; None if none is near."""
    scene = spot.scene
    if not scene.price_view.rect.contains(spot.x, spot.y):
        return None
    near = [
        (abs(scene.price_view.screen_y(line.price_at(spot) / tick_size_of(scene)) - spot.y), rank, line.name)
        for rank, line in enumerate(_lines(scene))
        if line.left <= spot.x < line.right
    ]
    distance, rank, name = min(near, default=(float("inf"), 0, ""))
    return (name, rank) if distance <= _NEAR_PX * spot.scale else None


def describe(spot: Spot, key: Hashable) -> Tip | None:
    """Return what a level is."""
    assert isinstance(key, tuple)
    name, rank = key
    scene, lines = spot.scene, _lines(spot.scene)
    if rank >= len(lines) or lines[rank].name != name:
        return None
    price = lines[rank].price_at(spot)
    distance = abs(scene.price_view.screen_y(price / tick_size_of(scene)) - spot.y)
    if distance > _LET_GO_PX * spot.scale or not scene.price_view.rect.contains(spot.x, spot.y):
        return None
    shown = name.removesuffix(PARTIAL_SUFFIX)
    plain = shown.removesuffix(REGULAR_WORD)
    rule = RULES[plain](spot.settings)
    notes = [f"{rule[0].upper()}{rule[1:]}."]
    if plain != shown:
        notes.append("Regular hours only, 09:30 to 16:00 ET.")
    if shown != name:
        notes.append("The beginning of the session is missing, so its earlier trades are not included.")
    value = words.price(price, tick_size_of(scene))
    return Tip(shown, [("Value", value, 0), ("Since", _since(shown, lines[rank], scene), 0)], notes)


class _Line(NamedTuple):
    """A line that is drawn: the level, its name and price (1e-9), its ends (px), and its session.

    `rth_open` is the open of the session's regular hours (ns; 0 without a calendar).
    """

    name: str
    price: int
    left: float
    right: float
    session: Session
    rth_open: int
    level: Level | None = None

    def price_at(self, spot: Spot) -> int:
        """Return its price where the mouse is: VWAP and its bands are curves."""
        if self.level is None:
            return self.price
        return self.level.price_at(values_of(spot.scene, self.session), spot.scene.price_view.time_at(spot.x))


def _lines(scene: Scene) -> list[_Line]:
    """Return the lines in view, those of the running session first."""
    if "levels" not in scene.style.is_visible or not int(scene.reader.session["trade_count"]):
        return []
    found: list[_Line] = []
    for session, left, right in reversed(sessions_in_view(scene)):
        numbers = session.numbers
        rth_open = int((session.levels if session.is_finished else scene.reader.levels)["rth_open"])
        if session.is_finished:
            levels = finished_levels(scene, session, right - left)
        else:
            levels = levels_of(scene.style.palette, session.levels, numbers)
        found += [_Line(level.name, level.price, left, right, session, rth_open, level) for level in levels]
        if not session.is_finished:
            suffix = REGULAR_WORD if session.levels["is_regular"] else ""
            suffix += PARTIAL_SUFFIX if numbers["partial"] else ""
            nodes, begin = session.levels["lvn"][: int(session.levels["lvn_count"])].tolist(), current_profile(scene).x
            found += [_Line(f"{_LVN}{suffix}", int(price), begin, right, session, rth_open) for price in nodes]
    return found


def _since(name: str, line: _Line, scene: Scene) -> str:
    """Return since when a level applies: the open of its hours, or the first trade if their beginning is missing."""
    is_own, session = not name.startswith("p"), line.session.numbers
    start_ns = int(session["first_ts" if session["partial"] and is_own else "open_ts"])
    if is_own and name.endswith(REGULAR_WORD):
        start_ns = max(start_ns, line.rth_open)
    return f"{words.since(start_ns, scene.now_ns)} {words.ZONE_NAME}"
