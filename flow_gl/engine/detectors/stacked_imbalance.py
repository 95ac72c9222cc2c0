"""Stacked imbalance: adjacent prices at which one side dominated within a minute.

Footprint of one minute: buy and sell contracts at each tick. A tick is a buy imbalance if its buys are at least 10
contracts and at least 3 times the sells one tick lower; a sell imbalance if its sells are at least 10 and at least 3
times the buys one tick higher. At least 3 adjacent ticks of one kind are a stack.

Event: at the minute's end, at the stack's lowest tick, direction = side, strength = number of ticks, inputs: its
highest tick.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EventKind
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.detectors.base import EVENTS, Columns, event_nb, event_room
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS

_KIND: Final = int(EventKind.STACKED_IMBALANCE)
_NONE: Final = -(2**62)
_ROWS: Final = 1024
_STATE: Final = np.dtype([(name, "<i8") for name in ("minute", "base", "low", "high", "from_side", "from_tick")])
_GROW: Final = -1


@kernel
def stacks_nb(  # noqa: PLR0917  # kernels take arrays
    s: Any,
    rows: NDArray[np.int64],
    contracts: int,
    ratio: float,
    least: int,
    tick_size: int,
    events: NDArray[np.void],
    found: int,
) -> int:
    """Write the minute's stacks as events and clear it, while there is space. Returns the number of events."""
    base, low, high = s["base"], s["low"] - s["base"], s["high"] - s["base"]
    end = (s["minute"] + 1) * MINUTE_NS
    while s["from_side"] < 2:
        side = s["from_side"]
        direction = 1 - 2 * side
        start = max(s["from_tick"], low)
        run = 0
        for at in range(start, high + 2):
            is_hit = False
            if at <= high and rows[at, side] >= contracts:
                beside = at - direction
                opposite = rows[beside, 1 - side] if low <= beside <= high else 0
                is_hit = rows[at, side] >= ratio * opposite
            if is_hit:
                run += 1
                continue
            if run >= least:
                event_nb(
                    *(events[found], _KIND, end, (base + at - run) * tick_size, direction, float(run)),
                    *(float((base + at - 1) * tick_size), 0.0, 0.0, 0.0),
                )
                found += 1
                s["from_tick"] = at
                if found == EVENTS:
                    return found
            run = 0
        s["from_side"], s["from_tick"] = side + 1, 0
    rows[low : high + 1, :] = 0
    s["minute"], s["from_side"], s["from_tick"] = _NONE, 0, 0
    return found


@kernel
def stacked_imbalance_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    rows: NDArray[np.int64],
    contracts: int,
    ratio: float,
    least: int,
    ts: NDArray[np.int64],
    tick: NDArray[np.int64],
    size: NDArray[np.int64],
    sign: NDArray[np.int64],
    start: int,
    tick_size: int,
    events: NDArray[np.void],
) -> tuple[int, int]:
    """Process trades from `start` on, while there is space for events.

    Returns the index of the next trade and the number of events, or _GROW if that trade is outside the rows.
    """
    s = state[0]
    found, i = 0, start
    while i < len(ts):
        minute = ts[i] // MINUTE_NS
        if minute > s["minute"]:
            if s["minute"] != _NONE:
                found = stacks_nb(s, rows, contracts, ratio, least, tick_size, events, found)
                if s["minute"] != _NONE or found == EVENTS:
                    return i, found
            s["minute"], s["low"], s["high"] = minute, tick[i], tick[i]
            s["base"] = tick[i] - len(rows) // 2
        until = (s["minute"] + 1) * MINUTE_NS
        base, low, high = s["base"], s["low"], s["high"]
        while i < len(ts) and ts[i] < until:
            if sign[i]:
                at = tick[i] - base
                if at < 0 or at >= len(rows):
                    s["low"], s["high"] = low, high
                    return i, found if found else _GROW
                rows[at, np.int64(sign[i] < 0)] += size[i]
                low, high = min(low, tick[i]), max(high, tick[i])
            i += 1
        s["low"], s["high"] = low, high
    return i, found


