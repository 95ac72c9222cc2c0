"""When the next frame is due, and when Python may collect its garbage.

A moving picture follows the monitor: swap waits for it. Where that does not hold (no vertical sync, no window, a cap)
the loop sleeps until the next frame is due; it never spins. A picture in which nothing moves is drawn about once a
second and otherwise waits for input.

Garbage: what the start left is frozen, automatic collection is off, so that no frame is ever held up by it. Frames
make next to no cycles; the young ones are collected when a frame has time to spare or nothing moves.
"""

import gc
from typing import Final

from flow_gl.core.clock import Clock
from flow_gl.core.system import garbage

IDLE_REDRAW_S: Final = 1.0
"""A picture in which nothing moves is redrawn this often: ages and waiting times go on."""
IDLE_LOOK_S: Final = 0.1
"""... and looks for news this often."""
_JUDGED_FRAMES: Final = 40
_COLLECT_EVERY_S: Final = 10.0
_SNAP_SHARE: Final = 0.3
"""A frame that lasted within this share of a period of a whole number of periods is shown as such."""


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
        self._refresh_hz: Final = refresh_hz
        self._is_synced = is_synced
        self._period_ns = 0 if is_synced else int(1e9 / refresh_hz)
        if cap_fps is not None and (not is_synced or cap_fps < 0.98 * refresh_hz):
            self._period_ns = int(1e9 / cap_fps)
        self._due_ns = clock.monotonic_ns()
        self._judged = 0
        self._judged_from_ns = 0

    @property
    def period_ns(self) -> int:
        """Length of a frame that is kept by sleeping; 0 while the monitor keeps it."""
        return self._period_ns

    def wait_s(self) -> float:
        """Seconds until the next frame is due, 0 where swap waits. Call it once a frame."""
        now = self._clock.monotonic_ns()
        if self._period_ns == 0:
            self._judge(now)
            return 0.0
        # From the last due time, not from now: the mean rate is right. A long frame is not made up for.
        self._due_ns = max(self._due_ns + self._period_ns, now - self._period_ns)
        return max(0.0, (self._due_ns - now) / 1e9)

    def steady(self, period_s: float) -> float:
        """Length of the step to show for a frame that was measured to last `period_s`.

        Frames are shown a whole number of periods apart; when the loop wakes for them varies by a millisecond or two.
        A step near a whole number of periods is taken as that, so that motion is even; the shown time follows the
        feed's clock anyway.
        """
        refresh_s = 1e-9 * self._period_ns or 1.0 / self._refresh_hz
        periods = round(period_s / refresh_s)
        if periods and abs(period_s - periods * refresh_s) < _SNAP_SHARE * refresh_s:
            return periods * refresh_s
        return period_s

    def _judge(self, now_ns: int) -> None:
        """Does swap wait at all? A driver may ignore the swap interval; then the loop must keep the time itself."""
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
    """The collector under the policy of this module's docstring."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._last_ns = clock.monotonic_ns()
        self._was_enabled = gc.isenabled()

    def freeze(self) -> None:
        """Take all that exists out of the collector's sight and switch it off."""
        garbage.settle()
        gc.disable()

    def maybe_collect(self, spare_s: float) -> None:
        """Collect the young where there is time for it; all of it where nothing moves."""
        now = self._clock.monotonic_ns()
        if now - self._last_ns < _COLLECT_EVERY_S * 1e9 or spare_s < 0.003:
            return
        self._last_ns = now
        gc.collect(2 if spare_s >= IDLE_LOOK_S else 1)

    def restore(self) -> None:
        """Leave the collector as it was found."""
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
