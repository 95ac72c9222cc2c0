"""Counts the alerts that were too old to sound, and reports them in one line once no more follow."""

from typing import Final

_SUM_NS: Final = 1_500_000_000
"""The line appears after this long without another one ..."""
_SUM_LATEST_NS: Final = 15_000_000_000
"""... and this long after the first one at the latest."""


class SilentAlerts:
    """Alerts that did not sound and that no line has counted yet."""

    def __init__(self) -> None:
        self._count = 0
        self._why = ""
        self._first_ns = self._last_ns = 0

    def add(self, why: str, wall_ns: int) -> None:
        """Count one; `why` follows "fired"."""
        if not self._count:
            self._first_ns = wall_ns
        self._count, self._why, self._last_ns = self._count + 1, why, wall_ns

    def take_line(self, wall_ns: int) -> list[str]:
        """Return the line once it is due, and begin to count again; else nothing."""
        is_over = wall_ns - self._last_ns >= _SUM_NS or wall_ns - self._first_ns >= _SUM_LATEST_NS
        if not self._count or not is_over:
            return []
        count, self._count = self._count, 0
        return [f"{count:,} alert{'s' if count != 1 else ''} fired {self._why}  \u00b7  A lists them"]
