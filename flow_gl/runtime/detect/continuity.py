"""Check that ranges read independently give what one reading of all files gives.

What carries over from one session of an instrument to the next is its name, its tick size, and which session is open.
A range that begins with the file with which the one before ended must have arrived at the same state at that file's
end. Elsewhere an instrument's tick must be known from its name or a definition, or be the one that the range began
with. A range that fails because of ticks is read again with those of the earlier files; one that fails otherwise is
read together with the one before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import gcd
from typing import Final

from msgspec.structs import replace

from flow_gl.core.schema import TickSource
from flow_gl.runtime.detect.found import MarketState, RangeFound
from flow_gl.runtime.detect.plan import SessionRange, Tick

_KNOWN: Final = (TickSource.DEFINITION, TickSource.TABLE)


class Verdict(Enum):
    """Whether a range that was read alone gives the same events as after all earlier files."""

    SAME = "the range gives the same after all earlier files"
    TICK = "an instrument has another tick after all earlier files"
    OTHER = "something else depends on earlier files"


@dataclass(frozen=True, slots=True)
class Checked:
    """A range that was checked."""

    verdict: Verdict
    ticks: tuple[tuple[int, str, Tick], ...]
    """The ticks that the files before it have shown, of instruments without a known tick."""


def check(ranges: Sequence[SessionRange], found: Sequence[RangeFound]) -> list[Checked]:
    """Check each range against those before it, all of which are taken to be right."""
    before = _Before()
    checked = []
    for at, (session_range, one) in enumerate(zip(ranges, found, strict=True)):
        checked.append(Checked(before.verdict(session_range, one) if at else Verdict.SAME, before.ticks()))
        before.take(one)
    return checked


class _Before:
    """The instruments' states after the ranges so far."""

    def __init__(self) -> None:
        self._states: dict[tuple[int, str], MarketState] = {}
        self._symbols: dict[int, str] = {}
        """The newest symbol of each id."""
        self._after = 0

    def ticks(self) -> tuple[tuple[int, str, Tick], ...]:
        """Return the ticks that only prices have shown, of the ids as they are used now."""
        newest = [self._states[instrument_id, symbol] for instrument_id, symbol in self._symbols.items()]
        return tuple(
            (one.instrument_id, one.symbol, one.tick)
            for one in sorted(newest, key=lambda one: one.instrument_id)
            if one.has_traded and not _is_known(one.tick)
        )

    def take(self, found: RangeFound) -> None:
        for state in found.end:
            key = state.instrument_id, state.symbol
            before = self._states.get(key)
            if before is not None and before.has_traded and not _is_known(before.tick) and state.tick[0]:
                # A range that was read without the earlier ticks would have refined them.
                state = replace(state, tick=(gcd(before.tick[0], state.tick[0]), *state.tick[1:]))  # noqa: PLW2901
            if state.has_traded or before is None:
                self._states[key] = state
            self._symbols[state.instrument_id] = state.symbol
        self._after = found.after

    def verdict(self, session_range: SessionRange, found: RangeFound) -> Verdict:
        """Compare a range with the states before it."""
        if not session_range.is_first_shared and (self._after or found.before):
            return Verdict.OTHER
        first = {(one.instrument_id, one.symbol): one.sessions[0].first_ts for one in reversed(found.markets)}
        in_use = {(one.instrument_id, one.symbol) for one in found.end}
        if len(first) < len(found.markets) or not first.keys() <= in_use:
            return Verdict.OTHER  # an id was used by several instruments in turn
        shared = {(one.instrument_id, one.symbol): one for one in found.shared}
        verdicts = {self._of_market(state, shared, first, session_range) for state in found.end}
        return next((one for one in (Verdict.OTHER, Verdict.TICK) if one in verdicts), Verdict.SAME)

    def _of_market(
        self,
        state: MarketState,
        shared: Mapping[tuple[int, str], MarketState],
        first: Mapping[tuple[int, str], int],
        session_range: SessionRange,
    ) -> Verdict:
        key = state.instrument_id, state.symbol
        before, symbol = self._states.get(key), self._symbols.get(state.instrument_id)
        if not state.has_traded or symbol is None:
            return Verdict.SAME
        if before is None or symbol != state.symbol:
            # A reused id is another instrument, unless its name only appears, disappears or returns.
            return Verdict.SAME if before is None and symbol and state.symbol else Verdict.OTHER
        at_shared = shared.get(key)
        if at_shared is not None and at_shared.has_traded:
            return _at_shared_end(before, at_shared, is_older=at_shared.session_first < session_range.first_ns)
        if key not in first or (not before.has_traded and not before.tick[2]):
            return Verdict.SAME
        if before.session_end > first[key]:
            return Verdict.OTHER
        is_given = (*key, before.tick) in session_range.ticks
        is_known = _is_known(before.tick) and before.tick[2] == state.tick[2]
        return Verdict.SAME if is_given or is_known else Verdict.TICK


def _at_shared_end(before: MarketState, now: MarketState, *, is_older: bool) -> Verdict:
    """Compare the states at the end of the shared file; `is_older`: the open session does not count in the range."""
    if now.tick != before.tick:
        return Verdict.TICK
    is_same = now.session_end == before.session_end if is_older else now == before
    return Verdict.SAME if is_same else Verdict.OTHER


def _is_known(tick: Tick) -> bool:
    """Return whether a tick is the one that a name or a definition gives."""
    size, source, known_tick = tick[:3]
    return source in _KNOWN and size == known_tick
