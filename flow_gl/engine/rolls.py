"""The rolls of one chart: the points at which it continued with another instrument.

A chart of a continuous symbol shows one instrument after another. Each has its own market. The next market takes over
only the gaps, the earlier rolls, and the time at which the old instrument ended.
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
    """Raw symbol; "" if unknown."""
    last_ts: int
    """Time of its newest trade, ns."""
    next_ts: int = NOT_YET
    """Time of the next instrument's first trade, ns; NOT_YET before it."""


class RollLog:
    """The instruments that a chart has left, oldest first."""

    def __init__(self) -> None:
        self._left: Final[deque[Left]] = deque(maxlen=ROLLS)
        self._total = 0

    @property
    def awaited(self) -> Left | None:
        """The previous instrument, until the new one trades; then None."""
        return self._left[-1] if self._left and self._left[-1].next_ts == NOT_YET else None

    def follow(self, other: "RollLog", left: Left | None) -> None:
        """Continue another market's log.

        Parameters
        ----------
        other : the log of the previous market
        left : the previous instrument; None if it never traded on this chart
        """
        self._left.extend(other._left)
        self._total = other._total
        if left is not None:
            self._left.append(left)
            self._total += 1

    def begin(self, ts: int) -> None:
        """Record the new instrument's first trade, at `ts` (ns)."""
        before = self.awaited
        if before is not None:
            self._left[-1] = msgspec.structs.replace(before, next_ts=max(ts, before.last_ts))

    def forget(self) -> None:
        """Forget all rolls, because a new chart begins."""
        self._left.clear()
        self._total = 0

    def keep(self) -> list[Left]:
        """Return the instruments left, for a checkpoint."""
        return list(self._left)

    def resume(self, kept: list[Left]) -> None:
        """Restore what `keep` returned."""
        self.forget()
        self._left.extend(kept)
        self._total = len(kept)

    def write(self, record: NDArray[np.void], *, instrument_id: int, symbol: str) -> None:
        """Fill a ROLL_LIST record (shape (1,)); the newest roll leads to the given instrument."""
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
