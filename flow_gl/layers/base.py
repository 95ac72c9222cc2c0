"""The layer interface, and the scene that a layer draws.

A layer keeps its GPU buffers in step with the store and draws them. Only `update` uploads, and only new data; `draw`
sets uniforms and issues draw calls, and never reads the store. The draw order is the table in `stack`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from flow_gl.core.drawings import ShownLevel
from flow_gl.core.event_kinds import EVENT_NAMES
from flow_gl.core.frozen import frozen
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.palette import DARK, Palette, Rgb
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.view import Rect, View
from flow_gl.layers.comparison.pane import ComparisonPane
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.drawings.shown import ShownShape
from flow_gl.layers.lines.book import NO_LINES, LineBook
from flow_gl.layers.marks.mark import MARK_TITLES, NO_MARKS, Marks
from flow_gl.layers.ranges.range_profile import RangeProfile
from flow_gl.store.market import MarketReader

__all__ = ["LAYERS", "FrameCounters", "HeaderBar", "HeaderText", "Layer", "OffScale", "Scene", "Style"]

LAYERS: Final = {
    "grid": "Grid",
    "price": "Last price",
    "bubbles": "Bubbles",
    "counts": "Contracts",
    "profile": "Profile",
    "earlier_profiles": "Earlier profiles",
    "view_profile": "Profile in view",
    "levels": "Levels",
    "custom_levels": "Custom levels",
    "drawings": "Drawings",
    "initial_balance": "Initial balance",
    "initial_extensions": "IB extensions",
    "opening_range": "Opening range",
    "naked_pocs": "Naked POCs",
    "developing": "Developing POC",
    "ribbon": "Delta ribbon",
    "cvd": "CVD",
    "order_cvd": "CVD by size",
    "gaps": "Gaps",
    "sessions": "Session names",
    "events": "Zero crosses",
    **MARK_TITLES,
}
"""Layers that can be switched off: name and title in the menu."""
SHOWN_AT_FIRST: Final = frozenset(LAYERS) - {"initial_extensions", "developing", "order_cvd", "ribbon", "view_profile"}
"""Layers that are shown until the user switches them off; the others are shown on request."""
LAYER_OF_EVENT: Final = {name: name if name in MARK_TITLES else "events" for name in EVENT_NAMES}
"""The layer that draws a kind of event, by the kind's name."""


@dataclass(frozen=True, slots=True)
class Style:
    """The appearance of a chart. Nothing here changes a number."""

    palette: Palette = DARK
    threshold: float = THRESHOLD
    """A 1 s bubble is coloured by side if abs(delta) / (buy + sell) exceeds it. Wider bubbles have lower thresholds
    (`core.market.lod.threshold_at`)."""
    size_floor: int = 0
    """Bubbles with fewer contracts are hidden."""
    radius_min_px: float = 3.0
    """At content scale 1."""
    radius_max_px: float = 40.0
    size_scale: float = 1.0
    reference: int = 0
    """Contracts of the largest disc at the base bucket; 0 takes the session's reference."""
    is_muted: bool = False
    """Alerts are drawn, but nothing flashes."""
    has_cvd_candles: bool = False
    """CVD is drawn as candles in place of a line."""
    is_visible: frozenset[str] = SHOWN_AT_FIRST
    """Layers and parts that are shown."""


@dataclass(frozen=True, slots=True)
class OffScale:
    """Bubbles that extend beyond one end of an automatic price scale.

    Attributes
    ----------
    count : number of such bubbles
    price : the most distant price, 1e-9
    is_one_trade : whether they consist of a single trade
    times_ns : middles of their buckets, ns; that of the most distant price first, at most 32
    """

    count: int
    price: int
    is_one_trade: bool
    times_ns: tuple[int, ...]


