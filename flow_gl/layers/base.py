"""What a layer is, and what it may see in a frame.

A layer keeps GPU buffers in step with the store and draws them. `update` is the only place that uploads, and uploads
only what is new; `draw` sets uniforms and issues draw calls, and never reads the store. Draw order is the one table in
`stack`.
"""

from dataclasses import dataclass, field
from typing import Protocol

from flow_gl.core.frozen import frozen
from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.palette import DARK, Palette
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.view import Rect, View
from flow_gl.store.market import MarketReader

__all__ = ["FrameCounters", "Layer", "Scene", "Style"]


@dataclass(frozen=True, slots=True)
class Style:
    """How things are shown. Nothing here changes a number."""

    palette: Palette = DARK
    threshold: float = THRESHOLD
    """A 1 s bubble is coloured by side when abs(delta) / (buy + sell) is above it; wider ones from less on
    (`core.market.lod.threshold_at`)."""
    size_floor: int = 0
    """Bubbles of fewer contracts are hidden."""
    radius_min_px: float = 3.0
    """At content scale 1."""
    radius_max_px: float = 40.0
    size_scale: float = 1.0
    reference: int = 0
    """Contracts a second-long bubble needs for the largest disc; 0 takes the session's own."""
    is_muted: bool = False
    """Alerts are marked, but nothing flashes."""
    is_visible: frozenset[str] = field(
        default_factory=lambda: frozenset(
            {"grid", "price", "bubbles", "counts", "profile", "levels", "cvd", "marks", "gaps"}
        )
    )
    """Layers and parts that are switched on."""


@dataclass(frozen=True, slots=True)
class OffScale:
    """Bubbles that reach beyond one end of an automatic scale.

    Attributes
    ----------
    count : how many bubbles do
    price : the price furthest away, 1e-9
    is_one_trade : nothing but one trade is out there
    times_ns : middles of their buckets, ns, the first one the furthest's; at most 32
    """

    count: int
    price: int
    is_one_trade: bool
    times_ns: tuple[int, ...]


@frozen
class Scene:
    """One chart in one frame, frozen: the store's copies, where the panes lie, and what is pointed at.

    y of `price_view` is in ticks above price 0 (price // tick_size); y of `cvd_view` is in contracts.
    `price_view.rect` and `cvd_view.rect` share x and width. `profile_rect` lies inside the price pane at its right.
    The layers label the axes themselves: prices and CVD values in the strip `price_axis_px` wide at the right of the
    panes, times in the strip `time_axis_px` high below the CVD pane.
    """

    reader: MarketReader
    price_view: View
    cvd_view: View
    profile_rect: Rect
    lod: int
    """Level of detail in force: its buckets are `reader.widths_ns[lod]` wide."""
    style: Style
    now_ns: int
    """Event time at the live edge."""
    live_x_px: float
    """Screen x of the live edge (may lie outside the pane while the user looks at history)."""
    wall_s: float
    """A steady clock for blends and pulses."""
    is_live: bool = True
    """False where the picture does not follow a running market: dimmed, hatched."""
    hidden_before_ns: int = 0
    """The user cleared the chart at this time."""
    until_ns: int = 2**63 - 1
    """Paused: bubbles after this time wait."""
    hover_id: int | None = None
    pinned_id: int | None = None
    """Bubble ids at `lod`."""
    screen_px: tuple[int, int] = (0, 0)
    """Framebuffer width and height; (0, 0) asks the GL viewport, which costs a round trip."""
    below: OffScale | None = None
    above: OffScale | None = None
    """What an automatic price scale leaves out at its lower and its upper end."""
    crosshair_px: tuple[float, float] | None = None
    """Where the crosshair stands, framebuffer pixels; drawn in the panes of this chart that it meets."""
    price_axis_px: float = 110.0
    time_axis_px: float = 24.0
    """Room for labels, framebuffer pixels (content scale included)."""
    zone: str = "America/New_York"
    """Zone of all times on the chart."""


class Layer(Protocol):
    """A part of the chart."""

    def setup(self) -> None:
        """Compile shaders, make buffers. A GL context is current."""

    def update(self, scene: Scene) -> None:
        """Bring GPU buffers in step with the store: the only place that uploads."""

    def draw(self, scene: Scene) -> None:
        """Draw. Never uploads, never reads the store."""

    def release(self) -> None:
        """Free what `setup` made."""
