"""Engine throughput: trades per second from memory and from a file, compared with pandas and polars in the same run.

All three do the same job for one instrument, starting from an array of trades in memory: one-second bubbles (id, time,
average price, open, high, low, close, contracts bought, sold and without a side, number of trades, time of the last
trade), CVD points (open before the bucket's first trade, high, low, close), the volume profile (bought, sold, without a
side, total) and its point of control. pandas and polars extract the four columns that they need, group by bucket and by
price, each with the fastest plan found for it, and end with tables. Their average price is a float; the engine's is
exact. `..._from_columns` is the same with the columns extracted beforehand. The engine also fills a store's rings and
computes the value area, the nodes and the VWAP.

Each job runs twice in a row and the second run counts, because polars returns memory in its own threads, which slows
down the job that follows. Figures are medians of wall time and of the engine's processor time, which other load on the
machine disturbs less. A ratio compares a peer's run with the engine's runs just before and just after it, because the
speed of a shared machine may halve within a minute; the median over all rounds is reported. The engine and pandas use
one thread, polars as many as it chooses (the number of cores, or POLARS_MAX_THREADS). The peers find no events and keep
no footprints, so the engine's job is without both. `..._with_footprints` is the engine's job as a chart needs it, with
the footprint of every bubble; the cost of the detectors, and the share of each kind, is measured apart.

Two figures say what detectors cost. `detectors_share_of_kernels` compares them with the kernels alone, from trades in
memory, which no user waits for. `detectors_share_of_engine` is their share of the processor time from a zstd DBN file
to results, all threads together: reading, decompression, parsing and checks of every record included. `..._wall` is by
how much they lower the throughput in wall time, which other load on the machine disturbs.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from flow_gl.bench.machine import describe, write_json
from flow_gl.bench.tape import make_tape
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.settings import DEFAULTS, AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector, MarketSink
from flow_gl.engine.warm import warm_up
from flow_gl.feed.files.replay import read_items
from flow_gl.runtime.export import export
from flow_gl.store.market import MarketStore

_PACKAGES = ("numpy", "numba", "pandas", "polars", "pyarrow")


def run(*, trades: int = 5_000_000, rounds: int = 7, seed: int = 1, json_path: Path | None = None) -> dict[str, Any]:
    """Measure, print, and return the figures.

    Parameters
    ----------
    trades : number of trades
    rounds : repetitions of each measurement; the median is reported
    seed : seed of the synthetic tape
    json_path : file for the figures
    """
    console = Console()
    start = time.perf_counter()
    warm_up(lambda name, done, of: console.print(f"compiling {done}/{of} {name}", style="dim"))
    compiled_s = time.perf_counter() - start
    tape = make_tape(trades, seed=seed)
    base, lod = (_Timed(_engine_job(tape, lods=lods, has_footprints=False)) for lods in (1, MAX_LODS))
    whole = _Timed(_engine_job(tape, lods=MAX_LODS))
    frame = pandas_frame(tape)
    peers = {
        "pandas": _Timed(lambda: pandas_job(pandas_frame(tape))),
        "pandas_from_columns": _Timed(lambda: pandas_job(frame)),
    }
    threads = _polars_threads()
    if threads:
        ready = polars_frame(tape)
        peers["polars"] = _Timed(lambda: polars_job(polars_frame(tape)))
        peers["polars_from_columns"] = _Timed(lambda: polars_job(ready))
    ratios: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        lod.run()
        whole.run()
        before = base.run()
        for name, peer in peers.items():
            taken, after = peer.run(), base.run()
            ratios[name].append(2 * taken / (before + after))
            before = after
    polars = peers.get("polars")
    figures: dict[str, Any] = {
        "trades_per_second": trades / median(base.seconds),
        "trades_per_second_lod": trades / median(lod.seconds),
        "trades_per_second_with_footprints": trades / median(whole.seconds),
        "trades_per_core_second": trades / median(base.busy),
        "trades_per_core_second_lod": trades / median(lod.busy),
        "trades_per_core_second_with_footprints": trades / median(whole.busy),
        "trades_per_core_second_best": trades / min(base.busy),
        "trades_per_core_second_lod_best": trades / min(lod.busy),
        **{f"ratio_to_{name}": median(found) for name, found in ratios.items()},
        "pandas_trades_per_second": trades / median(peers["pandas"].seconds),
        "polars_trades_per_second": trades / median(polars.seconds) if polars else None,
        "polars_threads": threads,
        **_detectors(tape, min(rounds, 5)),
        **_file_speed(tape, rounds=5),
        "warm_up_seconds": compiled_s,
        "trades": trades,
        "bubbles": len(np.unique(tape["ts_event"] // SECOND_NS)),
        "machine": describe(_PACKAGES),
    }
    for name, value in figures.items():
        console.print(f"{name:38} {value:,.2f}" if isinstance(value, float) else f"{name:38} {value}", highlight=False)
    if json_path:
        write_json(json_path, figures)
    return figures


class _Timed:
    """A job and its measured times."""

    def __init__(self, job: Callable[[], object]) -> None:
        self._job = job
        self.seconds: list[float] = []
        self.busy: list[float] = []
        """Processor times of this thread, seconds."""

    def run(self) -> float:
        """Run the job twice; return the wall time of the second run in seconds."""
        self._job()  # the first run absorbs effects of the previous job: caches, and memory to be freed
        start, start_busy = time.perf_counter(), time.thread_time()
        self._job()
        self.busy.append(time.thread_time() - start_busy)
        self.seconds.append(time.perf_counter() - start)
        return self.seconds[-1]


def _engine_job(
    tape: NDArray[np.void], *, lods: int, settings: AggregationSettings | None = None, has_footprints: bool = True
) -> Callable[[], object]:
    """Return the engine's job; with `settings`, it also detects events and makes the lines."""
    sink = MarketSink(MarketStore.local(base_capacity=1 << 16))
    sink.footprint_lods = lods if has_footprints else 0

    def job() -> None:
        pipeline = Pipeline(settings or DEFAULTS.aggregation, lods=lods, has_detectors=settings is not None)
        pipeline.attach(1, sink)
        pipeline.process(tape)
        pipeline.publish()

    return job


