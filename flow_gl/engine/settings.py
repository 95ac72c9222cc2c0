"""The engine's settings: what a user may choose about the numbers, checked once."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from flow_gl.core.errors import UsageError
from flow_gl.core.schema import LEVELS
from flow_gl.engine.kernels.profile import ProfileSettings

MIN_BUCKET_NS: Final = 100_000_000
MAX_BUCKET_NS: Final = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How trades become numbers. Raises UsageError where a value is out of its range."""

    bucket_ns: int = 1_000_000_000
    arm: int = 300
    """CVD zero cross: contracts."""
    levels: int = LEVELS
    """Levels of detail that are kept, 1 to LEVELS."""
    cvd_reset: Literal["session", "never"] = "session"
    """"session": CVD starts anew at the session's open; without a calendar there is none."""
    cvd_reset_times: tuple[dt.time, ...] = ()
    """Times of day in New York at which CVD starts anew as well."""
    profile: ProfileSettings = field(default_factory=ProfileSettings)

    def __post_init__(self) -> None:
        _check("bucket_ns", self.bucket_ns, MIN_BUCKET_NS <= self.bucket_ns <= MAX_BUCKET_NS, "100 ms to 1 h")
        _check("arm", self.arm, self.arm >= 1, "at least 1 contract")
        _check("levels", self.levels, 1 <= self.levels <= LEVELS, f"1 to {LEVELS}")
        _check("cvd_reset", self.cvd_reset, self.cvd_reset in ("session", "never"), "session or never")
        profile = self.profile
        _check("value_area", profile.value_area, 0 < profile.value_area < 1, "between 0 and 1")
        _check("value_area_step", profile.value_area_step, profile.value_area_step in (1, 2), "1 or 2")
        odd = profile.lvn_smooth >= 1 and profile.lvn_smooth % 2 == 1
        _check("lvn_smooth", profile.lvn_smooth, odd, "an odd number of ticks")
        _check("lvn_prominence", profile.lvn_prominence, 0 < profile.lvn_prominence <= 1, "above 0, at most 1")
        _check("lvn_volume", profile.lvn_volume, 0 < profile.lvn_volume <= 1, "above 0, at most 1")

    def changed(
        self, *, arm: int | None = None, value_area: float | None = None, value_area_step: int | None = None
    ) -> "Settings":
        """These settings with some values replaced; None leaves one as it is. Raises UsageError."""
        profile = replace(
            self.profile,
            value_area=self.profile.value_area if value_area is None else value_area,
            value_area_step=self.profile.value_area_step if value_area_step is None else value_area_step,
        )
        return replace(self, arm=self.arm if arm is None else arm, profile=profile)


def _check(name: str, value: object, is_valid: bool, expected: str) -> None:
    if not is_valid:
        raise UsageError(f"{name} must be {expected}, was {value}")
