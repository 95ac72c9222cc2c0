"""Levels and lines planted into a local store."""

from datetime import date, timedelta

import numpy as np

from flow_gl.core.schema import LEVELS
from tests.kit.markets import SECOND, START_NS, TICK, Market


def plant_levels(market: Market, *, naked: tuple[int, ...] = (), is_frozen: bool = False) -> None:
    """Publish an initial balance, an opening range within it, and naked POCs of the days before.

    Both ranges begin with the market and lie around its middle price.

    Parameters
    ----------
    naked : distance of each POC from the middle price, ticks, the oldest first
    """
    middle = (int(market.rows["high"].max()) + int(market.rows["low"].min())) // 2 // TICK * TICK
    row = np.zeros(1, LEVELS)
    row["rth_open"] = START_NS
    row["initial_high"], row["initial_low"] = middle + 16 * TICK, middle - 12 * TICK
    row["opening_high"], row["opening_low"] = middle + 16 * TICK, middle - 6 * TICK
    row["initial_end"], row["opening_end"] = START_NS + 3600 * SECOND, START_NS + 300 * SECOND
    row["initial_frozen"] = row["opening_frozen"] = is_frozen
    row["naked_count"] = len(naked)
    for at, ticks in enumerate(naked):
        day = date(2025, 11, 28) - timedelta(days=len(naked) - at)
        row["naked"]["price"][0, at] = middle + ticks * TICK
        row["naked"]["trade_date"][0, at] = int(f"{day:%Y%m%d}")
    market.store.levels.write(row)
    market.reader.refresh()
