"""The groups of charts with linked prices, by their colours."""

from typing import Final, Literal, get_args

from flow_gl.core.drawings import ColorName

LinkUnit = Literal["percent", "ticks"]
UNITS: Final[tuple[LinkUnit, ...]] = get_args(LinkUnit)
GROUPS: Final[tuple[ColorName, ...]] = ("blue", "orange", "violet")
"""Colour of each group, beginning with group 1."""
