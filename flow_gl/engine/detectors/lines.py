"""Lines of the session: developing POC, value area and VWAP at each minute's end, CVD by order size at each second's.

A minute's row holds the levels of all trades read when the minute ends; it never changes afterwards. If the session's
profile is that of regular hours, only their minutes are in it, and the others have no POC and value area
(UNDEF_PRICE). VWAP is always that of the whole session.

CVD by order size is three running sums: of small orders, of medium and of large ones (`order_size` in the settings).
Their sum is CVD at every moment, because the open order counts with the contracts that it has so far.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.market.limits import MAX_ROWS
from flow_gl.core.market.value_area import PARTS
from flow_gl.core.schema import PRICE_SCALE, UNDEF_PRICE
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.engine.detectors.base import NONE
from flow_gl.engine.detectors.footprint import COLUMNS
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.profile import point_of_control_nb, value_area_of_nb

STATE: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "base",  # number of the profile's first row: its price // the height of a row
            "low",  # lowest and highest row with volume, once `total` is not 0
            "high",
            "total",  # contracts in the profile
            "poc",  # its row with the most volume
            "is_tied",  # 1: another row has as much
            "volume",  # for VWAP: contracts of the session, ...
            "anchor",  # ... a traded tick, ...
            "reach",  # ... the farthest distance from it, ...
            "first",  # ... contracts times their distance from it ...
            "second",  # ... and times its square, in ticks
            "cvd",  # the chart's CVD
            "medium",  # its part of ended medium and of ended large orders
            "large",
            "odd",  # a minute too far away to be in the profile; NONE
            "regular_from",  # regular hours: their first minute, and the one after the last; NONE without a calendar
            "regular_until",
            "minutes",  # rows of this kernel call
            "seconds",
        )
    ]
    + [("first_f", "<f8"), ("second_f", "<f8")]  # `first` and `second` where int64 has no room for them
)
_MOMENTS: Final = ("volume", "anchor", "reach", "first", "second", "first_f", "second_f")
_ROWS: Final = 1024
_FEW_PRICES: Final = 16
_MAX_SECOND: Final = float(1 << 60)
"""Limit for contracts times the square of a distance, summed: four such terms fit into int64."""


def begin(state: NDArray[np.void]) -> None:
    """Reset STATE, shape (1,), at a session's open, except CVD by order size and regular hours."""
    _begin_profile(state)
    for name in _MOMENTS:
        state[name] = 0


def begin_profile(state: NDArray[np.void]) -> NDArray[np.int64]:
    """Reset the profile in STATE, shape (1,), and return its rows."""
    _begin_profile(state)
    return empty_profile()


def _begin_profile(state: NDArray[np.void]) -> None:
    for name in ("base", "low", "high", "total", "poc", "is_tied"):
        state[name] = 0
    state["low"], state["odd"] = 1, NONE


def empty_profile() -> NDArray[np.int64]:
    """Return the rows of a profile without trades: contracts by tick."""
    return np.zeros(_ROWS, np.int64)


