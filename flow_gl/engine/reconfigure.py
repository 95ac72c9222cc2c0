"""Changing the settings and alert rules of a running pipeline, and the work that follows from it."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from flow_gl.core.alerts import EngineRule
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import AggregationSettings, merge
from flow_gl.engine.market import Market


class Reconfigurable:
    """The changing half of `engine.pipeline.Pipeline`, which owns the markets."""

    _settings: AggregationSettings
    _markets: dict[int, list[Market]]
    _charted: list[Market]
    _rules: tuple[EngineRule, ...] = ()

    @property
    def settings(self) -> AggregationSettings:
        """The current settings."""
        return self._settings

    @property
    def rules(self) -> tuple[EngineRule, ...]:
        """The current alert rules."""
        return self._rules

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings from the next trade on (`core.settings.merge`). Raises UsageError; then nothing changes."""
        changed, markets = merge(self._settings, changes), [*chain(*self._markets.values())]
        if not all(market.can_change_to(changed) for market in markets):
            raise UsageError(
                f"{', '.join(changes)} cannot change before the next session: this one has too many trades"
            )
        self._settings = changed
        for market in markets:
            market.configure(changed)

    def set_alerts(self, rules: Sequence[EngineRule]) -> None:
        """Replace the alert rules, from the next trade on."""
        self._rules = tuple(rules)
        for market in chain(*self._markets.values()):
            market.set_alerts(self._rules)

    def recompute(self) -> bool:
        """Do a slice of the work that a changed parameter needs, some milliseconds. Return whether some is left."""
        market = next((market for market in self._charted if market.is_recomputing), None)
        if market is not None:
            market.recompute()
        return any(market.is_recomputing for market in self._charted)