@frozen
class Scene:
    """One chart in one frame, frozen: the store's copies, the panes, and the hovered and pinned bubbles.

    World y of `price_view` is in ticks above price 0 (price // tick_size), that of `cvd_view` in contracts.
    All panes have the same x and width; `profile_rect` is at the right of the price pane.
    Layers also draw the axis labels: prices and CVD values in a strip `price_axis_px` wide to the right of the panes,
    times in a strip `time_axis_px` high below the CVD pane.
    """

    reader: MarketReader
    price_view: View
    cvd_view: View
    profile_rect: Rect
    lod: int
    """Current level of detail: its buckets are `reader.widths_ns[lod]` wide."""
    style: Style
    now_ns: int
    """Event time at the live edge."""
    live_x_px: float
    """Screen x of the live edge; outside the pane while the user looks at history."""
    wall_s: float
    """Monotonic clock for animations, seconds."""
    is_live: bool = True
    """False if the picture does not follow a running market. The chart is then dimmed and hatched."""
    hidden_before_ns: int = 0
    """Event time at which the user cleared the chart; earlier bubbles are hidden."""
    until_ns: int = 2**63 - 1
    """While paused: bubbles after this time are not shown."""
    hover_id: int | None = None
    pinned_id: int | None = None
    """Bubble ids at `lod`."""
    screen_px: tuple[int, int] = (0, 0)
    """Framebuffer width and height; (0, 0) reads the GL viewport, which costs a round trip to the driver."""
    below: OffScale | None = None
    above: OffScale | None = None
    """The trades that an automatic price scale omits at its lower and upper end."""
    crosshair_px: tuple[float, float] | None = None
    """Position of the crosshair, framebuffer pixels: the mouse, or its time in a chart that the mouse is not over. It
    has no horizontal line where y is outside the panes."""
    price_axis_px: float = 110.0
    time_axis_px: float = 24.0
    """Room for labels, framebuffer pixels (includes the content scale)."""
    covered: tuple[Rect, ...] = ()
    """Areas of the notices over the chart, which labels avoid."""
    cvd_reference: CvdReference | None = None
    """The reference from which CVD is counted a second time."""
    marks: Marks = NO_MARKS
    """The detectors' events in view, as many as fit."""
    lines: LineBook = NO_LINES
    """Developing levels, and CVD by order size."""
    marked: RangeProfile | None = None
    """The volume traded in the marked range."""
    in_view: RangeProfile | None = None
    """The volume traded in view; None unless its profile replaces the session's."""
    comparison: ComparisonPane | None = None
    """The chart's comparison with another symbol; None without one, or without room for its pane."""
    order_sizes: tuple[int, int] = (10, 50)
    """Least contracts of a medium and of a large order."""
    custom_levels: tuple[ShownLevel, ...] = ()
    """The user's levels, in the order in which they were placed."""
    shapes: tuple[ShownShape, ...] = ()
    """The user's other drawings, in the order in which they were placed."""
    zone: str = "America/New_York"
    """Time zone of all times on the chart."""
    derived: dict[object, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    """Values derived from this scene, by function: see `once`."""


T = TypeVar("T")


def once(find: Callable[[Scene], T]) -> Callable[[Scene], T]:
    """Cache a function's result per scene, because several layers need it in a frame."""

    @wraps(find)
    def found(scene: Scene) -> T:
        derived = scene.derived
        if find not in derived:
            derived[find] = find(scene)
        value: T = derived[find]
        return value

    return found


class HeaderText(NamedTuple):
    """A number in the header: left end and middle of its digits, framebuffer pixels."""

    text: str
    x: float
    y: float
    size_px: float
    color: Rgb
    is_bold: bool = True


@frozen
class HeaderBar:
    """The header's ground and its numbers in one frame."""

    rect: Rect
    palette: Palette
    texts: tuple[HeaderText, ...]
    outline: tuple[tuple[float, int], ...] = field(init=False, repr=False, compare=False)
    """Left end and length of each text: the rest of the header is laid out around them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "outline", tuple((one.x, len(one.text)) for one in self.texts))


class Layer(Protocol):
    """A part of the chart."""

    def setup(self) -> None:
        """Compile shaders and create buffers. A GL context must be current."""

    def update(self, scene: Scene) -> None:
        """Bring GPU buffers in step with the scene. Only this method uploads."""

    def draw(self, scene: Scene) -> None:
        """Draw. Never uploads, never reads the store."""

    def release(self) -> None:
        """Free what `setup` created."""
