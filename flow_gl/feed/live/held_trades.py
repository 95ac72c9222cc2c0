"""Trades that wait until their instrument is named."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.feed.live.wire import damaged

HELD_ROWS: Final = 1 << 20
"""Maximum number of trades held until their symbol is known; only a damaged stream has more."""


class HeldTrades:
    """The trades of a connection that arrived before their instrument's name."""

    def __init__(self) -> None:
        self._rows: Final[dict[int, list[NDArray[np.void]]]] = {}
        self.count = 0

    def add(self, instrument_id: int, rows: NDArray[np.void]) -> None:
        """Hold trades of an instrument. Raises DamageError if there are too many."""
        self._rows.setdefault(instrument_id, []).append(rows)
        self.count += len(rows)
        if self.count > HELD_ROWS:
            raise damaged(f"{self.count:,} trades of instruments without a name")

    def take(self, instrument_id: int) -> list[NDArray[np.void]]:
        """Return an instrument's trades, once, in order of arrival."""
        found = self._rows.pop(instrument_id, [])
        self.count -= sum(map(len, found))
        return found
