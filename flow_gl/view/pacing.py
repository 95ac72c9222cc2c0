"""Frame pacing and garbage collection.

A moving picture follows the monitor, because swap waits for it. Otherwise (no vsync, no window, a frame rate cap) the
loop sleeps until the next frame is due; it never spins. A picture at rest is redrawn about once a second and otherwise
waits for input.

Objects that exist after the start are frozen and automatic collection is disabled, so that it never delays a frame.
Frames create almost no cycles; collection runs when a frame has time to spare or nothing moves.
"""

import gc
from typing import Final

from flow_gl.core.clock import Clock
from flow_gl.core.system import garbage

IDLE_REDRAW_S: Final = 1.0
"""Redraw interval of a picture at rest, to update ages and waiting times."""
IDLE_LOOK_S: Final = 0.1
"""Interval at which a picture at rest polls for news."""
_JUDGED_FRAMES: Final = 40
_COLLECT_EVERY_S: Final = 10.0
_SNAP_SHARE: Final = 0.3
"""A frame time within this share of a period of a multiple of the period is snapped to it."""


class Pacer:
    """Decides how long to sleep before the next frame.

    Parameters
    ----------
    refresh_hz : the monitor's rate; what a picture without a monitor is drawn at
    cap_fps : the user's cap; None follows the monitor
    is_synced : swap is expected to wait for the monitor
    """

    def __init__(self, clock: Clock, *, refresh_hz: float, cap_fps: float | None, is_synced: bool) -> None:
        self._clock: Final = clock
        self._cap_fps: Final = cap_fps
        self._is_synced: Final = is_synced
        self.follow(refresh_hz)

    def follow(self, refresh_hz: float) -> None:
        """Pace for a monitor, because the window is on another one."""
        self._refresh_hz = refresh_hz
        self._period_ns = 0 if self._is_synced else int(1e9 / refresh_hz)
        if self._cap_fps is not None and (not self._is_synced or self._cap_fps < 0.98 * refresh_hz):
            self._period_ns = int(1e9 / self._cap_fps)
        self._due_ns = self._clock.monotonic_ns()
        self._judged = 0
        self._judged_from_ns = 0

    @property
    def period_ns(self) -> int:
        """Frame period kept by sleeping, ns; 0 while vsync keeps it."""
        return self._period_ns

    def wait_s(self) -> float:
        """Return the seconds until the next frame is due, 0 if swap waits. Call it once per frame."""
        now = self._clock.monotonic_ns()
        if self._period_ns == 0:
            self._judge(now)
            return 0.0
        # Counted from the last due time, which keeps the mean rate. Long frames are not caught up.
        self._due_ns = max(self._due_ns + self._period_ns, now - self._period_ns)
        return max(0.0, (self._due_ns - now) / 1e9)

    def steady(self, period_s: float) -> float:
        """Return the time step to animate for a frame that took `period_s` seconds.

        The monitor shows frames a whole number of periods apart, but the loop wakes with a jitter of a millisecond or
        two. Snapping to whole periods makes motion even; the shown time still follows the feed's clock.
        """
        refresh_s = 1e-9 * self._period_ns or 1.0 / self._refresh_hz
        periods = round(period_s / refresh_s)
        if periods and abs(period_s - periods * refresh_s) < _SNAP_SHARE * refresh_s:
            return periods * refresh_s
        return period_s

    def _judge(self, now_ns: int) -> None:
        """Check whether swap really waits. If the driver ignores the swap interval, the loop paces itself."""
        if self._judged == 0:
            self._judged_from_ns = now_ns
        self._judged += 1
        if self._judged > _JUDGED_FRAMES:
            seconds = (now_ns - self._judged_from_ns) / 1e9
            if seconds * self._refresh_hz < 0.7 * _JUDGED_FRAMES:
                self._period_ns = int(1e9 / self._refresh_hz)
                self._due_ns = now_ns
            self._judged = 0


class Garbage:
    """Controls the garbage collector as described in the module docstring."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._last_ns = clock.monotonic_ns()
        self._was_enabled = gc.isenabled()

    def freeze(self) -> None:
        """Freeze all existing objects and disable automatic collection."""
        garbage.settle()
        gc.disable()

    def maybe_collect(self, spare_s: float) -> None:
        """Collect young generations if the frame has time to spare, all if nothing moves."""
        now = self._clock.monotonic_ns()
        if now - self._last_ns < _COLLECT_EVERY_S * 1e9 or spare_s < 0.003:
            return
        self._last_ns = now
        gc.collect(2 if spare_s >= IDLE_LOOK_S else 1)

    def restore(self) -> None:
        """Restore the collector."""
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
