"""An event as the chart draws it, and all of a frame's. Pure data: layers draw it, and tooltips explain it."""

from dataclasses import dataclass, field
from typing import Final

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import MINUTE_NS

KINDS: Final = {
    EventKind.LARGE_TRADE: "large_trade",
    EventKind.ABSORPTION: "absorption",
    EventKind.DIVERGENCE: "divergence",
    EventKind.STACKED_IMBALANCE: "stacked_imbalance",
}
"""The kinds that are drawn as marks, by the name that switches and settings know."""
KIND_NAMES: Final = frozenset(KINDS.values())
MARK_TITLES: Final = {
    "large_trade": "Large trades",
    "absorption": "Absorption",
    "divergence": "Divergences",
    "stacked_imbalance": "Stacked imb.",
}
"""Names of the kinds and what their switches are called."""
FADE_NS: Final = 20 * MINUTE_NS
"""After this long the zone of an absorption has faded out."""
NEVER: Final = 2**62
"""End of a zone that price has not traded through."""


@dataclass(frozen=True, slots=True)
class Pivot:
    """One end of a divergence: time (ns, the middle of a bucket), price (1e-9) and CVD (contracts)."""

    t_ns: int
    price: int
    cvd: int


@dataclass(frozen=True, slots=True)
class Mark:
    """An event with what its drawing needs.

    Attributes
    ----------
    kind : EventKind
    t_ns : when it became known
    price : 1e-9; of a stacked imbalance its lowest price
    direction : 1 bullish, -1 bearish
    strength : by kind: contracts, share of the least delta, difference of CVDs, ticks
    inputs : EVENT's `value`
    start_ns : of a zone: the beginning of the trades that made it; else `t_ns`
    end_ns : of a zone: when price traded through it, or the contract changed; NEVER while it holds
    pivots : of a divergence: the earlier and the later one
    """

    kind: int
    t_ns: int
    price: int
    direction: int
    strength: float
    inputs: tuple[float, float, float, float]
    start_ns: int
    end_ns: int = NEVER
    pivots: tuple[Pivot, Pivot] | None = None

    @property
    def low(self) -> int:
        """Lowest price of its drawing, 1e-9."""
        return min(pivot.price for pivot in self.pivots) if self.pivots else self.price

    @property
    def high(self) -> int:
        """Highest price of its drawing, 1e-9."""
        if self.pivots:
            return max(pivot.price for pivot in self.pivots)
        return int(self.inputs[0]) if self.kind == EventKind.STACKED_IMBALANCE else self.price

    @property
    def shown_until_ns(self) -> int:
        """Time (ns) up to which it is drawn; absorption fades out even if price never comes back."""
        return min(self.end_ns, self.t_ns + FADE_NS) if self.kind == EventKind.ABSORPTION else self.end_ns


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a chart in one frame: those that are shown, oldest first, and how many of each kind are not."""

    shown: tuple[Mark, ...] = ()
    hidden: tuple[tuple[int, int], ...] = ()
    """Kind, and the number of its events in view that crowding hides."""

    by_kind: dict[int, list[Mark]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for mark in self.shown:
            self.by_kind.setdefault(mark.kind, []).append(mark)

    def of(self, kind: EventKind) -> list[Mark]:
        """Return the marks of a kind that are shown."""
        return self.by_kind.get(kind, [])


NO_MARKS: Final = Marks()
