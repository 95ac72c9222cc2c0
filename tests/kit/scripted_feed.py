"""A feed that delivers in each poll what a test gives it, and trades to deliver."""

from collections.abc import Sequence

import numpy as np

from flow_gl.core.items import Item, Trades
from flow_gl.core.schema import TRADE, FeedState, Side
from flow_gl.core.units import SECOND_NS
from flow_gl.feed.base import FeedClock, FeedStatus

START_NS = 1_764_340_000_000_000_000


def trades(
    seconds: Sequence[float], *, instrument_id: int = 1, price: int = 100, size: int = 1, side: Side = Side.BUY
) -> Trades:
    """Make trades at times in seconds after START_NS, prices in points."""
    rows = np.zeros(len(seconds), TRADE)
    rows["length"] = 12
    rows["instrument_id"] = instrument_id
    rows["ts_event"] = [START_NS + round(second * SECOND_NS) for second in seconds]
    rows["ts_recv"] = rows["ts_event"] + 1000
    rows["price"] = price * SECOND_NS
    rows["size"] = size
    rows["action"] = ord("T")
    rows["side"] = side
    return Trades(rows)


class ScriptedFeed:
    """Each poll delivers the next entry of `script`; after the last one the feed has ended, unless `is_endless`."""

    def __init__(self, script: Sequence[list[Item]], *, is_endless: bool = False) -> None:
        self.script = list(script)
        self.is_endless = is_endless
        self.state = FeedState.LIVE
        self.known_until = self.known_from = 0
        self.polls = 0
        self.speed = 1.0
        self.retries = 0
        self.is_closed = False
        self.anchor = FeedClock(anchor_wall=START_NS, anchor_event=START_NS, rate=1.0)

    def start(self) -> None:
        pass

    def poll(self, wall_ns: int) -> list[Item]:  # noqa: ARG002 - the script is the clock
        self.polls += 1
        return self.script.pop(0) if self.script else []

    def clock(self) -> FeedClock:
        return self.anchor

    def status(self) -> FeedStatus:
        state = FeedState.ENDED if self.is_ended() else self.state
        return FeedStatus(
            state, speed=self.speed, known_until=self.known_until, known_from=self.known_from, dataset="TEST"
        )

    def is_ended(self) -> bool:
        return not self.script and not self.is_endless

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def retry(self) -> None:
        self.retries += 1

    def close(self) -> None:
        self.is_closed = True
