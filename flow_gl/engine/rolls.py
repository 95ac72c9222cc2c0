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


class FormerInstrument(msgspec.Struct, frozen=True):
    """An instrument that a chart showed before a roll."""

    instrument_id: int
    symbol: str
    """Raw symbol; "" if unknown."""
    last_ts: int
    """Time of its newest trade, ns."""
    next_ts: int = NOT_YET
    """Time of the next instrument's first trade, ns; NOT_YET before it."""


class RollLog:
    """The instruments that a chart showed before, oldest first."""

    def __init__(self) -> None:
        self._former: Final[deque[FormerInstrument]] = deque(maxlen=ROLLS)
        self._total = 0

    @property
    def awaited(self) -> FormerInstrument | None:
        """The previous instrument, until the new one trades; then None."""
        return self._former[-1] if self._former and self._former[-1].next_ts == NOT_YET else None

    def follow(self, other: "RollLog", former: FormerInstrument | None) -> None:
        """Continue another market's log.

        Parameters
        ----------
        other : the log of the previous market
        former : the previous instrument; None if it never traded on this chart
        """
        self._former.extend(other._former)
        self._total = other._total
        if former is not None:
            self._former.append(former)
            self._total += 1

    def begin(self, ts: int) -> None:
        """Record the new instrument's first trade, at `ts` (ns)."""
        before = self.awaited
        if before is not None:
            self._former[-1] = msgspec.structs.replace(before, next_ts=max(ts, before.last_ts))

    def forget(self) -> None:
        """Forget all rolls, because a new chart begins."""
        self._former.clear()
        self._total = 0

    def keep(self) -> list[FormerInstrument]:
        """Return the former instruments, for a checkpoint."""
        return list(self._former)

    def resume(self, kept: list[FormerInstrument]) -> None:
        """Restore what `keep` returned."""
        self.forget()
        self._former.extend(kept)
        self._total = len(kept)

    def write(self, record: NDArray[np.void], *, instrument_id: int, symbol: str) -> None:
        """Fill a ROLL_LIST record (shape (1,)); the newest roll leads to the given instrument."""
        row = record[0]
        row["count"], row["total"] = len(self._former), self._total
        followers = [(former.instrument_id, former.symbol) for former in list(self._former)[1:]]
        for roll, former, (to_id, to_symbol) in zip(
            row["roll"], self._former, [*followers, (instrument_id, symbol)], strict=False
        ):
            roll["last_ts"], roll["first_ts"] = former.last_ts, former.next_ts
            roll["from_id"], roll["to_id"] = former.instrument_id, to_id
            roll["from_symbol"], roll["to_symbol"] = _ascii(former.symbol), _ascii(to_symbol)


def _ascii(symbol: str) -> bytes:
    return symbol.encode("ascii", "replace")[:32]