def fitted(read: NDArray[np.void], state: NDArray[np.void], profile: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the profile with room for the open minute; updates STATE, shape (1,).

    A minute too far away is excluded as odd. While few prices have traded, the profile begins again around it instead.
    """
    s = state[0]
    low, high = (int(read[name][0] // read["row_ticks"][0]) for name in ("minute_low", "minute_high"))
    if s["total"] and max(high, int(s["high"])) - min(low, int(s["low"])) >= MAX_ROWS:
        if np.count_nonzero(kept_profile(state, profile)) > _FEW_PRICES:
            s["odd"] = read["minute"][0]
            return profile
        _begin_profile(state)
    kept = profile[s["low"] - s["base"] : s["high"] - s["base"] + 1] if s["total"] else profile[:0]
    first, last = (min(low, int(s["low"])), max(high, int(s["high"]))) if s["total"] else (low, high)
    count = last - first + 1
    rows = np.zeros(max(_ROWS, count + min(count, 1 << 16)), np.int64)
    base = first - (len(rows) - count) // 2
    if len(kept):
        at = int(s["low"]) - base
        rows[at : at + len(kept)] = kept
    s["base"] = base
    return rows


def kept_profile(state: NDArray[np.void], profile: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows from the lowest to the highest tick with volume."""
    s = state[0]
    return profile[s["low"] - s["base"] : s["high"] - s["base"] + 1] if s["total"] else profile[:0]


def resumed(state: NDArray[np.void], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the profile whose rows are `kept`, for STATE as it was then."""
    s = state[0]
    if not s["total"]:
        return empty_profile()
    rows = np.zeros(max(_ROWS, 2 * len(kept)), np.int64)
    s["base"] = s["low"] - (len(rows) - len(kept)) // 2
    at = int(s["low"] - s["base"])
    rows[at : at + len(kept)] = kept
    return rows


def rescale(state: NDArray[np.void], factor: int) -> None:
    """Multiply the distances in VWAP's sums of STATE, shape (1,), by `factor`, the new ticks per old one."""
    for name in ("anchor", "reach", "first", "second", "second", "first_f", "second_f", "second_f"):
        state[name] *= factor


def with_finer_rows(state: NDArray[np.void], profile: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Return the profile (int64, contracts by row) with `factor` new rows per old one; updates STATE, shape (1,)."""
    kept = kept_profile(state, profile)
    if (len(kept) - 1) * factor >= MAX_ROWS:
        _begin_profile(state)
    if not state["total"][0]:
        return empty_profile()
    spread = np.zeros((len(kept) - 1) * factor + 1, np.int64)
    spread[::factor] = kept
    for name in ("low", "high", "poc"):
        state[name] *= factor
    return resumed(state, spread)


def with_coarser_rows(state: NDArray[np.void], profile: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Return the profile with `factor` old rows added up in each new one; updates STATE, shape (1,)."""
    if not state["total"][0]:
        return empty_profile()
    kept, low = kept_profile(state, profile), int(state["low"][0])
    numbers = (low + np.arange(len(kept))) // factor
    rows = np.zeros(int(numbers[-1] - numbers[0]) + 1, np.int64)
    np.add.at(rows, numbers - numbers[0], kept)
    state["low"], state["high"] = numbers[0], numbers[-1]
    # Which of several is the POC is found when the next minute ends.
    state["poc"], state["is_tied"] = numbers[0] + int(rows.argmax()), 1
    return resumed(state, rows)


@kernel
def is_counted_nb(read: Any, s: Any, rule: Any) -> bool:
    """Return whether the open minute counts in the session's profile."""
    is_all = rule["session_profile"] == 0 or s["regular_from"] == NONE
    return bool(is_all or s["regular_from"] <= read["minute"] < s["regular_until"])


@kernel
def fits_nb(read: Any, s: Any, rule: Any, profile: NDArray[np.int64]) -> bool:
    """Return whether the profile has rows for the open minute, or needs none."""
    low, high = read["minute_low"] // read["row_ticks"], read["minute_high"] // read["row_ticks"]
    is_in = low >= s["base"] and high < s["base"] + len(profile)
    return bool(is_in or s["odd"] == read["minute"] or not is_counted_nb(read, s, rule))


@kernel
def minute_nb(  # noqa: PLR0917  # kernels take arrays
    read: Any,
    s: Any,
    rows: NDArray[np.int64],
    profile: NDArray[np.int64],
    rule: Any,
    tick_size: int,
    minutes: NDArray[np.void],
) -> None:
    """Add the ended minute's footprint to the profile, and write the minute's row."""
    row_ticks, base = read["row_ticks"], s["base"]
    low, high = read["minute_low"] // row_ticks, read["minute_high"] // row_ticks
    if s["odd"] == read["minute"]:
        return
    row = minutes[s["minutes"]]
    s["minutes"] += 1
    row["ts_event"] = (read["minute"] + 1) * MINUTE_NS
    add_moments_nb(read, s, rows)
    mean, deviation = mean_nb(s)
    row["vwap"], row["vwap_sd"] = mean * (tick_size / PRICE_SCALE), deviation * (tick_size / PRICE_SCALE)
    if not is_counted_nb(read, s, rule):
        row["poc"] = row["vah"] = row["val"] = UNDEF_PRICE
        row["volume"] = s["total"]
        return
    if s["low"] > s["high"]:
        s["low"], s["high"], s["poc"] = low, high, low
    total, best, is_tied = s["total"], s["poc"], s["is_tied"]
    for tick in range(read["minute_low"], read["minute_high"] + 1):
        at = COLUMNS * (tick - read["base"])
        volume = rows[at] + rows[at + 1] + rows[at + 2]
        total += volume
        number = tick if row_ticks == 1 else tick // row_ticks
        held = profile[number - base] + volume
        profile[number - base] = held
        # Volume only grows, so that only a row of this minute can overtake the POC.
        if held > profile[best - base]:
            best, is_tied = number, 0
        elif held == profile[best - base] and number != best:
            is_tied = 1
    s["total"] = total
    s["low"], s["high"] = min(s["low"], low), max(s["high"], high)
    totals = profile[s["low"] - base : s["high"] - base + 1]
    poc = best - s["low"]
    if is_tied:
        poc = point_of_control_nb(totals)
    s["poc"], s["is_tied"] = s["low"] + poc, is_tied
    parts = int(rule["value_area"] * PARTS + 0.5)
    area_low, area_high, _ = value_area_of_nb(totals, total, poc, rule["value_area_step"], parts)
    row_size = tick_size * row_ticks
    row["poc"] = (s["low"] + poc) * row_size
    row["vah"] = (s["low"] + area_high) * row_size
    row["val"] = (s["low"] + area_low) * row_size
    row["volume"] = s["total"]


@kernel
def add_moments_nb(read: Any, s: Any, rows: NDArray[np.int64]) -> None:
    """Add the ended minute's footprint to the sums of VWAP.

    `profile.moments_nb` sums up a complete profile. These sums grow by the prices of a minute instead, so a minute's
    cost does not depend on the session's range.
    """
    low, high = read["minute_low"], read["minute_high"]
    if s["volume"] == 0:
        s["anchor"] = low
    s["reach"] = max(s["reach"], abs(low - s["anchor"]), abs(high - s["anchor"]))
    contracts, first, second, first_f, second_f = s["volume"], s["first"], s["second"], 0.0, 0.0
    for tick in range(low, high + 1):
        at = COLUMNS * (tick - read["base"])
        volume, distance = rows[at] + rows[at + 1] + rows[at + 2], tick - s["anchor"]
        contracts += volume
        first += volume * distance
        second += volume * distance * distance
        first_f += float(volume) * distance
        second_f += float(volume) * distance * distance
    s["volume"], s["first"], s["second"] = contracts, first, second
    s["first_f"] += first_f
    s["second_f"] += second_f


@kernel
def mean_nb(s: Any) -> tuple[float, float]:
    """Return the volume-weighted mean and standard deviation of the session's prices, in ticks.

    The sums are integers and the squares are taken around the mean's whole tick, so nothing cancels. Sums for which
    int64 has no room (billions of contracts, or millions of ticks) are floats.
    """
    volume, reach = s["volume"], float(s["reach"])
    if float(volume) * reach * reach < _MAX_SECOND:
        whole = s["first"] // volume
        part = (s["first"] - whole * volume) / volume
        around = s["second"] - 2 * whole * s["first"] + whole * whole * volume
        return s["anchor"] + whole + part, math.sqrt(max(0.0, around / volume - part * part))
    mean = s["first_f"] / volume
    return s["anchor"] + mean, math.sqrt(max(0.0, s["second_f"] / volume - mean * mean))


@kernel
def order_nb(read: Any, s: Any, rule: Any) -> None:
    """Add an ended order to its sum."""
    if read["contracts"] >= rule["order_size_large"]:
        s["large"] += read["order_sign"] * read["contracts"]
    elif read["contracts"] >= rule["order_size_medium"]:
        s["medium"] += read["order_sign"] * read["contracts"]


@kernel
def second_nb(read: Any, s: Any, rule: Any, seconds: NDArray[np.void]) -> None:
    """Write the row of an ended second that has trades."""
    medium, large = s["medium"], s["large"]
    if read["contracts"] >= rule["order_size_large"]:
        large += read["order_sign"] * read["contracts"]
    elif read["contracts"] >= rule["order_size_medium"]:
        medium += read["order_sign"] * read["contracts"]
    row = seconds[s["seconds"]]
    row["ts_event"] = (read["second"] + 1) * SECOND_NS
    row["small"] = s["cvd"] - medium - large
    row["medium"] = medium
    row["large"] = large
    s["seconds"] += 1
