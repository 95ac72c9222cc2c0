"""The parameters of levels and lines. docs/definitions.md says what each number does."""

from dataclasses import dataclass
from typing import Annotated

from flow_gl.core.settings.declaration import LEVELS
from flow_gl.core.settings.detectors import DetectorSettings, parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSettings(DetectorSettings):
    """The parameters of levels and lines, and of the detectors."""

    initial_balance_minutes: Annotated[
        int,
        parameter("initial_balance.minutes", "minutes of regular hours in the initial balance", 1, 390, heading=LEVELS),
    ] = 60
    opening_range_minutes: Annotated[
        int,
        parameter("opening_range.minutes", "minutes of regular hours in the opening range", 1, 390, heading=LEVELS),
    ] = 5
    naked_poc_most: Annotated[
        int, parameter("naked_poc.most", "earlier sessions whose naked POC is kept", 0, 64, heading=LEVELS)
    ] = 10
    order_size_medium: Annotated[
        int, parameter("order_size.medium", "minimum contracts of a medium order", 2, 10_000_000, heading=LEVELS)
    ] = 10
    order_size_large: Annotated[
        int, parameter("order_size.large", "minimum contracts of a large order", 2, 10_000_000, heading=LEVELS)
    ] = 50
