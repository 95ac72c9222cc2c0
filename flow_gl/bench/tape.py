"""A synthetic tape for the benchmarks: plausible trades of one future, generated from a seed with NumPy.

The number of trades per second is lognormal (median 8, with many single trades and bursts of hundreds); sweeps within a
second share a timestamp. The price mostly stays or moves by a tick or two. Sizes are as on NQ: half are 1, with a long
tail. Sides are biased for some time in one direction; one trade in a hundred has no side.
"""

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE, Side
from flow_gl.core.units import SECOND_NS

START_NS = 1_764_280_800_000_000_000
"""2025-11-27 22:00 UTC."""
TICK = 250_000_000


def make_tape(trades: int, *, seed: int = 1, instrument_id: int = 1, start_price: int = 25_000) -> NDArray[np.void]:
    """Make trades (dtype TRADE) in order of `ts_event`.

    Parameters
    ----------
    trades : number of trades
    seed : seed of the generator
    instrument_id : instrument of all trades
    start_price : first price in points
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros(trades, TRADE)
    rows["length"], rows["publisher_id"], rows["instrument_id"] = 12, 1, instrument_id
    rows["action"], rows["flags"] = ord("T"), 128
    seconds = np.zeros(0, np.int64)
    while len(seconds) < trades:
        busy = rng.poisson(np.exp(rng.normal(np.log(8), 1.0, max(trades // 8, 1))))
        seconds = np.repeat(np.arange(len(busy)), busy)
    offsets = rng.integers(0, SECOND_NS, trades)
    times = START_NS + np.sort(seconds[:trades] * SECOND_NS + offsets)
    sweep = rng.random(trades) < 0.35
    rows["ts_event"] = np.maximum.accumulate(np.where(sweep, 0, times))
    rows["ts_event"][0] = times[0]
    rows["ts_recv"] = rows["ts_event"] + 150_000
    steps = rng.choice(np.array([-2, -1, 0, 1, 2]), trades, p=[0.02, 0.13, 0.7, 0.13, 0.02])
    walk = np.cumsum(steps)
    # Reflect the random walk into 600 points, about a session's range.
    walk = np.abs((walk + 1200) % 4800 - 2400)
    rows["price"] = (start_price * 4 + walk) * TICK
    rows["size"] = np.minimum(rng.geometric(0.55, trades) * np.where(rng.random(trades) < 0.01, 15, 1), 500)
    lean = np.repeat(0.5 + 0.15 * rng.standard_normal(trades // 200 + 1).clip(-2, 2), 200)[:trades]
    side = np.where(rng.random(trades) < lean, int(Side.BUY), int(Side.SELL)).astype(np.uint8)
    side[rng.random(trades) < 0.01] = int(Side.NONE)
    rows["side"] = side
    rows["sequence"] = np.arange(trades) & 0xFFFFFFFF
    return rows
