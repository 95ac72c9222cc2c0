"""The columns of the `events` table: what every event has, and the inputs of each kind under names of their own."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import PRICE_SCALE

INPUTS: Final = (
    ("first_price", EventKind.LARGE_TRADE, 0, True),
    ("threshold", EventKind.LARGE_TRADE, 1, False),
    ("delta", EventKind.ABSORPTION, 0, False),
    ("move_ticks", EventKind.ABSORPTION, 1, False),
    ("range_ticks", EventKind.ABSORPTION, 2, False),
    ("least_delta", EventKind.ABSORPTION, 3, False),
    ("pivot_ts", EventKind.DIVERGENCE, 0, False),
    ("pivot_price", EventKind.DIVERGENCE, 1, True),
    ("highest_price", EventKind.STACKED_IMBALANCE, 0, True),
    ("cvd", EventKind.ZERO_CROSS, 0, False),
    ("extreme_cvd", EventKind.ZERO_CROSS, 1, False),
)
"""Column, the kind that has it, its place in `value`, and whether it is a price. Other kinds have no value there."""


def event_columns(rows: NDArray[np.void]) -> dict[str, Any]:
    """Lay out EVENT rows as columns: prices in points, inputs as floats with NaN where a kind has no such input."""
    names = np.array([EventKind(kind).name.lower() for kind in rows["kind"].tolist()], dtype=np.str_)
    columns: dict[str, Any] = {
        "kind": names,
        "ts_event": rows["ts_event"],
        "price": rows["price"] / float(PRICE_SCALE),
        "direction": rows["direction"].astype(np.int64),
        "strength": rows["strength"],
    }
    for name, kind, at, is_price in INPUTS:
        values = np.where(rows["kind"] == int(kind), rows["value"][:, at], np.nan)
        columns[name] = values / PRICE_SCALE if is_price else values
    return columns
