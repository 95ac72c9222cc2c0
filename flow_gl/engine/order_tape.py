"""Groups trades into orders for the tape: consecutive records of equal `ts_event` and side are one order."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import ORDER
from flow_gl.engine.checkpoint import TapeState, fill
from flow_gl.engine.kernels.layout import CLOSE_DELAY_NS, WORDS
from flow_gl.engine.kernels.orders import orders_nb
from flow_gl.store.ring import Ring


class OrderTape:
    """Writes the orders of one instrument into a ring.

    The newest order is written once a record of another order arrives, or the clock has passed it.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring: Final = ring
        self._newest: Final[NDArray[np.void]] = np.zeros(1, ORDER)
        self._newest_words: Final = self._newest.view(np.int64)
        self._make_room(1024)

    def take(self, words: NDArray[np.int64]) -> None:
        """Process trades that have been aggregated: int64 words of TRADE rows."""
        count = len(words) // WORDS
        if count >= len(self._rows):
            self._make_room(2 * count)
        ended = orders_nb(words, self._newest_words, self._words)
        if ended:
            self._ring.append(self._rows[:ended])

    def pass_time(self, now_ns: int) -> None:
        """Advance the clock to `now_ns` (event time), up to which all trades are known."""
        if self._newest["size"][0] and self._newest["ts_event"][0] < now_ns - CLOSE_DELAY_NS:
            self.end()

    def end(self) -> None:
        """Write the order that may still continue."""
        if self._newest["size"][0]:
            self._ring.append(self._newest)
            self._newest["size"] = 0

    def keep(self) -> TapeState:
        """Return the state for a checkpoint, with the orders that the ring holds."""
        ring = self._ring
        rows = b"".join(part.tobytes() for part in ring.segments(max(0, ring.head - ring.capacity), ring.head))
        return TapeState(ring.head, rows, self._newest.tobytes())

    def resume(self, kept: TapeState) -> None:
        """Restore what `keep` returned, at the same positions of a new ring. Raises ValueError."""
        self._ring.restore(kept.head, [np.frombuffer(kept.rows, ORDER)])
        fill(self._newest, kept.newest)

    def _make_room(self, count: int) -> None:
        self._rows: NDArray[np.void] = np.zeros(count, ORDER)
        self._words = self._rows.view(np.int64)
