"""What a size floor given as a share of bubbles amounts to in contracts."""

from typing import Final

import numpy as np

from flow_gl.store.market import MarketReader

LOOKED_AT: Final = 16384
"""Newest closed bubbles that the share is taken of: some hours of seconds, and a bounded work."""


def contracts(market: MarketReader, percentile: float) -> int:
    """Contracts below which `percentile` % of the newest bubbles of one bucket lie; 0 while there are none.

    A bubble's contracts are its larger side, or what has no side where both are 0 (as its size is drawn).
    """
    head = market.heads[0]
    _, rows = market.store.bubbles[0].read(max(0, head - LOOKED_AT), head)
    if percentile <= 0.0 or len(rows) == 0:
        return 0
    volume = np.maximum(rows["buy"], rows["sell"])
    volume = np.where(volume == 0, rows["unsided"], volume)
    return int(np.ceil(np.percentile(volume, percentile)))
