"""Footprints by bucket: their cost to the engine, their memory, and the time to answer a range.

The tape is a session of NQ at its busiest: three million trades in 23 hours. It is processed in batches as from a file,
with and without footprints, at all levels of detail and without detectors; each figure is a median of processor time.
An answer is what the range tool shows: contracts by price and side over the range, POC, value area and imbalances. It
is measured for the whole session, and for ranges that begin and end at random.
"""

import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from flow_gl.bench.machine import describe, write_json
from flow_gl.bench.tape import START_NS, make_tape
from flow_gl.core.market.footprint import FOOTPRINT, FOOTPRINT_ROWS
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.units import HOUR_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import LogName, MarketSink, Rows, Sink, TableName
from flow_gl.engine.warm import warm_up
from flow_gl.layers.ranges.range_profile import read_range
from flow_gl.store.market import MarketReader, MarketStore

LIMIT_MS: Final = 50.0
"""For an answer."""
LIMIT_MB: Final = 200.0
"""For a session of one symbol."""
_SESSION_NS: Final = 23 * HOUR_NS
_BATCH: Final = 50_000
_PACKAGES: Final = ("flow_gl", "numpy", "numba")


class _WithoutFootprints:
    """A sink that passes on everything but footprints."""

    is_chart: Final = True

    def __init__(self, store: MarketStore) -> None:
        self._sink: Final = MarketSink(store)

    def room(self, most: int) -> Rows | None:
        return self._sink.room(most)

    def written(self, count: int) -> None:
        self._sink.written(count)

    def bubbles(self, lod: int, bubbles: NDArray[np.void], cvd: NDArray[np.void]) -> None:
        self._sink.bubbles(lod, bubbles, cvd)

    def log(self, name: LogName, rows: NDArray[np.void]) -> None:
        self._sink.log(name, rows)

    def replace(self, name: LogName, count: int, rows: NDArray[np.void], since: int) -> None:
        self._sink.replace(name, count, rows, since)

    def table(self, name: TableName, record: NDArray[np.void]) -> None:
        self._sink.table(name, record)

    def finished(self, session: object) -> None:
        pass


def run(
    *, trades: int = 3_000_000, rounds: int = 5, ranges: int = 1_000, seed: int = 1, json_path: Path | None = None
) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    trades : number of trades in the session
    rounds : repetitions; the median is reported
    ranges : number of random ranges
    """
    warm_up()
    tape = busy_session(trades, seed=seed)
    with_ns, without_ns = [], []
    for _ in range(rounds):
        store = MarketStore.local(base_capacity=1 << 20)
        without_ns.append(_cost_ns(tape, _WithoutFootprints(store)))
        store = MarketStore.local(base_capacity=1 << 20)
        with_ns.append(_cost_ns(tape, MarketSink(store)))
    reader = MarketReader(store)
    reader.refresh()
    whole = [_answer_ms(reader, START_NS, START_NS + _SESSION_NS) for _ in range(20)]
    rng = np.random.default_rng(seed)
    ends = START_NS + np.sort(rng.integers(0, _SESSION_NS, (ranges, 2)), axis=1)
    answers = [_answer_ms(reader, start, end) for start, end in ends.tolist()]
    rows = sum(ring.head for ring in store.footprints)
    cost, base = median(with_ns) - median(without_ns), median(without_ns)
    figures: dict[str, Any] = {
        "trades": trades,
        "footprints_ns_per_trade": cost,
        "kernels_ns_per_trade": base,
        "trades_per_core_second": 1e9 / (base + cost),
        "trades_per_core_second_without": 1e9 / base,
        "rows": rows,
        "memory_mb": (rows + 2 * FOOTPRINT_ROWS) * FOOTPRINT.itemsize / 1e6,
        "memory_limit_mb": LIMIT_MB,
        "session_answer_ms": median(whole),
        "range_answer_p50_ms": float(np.percentile(answers, 50)),
        "range_answer_p99_ms": float(np.percentile(answers, 99)),
        "range_answer_max_ms": max(*answers, *whole),
        "answer_limit_ms": LIMIT_MS,
        "machine": describe(_PACKAGES),
    }
    console = Console()
    for name, value in figures.items():
        console.print(f"{name:32} {value:,.2f}" if isinstance(value, float) else f"{name:32} {value}", highlight=False)
    if json_path:
        write_json(json_path, figures)
    return figures


def busy_session(trades: int, *, seed: int = 1) -> NDArray[np.void]:
    """Make trades (TRADE) of one session of 23 hours."""
    tape = make_tape(trades, seed=seed)
    offset = tape["ts_event"] - START_NS
    tape["ts_event"] = START_NS + (offset * (_SESSION_NS / (int(offset[-1]) + 1))).astype(np.int64)
    return tape


def _cost_ns(tape: NDArray[np.void], sink: Sink) -> float:
    """Return the processor time of a trade, ns."""
    pipeline = Pipeline(DEFAULTS.aggregation, has_detectors=False)
    pipeline.attach(1, sink)
    start = time.thread_time_ns()
    for at in range(0, len(tape), _BATCH):
        pipeline.process(tape[at : at + _BATCH])
    taken = time.thread_time_ns() - start
    pipeline.publish()
    return taken / len(tape)


def _answer_ms(reader: MarketReader, start_ns: int, end_ns: int) -> float:
    start = time.perf_counter_ns()
    read_range(reader, start_ns, end_ns, DEFAULTS.aggregation)
    return (time.perf_counter_ns() - start) / 1e6
