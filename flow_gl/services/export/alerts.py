"""The columns of the `alerts` table: what fired, by which rule, and the number that made it fire."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import Condition, Level
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import PRICE_SCALE


def alert_columns(rows: NDArray[np.void], rules: Mapping[int, str]) -> dict[str, Any]:
    """Lay out ALERT rows as columns.

    Parameters
    ----------
    rules : the rules' names by id

    Returns
    -------
    columns : prices in points. `detail` is the event's kind or the level, else empty; `value` is the level in points,
        CVD, contracts, or the second's delta, and NaN for an event, whose strength is in `strength`
    """
    conditions = [Condition(number) for number in rows["condition"].tolist()]
    is_event = rows["condition"] == int(Condition.EVENT)
    is_level = rows["condition"] == int(Condition.LEVEL)
    values = np.where(is_level, rows["value"] / PRICE_SCALE, rows["value"])
    return {
        "ts_event": rows["ts_event"],
        "rule": np.array([rules.get(number, "") for number in rows["rule"].tolist()], dtype=np.str_),
        "condition": np.array([one.name.lower() for one in conditions], dtype=np.str_),
        "detail": np.array(
            [_detail(one, number) for one, number in zip(conditions, rows["detail"].tolist(), strict=True)],
            dtype=np.str_,
        ),
        "direction": rows["direction"].astype(np.int64),
        "price": rows["price"] / float(PRICE_SCALE),
        "value": np.where(is_event, np.nan, values),
        "strength": np.where(is_event, rows["strength"], np.nan),
    }


def _detail(condition: Condition, number: int) -> str:
    if condition is Condition.EVENT:
        return EventKind(number).name.lower()
    return Level(number).name.lower() if condition is Condition.LEVEL else ""
