"""Changing the settings of running markets, and the work that follows from it."""

from collections.abc import Sequence
from typing import Any

from flow_gl.core.errors import UsageError
from flow_gl.core.settings import AggregationSettings, merge
from flow_gl.engine.market import Market


def configure(markets: Sequence[Market], settings: AggregationSettings, changes: dict[str, Any]) -> AggregationSettings:
    """Apply changes to all markets, or to none. Returns the changed settings. Raises UsageError."""
    changed = merge(settings, changes)
    if not all(market.can_change_to(changed) for market in markets):
        raise UsageError(f"{', '.join(changes)} can change at the next session: this one has too many trades")
    for market in markets:
        market.configure(changed)
    return changed


def recompute(markets: Sequence[Market]) -> bool:
    """Do a slice, of a few milliseconds, of the work that a changed parameter needs. Return whether some is left."""
    market = next((market for market in markets if market.is_recomputing), None)
    if market is not None:
        market.recompute()
    return any(market.is_recomputing for market in markets)
