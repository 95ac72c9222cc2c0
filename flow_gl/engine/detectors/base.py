"""Shared by all detectors: the parameters as one record, the row of a found event, and the open second and order.

A detector is a module with its rule in the docstring, its state and its kernels. `engine.detectors.run` gives it what
it waits for: an ended order, second, bar or minute, or the trades of a run. It writes the events that it finds into
FOUND rows.

Parameters reach the kernels as one RULES record, whose fields are those of the settings (`core.settings.detectors` and
`core.settings.levels`). `READ` is the state of the session's trades read so far, common to all detectors.
"""

from dataclasses import fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EVENT
from flow_gl.core.settings import DEFAULTS, REGULAR, AggregationSettings
from flow_gl.core.settings.levels import LevelSettings
from flow_gl.engine.kernels.jit import kernel

NONE: Final = -(2**62)
"""No second, bar, minute or index."""
NEVER: Final = 2**62
"""A time (ns) after the end of every second, bar and minute."""

_NOT_HERE: Final = {"initial_balance_minutes", "opening_range_minutes", "naked_poc_most"}
_PARAMETERS: Final = (
    *(field.name for field in fields(LevelSettings) if field.name not in _NOT_HERE),
    *("arm", "value_area", "value_area_step", "session_profile"),
)
RULES: Final = np.dtype(
    [(name, "<f8" if isinstance(getattr(DEFAULTS.aggregation, name), float) else "<i8") for name in _PARAMETERS]
)
"""The parameters of all detectors; `session_profile` is 1 for regular hours."""

FOUND: Final = np.dtype([(name, EVENT.fields[name][0]) for name in EVENT.names] + [("known", "<i8")])  # type: ignore[union-attr,index]  # a structured dtype has fields
"""An EVENT, and the position of the trade that made it known: events are sorted by it."""

READ: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "second",  # number of the open second; NONE before the first trade
            "traded",  # 1: the open second has a trade
            "first",  # position of its first trade
            "high",  # of the open second, ticks, like all prices here
            "low",
            "delta",
            "cvd_high",  # of the open second, with the value before its first trade
            "cvd_low",
            "cvd",  # since the session's open
            "first_second",
            "first_price",
            "last_price",
            "minute",  # minute of the open footprint; NONE if it has no trade
            "base",  # tick of the footprint's first row
            "minute_low",
            "minute_high",
            "odd",  # position of a trade too far away to be in the footprint; NONE
            "order_ts",  # the open order's time, ns
            "order_sign",  # 0: no order is open
            "contracts",
            "order_first",  # its first and last price
            "order_last",
            "row_ticks",  # ticks in a row of footprint and profile: more than 1 after a price off the known tick
        )
    ]
)


def rules_of(settings: AggregationSettings) -> NDArray[np.void]:
    """Return the detectors' parameters as RULES, shape (1,)."""
    rules = np.zeros(1, RULES)
    for name in _PARAMETERS:
        value = getattr(settings, name)
        rules[name] = value == REGULAR if name == "session_profile" else value
    return rules


@kernel
def event_nb(  # noqa: PLR0917  # one row's fields
    event: Any,
    known: int,
    kind: int,
    ts: int,
    price: int,
    direction: int,
    strength: float,
    a: float,
    b: float,
    c: float,
    d: float,
) -> None:
    """Fill a FOUND row; `a` to `d` are the values stored as its inputs."""
    event["known"] = known
    event["ts_event"] = ts
    event["price"] = price
    event["strength"] = strength
    value = event["value"]
    value[0] = a
    value[1] = b
    value[2] = c
    value[3] = d
    event["kind"] = kind
    event["direction"] = direction
