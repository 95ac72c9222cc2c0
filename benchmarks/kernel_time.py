"""The engine's time per trade, with and without writing the rows to a store.

    python -m benchmarks.kernel_time [ROUNDS]

Run it before and after changing a kernel. Each row of the table is a job over the same 5 million trades as
`flow-gl bench engine`, in pieces of 100,000; the best round of each piece counts, which filters out other load on the
machine.
"""

import sys
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.bench.tape import make_tape
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import LogName, MarketSink, Sink
from flow_gl.engine.warm import warm_up
from flow_gl.store.market import MarketStore

TRADES = 5_000_000
PIECE = 100_000


class _Nowhere:
    """A sink that discards everything."""

    is_chart: Final = False

    def room(self, most: int) -> None:
        del most

    def written(self, count: int) -> None:
        pass

    def bubbles(self, level: int, bubbles: NDArray[np.void], cvd: NDArray[np.void]) -> None:
        pass

    def log(self, name: LogName, rows: NDArray[np.void]) -> None:
        pass

    def replace(self, name: LogName, count: int, rows: NDArray[np.void], since: int) -> None:
        pass

    def table(self, name: str, record: NDArray[np.void]) -> None:
        pass

    def finished(self, session: object) -> None:
        pass


def main(rounds: int) -> None:
    warm_up()
    tape = make_tape(TRADES)
    nowhere, store = _Nowhere(), MarketSink(MarketStore.local(base_capacity=1 << 16))
    jobs: dict[str, tuple[int, int, Sink]] = {
        "1 h": (1, 3600 * SECOND_NS, nowhere),
        "1 s": (1, SECOND_NS, nowhere),
        "1 s, all levels": (MAX_LODS, SECOND_NS, nowhere),
        "1 s into a store": (1, SECOND_NS, store),
        "all levels into a store": (MAX_LODS, SECOND_NS, store),
    }
    best = {name: np.full(TRADES // PIECE, np.inf) for name in jobs}
    for _ in range(rounds):
        for name, (lods, bucket_ns, sink) in jobs.items():
            pipeline = Pipeline(AggregationSettings(bucket_ns=bucket_ns), lods=lods, has_detectors=False)
            pipeline.attach(1, sink)
            for piece in range(TRADES // PIECE):
                trades = tape[piece * PIECE : (piece + 1) * PIECE]
                start = time.perf_counter()
                pipeline.process(trades)
                best[name][piece] = min(best[name][piece], time.perf_counter() - start)
    for name, pieces in best.items():
        seconds = pieces.sum()
        print(f"{name:24}{seconds / TRADES * 1e9:6.2f} ns a trade{TRADES / seconds / 1e6:8.1f} million a second")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
