"""Processor time a trade takes in the engine, with and without what becomes of its rows: best of some rounds.

    python benchmarks/kernel_time.py [ROUNDS]

For whoever changes a kernel. Each row of the table is a job over the same 5 million trades as `flow-gl bench engine`.
"""

import sys
import time

from flow_gl.bench.tape import make_tape
from flow_gl.core.schema import LEVELS
from flow_gl.engine.pipeline import Pipeline, warm_up
from flow_gl.engine.sinks import MarketSink, Sink
from flow_gl.store.market import MarketStore

TRADES = 5_000_000
SECOND_NS = 1_000_000_000


class _Nowhere:
    """A sink that keeps nothing."""

    def bubbles(self, level, bubbles, cvd):
        pass

    def events(self, rows):
        pass

    def table(self, name, record):
        pass

    def finished(self, session):
        pass


def main(rounds: int) -> None:
    warm_up()
    tape = make_tape(TRADES)
    nowhere, store = _Nowhere(), MarketSink(MarketStore.local(base_capacity=1 << 16))
    jobs: dict[str, tuple[int, int, Sink]] = {
        "1 h": (1, 3600 * SECOND_NS, nowhere),
        "1 s": (1, SECOND_NS, nowhere),
        "1 s, 13 levels": (LEVELS, SECOND_NS, nowhere),
        "1 s into a store": (1, SECOND_NS, store),
        "13 levels into a store": (LEVELS, SECOND_NS, store),
    }
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds):
        for name, (levels, bucket_ns, sink) in jobs.items():
            pipeline = Pipeline(levels=levels, bucket_ns=bucket_ns)
            pipeline.attach(1, sink)
            start = time.process_time()
            pipeline.process(tape)
            pipeline.publish()
            best[name] = min(best[name], time.process_time() - start)
    for name, seconds in best.items():
        print(f"{name:24}{seconds / TRADES * 1e9:6.1f} ns a trade{TRADES / seconds / 1e6:8.1f} million a second")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
