"""A seeded synthetic market for the drawing benchmarks, generated second by second for any length.

Every second has trades, so the number of seconds equals the number of bubbles. The price moves by a tick or two and is
reflected into a range of 600 points, as in a busy week; sizes have a long tail.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.bench.tape import START_NS, TICK
from flow_gl.core.schema import INSTRUMENT, TRADE, Side, TickSource
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.store.market import MarketStore

_CHUNK_S: Final = 20_000
_FOLD: Final = 2400
_START_TICKS: Final = 100_000


class Tape(Protocol):
    """A source of one instrument's trades, second by second."""

    second: int
    """The next second that `take` returns, in seconds since the epoch."""

    def take(self, seconds: int) -> NDArray[np.void]:
        """Return the trades of the next seconds (dtype TRADE), with a bubble in each second."""


class SecondTape:
    """Generates the trades of one instrument in order of time."""

    def __init__(self, instrument_id: int, *, seed: int = 1) -> None:
        self._instrument_id: Final = instrument_id
        self._rng: Final = np.random.default_rng((seed, instrument_id))
        self._walk = 0
        self.second = START_NS // SECOND_NS
        """The next second that `take` returns, in seconds since the epoch."""

    def take(self, seconds: int) -> NDArray[np.void]:
        """Return the trades of the next seconds (dtype TRADE)."""
        rng = self._rng
        busy = 1 + rng.poisson(2.0, seconds)
        count = int(busy.sum())
        rows = np.zeros(count, TRADE)
        rows["length"], rows["publisher_id"], rows["instrument_id"] = 12, 1, self._instrument_id
        rows["action"], rows["flags"] = ord("T"), 128
        begins = np.repeat((self.second + np.arange(seconds)) * SECOND_NS, busy)
        rows["ts_event"] = np.sort(begins + rng.integers(0, SECOND_NS, count))
        rows["ts_recv"] = rows["ts_event"] + 150_000
        walk = self._walk + np.cumsum(rng.choice(np.array([-2, -1, 0, 1, 2]), count, p=[0.03, 0.17, 0.6, 0.17, 0.03]))
        self._walk = int(walk[-1])
        rows["price"] = (_START_TICKS + np.abs((walk + _FOLD // 2) % (2 * _FOLD) - _FOLD)) * TICK
        rows["size"] = np.minimum(rng.pareto(1.4, count) * 2 + 1, 300).astype(np.uint32)
        lean = 0.5 + 0.2 * np.sin(begins / SECOND_NS / 40.0)
        rows["side"] = np.where(rng.random(count) < lean, int(Side.BUY), int(Side.SELL))
        self.second += seconds
        return rows


def name_instrument(store: MarketStore, symbol: str) -> None:
    """Set a store's instrument, as a definition record would."""
    record = np.zeros(1, INSTRUMENT)
    record["symbol"], record["requested"], record["bucket_ns"] = symbol.encode(), symbol.encode(), SECOND_NS
    record["tick_size"], record["tick_source"], record["point_value"] = TICK, TickSource.DEFINITION, 20.0
    store.instrument.write(record)


def fill(pipeline: Pipeline, tapes: Sequence[Tape], seconds: int) -> None:
    """Process `seconds` of history in pieces and publish them."""
    for start in range(0, seconds, _CHUNK_S):
        for tape in tapes:
            pipeline.process(tape.take(min(_CHUNK_S, seconds - start)))
    pipeline.publish()
