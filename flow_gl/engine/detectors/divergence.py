"""Delta divergence: price makes a new pivot that CVD does not follow.

Bars of 15 s; bars without trades do not exist. A high pivot is a bar whose high is above the highs of the 5 bars before
it and not below those of the 3 after it; mirrored for lows. It is compared with the previous pivot of its kind, at most
60 bars back: price high above and CVD high below is bearish, price low below and CVD low above is bullish. CVD starts
at 0 at the session's open; a bar's CVD high and low include the value before its first trade.

Event: at the end of the third bar after the pivot, at the pivot's price, strength = difference of the two CVDs,
inputs: the earlier pivot's time (start of its bar, ns) and price.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.base import NONE, event_nb
from flow_gl.engine.kernels.jit import kernel

_SLOTS: Final = 128
"""Closed bars that are kept: more than the most bars before and after a pivot."""
_KIND: Final = int(EventKind.DIVERGENCE)
_OPEN: Final = _SLOTS
"""Row of the open bar, whose `number` is NONE if no bar is open. The rows before it hold the newest closed bars."""
_PIVOTS: Final = _SLOTS + 1
"""Row of the previous high pivot; the next row holds the previous low pivot."""

BAR: Final = np.dtype([(name, "<i8") for name in ("number", "high", "low", "cvd_high", "cvd_low")])
STATE: Final = np.dtype(
    [
        ("count", "<i8"),  # number of closed bars
        ("index", "<i8", (2,)),  # bar index of the previous high and low pivot; NONE if there is none
        ("bars", BAR, (_SLOTS + 3,)),
    ]
)


def begin(state: NDArray[np.void]) -> None:
    """Reset STATE, shape (1,), at a session's open."""
    state[:] = 0
    state["bars"]["number"][:, _OPEN] = NONE
    state["index"] = NONE


def rescale(state: NDArray[np.void], factor: int) -> None:
    """Multiply the prices in ticks of STATE, shape (1,), by `factor`, the number of new ticks in an old one."""
    for name in ("high", "low"):
        state["bars"][name] *= factor


@kernel
def copy_bar_nb(bars: NDArray[np.void], source: int, target: int) -> None:
    """Copy row `source` to row `target`."""
    a, b = bars[source], bars[target]
    b["number"], b["high"], b["low"] = a["number"], a["high"], a["low"]
    b["cvd_high"], b["cvd_low"] = a["cvd_high"], a["cvd_low"]


@kernel
def is_pivot_nb(bars: NDArray[np.void], at: int, sign: int, rule: Any) -> bool:
    """Return whether bar number `at` of the ring `bars` is a pivot: a high pivot for sign 1, a low pivot for -1."""
    own = bars[at & (_SLOTS - 1)]
    value = own["high"] if sign > 0 else own["low"]
    for other in range(at - rule["divergence_before"], at + rule["divergence_after"] + 1):
        bar = bars[other & (_SLOTS - 1)]
        beside = sign * ((bar["high"] if sign > 0 else bar["low"]) - value)
        if beside > 0 or (beside == 0 and other < at):
            return False
    return True


@kernel
def second_nb(read: Any, s: Any, rule: Any) -> None:
    """Add an ended second that has trades to its bar."""
    bar = s["bars"][_OPEN]
    if bar["number"] == NONE:
        bar["number"] = read["second"] // rule["divergence_bar_s"]
        bar["high"], bar["low"] = read["high"], read["low"]
        bar["cvd_high"], bar["cvd_low"] = read["cvd_high"], read["cvd_low"]
        return
    bar["high"], bar["low"] = max(bar["high"], read["high"]), min(bar["low"], read["low"])
    bar["cvd_high"] = max(bar["cvd_high"], read["cvd_high"])
    bar["cvd_low"] = min(bar["cvd_low"], read["cvd_low"])


@kernel
def is_over_nb(s: Any, rule: Any, second: int) -> bool:
    """Return whether `second` is after the open bar."""
    number = s["bars"][_OPEN]["number"]
    return bool(number != NONE and second >= (number + 1) * rule["divergence_bar_s"])


@kernel
def end_nb(  # noqa: PLR0917  # kernels take arrays
    s: Any, rule: Any, known: int, tick_size: int, events: NDArray[np.void], found: int
) -> int:
    """Close the open bar, and test the bar whose following bars are now complete. Returns the number of events."""
    bars = s["bars"]
    newest = bars[_OPEN]
    width = rule["divergence_bar_s"]
    copy_bar_nb(bars, _OPEN, s["count"] & (_SLOTS - 1))
    at = s["count"] - rule["divergence_after"]
    s["count"] += 1
    end = (newest["number"] + 1) * width * SECOND_NS
    newest["number"] = NONE
    if at < rule["divergence_before"]:
        return found
    for kind in range(2):
        sign = 1 - 2 * kind
        if not is_pivot_nb(bars, at, sign, rule):
            continue
        bar, older = bars[at & (_SLOTS - 1)], bars[_PIVOTS + kind]
        price, price_before = (bar["high"], older["high"]) if sign > 0 else (bar["low"], older["low"])
        cvd, cvd_before = (bar["cvd_high"], older["cvd_high"]) if sign > 0 else (bar["cvd_low"], older["cvd_low"])
        is_near = s["index"][kind] != NONE and at - s["index"][kind] <= rule["divergence_most_bars"]
        if is_near and sign * (price - price_before) > 0 and sign * (cvd - cvd_before) < 0:
            event_nb(
                *(events[found], known, _KIND, end, price * tick_size, -sign, float(abs(cvd - cvd_before))),
                *(float(older["number"] * width * SECOND_NS), float(price_before * tick_size), 0.0, 0.0),
            )
            found += 1
        s["index"][kind] = at
        copy_bar_nb(bars, at & (_SLOTS - 1), _PIVOTS + kind)
    return found