def _detectors(tape: NDArray[np.void], rounds: int) -> dict[str, float]:
    """Measure what detectors and lines cost, in ns of processor time per trade, and the share of each kind.

    `reading` is what all kinds share: decoding, seconds, orders, the footprint, and the lines. A kind's cost is that of
    a run with it alone, less `reading`.
    """
    kinds = [kind.name.lower() for kind in EventKind]
    off: dict[str, Any] = {f"{kind}_on": False for kind in kinds}
    usual = DEFAULTS.aggregation
    jobs = {
        "engine": _Timed(_engine_job(tape, lods=MAX_LODS)),
        "all": _Timed(_engine_job(tape, lods=MAX_LODS, settings=usual)),
        "reading": _Timed(_engine_job(tape, lods=MAX_LODS, settings=replace(usual, **off))),
    }
    for kind in kinds:
        alone = replace(usual, **{**off, f"{kind}_on": True})
        jobs[kind] = _Timed(_engine_job(tape, lods=MAX_LODS, settings=alone))
    for _ in range(rounds):
        for job in jobs.values():
            job.run()
    cost = {name: median(job.busy) / len(tape) * 1e9 for name, job in jobs.items()}
    total = cost["all"] - cost["engine"]
    shares = {"reading": cost["reading"] - cost["engine"], **{kind: cost[kind] - cost["reading"] for kind in kinds}}
    return {
        "detectors_ns_per_trade": total,
        "detectors_share_of_kernels": total / cost["all"],
        **{f"share_of_{name}": max(0.0, part) / total for name, part in shares.items()},
    }


