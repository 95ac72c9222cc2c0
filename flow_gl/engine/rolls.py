"""The rolls of one chart: the points at which it continued with another instrument.

A chart of a continuous symbol shows one instrument after another. Each has its own market; the next one takes over only
what the picture needs: gaps, earlier rolls, and where the old one ended.
"""

from collections import deque
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import NOT_YET, ROLLS


class Left(msgspec.Struct, frozen=True):
    """An instrument that a chart has left."""

    instrument_id: int
    symbol: str
    """Raw; "" where unknown."""
    last_ts: int
    """Its newest trade, ns."""
    next_ts: int = NOT_YET
    """First trade of the one after it; NOT_YET while there is none."""


class RollLog:
    """The instruments that a chart has left, oldest first."""

    def __init__(self) -> None:
        self._left: Final[deque[Left]] = deque(maxlen=ROLLS)
        self._total = 0

    @property
    def awaited(self) -> Left | None:
        """The instrument before, while the new one has not traded."""
        return self._left[-1] if self._left and self._left[-1].next_ts == NOT_YET else None

    def follow(self, other: "RollLog", left: Left | None) -> None:
        """Go on from another market's log; `left` is that market, None where it never traded in this chart."""
        self._left.extend(other._left)
        self._total = other._total
        if left is not None:
            self._left.append(left)
            self._total += 1

    def begin(self, ts: int) -> None:
        """The new instrument's first trade has come, at `ts` (ns)."""
        before = self.awaited
        if before is not None:
            self._left[-1] = msgspec.structs.replace(before, next_ts=max(ts, before.last_ts))

    def forget(self) -> None:
        """A new chart begins here."""
        self._left.clear()
        self._total = 0

    def keep(self) -> list[Left]:
        """What is known, for a checkpoint."""
        return list(self._left)

    def resume(self, kept: list[Left]) -> None:
        """Go on from what was kept."""
        self.forget()
        self._left.extend(kept)
        self._total = len(kept)

    def write(self, record: NDArray[np.void], *, instrument_id: int, symbol: str) -> None:
        """Fill a ROLL_LIST record (shape (1,)); the last roll leads to the instrument that is given."""
        row = record[0]
        row["count"], row["total"] = len(self._left), self._total
        followers = [(left.instrument_id, left.symbol) for left in list(self._left)[1:]]
        for roll, left, (to_id, to_symbol) in zip(
            row["roll"], self._left, [*followers, (instrument_id, symbol)], strict=False
        ):
            roll["last_ts"], roll["first_ts"] = left.last_ts, left.next_ts
            roll["from_id"], roll["to_id"] = left.instrument_id, to_id
            roll["from_symbol"], roll["to_symbol"] = _ascii(left.symbol), _ascii(to_symbol)


def _ascii(symbol: str) -> bytes:
    return symbol.encode("ascii", "replace")[:32]