@kernel
def end_minute_nb(  # noqa: PLR0917  # kernels take arrays
    state: NDArray[np.void],
    rows: NDArray[np.int64],
    contracts: int,
    ratio: float,
    least: int,
    now_ns: int,
    tick_size: int,
    events: NDArray[np.void],
) -> int:
    """Write the stacks of the open minute if the clock has passed its end. Returns the number of events."""
    s = state[0]
    if s["minute"] == _NONE or (s["minute"] + 1) * MINUTE_NS + CLOSE_DELAY_NS > now_ns:
        return 0
    return stacks_nb(s, rows, contracts, ratio, least, tick_size, events, 0)


class StackedImbalance:
    """Detects stacked imbalances.

    Parameters
    ----------
    contracts : minimum contracts of an imbalance
    ratio : minimum ratio to the other side's contracts one tick away
    least : minimum number of adjacent ticks in a stack
    """

    def __init__(self, *, contracts: int = 10, ratio: float = 3.0, least: int = 3) -> None:
        self._rule: Final = contracts, ratio, least
        self._state: NDArray[np.void] = np.zeros(1, _STATE)
        self._rows: NDArray[np.int64] = np.zeros((_ROWS, 2), np.int64)
        self._events = event_room()
        self.begin()

    def begin(self) -> None:
        self._state[:] = 0
        self._state["minute"] = _NONE
        self._rows[:] = 0

    def take(self, trades: Columns, tick_size: int) -> Iterator[NDArray[np.void]]:
        start = 0
        while start < len(trades):
            start, found = stacked_imbalance_nb(*(*self._arrays(), *trades.arrays(), start, tick_size, self._events))
            if found == _GROW:
                self._make_room(int(trades.tick[start]))
            elif found:
                yield self._events[:found]

    def pass_time(self, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        while found := end_minute_nb(*(*self._arrays(), now_ns, tick_size, self._events)):
            yield self._events[:found]

    def rescale(self, factor: int) -> None:
        """Spread the rows of the open minute: each old tick becomes every `factor`-th new one."""
        state = self._state[0]
        if state["minute"] == _NONE:
            return
        low, high, base = int(state["low"]), int(state["high"]), int(state["base"])
        kept = self._rows[low - base : high - base + 1].copy()
        self._rows = np.zeros((self._fitting((high - low) * factor + 1), 2), np.int64)
        state["low"], state["high"] = low * factor, high * factor
        state["base"] = low * factor - (len(self._rows) - (high - low) * factor) // 2
        at = low * factor - int(state["base"])
        self._rows[at : at + (high - low) * factor + 1 : factor] = kept

    def keep(self) -> bytes:
        state = self._state[0]
        used = slice(0, 0)
        if state["minute"] != _NONE:
            used = slice(int(state["low"] - state["base"]), int(state["high"] - state["base"]) + 1)
        return self._state.tobytes() + self._rows[used].tobytes()

    def resume(self, kept: bytes) -> None:
        self.begin()
        size = _STATE.itemsize
        rows = np.frombuffer(kept[size:], np.int64).reshape(-1, 2)
        self._state[:] = np.frombuffer(kept[:size], _STATE)
        if len(rows):
            state = self._state[0]
            self._rows = np.zeros((self._fitting(len(rows)), 2), np.int64)
            state["base"] = state["low"] - (len(self._rows) - len(rows)) // 2
            at = int(state["low"] - state["base"])
            self._rows[at : at + len(rows)] = rows

    def _arrays(self) -> tuple[Any, ...]:
        return self._state, self._rows, *self._rule

    def _make_room(self, tick: int) -> None:
        """Extend the rows to include a tick, and keep their content."""
        state = self._state[0]
        low, high, base = int(state["low"]), int(state["high"]), int(state["base"])
        kept = self._rows[low - base : high - base + 1].copy()
        first, last = min(low, tick), max(high, tick)
        self._rows = np.zeros((self._fitting(last - first + 1), 2), np.int64)
        state["base"] = first - (len(self._rows) - (last - first + 1)) // 2
        at = low - int(state["base"])
        self._rows[at : at + len(kept)] = kept

    @staticmethod
    def _fitting(count: int) -> int:
        """Return the number of rows to allocate for a span of `count` ticks, with as many in reserve."""
        return max(_ROWS, 1 << (2 * count - 1).bit_length())
