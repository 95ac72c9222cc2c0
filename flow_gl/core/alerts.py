"""Alert rules as the engine knows them, and the row of an alert that fired.

A rule is a condition on one instrument's trades or detector events, and a cool-down. What an alert does (sound, flash,
notification, log) belongs to the view: `ui.alerts.rules`. docs/alerts.md says when each condition fires.
"""

from enum import IntEnum
from typing import Annotated, Final, Literal

import msgspec
import numpy as np

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.market.instrument import root_of


class Condition(IntEnum):
    """The condition of an alert rule."""

    EVENT = 1
    """A detector's event."""
    LEVEL = 2
    """Price reaches a level: the first trade at or beyond it after trades on the other side."""
    CVD = 3
    """|CVD| goes beyond a value."""
    BUBBLE = 4
    """A bubble of the base bucket has at least that many contracts."""
    SECOND_VOLUME = 5
    """A second has at least that many contracts."""
    SECOND_DELTA = 6
    """A second that has ended has a delta of at least that many contracts, on either side."""
    FEED = 7
    """The feed's state changes. Evaluated by the view: it is no market number."""


class Level(IntEnum):
    """A price that a rule may wait for."""

    CUSTOM = 0
    POC = 1
    VAH = 2
    VAL = 3
    VWAP = 4
    PRIOR_HIGH = 5
    PRIOR_LOW = 6
    OVERNIGHT_HIGH = 7
    OVERNIGHT_LOW = 8
    INITIAL_HIGH = 9
    INITIAL_LOW = 10


LEVELS: Final = len(Level)
CONDITION_NAMES: Final = {one.name.lower(): one for one in Condition}
LEVEL_NAMES: Final = {one.name.lower(): one for one in Level}
Direction = Literal[-1, 0, 1]
MAX_RULES: Final = 200
"""Most rules that an engine takes."""


class EngineRule(msgspec.Struct, frozen=True):
    """The part of a rule that the engine evaluates."""

    id: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    """Unique among the rules; it is in the alerts that the rule fires."""
    condition: Condition
    symbol: str = ""
    """Root (NQ), contract (NQZ5) or symbol as requested (NQ.v.0) of the charts to which it applies; "" for all."""
    event: EventKind | None = None
    """With EVENT; None for any kind."""
    level: Level = Level.CUSTOM
    """With LEVEL."""
    price: int = 0
    """With a custom level: its price, 1e-9."""
    least: Annotated[float, msgspec.Meta(ge=0, le=1e12)] = 0.0
    """Least strength of an event, least contracts of a bubble or second, the value that CVD goes beyond."""
    direction: Direction = 0
    """+1: bullish, or price rises to a level, or more buys; -1: the contrary; 0: both."""
    name: Annotated[str, msgspec.Meta(max_length=60)] = ""
    """The user's name for it."""
    cool_down_ns: Annotated[int, msgspec.Meta(ge=0, le=10**16)] = 10_000_000_000
    """The rule does not fire again before this much event time has passed."""

    def holds_for(self, symbol: str, requested: str) -> bool:
        """Return whether it applies to a chart of a contract (`symbol`) that was requested under a name."""
        return not self.symbol or self.symbol in (symbol, requested, root_of(symbol), root_of(requested))


ALERT: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # of the trade or event that fired it, ns
        ("price", "<i8"),  # of that trade or event, 1e-9
        ("value", "<i8"),  # level's price (1e-9), CVD, contracts or delta; by condition
        ("strength", "<f8"),  # of the event
        ("rule", "<i4"),  # EngineRule.id
        ("condition", "<u2"),  # Condition
        ("detail", "<u2"),  # EventKind or Level
        ("direction", "i1"),  # +1, -1; 0 none
        ("pad", "u1", (3,)),
        ("instrument_id", "<u4"),  # 0: unknown, in rows of an earlier version
    ]
)
"""An alert that fired, 48 bytes. It is never changed or withdrawn."""
