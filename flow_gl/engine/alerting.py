"""A market's input to its alert rules: names, levels, and the trades before a rule began."""

from collections.abc import Sequence

import numpy as np

from flow_gl.core.alerts import EngineRule, Level
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.engine.alerts.market_alerts import SessionTotals
from flow_gl.engine.kernels.alerts import NONE
from flow_gl.engine.kernels.layout import COLUMNS
from flow_gl.engine.published import Published
from flow_gl.engine.session_events import SessionEvents

_PRIOR = {Level.PRIOR_HIGH: "prior_high", Level.PRIOR_LOW: "prior_low"}
_OVERNIGHT = {Level.OVERNIGHT_HIGH: "overnight_high", Level.OVERNIGHT_LOW: "overnight_low"}


class Alerting(Published):
    """The alerting half of `engine.market.Market`, which owns the state."""

    _events: SessionEvents
    _rules: tuple[EngineRule, ...] = ()

    def set_alerts(self, rules: Sequence[EngineRule]) -> None:
        """Set the alert rules of all charts; those that hold for this market apply from the next trade on."""
        self._rules = tuple(rules)
        self._match_alerts()

    def _match_alerts(self) -> None:
        """Choose the rules that hold for the instrument's names. Without a sink there are none."""
        identity, alerts = self.identity, self._events.alerts
        is_shown = self.sink is not None
        rules = tuple(rule for rule in self._rules if is_shown and rule.holds_for(identity.symbol, identity.requested))
        if rules != alerts.rules:
            alerts.configure(rules, self._session_totals(), self._grid.tick_size)

    def _set_alert_levels(self) -> None:
        """Set the levels that are fixed from the session's open, or from 09:30, on."""
        row, alerts = self._session_row[0], self._events.alerts
        for level, name in _PRIOR.items():
            alerts.set_level(level, int(row[name]))
        for level, name in _OVERNIGHT.items():
            alerts.set_level(level, int(row[name]) if self._hours.have_begun else UNDEF_PRICE)

    def _session_totals(self) -> SessionTotals:
        s, grid = self._state[0], self._grid
        rows = grid.profile.reshape(-1, COLUMNS)[:, :3].sum(axis=1)
        at = np.flatnonzero(rows)
        last_price = int(s["last_price"]) if s["trade_count"] else NONE
        return SessionTotals(last_price, (grid.row0 + at) * grid.tick_size, rows[at], int(s["cvd"]))