def _columns(tape: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    """Return the columns that the job needs, each contiguous."""
    return {name: np.ascontiguousarray(tape[name]) for name in ("ts_event", "price", "size", "side")}


def pandas_frame(tape: NDArray[np.void]) -> Any:
    """Return the trades' columns as a pandas table."""
    import pandas as pd

    return pd.DataFrame(_columns(tape), copy=False)


def pandas_job(frame: Any) -> tuple[Any, ...]:
    """Compute bubbles, prices, CVD points, profile and point of control from a table of `pandas_frame`."""
    import pandas as pd

    size = frame["size"].astype("int64")
    work = pd.DataFrame(
        {
            "bucket": frame["ts_event"] // SECOND_NS,
            "ts": frame["ts_event"],
            "price": frame["price"],
            "buy": size * (frame["side"] == ord("B")),
            "sell": size * (frame["side"] == ord("A")),
            "size": size,
        }
    )
    work["weighted"] = work["price"] * size
    work["cvd"] = (work["buy"] - work["sell"]).cumsum()
    grouped = work.groupby("bucket", sort=False)
    bubbles = grouped[["buy", "sell", "size", "weighted"]].sum()
    bubbles["unsided"] = bubbles["size"] - bubbles["buy"] - bubbles["sell"]
    bubbles["trade_count"] = grouped.size()
    bubbles["ts_last"] = grouped["ts"].last()
    bubbles["average"] = bubbles["weighted"] / bubbles["size"]
    bubbles["ts_event"] = bubbles.index * SECOND_NS
    prices = grouped["price"].agg(["first", "max", "min", "last"])
    points = grouped["cvd"].agg(["max", "min", "last"])
    points["open"] = points["last"].shift(fill_value=0)
    points["max"] = np.maximum(points["max"], points["open"])
    points["min"] = np.minimum(points["min"], points["open"])
    profile = work.groupby("price", sort=False)[["buy", "sell", "size"]].sum()
    profile["unsided"] = profile["size"] - profile["buy"] - profile["sell"]
    return bubbles, prices, points, profile, profile["size"].idxmax()


def polars_frame(tape: NDArray[np.void]) -> Any:
    """Return the trades' columns as a polars table."""
    import polars as pl

    return pl.DataFrame(_columns(tape))


def polars_job(frame: Any) -> tuple[Any, ...]:
    """Compute bubbles with CVD, profile and point of control from a table of `polars_frame`."""
    import polars as pl

    sums = [pl.col(name).sum() for name in ("buy", "sell", "size")]
    unsided = (pl.col("size") - pl.col("buy") - pl.col("sell")).alias("unsided")
    price, cvd = pl.col("price"), pl.col("cvd")
    bars = {
        **{"open": price.first(), "high": price.max(), "low": price.min(), "close": price.last()},
        **{"cvd_high": cvd.max(), "cvd_low": cvd.min(), "cvd_close": cvd.last()},
        **{"weighted": pl.col("weighted").sum(), "ts_last": pl.col("ts").last(), "trade_count": pl.len()},
    }
    opened = pl.col("cvd_close").shift(fill_value=0)
    size = pl.col("size").cast(pl.Int64)
    work = (
        frame.lazy()
        .select(
            (pl.col("ts_event") // SECOND_NS).set_sorted().alias("bucket"),
            pl.col("ts_event").alias("ts"),
            "price",
            size,
            (size * (pl.col("side") == ord("B"))).alias("buy"),
            (size * (pl.col("side") == ord("A"))).alias("sell"),
        )
        .with_columns(
            (pl.col("buy") - pl.col("sell")).cum_sum().alias("cvd"),
            (pl.col("price") * pl.col("size")).alias("weighted"),
        )
        .collect()
        .lazy()
    )
    # Both queries together, so that all threads have work; collecting the columns first is faster than fusing them.
    bubbles, profile = pl.collect_all(
        [
            work.group_by("bucket", maintain_order=True)
            .agg(*sums, **bars)
            .with_columns(
                unsided,
                (pl.col("bucket") * SECOND_NS).alias("ts_event"),
                (pl.col("weighted") / pl.col("size")).alias("average"),
                opened.alias("cvd_open"),
                pl.max_horizontal("cvd_high", opened),
                pl.min_horizontal("cvd_low", opened),
            ),
            work.group_by("price").agg(*sums).with_columns(unsided),
        ]
    )
    return bubbles, profile, profile.top_k(1, by="size")


def _polars_threads() -> int:
    """Return the number of threads that polars uses; 0 if it is not installed."""
    try:
        import polars as pl
    except ImportError:
        return 0
    return int(pl.thread_pool_size())


def _file_speed(tape: NDArray[np.void], *, rounds: int) -> dict[str, float]:
    """Measure from a zstd DBN file: to exported Parquet tables, and to results with and without detectors."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "tape.dbn.zst"
        write_dbn(path, tape, symbols={1: "NQZ5"})

        def to_results(*, has_detectors: bool) -> None:
            pipeline = Pipeline(lods=1, sink_for=lambda _: Collector(), has_detectors=has_detectors)
            for item in read_items([path]):
                pipeline.take(item)
            pipeline.finish()

        jobs: dict[str, Callable[[], object]] = {
            "file_trades_per_second": lambda: export(read_items([path]), folder / "tables"),
            "file_to_results_trades_per_second": lambda: to_results(has_detectors=True),
            "file_to_results_without_detectors": lambda: to_results(has_detectors=False),
        }
        taken: dict[str, list[float]] = {name: [] for name in jobs}
        busy: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(rounds):
            for name, job in jobs.items():
                start, start_busy = time.perf_counter(), time.process_time()
                job()
                busy[name].append(time.process_time() - start_busy)
                taken[name].append(time.perf_counter() - start)
    speeds = {name: len(tape) / median(found) for name, found in taken.items()}
    shares = {"detectors_share_of_engine": _share(busy), "detectors_share_of_engine_wall": _share(taken)}
    return {**speeds, **shares}


def _share(seconds: dict[str, list[float]]) -> float:
    """Return the detectors' share: runs of one round are compared, because the speed of a shared machine changes."""
    without, with_all = seconds["file_to_results_without_detectors"], seconds["file_to_results_trades_per_second"]
    return 1 - median(one / other for one, other in zip(without, with_all, strict=True))
