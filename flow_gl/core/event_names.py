"""Names of the kinds of events (`core.schema.EventKind`) as users write them, without numpy."""

from typing import Final

EVENT_NAMES: Final = ("zero_cross", "large_trade", "absorption", "divergence", "stacked_imbalance")
