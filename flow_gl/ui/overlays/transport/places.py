"""Positions of the parts of the transport bar: a pure function of the bar's place, used by drawing and by the mouse.

From the left: buttons, speed, time, then the seek bar, and the buttons for events and the loop. In a narrow bar the
less important parts are left out, the seek bar last of all.
"""

from functools import lru_cache
from typing import Final

from flow_gl.core.frozen import frozen
from flow_gl.gl.view import Rect

BUTTON_PX: Final = 28.0
_GAP_PX: Final = 2.0
_PAD_PX: Final = 10.0
_SPEED_PX: Final = 62.0
_CLOCK_PX: Final = 122.0
LEFT: Final = ("session_back", "bubble_back", "play", "bubble_on", "session_on")
RIGHT: Final = ("event_back", "event_on", "trade_on", "loop")
_FEW: Final = ("play",)
_WIDE_PX: Final = 900.0
_MIDDLE_PX: Final = 560.0


@frozen
class BarPlaces:
    """The parts of a bar, framebuffer pixels."""

    rect: Rect
    buttons: tuple[tuple[str, Rect], ...]
    """By the name of its action."""
    speed: Rect | None
    clock: Rect
    seek: Rect

    def part_at(self, x: float, y: float) -> str:
        """Return what is at a point: a button's action, "speed", "clock", "seek", else "bar"; "" outside of the bar."""
        if not self.rect.contains(x, y):
            return ""
        for name, rect in self.buttons:
            if rect.contains(x, y):
                return name
        if self.speed is not None and self.speed.contains(x, y):
            return "speed"
        if self.clock.contains(x, y):
            return "clock"
        # The full height of the bar counts, so that the mouse need not be exact.
        return "seek" if self.seek.x <= x <= self.seek.right else "bar"


@lru_cache(maxsize=4)
def places_of(rect: Rect, scale: float) -> BarPlaces:
    """Lay out a bar. The same arguments give the same object."""
    is_wide, is_middle = rect.width >= _WIDE_PX * scale, rect.width >= _MIDDLE_PX * scale
    left = LEFT if is_wide else LEFT[1:-1] if is_middle else _FEW
    right = RIGHT if is_wide else RIGHT[-1:] if is_middle else ()
    button, gap, pad = BUTTON_PX * scale, _GAP_PX * scale, _PAD_PX * scale
    y = rect.y + 0.5 * (rect.height - button)
    x = rect.x + pad
    buttons: list[tuple[str, Rect]] = []
    for name in left:
        buttons.append((name, Rect(x, y, button, button)))
        x += button + gap
    x += pad - gap
    speed = Rect(x, y, _SPEED_PX * scale, button) if is_middle else None
    if speed is not None:
        x = speed.right + pad
    clock = Rect(x, rect.y + 4 * scale, _CLOCK_PX * scale if is_middle else 70 * scale, rect.height - 8 * scale)
    end = rect.right - pad - len(right) * (button + gap)
    for at, name in enumerate(right):
        buttons.append((name, Rect(end + gap + at * (button + gap), y, button, button)))
    if right:
        end -= pad
    seek = Rect(clock.right + pad, rect.y + 8 * scale, max(1.0, end - clock.right - pad), rect.height - 14 * scale)
    return BarPlaces(rect, tuple(buttons), speed, clock, seek)
