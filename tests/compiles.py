"""Warms up like an engine, then does everything engines do, and reports what Numba still compiled.

    python -m tests.compiles FOLDER

Prints one JSON line: `left_out`, the kernels that the warm-up neither calls nor compiles into another one, `has_scipy`,
whether it loaded SciPy's linear algebra, and `more`, the kernels that each scenario compiled. The cache must be empty
or have what a warm-up compiles, and nothing else.
"""

import importlib
import json
import pkgutil
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np
from numba.core.dispatcher import Dispatcher

import flow_gl.engine
from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import Command
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import DemoSpec, EngineSpec, FilesSpec, LiveSpec
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.engine.warm import warm_up
from flow_gl.runtime.launch import Session
from flow_gl.runtime.meters import StatusBoard
from flow_gl.store.market import EngineReader, EngineStore
from tests.feed.market_files import NAMES, csv_text, definition_record, frames, header, write
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import make_tape
from tests.kit.trades import make_trades

PATIENCE_S: Final = 60.0
SYMBOLS: Final = {instrument_id: name for name, instrument_id in NAMES.items()}


def kernels() -> dict[str, Dispatcher]:
    """Every kernel of the engine, by module and name."""
    found: dict[str, Dispatcher] = {}
    for module in pkgutil.walk_packages(flow_gl.engine.__path__, "flow_gl.engine."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Dispatcher):
                function = value.py_func
                found[f"{function.__module__.removeprefix('flow_gl.engine.')}.{function.__name__}"] = value
    return found


def compiled(all_kernels: dict[str, Dispatcher]) -> dict[str, int]:
    """Count for each kernel how often it was compiled, and not found in the cache."""
    return {name: sum(kernel.stats.cache_misses.values()) for name, kernel in all_kernels.items()}


def left_out(all_kernels: dict[str, Dispatcher]) -> list[str]:
    """Name the kernels that have not been called, neither from Python nor by one that has."""
    called = [kernel for kernel in all_kernels.values() if kernel.signatures]
    found = {id(kernel) for kernel in called}
    while called:
        inside = [one for one in _used_by(called.pop().py_func) if id(one) not in found]
        found |= {id(one) for one in inside}
        called += inside
    return sorted(name for name, kernel in all_kernels.items() if id(kernel) not in found)


def _used_by(function: FunctionType) -> Iterator[Dispatcher]:
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
        values = [function.__globals__.get(name) for name in code.co_names]
        modules = [value for value in values if isinstance(value, ModuleType)]
        values += [getattr(module, name, None) for module in modules for name in code.co_names]
        yield from (value for value in values if isinstance(value, Dispatcher))


def run(spec: EngineSpec, *, until: Callable[[np.void], bool]) -> None:
    """Run an engine in this process until `until(status)` is true."""
    store = EngineStore.local()
    session = Session(spec, SYSTEM, StatusBoard(store))
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    session.prepare()
    engine = session.open(commands)
    reader = EngineReader(store)
    give_up = time.monotonic() + PATIENCE_S
    try:
        while not until(reader.status):
            assert time.monotonic() < give_up, reader.text("message")
            time.sleep(engine.turn())
            reader.refresh()
    finally:
        session.close()


def replay(paths: list[Path], **options: Any) -> None:
    files = FilesSpec(paths=tuple(map(str, paths)), speed=None, **options)
    run(EngineSpec(feed=files), until=lambda status: status["state"] == FeedState.ENDED)


def scenarios(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    trades = make_trades(30_000, ids=tuple(SYMBOLS))
    definition = definition_record(3, NAMES["NQZ5"], "NQZ5", quantity=20_000_000_000)
    several = folder / "several.dbn.zst"
    several.write_bytes(frames(header() + definition + trades.tobytes(), parts=3))
    one = write(folder / "one.dbn", header(), make_trades(5_000))
    table = folder / "day.csv"
    table.write_text(csv_text(make_trades(3_000), symbols=SYMBOLS))
    days = []
    for day in range(3):
        days.append(folder / f"day{day}.dbn")
        write_dbn(
            days[-1],
            make_trades(2_000, seed=day, start_ns=int(trades["ts_event"][0]) + day * 86_400 * SECOND_NS),
            symbols=SYMBOLS,
        )
    yield "a file of several instruments", lambda: replay([several], symbols=("NQZ5", "NQH6"))
    yield "a file of one instrument", lambda: replay([one])
    yield "a CSV file", lambda: replay([table])
    yield (
        "a file from some time on, at a pace",
        lambda: run(
            EngineSpec(feed=FilesSpec(paths=(str(several),), from_time="18:10", speed=1000.0)),
            until=lambda status: status["trades"] > 5_000,
        ),
    )
    yield "several days, kept", lambda: replay(days, cache=True)
    yield "several days, from what was kept", lambda: replay(days, cache=True)
    yield (
        "the synthetic market",
        lambda: run(
            EngineSpec(feed=DemoSpec(history_s=600.0, speed=10.0)), until=lambda status: status["trades"] > 2_000
        ),
    )
    open_ns = SYSTEM.wall_ns() - 600 * SECOND_NS
    tape = make_tape(3000, step_ns=100_000_000, open_ns=open_ns)
    gateway = GatewayProcess(count=len(tape), published=1500, step_ns=100_000_000, open_ns=open_ns)
    live = EngineSpec(
        feed=LiveSpec(
            symbols=("NQ.v.0", "ES.v.0"),
            gateway="127.0.0.1",
            port=gateway.port,
            record_dir=str(folder / "recordings"),
            archive=f"sqlite:///{folder / 'archive.sqlite3'}",
        )
    )
    try:
        yield "live", lambda: run(live, until=lambda status: status["trades"] >= 1000)
        yield "live, from a recording on", lambda: run(live, until=lambda status: status["trades"] >= 1000)
    finally:
        gateway.kill()
    yield "another number of lods, clocks and commands", lambda: _by_hand(trades)


def _by_hand(trades: np.ndarray) -> None:
    pipeline = Pipeline(AggregationSettings(bucket_ns=SECOND_NS // 10, arm=1, cvd_reset="never"), lods=3)
    pipeline.attach(NAMES["NQZ5"], Collector(lods=3))
    for part in np.array_split(trades, 7):
        pipeline.process(part)
        pipeline.advance(int(part["ts_event"].max()))
        pipeline.publish(is_brief=True)
        pipeline.publish_next()
        pipeline.configure({"arm": 20, "value_area": 0.5, "value_area_step": 1})
    pipeline.process(trades[::3])
    pipeline.process(trades[:0])
    pipeline.finish()


def main(folder: Path) -> None:
    all_kernels = kernels()
    warm_up()
    missing, has_scipy = left_out(all_kernels), "scipy.linalg" in sys.modules
    seen, more = compiled(all_kernels), {}
    for name, do in scenarios(folder):
        do()
        now = compiled(all_kernels)
        more[name] = sorted(kernel for kernel in now if now[kernel] > seen[kernel])
        seen = now
    sys.stdout.write(json.dumps({"left_out": missing, "has_scipy": has_scipy, "more": more}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
