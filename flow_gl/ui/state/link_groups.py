"""The groups of charts with linked prices, by their colours."""

from typing import Final, Literal

from flow_gl.core.drawings import ColorName

LinkUnit = Literal["percent", "ticks"]
GROUPS: Final[tuple[ColorName, ...]] = ("blue", "orange", "violet")
"""Group 1 is the first."""
