"""Stress run without a window: the synthetic market at full speed through the engine, counted on both sides.

    python examples/stress_run.py 5000000

No trade may be lost: contracts by side in the bubbles and in the profile must equal those in the trades.
"""

import sys
import time

import numpy as np
from command_line import count, start

from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.engine.warm import warm_up
from flow_gl.feed.synthetic.demo import TradeMaker
from flow_gl.feed.synthetic.limits import RATE_MAX


def contracts(trades: np.ndarray, side: str) -> int:
    return int(trades["size"][trades["side"] == ord(side)].sum())


def main(trades_wanted: int = 1_000_000) -> None:
    maker = TradeMaker(seed=1, rate=RATE_MAX, symbols=("NQ",), history_s=0)
    trades = maker.take(trades_wanted / RATE_MAX)
    (instrument_id,) = maker.symbols()
    warm_up()
    pipeline, collector = Pipeline(), Collector()
    pipeline.attach(instrument_id, collector)
    began = time.perf_counter()
    pipeline.process(trades)
    pipeline.finish()
    seconds = time.perf_counter() - began

    bubbles, (session,) = collector.bubble_rows(), collector.sessions
    for name, side in (("buy", "B"), ("sell", "A"), ("unsided", "N")):
        sent = contracts(trades, side)
        drawn, profile = int(bubbles[name].sum()), int(getattr(session, name).sum())
        print(f"{name:8s} {sent:12,d} contracts traded, {drawn:12,d} in bubbles, {profile:12,d} in the profile")
        if not sent == drawn == profile:
            sys.exit(f"{name}: contracts were lost")
    print(f"{len(trades):,} trades in {seconds:.3f} s: {len(trades) / seconds:,.0f} a second")


if __name__ == "__main__":
    start(main, __doc__, "stress_run.py [TRADES]", count)
