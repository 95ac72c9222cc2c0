"""Converts a size floor given as a share of bubbles into contracts."""

from typing import Final

import numpy as np

from flow_gl.store.market import MarketReader

LOOKED_AT: Final = 16384
"""Number of most recent closed bubbles considered: several hours of seconds, with a bounded cost."""


def contracts(market: MarketReader, percentile: float) -> int:
    """Return the contracts below which `percentile` % of the recent base bubbles lie; 0 without bubbles.

    A bubble's contracts are its larger side, or what has no side where both are 0 (as its size is drawn).
    """
    head = market.heads[0]
    _, rows = market.store.bubbles[0].read(max(0, head - LOOKED_AT), head)
    if percentile <= 0.0 or len(rows) == 0:
        return 0
    volume = np.maximum(rows["buy"], rows["sell"])
    volume = np.where(volume == 0, rows["unsided"], volume)
    return int(np.ceil(np.percentile(volume, percentile)))
