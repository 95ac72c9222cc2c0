"""How a pane's world lies on the screen, frozen for one frame.

x is int64 nanoseconds, y is a float (price ticks, contracts). Screen pixels have their origin at the framebuffer's
top left, y down. All that shaders need of it are the uniforms of `View.uniforms`; panning and zooming change nothing
else.
"""

from dataclasses import dataclass

from flow_gl.core.frozen import frozen


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in framebuffer pixels, origin top left."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def contains(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom


@frozen
class View:
    """A pane's transform for one frame.

    Attributes
    ----------
    rect : the pane on the screen
    t_right_ns : time at the pane's right border
    ns_per_px : time scale
    y_top : world y at the pane's upper border
    y_per_px : world y that one pixel spans (positive: y grows upwards)
    scale : content scale of the monitor (1.0 = 96 dpi)
    """

    rect: Rect
    t_right_ns: int
    ns_per_px: float
    y_top: float
    y_per_px: float
    scale: float = 1.0

    @property
    def t_left_ns(self) -> int:
        return self.t_right_ns - int(self.rect.width * self.ns_per_px)

    @property
    def y_bottom(self) -> float:
        return self.y_top - self.rect.height * self.y_per_px

    def screen_x(self, t_ns: int) -> float:
        """Screen x in pixels of a time."""
        return self.rect.right - (self.t_right_ns - t_ns) / self.ns_per_px

    def screen_y(self, y: float) -> float:
        """Screen y in pixels of a world y."""
        return self.rect.y + (self.y_top - y) / self.y_per_px

    def time_at(self, x_px: float) -> int:
        return self.t_right_ns - int((self.rect.right - x_px) * self.ns_per_px)

    def y_at(self, y_px: float) -> float:
        return self.y_top - (y_px - self.rect.y) * self.y_per_px
