"""Plants levels and lines into a local store."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from flow_gl.core.schema import LEVELS, MINUTE_LEVELS, ORDER_CVD, PRICE_SCALE
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene
from flow_gl.layers.lines.book import LineBook
from tests.kit.markets import START_NS, TICK, Market


def plant_levels(market: Market, *, naked: tuple[int, ...] = (), is_frozen: bool = False) -> None:
    """Publish an initial balance, an opening range within it, and naked POCs of earlier days.

    Both ranges start with the market and lie around its middle price.

    Parameters
    ----------
    naked : distance of each POC from the middle price in ticks, oldest first
    """
    middle = (int(market.rows["high"].max()) + int(market.rows["low"].min())) // 2 // TICK * TICK
    row = np.zeros(1, LEVELS)
    row["rth_open"] = START_NS
    row["initial_high"], row["initial_low"] = middle + 16 * TICK, middle - 12 * TICK
    row["opening_high"], row["opening_low"] = middle + 16 * TICK, middle - 6 * TICK
    row["initial_end"], row["opening_end"] = START_NS + 3600 * SECOND_NS, START_NS + 300 * SECOND_NS
    row["initial_frozen"] = row["opening_frozen"] = is_frozen
    row["naked_count"] = len(naked)
    for at, ticks in enumerate(naked):
        day = date(2025, 11, 28) - timedelta(days=len(naked) - at)
        row["naked"]["price"][0, at] = middle + ticks * TICK
        row["naked"]["trade_date"][0, at] = int(f"{day:%Y%m%d}")
    market.store.levels.write(row)
    market.reader.refresh()


def plant_lines(market: Market) -> None:
    """Publish a minute's levels every 60 s and CVD by order size every second, computed from the market's rows.

    The levels are the middle and the quartiles of what traded until then, and VWAP is the middle too; small and medium
    orders get a third of each delta, large ones the rest.
    """
    rows = market.rows
    ends = (rows["ts_event"] // (60 * SECOND_NS) + 1) * 60 * SECOND_NS
    minutes = np.zeros(len(np.unique(ends)), MINUTE_LEVELS)
    for row, end in zip(minutes, np.unique(ends), strict=True):
        quarter, middle, upper = np.percentile(rows["close"][ends <= end], [25, 50, 75])
        row["ts_event"] = end
        row["val"], row["poc"], row["vah"] = (round(price / TICK) * TICK for price in (quarter, middle, upper))
        row["vwap"], row["vwap_sd"] = middle / PRICE_SCALE, (upper - quarter) / PRICE_SCALE
    market.store.minutes.append(minutes)
    sizes = np.zeros(len(rows), ORDER_CVD)
    sizes["ts_event"] = rows["ts_event"] + SECOND_NS
    delta = rows["buy"] - rows["sell"]
    sizes["small"], sizes["medium"] = np.cumsum(delta // 3), np.cumsum(-delta // 4)
    sizes["large"] = np.cumsum(delta) - sizes["small"] - sizes["medium"]
    market.store.order_cvd.append(sizes)


def with_lines(scene: Scene) -> Scene:
    """Return a scene with the lines that are switched on in it."""
    book = LineBook()
    scene.reader.refresh(logs_only=True)
    book.refresh(scene.reader, scene.style.is_visible)
    return replace(scene, lines=book)
