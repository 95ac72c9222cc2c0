"""Delta divergence: price makes a new pivot that CVD does not follow.

Bars of 15 s; bars without trades do not exist. A high pivot is a bar whose high is above the highs of the 5 bars before
it and not below those of the 3 after it; mirrored for lows. It is compared with the previous pivot of its kind, at most
60 bars back: price high above and CVD high below is bearish, price low below and CVD low above is bullish. CVD starts
at 0 at the session's open; a bar's CVD high and low include the value before its first trade.

Event: at the end of the third bar after the pivot, at the pivot's price, strength = difference of the two CVDs,
inputs: the earlier pivot's time (start of its bar, ns) and price.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EventKind
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.base import EVENTS, Columns, Kept, event_nb, event_room
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS

BAR_NS: Final = 15 * SECOND_NS
BEFORE: Final = 5
AFTER: Final = 3
MOST_BARS: Final = 60
_SLOTS: Final = 16
_KIND: Final = int(EventKind.DIVERGENCE)
_NONE: Final = -(2**62)

BAR: Final = np.dtype(
    [(name, "<i8") for name in ("number", "high", "low", "cvd_high", "cvd_low")],
)
STATE: Final = np.dtype(
    [
        ("cvd", "<i8"),
        ("bars", "<i8"),  # number of closed bars
        ("index", "<i8", (2,)),  # bar index of the previous high and low pivot; _NONE if there is none
    ]
)
_OPEN: Final = _SLOTS
"""Row of the open bar, whose `number` is _NONE if no bar is open. The rows before it hold the newest closed bars."""
_PIVOTS: Final = _SLOTS + 1
"""Row of the previous high pivot; the next row holds the previous low pivot."""


@kernel
def copy_bar_nb(bars: NDArray[np.void], source: int, target: int) -> None:
    """Copy row `source` to row `target`."""
    a, b = bars[source], bars[target]
    b["number"], b["high"], b["low"] = a["number"], a["high"], a["low"]
    b["cvd_high"], b["cvd_low"] = a["cvd_high"], a["cvd_low"]


@kernel
def is_pivot_nb(bars: NDArray[np.void], at: int, sign: int) -> bool:
    """Return whether bar `at` is a pivot: a high pivot for sign 1, a low pivot for sign -1."""
    own = bars[at & (_SLOTS - 1)]
    value = own["high"] if sign > 0 else own["low"]
    for other in range(at - BEFORE, at + AFTER + 1):
        bar = bars[other & (_SLOTS - 1)]
        beside = sign * ((bar["high"] if sign > 0 else bar["low"]) - value)
        if beside > 0 or (beside == 0 and other < at):
            return False
    return True


@kernel
def close_bar_nb(s: Any, bars: NDArray[np.void], tick_size: int, events: NDArray[np.void], found: int) -> int:
    """Close the open bar, and test the bar whose following bars are now complete. Returns the number of events."""
    newest = bars[_OPEN]
    copy_bar_nb(bars, _OPEN, s["bars"] & (_SLOTS - 1))
    at = s["bars"] - AFTER
    s["bars"] += 1
    end = (newest["number"] + 1) * BAR_NS
    newest["number"] = _NONE
    if at < BEFORE:
        return found
    for kind in range(2):
        sign = 1 - 2 * kind
        if not is_pivot_nb(bars, at, sign):
            continue
        bar, older = bars[at & (_SLOTS - 1)], bars[_PIVOTS + kind]
        price, price_before = (bar["high"], older["high"]) if sign > 0 else (bar["low"], older["low"])
        cvd, cvd_before = (bar["cvd_high"], older["cvd_high"]) if sign > 0 else (bar["cvd_low"], older["cvd_low"])
        is_near = s["index"][kind] != _NONE and at - s["index"][kind] <= MOST_BARS
        if is_near and sign * (price - price_before) > 0 and sign * (cvd - cvd_before) < 0:
            event_nb(
                *(events[found], _KIND, end, price * tick_size, -sign, float(abs(cvd - cvd_before))),
                *(float(older["number"] * BAR_NS), float(price_before * tick_size), 0.0, 0.0),
            )
            found += 1
        s["index"][kind] = at
        copy_bar_nb(bars, at & (_SLOTS - 1), _PIVOTS + kind)
    return found


@kernel
def divergence_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    bars: NDArray[np.void],
    ts: NDArray[np.int64],
    tick: NDArray[np.int64],
    size: NDArray[np.int64],
    sign: NDArray[np.int64],
    start: int,
    tick_size: int,
    events: NDArray[np.void],
) -> tuple[int, int]:
    """Process trades from `start` on, while there is space. Returns the next trade's index and the number of events."""
    s = state[0]
    bar = bars[_OPEN]
    found, i = 0, start
    while i < len(ts) and found < EVENTS - 1:
        number = ts[i] // BAR_NS
        if number > bar["number"]:
            if bar["number"] != _NONE:
                found = close_bar_nb(s, bars, tick_size, events, found)
            # A late trade counts in the open bar, because closed bars never change.
            bar["number"] = number
            bar["high"] = bar["low"] = tick[i]
            bar["cvd_high"] = bar["cvd_low"] = s["cvd"]
        until = (bar["number"] + 1) * BAR_NS
        cvd, high, low = s["cvd"], bar["high"], bar["low"]
        cvd_high, cvd_low = bar["cvd_high"], bar["cvd_low"]
        while i < len(ts) and ts[i] < until:
            cvd += sign[i] * size[i]
            high, low = max(high, tick[i]), min(low, tick[i])
            cvd_high, cvd_low = max(cvd_high, cvd), min(cvd_low, cvd)
            i += 1
        s["cvd"], bar["high"], bar["low"] = cvd, high, low
        bar["cvd_high"], bar["cvd_low"] = cvd_high, cvd_low
    return i, found


@kernel
def end_bar_nb(
    state: NDArray[np.void], bars: NDArray[np.void], now_ns: int, tick_size: int, events: NDArray[np.void]
) -> int:
    """Close the open bar if the clock has passed its end. Returns the number of events."""
    number = bars[_OPEN]["number"]
    if number == _NONE or (number + 1) * BAR_NS + CLOSE_DELAY_NS > now_ns:
        return 0
    return close_bar_nb(state[0], bars, tick_size, events, 0)


class Divergence:
    """Detects divergences of price and CVD."""

    def __init__(self) -> None:
        self._state: NDArray[np.void] = np.zeros(1, STATE)
        self._bars: NDArray[np.void] = np.zeros(_SLOTS + 3, BAR)
        self._events = event_room()
        self._kept: Final = Kept(self._state, self._bars)
        self.keep: Final = self._kept.keep
        self.resume: Final = self._kept.resume
        self.begin()

    def begin(self) -> None:
        self._state[:] = self._bars[:] = 0
        self._bars["number"][_OPEN] = _NONE
        self._state["index"] = _NONE

    def take(self, trades: Columns, tick_size: int) -> Iterator[NDArray[np.void]]:
        start = 0
        while start < len(trades):
            start, found = divergence_nb(*(*self._arrays(), *trades.arrays(), start, tick_size, self._events))
            if found:
                yield self._events[:found]

    def pass_time(self, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        found = end_bar_nb(self._state, self._bars, now_ns, tick_size, self._events)
        if found:
            yield self._events[:found]

    def _arrays(self) -> tuple[Any, ...]:
        return self._state, self._bars

    def rescale(self, factor: int) -> None:
        for name in ("high", "low"):
            self._bars[name] *= factor
