"""The settings that the engine's results depend on, as one frozen dataclass, and changes to it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import time
from typing import Annotated, Any, Final, Literal

import msgspec

from flow_gl.core.errors import UsageError
from flow_gl.core.settings import checks
from flow_gl.core.settings.declaration import ENGINES, HEADINGS, MARKET, NUMBERS, Names, Setting, declared_in
from flow_gl.core.settings.detectors import DetectorSettings
from flow_gl.core.settings.levels import LevelSettings
from flow_gl.core.units import HOUR_NS, SECOND_NS

REGULAR: Final = "regular"
"""The value of `session_profile` for regular hours only."""
MIN_BUCKET_NS: Final = SECOND_NS // 10
MAX_BUCKET_NS: Final = HOUR_NS
_market: Final[dict[str, Any]] = {"commands": NUMBERS, "heading": MARKET}


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregationSettings(LevelSettings):
    """All settings that the engine's results depend on besides the trades.

    Raises
    ------
    UsageError : a value is out of range
    """

    bucket_ns: Annotated[
        int,
        Setting(
            name="bucket",
            help=f"width of a bubble's bucket: {checks.BUCKETS}",
            metavar="TIME",
            ge=MIN_BUCKET_NS,
            le=MAX_BUCKET_NS,
            allowed="100 ms to 1 h",
            given_as=str,
            check=checks.bucket_ns,
            written="1s",
            **_market,
        ),
    ] = SECOND_NS
    arm: Annotated[
        int,
        Setting(
            help="contracts that arm a CVD zero cross, at least 1 and at most 10000000",
            metavar="N",
            ge=1,
            le=10_000_000,
            allowed="at least 1 contract and at most 10,000,000",
            label="arm zero cross",
            while_running=True,
            **_market,
        ),
    ] = 300
    value_area: Annotated[
        float,
        Setting(
            help="share of volume in the value area, between 0 and 1",
            metavar="X",
            gt=0,
            lt=1,
            allowed="between 0 and 1",
            label="value area",
            while_running=True,
            **_market,
        ),
    ] = 0.70
    value_area_step: Annotated[
        int,
        Setting(
            help="rows that the value area grows by per step, 1 or 2",
            metavar="N",
            ge=1,
            le=2,
            allowed="1 or 2",
            label="value area step",
            while_running=True,
            **_market,
        ),
    ] = 2
    session_profile: Annotated[
        Literal["globex", "regular"],
        Setting(
            help="hours of the session's profile, POC, value area and LVN: globex (all) or regular (09:30 to 16:00 ET)",
            metavar="HOURS",
            allowed="globex or regular",
            label="session profile",
            while_running=True,
            **_market,
        ),
    ] = "globex"
    lvn_smooth: Annotated[
        int,
        Setting(
            help="ticks in the moving average of volume for LVN and HVN, odd, 1 to 99",
            metavar="N",
            ge=1,
            le=99,
            check=checks.odd,
            allowed="an odd number of ticks, 1 to 99",
            **_market,
        ),
    ] = 5
    lvn_prominence: Annotated[
        float,
        Setting(
            help="minimum prominence of an LVN or HVN, as a share of the maximum, between 0 and 1",
            metavar="X",
            gt=0,
            lt=1,
            allowed="between 0 and 1",
            **_market,
        ),
    ] = 0.25
    lvn_volume: Annotated[
        float,
        Setting(
            help="maximum smoothed volume of an LVN, minimum of an HVN, as a share of the maximum, 0 to 1",
            metavar="X",
            gt=0,
            le=1,
            allowed="above 0, at most 1",
            **_market,
        ),
    ] = 0.40
    cvd_reset: Annotated[
        Literal["session", "never"],
        Setting(
            help="when CVD resets: session (at its open) or never",
            metavar="WHEN",
            allowed="session or never",
            **_market,
        ),
    ] = "session"
    cvd_reset_times: Annotated[
        tuple[time, ...],
        Setting(
            help="additional times of day in New York at which CVD resets, like 09:30,16:00",
            metavar="A,B",
            given_as=Names,
            check=checks.times_of_day,
            **_market,
        ),
    ] = ()
    sessions: Annotated[
        bool,
        Setting(
            # `export` has a flag of this name with another default.
            commands=ENGINES,
            heading=MARKET,
            help="restart CVD, profile and VWAP at each session's open",
            flag="--sessions/--no-sessions",
        ),
    ] = True

    def __post_init__(self) -> None:
        for name, declared in AGGREGATION.items():
            value = getattr(self, name)
            if not declared.is_valid(value):
                raise UsageError(f"{name} must be {declared.setting.allowed}, was {value}")


_declared: Final = declared_in(AggregationSettings, is_aggregation=True)
AGGREGATION: Final = {
    one.field: one for one in sorted(_declared.values(), key=lambda one: HEADINGS.index(one.setting.heading))
}
"""Declarations of the engine's settings, by field: the detectors' parameters after all others."""
DETECTION: Final = (*(one.name for one in fields(DetectorSettings)), "arm", "cvd_reset", "cvd_reset_times")
"""The fields on which events depend."""


def merge(settings: AggregationSettings, changes: Mapping[str, Any]) -> AggregationSettings:
    """Return settings with changes applied; the only way to change settings while the engine runs.

    Parameters
    ----------
    settings : the settings before
    changes : the changed values, by field

    Raises
    ------
    UsageError : a field cannot change while the engine runs, or a value is out of range
    """
    changed = {}
    for name, value in changes.items():
        declared = AGGREGATION.get(name)
        if declared is None or not declared.setting.while_running:
            can = ", ".join(one.field for one in AGGREGATION.values() if one.setting.while_running)
            raise UsageError(f"{name} cannot be changed while the engine runs; these can: {can}")
        try:
            changed[name] = msgspec.convert(value, declared.type)
        except msgspec.ValidationError:
            raise UsageError(f"{name} must be {declared.setting.allowed}, was {value!r}") from None
    return replace(settings, **changed)


def difference(before: AggregationSettings, after: AggregationSettings) -> dict[str, Any]:
    """Return the changes that turn `before` into `after`."""
    pairs = {one.name: (getattr(before, one.name), getattr(after, one.name)) for one in fields(AggregationSettings)}
    return {name: new for name, (old, new) in pairs.items() if old != new}
