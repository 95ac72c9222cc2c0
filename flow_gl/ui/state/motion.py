"""The time shown at the live edge, which follows the feed's clock smoothly.

The engine publishes how event time relates to wall time (an anchor and a rate). The anchor jitters with every status,
so the shown time advances at the rate and is eased towards the anchor over a fraction of a second.
"""

import math
from typing import Final

from flow_gl.store.market import EngineReader

_EASE_S: Final = 0.25
_JUMP_S: Final = 1.5
"""Farther off than this (wall seconds at the current rate), the shown time jumps."""


_BEYOND_BEAT_NS: Final = 500_000_000
"""The feed's clock is extrapolated this long after the last heartbeat; then the picture stops."""


def feed_now(engine: EngineReader | None, wall_ns: int) -> int:
    """Return the event time (ns) of the feed's clock at a wall time; 0 before it has one."""
    if engine is None or not int(engine.status["anchor_event"]):
        return 0
    if not math.isfinite(float(engine.status["rate"])):
        return int(engine.status["anchor_event"])
    return engine.event_now(min(wall_ns, int(engine.status["heartbeat"]) + _BEYOND_BEAT_NS))


class MotionClock:
    """Keeps the shown time from frame to frame."""

    def __init__(self) -> None:
        self.shown_ns = 0
        self._seeks = 0

    def step(self, engine: EngineReader | None, wall_ns: int, dt_s: float) -> int:
        """Advance by a frame of `dt_s` seconds. Returns the time to show (ns), 0 before the feed has one."""
        target = feed_now(engine, wall_ns)
        if engine is None or target == 0:
            return self.shown_ns
        seeks = int(engine.status["seeks"])
        if seeks != self._seeks:
            self._seeks, self.shown_ns = seeks, 0
        rate = float(engine.status["rate"])
        is_known = math.isfinite(rate) and wall_ns < int(engine.status["heartbeat"]) + _BEYOND_BEAT_NS
        rate = rate if is_known else 0.0
        # Integers and small differences: a double of epoch nanoseconds is only good to 256 ns.
        moved = self.shown_ns + int(rate * dt_s * 1e9)
        off = target - moved
        if self.shown_ns == 0 or abs(off) > _JUMP_S * 1e9 * max(1.0, abs(rate)):
            self.shown_ns = target
        else:
            eased = moved + int(off * (1.0 - math.exp(-max(0.0, dt_s) / _EASE_S)))
            self.shown_ns = max(self.shown_ns, eased) if off >= 0 or rate > 0 else eased
        return self.shown_ns

    def reset(self) -> None:
        """Jump to the feed's clock at the next step."""
        self.shown_ns = 0
