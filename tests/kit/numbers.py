"""The program's results for trades, in a form that allows two ways of computing them to be compared."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Item
from flow_gl.engine.pipeline import Pipeline
from flow_gl.store.market import MarketStore
from flow_gl.view.engine_link.supervisor import EngineLink

Totals = tuple[int, int, int, int]
"""Number of trades, then contracts bought, sold and without a side."""


def numbers_of(items: Iterable[Item], instrument_id: int) -> dict[str, bytes]:
    """Return the engine's results for one instrument of a stream as bytes: bubbles, CVD and tables.

    Fails if a trade is late.
    """
    pipeline, store = Pipeline(), MarketStore.local()
    pipeline.chart(instrument_id, store)
    for item in items:
        pipeline.take(item)
    pipeline.finish()
    found: dict[str, bytes] = {}
    for name in ("profile", "session", "instrument"):
        table = getattr(store, name)
        record = np.zeros(1, table.dtype)
        table.read(record)
        found[name] = record.tobytes()
        if name == "session":
            assert record["late"] == 0
    for name, ring in (("bubbles", store.bubbles[0]), ("cvd", store.cvd[0])):
        found[name] = ring.read(0, ring.head)[1].tobytes()
    return found


def totals_of(trades: NDArray[np.void]) -> Totals:
    """Return the totals of an array of trades."""
    buy, sell, unsided = (int(trades["size"][trades["side"] == ord(side)].sum()) for side in "BAN")
    return len(trades), buy, sell, unsided


def totals_shown(link: EngineLink) -> list[Totals]:
    """Return the totals of each chart over all its bubbles, including the open one."""
    found: list[Totals] = []
    for market in link.markets:
        market.refresh()
        rows = market.store.bubbles[0].read(0, market.heads[0])[1]
        is_open = market.open_bubble(0)
        rows = rows if is_open is None else np.append(rows, is_open)
        trades, buy, sell, unsided = (int(rows[name].sum()) for name in ("trade_count", "buy", "sell", "unsided"))
        found.append((trades, buy, sell, unsided))
    return found
