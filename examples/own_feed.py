"""Write your own feed: a class with the methods of `Feed` can feed the engine.

    python examples/own_feed.py

This one makes ten random trades a second in a contract called COINM6. In practice it would read a broker's API, a
message bus or a file format that flow_gl does not support.
"""

import time

import numpy as np
from command_line import start

from flow_gl.core.items import Definition, Item, Mapping, Trades
from flow_gl.core.schema import PRICE_SCALE, TRADE, FeedState, Side
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.base import Feed, FeedClock, FeedStatus

INSTRUMENT_ID = 1
TICK_SIZE = PRICE_SCALE // 4


class CoinFeed:
    """Implements `flow_gl.feed.base.Feed`: the engine polls it, there are no callbacks."""

    def __init__(self, *, seconds: float, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self._seconds = seconds
        self._started = self._reached = 0
        self._price = 100 * PRICE_SCALE

    def start(self) -> None:
        """Open files and connections here. Raise a FlowError if that fails."""

    def poll(self, wall_ns: int) -> list[Item]:
        if not self._started:
            self._started = self._reached = wall_ns
            return [
                Definition(INSTRUMENT_ID, "COINM6", TICK_SIZE, point_value=5.0, is_outright=True),
                Mapping(INSTRUMENT_ID, "COINM6", requested="COIN"),
            ]
        until = min(wall_ns, self._started + int(self._seconds * SECOND_NS))
        times = np.arange(self._reached, until, SECOND_NS // 10)
        self._reached = max(self._reached, until)
        return [Trades(self._trades(times))] if len(times) else []

    def clock(self) -> FeedClock:
        return FeedClock(self._reached, self._reached, 1.0)

    def status(self) -> FeedStatus:
        return FeedStatus(FeedState.LIVE, source="coin", known_until=self._reached)

    def is_ended(self) -> bool:
        return self._started > 0 and self._reached >= self._started + int(self._seconds * SECOND_NS)

    def close(self) -> None:
        """Release files and connections here."""

    def _trades(self, times: np.ndarray) -> np.ndarray:
        rows = np.zeros(len(times), TRADE)
        heads = self._random.random(len(times)) < 0.5
        steps = np.cumsum(np.where(heads, TICK_SIZE, -TICK_SIZE))
        rows["length"], rows["action"] = TRADE.itemsize // 4, ord("T")
        rows["instrument_id"] = INSTRUMENT_ID
        rows["ts_event"] = rows["ts_recv"] = times
        rows["price"] = self._price + steps
        rows["size"] = self._random.integers(1, 10, len(times))
        rows["side"] = np.where(heads, int(Side.BUY), int(Side.SELL))
        self._price = int(rows["price"][-1])
        return rows


def run(feed: Feed) -> Collector:
    """Run the loop of the engine process, without shared memory and without a window."""
    pipeline, collector = Pipeline(), Collector()
    pipeline.attach(INSTRUMENT_ID, collector)
    feed.start()
    while not feed.is_ended():
        for item in feed.poll(time.time_ns()):
            pipeline.take(item)
        pipeline.advance(feed.status().known_until)
        time.sleep(0.05)
    pipeline.finish()
    feed.close()
    return collector


def main() -> None:
    for bubble in run(CoinFeed(seconds=3.0)).bubble_rows():
        price = bubble["price"] / PRICE_SCALE
        print(f"{bubble['id']}  {price:9.4f}  buy {bubble['buy']:3d}  sell {bubble['sell']:3d}")


if __name__ == "__main__":
    start(main, __doc__, "own_feed.py")
