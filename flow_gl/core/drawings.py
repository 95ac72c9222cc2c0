"""The user's drawings on a chart: horizontal levels, and shapes at points of time and price.

Drawings belong to an instrument root, not to a contract, so a level of NQ is on the charts of NQZ5 and of NQ.v.0.
`ui.drawings` keeps and edits them, `layers.drawings` draws them.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

from flow_gl.core.market.instrument import is_outright_symbol, root_of
from flow_gl.core.palette import Rgb, rgb

ColorName = Literal["pink", "orange", "yellow", "green", "blue", "violet", "white"]
COLOR_NAMES: Final[tuple[ColorName, ...]] = get_args(ColorName)
COLORS: Final[dict[ColorName, Rgb]] = {
    "pink": rgb("#f472b6"),
    "orange": rgb("#fb923c"),
    "yellow": rgb("#facc15"),
    "green": rgb("#4ade80"),
    "blue": rgb("#60a5fa"),
    "violet": rgb("#a78bfa"),
    "white": rgb("#f1f5f9"),
}
"""The first one is the default: no palette uses it for a side or for a level of the program."""
MAX_LEVELS: Final = 100
"""Maximum number of custom levels per instrument root."""
LONGEST_NAME: Final = 40
ShapeKind = Literal["rectangle", "trend_line", "ruler", "note", "anchored_vwap", "anchored_profile"]
SHAPE_KINDS: Final[tuple[ShapeKind, ...]] = get_args(ShapeKind)
SHAPE_TITLES: Final[dict[ShapeKind, str]] = {
    "rectangle": "Rectangle",
    "trend_line": "Trend line",
    "ruler": "Ruler",
    "note": "Note",
    "anchored_vwap": "Anchored VWAP",
    "anchored_profile": "Anchored profile",
}
SHAPE_NAMES: Final[dict[ShapeKind, str]] = {kind: title[:1].lower() + title[1:] for kind, title in SHAPE_TITLES.items()}
"""The titles within a sentence."""
WITH_TWO_POINTS: Final[frozenset[ShapeKind]] = frozenset({"rectangle", "trend_line", "ruler"})
ANCHORED: Final[frozenset[ShapeKind]] = frozenset({"anchored_vwap", "anchored_profile"})
"""Kinds that sum the trades since their point."""
MAX_SHAPES: Final = 200
"""Maximum number of shapes per instrument root, ..."""
MAX_ANCHORED: Final = 8
"""... and of each anchored kind among them."""
LONGEST_TEXT: Final = 120


@dataclass(frozen=True, slots=True)
class CustomLevel:
    """A price marked by the user.

    Attributes
    ----------
    id : unique among all drawings across runs; alert rules refer to a level by it
    price : 1e-9
    name : "" if the user gave none
    since_ns : event time at which it was placed, ns in whole seconds; 0 if unknown
    """

    id: str
    price: int
    name: str = ""
    color: ColorName = COLOR_NAMES[0]
    since_ns: int = 0


class Point(NamedTuple):
    """A place on a chart: event time (ns) and price (1e-9)."""

    t_ns: int
    price: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawing at one or two points.

    Attributes
    ----------
    id : unique among all drawings across runs
    end : equals `start` unless the kind is one of `WITH_TWO_POINTS`
    text : of a note; of other kinds, a label, "" for none
    """

    id: str
    kind: ShapeKind
    start: Point
    end: Point
    text: str = ""
    color: ColorName = COLOR_NAMES[0]

    @property
    def times_ns(self) -> tuple[int, int]:
        """First and last time, ns."""
        return min(self.start.t_ns, self.end.t_ns), max(self.start.t_ns, self.end.t_ns)


@dataclass(frozen=True, slots=True)
class ShownLevel:
    """A custom level in one frame.

    Attributes
    ----------
    has_alert : it has an active alert rule
    is_held : it is being placed or dragged
    """

    level: CustomLevel
    has_alert: bool = False
    is_held: bool = False


@lru_cache(maxsize=256)
def drawing_key(symbol: str, requested: str) -> str:
    """Return the key of a chart's drawings: its instrument root, NQ for NQZ5 and NQ.v.0.

    An instrument other than an outright (a spread, an option) has its own symbol as key, because its prices are not
    comparable with those of the outright.

    Parameters
    ----------
    symbol : the contract's symbol; "" if unknown
    requested : the requested symbol
    """
    if symbol and not is_outright_symbol(symbol):
        return symbol
    return root_of(symbol) or root_of(requested) or requested
